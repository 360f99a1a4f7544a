#include "dataplane/nat64/translate.h"

#include <rte_ip.h>

#include <algorithm>
#include <optional>

#include "dataplane/header_options.h"
#include "dataplane/nat64/icmp_kinds.h"
#include "dataplane/parse.h"

namespace shunt::dataplane {
namespace {

constexpr uint8_t kLooseSourceRoute = 131;  // RFC 791 section 3.1
constexpr uint8_t kStrictSourceRoute = 137;
// IPv4 packets of more bytes are told not to be cut, others may be (RFC 7915 section 5.1).
constexpr uint32_t kMostCut = kLeastIpv6Mtu - (sizeof(Ipv6Header) - sizeof(Ipv4Header));
// Of an ICMP error (RFC 1812 section 4.3.2.3, RFC 4443 section 2.4).
constexpr uint32_t kLongestError = 576;
constexpr uint32_t kLongestErrorV6 = kLeastIpv6Mtu;
constexpr uint32_t kMostPayload = 0xffff;

// Gives a frame `after` bytes in front of what now has `before` in front of it, and an Ethernet header of that type, at whose
// end the returned pointer is. nullopt: there is no room.
uint8_t* reframe(rte_mbuf* mbuf, uint32_t before, uint32_t after, Be16 type) noexcept {
  EthernetHeader frame = *rte_pktmbuf_mtod(mbuf, const EthernetHeader*);
  frame.type = type;
  const bool fits = after > before ? rte_pktmbuf_prepend(mbuf, static_cast<uint16_t>(after - before)) != nullptr
                                   : rte_pktmbuf_adj(mbuf, static_cast<uint16_t>(before - after)) != nullptr;
  if (!fits) return nullptr;
  auto* begin = rte_pktmbuf_mtod(mbuf, EthernetHeader*);
  *begin = frame;
  return reinterpret_cast<uint8_t*>(begin + 1);
}

bool has_source_route(const Ipv4Header* ip) noexcept {
  const auto* header = reinterpret_cast<const uint8_t*>(ip);
  for (HeaderOption option; next_option(header, ip->header_bytes(), option);) {
    if (option.kind == kLooseSourceRoute || option.kind == kStrictSourceRoute) return true;
  }
  return false;
}

bool is_fragment(const Ipv4Header& ip) noexcept { return (ip.fragment.raw & kIpMoreFragmentsOrOffset.raw) != 0; }

// What stands in front of an IPv4 packet's payload when it is IPv6.
uint32_t ipv6_bytes_for(const Ipv4Header& ip) noexcept {
  return sizeof(Ipv6Header) + (is_fragment(ip) ? sizeof(Ipv6FragmentHeader) : 0);
}

// Writes these bytes. `to` may lie over the IPv4 header, of which `ip` is a copy.
void write_ipv6(const Ipv4Header& ip, uint32_t payload, uint8_t* to) noexcept {
  const uint8_t protocol = ip.protocol == kIpProtocolIcmp ? kIpProtocolIcmpv6 : ip.protocol;
  auto* ip6 = reinterpret_cast<Ipv6Header*>(to);
  const uint32_t bytes = ipv6_bytes_for(ip);
  *ip6 = {Be32::from_host(0x60000000u | uint32_t{ip.tos} << 20),
          Be16::from_host(static_cast<uint16_t>(std::min(payload + bytes - sizeof *ip6, size_t{kMostPayload}))), protocol, ip.ttl,
          shunt::mapped(ip.source), shunt::mapped(ip.destination)};
  if (!is_fragment(ip)) return;
  ip6->next_header = kIpv6Fragment;
  const bool has_more = (ip.fragment.raw & kIpMoreFragments.raw) != 0;
  *reinterpret_cast<Ipv6FragmentHeader*>(ip6 + 1) = {
      protocol, 0, Be16::from_host(static_cast<uint16_t>(ip.fragment_begin() | (has_more ? 1 : 0))),
      Be32::from_host(ip.id.host())};
}

// An IPv6 packet's headers up to its L4 header, or to a later fragment's data.
struct Headers {
  uint32_t bytes = sizeof(Ipv6Header);
  uint8_t next = 0;
  bool is_fragment = false;
  Be16 place{};  // a fragment's, as IPv4 says it
  Be16 id{};

  bool is_later() const noexcept { return (place.host() & 0x1fff) != 0; }
};

// nullopt: they do not end within the `readable` bytes.
std::optional<Headers> headers_of(const Ipv6Header* ip, uint32_t readable) noexcept {
  constexpr uint32_t kUnit = 8;
  if (readable < sizeof *ip) return std::nullopt;
  Headers headers{.next = ip->next_header};
  while (is_ipv6_extension(headers.next) && !headers.is_later()) {
    if (headers.bytes + kUnit > readable) return std::nullopt;
    const uint8_t* header = reinterpret_cast<const uint8_t*>(ip) + headers.bytes;
    const bool is_fragment = headers.next == kIpv6Fragment;
    if (is_fragment) {
      const auto* fragment = reinterpret_cast<const Ipv6FragmentHeader*>(header);
      const uint32_t more = fragment->has_more() ? kIpMoreFragments.host() : 0;
      headers.place = Be16::from_host(static_cast<uint16_t>(fragment->begin() / kUnit | more));
      headers.id = Be16::from_host(static_cast<uint16_t>(fragment->id.host()));
      headers.is_fragment = true;
    }
    headers.next = header[0];
    headers.bytes += is_fragment ? kUnit : (header[1] + 1u) * kUnit;
  }
  if (headers.bytes > readable) return std::nullopt;
  return headers;
}

// `payload`: bytes behind the headers. `id`: of one that may be cut and was not. The IPv6 header is a copy.
void write_ipv4(const Ipv6Header& ip6, const Headers& headers, uint32_t payload, uint16_t id, Ipv4Header* to) noexcept {
  const uint32_t total = sizeof *to + payload;
  const auto traffic_class = static_cast<uint8_t>(ip6.version_class_flow.host() >> 20);
  const uint8_t protocol = headers.next == kIpProtocolIcmpv6 ? kIpProtocolIcmp : headers.next;
  *to = {0x45, traffic_class, Be16::from_host(static_cast<uint16_t>(total)), headers.id, headers.place, ip6.hop_limit,
         protocol, {}, shunt::unmapped(ip6.source), shunt::unmapped(ip6.destination)};
  if (!headers.is_fragment && total > kMostCut) to->fragment = kIpDontFragment;
  else if (!headers.is_fragment) to->id = Be16::from_host(id);
  to->checksum = checksum_of(to, sizeof *to);
}

bool is_mapped(const Ipv6Header& ip) noexcept { return shunt::is_mapped(ip.source) && shunt::is_mapped(ip.destination); }

// Bytes behind the packet's headers, as its length says.
uint32_t payload_of(const Ipv6Header& ip, const Headers& headers) noexcept {
  const uint32_t total = sizeof ip + ip.payload_length.host();
  return total < headers.bytes ? 0 : total - headers.bytes;
}

// The rest of become_ipv4() of a packet that is an error; `headers` are its own.
bool error_becomes_ipv4(Worker& worker, rte_mbuf* mbuf, const Ipv6Header& ip, const Headers& headers) noexcept {
  constexpr uint32_t kFrame = sizeof(EthernetHeader);
  const uint32_t quote_at = kFrame + headers.bytes + sizeof(IcmpHeader);
  if (mbuf->nb_segs != 1 || mbuf->data_len < quote_at) return false;
  const auto said = as_icmpv4(*rte_pktmbuf_mtod_offset(mbuf, const IcmpHeader*, kFrame + headers.bytes));
  const auto* quoted = rte_pktmbuf_mtod_offset(mbuf, const Ipv6Header*, quote_at);
  const uint32_t end = std::min<uint32_t>(mbuf->data_len, kFrame + headers.bytes + payload_of(ip, headers));
  if (end < quote_at) return false;
  const auto quoted_headers = headers_of(quoted, end - quote_at);
  if (!said || !quoted_headers || !is_mapped(*quoted)) return false;
  const Ipv6Header quoted_ip = *quoted;
  const uint32_t l4_at = quote_at + quoted_headers->bytes;

  constexpr uint32_t kFront = 2 * sizeof(Ipv4Header) + sizeof(IcmpHeader);
  const uint32_t l4_bytes = std::min<uint32_t>(end - l4_at, kLongestError - kFront);
  rte_pktmbuf_trim(mbuf, static_cast<uint16_t>(mbuf->data_len - l4_at - l4_bytes));
  uint8_t* at = reframe(mbuf, l4_at, kFrame + kFront, kEtherTypeIpv4);
  auto* to = reinterpret_cast<Ipv4Header*>(at);
  auto* icmp = reinterpret_cast<IcmpHeader*>(to + 1);
  auto* to_quoted = reinterpret_cast<Ipv4Header*>(icmp + 1);
  write_ipv4(quoted_ip, *quoted_headers, payload_of(quoted_ip, *quoted_headers), 0, to_quoted);
  *icmp = *said;
  const auto icmp_bytes = static_cast<uint32_t>(kFront - sizeof *to) + l4_bytes;
  icmp->checksum = checksum_of(icmp, icmp_bytes);
  write_ipv4(ip, headers, icmp_bytes, worker.next_ip_id++, to);
  return true;
}

}  // namespace

bool is_to_be_cut(const Packet& packet) noexcept {
  const Ipv4Header& ip = *packet.ip;
  if ((ip.fragment.raw & kIpDontFragment.raw) != 0) return false;
  return packet.ip_bytes - ip.header_bytes() + ipv6_bytes_for(ip) > kLeastIpv6Mtu;
}

bool give_udp_checksum(Packet& packet) noexcept {
  const Ipv4Header& ip = *packet.ip;
  const bool has_header = ip.protocol == kIpProtocolUdp && ip.fragment_begin() == 0;
  if (!has_header || packet.udp->checksum.raw != 0) return true;
  if (is_fragment(ip)) return packet.drop(DropReason::kUntranslatable), false;
  const auto at = static_cast<uint32_t>(packet.l4 - rte_pktmbuf_mtod(packet.mbuf, const uint8_t*));
  const Be16 length = packet.udp->length;
  uint16_t sum = 0;
  if (rte_raw_cksum_mbuf(packet.mbuf, at, length.host(), &sum) != 0) return packet.drop(DropReason::kTruncated), false;
  const uint64_t pseudo_sum =
      sum_of(&ip.source, 2 * sizeof ip.source) + length.raw + Be16::from_host(kIpProtocolUdp).raw;
  const auto checksum = static_cast<uint16_t>(~fold(pseudo_sum + sum));
  packet.udp->checksum = {checksum == 0 ? uint16_t{0xffff} : checksum};
  return true;
}

bool become_ipv6(Packet& packet) noexcept {
  const Ipv4Header ip = *packet.ip;
  if (has_source_route(packet.ip)) return packet.drop(DropReason::kUntranslatable), false;
  constexpr uint32_t kFrame = sizeof(EthernetHeader);
  const uint32_t payload = packet.ip_bytes - ip.header_bytes();
  const uint32_t bytes = ipv6_bytes_for(ip);
  if (bytes + payload > kMostPayload) return packet.drop(DropReason::kTooBig), false;
  uint8_t* at = reframe(packet.mbuf, kFrame + ip.header_bytes(), kFrame + bytes, kEtherTypeIpv6);
  if (at == nullptr) return packet.drop(DropReason::kNoMbuf), false;
  write_ipv6(ip, payload, at);
  packet.ip6 = reinterpret_cast<Ipv6Header*>(at);
  packet.ip_bytes = static_cast<uint16_t>(bytes + payload);
  packet.ports_and_protocol =
      parsing::ports_and_protocol(reinterpret_cast<const uint8_t*>(&packet.key.source_port), packet.key.protocol);
  packet.verdict = Verdict::kUndecidedIpv6;
  return true;
}

bool become_ipv6(const IcmpMessage<Ipv4>& error, Packet& packet) noexcept {
  const Ipv4Header ip = *error.ip;
  const Ipv4Header quoted = *error.quote.ip;
  const auto said = as_icmpv6(*error.icmp);
  if (!said) return packet.drop(DropReason::kUntranslatable), false;
  const uint32_t quoted_bytes = ipv6_bytes_for(quoted);
  const auto front = static_cast<uint32_t>(sizeof(Ipv6Header) + sizeof(IcmpHeader)) + quoted_bytes;
  const uint32_t l4_bytes = std::min(error.quote.l4_bytes, kLongestErrorV6 - front);
  rte_mbuf* mbuf = packet.mbuf;
  const auto l4_at = static_cast<uint32_t>(error.quote.l4 - rte_pktmbuf_mtod(mbuf, const uint8_t*));
  rte_pktmbuf_trim(mbuf, static_cast<uint16_t>(mbuf->data_len - l4_at - l4_bytes));
  uint8_t* at = reframe(mbuf, l4_at, sizeof(EthernetHeader) + front, kEtherTypeIpv6);
  if (at == nullptr) return packet.drop(DropReason::kNoMbuf), false;
  auto* ip6 = reinterpret_cast<Ipv6Header*>(at);
  auto* icmp = reinterpret_cast<IcmpHeader*>(ip6 + 1);
  write_ipv6(quoted, quoted.total_length.host() - quoted.header_bytes(), reinterpret_cast<uint8_t*>(icmp + 1));
  *icmp = *said;
  const uint32_t icmp_bytes = front - sizeof *ip6 + l4_bytes;
  write_ipv6(ip, icmp_bytes, at);
  icmp->checksum = checksum_of(icmp, icmp_bytes, pseudo_sum(ip6, icmp_bytes));
  packet.ip6 = ip6;
  packet.l4 = reinterpret_cast<uint8_t*>(icmp);
  packet.ip_bytes = static_cast<uint16_t>(front + l4_bytes);
  packet.verdict = Verdict::kIcmpErrorIpv6;
  return true;
}

bool become_ipv4(Worker& worker, rte_mbuf* mbuf) noexcept {
  constexpr uint32_t kFrame = sizeof(EthernetHeader);
  const auto* at = rte_pktmbuf_mtod_offset(mbuf, const Ipv6Header*, kFrame);
  const auto headers = headers_of(at, mbuf->data_len - kFrame);
  if (!headers || !is_mapped(*at)) return false;
  const Ipv6Header ip = *at;
  if (headers->next == kIpProtocolIcmpv6) return error_becomes_ipv4(worker, mbuf, ip, *headers);
  uint8_t* front = reframe(mbuf, kFrame + headers->bytes, kFrame + sizeof(Ipv4Header), kEtherTypeIpv4);
  write_ipv4(ip, *headers, payload_of(ip, *headers), worker.next_ip_id++, reinterpret_cast<Ipv4Header*>(front));
  return true;
}

}  // namespace shunt::dataplane
