#include "src/shuntctl/top/figures.h"

#include <algorithm>
#include <string>
#include <unordered_map>

namespace shunt::shuntctl {
namespace {

using StatsOfServices = std::unordered_map<std::string, const v1::ServiceStats*>;

StatsOfServices by_name(const v1::Stats& look) {
  StatsOfServices all;
  for (const auto& service : look.services()) all.emplace(service.name(), &service);
  return all;
}

template <typename Figures, typename State>
void copy_figures(const Figures& from, State& to) {
  to.set_active_connections(from.active_connections());
  to.set_inactive_connections(from.inactive_connections());
  *to.mutable_rates() = from.rates();
}

void lay_over(const v1::ServiceStats& stats, v1::ServiceState& service) {
  copy_figures(stats, service);
  // Both have a service's reals in the same order; a name shows where one came or went.
  const int count = std::min(stats.real_stats_size(), service.reals_size());
  for (int i = 0; i < count; ++i) {
    const v1::RealStats& from = stats.real_stats(i);
    v1::RealState& to = *service.mutable_reals(i);
    if (from.name() != to.name()) return;
    copy_figures(from, to);
    to.set_effective_weight(from.effective_weight());
  }
}

bool agree(const v1::RealStats& stats, const v1::RealState& real) {
  return stats.name() == real.name() && stats.health() == real.health() &&
         stats.draining() == real.draining() && stats.removed() == real.removed();
}

// As ServiceStats.reals and reals_up count them.
bool has_counts(const v1::ServiceState& service, uint32_t reals, uint32_t reals_up) {
  for (const v1::RealState& real : service.reals()) {
    if (real.removed()) continue;
    --reals;
    if (real.health() != v1::HEALTH_DOWN && !real.has_inhibition()) --reals_up;
  }
  return reals == 0 && reals_up == 0;
}

bool agree(const v1::ServiceStats& stats, const v1::ServiceState& service) {
  if (!has_counts(service, stats.reals(), stats.reals_up())) return false;
  const auto& reals = stats.real_stats();
  return reals.empty() ||
         std::equal(reals.begin(), reals.end(), service.reals().begin(), service.reals().end(),
                    [](const v1::RealStats& a, const v1::RealState& b) { return agree(a, b); });
}

}  // namespace

void lay_over(const v1::Stats& look, v1::ListServicesResponse& services) {
  const StatsOfServices stats = by_name(look);
  for (v1::ServiceState& service : *services.mutable_services()) {
    const auto found = stats.find(service.name());
    if (found != stats.end()) lay_over(*found->second, service);
  }
}

bool contradicts(const v1::Stats& look, const v1::ListServicesResponse& services) {
  const StatsOfServices stats = by_name(look);
  return std::any_of(services.services().begin(), services.services().end(),
                     [&stats](const v1::ServiceState& service) {
                       const auto found = stats.find(service.name());
                       return found == stats.end() || !agree(*found->second, service);
                     });
}

}  // namespace shunt::shuntctl
