#include "dataplane/explain.h"

#include <cstring>

#include "dataplane/admit.h"
#include "dataplane/family.h"
#include "dataplane/limits.h"
#include "dataplane/local_ports.h"
#include "dataplane/nat64/crossing.h"
#include "dataplane/owner.h"
#include "dataplane/sctp_state.h"
#include "dataplane/snat.h"

namespace shunt::dataplane {
namespace {

FlowKey key_of(const IpFlow& flow, Ipv4) noexcept {
  return {flow.source.v4(), flow.destination.v4(), flow.source_port, flow.destination_port, flow.protocol};
}
FlowKey6 key_of(const IpFlow& flow, Ipv6) noexcept {
  return {flow.source.mapped(), flow.destination.mapped(), flow.source_port, flow.destination_port, flow.protocol};
}

uint8_t opening_flags(uint8_t protocol) noexcept {
  if (protocol == kIpProtocolSctp) return flags_of(SctpEvent::kInit);
  return protocol == kIpProtocolTcp ? kTcpSyn : uint8_t{0};
}

template <typename Entry>
ConnectionCopy copy_of(const Worker& worker, const Snapshot& snapshot, const Entry& entry) noexcept {
  return {IpFlow::from(entry.request),
          IpFlow::from(entry.reply),
          entry.state,
          entry.method,
          entry.real,
          snapshot.reals[entry.real.index].service,
          entry.in_packets,
          entry.out_packets,
          worker.index,
          static_cast<int32_t>(entry.expires - worker.now)};
}

void tell_way(const Snapshot& snapshot, RealId id, Explanation& told) noexcept {
  const RealEntry& real = snapshot.reals[id.index];
  told.real = real;
  if (real.next_hop == kNoNextHop) {
    told.route = snapshot.next_hops.route_to(real.address);
    return;
  }
  told.next_hop = snapshot.next_hops.hops[real.next_hop.index];
  told.link_up = snapshot.link_up[told.next_hop.port];
}

// Of a connection of snat, new or not: its slot has no way out, so `real` becomes the packet's destination.
void tell_snat_way(const Snapshot& snapshot, RealId id, const IpAddress& destination, Explanation& told) noexcept {
  RealEntry real = snapshot.reals[id.index];
  real.address = destination;
  told.route = snapshot.next_hops.route_to(destination);
  if (told.route.kind == Route::Kind::kFound) {
    told.next_hop = snapshot.next_hops.hops[told.route.hop.index];
    told.link_up = snapshot.link_up[told.next_hop.port];
    real.next_hop = told.route.hop;
    real.take_way_out(told.next_hop, told.link_up);
  }
  told.real = real;
}

// Who would have to have the packet.
template <typename Ip>
void tell_owner(const Worker& worker, const ServiceEntry& service, Explanation& told) noexcept {
  told.owner = worker.index;
  if (worker.count == 1) return;
  const IpFlow& flow = told.flow;
  if (service.method == Method::kNat && !service.one_packet) {
    told.owner = owner_of_client(flow.source, flow.source_port, worker.count);
  }
  // Network cards hash no more than TCP and UDP by ports (setup/rss.cc).
  if (worker.steered && flow.protocol != kIpProtocolSctp)
    told.steered_to = worker.steering->owner_of(key_of(flow, Ip{}));
}

// What the real's replies would be known by: as set_reply() and fill_and_insert() of open.cc make it.
template <typename Ip>
void tell_reply(Worker& worker, const ServiceEntry& service, Explanation& told) noexcept {
  const RealEntry& real = *told.real;
  const Be16 port = real.port.raw == 0 ? told.flow.destination_port : real.port;
  told.reply = {real.address, told.flow.source, port, told.flow.source_port, told.flow.protocol};
  told.has_reply = true;
  if (service.one_packet || real.method == Method::kDirect || real.method == Method::kTunnel) return;
  typename Ip::Key reply = key_of(told.reply, Ip{});
  if (real.method == Method::kNat) {
    const auto* other = connections_of<Ip>(worker).find(reply).entry;
    // A former connection of this very flow goes first.
    told.has_reply = other == nullptr || other->request == key_of(told.flow, Ip{});
    return;
  }
  const auto addresses = service.local_addresses.of(real.address.family);
  told.has_reply = !addresses.empty() && peek_local<Ip>(worker, {addresses}, told.choice.real, real.port.raw == 0, reply);
  told.reply = IpFlow::from(reply);
}

// Of a packet for no service: as admit_snat() does it.
template <typename Ip>
void tell_snat(Worker& worker, const Snapshot& snapshot, Explanation& told) noexcept {
  const SnatEntry* rule = find_snat(snapshot, told.flow, told.in_port);
  if (rule == nullptr) return;
  const typename Ip::Key key = key_of(told.flow, Ip{});
  told.snat = rule->real;
  told.owner = owner_of_reply(worker, snapshot, key, told.flow);
  if (worker.count > 1 && worker.steered) told.steered_to = worker.steering->owner_of(key);
  told.drop_rate = defences_of<Ip>(worker).drop_rate();
  told.is_table_full = connections_of<Ip>(worker).is_full();
  tell_snat_way(snapshot, rule->real, told.flow.destination, told);
  typename Ip::Key reply{key.destination, {}, key.destination_port, {}, key.protocol};
  told.has_reply = peek_local<Ip>(worker, pool_of(*rule, told.flow.source), rule->real, true, reply);
  told.reply = IpFlow::from(reply);
}

template <typename Ip>
std::optional<ConnectionCopy> live(Worker& worker, const Snapshot& snapshot, const IpFlow& flow) noexcept {
  const auto* entry = connections_of<Ip>(worker).find(key_of(flow, Ip{})).entry;
  if (entry == nullptr || is_past(entry->expires, worker.now)) return std::nullopt;
  return copy_of(worker, snapshot, *entry);
}

// Whether an IPv4 packet goes on as IPv6 (nat64/crossing.h).
bool crosses(Worker& worker, const Snapshot& snapshot, const Explanation& told) noexcept {
  if (!snapshot.has_crossings || live<Ipv4>(worker, snapshot, told.flow)) return false;
  const ServiceEntry* service = snapshot.find_service(told.flow, told.in_port);
  return (service != nullptr && service->crosses) || find_crossing(worker, key_of(told.flow, Ipv4{})).entry != nullptr;
}

template <typename Ip>
void tell(Worker& worker, const Snapshot& snapshot, Explanation& told) noexcept {
  auto& table = connections_of<Ip>(worker);
  Packet packet{};
  packet.in_port = told.in_port;
  packet.tcp_flags = opening_flags(told.flow.protocol);
  const auto found = table.find(key_of(told.flow, Ip{}));
  Loads loads = worker.loads();
  if (found.entry != nullptr) {
    const bool is_live = !is_past(found.entry->expires, worker.now);
    const Flow<Ip> flow{found.entry, found.entry->real, found.direction};
    if (is_live) {
      told.connection = copy_of(worker, snapshot, *found.entry);
      told.direction = found.direction;
      told.service = told.connection->service;
      told.begins_anew = begins_anew(snapshot, packet, flow);
      if (!told.begins_anew && found.entry->method == Method::kSnat) {
        const IpFlow& request = told.connection->request;
        const bool is_reply = found.direction == Direction::kReply;
        return tell_snat_way(snapshot, found.entry->real, is_reply ? request.source : request.destination, told);
      }
      if (!told.begins_anew) return tell_way(snapshot, found.entry->real, told);
    }
    // It ends before the next real is chosen.
    loads = loads.without(found.entry->real, (found.entry->flags & kConnectionActive) != 0);
  }
  const ServiceEntry* service = snapshot.find_service(told.flow, told.in_port);
  told.destination_kinds = snapshot.kinds_of(told.flow.destination);
  told.owner = worker.index;
  told.service = service == nullptr ? kNoService : service->id;
  if (service == nullptr) return tell_snat<Ip>(worker, snapshot, told);
  tell_owner<Ip>(worker, *service, told);
  told.is_denied = service->access != nullptr && service->access->denies(told.flow.source);
  if (told.is_denied) return;
  if (service->has_limits) told.over_limit = peek_place(worker, snapshot, *service, told.flow.source);
  told.drop_rate = defences_of<Ip>(worker).drop_rate();
  told.is_table_full = table.is_full();
  told.choice = peek_real(worker, snapshot, *service, told.flow, loads);
  if (told.choice.real == kNoReal) return;
  tell_way(snapshot, told.choice.real, told);
  tell_reply<Ip>(worker, *service, told);
}

}  // namespace

std::optional<ConnectionCopy> live_connection(Worker& worker, const Snapshot& snapshot, const IpFlow& flow) noexcept {
  if (!flow.source.is_v4()) return live<Ipv6>(worker, snapshot, flow);
  const auto found = live<Ipv4>(worker, snapshot, flow);
  return found || !snapshot.has_crossings ? found : live<Ipv6>(worker, snapshot, flow);
}

void explain(Worker& worker, const Snapshot& snapshot, Explanation& explanation) noexcept {
  const bool is_v4 = explanation.flow.destination.is_v4();
  if (is_v4 && !crosses(worker, snapshot, explanation)) tell<Ipv4>(worker, snapshot, explanation);
  else tell<Ipv6>(worker, snapshot, explanation);
}

}  // namespace shunt::dataplane
