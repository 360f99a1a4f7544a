// The immutable tables that workers read: services, reals, next hops. Built whole by control/, published by one
// pointer swap (dataplane/setup/publisher.h), freed after every worker has passed a quiescent state.
//
// The spans point into memory that the snapshot's builder owns (Snapshot::storage); parts that did not change are
// shared with the snapshot before.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/next_hops.h"
#include "dataplane/types.h"
#include "src/base/address.h"

namespace shunt::dataplane {

// A real in its slot: all that forwarding an existing connection's request needs, one cache line.
struct alignas(64) RealEntry {
  // A copy of next_hop's. `way_out.mtu`: bytes of a client's packet that may leave for the real, a tunnel's header taken
  // off; 0: none may now.
  WayOut way_out;
  // Outer source of its tunnel; next_hop's.
  IpAddress local_address;
  IpAddress address;
  Be16 port;
  Method method = Method::kNat;
  // The slot holds a real (perhaps one that is removed but still has connections).
  bool used = false;
  // Toward the real; kNoNextHop while there is none: NextHops::route_to(address) says why.
  NextHopId next_hop = kNoNextHop;
  // Index into Snapshot::timeouts.
  uint16_t timeouts = 0;
  ServiceId service = kNoService;

  // Sets `way_out` and `local_address` from what next_hop names. For the snapshot's builder.
  void take_way_out(const NextHop& next, bool link_up) noexcept;
  // There is no way out: next_hop becomes kNoNextHop. For the snapshot's builder.
  void lose_way_out() noexcept;
};
static_assert(sizeof(RealEntry) == 64);

// A real as the schedulers see it. A down real is not in the list at all (keepalived's default, so that `mh` fills
// its table without it); a drained one is, with weight 0.
struct Candidate {
  RealId id;
  uint32_t weight = 0;
  // The last weight above 0: `mh` keeps a drained real's share of the table, so that a drain moves nobody else.
  uint32_t table_weight = 1;
};

// Bits of ServiceEntry::scheduler_flags.
// sh, mh: the client's port counts, not its address alone (Linux's sh-port, mh-port).
inline constexpr uint8_t kHashPort = 1;
// sh, mh: a client whose real is drained goes on to another real instead of being turned away (sh-fallback, mh-fallback).
inline constexpr uint8_t kFallback = 2;

struct ServiceEntry {
  ServiceId id = kNoService;
  IpAddress address;
  Be16 port;
  uint8_t protocol = 0;
  SchedulerKind scheduler = SchedulerKind::kWlc;
  Method method = Method::kNat;
  // Any TCP packet but an RST opens a connection.
  bool sloppy_tcp = false;
  // k... above. Linux's default is none; with kFallback a drain costs nobody a connection.
  uint8_t scheduler_flags = kFallback;
  // Changes whenever `candidates` or `scheduler` does: per-worker cursors notice.
  uint32_t generation = 0;
  // Newest first, as the kernel keeps its list.
  std::span<const Candidate> candidates;
  // Slot table of schedulers that need one (mh, sh, ...): most hold indices into candidates.
  std::span<const uint32_t> slots;
  // fullnat's local addresses, all of the family of `address`.
  std::span<const IpAddress> local_addresses;
};

// Open-addressed by (protocol, address, port); power of two of slots, at most half full.
struct ServiceSlot {
  IpAddress address;
  Be16 port;
  uint8_t protocol = 0;  // 0: empty
  uint32_t service = 0;  // index into Snapshot::services
};

// An address with a meaning to the packet path, open-addressed as above; no kinds: empty.
struct AddressSlot {
  enum class Kind : uint8_t {
    kLocal,  // in a fullnat pool
    kReal,   // of a nat real: its replies may belong to another worker
    kOwn,    // the machine's own, on a kernel port
    kVip,    // of a service: fragments for it are ours
  };
  IpAddress address;
  // Bits 1 << Kind.
  uint8_t kinds = 0;
};

// A port's own address of each family on its kernel port, the source of ICMP errors; unspecified: none.
struct PortAddresses {
  IpAddress v4;
  IpAddress v6{AddressFamily::kIpv6, {}};

  const IpAddress& of(AddressFamily family) const noexcept { return family == AddressFamily::kIpv4 ? v4 : v6; }
  bool operator==(const PortAddresses&) const noexcept = default;
};

using TimeoutSet = std::array<uint32_t, kTimeoutKinds>;  // milliseconds, by ConnectionState

struct Snapshot {
  uint64_t version = 0;
  std::span<const RealEntry> reals;        // by RealId
  std::span<const ServiceEntry> services;  // in no order
  std::span<const ServiceSlot> service_slots;
  std::span<const AddressSlot> addresses;
  std::span<const TimeoutSet> timeouts;
  NextHops next_hops;
  // Per port (by DPDK port id): link state as the kernel or the driver last said.
  std::array<bool, kMaxPorts> link_up{};
  // Per port (by DPDK port id).
  std::array<PortAddresses, kMaxPorts> port_addresses{};
  // Whatever keeps the spans alive.
  std::vector<std::shared_ptr<const void>> storage;

  // The service of a request, or nullptr. noexcept; any thread while the snapshot lives.
  const ServiceEntry* find_service(uint8_t protocol, const IpAddress& address, Be16 port) const noexcept;
  // Bits of AddressSlot::Kind for an address; 0: none.
  uint8_t kinds_of(const IpAddress& address) const noexcept;
};

constexpr uint8_t bit(AddressSlot::Kind kind) noexcept {
  return static_cast<uint8_t>(1u << static_cast<uint8_t>(kind));
}

// Hashes of the open-addressed tables; shared with the builder.
inline uint32_t service_hash(uint8_t protocol, const IpAddress& address, Be16 port) noexcept {
  const uint32_t mixed = (table_hash(address) ^ (uint32_t{port.raw} << 13) ^ protocol) * 2654435761u;
  return mixed ^ (mixed >> 15);
}
inline uint32_t address_hash(const IpAddress& address) noexcept { return table_hash(address); }

}  // namespace shunt::dataplane
