// Puts together the tables that workers read. Each call tells one thing that changed; build() makes anew only the
// parts that it touches and shares the rest with the snapshot before: a neighbour that changes costs nothing per
// service, a weight costs one service. Owner: the controller's thread; what build() returns is immutable.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "control/next_hop_table.h"
#include "dataplane/snapshot.h"

namespace shunt::control {

using AddressList = std::shared_ptr<const std::vector<IpAddress>>;

// A service as it should be; ids are those of its slots.
struct ServiceInput {
  dataplane::ServiceId id = dataplane::kNoService;
  dataplane::Protocol protocol = dataplane::Protocol::kTcp;
  IpAddress address;
  uint16_t port = 0;
  dataplane::SchedulerKind scheduler = dataplane::SchedulerKind::kWlc;
  // dataplane::kHashPort, dataplane::kFallback.
  uint8_t scheduler_flags = dataplane::kFallback;
  dataplane::Method method = dataplane::Method::kNat;
  bool sloppy_tcp = false;
  // Newest first, without those that are down.
  std::vector<dataplane::Candidate> candidates;
  // All of `address`'s family. nullptr: none.
  AddressList local_addresses;
  dataplane::TimeoutSet timeouts{};
};

class SnapshotBuilder {
 public:
  // Reals first: a service's slot table is made from the addresses of its reals.
  void set_real(dataplane::RealId id, const IpAddress& address, uint16_t port, dataplane::Method method,
                dataplane::ServiceId service);
  void free_real(dataplane::RealId id);
  void set_service(const ServiceInput& input);
  // Its timeouts stay for the connections that are left.
  void remove_service(dataplane::ServiceId id);
  // All fullnat pools, and all addresses of the machine on its kernel ports.
  void set_pools(std::vector<AddressList> pools);
  void set_own_addresses(std::vector<IpAddress> addresses);
  void set_next_hops(std::shared_ptr<const NextHopTables> next_hops);
  void set_link(uint16_t port, bool up);

  // Something was told since the last build that makes a difference.
  bool is_dirty() const noexcept;
  // The next snapshot, its version one above the last.
  std::unique_ptr<const dataplane::Snapshot> build();
  // Of the last build; 0: none yet.
  uint64_t version() const noexcept { return version_; }

  // The real as the workers will see it. REQUIRES id was set.
  const dataplane::RealEntry& real(dataplane::RealId id) const { return reals_[id.index]; }
  // Where packets to it go by the next hops that were set last. REQUIRES as above.
  dataplane::Route route_to(dataplane::RealId id) const { return next_hops_->view().route_to(real(id).address); }

 private:
  struct ServiceBlock;
  struct ServiceTable;
  struct Dirty {
    bool reals = false;
    bool services = false;       // an entry changed
    bool service_set = false;    // a key came or went
    bool timeouts = false;
    bool addresses = false;
    bool next_hops = false;
    bool links = false;
  };

  bool resolve(dataplane::RealEntry& real) const;
  void resolve_all();
  void rebuild_service_slots();
  void rebuild_services();
  void rebuild_addresses();

  uint64_t version_ = 0;
  uint32_t generations_ = 0;
  Dirty dirty_;

  // As told; by id.
  std::vector<dataplane::RealEntry> reals_;
  std::vector<std::shared_ptr<const ServiceBlock>> blocks_;  // nullptr: no such service
  std::vector<dataplane::TimeoutSet> timeouts_;
  std::vector<AddressList> pools_;
  std::vector<IpAddress> own_addresses_;
  std::array<bool, dataplane::kMaxPorts> link_up_{};

  // As last built; shared with snapshots.
  std::shared_ptr<const std::vector<dataplane::RealEntry>> built_reals_;
  std::shared_ptr<const ServiceTable> built_services_;
  std::shared_ptr<const std::vector<dataplane::ServiceSlot>> built_slots_;
  std::vector<dataplane::ServiceId> service_order_;  // of built_slots_' indices
  std::shared_ptr<const std::vector<dataplane::TimeoutSet>> built_timeouts_;
  std::shared_ptr<const std::vector<dataplane::AddressSlot>> built_addresses_;
  std::shared_ptr<const NextHopTables> next_hops_ = std::make_shared<NextHopTables>();
};

}  // namespace shunt::control
