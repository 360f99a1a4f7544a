#include "dataplane/admit.h"

#include <algorithm>

#include "dataplane/answer.h"
#include "dataplane/checksum.h"
#include "dataplane/connection_counts.h"
#include "dataplane/expiry.h"
#include "dataplane/local_ports.h"
#include "dataplane/schedulers/scheduler.h"

namespace shunt::dataplane {
namespace {

// With several workers, a nat connection is the business of the one that its client names: requests carry the client
// as source, replies as destination, so both find it without asking.
uint32_t owner_of_client(const IpAddress& address, Be16 port, uint32_t workers) noexcept {
  const uint32_t mixed = (table_hash(address) ^ (uint32_t{port.raw} << 15)) * 2654435761u;
  return static_cast<uint32_t>((uint64_t{mixed ^ (mixed >> 16)} * workers) >> 32);
}

// True: the packet goes to `owner`, or must not go on here.
bool hand_off(const Worker& worker, Packet& packet, uint32_t owner) noexcept {
  if (owner == worker.index) return false;
  if (packet.handed_off) {
    packet.drop(DropReason::kHopLoop);
    return true;
  }
  packet.verdict = Verdict::kHandOff;
  packet.owner = static_cast<uint8_t>(owner);
  return true;
}

// No service is asked for: perhaps a reply that belongs to another worker, otherwise Linux's.
template <typename Ip>
void admit_stranger(const Worker& worker, const Snapshot& snapshot, const IpFlow& flow, Packet& packet) noexcept {
  if (worker.count > 1 && !packet.handed_off) {
    const uint8_t destination = snapshot.kinds_of(flow.destination);
    if (destination & bit(AddressSlot::Kind::kLocal)) {
      if (hand_off(worker, packet, worker.steering->owner_of(Ip::key_of(packet)))) return;
    } else if ((destination & bit(AddressSlot::Kind::kOwn)) == 0 &&
               (snapshot.kinds_of(flow.source) & bit(AddressSlot::Kind::kReal))) {
      const uint32_t owner = owner_of_client(flow.destination, flow.destination_port, worker.count);
      if (hand_off(worker, packet, owner)) return;
    }
  }
  packet.verdict = Verdict::kKernel;
}

// A TCP packet opens a connection by SYN alone, or, where the service is sloppy, unless it is an RST
// (ip_vs_proto_tcp.c tcp_conn_schedule).
bool opens_connection(const ServiceEntry& service, const Packet& packet) noexcept {
  if (service.protocol == kIpProtocolUdp) return true;
  if (service.sloppy_tcp) return (packet.tcp_flags & kTcpRst) == 0;
  return (packet.tcp_flags & (kTcpSyn | kTcpRst | kTcpAck)) == kTcpSyn;
}

// A stateless scheduler gives every packet of a flow the same real, so one-way methods do without a connection.
bool can_go_untracked(const ServiceEntry& service) noexcept {
  const bool one_way = service.method == Method::kDirect || service.method == Method::kTunnel;
  return one_way && scheduler_for(service.scheduler).is_stateless();
}

template <typename Ip>
Flow<Ip> forward_untracked(Worker& worker, RealId real) noexcept {
  worker.counters.untracked_packets.add(1);
  return {nullptr, real, Direction::kRequest};
}

// For a packet that was decided.
template <typename Ip>
constexpr Flow<Ip> kNoFlow{nullptr, kNoReal, Direction::kRequest};

// What a request's way out as the reply's mirror image adds to a sum over its addresses, and over its ports.
template <typename Key>
uint32_t delta_of_addresses(const Key& request, const Key& reply) noexcept {
  return delta_of(request.source, reply.destination) + delta_of(request.destination, reply.source);
}
template <typename Key>
uint32_t delta_of_ports(const Key& request, const Key& reply) noexcept {
  return delta_of(request.source_port, reply.destination_port) + delta_of(request.destination_port, reply.source_port);
}

// What both directions' rewrites add to the checksums.
void prepare_rewrite(Connection& connection) noexcept {
  const uint32_t ip = delta_of_addresses(connection.request, connection.reply);
  connection.request_ip_delta = fold(ip + kTtlDelta);
  connection.reply_ip_delta = fold(inverse(fold(ip)) + kTtlDelta);
  connection.l4_delta = fold(uint64_t{ip} + delta_of_ports(connection.request, connection.reply));
}
void prepare_rewrite(Connection6& connection) noexcept {
  connection.l4_delta = fold(uint64_t{delta_of_addresses(connection.request, connection.reply)} +
                             delta_of_ports(connection.request, connection.reply));
}

// A real's end of a connection, toward its client.
FlowKey reply_of(const FlowKey& request, const RealEntry& real) noexcept {
  return {real.address.v4(), request.source, real.port, request.source_port, request.protocol};
}
FlowKey6 reply_of(const FlowKey6& request, const RealEntry& real) noexcept {
  return {real.address.bytes, request.source, real.port, request.source_port, request.protocol};
}

// A zeroed connection for the packet, room made if need be; nullptr: the table is full of better ones.
template <typename Ip>
typename Ip::Entry* allocate(Worker& worker) noexcept {
  auto& table = connections_of<Ip>(worker);
  typename Ip::Entry* connection = table.allocate();
  if (connection == nullptr && evict_half_open<Ip>(worker)) connection = table.allocate();
  return connection;
}

// False: no local port for fullnat, or no place in the index; the reason is in `why`.
template <typename Ip>
bool fill_and_insert(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service, const Packet& packet,
                     RealId real_id, typename Ip::Entry& connection, DropReason& why) noexcept {
  auto& table = connections_of<Ip>(worker);
  const RealEntry& real = snapshot.reals[real_id.index];
  connection.request = Ip::key_of(packet);
  connection.reply = reply_of(connection.request, real);
  connection.real = real_id;
  connection.state = service.protocol == kIpProtocolUdp ? ConnectionState::kUdp : ConnectionState::kNone;
  connection.method = real.method;
  // What it counts as from its first packet on, at once, so that the next pick of the burst sees it: TCP's SYN makes it
  // active; UDP stays as IPVS's connections begin, inactive (ip_vs_ctl.c, IP_VS_CONN_F_INACTIVE).
  if (service.protocol == kIpProtocolTcp) connection.flags |= kConnectionActive;
  connection.service = service.id;
  connection.client_hop = kNoNextHop;
  connection.created = worker.now;
  connection.expires = worker.now + snapshot.timeouts[real.timeouts][static_cast<size_t>(connection.state)];
  switch (real.method) {
    case Method::kDirect:
    case Method::kTunnel:
      connection.flags |= kConnectionNoOutput;
      break;
    case Method::kFullnat:
      why = service.local_addresses.empty() ? DropReason::kNoLocalAddress : DropReason::kLocalPortsExhausted;
      if (service.local_addresses.empty() || !choose_local<Ip>(worker, service, connection)) return false;
      connection.flags |= kConnectionTwoWay;
      break;
    case Method::kNat:
      connection.flags |= kConnectionTwoWay;
      // The same client port to the same real through another VIP would make replies ambiguous.
      why = DropReason::kLocalPortsExhausted;
      if (table.find(connection.reply).entry != nullptr) return false;
      break;
  }
  prepare_rewrite(connection);
  why = DropReason::kTableFull;
  return table.insert(&connection);
}

template <typename Ip>
Flow<Ip> open_connection(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service, Packet& packet,
                         RealId real_id) noexcept {
  typename Ip::Entry* connection = allocate<Ip>(worker);
  DropReason why = DropReason::kTableFull;
  if (connection == nullptr || !fill_and_insert<Ip>(worker, snapshot, service, packet, real_id, *connection, why)) {
    if (connection != nullptr) connections_of<Ip>(worker).release(connection);
    if (can_go_untracked(service)) return forward_untracked<Ip>(worker, real_id);
    packet.drop(why);
    return kNoFlow<Ip>;
  }
  worker.real_counters[real_id.index].connections.add(1);
  owe_sweep<Ip>(worker, kEntriesPerConnection);
  count_in(worker, *connection);
  return {connection, real_id, Direction::kRequest};
}

template <typename Ip>
Flow<Ip> admit_miss(Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept {
  const IpFlow flow = IpFlow::from(Ip::key_of(packet));
  const ServiceEntry* service = snapshot.find_service(flow.protocol, flow.destination, flow.destination_port);
  if (service == nullptr) {
    admit_stranger<Ip>(worker, snapshot, flow, packet);
    return kNoFlow<Ip>;
  }
  if (worker.count > 1 && service->method == Method::kNat) {
    const uint32_t owner = owner_of_client(flow.source, flow.source_port, worker.count);
    if (hand_off(worker, packet, owner)) return kNoFlow<Ip>;
  }
  const bool opens = opens_connection(*service, packet);
  if (!opens && !(can_go_untracked(*service) && worker.counters.untracked_packets.read() > 0)) {
    // Linux, whose address the VIP is, answers with a reset; a flood of these must not crowd out its other traffic.
    if (worker.punts.take(worker.now)) packet.verdict = Verdict::kKernel;
    else packet.drop(DropReason::kNotSchedulable);
    return kNoFlow<Ip>;
  }
  const Loads loads = worker.loads();
  const PickContext context{*service, flow, loads, worker.cursors[service->id.index], &worker.load_trees};
  const RealId real = scheduler_for(service->scheduler).pick(context);
  if (real == kNoReal) {
    drop_with_answer<Ip>(worker, snapshot, packet, DropReason::kNoRealLeft, Answer::kPortUnreachable);
    return kNoFlow<Ip>;
  }
  if (!opens) return forward_untracked<Ip>(worker, real);
  return open_connection<Ip>(worker, snapshot, *service, packet, real);
}

// The client is done with it, as far as we see: where replies pass us by, its FIN is all that there will be.
template <typename Entry>
bool is_over(const Entry& connection) noexcept {
  if (connection.state == ConnectionState::kFinWait) return connection.flags & kConnectionNoOutput;
  return connection.state == ConnectionState::kTimeWait || connection.state == ConnectionState::kClose;
}

bool takes_connections(const ServiceEntry& service, RealId real) noexcept {
  return std::any_of(service.candidates.begin(), service.candidates.end(),
                     [real](const Candidate& candidate) { return candidate.id == real && candidate.weight > 0; });
}

// The client asks again, or anew, for a connection that no real has answered as far as we know, and the one that was
// chosen is down or drained by now. IPVS goes on asking that one; here the failure is masked.
template <typename Ip>
bool waits_in_vain(const Snapshot& snapshot, const Flow<Ip>& found) noexcept {
  if (found.connection->state != ConnectionState::kSynRecv) return false;
  const IpFlow flow = IpFlow::from(found.connection->request);
  const ServiceEntry* service = snapshot.find_service(flow.protocol, flow.destination, flow.destination_port);
  return service != nullptr && !takes_connections(*service, found.real);
}

// A new SYN on a connection that is over starts a new one (IPVS conn_reuse_mode 1 and 2, ip_vs_core.c
// is_new_conn_expected), as does one on a connection that waits in vain.
template <typename Ip>
bool is_reopened(const Snapshot& snapshot, const Packet& packet, const Flow<Ip>& found) noexcept {
  if (found.direction != Direction::kRequest) return false;
  if ((packet.tcp_flags & (kTcpSyn | kTcpRst | kTcpAck)) != kTcpSyn) return false;
  return is_over(*found.connection) || waits_in_vain(snapshot, found);
}

}  // namespace

template <typename Ip>
Flow<Ip> admit(Worker& worker, const Snapshot& snapshot, Packet& packet, const Flow<Ip>& found) noexcept {
  if (found.connection != nullptr) {
    if (!is_past(found.connection->expires, worker.now) && !is_reopened(snapshot, packet, found)) return found;
    end_connection(worker, found.connection);
  }
  return admit_miss<Ip>(worker, snapshot, packet);
}

template Flow<Ipv4> admit(Worker&, const Snapshot&, Packet&, const Flow<Ipv4>&) noexcept;
template Flow<Ipv6> admit(Worker&, const Snapshot&, Packet&, const Flow<Ipv6>&) noexcept;

}  // namespace shunt::dataplane
