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
void find(Worker& worker, Burst& burst) noexcept {
  ConnectionTable& table = worker.connections;
  for (Packet& packet : burst.all()) {
    if (!packet.undecided()) continue;
    packet.hash = table.hash(packet.key, packet.protocol);
    table.prefetch_bucket(packet.hash);
  }
  for (Packet& packet : burst.all()) {
    if (packet.undecided()) packet.reference = table.prefetch_entry(packet.hash);
  }
  for (Packet& packet : burst.all()) {
    if (!packet.undecided()) continue;
    const auto found = table.find(packet.reference, packet.hash, packet.key, packet.protocol);
    packet.connection = found.entry;
    packet.direction = found.direction;
    if (found.entry) packet.real = found.entry->real;
  }
}

}  // namespace

void packet_path(Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept {
  parse(worker, snapshot, burst);    // what is it, and is it well-formed?
  find(worker, burst);               // which connection is it of?
  admit(worker, snapshot, burst);    // of none: a new one with a real, or not ours
  route(worker, snapshot, burst);    // where does it leave, and may it?
  track(worker, snapshot, burst);    // what does it do to its connection?
  rewrite(worker, snapshot, burst);  // make it what the forwarding method says
  settle(worker, burst);             // send, punt, hand off, or free
}

}  // namespace shunt::dataplane
