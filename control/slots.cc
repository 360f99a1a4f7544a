#include "control/slots.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace shunt::control {
namespace {

// A free slot's id, or the next one that was never used.
template <typename Id, typename Slot>
Id take_free(std::vector<Id>& free, std::vector<Slot>& slots) {
  if (free.empty()) {
    slots.emplace_back();
    return Id{static_cast<uint32_t>(slots.size() - 1)};
  }
  const Id id = free.back();
  free.pop_back();
  return id;
}

}  // namespace

Slots::Slots(uint32_t real_capacity, uint32_t service_capacity)
    : real_capacity_(real_capacity), service_capacity_(service_capacity) {}

ServiceId Slots::take_service(const ServiceKey& key, const std::string& name,
                              const std::function<Refused(ServiceId)>& refused_now) {
  const auto [found, is_new] = service_ids_.try_emplace(key);
  if (is_new) {
    assert(free_services() > 0);
    found->second = take_free(free_services_, services_);
    services_[found->second.index] = {.key = key, .used = true};
    if (refused_now) services_[found->second.index].refused_base = refused_now(found->second);
  }
  ServiceSlot& slot = services_[found->second.index];
  slot.name = name;
  slot.removed = false;
  return found->second;
}

RealId Slots::take_real(const RealKey& key, ServiceId service, const std::string& name,
                        const std::function<Traffic(RealId)>& counters_now) {
  const auto [found, is_new] = real_ids_.try_emplace(key);
  if (is_new) {
    assert(free_reals() > 0);
    found->second = take_free(free_reals_, reals_);
    reals_[found->second.index] = {.key = key,
                                   .service = service,
                                   .used = true,
                                   .added = ++additions_,
                                   .base = counters_now(found->second)};
    ++services_[service.index].reals;
  }
  RealSlot& slot = reals_[found->second.index];
  slot.name = name;
  if (slot.removed) {
    slot.removed = false;
    slot.added = ++additions_;
    forget_removed(slot.removed_at);
  }
  return found->second;
}

void Slots::remove_real(RealId id, uint64_t version) {
  RealSlot& slot = reals_[id.index];
  if (slot.removed) return;
  slot.removed = true;
  slot.removed_in = version;
  slot.removed_at = removed_.size();
  removed_.push_back(id);
}

void Slots::forget_removed(size_t place) {
  removed_[place] = removed_.back();
  reals_[removed_[place].index].removed_at = place;
  removed_.pop_back();
}

void Slots::remove_service(ServiceId id) {
  services_[id.index].removed = true;
  free_service_if_empty(id);
}

void Slots::free_service_if_empty(ServiceId id) {
  ServiceSlot& slot = services_[id.index];
  if (!slot.removed || slot.reals > 0) return;
  service_ids_.erase(slot.key);
  slot = {};
  free_services_.push_back(id);
}

std::vector<std::pair<RealId, RealSlot>> Slots::free_idle(uint64_t version,
                                                          const std::function<uint64_t(RealId)>& connections,
                                                          const std::function<Traffic(RealId)>& counters_now) {
  std::vector<std::pair<RealId, RealSlot>> freed;
  for (size_t i = 0; i < removed_.size();) {
    const RealId id = removed_[i];
    RealSlot& slot = reals_[id.index];
    if (slot.removed_in > version || connections(id) > 0) {
      ++i;
      continue;
    }
    forget_removed(i);
    ServiceSlot& service = services_[slot.service.index];
    service.retired += counters_now(id) - slot.base;
    --service.reals;
    free_service_if_empty(slot.service);
    real_ids_.erase(slot.key);
    free_reals_.push_back(id);
    freed.emplace_back(id, std::exchange(slot, {}));
  }
  return freed;
}

}  // namespace shunt::control
