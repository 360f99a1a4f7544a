// A packet's journey, top to bottom. Each stage takes the whole burst, so that the memory that one packet waits for
// is fetched while others are worked on; a packet that a stage decided is passed over by those that follow.
#include "dataplane/packet_path.h"

#include "dataplane/admit.h"
#include "dataplane/parse.h"
#include "dataplane/rewrite.h"
#include "dataplane/route.h"
#include "dataplane/settle.h"
#include "dataplane/track.h"

namespace shunt::dataplane {
namespace {

// Finds every packet's connection: three walks over the burst, each fetching the cache line that the next one reads.
// True: every packet still on its way has a connection, and none of them is about to end or to open one.
bool find(Worker& worker, Burst& burst) noexcept {
  ConnectionTable& table = worker.connections;
  for (Packet& packet : burst.all()) {
    if (!packet.undecided()) continue;
    packet.hash = table.hash(packet.key, packet.protocol);
    table.prefetch_bucket(packet.hash);
  }
  for (Packet& packet : burst.all()) {
    if (packet.undecided()) packet.reference = table.prefetch_entry(packet.hash);
  }
  bool all_known = true;
  for (Packet& packet : burst.all()) {
    if (!packet.undecided()) continue;
    const auto found = table.find(packet.reference, packet.hash, packet.key, packet.protocol);
    packet.connection = found.entry;
    packet.direction = found.direction;
    if (found.entry == nullptr || (packet.tcp_flags & kTcpSyn) || is_past(found.entry->expires, worker.now)) {
      all_known = false;
    }
    packet.real = found.entry ? found.entry->real : kNoReal;
  }
  return all_known;
}

// One packet of a connection, all that it touches being in the cache by now.
void forward(Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept {
  const RealEntry& real = snapshot.reals[packet.real.index];
  route(worker, snapshot, real, packet);  // where does it leave, and may it?
  if (!packet.undecided()) [[unlikely]] return;
  track(worker, snapshot, packet);          // what does it do to its connection?
  rewrite(worker, snapshot, real, packet);  // make it what the forwarding method says
}

}  // namespace

void packet_path(Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept {
  parse(worker, snapshot, burst);                        // what is it, and is it well-formed?
  const bool all_known = find(worker, burst);            // which connection is it of?
  if (!all_known) admit(worker, snapshot, burst);        // of none: a new one with a real, or not ours
  for (Packet& packet : burst.all()) {
    if (packet.undecided()) forward(worker, snapshot, packet);  // route, track, rewrite
  }
  settle(worker, burst);                                 // send, punt, hand off, or free
}

}  // namespace shunt::dataplane
