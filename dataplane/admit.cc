#include "dataplane/admit.h"

#include <algorithm>

#include "dataplane/answer.h"
#include "dataplane/call.h"
#include "dataplane/choose.h"
#include "dataplane/expiry.h"
#include "dataplane/fragments.h"
#include "dataplane/ftp/data_connection.h"
#include "dataplane/limits.h"
#include "dataplane/nat64/crossing.h"
#include "dataplane/open.h"
#include "dataplane/owner.h"
#include "dataplane/sctp_state.h"
#include "dataplane/snat.h"

namespace shunt::dataplane {
namespace {

// Perhaps a reply that belongs to another worker: true when it goes there, or must not go on here.
template <typename Ip>
bool hand_off_reply(const Worker& worker, const Snapshot& snapshot, const IpFlow& flow, Packet& packet) noexcept {
  return !packet.handed_off && hand_off(worker, packet, owner_of_reply(worker, snapshot, Ip::key_of(packet), flow));
}

// True: a request that is not known here is another worker's, which nat's client names. A fragment came here whatever
// its ports; its connection, if there is one, is where network cards bring the flow's whole packets. A one-packet
// service's has none: what its datagram needs to know is noted here.
template <typename Ip>
bool hand_off_request(const Worker& worker, const ServiceEntry& service, const IpFlow& flow, Part part,
                      Packet& packet) noexcept {
  if (service.one_packet) return false;
  if (service.method == Method::kNat) {
    return hand_off(worker, packet, owner_of_client(flow.source, flow.source_port, worker.count));
  }
  // What was cut here (nat64/crossing.h) goes where the whole one would have gone.
  const bool may_go = part != Part::kWhole && !packet.handed_off;
  return may_go && hand_off(worker, packet, worker.steering->owner_of(Ip::key_of(packet)));
}

// A TCP packet opens a connection by SYN alone, an SCTP packet by INIT, or, where the service is sloppy, unless it
// is an RST or ABORT (ip_vs_proto_tcp.c tcp_conn_schedule, ip_vs_proto_sctp.c sctp_conn_schedule, which takes
// ABORTs, too).
bool opens_connection(const ServiceEntry& service, const Packet& packet) noexcept {
  if (service.protocol == kIpProtocolUdp) return true;
  if (service.protocol == kIpProtocolSctp) {
    const SctpEvent event = sctp_event_in(packet.tcp_flags);
    return event == SctpEvent::kInit || (service.sloppy_sctp && event != SctpEvent::kAbort);
  }
  if (service.sloppy_tcp) return (packet.tcp_flags & kTcpRst) == 0;
  return (packet.tcp_flags & (kTcpSyn | kTcpRst | kTcpAck)) == kTcpSyn;
}

// Packets of no connection may be of one that found the table full.
bool goes_untracked(const Worker& worker, const ServiceEntry& service) noexcept {
  return can_go_untracked(service) && worker.counters.untracked_packets.read() > 0;
}

// There is no real for the packet's new connection.
template <typename Ip>
void turn_away(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service, Packet& packet) noexcept {
  constexpr DropReason kWhy = DropReason::kNoRealLeft;
  switch (service.no_real) {
    case NoReal::kDrop:
      return packet.drop(kWhy);
    case NoReal::kReset:
      if (service.protocol == kIpProtocolTcp) return drop_with_reset<Ip>(worker, packet, kWhy);
      [[fallthrough]];
    case NoReal::kUnreachable:
      return drop_with_answer<Ip>(worker, snapshot, packet, kWhy, Answer::kPortUnreachable);
  }
}

// A fragment of such a datagram behind the first one goes where that one went.
template <typename Ip>
Flow<Ip> follow_first(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service, Packet& packet) noexcept {
  const Datagram* datagram = datagram_of(worker, packet);
  const RealId real = datagram == nullptr ? kNoReal : datagram->real;
  if (real == kNoReal || snapshot.reals[real.index].service != service.id) {
    packet.drop(DropReason::kNotSchedulable);
    return kNoFlow<Ip>;
  }
  return forward_alone<Ip>(worker, snapshot, Ip::key_of(packet), real, Direction::kRequest);
}

// The service does not take the packet's client.
template <typename Ip>
void refuse_client(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service, Refusal refusal,
                   DropReason why, Packet& packet) noexcept {
  const bool is_tcp = service.protocol == kIpProtocolTcp;
  // A later fragment has no header to answer, and an RST wants no answer.
  const bool is_silent = part_of(Ip::header_of(packet)) == Part::kLater || (is_tcp && (packet.tcp_flags & kTcpRst) != 0);
  if (is_silent || refusal == Refusal::kDrop) return packet.drop(why);
  if (is_tcp && refusal == Refusal::kReset) return drop_with_reset<Ip>(worker, packet, why);
  drop_with_answer<Ip>(worker, snapshot, packet, why, Answer::kProhibited);
}

// True: its access lists deny the client.
bool is_denied(Worker& worker, const ServiceEntry& service, const IpAddress& client) noexcept {
  if (service.access == nullptr || !service.access->denies(client)) [[likely]] return false;
  worker.service_counters[service.id.index].denied.add(1);
  return true;
}

// A datagram of a one-packet service has its real. `datagram`: of a first fragment; nullptr: it is whole.
template <typename Ip>
Flow<Ip> forward_one_packet(Worker& worker, const Snapshot& snapshot, const typename Ip::Key& request,
                            Datagram* datagram, const Held& held) noexcept {
  let_go(worker, held, Ending::kWhole);
  worker.real_counters[held.real.index].connections.add(1);
  if (datagram != nullptr) datagram->real = held.real;
  return forward_alone<Ip>(worker, snapshot, request, held.real, Direction::kRequest);
}

// A packet for no service that a nat real sends as its service's, of a connection that nobody knows: the real is told,
// unless it gives up itself (ip_vs_core.c ip_vs_out_hook, sysctl nat_icmp_send). False: it is not to be told.
template <typename Ip>
bool tell_real(Worker& worker, const Snapshot& snapshot, const IpFlow& flow, Packet& packet) noexcept {
  if (!snapshot.is_from_nat_real(flow) || Ip::hop_limit_of(Ip::header_of(packet)) <= 1) return false;
  const bool is_sctp = flow.protocol == kIpProtocolSctp;
  const bool gives_up = is_sctp ? sctp_event_in(packet.tcp_flags) == SctpEvent::kAbort : packet.tcp_flags & kTcpRst;
  if (gives_up) return false;
  if (part_of(Ip::header_of(packet)) == Part::kLater) packet.drop(DropReason::kReplyOfNone);
  else drop_with_answer<Ip>(worker, snapshot, packet, DropReason::kReplyOfNone, Answer::kPortUnreachable);
  return true;
}

FlowKey request_of(const FlowKey& reply, const OnePacketSlot& slot) noexcept {
  const Be16 port = slot.port.raw == 0 ? reply.source_port : Be16::from_host(slot.first_port);
  return {reply.destination, slot.vip.v4(), reply.destination_port, port, reply.protocol};
}
FlowKey6 request_of(const FlowKey6& reply, const OnePacketSlot& slot) noexcept {
  const Be16 port = slot.port.raw == 0 ? reply.source_port : Be16::from_host(slot.first_port);
  return {reply.destination, slot.vip.bytes, reply.destination_port, port, reply.protocol};
}

// The real whose reply it is although no connection knows of it, or nullptr.
const OnePacketSlot* find_one_packet(const Snapshot& snapshot, const IpFlow& flow) noexcept {
  const OnePacketSlot* slot = snapshot.find_one_packet(flow);
  if (slot == nullptr) return nullptr;
  // What the real says to this machine is not for a client.
  constexpr uint8_t kItself = bit(AddressSlot::Kind::kOwn) | bit(AddressSlot::Kind::kLocal);
  return (snapshot.kinds_of(flow.destination) & kItself) == 0 ? slot : nullptr;
}

// A call that a nat real begins, or answers by another flow: its connection, and the call's template, name that real from
// now on (ip_vs_core.c ip_vs_new_conn_out). connection nullptr: it is no such call, or decided.
template <typename Ip>
Flow<Ip> open_from_real(Worker& worker, const Snapshot& snapshot, const OnePacketSlot& slot, Packet& packet) noexcept {
  const uint64_t call = call_of<Ip>(worker, packet);
  const typename Ip::Key request = request_of(Ip::key_of(packet), slot);
  const IpFlow flow = IpFlow::from(request);
  const ServiceEntry* service = snapshot.find_service(flow, packet.in_port);
  if (call == 0 || service == nullptr || service->id != snapshot.reals[slot.real.index].service) return kNoFlow<Ip>;
  const Persistence& persistence = service->persistence;
  const Held held = worker.templates->hold(
      TemplateKey::of(flow.source, persistence.prefix, service->id, call), worker.now, persistence.timeout_ms,
      [&](RealId real) { return real == slot.real; }, [&] { return slot.real; });
  if (service->one_packet) {
    let_go(worker, held, Ending::kWhole);
    return forward_alone<Ip>(worker, snapshot, request, slot.real, Direction::kReply);
  }
  Flow<Ip> opened = open_connection<Ip>(worker, snapshot, *service, request, held, packet);
  opened.direction = Direction::kReply;
  return opened;
}

// A packet of a connection that found the table full, perhaps.
template <typename Ip>
Flow<Ip> follow_untracked(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service, const IpFlow& flow,
                          Packet& packet) noexcept {
  const RealId real = service.persistence.by_call ? kNoReal : real_for_untracked(worker, snapshot, service, flow);
  if (real != kNoReal) return forward_untracked<Ip>(worker, real);
  if (service.persistence.by_call) packet.drop(DropReason::kNoCallId);
  else turn_away<Ip>(worker, snapshot, service, packet);
  return kNoFlow<Ip>;
}

// A packet that opens a connection, or, of a one-packet service, would.
template <typename Ip>
Flow<Ip> give_real(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service, const IpFlow& flow, Part part,
                   Packet& packet) noexcept {
  const uint64_t call = service.persistence.by_call ? call_of<Ip>(worker, packet) : 0;
  if (service.persistence.by_call && call == 0) [[unlikely]] {
    packet.drop(DropReason::kNoCallId);
    return kNoFlow<Ip>;
  }
  const Held held = choose_real(worker, snapshot, service, flow, call);
  if (held.real == kNoReal) {
    turn_away<Ip>(worker, snapshot, service, packet);
    return kNoFlow<Ip>;
  }
  if (service.one_packet) {
    Datagram* datagram = part == Part::kFirst ? datagram_of(worker, packet) : nullptr;
    return forward_one_packet<Ip>(worker, snapshot, Ip::key_of(packet), datagram, held);
  }
  return open_connection<Ip>(worker, snapshot, service, Ip::key_of(packet), held, packet);
}

template <typename Ip>
[[gnu::noinline]] Flow<Ip> give_real_within_limits(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service,
                                                   const IpFlow& flow, Part part, Packet& packet) noexcept {
  if (const auto why = take_place(worker, snapshot, service, flow.source)) {
    refuse_client<Ip>(worker, snapshot, service, snapshot.limited[service.id.index].limits->refusal, *why, packet);
    return kNoFlow<Ip>;
  }
  const Flow<Ip> given = give_real<Ip>(worker, snapshot, service, flow, part, packet);
  if (!counts_clients(snapshot, service.id)) return given;
  if (given.connection != nullptr) given.connection->flags |= kConnectionCounted;
  else leave_place(worker, snapshot, service.id, flow.source);
  return given;
}

// Somebody expects data connections, perhaps this one.
bool may_be_expected(const Worker& worker) noexcept {
  return worker.ftp.expectations != nullptr && !worker.ftp.expectations->is_empty();
}

template <typename Ip>
Flow<Ip> admit_miss(Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept {
  if constexpr (Ip::kFamily == AddressFamily::kIpv4) {
    const auto crossing = snapshot.has_crossings ? find_crossing(worker, packet) : ConnectionTable6::Found{};
    if (crossing.entry != nullptr) return cross(worker, crossing, packet), kNoFlow<Ip>;
  }
  if (may_be_expected(worker) && Ip::key_of(packet).protocol == kIpProtocolTcp) [[unlikely]] {
    const Flow<Ip> opened = admit_data<Ip>(worker, snapshot, packet);
    if (opened.connection != nullptr || !packet.undecided()) return opened;
  }
  const IpFlow flow = IpFlow::from(Ip::key_of(packet));
  const ServiceEntry* service = snapshot.find_service(flow, packet.in_port);
  if (service == nullptr || service->any_destination) {
    const OnePacketSlot* slot = find_one_packet(snapshot, flow);
    if (slot != nullptr && !slot->by_call) {
      return forward_alone<Ip>(worker, snapshot, request_of(Ip::key_of(packet), *slot), slot->real, Direction::kReply);
    }
    if (hand_off_reply<Ip>(worker, snapshot, flow, packet)) return kNoFlow<Ip>;
    if (slot != nullptr && part_of(Ip::header_of(packet)) != Part::kLater) {
      const Flow<Ip> opened = open_from_real<Ip>(worker, snapshot, *slot, packet);
      if (opened.connection != nullptr || !packet.undecided()) return opened;
    }
  }
  if (service == nullptr) {
    if (hand_off_data<Ip>(worker, snapshot, packet)) return kNoFlow<Ip>;
    if (tell_real<Ip>(worker, snapshot, flow, packet)) return kNoFlow<Ip>;
    if (const SnatEntry* rule = find_snat(snapshot, flow, packet.in_port)) {
      return admit_snat<Ip>(worker, snapshot, *rule, packet);
    }
    packet.verdict = Verdict::kKernel;
    return kNoFlow<Ip>;
  }
  const Part part = part_of(Ip::header_of(packet));
  if (service->one_packet && part == Part::kLater) return follow_first<Ip>(worker, snapshot, *service, packet);
  if (worker.count > 1 && hand_off_request<Ip>(worker, *service, flow, part, packet)) return kNoFlow<Ip>;
  const bool opens = part != Part::kLater && opens_connection(*service, packet);
  if constexpr (Ip::kFamily == AddressFamily::kIpv4) {
    if (service->crosses && opens) return cross(worker, {}, packet), kNoFlow<Ip>;
  }
  // Whatever is not of a connection, so that nothing gets by without one.
  if (is_denied(worker, *service, flow.source)) [[unlikely]] {
    refuse_client<Ip>(worker, snapshot, *service, service->refusal, DropReason::kAccessDenied, packet);
    return kNoFlow<Ip>;
  }
  if (!opens && hand_off_data<Ip>(worker, snapshot, packet)) return kNoFlow<Ip>;
  if (!opens && !goes_untracked(worker, *service)) {
    // Linux, whose address the VIP is, answers TCP with a reset; a flood of these must not crowd out its other traffic. It
    // could not answer a later fragment. SCTP is dropped: Linux would send an ABORT for an association that may live on
    // elsewhere.
    const bool may_be_reset = service->protocol == kIpProtocolTcp && part != Part::kLater;
    if (may_be_reset && worker.punts.take(worker.now)) packet.verdict = Verdict::kKernel;
    else packet.drop(DropReason::kNotSchedulable);
    return kNoFlow<Ip>;
  }
  if (opens && defences_of<Ip>(worker).turns_away()) {
    packet.drop(DropReason::kDropPacket);
    return kNoFlow<Ip>;
  }
  if (!opens) return follow_untracked<Ip>(worker, snapshot, *service, flow, packet);
  if (service->has_limits) [[unlikely]] return give_real_within_limits<Ip>(worker, snapshot, *service, flow, part, packet);
  return give_real<Ip>(worker, snapshot, *service, flow, part, packet);
}

// A packet of IPsec has no connection of its own and opens none (ip_vs_proto_ah_esp.c): `found` is ISAKMP's. That of a
// fullnat connection would come back without a port to tell whose it is; IPVS has no such method.
template <typename Ip>
Flow<Ip> admit_without_ports(Worker& worker, const Snapshot& snapshot, Packet& packet, const Flow<Ip>& found) noexcept {
  const bool is_live = found.connection != nullptr && !is_past(found.connection->expires, worker.now);
  if (is_live && found.connection->method != Method::kFullnat) return found;
  const IpFlow flow = IpFlow::from(Ip::key_of(packet));
  const ServiceEntry* service = snapshot.find_service(flow, packet.in_port);
  packet.verdict = Verdict::kKernel;
  if (service == nullptr) {
    hand_off_reply<Ip>(worker, snapshot, flow, packet);
    return kNoFlow<Ip>;
  }
  if (worker.count == 1 || packet.handed_off || is_live) return kNoFlow<Ip>;
  // The worker that ISAKMP's packets reach or are handed to.
  const bool by_client = service->method == Method::kNat;
  const uint32_t owner = by_client ? owner_of_client(flow.source, flow.source_port, worker.count)
                                   : worker.steering->owner_of(Ip::key_of(packet));
  hand_off(worker, packet, owner);
  return kNoFlow<Ip>;
}

// Whether both ends are done with a connection, as far as we see: IPVS's is_new_conn_expected (ip_vs_core.c). Where
// replies pass us by, the client's FIN is all that there will be.
template <typename Entry>
bool is_over(const Entry& connection, uint8_t conn_reuse_mode) noexcept {
  if (conn_reuse_mode == 0) return false;
  if (connection.state == ConnectionState::kFinWait) {
    return (conn_reuse_mode & 2) != 0 && (connection.flags & kConnectionNoOutput) != 0;
  }
  return connection.state == ConnectionState::kTimeWait || connection.state == ConnectionState::kClose ||
         connection.state == ConnectionState::kSctpClosed;
}

// Whether its real would get new connections: it is up, not drained, not removed.
template <typename Entry>
bool has_open_real(const Snapshot& snapshot, const Packet& packet, const Entry& connection) noexcept {
  const ServiceEntry* service = snapshot.find_service(IpFlow::from(connection.request), packet.in_port);
  if (service == nullptr) return false;
  return std::any_of(service->candidates.begin(), service->candidates.end(), [&](const Candidate& candidate) {
    return candidate.id == connection.real && candidate.weight > 0;
  });
}

// The client asks again, or anew, for a connection that no real has answered as far as we know. Where the one that was
// chosen is down or drained by now, IPVS goes on asking that one; here the failure is masked. With expire_nodest_conn no
// connection keeps such a real against a client that begins anew (ip_vs_core.c ip_vs_in).
template <typename Entry>
bool may_leave(const Snapshot& snapshot, const Entry& connection) noexcept {
  if (connection.method == Method::kSnat || is_data_connection(snapshot.reals[connection.real.index], connection)) return false;
  return connection.state == ConnectionState::kSynRecv || snapshot.sysctls.expire_nodest_conn;
}

// A SYN or INIT on a connection that is over starts a new one, as does one on a connection that waits in vain.
template <typename Ip>
bool is_reopened(const Snapshot& snapshot, const Packet& packet, const Flow<Ip>& found) noexcept {
  if (found.direction != Direction::kRequest) return false;
  if ((packet.tcp_flags & (kTcpSyn | kTcpRst | kTcpAck)) != kTcpSyn) return false;
  return is_over(*found.connection, snapshot.sysctls.conn_reuse_mode) ||
         (may_leave(snapshot, *found.connection) && !has_open_real(snapshot, packet, *found.connection));
}

}  // namespace

RealId real_of_untracked(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service,
                         const IpFlow& request) noexcept {
  return goes_untracked(worker, service) ? real_for_untracked(worker, snapshot, service, request) : kNoReal;
}

template <typename Ip>
Flow<Ip> admit(Worker& worker, const Snapshot& snapshot, Packet& packet, const Flow<Ip>& found) noexcept {
  if (packet.has_no_ports() && Ip::key_of(packet).protocol == kIpProtocolUdp) [[unlikely]] {
    return admit_without_ports<Ip>(worker, snapshot, packet, found);
  }
  if (found.connection != nullptr) {
    if (!is_past(found.connection->expires, worker.now) && !is_reopened(snapshot, packet, found)) return found;
    end_connection(worker, found.connection);
  }
  return admit_miss<Ip>(worker, snapshot, packet);
}

template <typename Ip>
Flow<Ip> admit_error(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service,
                     const typename Ip::Key& request, Packet& packet) noexcept {
  if (defences_of<Ip>(worker).turns_away()) {
    packet.drop(DropReason::kDropPacket);
    return kNoFlow<Ip>;
  }
  if (is_denied(worker, service, IpFlow::from(request).source)) {
    packet.drop(DropReason::kAccessDenied);
    return kNoFlow<Ip>;
  }
  // An error has no Call-ID (ip_vs_pe_sip.c ip_vs_sip_fill_param).
  if (service.persistence.by_call) {
    packet.drop(DropReason::kNoCallId);
    return kNoFlow<Ip>;
  }
  if (service.has_limits) {
    const IpAddress client = IpFlow::from(request).source;
    if (const auto why = take_place(worker, snapshot, service, client)) {
      packet.drop(*why);
      return kNoFlow<Ip>;
    }
    // An error is about one packet: its client's place is taken by that one.
    leave_place(worker, snapshot, service.id, client);
  }
  const Held held = choose_real(worker, snapshot, service, IpFlow::from(request), 0);
  if (held.real == kNoReal) {
    packet.drop(DropReason::kNoRealLeft);  // no error about an error
    return kNoFlow<Ip>;
  }
  if (service.one_packet) {
    const Flow<Ip> flow = forward_one_packet<Ip>(worker, snapshot, request, nullptr, held);
    if (service.method == Method::kNat) flow.connection->flags = kConnectionTwoWay;
    return flow;
  }
  const Flow<Ip> flow = open_connection<Ip>(worker, snapshot, service, request, held, packet);
  // No packet of its own has come yet (ip_vs_conn.c ip_vs_conn_new).
  constexpr Tick kUnseenMs = 3000;
  if (flow.connection != nullptr) flow.connection->expires = worker.now + kUnseenMs;
  return flow;
}

template <typename Ip>
bool begins_anew(const Snapshot& snapshot, const Packet& packet, const Flow<Ip>& found) noexcept {
  return is_reopened(snapshot, packet, found);
}

template Flow<Ipv4> admit_error(Worker&, const Snapshot&, const ServiceEntry&, const FlowKey&, Packet&) noexcept;
template Flow<Ipv6> admit_error(Worker&, const Snapshot&, const ServiceEntry&, const FlowKey6&, Packet&) noexcept;
template bool begins_anew(const Snapshot&, const Packet&, const Flow<Ipv4>&) noexcept;
template bool begins_anew(const Snapshot&, const Packet&, const Flow<Ipv6>&) noexcept;
template Flow<Ipv4> admit(Worker&, const Snapshot&, Packet&, const Flow<Ipv4>&) noexcept;
template Flow<Ipv6> admit(Worker&, const Snapshot&, Packet&, const Flow<Ipv6>&) noexcept;

}  // namespace shunt::dataplane
