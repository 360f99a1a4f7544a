#include "dataplane/snapshot.h"

#include "dataplane/forwarding/tunnel.h"

namespace shunt::dataplane {

void RealEntry::take_way_out(const NextHop& next, bool link_up) noexcept {
  hop = next;
  const uint32_t added = method == Method::kTunnel ? kTunnelOverhead : 0;
  fits = next.resolved && link_up && next.mtu > added ? static_cast<uint16_t>(next.mtu - added) : uint16_t{0};
}

const ServiceEntry* Snapshot::find_service(uint8_t protocol, Be32 address, Be16 port) const noexcept {
  if (service_slots.empty()) return nullptr;
  const uint32_t mask = static_cast<uint32_t>(service_slots.size()) - 1;
  for (uint32_t i = service_hash(protocol, address, port) & mask; service_slots[i].protocol != 0;
       i = (i + 1) & mask) {
    const ServiceSlot& slot = service_slots[i];
    if (slot.address == address && slot.port == port && slot.protocol == protocol) {
      return &services[slot.service];
    }
  }
  return nullptr;
}

uint8_t Snapshot::kinds_of(Be32 address) const noexcept {
  if (addresses.empty()) return 0;
  const uint32_t mask = static_cast<uint32_t>(addresses.size()) - 1;
  for (uint32_t i = address_hash(address) & mask; addresses[i].address.raw != 0; i = (i + 1) & mask) {
    if (addresses[i].address == address) return addresses[i].kinds;
  }
  return 0;
}

}  // namespace shunt::dataplane
