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
  Be32 address;
  Be16 port;
  Method method = Method::kNat;
  // The slot holds a real (perhaps one that is removed but still has connections).
  bool used = false;
  // Toward the real; kNoNextHop while there is none, then `neighbour` on `neighbour_port` is to be resolved.
  NextHopId next_hop = kNoNextHop;
  uint16_t neighbour_port = 0;
  Be32 neighbour;
  // No route at all to the real.
  bool no_route = true;
  // Bytes of a client's packet that may leave for the real, a tunnel's header taken off; 0: none may now.
  uint16_t fits = 0;
  // Index into Snapshot::timeouts.
  uint16_t timeouts = 0;
  ServiceId service = kNoService;
  // A copy of next_hop's, valid while `fits` is above 0.
  NextHop hop;

  // Sets `hop` and `fits` from what next_hop names. For the snapshot's builder.
  void take_way_out(const NextHop& next, bool link_up) noexcept;
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

struct ServiceEntry {
  ServiceId id = kNoService;
  Be32 address;
  Be16 port;
  uint8_t protocol = 0;
  SchedulerKind scheduler = SchedulerKind::kWlc;
  Method method = Method::kNat;
  // Any TCP packet but an RST opens a connection.
  bool sloppy_tcp = false;
  // Changes whenever `candidates` does: per-worker cursors notice.
  uint32_t generation = 0;
  // Newest first, as the kernel keeps its list.
  std::span<const Candidate> candidates;
  // Slot table of schedulers that need one (mh): indices into candidates.
  std::span<const uint32_t> slots;
  // fullnat's local addresses.
  std::span<const Be32> local_addresses;
};

// Open-addressed by (protocol, address, port); power of two of slots, at most half full.
struct ServiceSlot {
  Be32 address;
  Be16 port;
  uint8_t protocol = 0;  // 0: empty
  uint32_t service = 0;  // index into Snapshot::services
};

// An IPv4 address with a meaning to the packet path, open-addressed as above; address 0: empty.
struct AddressSlot {
  enum class Kind : uint8_t {
    kLocal,  // in a fullnat pool
    kReal,   // of a nat real: its replies may belong to another worker
    kOwn,    // the machine's own, on a kernel port
    kVip,    // of a service: fragments for it are ours
  };
  Be32 address;
  // Bits 1 << Kind.
  uint8_t kinds = 0;
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
  // Per port: our own address on its kernel port, the source of ICMP errors; 0.0.0.0: none.
  std::array<Be32, kMaxPorts> port_address{};
  // Whatever keeps the spans alive.
  std::vector<std::shared_ptr<const void>> storage;

  // The service of a request, or nullptr. noexcept; any thread while the snapshot lives.
  const ServiceEntry* find_service(uint8_t protocol, Be32 address, Be16 port) const noexcept;
  // Bits of AddressSlot::Kind for an address; 0: none.
  uint8_t kinds_of(Be32 address) const noexcept;
};

constexpr uint8_t bit(AddressSlot::Kind kind) noexcept {
  return static_cast<uint8_t>(1u << static_cast<uint8_t>(kind));
}

// Hashes of the open-addressed tables; shared with the builder.
constexpr uint32_t service_hash(uint8_t protocol, Be32 address, Be16 port) noexcept {
  const uint32_t mixed = (address.raw ^ (uint32_t{port.raw} << 13) ^ protocol) * 2654435761u;
  return mixed ^ (mixed >> 15);
}
constexpr uint32_t address_hash(Be32 address) noexcept {
  const uint32_t mixed = address.raw * 2654435761u;
  return mixed ^ (mixed >> 15);
}

}  // namespace shunt::dataplane
