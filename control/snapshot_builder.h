// Puts together the tables that workers read. Each call tells one thing that changed; build() makes anew only the
// parts that it touches and shares the rest with the snapshot before: a neighbour that changes costs nothing per
// service, a weight costs one service. Owner: the controller's thread; what build() returns is immutable.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "control/access_tables.h"
#include "control/limits_builder.h"
#include "control/match_table_builder.h"
#include "control/next_hop_table.h"
#include "control/snat_table.h"
#include "dataplane/snapshot.h"

namespace shunt::control {

// A service as it should be; ids are those of its slots.
struct ServiceInput {
  dataplane::ServiceId id = dataplane::kNoService;
  dataplane::Protocol protocol = dataplane::Protocol::kTcp;
  // None with a match.
  std::vector<Vip> vips;
  // Its `service` is the builder's to set.
  std::optional<MatchRule> match;
  // Among the matches: the lower is asked first.
  uint32_t priority = 0;
  dataplane::SchedulerKind scheduler = dataplane::SchedulerKind::kWlc;
  // dataplane::kHashPort, dataplane::kFallback.
  uint8_t scheduler_flags = dataplane::kFallback;
  // conhash's, percent.
  uint16_t load_bound = 125;
  dataplane::Method method = dataplane::Method::kNat;
  bool sloppy_tcp = false;
  bool one_packet = false;
  dataplane::NoReal no_real = dataplane::NoReal::kUnreachable;
  dataplane::Persistence persistence;
  bool sloppy_sctp = false;
  // Newest first, without those that are down.
  std::vector<dataplane::Candidate> candidates;
  // Those who say sorry, the same way.
  std::vector<dataplane::Candidate> sorry;
  // For reals of each family. nullptr: none.
  AddressList local_addresses;
  AddressList local_addresses6;
  // Some of its reals, drained and down ones included, are not of its VIPs' family.
  bool has_far_reals = false;
  dataplane::TimeoutSet timeouts{};
  // nullptr: every client is taken.
  AccessTableRef access;
  dataplane::Refusal refusal = dataplane::Refusal::kDrop;
  // nullptr: it has none.
  LimitsRef limits;
  // Bytes; 0: as clients and reals say.
  uint16_t max_segment_size = 0;
  dataplane::ClientAddress client_address;
  bool is_watched = false;
  dataplane::Application application = dataplane::Application::kNone;
};

class SnapshotBuilder {
 public:
  // Reals first: a service's slot table is made from the addresses of its reals.
  void set_real(dataplane::RealId id, const IpAddress& address, uint16_t port, dataplane::Method method,
                dataplane::ServiceId service);
  // How packets to it are wrapped, its connections' too. REQUIRES id was set, with method tunnel.
  void set_tunnel(dataplane::RealId id, const dataplane::Tunnel& tunnel);
  void free_real(dataplane::RealId id);
  void set_service(const ServiceInput& input);
  // Its timeouts stay for the connections that are left. One that was never set may go as well: it came and went between
  // two builds.
  void remove_service(dataplane::ServiceId id);
  // All rules of snat, in the order in which they are asked. REQUIRES: their slots were set, with method snat.
  void set_snat(std::span<const SnatInput> rules);
  // For connections of a rule, whose slot is of that service's.
  void set_snat_timeouts(dataplane::ServiceId id, const dataplane::TimeoutSet& timeouts);
  // All fullnat pools, and all addresses of the machine on its kernel ports.
  void set_pools(std::vector<AddressList> pools);
  void set_own_addresses(std::vector<IpAddress> addresses);
  void set_next_hops(std::shared_ptr<const NextHopTables> next_hops);
  void set_link(uint16_t port, bool up);
  // The path to a tunnel's real takes packets of so many bytes, if its next hop takes no less; 0: nothing is known of it.
  void set_path_mtu(const IpAddress& real, uint16_t mtu);
  void set_sysctls(const dataplane::Sysctls& sysctls);
  // Reals whose connections workers end.
  void set_expired(std::vector<dataplane::RealId> reals);

  // Something was told since the last build that makes a difference.
  bool is_dirty() const noexcept;
  // The next snapshot, its version one above the last.
  std::unique_ptr<const dataplane::Snapshot> build();
  // Of the last build; 0: none yet.
  uint64_t version() const noexcept { return version_; }

  // The real as the workers will see it. REQUIRES id was set.
  const dataplane::RealEntry& real(dataplane::RealId id) const { return reals_[id.index]; }
  // What the path to it was found to take, bytes; 0: it takes what its next hop does. REQUIRES as above.
  uint16_t path_mtu(dataplane::RealId id) const { return path_mtu_of(reals_[id.index]); }
  // Where packets to it go by the next hops that were set last; of a rule of snat, each of whose connections has its own
  // way, kFound. REQUIRES as above.
  dataplane::Route route_to(dataplane::RealId id) const {
    if (real(id).method == dataplane::Method::kSnat) return {dataplane::Route::Kind::kFound, dataplane::kNoNextHop, 0, {}};
    return next_hops_->view().route_to(real(id).address);
  }

 private:
  struct ServiceBlock;
  struct ServiceTable;
  struct LookupTable;
  struct LimitedTable;
  struct Dirty {
    bool reals = false;
    bool services = false;       // an entry changed
    bool service_set = false;    // what a service is found by came or went
    bool one_packet = false;     // a one-packet service or a real of one
    bool timeouts = false;
    bool addresses = false;
    bool next_hops = false;
    bool links = false;
    bool path_mtus = false;
    bool carrying = false;       // by what packets to reals grow
    bool sysctls = false;
    bool expired = false;
    bool snat = false;
  };

  // By what packets to a service's reals grow.
  struct Carrying {
    dataplane::ClientAddress how;
    uint8_t protocol = 0;

    bool operator==(const Carrying&) const noexcept = default;
  };

  uint16_t path_mtu_of(const dataplane::RealEntry& real) const;
  bool resolve(dataplane::RealEntry& real) const;
  void resolve_all();
  void set_carrying(dataplane::ServiceId id, const Carrying& carrying);
  uint16_t carried_to(const dataplane::RealEntry& real) const;
  void rebuild_lookup();
  std::vector<dataplane::OnePacketSlot> one_packet_slots() const;
  std::vector<dataplane::NatRealSlot> nat_real_slots() const;
  void rebuild_services();
  void rebuild_addresses();
  void rebuild_expired();
  void rebuild_limited();
  void mark_rates(dataplane::ServiceId service, bool has_rates);
  // Sets what all reals of the service have from now on, as long as connections of theirs are left.
  template <typename Mark>
  void mark_reals(dataplane::ServiceId service, Mark mark);

  uint64_t version_ = 0;
  uint32_t generations_ = 0;
  uint32_t rounds_ = 0;
  Dirty dirty_;

  // As told; by id.
  std::vector<dataplane::RealEntry> reals_;
  std::vector<std::shared_ptr<const ServiceBlock>> blocks_;  // nullptr: no such service
  std::vector<dataplane::TimeoutSet> timeouts_;
  std::vector<uint16_t> max_segment_sizes_;  // as long as timeouts_
  std::vector<Carrying> carrying_;           // as long as they
  std::vector<AddressList> pools_;
  std::vector<IpAddress> own_addresses_;
  std::array<bool, dataplane::kMaxPorts> link_up_{};
  struct AddressHash {
    size_t operator()(const IpAddress& address) const noexcept { return dataplane::address_hash(address); }
  };
  std::unordered_map<IpAddress, uint16_t, AddressHash> path_mtus_;
  dataplane::Sysctls sysctls_;
  std::vector<dataplane::RealId> expired_;  // sorted
  uint32_t expired_generation_ = 0;

  // As last built; shared with snapshots.
  std::shared_ptr<const std::vector<dataplane::RealEntry>> built_reals_;
  bool built_crossings_ = false;  // one of them crosses
  std::shared_ptr<const ServiceTable> built_services_;
  std::shared_ptr<const LookupTable> built_lookup_;
  std::vector<dataplane::ServiceId> service_order_;  // of built_lookup_'s indices
  std::shared_ptr<const std::vector<dataplane::OnePacketSlot>> built_one_packet_;
  std::shared_ptr<const std::vector<dataplane::NatRealSlot>> built_nat_reals_;
  std::shared_ptr<const std::vector<dataplane::TimeoutSet>> built_timeouts_;
  std::shared_ptr<const std::vector<uint16_t>> built_segment_sizes_;
  std::shared_ptr<const std::vector<dataplane::AddressSlot>> built_addresses_;
  std::shared_ptr<const LimitedTable> built_limited_;
  std::shared_ptr<const std::vector<uint64_t>> built_expired_;
  std::shared_ptr<const SnatTable> built_snat_ = make_snat_table({});
  std::shared_ptr<const NextHopTables> next_hops_ = std::make_shared<NextHopTables>();
};

}  // namespace shunt::control
