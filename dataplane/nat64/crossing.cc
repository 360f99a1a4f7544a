#include "dataplane/nat64/crossing.h"

#include "dataplane/pieces.h"

namespace shunt::dataplane {
namespace {

// Makes a frame IPv4's if its destination is mapped; false: it cannot be.
bool leave_as_wire_has_it(Worker& worker, rte_mbuf* mbuf) noexcept {
  const auto* frame = rte_pktmbuf_mtod(mbuf, const EthernetHeader*);
  const auto* ip = reinterpret_cast<const Ipv6Header*>(frame + 1);
  if (frame->type != kEtherTypeIpv6 || !is_mapped(ip->destination)) return true;
  if (!become_ipv4(worker, mbuf)) return false;
  worker.counters.translated_to_ipv4.add(1);
  return true;
}

// Such a packet's place in the IPv4 table means nothing more: its fields are of the other one from then on.
bool may_cross(const Packet& packet) noexcept {
  return is_on_its_way<Ipv4>(packet) && packet.reference == ConnectionTable::kAbsent;
}

ConnectionTable6::Found if_live(const Worker& worker, const ConnectionTable6::Found& found) noexcept {
  return found.entry != nullptr && !is_past(found.entry->expires, worker.now) ? found : ConnectionTable6::Found{};
}

}  // namespace

void fetch_buckets_across(const Worker& worker, std::span<Packet> packets) noexcept {
  for (Packet& packet : packets) {
    if (!may_cross(packet)) continue;
    packet.hash = worker.connections6.hash(mapped(packet.key));
    packet.bucket6 = worker.connections6.prefetch_bucket(packet.hash);
  }
}

void fetch_connections_across(const Worker& worker, std::span<Packet> packets) noexcept {
  ConnectionTable6::Reference second;
  for (Packet& packet : packets) {
    if (may_cross(packet)) packet.other = worker.connections6.prefetch_entry(*packet.bucket6, packet.hash, second);
  }
}

ConnectionTable6::Found find_crossing(Worker& worker, const Packet& packet) noexcept {
  if (packet.reference != ConnectionTable::kAbsent) return find_crossing(worker, packet.key);
  const FlowKey6 key = mapped(packet.key);
  return if_live(worker, worker.connections6.find(packet.other, packet.hash, view_of(key)));
}

ConnectionTable6::Found find_crossing(Worker& worker, const FlowKey& key) noexcept {
  return if_live(worker, worker.connections6.find(mapped(key)));
}

bool cross(Worker& worker, const ConnectionTable6::Found& found, Packet& packet) noexcept {
  if (!give_udp_checksum(packet)) return false;
  if (is_to_be_cut(packet)) return cut_and_start_anew(worker, packet, kMostIpv4Piece), false;
  if (!become_ipv6(packet)) return false;
  worker.counters.translated_to_ipv6.add(1);
  packet.reference = found.entry == nullptr ? ConnectionTable6::kSearch : ConnectionTable6::reference_of(found);
  if (found.entry == nullptr) packet.hash = worker.connections6.hash(Ipv6::lookup_key_of(packet));
  return true;
}

bool cross_error(Worker& worker, const IcmpMessage<Ipv4>& error, Packet& packet) noexcept {
  if (!become_ipv6(error, packet)) return false;
  worker.counters.translated_to_ipv6.add(1);
  return true;
}

void cross_back(Worker& worker, Packet& packet) noexcept {
  const bool is_over = packet.verdict == Verdict::kDrop || packet.verdict == Verdict::kPieces;
  if (is_over || become_ipv4(worker, packet.mbuf)) return;
  packet.drop(DropReason::kUntranslatable);
}

bool queue_crossing(Worker& worker, uint16_t port, Packet& packet) noexcept {
  if (!leave_as_wire_has_it(worker, packet.mbuf)) return packet.drop(DropReason::kUntranslatable), false;
  queue_frame(worker, port, packet.mbuf);
  return true;
}

void queue_own(Worker& worker, uint16_t port, rte_mbuf* mbuf) noexcept {
  if (leave_as_wire_has_it(worker, mbuf)) queue_frame(worker, port, mbuf);
  else drop(worker, mbuf, DropReason::kUntranslatable);
}

}  // namespace shunt::dataplane
