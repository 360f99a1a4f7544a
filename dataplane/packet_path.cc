// A packet's journey, top to bottom. The first two walks over the burst fetch what the third one reads, so that the
// memory that one packet waits for comes while others are worked on. The third takes each packet to its end before
// the next one begins: what a packet does to its connection, those behind it find done. IPv4 and IPv6 take the same
// steps, each with its own header, key and connection (family.h).
#include "dataplane/packet_path.h"

#include <algorithm>

#include "dataplane/admit.h"
#include "dataplane/family.h"
#include "dataplane/find.h"
#include "dataplane/parse.h"
#include "dataplane/rewrite.h"
#include "dataplane/route.h"
#include "dataplane/settle.h"
#include "dataplane/track.h"

namespace shunt::dataplane {
namespace {

// The way of a packet whose real is known. True: it was sent on; false: its verdict says what else becomes of it.
template <Direction kDirection, typename Ip>
[[gnu::always_inline]] inline bool send_on(Worker& worker, const Snapshot& snapshot, const Flow<Ip>& flow,
                                           Packet& packet) noexcept {
  const RealEntry& real = snapshot.reals[flow.real.index];
  const WayOut* way = route<kDirection>(worker, snapshot, real, flow, packet);  // where does it leave, and may it?
  if (way == nullptr) [[unlikely]] return false;
  track<kDirection>(worker, snapshot, real, flow, packet);  // what does it do to its connection?
  if (!rewrite<kDirection>(worker, real, flow, *way, packet)) [[unlikely]] return false;  // make it what the method says
  queue_frame(worker, way->port, packet.mbuf);
  return true;
}

// From its connection to its way out; true and false as above.
template <typename Ip>
[[gnu::always_inline]] inline bool forward(Worker& worker, const Snapshot& snapshot, Burst& burst, Packet& packet) noexcept {
  Flow<Ip> flow = find<Ip>(worker, packet);  // which connection is it of?
  if (!is_known(worker, flow, packet)) [[unlikely]] {
    // Of none: a new one with a real, or not ours.
    flow = admit(worker, snapshot, packet, Flow<Ip>(flow));
    search_anew(burst, packet);
    if (!packet.undecided()) return false;
  }
  return flow.direction == Direction::kRequest ? send_on<Direction::kRequest>(worker, snapshot, flow, packet)
                                               : send_on<Direction::kReply>(worker, snapshot, flow, packet);
}

// How many packets before its turn a packet's connection is fetched: memory then works all the time beside the cores
// instead of first one and then the other (DECISIONS.md has the figures).
constexpr uint32_t kAhead = 12;

inline void fetch_connection(const Worker& worker, Packet& packet) noexcept {
  if (is_on_its_way<Ipv4>(packet)) [[likely]] fetch_connection(worker, packet, Ipv4{});
  else if (is_on_its_way<Ipv6>(packet)) fetch_connection(worker, packet, Ipv6{});
}

}  // namespace

void packet_path(Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept {
  Packet* const packets = burst.packets.data();
  const uint32_t count = burst.count;
  for (Packet& packet : burst.all()) {
    parse(worker, snapshot, packet);  // what is it, and is it well-formed?
    if (is_on_its_way<Ipv4>(packet)) [[likely]] fetch_bucket(worker, packet, Ipv4{});
    else if (is_on_its_way<Ipv6>(packet)) fetch_bucket(worker, packet, Ipv6{});
  }
  for (uint32_t i = 0; i < std::min(kAhead, count); ++i) fetch_connection(worker, packets[i]);
  for (uint32_t i = 0; i < count; ++i) {
    if (i + kAhead < count) fetch_connection(worker, packets[i + kAhead]);
    Packet& packet = packets[i];
    const bool sent = is_on_its_way<Ipv4>(packet)
                          ? forward<Ipv4>(worker, snapshot, burst, packet)
                          : is_on_its_way<Ipv6>(packet) && forward<Ipv6>(worker, snapshot, burst, packet);
    if (!sent) [[unlikely]] settle(worker, packet);  // send back, punt, hand off, make wait, or free
  }
}

}  // namespace shunt::dataplane
