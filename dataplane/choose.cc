#include "dataplane/choose.h"

#include "dataplane/schedulers/locality.h"
#include "dataplane/schedulers/overload.h"
#include "dataplane/schedulers/scheduler.h"

namespace shunt::dataplane {
namespace {

// What ip_vs_check_template asks for: a drained real keeps its clients unless they are to leave; so does an overloaded
// one.
bool keeps_clients(const Snapshot& snapshot, const ServiceEntry& service, RealId real) noexcept {
  const Candidate* candidate = candidate_of(service, real);
  return candidate != nullptr && (candidate->weight > 0 || !snapshot.sysctls.expire_quiescent_template);
}

PickContext context_of(Worker& worker, const ServiceEntry& service, const IpFlow& flow, const Loads& loads) noexcept {
  return {service,           flow, loads, worker.cursors[service.id.index], &worker.load_trees, worker.real_counters,
          &worker.localities, worker.now};
}

RealId pick(Worker& worker, const ServiceEntry& service, const IpFlow& flow) noexcept {
  const Loads loads = worker.loads();
  return scheduler_for(service.scheduler).pick(context_of(worker, service, flow, loads));
}

// The same, nothing changed: what decides is the same code, with a copy of the cursor.
RealId peek(Worker& worker, const ServiceEntry& service, const IpFlow& flow, const Loads& loads,
            bool is_sorry) noexcept {
  Cursor cursor = worker.cursors[service.id.index];
  const PickContext context{service, flow, loads, cursor, &worker.load_trees, worker.real_counters,
                            &worker.localities, worker.now, true};
  return is_sorry ? scan(context, overhead_by_weight) : scheduler_for(service.scheduler).pick(context);
}

// The least loaded of those that say sorry, as wlc.
[[gnu::noinline]] RealId pick_sorry(Worker& worker, const ServiceEntry& service, const IpFlow& flow) noexcept {
  ServiceEntry sorry = service;
  sorry.candidates = service.sorry;
  const Loads loads = worker.loads();
  return scan(context_of(worker, sorry, flow, loads), overhead_by_weight);
}

// Apart, so that services without persistence do not pay for its registers.
[[gnu::noinline]] Held hold(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service, const IpFlow& flow,
                            uint64_t call) noexcept {
  const Persistence& persistence = service.persistence;
  const Held held = worker.templates->hold(
      TemplateKey::of(flow.source, persistence.prefix, service.id, call), worker.now, persistence.timeout_ms,
      [&](RealId real) { return keeps_clients(snapshot, service, real); },
      [&] { return pick(worker, service, flow); });
  if (held.is_full) worker.counters.unremembered.add(1);
  return held;
}

bool is_persistent(const Worker& worker, const ServiceEntry& service) noexcept {
  return service.persistence.timeout_ms > 0 && worker.templates != nullptr;
}
// By the client's address alone, which every packet tells.
bool keeps_whole_clients(const Worker& worker, const ServiceEntry& service) noexcept {
  return is_persistent(worker, service) && !service.persistence.by_call;
}

}  // namespace

Held choose_real(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service, const IpFlow& flow,
                 uint64_t call) noexcept {
  const Held held = is_persistent(worker, service) ? hold(worker, snapshot, service, flow, call)
                                                   : Held{pick(worker, service, flow)};
  if (held.real != kNoReal || service.sorry.empty()) [[likely]] return held;
  return {pick_sorry(worker, service, flow)};
}

RealId real_for_untracked(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service,
                          const IpFlow& flow) noexcept {
  if (keeps_whole_clients(worker, service)) {
    const TemplateKey key = TemplateKey::of(flow.source, service.persistence.prefix, service.id);
    const RealId real = worker.templates->peek(key, worker.now);
    if (real != kNoReal && keeps_clients(snapshot, service, real)) return real;
  }
  const RealId real = pick(worker, service, flow);
  return real != kNoReal || service.sorry.empty() ? real : pick_sorry(worker, service, flow);
}

Choice peek_real(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service, const IpFlow& flow,
                 const Loads& loads) noexcept {
  Choice choice;
  if (keeps_whole_clients(worker, service)) {
    const TemplateKey key = TemplateKey::of(flow.source, service.persistence.prefix, service.id);
    choice.had = worker.templates->peek(key, worker.now);
    if (choice.had != kNoReal && keeps_clients(snapshot, service, choice.had)) {
      return {choice.had, ChosenBy::kTemplate, choice.had};
    }
  }
  choice.real = peek(worker, service, flow, loads, false);
  if (choice.real != kNoReal) {
    choice.by = ChosenBy::kScheduler;
  } else if (!service.sorry.empty()) {
    ServiceEntry sorry = service;
    sorry.candidates = service.sorry;
    choice.real = peek(worker, sorry, flow, loads, true);
    if (choice.real != kNoReal) choice.by = ChosenBy::kSorry;
  }
  return choice;
}

void note_threshold(Worker& worker, const ServiceEntry& service, RealId real) noexcept {
  const Candidate* candidate = candidate_of(service, real);
  if (candidate == nullptr) return;
  is_overloaded(worker.real_counters[real.index], candidate->thresholds, worker.loads().counts(real));
}

}  // namespace shunt::dataplane
