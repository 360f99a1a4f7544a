#include "dataplane/match_table.h"

#include <algorithm>
#include <bit>

namespace shunt::dataplane {
namespace {

// nullptr: an axis without stretches.
template <typename Number>
const uint64_t* set_at(const MatchAxis<Number>& axis, Number number, uint32_t words) noexcept {
  if (axis.begins.empty()) return nullptr;
  const auto behind = std::upper_bound(axis.begins.begin(), axis.begins.end(), number);
  return axis.sets.data() + static_cast<size_t>(behind - axis.begins.begin() - 1) * words;
}

}  // namespace

uint32_t MatchTable::find(const IpFlow& flow, uint16_t in_port, uint32_t from) const noexcept {
  const bool is_v4 = flow.source.is_v4();
  const uint64_t* by_client =
      is_v4 ? set_at(clients, number4_of(flow.source), words) : set_at(clients6, number6_of(flow.source), words);
  if (by_client == nullptr) return kNone;
  const uint64_t* by_vip =
      is_v4 ? set_at(vips, number4_of(flow.destination), words) : set_at(vips6, number6_of(flow.destination), words);
  if (by_vip == nullptr) return kNone;
  const uint64_t* by_port = set_at(ports, protocol_and_port(flow.protocol, flow.destination_port.host()), words);
  const uint64_t* by_ingress = ingress.data() + size_t{in_port} * words;
  uint64_t wanted = ~uint64_t{0} << from % 64;
  for (uint32_t word = from / 64; word < words; ++word, wanted = ~uint64_t{0}) {
    const uint64_t all = by_client[word] & by_vip[word] & by_port[word] & by_ingress[word] & wanted;
    if (all != 0) return word * 64 + static_cast<uint32_t>(std::countr_zero(all));
  }
  return kNone;
}

bool MatchTable::is_vip(const IpAddress& address) const noexcept {
  if (empty()) return false;
  const uint64_t* by_vip =
      address.is_v4() ? set_at(vips, number4_of(address), words) : set_at(vips6, number6_of(address), words);
  if (by_vip == nullptr) return false;
  for (uint32_t word = 0; word < words; ++word) {
    if ((by_vip[word] & with_vips[word]) != 0) return true;
  }
  return false;
}

bool MatchTable::is_client(const IpAddress& address) const noexcept {
  if (empty()) return false;
  const uint64_t* by_client =
      address.is_v4() ? set_at(clients, number4_of(address), words) : set_at(clients6, number6_of(address), words);
  if (by_client == nullptr) return false;
  return std::any_of(by_client, by_client + words, [](uint64_t set) { return set != 0; });
}

}  // namespace shunt::dataplane
