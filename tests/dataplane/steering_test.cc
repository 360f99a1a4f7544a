#include "dataplane/steering.h"

#include <gmock/gmock.h>
#include <rte_byteorder.h>
#include <rte_thash.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <set>

#include "dataplane/setup/rss.h"
#include "tests/support/packet_builder.h"

namespace shunt::dataplane {
namespace {

using test::ip;
using test::v4;

// The key and the cases of Microsoft's "Verifying the RSS hash calculation", as they stand in DPDK's and the cards'
// manuals.
constexpr std::array<uint8_t, 40> kPublishedKey = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
    0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
    0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

FlowKey flow(const char* source, uint16_t source_port, const char* destination, uint16_t destination_port) {
  return {v4(source), v4(destination), Be16::from_host(source_port), Be16::from_host(destination_port)};
}

FlowKey6 flow6(const char* source, uint16_t source_port, const char* destination, uint16_t destination_port) {
  return {ip(source).bytes, ip(destination).bytes, Be16::from_host(source_port), Be16::from_host(destination_port)};
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

uint32_t dpdk_hash(std::span<const uint8_t> key, const FlowKey6& flow) {
  rte_ipv6_tuple tuple = {};
  // In words of host order, as rte_thash_load_v6_addrs() gives them.
  for (size_t i = 0; i < 16; ++i) {
    tuple.src_addr[i ^ 3] = flow.source[i];
    tuple.dst_addr[i ^ 3] = flow.destination[i];
  }
  tuple.sport = flow.source_port.host();
  tuple.dport = flow.destination_port.host();
  return rte_softrss(reinterpret_cast<uint32_t*>(&tuple), RTE_THASH_V6_L4_LEN, key.data());
}

// Of random addresses and ports.
template <typename Key>
Key random_flow(std::mt19937& random) {
  Key flow;
  for (size_t i = 0; i < offsetof(Key, protocol); ++i) {
    reinterpret_cast<uint8_t*>(&flow)[i] = static_cast<uint8_t>(random());
  }
  return flow;
}

TEST(Toeplitz, GivesThePublishedHashes) {
  const Toeplitz hash(kPublishedKey);
  EXPECT_EQ(hash(flow("66.9.149.187", 2794, "161.142.100.80", 1766)), 0x51ccc178u);
  EXPECT_EQ(hash(flow("199.92.111.2", 14230, "65.69.140.83", 4739)), 0xc626b0eau);
  EXPECT_EQ(hash(flow("24.19.198.95", 12898, "12.22.207.184", 38024)), 0x5c2b394au);
  EXPECT_EQ(hash(flow("38.27.205.30", 48228, "209.142.163.6", 2217)), 0xafc7327fu);
  EXPECT_EQ(hash(flow("153.39.163.191", 44251, "202.188.127.2", 1303)), 0x10e828a2u);
}

TEST(Toeplitz, GivesThePublishedHashesOfIpv6) {
  const Toeplitz6 hash(kPublishedKey);
  EXPECT_EQ(hash(flow6("3ffe:2501:200:1fff::7", 2794, "3ffe:2501:200:3::1", 1766)), 0x40207d3du);
  EXPECT_EQ(hash(flow6("3ffe:501:8::260:97ff:fe40:efab", 14230, "ff02::1", 4739)), 0xdde51bbfu);
  EXPECT_EQ(hash(flow6("3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251, "fe80::200:f8ff:fe21:67cf", 38024)), 0x02d1feefu);
}

// For what is the same for both families.
template <typename Key>
class ToeplitzOf : public testing::Test {};
template <typename Key>
class SteeringOf : public testing::Test {};
using Keys = testing::Types<FlowKey, FlowKey6>;
TYPED_TEST_SUITE(ToeplitzOf, Keys);
TYPED_TEST_SUITE(SteeringOf, Keys);

TYPED_TEST(ToeplitzOf, AgreesWithDpdkUnderAnyKey) {
  std::mt19937 random(7);
  for (int keys = 0; keys < 20; ++keys) {
    alignas(4) std::array<uint8_t, 40> key;
    for (uint8_t& byte : key) byte = static_cast<uint8_t>(random());
    const BasicToeplitz<TypeParam> hash(key);
    for (int flows = 0; flows < 500; ++flows) {
      const auto each = random_flow<TypeParam>(random);
      ASSERT_EQ(hash(each), dpdk_hash(key, each));
    }
  }
}

TYPED_TEST(SteeringOf, EveryTableAndNumberOfWorkersGivesEachPortToOneWorkerOnce) {
  const RssKey key = make_rss_key({4});
  std::mt19937 random(11);
  for (const uint32_t entries : {64u, 128u, 256u, 512u}) {
    for (const uint32_t workers : {1u, 2u, 3u, 7u, 16u, 48u, 64u}) {
      const Steering steering(key, entries, workers);
      auto reply = random_flow<TypeParam>(random);
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

TYPED_TEST(SteeringOf, OwnerIsTheQueueThatACardWouldPick) {
  const RssKey key = make_rss_key({5});
  std::mt19937 random(13);
  for (const uint32_t workers : {2u, 3u, 5u}) {
    const Steering steering(key, 128, workers);
    // A card whose table is larger than the common one repeats it.
    for (const uint32_t card_entries : {128u, 512u}) {
      for (int flows = 0; flows < 1000; ++flows) {
        const auto reply = random_flow<TypeParam>(random);
        const uint32_t entry = dpdk_hash(key, reply) & (card_entries - 1);
        ASSERT_EQ(steering.owner_of_entry(entry), steering.owner_of(reply));
      }
    }
  }
}

TYPED_TEST(SteeringOf, TurnsBeyondTheLastBeginAnew) {
  const Steering steering(make_rss_key({6}), 128, 3);
  std::mt19937 random(17);
  const auto reply = random_flow<TypeParam>(random);
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

TEST(Steering, EvenKeysSpreadIpv6ClientsToo) {
  const Steering steering(make_rss_key({7}), 512, 4);
  std::array<int, 4> by_port{};
  std::array<int, 4> by_address{};
  for (uint16_t i = 0; i < 1024; ++i) {
    FlowKey6 request = flow6("2001:db8::7", static_cast<uint16_t>(32768 + i), "2001:db8:ff::10", 80);
    ++by_port[steering.owner_of(request)];
    request.source_port = Be16::from_host(40000);
    request.source[14] = static_cast<uint8_t>(i >> 8);
    request.source[15] = static_cast<uint8_t>(i);
    ++by_address[steering.owner_of(request)];
  }
  EXPECT_THAT(by_port, testing::Each(256));
  EXPECT_THAT(by_address, testing::Each(256));
}

// IPv4's windows of the key end after 16 bytes, IPv6's after 40: neither speaks for the other.
TEST(Steering, EvennessForOneFamilyAloneIsNotEnough) {
  const RssKey even = make_rss_key({8});
  ASSERT_TRUE(Steering::is_even(even));
  RssKey without_ipv6 = even;
  std::fill(without_ipv6.begin() + 16, without_ipv6.end(), uint8_t{0});
  EXPECT_FALSE(Steering::is_even(without_ipv6));
  RssKey without_ipv4 = even;
  std::fill(without_ipv4.begin(), without_ipv4.begin() + 8, uint8_t{0});
  EXPECT_FALSE(Steering::is_even(without_ipv4));
}

TEST(Steering, UnevenKeysAreTold) {
  EXPECT_FALSE(Steering::is_even(std::array<uint8_t, 40>{})) << "all zero: one queue for all";
  std::array<uint8_t, 40> repeated;
  repeated.fill(0x6d);
  EXPECT_FALSE(Steering::is_even(repeated)) << "at most 256 of 512 entries";
}

}  // namespace
}  // namespace shunt::dataplane
