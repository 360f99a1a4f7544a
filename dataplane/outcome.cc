#include "dataplane/outcome.h"

#include "dataplane/family.h"
#include "dataplane/header_options.h"
#include "dataplane/host_address.h"
#include "dataplane/verify_checksum.h"

namespace shunt::dataplane {
namespace {

// Hops that a packet must have left: reals are not behind so many routers, where it would be lost on its way.
constexpr uint8_t kLeastHops = 16;
// A Linux that expects none does not answer a SYN with one of these (tcp.c tcp_inbound_hash).
constexpr uint8_t kTcpMd5 = 19;             // RFC 2385
constexpr uint8_t kTcpAuthentication = 29;  // RFC 5925

bool has_strange_option(const TcpHeader* tcp) noexcept {
  const auto* header = reinterpret_cast<const uint8_t*>(tcp);
  for (HeaderOption option; next_option(header, tcp->header_bytes(), option);) {
    if (option.kind == kTcpMd5 || option.kind == kTcpAuthentication) return true;
  }
  return false;
}

// Whether a real that is well answers the packet: it is a plain SYN, whole, without IP options or extension headers, its
// checksum is right, and it comes from a host that is none of ours.
template <typename Ip>
bool is_fit_to_be_watched(const Snapshot& snapshot, const Packet& packet) noexcept {
  const auto* ip = Ip::header_of(packet);
  const auto header_bytes = static_cast<uint32_t>(packet.l4 - reinterpret_cast<const uint8_t*>(ip));
  constexpr uint8_t kDeciding = kTcpFin | kTcpSyn | kTcpRst | kTcpAck;
  if (header_bytes != sizeof *ip || (packet.tcp_flags & kDeciding) != kTcpSyn) return false;
  if (Ip::hop_limit_of(ip) < kLeastHops) return false;
  const uint32_t l4_bytes = packet.ip_bytes - header_bytes;
  const auto* end = rte_pktmbuf_mtod_offset(packet.mbuf, const uint8_t*, rte_pktmbuf_data_len(packet.mbuf));
  const uint32_t tcp_bytes = packet.tcp->header_bytes();
  if (packet.l4 + l4_bytes > end || tcp_bytes < sizeof(TcpHeader) || tcp_bytes > l4_bytes) return false;
  const IpAddress client = IpFlow::from(Ip::key_of(packet)).source;
  if (!is_routed_host(client) || snapshot.kinds_of(client) != 0 || has_strange_option(packet.tcp)) return false;
  return has_good_tcp_checksum(packet, ip);
}

// A millisecond's share, so that a flood is no pause: 256,000 a second.
constexpr uint32_t kLooksAMillisecond = 256;

template <typename Ip>
void look_for_answers_of(Worker& worker) noexcept {
  AwaitedAnswers& awaited = awaited_of<Ip>(worker);
  for (uint32_t i = 0; i < kLooksAMillisecond && awaited.first != awaited.end; ++i) {
    const AwaitedAnswers::Place place = awaited.places[awaited.first % AwaitedAnswers::kPlaces];
    if (!is_past(place.created + kAnswerMs, worker.now)) return;
    ++awaited.first;
    auto* connection = connections_of<Ip>(worker).at(place.entry);
    constexpr uint8_t kAwaited = kConnectionUsed | kConnectionWatched;
    if ((connection->flags & kAwaited) != kAwaited || connection->created != place.created) continue;
    look_for_answer(worker, *connection);
  }
}

}  // namespace

template <typename Ip>
void begin_to_watch(Worker& worker, const Snapshot& snapshot, const Packet& packet,
                    typename Ip::Entry& connection) noexcept {
  if (!is_fit_to_be_watched<Ip>(snapshot, packet)) return;
  connection.flags |= kConnectionWatched;
  AwaitedAnswers& awaited = awaited_of<Ip>(worker);
  if (awaited.end - awaited.first == AwaitedAnswers::kPlaces) return;
  awaited.places[awaited.end++ % AwaitedAnswers::kPlaces] = {connections_of<Ip>(worker).index_of(&connection),
                                                             connection.created};
}

void look_for_answers(Worker& worker) noexcept {
  look_for_answers_of<Ipv4>(worker);
  look_for_answers_of<Ipv6>(worker);
}

// A reset without ACK answers a segment with one, which a client may have made up to bring it about (RFC 9293 section
// 3.5.2); one that refuses a SYN has ACK, and so has that of a program that gives a connection up (Linux's tcp_output.c
// tcp_send_active_reset).
template <typename Entry>
void note_reply(Worker& worker, Entry& connection, uint8_t tcp_flags) noexcept {
  RealOutcomes& outcomes = worker.real_outcomes[connection.real.index];
  const bool is_first = connection.out_packets == 1;
  const bool is_reset = (tcp_flags & kTcpRst) != 0;
  if (is_first && !is_reset) outcomes.answered.add(1);
  if (!is_reset && (tcp_flags & kTcpSyn) != 0) return;  // it may still reset it
  connection.flags &= static_cast<uint8_t>(~kConnectionWatched);
  if (!is_reset || (tcp_flags & kTcpAck) == 0) return;
  if (is_first) outcomes.refused.add(1);
  else if (connection.out_packets == 2) outcomes.reset.add(1);
}

template <typename Entry>
void look_for_answer(Worker& worker, Entry& connection) noexcept {
  if (!is_past(connection.created + kAnswerMs, worker.now)) return;
  connection.flags &= static_cast<uint8_t>(~kConnectionWatched);
  if (connection.out_packets == 0) worker.real_outcomes[connection.real.index].unanswered.add(1);
}

template void begin_to_watch<Ipv4>(Worker&, const Snapshot&, const Packet&, Connection&) noexcept;
template void begin_to_watch<Ipv6>(Worker&, const Snapshot&, const Packet&, Connection6&) noexcept;
template void note_reply(Worker&, Connection&, uint8_t) noexcept;
template void note_reply(Worker&, Connection6&, uint8_t) noexcept;
template void look_for_answer(Worker&, Connection&) noexcept;
template void look_for_answer(Worker&, Connection6&) noexcept;

}  // namespace shunt::dataplane
