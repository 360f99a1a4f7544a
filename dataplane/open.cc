#include "dataplane/open.h"

#include "dataplane/begin_connection.h"
#include "dataplane/choose.h"
#include "dataplane/client_address/carry.h"
#include "dataplane/connection_counts.h"
#include "dataplane/expiry.h"
#include "dataplane/ftp/passage.h"
#include "dataplane/local_ports.h"
#include "dataplane/outcome.h"
#include "dataplane/rewrite_deltas.h"
#include "dataplane/schedulers/scheduler.h"

namespace shunt::dataplane {
namespace {

// A real's end of a connection, toward its client. A real without a port of its own keeps the request's (ip_vs_core.c
// ip_vs_schedule). A tunnel's real may be of the other family; then IPv4's address means nothing, but replies do not come
// here either.
template <typename Key>
Be16 port_at(const RealEntry& real, const Key& request) noexcept {
  return real.port.raw == 0 ? request.destination_port : real.port;
}
void set_reply(Connection& connection, const RealEntry& real) noexcept {
  const FlowKey& request = connection.request;
  connection.reply = {real.address.v4(), request.source, port_at(real, request), request.source_port, request.protocol};
}
void set_reply(Connection6& connection, const RealEntry& real) noexcept {
  const FlowKey6& request = connection.request;
  connection.real_port = port_at(real, request);
  connection.reply = {real.address.mapped(), request.source, connection.real_port, request.source_port, request.protocol};
}

ConnectionState first_state(uint8_t protocol) noexcept {
  if (protocol == kIpProtocolTcp) return ConnectionState::kNone;
  return protocol == kIpProtocolUdp ? ConnectionState::kUdp : ConnectionState::kSctpNone;
}

// What every connection begins with, its request's key being set.
template <typename Entry>
void begin(const Worker& worker, const Snapshot& snapshot, RealId real_id, Entry& connection) noexcept {
  const RealEntry& real = snapshot.reals[real_id.index];
  set_reply(connection, real);
  connection.real = real_id;
  connection.state = first_state(connection.request.protocol);
  connection.method = real.method;
  connection.client_hop = kNoNextHop;
  connection.created = worker.now;
  connection.expires = worker.now + snapshot.timeouts[real.timeouts][static_cast<size_t>(connection.state)];
}

// False: no local port for fullnat, or no place in the index; the reason is in `why`.
template <typename Ip>
bool fill_and_insert(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service,
                     const typename Ip::Key& request, RealId real_id, typename Ip::Entry& connection,
                     DropReason& why) noexcept {
  auto& table = connections_of<Ip>(worker);
  const RealEntry& real = snapshot.reals[real_id.index];
  connection.request = request;
  begin(worker, snapshot, real_id, connection);
  // What it counts as from its first packet on, at once, so that the next pick of the burst sees it: TCP's SYN makes it
  // active; others stay as IPVS's connections begin, inactive (ip_vs_ctl.c, IP_VS_CONN_F_INACTIVE).
  if (service.protocol == kIpProtocolTcp) connection.flags |= kConnectionActive;
  switch (real.method) {
    case Method::kDirect:
    case Method::kTunnel:
      connection.flags |= kConnectionNoOutput;
      break;
    case Method::kFullnat: {
      const auto addresses = service.local_addresses.of(real.address.family);
      why = addresses.empty() ? DropReason::kNoLocalAddress : DropReason::kLocalPortsExhausted;
      if (addresses.empty() || !choose_local<Ip>(worker, {addresses}, real.port.raw == 0, connection)) return false;
      connection.flags |= kConnectionTwoWay;
      break;
    }
    case Method::kNat:
      connection.flags |= kConnectionTwoWay;
      // The same client port to the same real through another VIP would make replies ambiguous.
      why = DropReason::kLocalPortsExhausted;
      if (table.find(connection.reply).entry != nullptr) return false;
      break;
    case Method::kSnat:  // no real of a service
      return false;
  }
  prepare_rewrite(connection);
  why = DropReason::kTableFull;
  return table.insert(&connection);
}

}  // namespace

bool can_go_untracked(const ServiceEntry& service) noexcept {
  const bool one_way = service.method == Method::kDirect || service.method == Method::kTunnel;
  return one_way && scheduler_for(service.scheduler).is_stateless();
}

template <typename Ip>
Flow<Ip> forward_untracked(Worker& worker, RealId real) noexcept {
  worker.counters.untracked_packets.add(1);
  return {nullptr, real, Direction::kRequest};
}

template <typename Ip>
Flow<Ip> open_connection(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service,
                         const typename Ip::Key& request, const Held& held, Packet& packet) noexcept {
  typename Ip::Entry* connection = allocate<Ip>(worker);
  DropReason why = DropReason::kTableFull;
  if (connection == nullptr || !fill_and_insert<Ip>(worker, snapshot, service, request, held.real, *connection, why)) {
    if (connection != nullptr) connections_of<Ip>(worker).release(connection);
    let_go(worker, held);
    if (can_go_untracked(service)) return forward_untracked<Ip>(worker, held.real);
    packet.drop(why);
    return kNoFlow<Ip>;
  }
  if (held.by != kNoTemplate) {
    connection->control = held.by;
    connection->flags |= kConnectionControlled;
  }
  if (service.client_address.kind != ClientAddressKind::kNone) [[unlikely]] {
    begin_to_carry(worker, service.client_address, packet, *connection);
  }
  if (service.is_watched) [[unlikely]] begin_to_watch<Ip>(worker, snapshot, packet, *connection);
  if (service.application == Application::kFtp) [[unlikely]] begin_ftp(worker, packet, *connection);
  worker.real_counters[held.real.index].connections.add(1);
  owe_sweep<Ip>(worker, kEntriesPerConnection);
  count_in(worker, *connection);
  note_opened(worker, service, held.real);
  return {connection, held.real, Direction::kRequest};
}

template <typename Ip>
Flow<Ip> forward_alone(Worker& worker, const Snapshot& snapshot, const typename Ip::Key& request, RealId real_id,
                       Direction direction) noexcept {
  typename Ip::Entry& connection = alone_of<Ip>(worker);
  connection.request = request;
  connection.flags = 0;
  begin(worker, snapshot, real_id, connection);
  prepare_rewrite(connection);
  return {&connection, real_id, direction};
}

template Flow<Ipv4> forward_untracked(Worker&, RealId) noexcept;
template Flow<Ipv6> forward_untracked(Worker&, RealId) noexcept;
template Flow<Ipv4> open_connection(Worker&, const Snapshot&, const ServiceEntry&, const FlowKey&, const Held&,
                                    Packet&) noexcept;
template Flow<Ipv6> open_connection(Worker&, const Snapshot&, const ServiceEntry&, const FlowKey6&, const Held&,
                                    Packet&) noexcept;
template Flow<Ipv4> forward_alone(Worker&, const Snapshot&, const FlowKey&, RealId, Direction) noexcept;
template Flow<Ipv6> forward_alone(Worker&, const Snapshot&, const FlowKey6&, RealId, Direction) noexcept;

}  // namespace shunt::dataplane
