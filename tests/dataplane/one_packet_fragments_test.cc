// Fragments of one-packet services: each datagram has a real of its own, and all of its fragments go there.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>

#include "dataplane/fragments.h"
#include "tests/support/eal.h"
#include "tests/support/families.h"
#include "tests/support/fragmentation.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace one_packet_fragments_test {

using namespace test;

class OnePacketFragments : public testing::TestWithParam<std::tuple<AddressFamily, Method, uint32_t>> {
 protected:
  static AddressFamily family() { return std::get<0>(GetParam()); }
  static Method method() { return std::get<1>(GetParam()); }
  static uint32_t workers() { return std::get<2>(GetParam()); }
  static std::string at(std::string_view ipv4) { return in_family(family(), ipv4); }

  OnePacketFragments() : lb(workers()) {
    service = lb.add_service(Protocol::kUdp, at("203.0.113.10"), 53, method());
    lb.set_one_packet(service);
    for (const char* address : {"10.0.0.3", "10.0.0.2", "10.0.0.1"}) reals.push_back(lb.add_real(service, at(address), 53));
    lb.publish();
  }
  static PacketBuilder query(uint16_t id) {
    return a_packet().from(at("198.51.100.7"), 40000).to(at("203.0.113.10"), 53).udp().payload(Bytes(3000, 0x5a)).id(
        family() == AddressFamily::kIpv4 ? id : uint16_t{0});
  }
  static std::vector<Bytes> fragments(uint16_t id) { return fragments_of(query(id).bytes(), 1280, id); }
  void take(const Outcome& outcome) {
    for (const Outcome::Frame& frame : outcome.sent) left.push_back(frame.bytes);
    EXPECT_THAT(outcome.dropped, testing::IsEmpty()) << outcome.summary();
  }
  void follow() {
    for (int turn = 0; turn < 4; ++turn) {
      for (uint32_t worker = 0; worker < workers(); ++worker) take(lb.serve_inbox(worker));
    }
  }
  // To which real's MAC address all went that left, put together; -1: to several, or not whole.
  int receiver() {
    std::vector<Bytes> inner;
    for (const Bytes& each : left) inner.push_back(unwrapped(each));
    std::string trouble;
    const Bytes whole = put_together(inner, trouble);
    EXPECT_EQ(trouble, "");
    EXPECT_EQ(checksum_errors(whole), "");
    const int to = left.empty() ? -1 : left[0][5];
    const bool is_one = std::all_of(left.begin(), left.end(), [&](const Bytes& each) { return each[5] == to; });
    left.clear();
    return is_one ? to - 0x20 : -1;
  }
  uint64_t picked(RealId real) {
    uint64_t all = 0;
    for (uint32_t worker = 0; worker < workers(); ++worker) all += lb.counters(real, worker).connections.read();
    return all;
  }

  std::mt19937 random{7};
  WorkerFixture lb;
  ServiceId service{};
  std::vector<RealId> reals;
  std::vector<Bytes> left;
};

TEST_P(OnePacketFragments, OfADatagramGoToOneRealInEveryOrder) {
  std::vector<size_t> order{0, 1, 2};
  std::map<int, int> receivers;
  uint16_t id = 1;
  for (int round = 0; round < 5; ++round) {
    do {
      const std::vector<Bytes> all = fragments(id++);
      ASSERT_EQ(all.size(), 3u);
      for (const size_t each : order) {
        take(lb.send_frame(all[each], kOutside, random() % workers()));
        if (random() % 2 == 0) follow();
      }
      follow();
      ++receivers[receiver()];
    } while (std::next_permutation(order.begin(), order.end()));
  }
  EXPECT_EQ(receivers.count(-1), 0u);
  EXPECT_EQ(receivers.size(), 3u) << "all reals have their turn";
  uint64_t all = 0;
  for (const RealId real : reals) {
    EXPECT_EQ(picked(real), static_cast<uint64_t>(receivers[static_cast<int>(real.index)])) << "one pick a datagram";
    all += picked(real);
  }
  EXPECT_EQ(all, 30u);
  for (uint32_t worker = 0; worker < workers(); ++worker) EXPECT_EQ(lb.connections(family(), worker), 0u);
}

TEST_P(OnePacketFragments, OfSeveralDatagramsInOneBurstAreNotMixedUp) {
  std::vector<std::pair<uint16_t, Bytes>> all;
  for (uint16_t id = 1; id <= 8; ++id) {
    for (const Bytes& each : fragments(id)) all.emplace_back(id, each);
  }
  std::shuffle(all.begin(), all.end(), random);
  std::vector<rte_mbuf*> mbufs;
  for (const auto& each : all) mbufs.push_back(mbuf_of(each.second, mbuf_pool(), kOutside));
  take(lb.send_mbufs(mbufs));
  follow();
  std::map<uint32_t, std::vector<Bytes>> by_id;
  for (const Bytes& each : std::exchange(left, {})) by_id[place_of(unwrapped(each)).id].push_back(each);
  EXPECT_EQ(by_id.size(), 8u);
  for (auto& each : by_id) {
    left = each.second;
    EXPECT_GE(receiver(), 0) << each.first;
  }
}

TEST_P(OnePacketFragments, WithoutTheFirstGoNowhere) {
  const std::vector<Bytes> all = fragments(1);
  EXPECT_EQ(lb.send_frame(all[1]).sent.size(), 0u);
  lb.advance(FragmentTable::kWaitMs + 1);
  for (const RealId real : reals) EXPECT_EQ(picked(real), 0u);
}

TEST_P(OnePacketFragments, BehindOneThatWasTurnedAwayAreDropped) {
  if (workers() > 1) return;
  for (const RealId real : reals) lb.set_weight(real, 0);
  lb.publish();
  const std::vector<Bytes> all = fragments(1);
  EXPECT_THAT(lb.send_frame(all[0]).summary(), testing::HasSubstr("dropped no_real"));
  EXPECT_EQ(lb.send_frame(all[1]).summary(), "dropped not_schedulable");
}

// Its slot may be another service's by then.
TEST_P(OnePacketFragments, DoNotFollowARealThatIsAnothersNow) {
  if (workers() > 1) return;
  const std::vector<Bytes> all = fragments(1);
  EXPECT_EQ(lb.send_frame(all[0]).summary(), "sent 1");
  const ServiceId other = lb.add_service(Protocol::kUdp, at("203.0.113.11"), 53, method());
  for (const RealId real : reals) lb.real(real).service = other;
  lb.publish();
  EXPECT_EQ(lb.send_frame(all[1]).summary(), "dropped not_schedulable");
}

TEST_P(OnePacketFragments, ThatWaitForARealsMacArriveThen) {
  if (workers() > 1) return;
  for (const RealId real : reals) lb.unresolve(real);
  lb.publish();
  for (const Bytes& each : fragments(1)) EXPECT_EQ(lb.send_frame(each).summary(), "waits");
  for (const RealId real : reals) lb.resolve(real);
  lb.publish();
  take(lb.advance(1));
  follow();
  EXPECT_GE(receiver(), 0);
}

std::string case_name(const testing::TestParamInfo<OnePacketFragments::ParamType>& info) {
  const auto [family, method, workers] = info.param;
  return std::string(name_of(method)) + (family == AddressFamily::kIpv4 ? "OverIpv4" : "OverIpv6") + "By" +
         std::to_string(workers);
}
INSTANTIATE_TEST_SUITE_P(Methods, OnePacketFragments,
                         testing::Combine(kBothFamilies, testing::Values(Method::kDirect, Method::kTunnel, Method::kNat),
                                          testing::Values(1u, 3u)),
                         case_name);

}  // namespace one_packet_fragments_test
}  // namespace shunt::dataplane
