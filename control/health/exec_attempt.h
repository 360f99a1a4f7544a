// A check program: its exit status is the outcome. No shell, no descriptor of ours but its output, a process group of its
// own that is killed as a whole when the attempt ends first. On the loop's thread.
#pragma once

#include <sys/types.h>

#include <asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "control/health/attempt.h"

namespace shunt::control {

class Programs {
 public:
  // `folder` has the programs; what is not in it is not run.
  Programs(asio::io_context& loop, std::string folder) : loop_(loop), folder_(std::move(folder)) {}
  ~Programs() { reap(); }

  // kUnable: there is no such program in the folder, or others than root and ourselves can change it.
  Begun begin(const ExecCheck& check, const CheckedPlace& place, std::chrono::milliseconds timeout,
              Attempt::Done done);

 private:
  class Run;
  void reap();

  asio::io_context& loop_;
  const std::string folder_;
  // Killed, but not gone when we looked.
  std::vector<pid_t> leaving_;
  std::shared_ptr<void> life_ = std::make_shared<char>();
};

}  // namespace shunt::control
