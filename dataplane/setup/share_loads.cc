#include "dataplane/setup/share_loads.h"

#include <algorithm>
#include <array>

namespace shunt::dataplane {

void share_loads(std::span<const Sharer> all, RealId highest) noexcept {
  if (all.size() < 2) return;
  const uint32_t end = std::min(highest.index, kMaxReals - 1) + 1;
  std::array<uint64_t, kMaxWorkers> own{};
  for (uint32_t real = 0; real < end; ++real) {
    uint64_t sum = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      own[i] = Loads(all[i].worker->real_counters).counts({real}).packed();
      sum += own[i];
    }
    for (size_t i = 0; i < all.size(); ++i) {
      SharedLoad& told = all[i].told[real];
      told.others.store(sum - own[i], std::memory_order_relaxed);
      told.own.store(own[i], std::memory_order_relaxed);
    }
  }
  for (const Sharer& each : all) each.worker->loads_epoch.fetch_add(1, std::memory_order_release);
}

}  // namespace shunt::dataplane
