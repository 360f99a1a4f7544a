// WatchStats followed in the background, and begun anew when it breaks off. Calls come from one
// thread; a thread of its own reads the stream.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "shunt/v1/api.pb.h"
#include "src/shuntctl/outcome.h"
#include "src/shuntctl/settings.h"

namespace shunt::shuntctl {

class FigureStream {
 public:
  explicit FigureStream(const Settings& settings);

  // Follows these services and no others; what is followed already goes on. None: nothing is.
  void follow(const std::vector<std::string>& services, bool with_reals);
  void stop();

  // The last whole look; nullopt: none came for some seconds.
  std::optional<v1::Stats> latest() const;
  // Why none comes; nullopt while all is well, as far as is known.
  std::optional<Failure> trouble() const;

 private:
  using Clock = std::chrono::steady_clock;

  void run(const std::stop_token& stop, const v1::WatchStatsRequest& request);
  std::optional<Failure> read(const std::stop_token& stop, const v1::WatchStatsRequest& request);
  void take(v1::Stats look);

  Settings settings_;
  v1::WatchStatsRequest followed_;
  mutable std::mutex mutex_;
  // Of the thread, under the mutex.
  std::optional<v1::Stats> latest_;
  Clock::time_point came_;
  std::optional<Failure> trouble_;
  bool is_well_ = false;
  std::condition_variable_any pause_ended_;
  // Last: it ends before what it uses.
  std::jthread thread_;
};

}  // namespace shunt::shuntctl
