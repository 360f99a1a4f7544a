// The read-only HTTP listener: /metrics, /status.json, /livez, /readyz and the page. Owned by the
// main thread; its requests run on threads of its own, which ask the controller and touch no
// worker.
#pragma once

#include <memory>

#include "control/controller.h"
#include "control/model/machine.h"
#include "src/base/result.h"

namespace shunt::control::http {

class Server {
 public:
  // Listens; on a port that is free when options.port is 0. REQUIRES options.enabled. `controller`
  // must outlive the server. Errors: the port is taken (kConflict), not allowed (kPermission), the
  // address is not this machine's (kInvalid).
  static Result<std::unique_ptr<Server>> start(Controller& controller, const Http& options);
  // As stop().
  ~Server();

  uint16_t port() const noexcept;

  // Takes no more requests and cuts those that run; returns when their threads have ended, two seconds later at most.
  // Idempotent.
  void stop();

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace shunt::control::http
