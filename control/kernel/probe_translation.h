// Addresses that stand for reals as clients meet them: to Linux a VIP is an address of its own, to which it sends nothing
// out of the machine. So each real that is checked by way of its VIP has an address out of a prefix that nothing else uses
// (probe address); what Linux sends there becomes a packet for the VIP that is forwarded to that very real, and what comes
// back from the VIP comes back from that address. No I/O. One thread, but for ProbeTable, which is immutable.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "src/base/address.h"
#include "src/base/byte_order.h"

namespace shunt::control {

struct ProbePrefixes {
  Prefix v4;
  Prefix v6;
  const Prefix& of(AddressFamily family) const noexcept { return family == AddressFamily::kIpv4 ? v4 : v6; }
};

// The probe address of a number, a RealId's index.
IpAddress probe_address(const ProbePrefixes& prefixes, AddressFamily family, uint32_t number) noexcept;

struct ProbeTable {
  ProbePrefixes prefixes;
  // By number: the VIP, whose family is the probe address's.
  std::unordered_map<uint32_t, IpAddress> vips;
  // The machine's own addresses on kernel ports, sorted: who may probe.
  std::vector<IpAddress> own;
};

struct ProbeCounters {
  uint64_t out = 0;
  uint64_t in = 0;
  // Of neither a check nor an answer to one: from or to a probe address, and not ours.
  uint64_t refused = 0;
};

class ProbeTranslation {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // An IP packet that Linux sent to a probe address becomes one for the VIP. The number of the real; nullopt: it is none of
  // a check's (forwarded for somebody else, a fragment, neither TCP nor UDP), or too many are under way.
  std::optional<uint32_t> outward(const ProbeTable& table, std::span<uint8_t> packet, Time now);

  enum class Inward {
    kNone,    // a packet for Linux, as it is
    kAnswer,  // to a check: it comes from the probe address now, and its length is in `bytes`
    kForged,  // it comes from outside and bears a probe address
  };
  // An IP packet from outside on its way to Linux.
  Inward inward(const ProbeTable& table, std::span<uint8_t> packet, Time now, size_t& bytes);

  size_t flows() const noexcept { return flows_.size(); }
  static constexpr size_t kMostFlows = 65536;

 private:
  // As the real sees it.
  struct Flow {
    IpAddress own;
    IpAddress vip;
    Be16 own_port;
    Be16 vip_port;
    uint8_t protocol = 0;
    bool operator==(const Flow&) const = default;
  };
  struct FlowHash {
    size_t operator()(const Flow& flow) const noexcept;
  };
  struct Kept {
    IpAddress probe;
    Time last;
  };
  void forget_old(Time now);

  std::unordered_map<Flow, Kept, FlowHash> flows_;
  Time looked_{};
};

}  // namespace shunt::control
