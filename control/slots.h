// Which slot of the workers' tables is whose. A service and a real keep their slot for as long as they are wanted, and a
// removed real's slot stays until no worker has a connection on it, so that those connections go on. Owner: the
// controller's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/identity.h"
#include "control/report.h"
#include "dataplane/types.h"

namespace shunt::control {

using dataplane::RealId;
using dataplane::ServiceId;

struct RealSlot {
  RealKey key;
  // Name in the desired state, or the last one there.
  std::string name;
  ServiceId service = dataplane::kNoService;
  bool used = false;
  // Not wanted any more; freed when `removed_in` is published and its connections are gone.
  bool removed = false;
  uint64_t removed_in = 0;  // snapshot version
  size_t removed_at = 0;    // place in removed_reals()
  // Grows with every addition: the schedulers see the newest first.
  uint64_t added = 0;
  // The last weight above 0.
  uint32_t last_weight = 1;
  // The slot's counters when the real took it: its zero.
  Traffic base;
};

struct ServiceSlot {
  ServiceKey key;
  std::string name;
  bool used = false;
  bool removed = false;
  // Slots that its reals hold, removed ones included.
  uint32_t reals = 0;
  // Traffic of its reals whose slots are freed.
  Traffic retired;
  // The slot's counters when the service took it: its zero.
  Refused refused_base;
};

class Slots {
 public:
  // How many slots there are of each kind: the workers' tables.
  Slots(uint32_t real_capacity, uint32_t service_capacity);

  // The slot of `key`, a new one if it has none. REQUIRES a free slot if it has none. A removed one that is wanted
  // again keeps its slot.
  // `refused_now` gives the slot's counters, where there are some: a new service's zero.
  ServiceId take_service(const ServiceKey& key, const std::string& name,
                         const std::function<Refused(ServiceId)>& refused_now = {});
  // `counters_now` gives the slot's counters: a new real's zero. REQUIRES as above.
  RealId take_real(const RealKey& key, ServiceId service, const std::string& name,
                   const std::function<Traffic(RealId)>& counters_now);
  bool has(const ServiceKey& key) const { return service_ids_.contains(key); }
  bool has(const RealKey& key) const { return real_ids_.contains(key); }
  size_t free_reals() const noexcept { return free_reals_.size() + (real_capacity_ - reals_.size()); }
  size_t free_services() const noexcept { return free_services_.size() + (service_capacity_ - services_.size()); }

  // No longer wanted from the snapshot `version` on.
  void remove_real(RealId id, uint64_t version);
  // REQUIRES all its reals removed.
  void remove_service(ServiceId id);

  // Frees the slots of removed reals that no worker uses: their removal is published (`version` or earlier) and
  // `connections` says 0. `counters_now` as above. Services without a real left go with them. Returns the reals as
  // they were, by id.
  std::vector<std::pair<RealId, RealSlot>> free_idle(uint64_t version,
                                                     const std::function<uint64_t(RealId)>& connections,
                                                     const std::function<Traffic(RealId)>& counters_now);

  // REQUIRES id below the table's size.
  const RealSlot& real(RealId id) const { return reals_[id.index]; }
  RealSlot& real(RealId id) { return reals_[id.index]; }
  const ServiceSlot& service(ServiceId id) const { return services_[id.index]; }
  ServiceSlot& service(ServiceId id) { return services_[id.index]; }
  // Slots ever used; ids are below.
  uint32_t real_slots() const noexcept { return static_cast<uint32_t>(reals_.size()); }
  uint32_t service_slots() const noexcept { return static_cast<uint32_t>(services_.size()); }
  // Removed reals that still hold a slot.
  const std::vector<RealId>& removed_reals() const noexcept { return removed_; }

 private:
  void free_service_if_empty(ServiceId id);
  // Takes the entry at `place` out of removed_, in constant time.
  void forget_removed(size_t place);

  const uint32_t real_capacity_;
  const uint32_t service_capacity_;
  std::vector<RealSlot> reals_;
  std::vector<ServiceSlot> services_;
  std::unordered_map<RealKey, RealId, KeyHash> real_ids_;
  std::unordered_map<ServiceKey, ServiceId, KeyHash> service_ids_;
  std::vector<RealId> free_reals_;
  std::vector<ServiceId> free_services_;
  std::vector<RealId> removed_;
  uint64_t additions_ = 0;
};

inline Traffic operator-(const Traffic& a, const Traffic& b) noexcept {
  return {a.connections - b.connections, a.in_packets - b.in_packets, a.out_packets - b.out_packets,
          a.in_bytes - b.in_bytes, a.out_bytes - b.out_bytes};
}
inline Refused operator-(const Refused& a, const Refused& b) noexcept {
  Refused result{a.denied - b.denied};
  for (size_t i = 0; i < a.limited.size(); ++i) {
    result.limited[i] = a.limited[i] - b.limited[i];
    result.client_limited[i] = a.client_limited[i] - b.client_limited[i];
  }
  return result;
}
inline Traffic& operator+=(Traffic& a, const Traffic& b) noexcept {
  a.connections += b.connections;
  a.in_packets += b.in_packets;
  a.out_packets += b.out_packets;
  a.in_bytes += b.in_bytes;
  a.out_bytes += b.out_bytes;
  return a;
}

}  // namespace shunt::control
