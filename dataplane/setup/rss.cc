#include "dataplane/setup/rss.h"

#include <rte_errno.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>

#include "dataplane/flow_hash.h"

namespace shunt::dataplane {
namespace {

struct FlowType {
  uint64_t bit;
  const char* name;
};
constexpr FlowType kSteeredTypes[] = {{RTE_ETH_RSS_NONFRAG_IPV4_TCP, "TCP"},
                                      {RTE_ETH_RSS_NONFRAG_IPV4_UDP, "UDP"},
                                      {RTE_ETH_RSS_NONFRAG_IPV6_TCP, "TCP over IPv6"},
                                      {RTE_ETH_RSS_NONFRAG_IPV6_UDP, "UDP over IPv6"}};
constexpr uint64_t kSteeredFlows = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_UDP |
                                   RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_NONFRAG_IPV6_UDP;
// By addresses alone, where a card can: else one worker receives them all (it hands them on, fragments.h).
constexpr uint64_t kFragments = RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_FRAG_IPV6;
constexpr uint32_t kDefaultEntries = 128;
// The size of a key where a driver names none.
constexpr uint8_t kUsualKeyBytes = 40;

using Reta = std::vector<rte_eth_rss_reta_entry64>;

Reta whole_table(uint32_t entries) {
  Reta table((entries + RTE_ETH_RETA_GROUP_SIZE - 1) / RTE_ETH_RETA_GROUP_SIZE);
  for (rte_eth_rss_reta_entry64& group : table) group.mask = UINT64_MAX;
  return table;
}

uint16_t& entry_of(Reta& table, uint32_t entry) {
  return table[entry / RTE_ETH_RETA_GROUP_SIZE].reta[entry % RTE_ETH_RETA_GROUP_SIZE];
}

Error unpredictable(const std::string& why) { return {ErrorCode::kInvalid, why}; }

Error refused(const std::string& what, int error) {
  return unpredictable("the driver " + what + " (" + rte_strerror(std::abs(error)) + ")");
}

bool has_usable_table(const rte_eth_dev_info& device) noexcept {
  return device.reta_size >= Steering::kFewestEntries && std::has_single_bit(device.reta_size);
}

bool hashes_flows(const rte_eth_dev_info& device) noexcept {
  return (device.flow_type_rss_offloads & kSteeredFlows) != 0;
}

uint8_t key_bytes(const rte_eth_dev_info& device) noexcept {
  return device.hash_key_size == 0 ? kUsualKeyBytes : device.hash_key_size;
}

bool takes_key(const rte_eth_dev_info& device) noexcept {
  return key_bytes(device) >= Steering::kKeyBytes && key_bytes(device) <= RssKey().size();
}

void give_key(rte_eth_rss_conf& conf, const rte_eth_dev_info& device, const RssKey& key) noexcept {
  conf.rss_hf = device.flow_type_rss_offloads & (kSteeredFlows | kFragments);
  if (!takes_key(device)) return;
  conf.rss_key = const_cast<uint8_t*>(key.data());  // the driver copies it
  conf.rss_key_len = key_bytes(device);
}

// The card looks an entry up by the hash's lowest bits: a larger table repeats the common one.
Result<void> fill_table(uint16_t port, const rte_eth_dev_info& device, const Steering& steering) {
  Reta table = whole_table(device.reta_size);
  for (uint32_t i = 0; i < device.reta_size; ++i) {
    entry_of(table, i) = static_cast<uint16_t>(steering.owner_of_entry(i));
  }
  if (const int error = rte_eth_dev_rss_reta_update(port, table.data(), device.reta_size)) {
    return refused("does not let its redirection table be set", error);
  }
  Reta read = whole_table(device.reta_size);
  if (const int error = rte_eth_dev_rss_reta_query(port, read.data(), device.reta_size)) {
    return refused("does not let its redirection table be read", error);
  }
  for (uint32_t i = 0; i < device.reta_size; ++i) {
    if (entry_of(read, i) == entry_of(table, i)) continue;
    return unpredictable("entry " + std::to_string(i) + " of its redirection table is queue " +
                         std::to_string(entry_of(read, i)) + ", not " + std::to_string(entry_of(table, i)));
  }
  return {};
}

Result<void> read_and_check_hash(uint16_t port, const rte_eth_dev_info& device, const RssKey& key) {
  std::array<uint8_t, UINT8_MAX> read{};
  rte_eth_rss_conf conf = {};
  conf.rss_key = read.data();
  conf.rss_key_len = key_bytes(device);
  if (const int error = rte_eth_dev_rss_hash_conf_get(port, &conf)) {
    return refused("does not let its RSS key be read", error);
  }
  return check_hash(conf, key);
}

}  // namespace

RssKey make_rss_key(const std::array<uint8_t, 16>& secret) noexcept {
  const HashKey hash_key = HashKey::from_bytes(secret);
  RssKey key;
  // About one candidate in twenty-five will do: six fields must be even.
  for (uint32_t candidate = 0;; ++candidate) {
    for (uint32_t part = 0; part * sizeof(uint64_t) < key.size(); ++part) {
      // No packet's protocol, so that the table's hashes tell nothing about the key.
      constexpr uint8_t kNoProtocol = 255;
      const uint64_t bits = flow_hash(hash_key, block_of(FlowKey{Be32{candidate}, Be32{part}, {}, {}, kNoProtocol}));
      std::memcpy(&key[part * sizeof bits], &bits, sizeof bits);
    }
    if (Steering::is_even(key)) return key;
  }
}

void ask_for_rss(rte_eth_conf& conf, const rte_eth_dev_info& device, const RssKey& key) noexcept {
  if (!hashes_flows(device)) return;
  conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
  give_key(conf.rx_adv_conf.rss_conf, device, key);
}

uint32_t common_entries(const std::vector<rte_eth_dev_info>& devices) noexcept {
  uint32_t entries = 0;
  for (const rte_eth_dev_info& device : devices) {
    if (!hashes_flows(device) || !has_usable_table(device)) continue;
    entries = std::min<uint32_t>(entries == 0 ? Steering::kMostEntries : entries, device.reta_size);
  }
  return entries == 0 ? kDefaultEntries : entries;
}

Result<void> check_hash(const rte_eth_rss_conf& conf, const RssKey& key) {
  if (std::memcmp(conf.rss_key, key.data(), Steering::kKeyBytes) != 0) {
    return unpredictable("it has an RSS key of its own");
  }
  for (const FlowType& type : kSteeredTypes) {
    if ((conf.rss_hf & type.bit) == 0) return unpredictable(std::string("it hashes no ports of ") + type.name);
  }
  return {};
}

Result<void> steer(uint16_t port, const rte_eth_dev_info& device, const RssKey& key, const Steering& steering) {
  if (!hashes_flows(device)) return unpredictable("the driver has no RSS");
  if (!takes_key(device)) return unpredictable("its RSS key has " + std::to_string(key_bytes(device)) + " bytes");
  if (!has_usable_table(device)) {
    return unpredictable("its redirection table has " + std::to_string(device.reta_size) +
                         " entries, not a power of two from " + std::to_string(Steering::kFewestEntries) + " on");
  }
  if (auto ok = fill_table(port, device, steering); !ok) return ok.error();
  if (read_and_check_hash(port, device, key)) return {};
  // Some drivers look at the key that they were configured with only when it is set again.
  rte_eth_rss_conf conf = {};
  give_key(conf, device, key);
  (void)rte_eth_dev_rss_hash_update(port, &conf);
  return read_and_check_hash(port, device, key);
}

}  // namespace shunt::dataplane
