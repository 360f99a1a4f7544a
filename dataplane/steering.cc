#include "dataplane/steering.h"

#include <bit>
#include <cstddef>

namespace shunt::dataplane {
namespace {

// The 32 bits of the key from bit `first` on.
uint32_t window(std::span<const uint8_t> key, size_t first) noexcept {
  uint64_t bits = 0;
  for (size_t byte = first / 8; byte < first / 8 + 5; ++byte) bits = bits << 8 | (byte < key.size() ? key[byte] : 0);
  return static_cast<uint32_t>(bits >> (8 - first % 8));
}

// How many of the contributions are linearly independent.
uint32_t rank_of(std::span<uint32_t> contributions) noexcept {
  uint32_t rank = 0;
  for (size_t i = 0; i < contributions.size(); ++i) {
    const uint32_t pivot = contributions[i];
    if (pivot == 0) continue;
    ++rank;
    const uint32_t lowest = pivot & -pivot;
    for (size_t j = i + 1; j < contributions.size(); ++j) {
      if (contributions[j] & lowest) contributions[j] ^= pivot;
    }
  }
  return rank;
}

// Whether 1,024 consecutive values of the field that ends before bit `end` of the flow reach every entry equally often.
bool reaches_all(std::span<const uint8_t> key, size_t end) noexcept {
  std::array<uint32_t, 10> contributions;
  for (size_t bit = 0; bit < contributions.size(); ++bit) {
    contributions[bit] = window(key, end - 1 - bit) & (Steering::kMostEntries - 1);
  }
  return rank_of(contributions) == static_cast<uint32_t>(std::countr_zero(Steering::kMostEntries));
}

// The same for each field of a flow of which clients or we choose consecutive values.
template <typename Key>
bool reaches_all_of(std::span<const uint8_t> key) noexcept {
  return reaches_all(key, 8 * offsetof(Key, destination)) && reaches_all(key, 8 * offsetof(Key, destination_port)) &&
         reaches_all(key, 8 * offsetof(Key, protocol));
}

}  // namespace

template <typename Key>
BasicToeplitz<Key>::BasicToeplitz(std::span<const uint8_t> key) noexcept {
  for (size_t place = 0; place < kPlaces; ++place) {
    for (uint32_t byte = 0; byte < 256; ++byte) {
      uint32_t sum = 0;
      for (size_t bit = 0; bit < 8; ++bit) {
        if (byte & (0x80u >> bit)) sum ^= window(key, place * 8 + bit);
      }
      tables_[place][byte] = sum;
    }
  }
}
template class BasicToeplitz<FlowKey>;
template class BasicToeplitz<FlowKey6>;

bool Steering::is_even(std::span<const uint8_t> key) noexcept {
  return reaches_all_of<FlowKey>(key) && reaches_all_of<FlowKey6>(key);
}

template <typename Key>
Steering::Ports<Key>::Ports(std::span<const uint8_t> key, uint32_t mask) noexcept : hash(key) {
  Key flow{};
  for (uint32_t port = 0; port < kFirstLocalPort + kLocalPorts; ++port) {
    flow.destination_port = Be16::from_host(static_cast<uint16_t>(port));
    const uint32_t contribution = hash(flow) & mask;
    if (port < kFirstLocalPort) {
      makers[contribution] = static_cast<uint16_t>(port);
    } else if (contribution == 0 && silent_count < silent.size()) {
      silent[silent_count++] = static_cast<uint16_t>(port);
    }
  }
}

Steering::Steering(std::span<const uint8_t> key, uint32_t entries, uint32_t workers) noexcept
    : mask_(entries - 1), workers_(workers), v4_(key, mask_), v6_(key, mask_) {}

}  // namespace shunt::dataplane
