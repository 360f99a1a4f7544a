// Mirrors what Linux knows about the kernel ports: links, addresses, routes of the main table,
// neighbours. Lives on the control loop's thread; the callback is called there.
//
// Neighbours follow the kernel's messages one by one. Links, addresses and routes are read anew,
// all of them, when a message says that something relevant to a kernel port changed, because the
// kernel does not tell of every route that goes: those of an interface that went down or of a
// source address that was removed vanish silently, and a replaced route is not named. The cost is a
// full reading per change, in steps between which the loop does other work, and never more than a
// tenth of the time.
#pragma once

#include <asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "control/kernel/port_interface.h"
#include "control/kernel/view.h"
#include "src/base/result.h"

namespace shunt::control {

struct MirrorOptions {
  // Changes within this time are told together.
  std::chrono::milliseconds coalesce{2};
  // The kernel's queue of messages for us; when it overflows everything is read anew.
  int receive_bytes = 4 << 20;
};

class Mirror {
 public:
  // Called with the first view, also an empty one, and with every one that differs from the one
  // before. Sorted: links by port, routes by prefix and metric, neighbours by port and address.
  using OnChange = std::function<void(const KernelView&)>;

  // An interface that does not exist (yet) has no link in the view. kUnavailable without netlink.
  static Result<std::unique_ptr<Mirror>> start(asio::io_context& loop,
                                               std::vector<PortInterface> interfaces,
                                               OnChange on_change, MirrorOptions options = {});
  // On the loop's thread, or after the loop has ended. No callback comes afterwards.
  ~Mirror();

 private:
  struct State;
  explicit Mirror(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace shunt::control
