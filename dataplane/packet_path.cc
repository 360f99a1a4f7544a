// A packet's journey, top to bottom. The first two walks over the burst fetch what the third one reads, so that the
// memory that one packet waits for comes while others are worked on. The third takes each packet to its end before
// the next one begins: what a packet does to its connection, those behind it find done.
#include "dataplane/packet_path.h"

#include "dataplane/admit.h"
#include "dataplane/find.h"
#include "dataplane/parse.h"
#include "dataplane/rewrite.h"
#include "dataplane/route.h"
#include "dataplane/settle.h"
#include "dataplane/track.h"

namespace shunt::dataplane {
namespace {

// From its connection to its way out. True: the packet was sent on; false: its verdict says what else becomes of it.
bool forward(Worker& worker, const Snapshot& snapshot, Burst& burst, Packet& packet) noexcept {
  Flow flow = find(worker, packet);  // which connection is it of?
  if (!is_known(worker, flow, packet)) [[unlikely]] {
    // Of none: a new one with a real, or not ours.
    flow = admit(worker, snapshot, packet, flow.connection, flow.direction);
    search_anew(burst, packet);
    if (!packet.undecided()) return false;
  }
  const RealEntry& real = snapshot.reals[flow.real.index];
  const NextHop* hop = route(worker, snapshot, real, flow, packet);  // where does it leave, and may it?
  if (hop == nullptr) [[unlikely]] return false;
  track(worker, snapshot, real, flow, packet);  // what does it do to its connection?
  if (!rewrite(worker, real, flow, *hop, packet)) [[unlikely]] return false;  // make it what the method says
  queue_frame(worker, hop->port, packet.mbuf);
  return true;
}

}  // namespace

void packet_path(Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept {
  for (Packet& packet : burst.all()) {
    parse(worker, snapshot, packet);  // what is it, and is it well-formed?
    if (packet.undecided()) [[likely]] fetch_bucket(worker, packet);
  }
  for (Packet& packet : burst.all()) {
    if (packet.undecided()) [[likely]] fetch_connection(worker, packet);
  }
  for (Packet& packet : burst.all()) {
    if (packet.undecided() && forward(worker, snapshot, burst, packet)) [[likely]] continue;
    settle(worker, packet);  // send back, punt, hand off, make wait, or free
  }
}

}  // namespace shunt::dataplane
