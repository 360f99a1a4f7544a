// Which call a packet of a service with persistence by SIP's Call-ID is of. Worker only.
#pragma once

#include <algorithm>

#include "dataplane/family.h"
#include "dataplane/sip.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// A keyed hash of the packet's Call-ID, never zero; 0: it has none, or none in its first buffer. REQUIRES UDP.
template <typename Ip>
uint64_t call_of(const Worker& worker, const Packet& packet) noexcept {
  const auto* begin = packet.l4 + sizeof(UdpHeader);
  const auto* ip = reinterpret_cast<const uint8_t*>(Ip::header_of(packet));
  const auto* frame = rte_pktmbuf_mtod(packet.mbuf, const uint8_t*);
  const auto* end = std::min(ip + packet.ip_bytes, frame + packet.mbuf->data_len);
  if (begin >= end || worker.templates == nullptr) return 0;
  const std::span<const uint8_t> id = call_id_in({begin, end});
  return id.empty() ? 0 : worker.templates->hash_of_call(id);
}

}  // namespace shunt::dataplane
