// Everything of ours that touches Linux's network stack: the kernel ports' TAPs and their pump, the mirror of routes and
// neighbours, VIPs and local addresses on the kernel ports, next hops to resolve, health checks. What is here but the
// TAPs lives on the controller's loop.
#pragma once

#include <memory>

#include "control/controller.h"
#include "control/model/desired_state.h"
#include "control/model/machine.h"
#include "dataplane/setup/dataplane.h"
#include "src/base/result.h"

namespace shunt::shuntd {

class KernelSide {
 public:
  // Makes the TAPs. Errors: those of control::Tap::create, and kUnavailable without netlink. `dataplane` must outlive
  // this. Main thread.
  static Result<std::unique_ptr<KernelSide>> create(dataplane::Dataplane& dataplane, const control::Machine& machine);
  // Main thread, after the loop has ended.
  ~KernelSide();

  // For the controller's start; they work from then on, what comes before attach() is caught up there.
  control::ControllerHooks hooks();

  // Starts the mirror, the checks and the pump. Main thread; waits for the loop. `controller` must outlive this's use
  // of its loop, that is, be stopped before this is destroyed and destroyed after. kUnavailable without netlink.
  Result<void> attach(control::Controller& controller);

 private:
  struct State;
  explicit KernelSide(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace shunt::shuntd
