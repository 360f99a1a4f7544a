// Keeps VIPs and local addresses on the kernel ports, so that Linux answers for them (ARP, ND,
// ping), and announces new ones to the neighbours. Lives on the control loop's thread, in the
// network namespace of the kernel ports.
#pragma once

#include <asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "control/kernel/port_interface.h"
#include "src/base/address.h"
#include "src/base/result.h"

namespace shunt::control {

class Addresses {
 public:
  // kUnavailable without netlink.
  static Result<std::unique_ptr<Addresses>> open(asio::io_context& loop,
                                                 std::vector<PortInterface> interfaces);
  // The addresses stay until their interface goes.
  ~Addresses();

  // Makes `wanted` be on the port's kernel port as host addresses (/32, /128) without a route of
  // their own, and removes those that an earlier call added and that are wanted no more; others are
  // never touched. An address that is on the interface already, with whatever prefix length, is
  // left as it is. Compares with what the kernel has, so calling it again repairs what others
  // undid. Every new address is announced, by ARP or as an IPv6 neighbour (announcement.h), at once
  // and twice more, a second apart. IPv6 ones are usable at once, without duplicate address
  // detection. Waits for the kernel's answers, some microseconds for each address. Errors:
  // kNotFound (no kernel port), kInvalid (the kernel refused an address: the first that it refused;
  // all others are set).
  Result<void> set(uint16_t port, const std::vector<IpAddress>& wanted);

 private:
  struct State;
  explicit Addresses(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace shunt::control
