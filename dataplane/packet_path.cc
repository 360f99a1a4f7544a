// A packet's journey, in three walks over packets that came together. The first two fetch what the one behind them reads, so
// that the memory that one packet waits for comes while others are worked on. The last walk takes each packet to its end
// before the next one begins: what a packet does to its connection, those behind it find done. IPv4 and IPv6 take the same
// steps, each with its own header, key and connection (family.h); packet_path(), at the end, is where to begin.
#include "dataplane/packet_path.h"

#include <algorithm>
#include <span>

#include "dataplane/admit.h"
#include "dataplane/family.h"
#include "dataplane/find.h"
#include "dataplane/ftp/passage.h"
#include "dataplane/icmp/error.h"
#include "dataplane/limits.h"
#include "dataplane/nat64/crossing.h"
#include "dataplane/parse.h"
#include "dataplane/pieces.h"
#include "dataplane/rewrite.h"
#include "dataplane/route.h"
#include "dataplane/segment_size.h"
#include "dataplane/settle.h"
#include "dataplane/track.h"

namespace shunt::dataplane {
namespace {

// As send_on() goes on where a service has limits for every packet, may have control connections of FTP, which are read, or
// has clients and reals of different families.
// The parts of the flow that it needs, so that the flow itself may stay in registers.
template <Direction kDirection, typename Ip>
[[gnu::noinline, gnu::cold]] bool send_with_care(Worker& worker, const Snapshot& snapshot, typename Ip::Entry* connection,
                                                 RealId id, const WayOut& way, Packet& packet) noexcept {
  const RealEntry& real = snapshot.reals[id.index];
  const Flow<Ip> flow{connection, id, kDirection};
  if (real.has_rates() && !keeps_rates<kDirection>(worker, snapshot, real, flow, packet)) return false;
  track<kDirection>(worker, snapshot, real, flow, packet);
  if (real.has_ftp() && is_ftp(*connection)) {
    if (!pass_control<kDirection, Ip>(worker, snapshot, *connection, way.mtu, packet)) return false;
    address_frame(way, reinterpret_cast<EthernetHeader*>(Ip::header_of(packet)) - 1);
  } else if (!rewrite<kDirection>(worker, snapshot, real, flow, way, packet)) {
    return false;
  }
  if (real.crosses()) return queue_crossing(worker, way.port, packet);
  queue_frame(worker, way.port, packet.mbuf);
  return true;
}

// The way of a packet whose real is known. True: it was sent on; false: its verdict says what else becomes of it.
template <Direction kDirection, typename Ip>
[[gnu::always_inline]] inline bool send_on(Worker& worker, const Snapshot& snapshot, const Flow<Ip>& flow,
                                           Packet& packet) noexcept {
  const RealEntry& real = snapshot.reals[flow.real.index];
  const WayOut* way = route<kDirection>(worker, snapshot, real, flow, packet);  // where does it leave, and may it?
  if (way == nullptr) [[unlikely]] return send_in_pieces<kDirection>(worker, snapshot, real, flow, packet);
  if (real.is_special()) [[unlikely]] {  // may its service have one more? Is it to be read? Does it leave as the other family?
    return send_with_care<kDirection, Ip>(worker, snapshot, flow.connection, flow.real, *way, packet);
  }
  track<kDirection>(worker, snapshot, real, flow, packet);  // what does it do to its connection?
  if (!rewrite<kDirection>(worker, snapshot, real, flow, *way, packet)) [[unlikely]] return false;  // make it what the method says
  queue_frame(worker, way->port, packet.mbuf);
  return true;
}

// By what a packet goes on that is not where its connection was fetched: nearly always one of no connection, new with a real,
// or decided to be something else. A function of its own, so that all that it needs stays off the others' way.
template <typename Ip>
[[gnu::noinline]] Flow<Ip> find_or_admit(Worker& worker, const Snapshot& snapshot, Burst& burst, Packet& packet) noexcept {
  const Flow<Ip> found = find<Ip>(worker, packet);
  if (is_known(worker, found, packet)) return found;
  const Flow<Ip> flow = admit(worker, snapshot, packet, found);
  // One that went over to a connection between families changed no table, unless it ended one here.
  const bool went_over = !is_on_its_way<Ip>(packet) && packet.undecided() && ConnectionTable6::is_entry(packet.reference);
  if (went_over && found.connection == nullptr) return flow;
  search_anew(burst, packet);
  if (is_on_its_way<Ip>(packet)) limit_segment_size(snapshot, snapshot.reals[flow.real.index], packet);
  return flow;
}

// From its connection on; true and false as above.
template <typename Ip>
[[gnu::always_inline]] inline bool forward(Worker& worker, const Snapshot& snapshot, Burst& burst,
                                           Packet& packet) noexcept {
  Flow<Ip> flow = find_fetched<Ip>(packet);  // which connection is it of?
  if (!is_known(worker, flow, packet)) [[unlikely]] {
    flow = find_or_admit<Ip>(worker, snapshot, burst, packet);
    if (!is_on_its_way<Ip>(packet)) return false;
  }
  return flow.direction == Direction::kRequest ? send_on<Direction::kRequest>(worker, snapshot, flow, packet)
                                               : send_on<Direction::kReply>(worker, snapshot, flow, packet);
}

// A packet that came as IPv4 and is IPv6 by now, from its connection on; true and false as above.
[[gnu::noinline, gnu::cold]] bool forward_across(Worker& worker, const Snapshot& snapshot, Burst& burst,
                                                 Packet& packet) noexcept {
  if (forward<Ipv6>(worker, snapshot, burst, packet)) return true;
  cross_back(worker, packet);
  return false;
}

// The walks are functions of their own: each keeps in registers what it needs for every packet.
using Packets = std::span<Packet>;

// Two walks in one: what fetches does nothing else, since a CPU looks a few hundred instructions ahead, and the fewer a packet
// takes, the more of them wait side by side.
[[gnu::noinline]] void parse_all(Worker& worker, const Snapshot& snapshot, Packets packets) noexcept {
  for (Packet& packet : packets) parse(worker, snapshot, packet);  // what is it, and is it well-formed?
  for (Packet& packet : packets) fetch_bucket(worker, packet);
}

[[gnu::noinline]] void fetch_connections(const Worker& worker, const Snapshot& snapshot, Burst& burst,
                                         Packets packets) noexcept {
  for (Packet& packet : packets) fetch_connection(worker, packet);
  if (snapshot.has_crossings) [[unlikely]] fetch_buckets_across(worker, packets);
  burst.fetched += static_cast<uint32_t>(packets.size());
}

[[gnu::noinline]] void forward_all(Worker& worker, const Snapshot& snapshot, Burst& burst, Packets packets) noexcept {
  if (snapshot.has_crossings) [[unlikely]] fetch_connections_across(worker, packets);
  for (Packet& packet : packets) {
    const bool sent = is_on_its_way<Ipv4>(packet)
                          ? forward<Ipv4>(worker, snapshot, burst, packet)
                          : is_on_its_way<Ipv6>(packet) && forward<Ipv6>(worker, snapshot, burst, packet);
    if (sent) [[likely]] continue;
    if (is_on_its_way<Ipv6>(packet) && forward_across(worker, snapshot, burst, packet)) continue;
    if (relay_error(worker, snapshot, burst, packet)) continue;  // an ICMP error goes where the connection it is about goes
    settle(worker, packet);  // send back, punt, hand off, make wait, or free
  }
}

// Packets of a group: so few that a CPU has room to wait for all that they fetch.
constexpr uint32_t kGroup = 8;

// The groups behind one are on their first walks before it takes its last.
void go_in_groups(Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept {
  const uint32_t groups = (burst.count + kGroup - 1) / kGroup;
  const auto group = [&burst](uint32_t number) {
    return burst.all().subspan(number * kGroup, std::min(kGroup, burst.count - number * kGroup));
  };
  for (uint32_t turn = 0; turn < groups + 2; ++turn) {
    if (turn < groups) parse_all(worker, snapshot, group(turn));
    if (turn >= 1 && turn - 1 < groups) fetch_connections(worker, snapshot, burst, group(turn - 1));
    if (turn >= 2) forward_all(worker, snapshot, burst, group(turn - 2));
  }
}

}  // namespace

void packet_path(Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept {
  burst.fetched = burst.stale = 0;
  if (has_far_connections(worker)) return go_in_groups(worker, snapshot, burst);
  parse_all(worker, snapshot, burst.all());
  fetch_connections(worker, snapshot, burst, burst.all());
  forward_all(worker, snapshot, burst, burst.all());
}

}  // namespace shunt::dataplane
