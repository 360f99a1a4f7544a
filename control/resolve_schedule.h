// When the kernel is asked to resolve a neighbour: soon when packets wait for it, now and then to keep it fresh, never
// so often that the asking becomes a load. Owner: the controller's thread.
#pragma once

#include <chrono>
#include <functional>
#include <unordered_map>

#include "control/next_hop_table.h"
#include "dataplane/setup/dataplane.h"

namespace shunt::control {

class ResolveSchedule {
 public:
  using Clock = std::chrono::steady_clock;

  // `resolve` may be empty: nobody is asked.
  explicit ResolveSchedule(std::function<void(const dataplane::ResolveRequest&)> resolve)
      : resolve_(std::move(resolve)) {}

  // Somebody needs the neighbour and it is unresolved: asked at most once a second.
  void need(const NeighbourKey& neighbour, Clock::time_point now) { ask(neighbour, std::chrono::seconds(1), now); }
  // The neighbour is in use: asked about every 30 seconds, so that its disappearance is noticed.
  void refresh(const NeighbourKey& neighbour, Clock::time_point now) { ask(neighbour, std::chrono::seconds(30), now); }

  // Forgets whom nobody needed for a minute; call now and then.
  void forget_old(Clock::time_point now) {
    std::erase_if(asked_, [now](const auto& each) { return now - each.second > std::chrono::minutes(1); });
  }

 private:
  void ask(const NeighbourKey& neighbour, Clock::duration interval, Clock::time_point now) {
    const auto [last, is_new] = asked_.try_emplace(neighbour, now);
    if (!is_new && now - last->second < interval) return;
    last->second = now;
    if (resolve_) resolve_({neighbour.port, neighbour.address});
  }

  const std::function<void(const dataplane::ResolveRequest&)> resolve_;
  std::unordered_map<NeighbourKey, Clock::time_point, NeighbourKeyHash> asked_;
};

}  // namespace shunt::control
