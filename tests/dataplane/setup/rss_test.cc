#include "dataplane/setup/rss.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "dataplane/setup/dataplane.h"
#include "tests/support/dataplane_options.h"
#include "tests/support/own_process.h"

namespace shunt::dataplane {
namespace {

using testing::HasSubstr;

constexpr uint64_t kTcpAndUdp = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_UDP |
                                RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_NONFRAG_IPV6_UDP;

rte_eth_dev_info card(uint16_t entries, uint8_t key_bytes = 40, uint64_t flows = kTcpAndUdp) {
  rte_eth_dev_info device = {};
  device.reta_size = entries;
  device.hash_key_size = key_bytes;
  device.flow_type_rss_offloads = flows;
  return device;
}

TEST(Rss, KeyIsMadeOfTheSecretAndEven) {
  EXPECT_EQ(make_rss_key({1, 2, 3}), make_rss_key({1, 2, 3})) << "the same after a restart with that secret";
  for (uint8_t i = 0; i < 50; ++i) {
    const RssKey key = make_rss_key({i});
    EXPECT_TRUE(Steering::is_even(key));
    EXPECT_NE(key, make_rss_key({static_cast<uint8_t>(i + 1)}));
  }
}

TEST(Rss, TheSmallestTableIsTheCommonOne) {
  EXPECT_EQ(common_entries({card(512), card(128)}), 128u);
  EXPECT_EQ(common_entries({card(2048)}), Steering::kMostEntries) << "a larger one repeats it";
  EXPECT_EQ(common_entries({card(512), card(100), card(16), card(0)}), 512u) << "unusable ones do not count";
  EXPECT_EQ(common_entries({card(64, 40, 0), card(256)}), 256u) << "nor do those of cards without RSS";
  EXPECT_EQ(common_entries({}), 128u);
}

TEST(Rss, CardsAreAskedForWhatTheyCan) {
  const RssKey key = make_rss_key({1});
  rte_eth_conf conf = {};
  ask_for_rss(conf, card(0, 0, RTE_ETH_RSS_IPV4), key);
  EXPECT_EQ(conf.rxmode.mq_mode, RTE_ETH_MQ_RX_NONE) << "hashing addresses alone would not spread one real's replies";
  ask_for_rss(conf, card(128, 52, RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP), key);
  EXPECT_EQ(conf.rxmode.mq_mode, RTE_ETH_MQ_RX_RSS);
  EXPECT_EQ(conf.rx_adv_conf.rss_conf.rss_hf, RTE_ETH_RSS_NONFRAG_IPV4_TCP);
  EXPECT_EQ(conf.rx_adv_conf.rss_conf.rss_key_len, 52);
  ask_for_rss(conf, card(128, 40, RTE_ETH_RSS_NONFRAG_IPV6_UDP), key);
  EXPECT_EQ(conf.rx_adv_conf.rss_conf.rss_hf, RTE_ETH_RSS_NONFRAG_IPV6_UDP);
  ask_for_rss(conf, card(128), key);
  EXPECT_EQ(conf.rx_adv_conf.rss_conf.rss_hf, kTcpAndUdp);
  constexpr uint64_t kFragments = RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_FRAG_IPV6;
  ask_for_rss(conf, card(128, 40, kTcpAndUdp | kFragments | RTE_ETH_RSS_IPV4), key);
  EXPECT_EQ(conf.rx_adv_conf.rss_conf.rss_hf, kTcpAndUdp | kFragments) << "fragments are spread, too";
  conf = {};
  ask_for_rss(conf, card(128, 0), key);
  EXPECT_EQ(conf.rx_adv_conf.rss_conf.rss_key_len, 40) << "a driver that names no size takes the usual one";
  // IPv6's hash needs 40 bytes of key; 16, which IPv4's would do with, are of no use.
  conf = {};
  ask_for_rss(conf, card(128, 16), key);
  EXPECT_EQ(conf.rxmode.mq_mode, RTE_ETH_MQ_RX_RSS);
  EXPECT_EQ(conf.rx_adv_conf.rss_conf.rss_key, nullptr);
}

// net_null keeps a key and a table as cards do, though no packet is ever spread by them.
TEST(Rss, PortsTellWhetherTheySteer) {
  if (test::ran_in_own_process()) return;
  const auto dataplane =
      Dataplane::start(test::options_on({"net_null0,no-rx=1", "net_ring0", "net_null1,no-rx=1"}, 3));
  ASSERT_TRUE(dataplane) << dataplane.error().message;
  const std::vector<PortInfo>& ports = (*dataplane)->ports();
  for (const size_t i : {0u, 2u}) {
    EXPECT_TRUE(ports[i].rss && ports[i].steered) << ports[i].why_not_steered;
    rte_eth_rss_reta_entry64 table[8] = {};
    table[1].mask = UINT64_MAX;
    ASSERT_EQ(rte_eth_dev_rss_reta_query(ports[i].id, table, 128), 0);
    EXPECT_EQ(table[1].reta[0], 64 % 3);
    EXPECT_EQ(table[1].reta[1], 65 % 3);
  }
  EXPECT_FALSE(ports[1].rss || ports[1].steered);
  EXPECT_THAT(ports[1].why_not_steered, HasSubstr("no RSS"));
}

// Every part of what a card says of its hash that makes replies go elsewhere than we compute.
TEST(Rss, CardsWhoseHashIsAnotherSaySo) {
  RssKey key = make_rss_key({1});
  RssKey own = key;
  rte_eth_rss_conf conf = {};
  conf.rss_key = own.data();
  conf.rss_key_len = 40;
  struct Case {
    uint64_t lacking;
    const char* why;
  };
  for (const Case& c : {Case{RTE_ETH_RSS_NONFRAG_IPV4_TCP, "it hashes no ports of TCP"},
                        Case{RTE_ETH_RSS_NONFRAG_IPV4_UDP, "it hashes no ports of UDP"},
                        Case{RTE_ETH_RSS_NONFRAG_IPV6_TCP, "it hashes no ports of TCP over IPv6"},
                        Case{RTE_ETH_RSS_NONFRAG_IPV6_UDP, "it hashes no ports of UDP over IPv6"}}) {
    conf.rss_hf = kTcpAndUdp & ~c.lacking;
    const auto checked = check_hash(conf, key);
    ASSERT_FALSE(checked) << c.why;
    EXPECT_EQ(checked.error().message, c.why);
  }
  conf.rss_hf = kTcpAndUdp | RTE_ETH_RSS_IPV6;
  EXPECT_TRUE(check_hash(conf, key));
  own[39] ^= 1;  // the last byte that IPv6's ports reach
  const auto checked = check_hash(conf, key);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message, "it has an RSS key of its own");
  own[39] ^= 1;
  own[40] ^= 1;
  EXPECT_TRUE(check_hash(conf, key)) << "no packet of ours reaches further";
}

TEST(Rss, OneWorkerNeedsNone) {
  if (test::ran_in_own_process()) return;
  const auto dataplane = Dataplane::start(test::options_on({"net_null0,no-rx=1"}));
  ASSERT_TRUE(dataplane) << dataplane.error().message;
  const PortInfo& port = (*dataplane)->ports()[0];
  EXPECT_FALSE(port.rss || port.steered);
  EXPECT_EQ(port.why_not_steered, "");
}

}  // namespace
}  // namespace shunt::dataplane
