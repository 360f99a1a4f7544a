// Makes Linux resolve a next hop, or check one that it has: the neighbour table then tells the
// mirror. One thread at a time, in the network namespace of the kernel ports.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "control/kernel/netlink.h"
#include "control/kernel/port_interface.h"
#include "src/base/address.h"
#include "src/base/result.h"

namespace shunt::control {

class Resolver {
 public:
  using Clock = std::chrono::steady_clock;

  // kUnavailable without netlink.
  static Result<Resolver> open(std::vector<PortInterface> interfaces);

  // Asks for `address` on the kernel port of `port`, at most once a second each; more often does
  // nothing. An unknown or failed neighbour is asked for at once (ARP, ND), a stale one is used and
  // probed within some seconds, a fresh one is left alone. Does not wait. Returns whether the
  // kernel was asked. What it refuses is logged, at most once a minute.
  bool resolve(uint16_t port, const IpAddress& address, Clock::time_point now);

 private:
  Resolver(std::vector<PortInterface> interfaces, NetlinkSocket netlink)
      : interfaces_(std::move(interfaces)), netlink_(std::move(netlink)) {}
  void forget_before(Clock::time_point time);
  void read_refusals(Clock::time_point now);
  void complain(const std::string& subject, int error, Clock::time_point now);

  std::vector<PortInterface> interfaces_;
  NetlinkSocket netlink_;
  std::vector<char> buffer_ = std::vector<char>(NetlinkSocket::kBufferBytes);
  std::map<std::pair<uint16_t, IpAddress>, Clock::time_point> asked_;
  Clock::time_point forgotten_until_, quiet_until_;
};

}  // namespace shunt::control
