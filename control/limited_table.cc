#include "control/limited_table.h"

namespace shunt::control {

void LimitedMemory::add(dataplane::ServiceId service, const LimitsRef& its) {
  if (services.size() <= service.index) services.resize(service.index + 1);
  services[service.index].limits = &its->limits();
  limits.push_back(its);
}

void LimitedMemory::take_reals(std::span<const dataplane::RealEntry> all) {
  if (services.empty()) return;
  reals.resize(services.size());
  for (uint32_t i = 0; i < all.size(); ++i) {
    const uint32_t service = all[i].service.index;
    if (service < services.size() && services[service].limits != nullptr) reals[service].push_back({i});
  }
  for (size_t i = 0; i < services.size(); ++i) services[i].reals = reals[i];
}

}  // namespace shunt::control
