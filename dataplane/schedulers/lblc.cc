// Locality-based least connections (Linux ip_vs_lblc.c), for caches: a destination address keeps its real until that
// has more than its share; then, as at first, the destination gets the one of the least load, as by wlc.
#include "dataplane/schedulers/locality.h"
#include "dataplane/schedulers/schedulers.h"

namespace shunt::dataplane {
namespace {

// The real that a destination keeps; kNoReal: it gets another one.
RealId kept(const PickContext& context, const LocalityCache::Entry* entry) noexcept {
  if (entry == nullptr || entry->first == LocalityCache::kNone) return kNoReal;
  // Its thresholds do not count, as in Linux.
  const Candidate* had = candidate_of(context.service, context.localities->first_of(*entry)->real);
  return had != nullptr && had->weight > 0 && !has_more_than_its_share(context, *had) ? had->id : kNoReal;
}

RealId pick(const PickContext& context) noexcept {
  LocalityCache* cache = context.localities;
  if (cache == nullptr || !cache->is_attached()) return least_of_all(context);
  const ServiceEntry& service = context.service;
  if (context.peeks) {
    const RealId had = kept(context, cache->peek(service.id, context.flow.destination, context.now));
    return had != kNoReal ? had : least_of_all(context);
  }
  LocalityCache::Entry* entry = cache->find(service.id, context.flow.destination, context.now);
  if (const RealId had = kept(context, entry); had != kNoReal) return had;
  const RealId real = least_of_all(context);
  if (real == kNoReal) return kNoReal;
  if (entry == nullptr) entry = cache->add(service.id, context.flow.destination, context.now);
  cache->clear(*entry);
  cache->insert(*entry, real, context.now);
  return real;
}

}  // namespace

const Scheduler kLocalityBased{SchedulerKind::kLblc, pick};

}  // namespace shunt::dataplane
