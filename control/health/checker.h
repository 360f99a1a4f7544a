// Health checks: every real is asked, over and over, in the way that its service says. One scheduler on the control
// loop's thread does them all; a check is a socket (or a process) and an entry in a queue, no thread. The checks take the
// ways of Linux's own connections: out through the kernel port.
#pragma once

#include <asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/health/figures.h"
#include "control/model/desired_state.h"
#include "control/report.h"
#include "src/base/address.h"

namespace shunt::control {

// A service's real.
struct CheckedReal {
  std::string service;
  std::string name;
  auto operator<=>(const CheckedReal&) const = default;
};

// A real to be checked.
struct CheckTarget {
  CheckedReal real;
  IpAddress address;
  // The real's; `check.port` goes before it.
  uint16_t port = 0;
  HealthCheck check;
  // Of a check by way of the VIP: that, and the probe address that stands for the real there.
  struct Probed {
    IpAddress vip;
    IpAddress probe;
  };
  std::optional<Probed> probed;
};

struct CheckerOptions {
  // Checks under way at a time; further ones wait their turn. Never more than half of the open files that the process
  // is allowed.
  size_t max_open = 4096;
  // Programs at a time.
  size_t max_programs = 16;
  // Where check programs are.
  std::string programs = "/etc/shunt/checks";
};

class Checker {
 public:
  // A check's outcome that changes the health, or its cause: "connect: connection refused in 0.4 ms". The time is that of
  // the check that brought the change; later ones that differ in nothing else are not told. `health` is kUnknown while
  // the first failures are fewer than `fall`, and never kUnchecked. Called on the loop's thread; may call set_targets().
  using OnResult = std::function<void(const CheckedReal& real, Health health, const std::string& text)>;

  Checker(asio::io_context& loop, OnResult on_result, CheckerOptions options = {});
  // On the loop's thread, or after the loop has ended. No callback comes afterwards.
  ~Checker();

  // Makes these, and only these, be checked. One whose names, address and checked port were there before keeps its
  // health, also under another check, other intervals or thresholds; of one that is gone nothing is reported any more.
  // One whose check is not `enabled` counts as gone. Targets that agree in address, port, check and pace share one. A new
  // one is checked within a second, many new ones as fast as the machine goes. On the loop's thread.
  void set_targets(std::vector<CheckTarget> targets);

  // Checks that are made, of all targets together.
  size_t probes() const;
  // Of the kinds that were made since the start.
  std::vector<CheckFigures> figures() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace shunt::control
