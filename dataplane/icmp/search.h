// Which worker has the connection that an ICMP error is about. Worker only.
#pragma once

#include "dataplane/icmp/echo.h"
#include "dataplane/owner.h"

namespace shunt::dataplane {

// Hands an error about a packet of no connection here to the worker that may have it; false: nobody else has it. `key`
// is as in the connection's packets that travel as the error does, `service` what they ask for, if anything. Where a
// port spreads packets in a way that nobody can compute, the workers are asked in turn, each once.
template <typename Ip>
bool ask_owner(Worker& worker, const Snapshot& snapshot, const ServiceEntry* service, const typename Ip::Key& key,
               Packet& packet) noexcept {
  if (worker.count == 1) return false;
  uint32_t& left_to_ask = packet.mbuf->hash.usr;  // nobody's while a packet is handed off
  const uint32_t next = (worker.index + 1) % worker.count;
  if (packet.handed_off) {
    if (left_to_ask == 0) return false;
    --left_to_ask;
    packet.handed_off = false;
    return hand_off(worker, packet, next);
  }
  const IpFlow flow = IpFlow::from(key);
  left_to_ask = 0;
  const bool is_snats = service == nullptr && snapshot.snat_matches.is_client(flow.source) &&
                        (snapshot.kinds_of(flow.source) & bit(AddressSlot::Kind::kReal)) == 0;
  if (service == nullptr && !is_snats) {
    return hand_off(worker, packet, owner_of_reply(worker, snapshot, key, flow));
  }
  if (!is_snats && service->method == Method::kNat) {
    return hand_off(worker, packet, owner_of_client(flow.source, flow.source_port, worker.count));
  }
  const uint32_t owner = worker.steering->owner_of(key);
  // Network cards hash no echo by its identifier.
  const bool is_told = worker.steered && !is_icmp(flow.protocol);
  if (is_told || !worker.punts.take(worker.now)) return hand_off(worker, packet, owner);
  left_to_ask = owner == worker.index ? worker.count - 2 : worker.count - 1;
  return hand_off(worker, packet, owner == worker.index ? next : owner);
}

}  // namespace shunt::dataplane
