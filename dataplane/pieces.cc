#include "dataplane/pieces.h"

#include <rte_ip_frag.h>

#include <algorithm>

#include "dataplane/fragments.h"
#include "dataplane/ftp/passage.h"
#include "dataplane/limits.h"
#include "dataplane/rewrite.h"
#include "dataplane/settle.h"
#include "dataplane/track.h"

namespace shunt::dataplane {
namespace {

// A jumbo frame in pieces of the least MTU.
constexpr uint16_t kMostPieces = 32;
using PieceList = std::array<rte_mbuf*, kMostPieces>;

template <Direction kDirection, typename Ip>
const WayOut& way_of(const Snapshot& snapshot, const RealEntry& real, const Flow<Ip>& flow) noexcept {
  if constexpr (kDirection == Direction::kRequest) {
    if (real.method != Method::kSnat) return real.way_out;
    return snapshot.next_hops.hops[flow.connection->far_hop.hop.index];
  } else return snapshot.next_hops.hops[flow.connection->client_hop.index];
}

uint32_t bytes_of(const Ipv4Header* ip) noexcept { return ip->total_length.host(); }
uint32_t bytes_of(const Ipv6Header* ip) noexcept { return uint32_t{sizeof *ip} + ip->payload_length.host(); }

// The frame becomes its IP packet alone, in one buffer; false: it cannot.
bool strip(rte_mbuf* mbuf, uint32_t ip_bytes) noexcept {
  if (rte_pktmbuf_linearize(mbuf) != 0) return false;
  const uint32_t frame_bytes = sizeof(EthernetHeader) + ip_bytes;
  rte_pktmbuf_trim(mbuf, static_cast<uint16_t>(mbuf->pkt_len - frame_bytes));
  rte_pktmbuf_adj(mbuf, sizeof(EthernetHeader));
  return true;
}

// How many pieces of at most `fits` bytes, or an error below zero; the packet itself stays.
int cut(Worker& worker, Ipv4Header* whole, rte_mbuf* mbuf, uint16_t fits, PieceList& pieces) noexcept {
  whole->fragment.raw &= static_cast<uint16_t>(~kIpDontFragment.raw);  // an outer one's, around IPv6
  return rte_ipv4_fragment_copy_nonseg_packet(mbuf, pieces.data(), kMostPieces, fits, worker.pool);
}
int cut(Worker& worker, Ipv6Header*, rte_mbuf* mbuf, uint16_t fits, PieceList& pieces) noexcept {
  return rte_ipv6_fragment_packet(mbuf, pieces.data(), kMostPieces, fits, worker.pool, worker.pool);
}

// What cutting leaves to be done; false: the piece cannot be sent.
bool finish(rte_mbuf* piece, Ipv4Header* ip, uint32_t) noexcept {
  ip->checksum = {};
  ip->checksum = checksum_of(ip, ip->header_bytes());
  return rte_pktmbuf_prepend(piece, sizeof(EthernetHeader)) != nullptr;
}
// `id`: another one for each packet that is cut (RFC 8200 section 4.5).
bool finish(rte_mbuf* piece, Ipv6Header* ip, uint32_t id) noexcept {
  constexpr size_t kPlaceOfId = 4;  // in the fragment header
  std::memcpy(reinterpret_cast<uint8_t*>(ip + 1) + kPlaceOfId, &id, sizeof id);
  // Its payload still lies in the whole packet's buffer, and not every driver sends what lies in several.
  return rte_pktmbuf_linearize(piece) == 0 && rte_pktmbuf_prepend(piece, sizeof(EthernetHeader)) != nullptr;
}

// As rewrite(), without which a control connection of FTP goes (ftp/passage.h).
template <Direction kDirection, typename Ip>
bool make_ready(Worker& worker, const Snapshot& snapshot, const RealEntry& real, const Flow<Ip>& flow, const WayOut& way,
                Packet& packet) noexcept {
  if (!real.has_ftp() || !is_ftp(*flow.connection)) return rewrite<kDirection>(worker, snapshot, real, flow, way, packet);
  if (!pass_control<kDirection, Ip>(worker, snapshot, *flow.connection, UINT16_MAX, packet)) return false;
  address_frame(way, reinterpret_cast<EthernetHeader*>(Ip::header_of(packet)) - 1);
  return true;
}

// Gives `sink` the frames of the packet's pieces, of at most `fits` bytes of IP.
template <typename Header, typename Sink>
void cut_frame(Worker& worker, uint32_t bytes, uint32_t fits, Packet& packet, Sink sink) noexcept {
  rte_mbuf* mbuf = packet.mbuf;
  const EthernetHeader frame = *rte_pktmbuf_mtod(mbuf, const EthernetHeader*);
  if (!strip(mbuf, bytes)) return packet.drop(DropReason::kTooBig);
  PieceList pieces;
  const int count = cut(worker, rte_pktmbuf_mtod(mbuf, Header*), mbuf, static_cast<uint16_t>(fits), pieces);
  if (count < 0) return packet.drop(count == -ENOMEM ? DropReason::kNoMbuf : DropReason::kTooBig);
  const uint32_t id = worker.index << 16 | worker.next_ip_id++;
  for (rte_mbuf* piece : std::span(pieces.data(), static_cast<size_t>(count))) {
    if (!finish(piece, rte_pktmbuf_mtod(piece, Header*), id)) {
      drop(worker, piece, DropReason::kTooBig);
      continue;
    }
    *rte_pktmbuf_mtod(piece, EthernetHeader*) = frame;
    sink(piece);
  }
}

// Of the frame as it would leave by `way`, if that took IP packets of any size. A tunnel's has headers around the
// `inner_bytes` whose room was taken off the way's MTU.
template <typename Header>
void send_pieces(Worker& worker, const WayOut& way, uint32_t inner_bytes, Packet& packet) noexcept {
  const uint32_t bytes = bytes_of(rte_pktmbuf_mtod_offset(packet.mbuf, const Header*, sizeof(EthernetHeader)));
  // Pieces lie in buffers of ours.
  const uint32_t room = rte_pktmbuf_data_room_size(worker.pool) - RTE_PKTMBUF_HEADROOM;
  const uint32_t fits = std::min(way.mtu + bytes - inner_bytes, room);
  cut_frame<Header>(worker, bytes, fits, packet, [&](rte_mbuf* piece) { queue_frame(worker, way.port, piece); });
}

}  // namespace

template <Direction kDirection, typename Ip>
bool cut_and_send(Worker& worker, const Snapshot& snapshot, const RealEntry& real, const Flow<Ip>& flow,
                  Packet& packet) noexcept {
  if (real.has_rates() && !keeps_rates<kDirection>(worker, snapshot, real, flow, packet)) return false;
  const WayOut& way = way_of<kDirection>(snapshot, real, flow);
  track<kDirection>(worker, snapshot, real, flow, packet);
  if (!make_ready<kDirection>(worker, snapshot, real, flow, way, packet)) return false;
  // A tunnel's may be of the other family by now.
  const bool is_v4 = rte_pktmbuf_mtod(packet.mbuf, const EthernetHeader*)->type == kEtherTypeIpv4;
  if (is_v4) send_pieces<Ipv4Header>(worker, way, packet.ip_bytes, packet);
  else send_pieces<Ipv6Header>(worker, way, packet.ip_bytes, packet);
  return false;
}

void cut_and_start_anew(Worker& worker, Packet& packet, uint16_t most) noexcept {
  L4Flow flow{.protocol = packet.key.protocol};
  std::memcpy(&flow.ports, static_cast<const void*>(&packet.key.source_port), sizeof flow.ports);
  if (flow.protocol == kIpProtocolSctp) flow.sctp_bytes = static_cast<uint16_t>(packet.sctp_bytes);
  packet.verdict = Verdict::kPieces;
  cut_frame<Ipv4Header>(worker, packet.ip_bytes, most, packet, [&](rte_mbuf* piece) {
    piece->port = packet.in_port;
    note_flow(piece, flow);
    start_anew(worker, piece);
  });
}

template bool cut_and_send<Direction::kRequest>(Worker&, const Snapshot&, const RealEntry&, const Flow<Ipv4>&,
                                                Packet&) noexcept;
template bool cut_and_send<Direction::kReply>(Worker&, const Snapshot&, const RealEntry&, const Flow<Ipv4>&,
                                              Packet&) noexcept;
template bool cut_and_send<Direction::kRequest>(Worker&, const Snapshot&, const RealEntry&, const Flow<Ipv6>&,
                                                Packet&) noexcept;
template bool cut_and_send<Direction::kReply>(Worker&, const Snapshot&, const RealEntry&, const Flow<Ipv6>&,
                                              Packet&) noexcept;

}  // namespace shunt::dataplane
