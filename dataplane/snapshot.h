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

#include "dataplane/access_table.h"
#include "dataplane/match_table.h"
#include "dataplane/next_hops.h"
#include "dataplane/sysctls.h"
#include "dataplane/types.h"
#include "src/base/address.h"

namespace shunt::dataplane {

// A real in its slot: all that forwarding an existing connection's request needs, one cache line. The slot of a rule of
// snat has no address and no way out: each of its connections has its own (Connection::far_hop).
struct alignas(64) RealEntry {
  static constexpr uint8_t kRates = 1;
  static constexpr uint8_t kFtp = 2;
  static constexpr uint8_t kCrossing = 4;

  // A copy of next_hop's. `way_out.mtu`: bytes of a client's packet that may leave for the real, a tunnel's headers and
  // what tells of the client taken off; 0: none may now.
  WayOut way_out;
  // Outer source of its tunnel; next_hop's.
  IpAddress local_address;
  // Under tunnel and fullnat of either family; under the other methods of the service's.
  IpAddress address;
  // 0: a packet keeps the port that it came for.
  Be16 port;
  // Of its tunnel: where it listens for GUE.
  Be16 tunnel_port;
  Method method = Method::kNat;
  TunnelKind tunnel : 5 = TunnelKind::kIpip;
  // What its packets need more than to be sent on, in one field, so that one test asks for all of it.
  uint8_t needs : 3 = 0;
  // Toward the real; kNoNextHop while there is none: NextHops::route_to(address) says why.
  NextHopId next_hop = kNoNextHop;
  // Index into Snapshot::timeouts.
  uint16_t timeouts = 0;
  ServiceId service = kNoService;

  // Its service has limits that every packet is asked for.
  bool has_rates() const noexcept { return (needs & kRates) != 0; }
  // Its service's application is FTP (ftp/): some of its connections' packets are read.
  bool has_ftp() const noexcept { return (needs & kFtp) != 0; }
  // What leaves may be for a mapped address (nat64/crossing.h): it is IPv4 and its clients are not all, or they are and some
  // reals are not.
  bool crosses() const noexcept { return (needs & kCrossing) != 0; }
  bool is_special() const noexcept { return needs != 0; }
  void set_rates(bool on) noexcept { set(kRates, on); }
  void set_ftp(bool on) noexcept { set(kFtp, on); }
  void set_crosses(bool on) noexcept { set(kCrossing, on); }
  // The slot holds a real (perhaps one that is removed but still has connections).
  bool is_used() const noexcept { return service != kNoService; }
  // Sets `way_out` and `local_address` from what next_hop names. `carried`: bytes by which a packet grows that tells of its
  // client. For the snapshot's builder.
  void take_way_out(const NextHop& next, bool link_up, uint16_t carried = 0) noexcept;
  // There is no way out: next_hop becomes kNoNextHop. For the snapshot's builder.
  void lose_way_out() noexcept;

 private:
  void set(uint8_t need, bool on) noexcept { needs = static_cast<uint8_t>(on ? needs | need : needs & ~need); }
};
static_assert(sizeof(RealEntry) == 64);

// When a real has too many connections, active and inactive ones of the whole node: at `upper` it gets no more until it
// has less than `lower`, or, that being 0, less than three quarters of `upper` (ip_vs_conn.c ip_vs_bind_dest,
// ip_vs_unbind_dest).
struct Thresholds {
  uint32_t upper = 0;  // 0: never too many
  uint32_t lower = 0;

  bool operator==(const Thresholds&) const noexcept = default;
};

// A real as the schedulers see it. A down real is not in the list at all (keepalived's default, so that `mh` fills
// its table without it); a drained one is, with weight 0.
struct Candidate {
  RealId id;
  uint32_t weight = 0;
  // The last weight above 0: `mh` keeps a drained real's share of the table, so that a drain moves nobody else.
  uint32_t table_weight = 1;
  Thresholds thresholds;

  bool operator==(const Candidate&) const noexcept = default;
};

// How long a client keeps its real, and whom a client is taken for.
struct Persistence {
  uint32_t timeout_ms = 0;  // 0: not at all
  uint8_t prefix = 0;       // bits of an address of the service's family that all count as one client
  bool by_call = false;     // each call of his has a real to itself (IPVS's persistence engine sip); UDP alone

  bool operator==(const Persistence&) const noexcept = default;
};

// Bits of ServiceEntry::scheduler_flags.
// sh, mh, conhash: the client's port counts, not its address alone (Linux's sh-port, mh-port).
inline constexpr uint8_t kHashPort = 1;
// sh, mh: a client whose real is drained goes on to another real instead of being turned away (sh-fallback,
// mh-fallback).
inline constexpr uint8_t kFallback = 2;

// fullnat's local addresses: for reals of each family.
struct LocalAddresses {
  std::span<const IpAddress> v4;
  std::span<const IpAddress> v6;

  std::span<const IpAddress> of(AddressFamily family) const noexcept { return family == AddressFamily::kIpv4 ? v4 : v6; }
};

struct ServiceEntry {
  ServiceId id = kNoService;
  // Its first VIP, and the first port there; unspecified: it is found by its match. All that it is found by is in the
  // snapshot's tables.
  IpAddress address;
  Be16 port;
  uint8_t protocol = 0;
  SchedulerKind scheduler = SchedulerKind::kWlc;
  Method method = Method::kNat;
  // Any TCP packet but an RST opens a connection.
  bool sloppy_tcp = false;
  // Every datagram gets a real of its own, and no connection.
  bool one_packet = false;
  // It is found by a match that takes any destination: a reply on its way to a client may look like a request for it.
  bool any_destination = false;
  // Any SCTP packet but an ABORT does.
  bool sloppy_sctp = false;
  // k... above. Linux's default is none; with kFallback a drain costs nobody a connection.
  uint8_t scheduler_flags = kFallback;
  // conhash: of its share of the connections, how many percent a real may have; 0: any.
  uint16_t load_bound = 125;
  NoReal no_real = NoReal::kUnreachable;
  // What clients are told whom `access` denies.
  Refusal refusal = Refusal::kDrop;
  // nullptr: every client may open connections.
  const AccessTable* access = nullptr;
  // It is in Snapshot::limited.
  bool has_limits = false;
  // Of fullnat; of connections that begin from now on.
  ClientAddress client_address;
  // What reals make of new connections is counted (outcome.h). Of TCP under nat and fullnat.
  bool is_watched = false;
  // Of connections that begin from now on.
  Application application = Application::kNone;
  // A candidate has Thresholds.
  bool has_thresholds = false;
  Persistence persistence;
  // Changes whenever `candidates` or `scheduler` does: per-worker cursors notice.
  uint32_t generation = 0;
  // Another one for each service and each scheduler of it: what a cursor remembers of a former one does not count.
  uint32_t round = 0;
  // The scheduler came to a service that had its reals already, instead of seeing them added one by one.
  bool scheduler_changed = false;
  // Newest first, as the kernel keeps its list.
  std::span<const Candidate> candidates;
  // The same by RealId, with persistence, thresholds, lblc or lblcr; else empty.
  std::span<const Candidate> by_id;
  // Those for whom the scheduler has no real (keepalived's sorry_server).
  std::span<const Candidate> sorry;
  // Slot table of schedulers that need one (mh, sh, ...): most hold indices into candidates.
  std::span<const uint32_t> slots;
  // fullnat's.
  LocalAddresses local_addresses;
  // Its clients are IPv4's, and some of its reals are not: all its connections that begin now cross (nat64/crossing.h).
  bool crosses = false;
};

// Open-addressed by (protocol, address, port); power of two of slots, at most half full.
struct ServiceSlot {
  IpAddress address;
  Be16 port;
  uint8_t protocol = 0;  // 0: empty
  uint32_t service = 0;  // index into Snapshot::services
};

// Ports of one VIP that are one service's: from `first` to the next stretch, and whose. Ranges that lie in others are
// resolved: the narrowest has the port.
struct PortStretch {
  static constexpr uint32_t kNobody = UINT32_MAX;
  uint16_t first = 0;
  uint32_t service = kNobody;  // index into Snapshot::services
};

// A VIP with services for ranges of ports, or for all; open-addressed by (protocol, address) as above.
struct RangeSlot {
  IpAddress address;
  uint8_t protocol = 0;  // 0: empty
  // Of Snapshot::port_stretches; the first begins at port 0.
  uint32_t begin = 0;
  uint32_t count = 0;
};

// A nat real of a one-packet service, or of one with persistence by call: what it sends from `port` are replies, which
// leave from the VIP although no connection knows them. Open-addressed by (protocol, address, port) as above.
struct OnePacketSlot {
  IpAddress address;
  Be16 port;             // 0: it keeps the packets' ports, any of them
  uint8_t protocol = 0;  // 0: empty
  RealId real;
  // Where its service's clients send to. `first_port`..`last_port`: the ports that it keeps, or the service's one
  // twice.
  IpAddress vip;
  uint16_t first_port = 0;
  uint16_t last_port = 0;
  // It may begin connections, as calls do from either end (ip_vs_pe_sip.c ip_vs_sip_conn_out).
  bool by_call = false;
};

// Where a nat real answers for its service. Open-addressed by (protocol, address, port) as above.
struct NatRealSlot {
  IpAddress address;
  Be16 port;
  uint8_t protocol = 0;  // 0: empty
};

// A rule by which those behind us reach out from addresses of ours (snat.h).
struct SnatEntry {
  static constexpr uint16_t kAnyPort = UINT16_MAX;

  // Its slot, with method snat.
  RealId real;
  // Its place in Worker::snat_exhausted, stable through snapshots.
  uint32_t counter = 0;
  // DPDK id of the port that its packets leave by; kAnyPort: any.
  uint16_t out_port = kAnyPort;
  uint16_t first_port = 0;
  uint16_t last_port = 0;
  // All of the rule's family; not empty.
  std::span<const IpAddress> addresses;
};

// An address with a meaning to the packet path, open-addressed as above; no kinds: empty.
struct AddressSlot {
  enum class Kind : uint8_t {
    kLocal,  // in a fullnat pool, or a rule's of snat
    kReal,   // of a nat real: its replies may belong to another worker
    kOwn,    // the machine's own, on a kernel port
    kVip,    // of a service: fragments for it are ours
    // A VIP of a service with FTP, whose data connections are at any port of it (ftp/data_connection.h).
    kFtpNat,
    kFtpFullnat,
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

struct ServiceLimits;

// A service that has limits (limits.h). `limits` nullptr: it has none.
struct LimitedService {
  ServiceLimits* limits = nullptr;
  // Its reals, removed ones included.
  std::span<const RealId> reals;
};

struct Snapshot {
  uint64_t version = 0;
  std::span<const RealEntry> reals;        // by RealId
  std::span<const ServiceEntry> services;  // in no order
  std::span<const ServiceSlot> service_slots;
  std::span<const RangeSlot> range_slots;
  std::span<const PortStretch> port_stretches;
  std::span<const OnePacketSlot> one_packet_slots;
  std::span<const NatRealSlot> nat_real_slots;  // with sysctl nat_icmp_send alone
  MatchTable matches;
  // Rules of snat, and by what they are found; MatchTable::services are places in snat_rules.
  std::span<const SnatEntry> snat_rules;
  MatchTable snat_matches;
  std::span<const AddressSlot> addresses;
  std::span<const TimeoutSet> timeouts;
  // By ServiceId, up to the last one that has some.
  std::span<const LimitedService> limited;
  // By RealEntry::timeouts, too: the most that a SYN may say its sender takes in a segment; 0: whatever it says.
  std::span<const uint16_t> max_segment_sizes;
  // Some service has clients and reals of different families.
  bool has_crossings = false;
  Sysctls sysctls;
  // A bit for each RealId whose connections are to end because it was removed (sysctl expire_nodest_conn); ids
  // beyond its end have none. Another set has another generation.
  std::span<const uint64_t> expired_reals;
  uint32_t expired_generation = 0;
  NextHops next_hops;
  // Per port (by DPDK port id): link state as the kernel or the driver last said.
  std::array<bool, kMaxPorts> link_up{};
  // Per port (by DPDK port id).
  std::array<PortAddresses, kMaxPorts> port_addresses{};
  // Whatever keeps the spans alive.
  std::vector<std::shared_ptr<const void>> storage;

  // The service of a request that came in on the port `in_port` (DPDK id), or nullptr: the first match that fits, then
  // by address and port as below. noexcept, as all here; any thread while the snapshot lives.
  const ServiceEntry* find_service(const IpFlow& request, uint16_t in_port) const noexcept;
  // By VIP and port alone: the service of that very port, of the narrowest range with it, of all ports.
  const ServiceEntry* find_service(uint8_t protocol, const IpAddress& address, Be16 port) const noexcept;
  // The one-packet real that sent a reply, or nullptr.
  const OnePacketSlot* find_one_packet(const IpFlow& reply) const noexcept;
  // Whether a packet comes from a nat real's very port for its service; only known with sysctl nat_icmp_send.
  bool is_from_nat_real(const IpFlow& reply) const noexcept;
  // Bits of AddressSlot::Kind for an address; 0: none.
  uint8_t kinds_of(const IpAddress& address) const noexcept;
  // Whether services have the address, by itself or by a match's prefix.
  bool is_vip(const IpAddress& address) const noexcept;
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
