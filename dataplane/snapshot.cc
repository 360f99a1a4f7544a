#include "dataplane/snapshot.h"

#include <algorithm>
#include <iterator>

#include "dataplane/forwarding/tunnel.h"

namespace shunt::dataplane {

void RealEntry::take_way_out(const NextHop& next, bool link_up, uint16_t carried) noexcept {
  way_out = next;
  local_address = next.local_address;
  const bool is_tunnel = method == Method::kTunnel;
  const uint32_t added = is_tunnel ? tunnel_overhead(address.family, tunnel) : carried;
  const bool may_leave = next.resolved && link_up && !(is_tunnel && local_address.is_unspecified());
  way_out.mtu = may_leave && next.mtu > added ? static_cast<uint16_t>(next.mtu - added) : uint16_t{0};
}

void RealEntry::lose_way_out() noexcept {
  next_hop = kNoNextHop;
  way_out.mtu = 0;
}

namespace {

// The first slot from the hash's place on, up to an empty one, that is the one; nullptr: none is.
template <typename Slot, typename IsTheOne>
const Slot* probe(std::span<const Slot> slots, uint32_t hash, IsTheOne is_the_one) noexcept {
  if (slots.empty()) return nullptr;
  const uint32_t mask = static_cast<uint32_t>(slots.size()) - 1;
  for (uint32_t i = hash & mask; slots[i].protocol != 0; i = (i + 1) & mask) {
    if (is_the_one(slots[i])) return &slots[i];
  }
  return nullptr;
}

uint32_t owner_of(std::span<const PortStretch> stretches, uint16_t port) noexcept {
  const auto behind = std::upper_bound(stretches.begin(), stretches.end(), port,
                                       [](uint16_t wanted, const PortStretch& each) { return wanted < each.first; });
  return std::prev(behind)->service;
}

}  // namespace

const ServiceEntry* Snapshot::find_service(uint8_t protocol, const IpAddress& address, Be16 port) const noexcept {
  const ServiceSlot* exact = probe(service_slots, service_hash(protocol, address, port), [&](const ServiceSlot& slot) {
    return slot.port == port && slot.protocol == protocol && slot.address == address;
  });
  if (exact != nullptr) return &services[exact->service];
  const RangeSlot* wide = probe(range_slots, service_hash(protocol, address, {}), [&](const RangeSlot& slot) {
    return slot.protocol == protocol && slot.address == address;
  });
  if (wide == nullptr) return nullptr;
  const uint32_t owner = owner_of(port_stretches.subspan(wide->begin, wide->count), port.host());
  return owner == PortStretch::kNobody ? nullptr : &services[owner];
}

const ServiceEntry* Snapshot::find_service(const IpFlow& request, uint16_t in_port) const noexcept {
  if (!matches.empty()) [[unlikely]] {
    // What is for the machine itself is Linux's, however wide a match is; its VIPs are on its kernel ports, too.
    constexpr uint8_t kItself = bit(AddressSlot::Kind::kOwn) | bit(AddressSlot::Kind::kLocal);
    const uint8_t kinds = kinds_of(request.destination);
    if ((kinds & kItself) == 0 || (kinds & bit(AddressSlot::Kind::kVip)) != 0) {
      const uint32_t rule = matches.find(request, in_port);
      if (rule != MatchTable::kNone) return &services[matches.services[rule]];
    }
  }
  return find_service(request.protocol, request.destination, request.destination_port);
}

const OnePacketSlot* Snapshot::find_one_packet(const IpFlow& reply) const noexcept {
  if (one_packet_slots.empty()) return nullptr;
  const uint8_t protocol = reply.protocol;
  const Be16 port = reply.source_port;
  const OnePacketSlot* exact =
      probe(one_packet_slots, service_hash(protocol, reply.source, port), [&](const OnePacketSlot& slot) {
        return slot.port == port && slot.protocol == protocol && slot.address == reply.source;
      });
  if (exact != nullptr && port.raw != 0) return exact;
  // Ranges of several services may have the same real.
  return probe(one_packet_slots, service_hash(protocol, reply.source, {}), [&](const OnePacketSlot& slot) {
    return slot.port.raw == 0 && slot.protocol == protocol && slot.address == reply.source &&
           slot.first_port <= port.host() && port.host() <= slot.last_port;
  });
}

bool Snapshot::is_from_nat_real(const IpFlow& reply) const noexcept {
  if (nat_real_slots.empty()) return false;
  const uint32_t hash = service_hash(reply.protocol, reply.source, reply.source_port);
  return probe(nat_real_slots, hash, [&](const NatRealSlot& slot) {
           return slot.port == reply.source_port && slot.protocol == reply.protocol && slot.address == reply.source;
         }) != nullptr;
}

bool Snapshot::is_vip(const IpAddress& address) const noexcept {
  return (kinds_of(address) & bit(AddressSlot::Kind::kVip)) != 0 || matches.is_vip(address);
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
