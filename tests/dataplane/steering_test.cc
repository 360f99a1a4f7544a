#include "dataplane/steering.h"

#include <gmock/gmock.h>
#include <rte_byteorder.h>
#include <rte_thash.h>

#include <random>
#include <set>

#include "dataplane/setup/rss.h"
#include "tests/support/packet_builder.h"

namespace shunt::dataplane {
namespace {

using test::ip;

// The key and the cases of Microsoft's "Verifying the RSS hash calculation", as they stand in DPDK's and the cards' manuals.
constexpr std::array<uint8_t, 40> kPublishedKey = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
    0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
    0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

FlowKey flow(const char* source, uint16_t source_port, const char* destination, uint16_t destination_port) {
  return {ip(source), ip(destination), Be16::from_host(source_port), Be16::from_host(destination_port)};
}

// DPDK's hash, of code and tables that have nothing in common with ours.
uint32_t dpdk_hash(std::span<const uint8_t> key, const FlowKey& flow) {
  rte_ipv4_tuple tuple = {};
  tuple.src_addr = flow.source.host();
  tuple.dst_addr = flow.destination.host();
  tuple.sport = flow.source_port.host();
  tuple.dport = flow.destination_port.host();
  return rte_softrss(reinterpret_cast<uint32_t*>(&tuple), RTE_THASH_V4_L4_LEN, key.data());
}

FlowKey random_flow(std::mt19937& random) {
  return {Be32{static_cast<uint32_t>(random())}, Be32{static_cast<uint32_t>(random())},
          Be16{static_cast<uint16_t>(random())}, Be16{static_cast<uint16_t>(random())}};
}

TEST(Toeplitz, GivesThePublishedHashes) {
  const Toeplitz hash(kPublishedKey);
  EXPECT_EQ(hash(flow("66.9.149.187", 2794, "161.142.100.80", 1766)), 0x51ccc178u);
  EXPECT_EQ(hash(flow("199.92.111.2", 14230, "65.69.140.83", 4739)), 0xc626b0eau);
  EXPECT_EQ(hash(flow("24.19.198.95", 12898, "12.22.207.184", 38024)), 0x5c2b394au);
  EXPECT_EQ(hash(flow("38.27.205.30", 48228, "209.142.163.6", 2217)), 0xafc7327fu);
  EXPECT_EQ(hash(flow("153.39.163.191", 44251, "202.188.127.2", 1303)), 0x10e828a2u);
}

TEST(Toeplitz, AgreesWithDpdkUnderAnyKey) {
  std::mt19937 random(7);
  for (int keys = 0; keys < 20; ++keys) {
    alignas(4) std::array<uint8_t, 40> key;
    for (uint8_t& byte : key) byte = static_cast<uint8_t>(random());
    const Toeplitz hash(key);
    for (int flows = 0; flows < 500; ++flows) {
      const FlowKey each = random_flow(random);
      ASSERT_EQ(hash(each), dpdk_hash(key, each));
    }
  }
}

TEST(Steering, EveryTableAndNumberOfWorkersGivesEachPortToOneWorkerOnce) {
  const RssKey key = make_rss_key({4});
  std::mt19937 random(11);
  for (const uint32_t entries : {64u, 128u, 256u, 512u}) {
    for (const uint32_t workers : {1u, 2u, 3u, 7u, 16u, 48u, 64u}) {
      const Steering steering(key, entries, workers);
      FlowKey reply = random_flow(random);
      std::set<uint16_t> all;
      for (uint32_t worker = 0; worker < workers; ++worker) {
        for (uint32_t turn = 0; turn < steering.ports_of(worker); ++turn) {
          reply.destination_port = steering.port_of(worker, reply, turn);
          ASSERT_TRUE(all.insert(reply.destination_port.host()).second) << "given twice";
          ASSERT_EQ(steering.owner_of(reply), worker);
          ASSERT_GE(reply.destination_port.host(), kFirstLocalPort);
        }
      }
      EXPECT_EQ(all.size(), kLocalPorts);
    }
  }
}

TEST(Steering, OwnerIsTheQueueThatACardWouldPick) {
  const RssKey key = make_rss_key({5});
  std::mt19937 random(13);
  for (const uint32_t workers : {2u, 3u, 5u}) {
    const Steering steering(key, 128, workers);
    // A card whose table is larger than the common one repeats it.
    for (const uint32_t card_entries : {128u, 512u}) {
      for (int flows = 0; flows < 1000; ++flows) {
        const FlowKey reply = random_flow(random);
        const uint32_t entry = dpdk_hash(key, reply) & (card_entries - 1);
        ASSERT_EQ(steering.owner_of_entry(entry), steering.owner_of(reply));
      }
    }
  }
}

TEST(Steering, TurnsBeyondTheLastBeginAnew) {
  const Steering steering(make_rss_key({6}), 128, 3);
  const FlowKey reply = flow("10.0.0.1", 80, "10.0.0.100", 0);
  const uint32_t ports = steering.ports_of(2);
  for (const uint32_t turn : {0u, 1u, 41u, ports - 1}) {
    EXPECT_EQ(steering.port_of(2, reply, turn), steering.port_of(2, reply, turn + ports));
  }
}

TEST(Steering, EvenKeysSpreadOneClientsPortsAndANetworksClients) {
  const Steering steering(make_rss_key({7}), 512, 4);
  std::array<int, 4> by_port{};
  std::array<int, 4> by_address{};
  for (uint16_t i = 0; i < 1024; ++i) {
    FlowKey request = flow("198.51.100.7", static_cast<uint16_t>(32768 + i), "203.0.113.10", 80);
    ++by_port[steering.owner_of(request)];
    request = flow("198.51.100.7", 40000, "203.0.113.10", 80);
    request.source = Be32::from_host(0xc6336400 + i);
    ++by_address[steering.owner_of(request)];
  }
  EXPECT_THAT(by_port, testing::Each(256));
  EXPECT_THAT(by_address, testing::Each(256));
}

TEST(Steering, UnevenKeysAreTold) {
  EXPECT_FALSE(Steering::is_even(std::array<uint8_t, 16>{})) << "all zero: one queue for all";
  std::array<uint8_t, 40> repeated;
  repeated.fill(0x6d);
  EXPECT_FALSE(Steering::is_even(repeated)) << "at most 256 of 512 entries";
}

}  // namespace
}  // namespace shunt::dataplane
