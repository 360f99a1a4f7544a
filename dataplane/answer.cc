#include "dataplane/answer.h"

#include <algorithm>
#include <cstring>

#include "dataplane/checksum.h"
#include "dataplane/family.h"

namespace shunt::dataplane {
namespace {

constexpr uint8_t kAnswerTtl = 64;

// As much of the packet is quoted as the answer may have bytes: RFC 1812 section 4.3.2.3, RFC 4443 section 2.4 (c).
constexpr uint32_t longest_answer(AddressFamily family) noexcept { return family == AddressFamily::kIpv4 ? 576 : 1280; }

// No error to a sender that is no single host, none in return for what was sent to a group: RFC 1122 section 3.2.2, RFC 4443
// section 2.4 (e). What has a group's MAC address does not come here.
bool is_single_host(Be32 address) noexcept {
  const uint8_t first = static_cast<uint8_t>(address.host() >> 24);
  return first != 0 && first != 127 && first < 224;
}
bool may_answer(const Ipv4Header* ip) noexcept {
  if (ip->fragment_begin() != 0) return false;  // nor to any fragment but the first
  return is_single_host(ip->source);
}
bool may_answer(const Ipv6Header* ip) noexcept {
  constexpr IpAddress kLoopback{AddressFamily::kIpv6, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  constexpr uint8_t kMulticast = 0xff;
  const IpAddress source = IpAddress::from_v6(ip->source.data());
  if (is_mapped(ip->source)) return is_single_host(shunt::unmapped(ip->source));
  if (source.is_unspecified() || source == kLoopback) return false;
  return source.bytes[0] != kMulticast && ip->destination[0] != kMulticast;
}

IcmpHeader icmp_header(const Ipv4Header*, Answer answer, uint16_t mtu) noexcept {
  switch (answer) {
    case Answer::kPortUnreachable: return {3, 3, {}, {}};
    case Answer::kTooBig: return {3, 4, {}, Be32::from_host(mtu)};  // RFC 1191
    case Answer::kTimeExceeded: return {11, 0, {}, {}};
    case Answer::kProhibited: return {3, 13, {}, {}};  // RFC 1812 section 5.2.7.1
  }
  return {};
}
IcmpHeader icmp_header(const Ipv6Header*, Answer answer, uint16_t mtu) noexcept {
  switch (answer) {
    case Answer::kPortUnreachable: return {1, 4, {}, {}};
    case Answer::kTooBig: return {2, 0, {}, Be32::from_host(mtu)};
    case Answer::kTimeExceeded: return {3, 0, {}, {}};
    case Answer::kProhibited: return {1, 1, {}, {}};
  }
  return {};
}

// The header of an answer with `payload` bytes; the returned sum is what it adds to the ICMP checksum.
uint64_t write_header(Ipv4Header* ip, uint32_t payload, Be32 from, Be32 to) noexcept {
  *ip = {0x45, 0xc0, Be16::from_host(static_cast<uint16_t>(sizeof *ip + payload)), {}, {}, kAnswerTtl, kIpProtocolIcmp,
         {}, from, to};  // 0xc0: internetwork control, RFC 1812 section 4.3.2.5
  ip->checksum = checksum_of(ip, sizeof *ip);
  return 0;
}
// ICMPv6's checksum covers a pseudo-header (RFC 8200 section 8.1).
uint64_t write_header(Ipv6Header* ip, uint32_t payload, const std::array<uint8_t, 16>& from,
                      const std::array<uint8_t, 16>& to) noexcept {
  *ip = {Be32::from_host(0x60000000), Be16::from_host(static_cast<uint16_t>(payload)), kIpProtocolIcmpv6, kAnswerTtl,
         from, to};
  return sum_of(&ip->source, 2 * from.size()) + Be16::from_host(static_cast<uint16_t>(payload)).raw +
         Be16::from_host(kIpProtocolIcmpv6).raw;
}

// Who answers: the VIP that was asked, as Linux does (ip_vs_core.c, icmp.c icmp_route_lookup); for a reply on its way
// back, whose destination is the client's, the port; without an address of its own, whom the sender spoke to.
IpAddress own_address(const Snapshot& snapshot, uint16_t port, const IpAddress& asked) noexcept {
  if (snapshot.kinds_of(asked) & bit(AddressSlot::Kind::kVip)) return asked;
  const PortAddresses& own = snapshot.port_addresses[port];
  const IpAddress& address = asked.is_v4() ? own.v4 : own.v6;
  return address.is_unspecified() ? asked : address;
}
Be32 own_address(const Snapshot& snapshot, uint16_t port, const Ipv4Header* ip) noexcept {
  return own_address(snapshot, port, IpAddress::from_v4(ip->destination)).v4();
}
std::array<uint8_t, 16> own_address(const Snapshot& snapshot, uint16_t port, const Ipv6Header* ip) noexcept {
  return own_address(snapshot, port, IpAddress::from_mapped(ip->destination)).mapped();
}

// An IP header before a TCP header; the returned sum is what it adds to the TCP checksum.
uint64_t write_tcp_header(Ipv4Header* ip, Be32 from, Be32 to) noexcept {
  constexpr auto kBytes = static_cast<uint16_t>(sizeof *ip + sizeof(TcpHeader));
  *ip = {0x45, 0, Be16::from_host(kBytes), {}, kIpDontFragment, kAnswerTtl, kIpProtocolTcp, {}, from, to};
  ip->checksum = checksum_of(ip, sizeof *ip);
  return sum_of(&ip->source, 2 * sizeof from) + Be16::from_host(sizeof(TcpHeader)).raw +
         Be16::from_host(kIpProtocolTcp).raw;
}
uint64_t write_tcp_header(Ipv6Header* ip, const std::array<uint8_t, 16>& from,
                          const std::array<uint8_t, 16>& to) noexcept {
  constexpr Be16 kBytes = Be16::from_host(sizeof(TcpHeader));
  *ip = {Be32::from_host(0x60000000), kBytes, kIpProtocolTcp, kAnswerTtl, from, to};
  return sum_of(&ip->source, 2 * from.size()) + kBytes.raw + Be16::from_host(kIpProtocolTcp).raw;
}

// What the sender of `asked`, which has so many bytes behind its header, takes for an answer to it.
TcpHeader reset_for(const TcpHeader& asked, uint32_t bytes) noexcept {
  TcpHeader reset{asked.destination_port, asked.source_port, {}, {}, sizeof(TcpHeader) / 4 << 4, kTcpRst, {}, {}, {}};
  if (asked.flags & kTcpAck) {
    reset.sequence = asked.acknowledgement;
    return reset;
  }
  const uint32_t flags = (asked.flags & kTcpSyn ? 1 : 0) + (asked.flags & kTcpFin ? 1 : 0);
  reset.acknowledgement = Be32::from_host(asked.sequence.host() + bytes + flags);
  reset.flags |= kTcpAck;
  return reset;
}

// Leaves of the frame the `bytes` at `ip` and `added` before them; nullptr: there is no room for these.
EthernetHeader* cut_out(rte_mbuf* mbuf, const void* ip, uint32_t bytes, uint32_t added) noexcept {
  const auto offset = static_cast<uint32_t>(static_cast<const uint8_t*>(ip) - static_cast<uint8_t*>(mbuf->buf_addr));
  if (offset < added) return nullptr;
  if (mbuf->nb_segs > 1) {
    rte_pktmbuf_free(mbuf->next);
    mbuf->next = nullptr;
    mbuf->nb_segs = 1;
  }
  mbuf->data_off = static_cast<uint16_t>(offset - added);
  mbuf->data_len = static_cast<uint16_t>(added + bytes);
  mbuf->pkt_len = mbuf->data_len;
  return rte_pktmbuf_mtod(mbuf, EthernetHeader*);
}

}  // namespace

template <typename Ip>
bool become_answer(Worker& worker, const Snapshot& snapshot, const Packet& packet, const Quoted& quoted,
                   const IcmpHeader& header, const WayOut& way) noexcept {
  using Header = typename Ip::Header;
  const auto* asked = static_cast<const Header*>(quoted.ip);
  if (!may_answer(asked) || !worker.answers.take(worker.now)) return false;
  constexpr uint32_t kAdded = sizeof(Header) + sizeof(IcmpHeader);
  const uint32_t bytes = std::min(quoted.bytes, longest_answer(Ip::kFamily) - kAdded);
  // Copied out first: the new headers may lie over the old ones.
  const WayOut way_out = way;
  const auto to = asked->source;
  const auto from = own_address(snapshot, way_out.port, asked);
  EthernetHeader* frame = cut_out(packet.mbuf, asked, bytes, sizeof *frame + kAdded);
  if (frame == nullptr) return false;
  *frame = {way_out.destination_mac, way_out.source_mac, Ip::kEtherType};
  auto* ip = reinterpret_cast<Header*>(frame + 1);
  auto* icmp = reinterpret_cast<IcmpHeader*>(ip + 1);
  const uint64_t pseudo_sum = write_header(ip, sizeof *icmp + bytes, from, to);
  *icmp = header;
  icmp->checksum = checksum_of(icmp, sizeof *icmp + bytes, pseudo_sum);
  worker.counters.drops[static_cast<size_t>(packet.reason)].add(1);
  worker.counters.answers.add(1);
  return true;
}

template <typename Ip>
void drop_with_answer(Worker& worker, const Snapshot& snapshot, Packet& packet, DropReason reason, Answer answer,
                      uint16_t mtu) noexcept {
  const bool is_error = packet.verdict == Ip::kIcmpError;
  packet.drop(reason);
  if (is_error) return;  // no error about an error: RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e)
  const rte_mbuf* mbuf = packet.mbuf;
  const auto* ip = Ip::header_of(packet);
  const uint32_t in_first_segment = mbuf->data_len - static_cast<uint32_t>(sizeof(EthernetHeader));
  const Quoted quoted{ip, std::min(uint32_t{packet.ip_bytes}, in_first_segment)};
  const WayOut back{rte_pktmbuf_mtod(mbuf, const EthernetHeader*)->source, worker.ports[packet.in_port].mac(),
                    packet.in_port};
  if (become_answer<Ip>(worker, snapshot, packet, quoted, icmp_header(ip, answer, mtu), back)) {
    packet.verdict = Verdict::kAnswer;
  }
}

template <typename Ip>
void drop_with_reset(Worker& worker, Packet& packet, DropReason reason) noexcept {
  using Header = typename Ip::Header;
  packet.drop(reason);
  const Header* asked_ip = Ip::header_of(packet);
  if (!may_answer(asked_ip) || !worker.answers.take(worker.now)) return;
  const auto headers = static_cast<uint32_t>(packet.l4 - reinterpret_cast<const uint8_t*>(asked_ip)) +
                       packet.tcp->header_bytes();
  const TcpHeader reset = reset_for(*packet.tcp, packet.ip_bytes - headers);
  const auto from = asked_ip->destination;
  const auto to = asked_ip->source;
  EthernetHeader* frame = cut_out(packet.mbuf, asked_ip, sizeof(Header) + sizeof(TcpHeader), sizeof *frame);
  if (frame == nullptr) return;
  *frame = {frame->source, worker.ports[packet.in_port].mac(), Ip::kEtherType};
  auto* ip = reinterpret_cast<Header*>(frame + 1);
  auto* tcp = reinterpret_cast<TcpHeader*>(ip + 1);
  const uint64_t pseudo_sum = write_tcp_header(ip, from, to);
  *tcp = reset;
  tcp->checksum = checksum_of(tcp, sizeof *tcp, pseudo_sum);

  worker.counters.drops[static_cast<size_t>(reason)].add(1);
  worker.counters.answers.add(1);
  packet.verdict = Verdict::kAnswer;
}

template void drop_with_reset<Ipv4>(Worker&, Packet&, DropReason) noexcept;
template void drop_with_reset<Ipv6>(Worker&, Packet&, DropReason) noexcept;
template void drop_with_answer<Ipv4>(Worker&, const Snapshot&, Packet&, DropReason, Answer, uint16_t) noexcept;
template void drop_with_answer<Ipv6>(Worker&, const Snapshot&, Packet&, DropReason, Answer, uint16_t) noexcept;
template bool become_answer<Ipv4>(Worker&, const Snapshot&, const Packet&, const Quoted&, const IcmpHeader&,
                                  const WayOut&) noexcept;
template bool become_answer<Ipv6>(Worker&, const Snapshot&, const Packet&, const Quoted&, const IcmpHeader&,
                                  const WayOut&) noexcept;

}  // namespace shunt::dataplane
