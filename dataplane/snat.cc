#include "dataplane/snat.h"

#include "dataplane/begin_connection.h"
#include "dataplane/connection_counts.h"
#include "dataplane/fragments.h"
#include "dataplane/host_address.h"
#include "dataplane/icmp/echo.h"
#include "dataplane/open.h"
#include "dataplane/owner.h"
#include "dataplane/rewrite_deltas.h"

namespace shunt::dataplane {
namespace {

// The port that packets for the destination leave by, as far as it can be told.
bool leaves_by(const Snapshot& snapshot, const IpAddress& destination, uint16_t port) noexcept {
  const Route route = snapshot.next_hops.route_to(destination);
  switch (route.kind) {
    case Route::Kind::kFound: return snapshot.next_hops.hops[route.hop.index].port == port;
    case Route::Kind::kUnresolved: return route.port == port;
    case Route::Kind::kNoRoute: return false;
  }
  return false;
}

// A TCP packet opens a connection by SYN alone, an echo if it is a request.
bool opens(const Packet& packet, uint8_t protocol) noexcept {
  if (is_icmp(protocol)) return is_echo_request(packet.echo(), protocol);
  return protocol != kIpProtocolTcp || (packet.tcp_flags & (kTcpSyn | kTcpRst | kTcpAck)) == kTcpSyn;
}

ConnectionState first_state(uint8_t protocol) noexcept {
  if (protocol == kIpProtocolTcp) return ConnectionState::kNone;
  return protocol == kIpProtocolUdp ? ConnectionState::kUdp : ConnectionState::kIcmp;
}

void note_port(Connection&) noexcept {}
void note_port(Connection6& connection) noexcept { connection.real_port = connection.reply.source_port; }

// All but the local end.
template <typename Entry, typename Key>
void begin(const Worker& worker, const Snapshot& snapshot, RealId slot, const Key& request, Entry& connection) noexcept {
  connection.request = request;
  connection.reply = {request.destination, {}, request.destination_port, {}, request.protocol};
  note_port(connection);
  connection.real = slot;
  connection.method = Method::kSnat;
  connection.state = first_state(request.protocol);
  connection.flags |= kConnectionTwoWay;
  if (request.protocol == kIpProtocolTcp) connection.flags |= kConnectionActive;
  connection.client_hop = kNoNextHop;
  connection.far_hop = {kNoNextHop, 0};
  connection.created = worker.now;
  const uint16_t timeouts = snapshot.reals[slot.index].timeouts;
  connection.expires = worker.now + snapshot.timeouts[timeouts][static_cast<size_t>(connection.state)];
}

// False: the packet is dropped.
template <typename Ip>
bool complete_and_insert(Worker& worker, const SnatEntry& rule, const IpAddress& source, typename Ip::Entry& connection,
                         Packet& packet) noexcept {
  if (!choose_local<Ip>(worker, pool_of(rule, source), true, connection)) {
    worker.snat_exhausted[rule.counter].add(1);
    packet.drop(DropReason::kSnatExhausted);
    return false;
  }
  prepare_rewrite(connection);
  if (connections_of<Ip>(worker).insert(&connection)) return true;
  packet.drop(DropReason::kTableFull);
  return false;
}

}  // namespace

const SnatEntry* find_snat(const Snapshot& snapshot, const IpFlow& flow, uint16_t in_port) noexcept {
  if (snapshot.snat_rules.empty()) return nullptr;
  constexpr uint8_t kOurs =
      bit(AddressSlot::Kind::kOwn) | bit(AddressSlot::Kind::kLocal) | bit(AddressSlot::Kind::kVip);
  if (!is_routed_host(flow.source) || !is_routed_host(flow.destination)) return nullptr;
  // From ourselves: it left once, and came back.
  if (((snapshot.kinds_of(flow.source) | snapshot.kinds_of(flow.destination)) & kOurs) != 0) return nullptr;
  const MatchTable& matches = snapshot.snat_matches;
  for (uint32_t at = 0; (at = matches.find(flow, in_port, at)) != MatchTable::kNone; ++at) {
    const SnatEntry& rule = snapshot.snat_rules[matches.services[at]];
    if (rule.out_port == SnatEntry::kAnyPort || leaves_by(snapshot, flow.destination, rule.out_port)) return &rule;
  }
  return nullptr;
}

LocalPool pool_of(const SnatEntry& rule, const IpAddress& source) noexcept {
  const auto addresses = static_cast<uint32_t>(rule.addresses.size());
  return {rule.addresses, rule.first_port, rule.last_port, table_hash(source) % addresses};
}

template <typename Ip>
Flow<Ip> admit_snat(Worker& worker, const Snapshot& snapshot, const SnatEntry& rule, Packet& packet) noexcept {
  const auto key = Ip::key_of(packet);
  const IpAddress source = IpFlow::from(key).source;
  const Part part = part_of(Ip::header_of(packet));
  // A fragment came here whatever its ports; its connection is where network cards bring the flow's whole packets. What a nat
  // real sends is where it belongs by now.
  const bool is_strayed = worker.count > 1 && part != Part::kWhole &&
                          (snapshot.kinds_of(source) & bit(AddressSlot::Kind::kReal)) == 0;
  if (is_strayed && hand_off(worker, packet, worker.steering->owner_of(key))) return kNoFlow<Ip>;
  if (part == Part::kLater || !opens(packet, key.protocol)) {
    packet.drop(DropReason::kNotSchedulable);
    return kNoFlow<Ip>;
  }
  if (defences_of<Ip>(worker).turns_away()) {
    packet.drop(DropReason::kDropPacket);
    return kNoFlow<Ip>;
  }
  typename Ip::Entry* connection = allocate<Ip>(worker);
  if (connection == nullptr) {
    packet.drop(DropReason::kTableFull);
    return kNoFlow<Ip>;
  }
  begin(worker, snapshot, rule.real, key, *connection);
  if (!complete_and_insert<Ip>(worker, rule, source, *connection, packet)) {
    connections_of<Ip>(worker).release(connection);
    return kNoFlow<Ip>;
  }
  worker.real_counters[rule.real.index].connections.add(1);
  owe_sweep<Ip>(worker, kEntriesPerConnection);
  count_in(worker, *connection);
  return {connection, rule.real, Direction::kRequest};
}

template Flow<Ipv4> admit_snat(Worker&, const Snapshot&, const SnatEntry&, Packet&) noexcept;
template Flow<Ipv6> admit_snat(Worker&, const Snapshot&, const SnatEntry&, Packet&) noexcept;

}  // namespace shunt::dataplane
