// The running daemon: everything that shuntd owns, in the order of its start. Main thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "config/validate.h"
#include "control/controller.h"
#include "control/http/server.h"
#include "control/rpc/server.h"
#include "dataplane/setup/dataplane.h"
#include "src/base/result.h"
#include "src/shuntd/configuration.h"
#include "src/shuntd/kernel_side.h"
#include "src/shuntd/telemetry.h"

namespace shunt::shuntd {

class Daemon {
 public:
  // Errors: those of its parts.
  static Result<std::unique_ptr<Daemon>> start(Configuration configuration);
  // Stops what was started, the last first.
  ~Daemon();

  // "2 ports, 1 worker, ...": for the log and for systemd.
  std::string summary() const;
  // Reads the file's services anew. A bad file changes nothing and is told in the log.
  void reload(const std::string& path);
  // Every worker has polled since the last call.
  bool workers_advanced();

 private:
  explicit Daemon(Configuration configuration);

  Configuration configuration_;
  config::MachineNames names_;
  std::unique_ptr<dataplane::Dataplane> dataplane_;
  std::unique_ptr<control::Controller> controller_;
  std::unique_ptr<KernelSide> kernel_side_;
  std::unique_ptr<control::rpc::Server> server_;
  std::unique_ptr<Telemetry> telemetry_;
  // Unset: disabled.
  std::unique_ptr<control::http::Server> http_;
  std::vector<uint64_t> polls_;
};

}  // namespace shunt::shuntd
