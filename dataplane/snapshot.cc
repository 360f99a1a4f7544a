#include "dataplane/snapshot.h"

#include "dataplane/forwarding/tunnel.h"

namespace shunt::dataplane {

void RealEntry::take_way_out(const NextHop& next, bool link_up) noexcept {
  way_out = next;
  local_address = next.local_address;
  const uint32_t added = method == Method::kTunnel ? tunnel_overhead(address.family) : 0;
  way_out.mtu = next.resolved && link_up && next.mtu > added ? static_cast<uint16_t>(next.mtu - added) : uint16_t{0};
}

void RealEntry::lose_way_out() noexcept {
  next_hop = kNoNextHop;
  way_out.mtu = 0;
}

const ServiceEntry* Snapshot::find_service(uint8_t protocol, const IpAddress& address, Be16 port) const noexcept {
  if (service_slots.empty()) return nullptr;
  const uint32_t mask = static_cast<uint32_t>(service_slots.size()) - 1;
  for (uint32_t i = service_hash(protocol, address, port) & mask; service_slots[i].protocol != 0;
       i = (i + 1) & mask) {
    const ServiceSlot& slot = service_slots[i];
    if (slot.port == port && slot.protocol == protocol && slot.address == address) {
      return &services[slot.service];
    }
  }
  return nullptr;
}

uint8_t Snapshot::kinds_of(const IpAddress& address) const noexcept {
  if (addresses.empty()) return 0;
  const uint32_t mask = static_cast<uint32_t>(addresses.size()) - 1;
  for (uint32_t i = address_hash(address) & mask; addresses[i].kinds != 0; i = (i + 1) & mask) {
    if (addresses[i].address == address) return addresses[i].kinds;
  }
  return 0;
}

}  // namespace shunt::dataplane
