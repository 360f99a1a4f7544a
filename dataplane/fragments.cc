#include "dataplane/fragments.h"

#include <span>
#include <utility>

#include "dataplane/icmp/echo.h"
#include "dataplane/parse.h"
#include "dataplane/parse_sctp.h"
#include "dataplane/settle.h"

namespace shunt::dataplane {
namespace {

using State = Datagram::State;

constexpr uint32_t kUnit = 8;  // what offsets count in
constexpr uint32_t kLongest = 65535;

// Only these are ours: a service's requests, and what may be replies. Linux puts its own together.
bool is_ours(const Snapshot& snapshot, const IpAddress& source, const IpAddress& destination) noexcept {
  const uint8_t kinds = snapshot.kinds_of(destination);
  if ((kinds & bit(AddressSlot::Kind::kLocal)) != 0 || snapshot.is_vip(destination)) return true;
  if ((kinds & bit(AddressSlot::Kind::kOwn)) == 0 && snapshot.snat_matches.is_client(source)) return true;
  return (kinds & bit(AddressSlot::Kind::kOwn)) == 0 &&
         (snapshot.kinds_of(source) & bit(AddressSlot::Kind::kReal)) != 0;
}

// A datagram's key, and the keyed hashes that place it.
struct Identity {
  DatagramKey key;
  uint64_t hash;
  uint64_t source_hash;
};

Identity identity_of(const Worker& worker, const Ipv4Header* ip, uint32_t id) noexcept {
  const FlowKey key{ip->source, ip->destination, {static_cast<uint16_t>(id)}, {}, ip->protocol};
  return {{IpAddress::from_v4(ip->source), IpAddress::from_v4(ip->destination), ip->protocol, id},
          worker.connections.hash(key),
          worker.connections.hash(FlowKey{ip->source, {}, {}, {}, 0})};
}
Identity identity_of(const Worker& worker, const Ipv6Header* ip, uint32_t id) noexcept {
  const FlowView6 view{ip->source.data(), id};
  return {{IpAddress::from_v6(ip->source.data()), IpAddress::from_v6(ip->destination.data()), 0, id},
          worker.connections6.hash(view),
          worker.connections6.hash(FlowKey6{.source = ip->source})};
}

// The worker that notes the datagram's fragments. Network cards may bring them to any: to one by their addresses, or
// the first one, which has ports, to another than the rest.
uint32_t home_of(const Identity& identity, uint32_t workers) noexcept {
  return static_cast<uint32_t>((uint64_t{static_cast<uint32_t>(identity.hash)} * workers) >> 32);
}

L4Flow flow_in(const rte_mbuf* mbuf) noexcept {
  L4Flow flow;
  std::memcpy(static_cast<void*>(&flow), &mbuf->hash.fdir, sizeof flow);
  return flow;
}

// Takes the datagram's waiting fragments out of their ring, the oldest first.
template <typename Sink>
void empty_waiting(FragmentTable& table, Datagram& datagram, Sink sink) noexcept {
  FragmentTable::WaitingRing& ring = table.waiting_of(datagram);
  const uint32_t index = table.index_of(datagram);
  for (uint32_t at = ring.head; datagram.waiting > 0 && at != ring.tail; ++at) {
    FragmentTable::WaitingRing::Place& place = ring.places[at % FragmentTable::kPlacesOfRing];
    if (place.mbuf == nullptr || place.datagram != index) continue;
    --datagram.waiting;
    sink(std::exchange(place.mbuf, nullptr));
  }
}

void drop_waiting(Worker& worker, Datagram& datagram, DropReason reason) noexcept {
  empty_waiting(worker.fragments, datagram, [&](rte_mbuf* mbuf) { drop(worker, mbuf, reason); });
}

bool is_over(const Datagram& datagram, Tick now) noexcept {
  return datagram.state == State::kFree || is_past(datagram.expires, now);
}

std::span<Datagram> set_of(FragmentTable& table, const Identity& identity) noexcept {
  const uint64_t group = identity.source_hash % FragmentTable::kGroups;
  const uint64_t set = group * FragmentTable::kSetsOfGroup + (identity.hash >> 56) % FragmentTable::kSetsOfGroup;
  return std::span(table.datagrams).subspan(set * FragmentTable::kPlacesOfSet, FragmentTable::kPlacesOfSet);
}

// The datagram's place; another's when it is new: of one that is over, or of the oldest in its set. Of several that are
// over the first: who was whole in this burst may still be asked for its real.
Datagram& place_of(Worker& worker, const Identity& identity) noexcept {
  FragmentTable& table = worker.fragments;
  constexpr uint32_t kOver = 1u << 31;
  const auto age = [&](const Datagram& of) {
    const uint32_t since = table.last_serial - of.serial;
    return is_over(of, worker.now) ? since | kOver : since & ~kOver;
  };
  const std::span<Datagram> places = set_of(table, identity);
  Datagram* oldest = places.data();
  for (Datagram& each : places) {
    if (!is_over(each, worker.now) && each.key == identity.key) return each;
    if (age(each) > age(*oldest)) oldest = &each;
  }
  drop_waiting(worker, *oldest, DropReason::kFragmentFlood);
  *oldest = Datagram{.key = identity.key,
                     .expires = worker.now + FragmentTable::kLifetimeMs,
                     .serial = ++table.last_serial,
                     .state = State::kAwaitsFirst};
  return *oldest;
}

void give_up_oldest(Worker& worker, FragmentTable::WaitingRing& ring, DropReason why) noexcept {
  const FragmentTable::WaitingRing::Place& place = ring.oldest();
  ++ring.head;
  if (place.mbuf == nullptr) return;
  --worker.fragments.datagrams[place.datagram].waiting;
  drop(worker, place.mbuf, why);
}

// One of its fragments cannot be true: whatever comes is dropped, lest a receiver make of the rest what nobody sent.
void poison(Worker& worker, Datagram& datagram, Packet& packet, DropReason why) noexcept {
  datagram.state = State::kPoisoned;
  datagram.poison = why;
  packet.drop(why);
  drop_waiting(worker, datagram, why);
}

// Those that wait start their journey anew, behind what is on its way now.
void wake(Worker& worker, Datagram& datagram) noexcept {
  empty_waiting(worker.fragments, datagram, [&](rte_mbuf* mbuf) {
    note_flow(mbuf, {});
    start_anew(worker, mbuf);
  });
}

// The first one has come.
void learn(Worker& worker, Datagram& datagram, State state, const L4Flow& flow) noexcept {
  datagram.state = state;
  datagram.flow = flow;
  wake(worker, datagram);
}

uint32_t fixed_l4_bytes(uint8_t protocol) noexcept {
  if (protocol == kIpProtocolTcp) return sizeof(TcpHeader);
  return protocol == kIpProtocolSctp ? sizeof(SctpHeader) + sizeof(SctpChunk) : sizeof(UdpHeader);
}

// A length or place that no sender makes: RFC 8200 section 4.5.
bool is_impossible(const Fragment& fragment) noexcept {
  return fragment.bytes == 0 || (!fragment.is_last && fragment.bytes % kUnit != 0) ||
         fragment.overhead + fragment.begin + fragment.bytes > kLongest;
}

// Where only the first one's L4 header can be: RFC 3128.
bool lies_over_l4_header(const Fragment& fragment) noexcept {
  return fragment.begin > 0 && is_forwarded(fragment.protocol) && fragment.begin < fixed_l4_bytes(fragment.protocol);
}

// Whether a datagram whose first fragment this is has ports: an echo's stand for its identifier where there is snat.
bool has_ports(const Snapshot& snapshot, const Fragment& first) noexcept {
  if (is_forwarded(first.protocol)) return true;
  const bool may_be_echo = is_icmp(first.protocol) && !snapshot.snat_rules.empty();
  return may_be_echo && first.readable >= sizeof(EchoHeader) && first.end - first.data >= ptrdiff_t{sizeof(EchoHeader)} &&
         echo_ports(first.data, first.protocol).has_value();
}

// The first one must have the whole L4 header: who filters by what stands in it, as we do, would be deceived by the
// next (RFC 1858 section 3, RFC 7112). False: `why`.
bool has_whole_l4_header(const Fragment& fragment, DropReason& why) noexcept {
  const auto bytes = static_cast<uint32_t>(fragment.end - fragment.data);
  const uint32_t fixed = fixed_l4_bytes(fragment.protocol);
  why = DropReason::kFragmentTiny;
  if (bytes < fixed) return false;
  why = DropReason::kTruncated;
  if (fragment.readable < fixed) return false;
  if (fragment.protocol == kIpProtocolSctp) return true;  // parse_sctp() looks at the rest
  if (is_icmp(fragment.protocol)) return true;
  const bool is_tcp = fragment.protocol == kIpProtocolTcp;
  const auto* tcp = reinterpret_cast<const TcpHeader*>(fragment.data);
  const auto* udp = reinterpret_cast<const UdpHeader*>(fragment.data);
  const uint32_t said = is_tcp ? tcp->header_bytes() : udp->length.host();
  why = DropReason::kBadL4Header;
  if (said < fixed) return false;
  if (!is_tcp) return true;
  why = said > bytes ? DropReason::kFragmentTiny : DropReason::kTruncated;
  return said <= bytes && said <= fragment.readable;
}

// REQUIRES of SCTP a datagram with a total.
L4Flow flow_of(const Datagram& datagram, const Fragment& first) noexcept {
  L4Flow flow{.protocol = first.protocol};
  if (is_icmp(first.protocol)) {
    const EchoPorts ports = echo_ports(first.data, first.protocol).value_or(EchoPorts{});
    std::memcpy(&flow.ports, static_cast<const void*>(&ports), sizeof flow.ports);
    return flow;
  }
  std::memcpy(&flow.ports, first.data, sizeof flow.ports);
  if (first.protocol != kIpProtocolSctp) return flow;
  // Extension headers stand in front of the L4 header.
  const uint32_t in_front = first.bytes - static_cast<uint32_t>(first.end - first.data);
  flow.sctp_bytes = static_cast<uint16_t>(datagram.total - in_front);
  return flow;
}

void set_key(Packet& packet, const Ipv4Header* ip, const L4Flow& flow) noexcept {
  uint64_t addresses;
  std::memcpy(&addresses, static_cast<const void*>(&ip->source), sizeof addresses);
  packet.set_key(block_of(addresses, flow.ports, flow.protocol));
}
void set_key(Packet& packet, const Ipv6Header*, const L4Flow& flow) noexcept {
  packet.ports_and_protocol = uint64_t{flow.protocol} << 32 | flow.ports;
}

// Gives the packet what the steps behind parsing read.
template <typename Ip>
void go_on(Worker& worker, Packet& packet, const Fragment& fragment, const L4Flow& flow) noexcept {
  note_flow(packet.mbuf, flow);
  set_key(packet, Ip::header_of(packet), flow);
  const bool is_first = fragment.begin == 0;
  packet.l4 = is_first ? fragment.data : worker.fragments.no_l4.data();
  packet.tcp_flags = is_first && flow.protocol == kIpProtocolTcp ? packet.tcp->flags : uint8_t{0};
  if (is_icmp(flow.protocol) && is_first) {
    packet.echo_offset = static_cast<uint32_t>(fragment.data - reinterpret_cast<uint8_t*>(packet.ip));
    packet.stand_in = {};
    std::memcpy(static_cast<void*>(&packet.stand_in), &flow.ports, sizeof flow.ports);
    packet.udp = &packet.stand_in;
  }
  if (flow.protocol != kIpProtocolSctp) return;
  packet.sctp_bytes = sizeof flow.ports;  // the first one's checksum is all of theirs
  if (is_first) parse_sctp(packet, flow.sctp_bytes, static_cast<uint32_t>(fragment.end - fragment.data), fragment.readable);
}

// What a fragment that may be true is to its datagram. False: the packet is decided.
bool note(Worker& worker, Datagram& datagram, Packet& packet, const Fragment& fragment) noexcept {
  const Stretch piece{static_cast<uint16_t>(fragment.begin), static_cast<uint16_t>(fragment.begin + fragment.bytes)};
  switch (datagram.note(piece, fragment.is_last)) {
    case Datagram::Arrival::kNew: return true;
    case Datagram::Arrival::kDuplicate: packet.drop(DropReason::kFragmentDuplicate); return false;
    case Datagram::Arrival::kContradicts: poison(worker, datagram, packet, DropReason::kFragmentOverlap); return false;
    case Datagram::Arrival::kTooScattered: poison(worker, datagram, packet, DropReason::kFragmentFlood); return false;
  }
  return false;
}

// A change of ports changes SCTP's checksum by how many bytes follow them, which the last fragment tells.
bool awaits_last(const Datagram& datagram, const Fragment& first) noexcept {
  return first.protocol == kIpProtocolSctp && datagram.total == 0;
}

void hold(const Worker& worker, const Datagram& datagram, Packet& packet, bool is_first) noexcept {
  packet.verdict = Verdict::kHold;
  packet.datagram = {worker.fragments.index_of(datagram), is_first, datagram.serial};
}

// Of a datagram whose flow is not known yet. True: it is by this fragment; false: the packet waits.
bool begin_to_flow(Worker& worker, Datagram& datagram, Packet& packet, const Fragment& fragment) noexcept {
  const bool is_first = fragment.begin == 0;
  if (fragment.is_last && datagram.total == 0) {
    datagram.total = static_cast<uint16_t>(fragment.begin + fragment.bytes);
    // The first one waits, or will at this burst's end: it comes again, and lets the others go on.
    if (datagram.state == State::kAwaitsLast) {
      datagram.state = State::kAwaitsFirst;
      wake(worker, datagram);
    }
  }
  if (is_first && !awaits_last(datagram, fragment)) return true;
  if (is_first) datagram.state = State::kAwaitsLast;
  hold(worker, datagram, packet, is_first);
  return false;
}

// At the datagram's home.
template <typename Ip>
void associate(Worker& worker, const Snapshot& snapshot, Datagram& datagram, Packet& packet,
               const Fragment& fragment) noexcept {
  const bool is_first = fragment.begin == 0;
  if (datagram.state == State::kPoisoned) return packet.drop(datagram.poison);
  if (lies_over_l4_header(fragment)) return poison(worker, datagram, packet, DropReason::kFragmentTiny);
  if (is_first && !has_ports(snapshot, fragment)) learn(worker, datagram, State::kLinux, {});
  if (datagram.state == State::kLinux) {
    packet.verdict = Verdict::kKernel;
    return;
  }
  if (DropReason why; is_first && !has_whole_l4_header(fragment, why)) return poison(worker, datagram, packet, why);
  const bool is_known = datagram.state == State::kKnown;
  if (!is_known && !begin_to_flow(worker, datagram, packet, fragment)) return;
  if (!note(worker, datagram, packet, fragment)) return;
  if (is_first) learn(worker, datagram, State::kKnown, flow_of(datagram, fragment));
  packet.datagram = {worker.fragments.index_of(datagram), is_first, datagram.serial};
  go_on<Ip>(worker, packet, fragment, datagram.flow);
  if (packet.verdict == Verdict::kDrop) return poison(worker, datagram, packet, packet.reason);
  if (datagram.is_whole()) datagram.state = State::kFree;
}

// Of a fragment that comes here again, its flow known: its datagram's place, if it was noted here and is not another's.
void find_place(Worker& worker, Packet& packet, const Identity& identity) noexcept {
  packet.datagram = {FragmentTable::kNoDatagram, false, 0};
  if (home_of(identity, worker.count) != worker.index) return;
  for (const Datagram& each : set_of(worker.fragments, identity)) {
    if (each.serial != 0 && each.key == identity.key && !is_past(each.expires, worker.now)) {
      packet.datagram = {worker.fragments.index_of(each), false, each.serial};
    }
  }
}

}  // namespace

template <typename Ip>
void take_fragment(Worker& worker, const Snapshot& snapshot, Packet& packet, const Fragment& fragment) noexcept {
  const Identity identity = identity_of(worker, Ip::header_of(packet), fragment.id);
  if (packet.handed_off && flow_in(packet.mbuf).protocol != 0) {
    find_place(worker, packet, identity);
    return go_on<Ip>(worker, packet, fragment, flow_in(packet.mbuf));
  }
  if (!is_ours(snapshot, identity.key.source, identity.key.destination)) {
    packet.verdict = Verdict::kKernel;
    return;
  }
  if (is_impossible(fragment)) return packet.drop(DropReason::kFragmentBadLength);
  const uint32_t home = home_of(identity, worker.count);
  if (!packet.handed_off && home != worker.index) {
    note_flow(packet.mbuf, {});
    packet.verdict = Verdict::kHandOff;
    packet.owner = static_cast<uint8_t>(home);
    return;
  }
  packet.handed_off = false;  // from home it may go to its connection's worker
  associate<Ip>(worker, snapshot, place_of(worker, identity), packet, fragment);
}

void hold_fragment(Worker& worker, const Packet& packet) noexcept {
  FragmentTable& table = worker.fragments;
  Datagram& datagram = table.datagrams[packet.datagram.index];
  if (datagram.serial != packet.datagram.serial) return drop(worker, packet.mbuf, DropReason::kFragmentFlood);
  if (datagram.state == State::kPoisoned) return drop(worker, packet.mbuf, datagram.poison);
  note_flow(packet.mbuf, {});
  // Another one of this burst told what it waits for.
  const bool is_told = packet.datagram.is_first ? datagram.total != 0
                                                : datagram.state != State::kAwaitsFirst && datagram.state != State::kAwaitsLast;
  if (is_told) return start_anew(worker, packet.mbuf);
  FragmentTable::WaitingRing& ring = table.waiting_of(datagram);
  if (ring.is_full()) give_up_oldest(worker, ring, DropReason::kFragmentFlood);
  ring.newest() = {packet.mbuf, worker.now + FragmentTable::kWaitMs, packet.datagram.index};
  ++ring.tail;
  ++datagram.waiting;
}

void expire_fragments(Worker& worker) noexcept {
  for (FragmentTable::WaitingRing& ring : worker.fragments.waiting) {
    while (!ring.is_empty() && is_past(ring.oldest().deadline, worker.now)) {
      give_up_oldest(worker, ring, DropReason::kFragmentTimeout);
    }
  }
}

void note_flow(rte_mbuf* mbuf, const L4Flow& flow) noexcept {
  static_assert(sizeof mbuf->hash.fdir >= sizeof flow);
  std::memcpy(&mbuf->hash.fdir, &flow, sizeof flow);
}

Datagram* datagram_of(Worker& worker, const Packet& packet) noexcept {
  if (packet.datagram.index == FragmentTable::kNoDatagram) return nullptr;
  Datagram& datagram = worker.fragments.datagrams[packet.datagram.index];
  return datagram.serial == packet.datagram.serial ? &datagram : nullptr;
}

Part part_of(const Ipv4Header* ip) noexcept {
  const uint16_t fragment = ip->fragment.host();
  if ((fragment & 0x1fff) != 0) return Part::kLater;
  return (fragment & 0x2000) != 0 ? Part::kFirst : Part::kWhole;
}

Part part_of(const Ipv6Header* ip) noexcept {
  const auto* header = reinterpret_cast<const uint8_t*>(ip + 1);
  for (uint8_t next = ip->next_header; is_ipv6_extension(next);) {
    const auto* fragment = reinterpret_cast<const Ipv6FragmentHeader*>(header);
    if (next == kIpv6Fragment && !fragment->is_atomic()) return fragment->begin() == 0 ? Part::kFirst : Part::kLater;
    const size_t bytes = next == kIpv6Fragment ? sizeof *fragment : (header[1] + 1u) * kUnit;
    next = header[0];
    header += bytes;
  }
  return Part::kWhole;
}

template void take_fragment<Ipv4>(Worker&, const Snapshot&, Packet&, const Fragment&) noexcept;
template void take_fragment<Ipv6>(Worker&, const Snapshot&, Packet&, const Fragment&) noexcept;

}  // namespace shunt::dataplane
