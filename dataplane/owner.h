// Which of several workers has a connection, as far as a packet of it tells. Worker only.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// A nat connection is the business of the worker that its client names: requests carry the client as source, replies as
// destination, so both find it without asking.
inline uint32_t owner_of_client(const IpAddress& address, Be16 port, uint32_t workers) noexcept {
  const uint32_t mixed = (table_hash(address) ^ (uint32_t{port.raw} << 15)) * 2654435761u;
  return static_cast<uint32_t>((uint64_t{mixed ^ (mixed >> 16)} * workers) >> 32);
}

// Whose a real's packet toward a client is: `key` as it is in that packet, `flow` the same. The asking worker when it
// is nobody's.
template <typename Key>
uint32_t owner_of_reply(const Worker& worker, const Snapshot& snapshot, const Key& key, const IpFlow& flow) noexcept {
  if (worker.count == 1) return worker.index;
  const uint8_t destination = snapshot.kinds_of(flow.destination);
  if (destination & bit(AddressSlot::Kind::kLocal)) return worker.steering->owner_of(key);
  const bool is_nat = (destination & bit(AddressSlot::Kind::kOwn)) == 0 &&
                      (snapshot.kinds_of(flow.source) & bit(AddressSlot::Kind::kReal)) != 0;
  return is_nat ? owner_of_client(flow.destination, flow.destination_port, worker.count) : worker.index;
}

// True: the packet goes to `owner`, or must not go on here.
inline bool hand_off(const Worker& worker, Packet& packet, uint32_t owner) noexcept {
  if (owner == worker.index) return false;
  if (packet.handed_off) {
    packet.drop(DropReason::kHopLoop);
    return true;
  }
  packet.verdict = Verdict::kHandOff;
  packet.owner = static_cast<uint8_t>(owner);
  return true;
}

}  // namespace shunt::dataplane
