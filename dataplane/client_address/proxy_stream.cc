#include "dataplane/client_address/proxy_stream.h"

#include <algorithm>

#include "dataplane/client_address/opening.h"
#include "dataplane/client_address/proxy_header.h"
#include "dataplane/fragments.h"
#include "dataplane/nat64/crossing.h"
#include "dataplane/segment.h"
#include "dataplane/verify_checksum.h"

namespace shunt::dataplane {
namespace {

void shift(TcpHeader* tcp, Be32& number, uint32_t by) noexcept { set_number(tcp, number, number.host() + by); }

// A segment without data becomes the header's, with all else that it says: it acknowledges as the client did, and its FIN
// stands behind the header. False: the packet is decided.
template <typename Ip>
bool become_header(const typename Ip::Entry& connection, Packet& packet) noexcept {
  rte_mbuf* mbuf = packet.mbuf;
  const uint16_t bytes = proxy_bytes(connection.carried, Ip::kFamily);
  const auto padding = static_cast<uint16_t>(mbuf->pkt_len - sizeof(EthernetHeader) - packet.ip_bytes);
  const bool is_trimmed = mbuf->nb_segs == 1 && rte_pktmbuf_trim(mbuf, padding) == 0;
  auto* room = is_trimmed ? reinterpret_cast<uint8_t*>(rte_pktmbuf_append(mbuf, bytes)) : nullptr;
  if (room == nullptr) return packet.drop(DropReason::kNoMbuf), false;
  uint8_t header[kMostProxyBytes];
  write_proxy(connection.carried, connection.request, header);
  std::memcpy(room, header, bytes);
  lengthen(Ip::header_of(packet), bytes);
  TcpHeader* tcp = packet.tcp;
  tcp->checksum = updated(tcp->checksum, fold(sum_of(room, bytes, Be16::from_host(bytes).raw)));
  change_tcp_header(tcp, offsetof(TcpHeader, flags), 1, [](uint8_t* flags) { *flags |= kTcpPsh; });
  return true;
}

// Whether what the segment says of the connection may be said again in one of ours. A fragment's checksum cannot be looked
// at, nor one behind extension headers.
template <typename Ip>
bool is_sound(const Packet& packet) noexcept {
  const auto* ip = Ip::header_of(packet);
  const bool is_plain = packet.l4 == reinterpret_cast<const uint8_t*>(ip + 1);
  return !is_plain || part_of(ip) != Part::kWhole || has_good_tcp_checksum(packet, ip);
}

// Sends the header in a segment of its own in front of the packet's, with the client's last word about all else:
// acknowledgement, window, timestamps. False: the packet is decided.
template <typename Ip>
bool send_header(Worker& worker, const WayOut& way, const typename Ip::Entry& connection, Packet& packet) noexcept {
  const uint32_t tcp_bytes = packet.tcp->header_bytes();
  const uint16_t bytes = proxy_bytes(connection.carried, Ip::kFamily);
  const auto l4_bytes = static_cast<uint16_t>(tcp_bytes + bytes);
  constexpr uint16_t kInFront = sizeof(EthernetHeader) + sizeof(typename Ip::Header);
  rte_mbuf* mbuf = rte_pktmbuf_alloc(worker.pool);
  if (mbuf == nullptr) return packet.drop(DropReason::kNoMbuf), false;
  // A buffer of ours has room for 1518 bytes at the least.
  auto* frame = reinterpret_cast<EthernetHeader*>(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(kInFront + l4_bytes)));
  *frame = {way.destination_mac, way.source_mac, Ip::kEtherType};
  auto* ip = reinterpret_cast<typename Ip::Header*>(frame + 1);
  const uint64_t pseudo_sum = write_ip(worker, Ip::header_of(packet), Ip::hop_limit_of(Ip::header_of(packet)), l4_bytes, ip);
  auto* tcp = reinterpret_cast<TcpHeader*>(ip + 1);
  std::memcpy(static_cast<void*>(tcp), packet.l4, tcp_bytes);
  uint8_t header[kMostProxyBytes];
  write_proxy(connection.carried, connection.request, header);
  std::memcpy(reinterpret_cast<uint8_t*>(tcp) + tcp_bytes, header, bytes);
  tcp->flags = kTcpAck | kTcpPsh;
  tcp->urgent = {};
  tcp->checksum = {};
  tcp->checksum = checksum_of(tcp, l4_bytes, pseudo_sum);
  queue_own(worker, way.port, mbuf);
  return true;
}

// While the real has not acknowledged the header. False: the packet is decided.
template <typename Ip>
bool tell_while_opening(Worker& worker, const WayOut& way, typename Ip::Entry& connection, Packet& packet) noexcept {
  const Step step = step_of(connection);
  const bool is_told = step == Step::kTold || step == Step::kFollowed;
  TcpHeader* tcp = packet.tcp;
  const uint16_t bytes = proxy_bytes(connection.carried, Ip::kFamily);
  if (step == Step::kAsked || (!is_told && (packet.tcp_flags & kTcpRst) != 0)) return true;
  const bool is_first = tcp->sequence.host() == noted_in(connection) && (packet.tcp_flags & kTcpRst) == 0;
  if (is_first && payload_bytes<Ip>(packet) == 0) {
    if (step == Step::kAnswered) set_step(connection, Step::kTold);
    return become_header<Ip>(connection, packet);
  }
  // The first time that data stands behind a header that was sent by itself, nobody missed it.
  if (is_first && step != Step::kTold && is_sound<Ip>(packet) && !send_header<Ip>(worker, way, connection, packet)) {
    return false;
  }
  if (is_first) set_step(connection, Step::kFollowed);
  shift(tcp, tcp->sequence, bytes);
  return true;
}

}  // namespace

template <typename Ip>
bool tell_by_proxy(Worker& worker, const WayOut& way, typename Ip::Entry& connection, Packet& packet) noexcept {
  if ((packet.tcp_flags & kTcpSyn) != 0) return open_plainly<Ip>(packet) || (packet.drop(DropReason::kClientUntold), false);
  if (is_opening(connection)) return tell_while_opening<Ip>(worker, way, connection, packet);
  shift(packet.tcp, packet.tcp->sequence, proxy_bytes(connection.carried, Ip::kFamily));
  return true;
}

template <typename Ip>
void hear_of_proxy(typename Ip::Entry& connection, const Packet& packet) noexcept {
  const uint16_t bytes = proxy_bytes(connection.carried, Ip::kFamily);
  TcpHeader* tcp = packet.tcp;
  const uint32_t acknowledged = tcp->acknowledgement.host();
  if ((packet.tcp_flags & kTcpAck) == 0) return;
  if ((packet.tcp_flags & kTcpSyn) != 0) {
    // The same answer once more changes nothing; another one is to a client that began anew.
    const bool is_known = is_opening(connection) && step_of(connection) != Step::kAsked;
    if (is_known && noted_in(connection) == acknowledged) return;
    begin_opening(connection, acknowledged);
    return set_step(connection, Step::kAnswered);
  }
  uint32_t less = bytes;
  if (is_opening(connection)) {
    const Step step = step_of(connection);
    if (step != Step::kTold && step != Step::kFollowed) return;
    // Not more than was sent of the client's own.
    const auto heard = static_cast<int32_t>(acknowledged - noted_in(connection));
    less = heard <= 0 ? 0 : std::min<uint32_t>(static_cast<uint32_t>(heard), bytes);
    if (heard >= bytes) end_opening(connection);
  }
  if (less != 0) shift(tcp, tcp->acknowledgement, 0u - less);
  const auto without_header = [bytes](uint32_t number) { return number - bytes; };
  if (tcp->header_bytes() > sizeof(TcpHeader)) change_selective_acks(tcp, without_header, without_header);
}

template bool tell_by_proxy<Ipv4>(Worker&, const WayOut&, Connection&, Packet&) noexcept;
template bool tell_by_proxy<Ipv6>(Worker&, const WayOut&, Connection6&, Packet&) noexcept;
template void hear_of_proxy<Ipv4>(Connection&, const Packet&) noexcept;
template void hear_of_proxy<Ipv6>(Connection6&, const Packet&) noexcept;

}  // namespace shunt::dataplane
