#include "dataplane/segment.h"

#include "dataplane/fragments.h"

namespace shunt::dataplane {
namespace {

// RFC 6994's experimental option by which Fast Open began (RFC 7413 section 2), in either of its kinds.
bool is_old_fast_open(const HeaderOption& option, const uint8_t* at) noexcept {
  return (option.kind == 253 || option.kind == 254) && option.bytes >= 4 && at[2] == 0xf9 && at[3] == 0x89;
}

}  // namespace

template <typename Ip>
bool open_plainly(Packet& packet) noexcept {
  blank_tcp_options(packet.tcp, [](const HeaderOption& option, const uint8_t* at) {
    return option.kind == kTcpFastOpen || option.kind == kTcpMultipath || is_old_fast_open(option, at);
  });
  const uint32_t bytes = payload_bytes<Ip>(packet);
  const bool is_whole = part_of(Ip::header_of(packet)) == Part::kWhole;
  if (bytes == 0 && is_whole) return true;
  if (!is_whole || packet.mbuf->nb_segs != 1) return false;
  // Its sender sends it again when only the SYN is acknowledged.
  TcpHeader* tcp = packet.tcp;
  const uint8_t* data = packet.l4 + tcp->header_bytes();
  const uint32_t before = packet.ip_bytes;
  const uint32_t after = before - bytes;
  const uint64_t lengths = delta_of(Be16::from_host(static_cast<uint16_t>(before)), Be16::from_host(static_cast<uint16_t>(after)));
  tcp->checksum = updated(tcp->checksum, fold(lengths + inverse(fold(sum_of(data, bytes)))));
  lengthen(Ip::header_of(packet), -static_cast<int32_t>(bytes));
  rte_pktmbuf_trim(packet.mbuf, static_cast<uint16_t>(packet.mbuf->pkt_len - sizeof(EthernetHeader) - after));
  packet.ip_bytes = static_cast<uint16_t>(after);
  return true;
}

uint64_t write_ip(Worker& worker, const Ipv4Header* like, uint8_t hops, uint32_t payload, Ipv4Header* ip) noexcept {
  const auto total = static_cast<uint16_t>(sizeof *ip + payload);
  *ip = {0x45, like->tos, Be16::from_host(total), Be16::from_host(worker.next_ip_id++), kIpDontFragment, hops,
         kIpProtocolTcp, {}, like->source, like->destination};
  ip->checksum = checksum_of(ip, sizeof *ip);
  return pseudo_sum_of<Ipv4>(ip, payload);
}
uint64_t write_ip(Worker&, const Ipv6Header* like, uint8_t hops, uint32_t payload, Ipv6Header* ip) noexcept {
  *ip = {like->version_class_flow, Be16::from_host(static_cast<uint16_t>(payload)), kIpProtocolTcp, hops, like->source,
         like->destination};
  return pseudo_sum_of<Ipv6>(ip, payload);
}

template bool open_plainly<Ipv4>(Packet&) noexcept;
template bool open_plainly<Ipv6>(Packet&) noexcept;

}  // namespace shunt::dataplane
