// The kernel port: a TAP interface that stands for a DPDK port in Linux's network stack. It exists
// while this object does, and ends with the process however that ends. One thread makes it; any
// thread may read and write its descriptor.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/base/address.h"
#include "src/base/result.h"

namespace shunt::control {

struct TapOptions {
  // 1..15 characters.
  std::string name;
  // The DPDK port's own: frames for the machine carry it. All zero: the kernel makes one up.
  MacAddress mac;
  uint16_t mtu = 1500;
  std::vector<InterfaceAddress> addresses;
};

class Tap {
 public:
  // Makes the interface in the calling thread's network namespace, with IPv6 and its addresses, and
  // brings it up. Errors: kConflict (the name is taken), kPermission (no CAP_NET_ADMIN), kNotFound
  // (no TUN/TAP driver), kInvalid (the kernel refused name, MAC, MTU or an address).
  static Result<Tap> create(const TapOptions& options);
  Tap(Tap&& other) noexcept;
  Tap& operator=(Tap&& other) noexcept;
  ~Tap();

  // Non-blocking. One read or write is one Ethernet frame without any header before it; checksums
  // of frames that the kernel sends are complete, and no frame is longer than the MTU allows.
  int fd() const noexcept { return fd_; }
  int ifindex() const noexcept { return ifindex_; }
  const std::string& name() const noexcept { return name_; }

 private:
  Tap(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
  int fd_ = -1;
  int ifindex_ = 0;
  std::string name_;
};

}  // namespace shunt::control
