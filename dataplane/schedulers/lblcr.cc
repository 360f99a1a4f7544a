// Locality-based least connections with replication (Linux ip_vs_lblcr.c), for caches: a destination address has a set
// of reals, the least loaded of which it gets. When that one has more than its share, the least loaded of all joins the
// set; a set that stays the same for a day loses its most loaded real.
#include "dataplane/schedulers/locality.h"
#include "dataplane/schedulers/overload.h"
#include "dataplane/schedulers/schedulers.h"

namespace shunt::dataplane {
namespace {

using Entry = LocalityCache::Entry;
using Member = LocalityCache::Member;

// ip_vs_dest_set_min: the first of equals.
const Candidate* least_of(const PickContext& context, const Entry& entry) noexcept {
  const Candidate* least = nullptr;
  Load least_load;
  const LocalityCache& cache = *context.localities;
  for (const Member* member = cache.first_of(entry); member != nullptr; member = cache.after(*member)) {
    const Candidate* candidate = candidate_of(context.service, member->real);
    if (candidate == nullptr || !is_eligible(context, *candidate)) continue;
    const Load load = overhead_by_weight(context.loads.expected(candidate->id), candidate->weight);
    if (least != nullptr && !(load < least_load)) continue;
    least = candidate;
    least_load = load;
  }
  return least;
}

// ip_vs_dest_set_max: the first of equals; thresholds do not count.
RealId most_of(const PickContext& context, const Entry& entry) noexcept {
  RealId most = kNoReal;
  Load most_load;
  const LocalityCache& cache = *context.localities;
  for (const Member* member = cache.first_of(entry); member != nullptr; member = cache.after(*member)) {
    const Candidate* candidate = candidate_of(context.service, member->real);
    if (candidate == nullptr || candidate->weight == 0) continue;
    const Load load = overhead_by_weight(context.loads.expected(candidate->id), candidate->weight);
    if (most != kNoReal && !(most_load < load)) continue;
    most = candidate->id;
    most_load = load;
  }
  return most;
}

// What pick() says, nothing remembered.
RealId peeked(const PickContext& context) noexcept {
  const Entry* entry = context.localities->peek(context.service.id, context.flow.destination, context.now);
  const Candidate* had = entry == nullptr ? nullptr : least_of(context, *entry);
  return had != nullptr && !has_more_than_its_share(context, *had) ? had->id : least_of_all(context);
}

RealId pick(const PickContext& context) noexcept {
  LocalityCache* cache = context.localities;
  if (cache == nullptr || !cache->is_attached()) return least_of_all(context);
  if (context.peeks) return peeked(context);
  const ServiceEntry& service = context.service;
  Entry* entry = cache->find(service.id, context.flow.destination, context.now);
  if (entry != nullptr) {
    const Candidate* had = least_of(context, *entry);
    if (entry->count > 1 && context.now - entry->changed > LocalityCache::kExpirationMs) {
      const RealId most = most_of(context, *entry);
      if (most != kNoReal) cache->erase(*entry, most, context.now);
    }
    if (had != nullptr && !has_more_than_its_share(context, *had)) return had->id;
  }
  const RealId real = least_of_all(context);
  if (real == kNoReal) return kNoReal;
  if (entry == nullptr) entry = cache->add(service.id, context.flow.destination, context.now);
  if (!cache->has(*entry, real)) cache->insert(*entry, real, context.now);
  return real;
}

}  // namespace

const Scheduler kLocalityBasedWithReplication{SchedulerKind::kLblcr, pick};

}  // namespace shunt::dataplane
