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
bool may_answer(const Ipv4Header* ip) noexcept {
  const uint8_t first = static_cast<uint8_t>(ip->source.host() >> 24);
  return first != 0 && first != 127 && first < 224;
}
bool may_answer(const Ipv6Header* ip) noexcept {
  constexpr IpAddress kLoopback{AddressFamily::kIpv6, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  constexpr uint8_t kMulticast = 0xff;
  const IpAddress source = IpAddress::from_v6(ip->source.data());
  if (source.is_unspecified() || source == kLoopback) return false;
  return source.bytes[0] != kMulticast && ip->destination[0] != kMulticast;
}

IcmpHeader icmp_header(const Ipv4Header*, Answer answer, uint16_t mtu) noexcept {
  switch (answer) {
    case Answer::kPortUnreachable: return {3, 3, {}, {}};
    case Answer::kTooBig: return {3, 4, {}, Be32::from_host(mtu)};  // RFC 1191
    case Answer::kTimeExceeded: return {11, 0, {}, {}};
  }
  return {};
}
IcmpHeader icmp_header(const Ipv6Header*, Answer answer, uint16_t mtu) noexcept {
  switch (answer) {
    case Answer::kPortUnreachable: return {1, 4, {}, {}};
    case Answer::kTooBig: return {2, 0, {}, Be32::from_host(mtu)};
    case Answer::kTimeExceeded: return {3, 0, {}, {}};
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

Be32 own_address(const Snapshot& snapshot, const Packet& packet, const Ipv4Header* ip) noexcept {
  const IpAddress& own = snapshot.port_addresses[packet.in_port].v4;
  return own.is_unspecified() ? ip->destination : own.v4();
}
std::array<uint8_t, 16> own_address(const Snapshot& snapshot, const Packet& packet, const Ipv6Header* ip) noexcept {
  const IpAddress& own = snapshot.port_addresses[packet.in_port].v6;
  return own.is_unspecified() ? ip->destination : own.bytes;
}

}  // namespace

template <typename Ip>
void drop_with_answer(Worker& worker, const Snapshot& snapshot, Packet& packet, DropReason reason, Answer answer,
                      uint16_t mtu) noexcept {
  using Header = typename Ip::Header;
  packet.drop(reason);
  rte_mbuf* mbuf = packet.mbuf;
  const Header* asked_ip = Ip::header_of(packet);
  if (!may_answer(asked_ip) || !worker.answers.take(worker.now)) return;
  constexpr uint16_t kAdded = sizeof(Header) + sizeof(IcmpHeader);
  constexpr uint32_t kQuote = longest_answer(Ip::kFamily) - kAdded;
  const uint32_t in_first_segment = mbuf->data_len - static_cast<uint32_t>(sizeof(EthernetHeader));
  const uint32_t quoted = std::min({uint32_t{packet.ip_bytes}, kQuote, in_first_segment});

  // Copied out first: the new Ethernet header may lie over the old headers.
  const EthernetHeader asked = *rte_pktmbuf_mtod(mbuf, EthernetHeader*);
  const auto to = asked_ip->source;
  const auto from = own_address(snapshot, packet, asked_ip);
  if (mbuf->nb_segs > 1) {
    rte_pktmbuf_free(mbuf->next);
    mbuf->next = nullptr;
    mbuf->nb_segs = 1;
  }
  mbuf->data_len = static_cast<uint16_t>(sizeof(EthernetHeader) + quoted);
  mbuf->pkt_len = mbuf->data_len;
  auto* frame = reinterpret_cast<EthernetHeader*>(rte_pktmbuf_prepend(mbuf, kAdded));
  if (frame == nullptr) return;
  *frame = {asked.source, worker.ports[packet.in_port].mac(), Ip::kEtherType};

  auto* ip = reinterpret_cast<Header*>(frame + 1);
  auto* icmp = reinterpret_cast<IcmpHeader*>(ip + 1);
  const uint64_t pseudo_sum = write_header(ip, sizeof *icmp + quoted, from, to);
  *icmp = icmp_header(ip, answer, mtu);
  icmp->checksum = checksum_of(icmp, sizeof *icmp + quoted, pseudo_sum);

  worker.counters.drops[static_cast<size_t>(reason)].add(1);
  worker.counters.answers.add(1);
  packet.verdict = Verdict::kAnswer;
}

template void drop_with_answer<Ipv4>(Worker&, const Snapshot&, Packet&, DropReason, Answer, uint16_t) noexcept;
template void drop_with_answer<Ipv6>(Worker&, const Snapshot&, Packet&, DropReason, Answer, uint16_t) noexcept;

}  // namespace shunt::dataplane
