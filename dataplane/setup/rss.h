// Receive side scaling: one key and one redirection table on all ports, so that a flow's worker is known from its
// addresses and ports alone, whichever port it comes in on. Main thread of control.
#pragma once

#include <rte_ethdev.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/steering.h"
#include "src/base/result.h"

namespace shunt::dataplane {

// As many bytes as any driver of DPDK 22.11 asks for (52); each takes the first ones that it wants.
using RssKey = std::array<uint8_t, 64>;

// A key made of the operator's or the start's secret (DataplaneOptions::hash_key), so that nobody outside can aim at a
// worker; it satisfies Steering::is_even.
RssKey make_rss_key(const std::array<uint8_t, 16>& secret) noexcept;

// What a port is configured with: TCP and UDP flows hashed with the key, as far as the device can. Without RSS, or
// with one queue, `conf` stays as it is. The key must outlive the configuration.
void ask_for_rss(rte_eth_conf& conf, const rte_eth_dev_info& device, const RssKey& key) noexcept;

// Entries of the redirection table that the ports can have in common: what a Steering is made with.
uint32_t common_entries(const std::vector<rte_eth_dev_info>& devices) noexcept;

// Whether a port that says this of its hash (rte_eth_dev_rss_hash_conf_get) hashes as we compute. Error: why not.
// REQUIRES: Steering::kKeyBytes at conf.rss_key.
Result<void> check_hash(const rte_eth_rss_conf& conf, const RssKey& key);

// Fills the port's redirection table by `steering` and reads table, key and hashed flows back. Success: fullnat's replies
// arrive at their worker. Error: why they may not, and are handed off. REQUIRES: the port runs, with a queue for each worker.
Result<void> steer(uint16_t port, const rte_eth_dev_info& device, const RssKey& key, const Steering& steering);

}  // namespace shunt::dataplane
