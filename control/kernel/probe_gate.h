// The interface of Linux's behind which probe addresses are (probe_translation.h): a TUN, to which their prefixes are
// routed. It exists while this object does. The pump's thread moves packets; set() may be called by any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/kernel/probe_translation.h"
#include "src/base/result.h"

namespace shunt::control {

struct ProbeGateOptions {
  std::string name;
  ProbePrefixes prefixes;
  // With room for a tunnel's headers within what reals' links take.
  uint16_t mtu = 1400;
};

class ProbeGate {
 public:
  // An IP packet for the VIP, to be forwarded to this real. False: it is lost.
  using SendToReal = std::function<bool(uint32_t real, const uint8_t* packet, size_t bytes)>;

  // Errors: as Tap::create()'s; kInvalid also when Linux refuses a route.
  static Result<std::unique_ptr<ProbeGate>> open(const ProbeGateOptions& options, SendToReal send);
  ~ProbeGate();
  ProbeGate(const ProbeGate&) = delete;
  ProbeGate& operator=(const ProbeGate&) = delete;

  // Any thread.
  void set(ProbeTable table);
  ProbeCounters counters() const noexcept;

  // --- the pump's thread ---
  int fd() const noexcept { return fd_; }
  // What Linux sent. True: there was something.
  bool move_out();
  // True: the frame is not for Linux as it is; it was taken care of.
  bool take_in(const uint8_t* frame, size_t bytes);

 private:
  ProbeGate(int fd, SendToReal send);

  const int fd_;
  const SendToReal send_;
  std::atomic<std::shared_ptr<const ProbeTable>> table_{std::make_shared<const ProbeTable>()};
  ProbeTranslation translation_;
  std::vector<uint8_t> packet_;
  bool gone_ = false;
  std::atomic<uint64_t> out_{0}, in_{0}, refused_{0};
};

}  // namespace shunt::control
