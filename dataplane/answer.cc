#include "dataplane/answer.h"

#include <algorithm>
#include <cstring>

#include "dataplane/checksum.h"

namespace shunt::dataplane {
namespace {

// RFC 1812 section 4.3.2.3: as much of the packet as fits 576 bytes with both headers.
constexpr uint32_t kQuote = 576 - sizeof(Ipv4Header) - sizeof(IcmpHeader);
constexpr uint8_t kAnswerTtl = 64;

// RFC 1122 section 3.2.2: no error to a sender that is no single host.
bool may_answer(const Ipv4Header* ip) noexcept {
  const uint8_t first = static_cast<uint8_t>(ip->source.host() >> 24);
  return first != 0 && first != 127 && first < 224;
}

IcmpHeader icmp_header(Answer answer, uint16_t mtu) noexcept {
  switch (answer) {
    case Answer::kPortUnreachable: return {3, 3, {}, {}};
    case Answer::kFragmentationNeeded: return {3, 4, {}, Be32::from_host(mtu)};  // RFC 1191
    case Answer::kTimeExceeded: return {11, 0, {}, {}};
  }
  return {};
}

}  // namespace

void drop_with_answer(Worker& worker, const Snapshot& snapshot, Packet& packet, DropReason reason, Answer answer,
                      uint16_t mtu) noexcept {
  packet.drop(reason);
  rte_mbuf* mbuf = packet.mbuf;
  if (!may_answer(packet.ip) || !worker.answers.take(worker.now)) return;
  const uint32_t in_first_segment = mbuf->data_len - static_cast<uint32_t>(sizeof(EthernetHeader));
  const uint32_t quoted = std::min({uint32_t{packet.ip_bytes}, kQuote, in_first_segment});
  constexpr uint16_t kAdded = sizeof(Ipv4Header) + sizeof(IcmpHeader);

  // Copied out first: the new Ethernet header may lie over the old headers.
  const EthernetHeader asked = *rte_pktmbuf_mtod(mbuf, EthernetHeader*);
  const Be32 to = packet.ip->source;
  const Be32 own = snapshot.port_address[packet.in_port];
  const Be32 from = own.raw != 0 ? own : packet.ip->destination;
  if (mbuf->nb_segs > 1) {
    rte_pktmbuf_free(mbuf->next);
    mbuf->next = nullptr;
    mbuf->nb_segs = 1;
  }
  mbuf->data_len = static_cast<uint16_t>(sizeof(EthernetHeader) + quoted);
  mbuf->pkt_len = mbuf->data_len;
  auto* frame = reinterpret_cast<EthernetHeader*>(rte_pktmbuf_prepend(mbuf, kAdded));
  if (frame == nullptr) return;
  *frame = {asked.source, worker.ports[packet.in_port].mac, kEtherTypeIpv4};

  auto* ip = reinterpret_cast<Ipv4Header*>(frame + 1);
  *ip = {0x45, 0xc0, Be16::from_host(static_cast<uint16_t>(kAdded + quoted)), {}, {}, kAnswerTtl, kIpProtocolIcmp,
         {}, from, to};  // 0xc0: internetwork control, RFC 1812 section 4.3.2.5
  ip->checksum = checksum_of(ip, sizeof *ip);
  auto* icmp = reinterpret_cast<IcmpHeader*>(ip + 1);
  *icmp = icmp_header(answer, mtu);
  icmp->checksum = checksum_of(icmp, sizeof *icmp + quoted);

  worker.counters.drops[static_cast<size_t>(reason)].add(1);
  worker.counters.answers.add(1);
  packet.verdict = Verdict::kAnswer;
}

}  // namespace shunt::dataplane
