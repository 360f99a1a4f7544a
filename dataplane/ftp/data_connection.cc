#include "dataplane/ftp/data_connection.h"

#include <algorithm>

#include "dataplane/begin_connection.h"
#include "dataplane/choose.h"
#include "dataplane/connection_counts.h"
#include "dataplane/limits.h"
#include "dataplane/local_ports.h"
#include "dataplane/open.h"
#include "dataplane/owner.h"
#include "dataplane/rewrite_deltas.h"

namespace shunt::dataplane {
namespace {

// Of the VIP's ports, looked at for an active connection under fullnat.
constexpr uint32_t kTries = 16;

void set(Be32& to, const IpAddress& address) noexcept { to = address.v4(); }
void set(std::array<uint8_t, 16>& to, const IpAddress& address) noexcept { to = address.bytes; }

void note_port(Connection&) noexcept {}
void note_port(Connection6& connection) noexcept { connection.real_port = connection.reply.source_port; }

template <typename Ip>
uint32_t owner_of_data(const Worker& worker, const Expectation& expected, Method method, const typename Ip::Key& key) noexcept {
  if (worker.count == 1) return worker.index;
  if (method == Method::kNat) {
    const Be16 port = expected.is_passive ? key.source_port : expected.client_port;
    return owner_of_client(expected.client, port, worker.count);
  }
  return expected.is_passive ? worker.index : worker.steering->owner_of(key);
}

// Whether a connection may have this end of the index; one that is over makes room.
template <typename Ip>
bool is_free(Worker& worker, const typename Ip::Key& key) noexcept {
  typename Ip::Entry* held = connections_of<Ip>(worker).find(key).entry;
  if (held == nullptr) return true;
  const bool is_over = held->state == ConnectionState::kTimeWait || held->state == ConnectionState::kClose;
  if (!is_over && !is_past(held->expires, worker.now)) return false;
  end_connection(worker, held);
  return true;
}

// The port before the service's, as RFC 959 section 3.2 has it, for a real that keeps to that; others' own.
Be16 active_port(const Expectation& expected, Be16 real_port) noexcept {
  const bool keeps = uint32_t{real_port.host()} + 1 == expected.real_port.host();
  if (!keeps || expected.control_port.host() == 1) return real_port;
  return Be16::from_host(static_cast<uint16_t>(expected.control_port.host() - 1));
}

// Completes the request of an active connection, whose client's packets must reach this worker; false: no port of the VIP
// does.
template <typename Ip>
bool choose_vip_port(Worker& worker, const Snapshot& snapshot, const Expectation& expected, bool is_nat,
                     typename Ip::Entry& connection) noexcept {
  typename Ip::Key& request = connection.request;
  request.destination_port = active_port(expected, connection.reply.source_port);
  const bool is_ours = is_nat || worker.count == 1 || worker.steering->owner_of(request) == worker.index;
  if (is_ours && is_free<Ip>(worker, request)) return true;
  if (is_nat || worker.steering == nullptr) return false;
  const uint32_t ports = worker.steering->ports_of(worker.index);
  for (uint32_t i = 0; i < std::min(kTries, ports); ++i) {
    request.destination_port = worker.steering->port_of(worker.index, request, (worker.ftp.next_port + i) % ports);
    const ServiceEntry* other = snapshot.find_service(kIpProtocolTcp, expected.vip, request.destination_port);
    if ((other == nullptr || other->id == expected.service) && is_free<Ip>(worker, request)) return true;
  }
  return false;
}

// Both ends of both directions; false: one of them has no free port.
template <typename Ip>
bool set_ends(Worker& worker, const Snapshot& snapshot, const Expectation& expected, const typename Ip::Key& key,
              typename Ip::Entry& connection) noexcept {
  const RealEntry& real = snapshot.reals[expected.real.index];
  const bool is_nat = real.method == Method::kNat;
  if (!expected.is_passive) {
    connection.reply = key;
    note_port(connection);
    set(connection.request.source, expected.client);
    set(connection.request.destination, expected.vip);
    connection.request.source_port = expected.client_port;
    connection.request.protocol = kIpProtocolTcp;
    return choose_vip_port<Ip>(worker, snapshot, expected, is_nat, connection) && is_free<Ip>(worker, key);
  }
  connection.request = key;
  set(connection.reply.source, real.address);
  connection.reply.source_port = expected.real_port;
  connection.reply.protocol = kIpProtocolTcp;
  note_port(connection);
  if (!is_nat) return choose_local<Ip>(worker, {{&expected.local, 1}}, true, connection);
  connection.reply.destination = key.source;
  connection.reply.destination_port = key.source_port;
  return is_free<Ip>(worker, connection.reply);
}

template <typename Ip>
bool fill_and_insert(Worker& worker, const Snapshot& snapshot, const Expectation& expected, const typename Ip::Key& key,
                     typename Ip::Entry& connection, DropReason& why) noexcept {
  const RealEntry& real = snapshot.reals[expected.real.index];
  connection.real = expected.real;
  connection.method = real.method;
  connection.state = ConnectionState::kNone;
  connection.flags |= kConnectionTwoWay | kConnectionActive;
  connection.client_hop = kNoNextHop;
  connection.created = worker.now;
  connection.expires = worker.now + snapshot.timeouts[real.timeouts][static_cast<size_t>(ConnectionState::kNone)];
  why = DropReason::kLocalPortsExhausted;
  if (!set_ends<Ip>(worker, snapshot, expected, key, connection)) return false;
  prepare_rewrite(connection);
  why = DropReason::kTableFull;
  return connections_of<Ip>(worker).insert(&connection);
}

// The control connection's service, if there still is one.
const ServiceEntry* service_of(const Snapshot& snapshot, const Expectation& expected) noexcept {
  const ServiceEntry* service = snapshot.find_service(kIpProtocolTcp, expected.vip, expected.control_port);
  return service != nullptr && service->id == expected.service ? service : nullptr;
}

// The packet is expected, and this worker's.
template <typename Ip>
Flow<Ip> open_data(Worker& worker, const Snapshot& snapshot, const ExpectationTable::Found& found,
                   const ServiceEntry* service, Packet& packet) noexcept {
  const Expectation& expected = found.expectation;
  typename Ip::Entry* connection = allocate<Ip>(worker);
  DropReason why = DropReason::kTableFull;
  const auto key = Ip::key_of(packet);
  if (connection == nullptr || !fill_and_insert<Ip>(worker, snapshot, expected, key, *connection, why)) {
    if (connection != nullptr) connections_of<Ip>(worker).release(connection);
    packet.drop(why);
    return kNoFlow<Ip>;
  }
  if (!worker.ftp.expectations->take(found.id)) {  // another worker was quicker
    connections_of<Ip>(worker).erase(connection);
    packet.drop(DropReason::kNotSchedulable);
    return kNoFlow<Ip>;
  }
  worker.counters.ftp_opened.add(1);
  worker.real_counters[expected.real.index].connections.add(1);
  owe_sweep<Ip>(worker, kEntriesPerConnection);
  count_in(worker, *connection);
  if (service != nullptr) note_opened(worker, *service, expected.real);
  return {connection, expected.real, expected.is_passive ? Direction::kRequest : Direction::kReply};
}

}  // namespace

template <typename Ip>
Flow<Ip> admit_data(Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept {
  if ((packet.tcp_flags & (kTcpSyn | kTcpRst | kTcpAck)) != kTcpSyn) return kNoFlow<Ip>;
  const auto key = Ip::key_of(packet);
  const IpFlow flow = IpFlow::from(key);
  const auto found = worker.ftp.expectations->find(flow.source, flow.destination, flow.destination_port, worker.now);
  if (!found) return kNoFlow<Ip>;
  const Expectation& expected = found->expectation;
  const RealEntry& real = snapshot.reals[expected.real.index];
  // The slot is another's by now: nobody's control connection holds it.
  if (real.service != expected.service || real.address.family != Ip::kFamily) return kNoFlow<Ip>;
  if (hand_off(worker, packet, owner_of_data<Ip>(worker, expected, real.method, key))) return kNoFlow<Ip>;
  if (expected.is_passive && defences_of<Ip>(worker).turns_away()) {
    packet.drop(DropReason::kDropPacket);
    return kNoFlow<Ip>;
  }
  const ServiceEntry* service = service_of(snapshot, expected);
  if (service == nullptr || !service->has_limits) return open_data<Ip>(worker, snapshot, *found, service, packet);
  if (const auto why = take_place(worker, snapshot, *service, expected.client)) {
    packet.drop(*why);
    return kNoFlow<Ip>;
  }
  const Flow<Ip> opened = open_data<Ip>(worker, snapshot, *found, service, packet);
  if (!counts_clients(snapshot, service->id)) return opened;
  if (opened.connection != nullptr) opened.connection->flags |= kConnectionCounted;
  else leave_place(worker, snapshot, service->id, expected.client);
  return opened;
}

template <typename Ip>
bool hand_off_data(const Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept {
  if (worker.count == 1 || packet.handed_off) return false;
  const auto key = Ip::key_of(packet);
  if (key.protocol != kIpProtocolTcp) return false;
  const IpFlow flow = IpFlow::from(key);
  const uint8_t kinds = snapshot.kinds_of(flow.destination);
  if ((kinds & bit(AddressSlot::Kind::kFtpNat)) != 0) {
    return hand_off(worker, packet, owner_of_client(flow.source, flow.source_port, worker.count));
  }
  return (kinds & bit(AddressSlot::Kind::kFtpFullnat)) != 0 && hand_off(worker, packet, worker.steering->owner_of(key));
}

template Flow<Ipv4> admit_data(Worker&, const Snapshot&, Packet&) noexcept;
template Flow<Ipv6> admit_data(Worker&, const Snapshot&, Packet&) noexcept;
template bool hand_off_data<Ipv4>(const Worker&, const Snapshot&, Packet&) noexcept;
template bool hand_off_data<Ipv6>(const Worker&, const Snapshot&, Packet&) noexcept;

}  // namespace shunt::dataplane
