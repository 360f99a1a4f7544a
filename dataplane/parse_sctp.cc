#include "dataplane/parse_sctp.h"

#include "dataplane/headers.h"
#include "dataplane/sctp_state.h"

namespace shunt::dataplane {
namespace {

// The chunk header at `offset` of an SCTP packet, a copy of it in `room` where it lies across buffers.
const SctpChunk* chunk_at(const Packet& packet, uint32_t offset, SctpChunk& room) noexcept {
  const auto* frame = rte_pktmbuf_mtod(packet.mbuf, const uint8_t*);
  const auto begin = static_cast<uint32_t>(packet.l4 - frame);
  return static_cast<const SctpChunk*>(rte_pktmbuf_read(packet.mbuf, begin + offset, sizeof room, &room));
}

// Whether a chunk's length, header included, is possible where `room` bytes are left.
bool has_good_length(const SctpChunk& chunk, uint32_t room) noexcept {
  const uint32_t length = chunk.length.host();
  return length >= sizeof(SctpChunk) && length <= room;
}

}  // namespace

bool parse_sctp(Packet& packet, uint32_t bytes, uint32_t here, uint32_t readable) noexcept {
  constexpr uint32_t kFixed = sizeof(SctpHeader) + sizeof(SctpChunk);
  if (here < kFixed) return packet.drop(DropReason::kBadL4Header), false;
  if (readable < kFixed) return packet.drop(DropReason::kTruncated), false;
  const auto& first = *reinterpret_cast<const SctpChunk*>(packet.l4 + sizeof(SctpHeader));
  if (!has_good_length(first, bytes - sizeof(SctpHeader))) return packet.drop(DropReason::kBadL4Header), false;
  packet.sctp_bytes = bytes;
  packet.tcp_flags = flags_of(sctp_event_of(first.type));
  const uint32_t next = sizeof(SctpHeader) + ((first.length.host() + 3u) & ~3u);
  const bool may_hide_abort = first.type == kSctpCookieEcho || first.type == kSctpCookieAck;
  if (!may_hide_abort || next + sizeof(SctpChunk) > here) return true;
  SctpChunk room;
  const SctpChunk* second = chunk_at(packet, next, room);
  if (second == nullptr || !has_good_length(*second, bytes - next)) return packet.drop(DropReason::kBadL4Header), false;
  if (second->type == kSctpAbort) packet.tcp_flags = flags_of(SctpEvent::kAbort);
  return true;
}

}  // namespace shunt::dataplane
