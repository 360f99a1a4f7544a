// Which real a new connection gets: its client's template, the service's scheduler, or a sorry real. Worker only.
#pragma once

#include "dataplane/expiry.h"
#include "dataplane/snapshot.h"
#include "dataplane/templates.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// For a connection that is about to open. What it holds is the caller's to let go, or to put into the connection.
// `call`: of its packet, where the service's persistence is by call.
Held choose_real(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service, const IpFlow& flow,
                 uint64_t call) noexcept;

// For a packet that goes on without a connection: the same real, and nothing remembered.
RealId real_for_untracked(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service,
                          const IpFlow& flow) noexcept;

// Who says which real a new connection gets.
enum class ChosenBy : uint8_t { kNobody, kTemplate, kScheduler, kSorry };
struct Choice {
  RealId real = kNoReal;
  ChosenBy by = ChosenBy::kNobody;
  // Whom the client's template names, may he take it or not; kNoReal: it has none.
  RealId had = kNoReal;
};
// What choose_real() would say with these loads, nothing changed.
Choice peek_real(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service, const IpFlow& flow,
                 const Loads& loads) noexcept;

// A connection that was chosen for does not come to be; of a one-packet service, it was over at once (kWhole).
inline void let_go(Worker& worker, const Held& held, Ending ending = Ending::kEvicted) noexcept {
  if (held.by != kNoTemplate) worker.templates->let_go(held.by, worker.now, ending);
}

// For note_opened().
void note_threshold(Worker& worker, const ServiceEntry& service, RealId real) noexcept;

// The connection has begun to count: perhaps its real has too many now.
inline void note_opened(Worker& worker, const ServiceEntry& service, RealId real) noexcept {
  if (service.has_thresholds) [[unlikely]] note_threshold(worker, service, real);
}

}  // namespace shunt::dataplane
