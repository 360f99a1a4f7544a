// Several workers: fragments that come to any of them, in any order, meet at one and go on by their connection's.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>

#include "dataplane/fragments.h"
#include "tests/dataplane/fragment_rig.h"

namespace shunt::dataplane {
namespace {

using namespace test;

constexpr uint32_t kWorkers = 3;

class FragmentHandOff : public testing::TestWithParam<std::tuple<AddressFamily, Method>> {
 protected:
  static AddressFamily family() { return std::get<0>(GetParam()); }
  static Method method() { return std::get<1>(GetParam()); }

  // Serves all inboxes until they are empty.
  void follow(std::vector<Bytes>& left) {
    for (int turn = 0; turn < 4; ++turn) {
      for (uint32_t worker = 0; worker < kWorkers; ++worker) take(rig.lb.serve_inbox(worker), left);
    }
  }
  void take(const Outcome& outcome, std::vector<Bytes>& left) {
    for (const Outcome::Frame& frame : outcome.sent) left.push_back(unwrapped(frame.bytes));
    EXPECT_THAT(outcome.dropped, testing::IsEmpty()) << outcome.summary();
    EXPECT_THAT(outcome.to_kernel, testing::IsEmpty());
  }
  // Which worker an RSS card brings the flow's whole packets to; under nat, who has the connection.
  uint32_t open(uint16_t client) {
    const auto packet = rig.small_request(client);
    const auto owner = owner_by_rss(packet.bytes());
    std::vector<Bytes> left;
    take(rig.lb.send(packet, kOutside, owner), left);
    follow(left);
    EXPECT_EQ(left.size(), 1u);
    for (uint32_t worker = 0; worker < kWorkers; ++worker) {
      if (rig.lb.copy_of(packet, worker)) return worker;
    }
    ADD_FAILURE() << "no connection";
    return 0;
  }
  uint32_t owner_by_rss(const Bytes& frame) {
    if (!rig.is_v6()) {
      FlowKey key{.protocol = 17};
      std::memcpy(static_cast<void*>(&key), &frame[26], 12);
      return rig.lb.steering().owner_of(key);
    }
    FlowKey6 key{.protocol = 17};
    std::memcpy(static_cast<void*>(&key), &frame[22], 36);
    return rig.lb.steering().owner_of(key);
  }
  uint32_t connections() {
    uint32_t all = 0;
    for (uint32_t worker = 0; worker < kWorkers; ++worker) all += rig.lb.connections(family(), worker);
    return all;
  }
  // Sends all fragments, each to any worker, and expects what leaves.
  void expect_arrives(const Datagrams& sent, uint16_t port, uint16_t id) {
    std::vector<Bytes> fragments = rig.cut(sent.comes, 1280, id);
    std::shuffle(fragments.begin(), fragments.end(), random);
    std::vector<Bytes> left;
    for (const Bytes& each : fragments) {
      take(rig.lb.send_frame(each, port, random() % kWorkers), left);
      if (random() % 2 == 0) follow(left);
    }
    follow(left);
    std::string trouble;
    const Bytes whole = put_together(left, trouble);
    ASSERT_EQ(trouble, "");
    EXPECT_EQ(checksum_errors(whole), "");
    ASSERT_EQ(whole, rig.with_id(sent.leaves, id));
  }

  std::mt19937 random{5};
  FragmentRig rig{family(), method(), kWorkers};
};

TEST_P(FragmentHandOff, RequestsReachTheirConnectionsWorker) {
  for (uint16_t client = 1; client <= 30; ++client) {
    const uint32_t owner = open(client);
    const auto before = rig.lb.copy_of(rig.small_request(client), owner)->in_packets;
    expect_arrives(rig.request(3500, static_cast<uint8_t>(client), client, owner), kOutside, client);
    EXPECT_EQ(rig.lb.copy_of(rig.small_request(client), owner)->in_packets, before + 3);
    EXPECT_EQ(connections(), client) << "no other one was opened";
    if (testing::Test::HasFailure()) return;
  }
}

// Where they do not pass us by.
using FragmentHandOffOfReplies = FragmentHandOff;
TEST_P(FragmentHandOffOfReplies, ReachTheirConnectionsWorker) {
  for (uint16_t client = 1; client <= 30; ++client) {
    const uint32_t owner = open(client);
    expect_arrives(rig.reply(3500, static_cast<uint8_t>(client), client, owner), kInside, client);
    if (testing::Test::HasFailure()) return;
  }
}

// The whole packets that follow find what a fragment opened.
TEST_P(FragmentHandOff, ConnectionOpenedByAFragmentIsWhereItsPacketsCome) {
  for (uint16_t client = 1; client <= 30; ++client) {
    std::vector<Bytes> left;
    const Bytes comes = rig.request(3500, 0, client).comes;
    for (const Bytes& each : rig.cut(comes, 1280, client))
      take(rig.lb.send_frame(each, kOutside, random() % kWorkers), left);
    follow(left);
    EXPECT_EQ(left.size(), 3u);
    open(client);
    ASSERT_EQ(connections(), client);
  }
}

TEST_P(FragmentHandOff, FragmentsOfOneDatagramLeaveInTheirOrder) {
  const uint32_t owner = open(1);
  const std::vector<Bytes> fragments = rig.cut(rig.request(5000, 0, 1, owner).comes, 1280, 6);
  for (uint32_t arrival = 0; arrival < kWorkers; ++arrival) {
    std::vector<Bytes> left;
    for (const Bytes& each : fragments) take(rig.lb.send_frame(each, kOutside, arrival), left);
    follow(left);
    ASSERT_EQ(left.size(), fragments.size());
    for (size_t i = 0; i < left.size(); ++i) EXPECT_EQ(place_of(left[i]).begin, place_of(fragments[i]).begin);
  }
}

std::string case_name(const testing::TestParamInfo<FragmentHandOff::ParamType>& info) {
  const auto [family, method] = info.param;
  return std::string(name_of(method)) + (family == AddressFamily::kIpv4 ? "OverIpv4" : "OverIpv6");
}
INSTANTIATE_TEST_SUITE_P(Methods, FragmentHandOff,
                         testing::Combine(kBothFamilies, testing::Values(Method::kDirect, Method::kTunnel, Method::kNat,
                                                                         Method::kFullnat)),
                         case_name);

INSTANTIATE_TEST_SUITE_P(Methods, FragmentHandOffOfReplies,
                         testing::Combine(kBothFamilies, testing::Values(Method::kNat, Method::kFullnat)), case_name);

}  // namespace
}  // namespace shunt::dataplane
