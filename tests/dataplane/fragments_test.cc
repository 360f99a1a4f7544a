// Fragments on their way: every forwarding method, both directions, every order. What arrives is put together by code
// of the tests' own and compared with the datagram that was meant, its checksum verified over the whole.
#include "dataplane/fragments.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <utility>

#include "tests/dataplane/fragment_rig.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class FragmentsOfMethod : public testing::TestWithParam<std::tuple<AddressFamily, Method, bool>> {
 protected:
  FragmentsOfMethod() : rig(family(), method()) {
    // The flow is known: a reply has somebody to go to.
    EXPECT_EQ(rig.lb.send(rig.small_request()).summary(), "sent 1");
  }
  static AddressFamily family() { return std::get<0>(GetParam()); }
  static Method method() { return std::get<1>(GetParam()); }
  static bool is_reply() { return std::get<2>(GetParam()); }
  static uint16_t in_port() { return is_reply() ? kInside : kOutside; }
  static uint16_t out_port() { return is_reply() ? kOutside : kInside; }

  Datagrams datagram(size_t payload, uint8_t seed = 0) {
    return is_reply() ? rig.reply(payload, seed) : rig.request(payload, seed);
  }
  // Everything that leaves when these come, one a burst.
  std::vector<Bytes> pass(const std::vector<Bytes>& fragments) {
    std::vector<Bytes> left;
    for (const Bytes& each : fragments) take(rig.lb.send_frame(each, in_port()), left);
    take(rig.lb.serve_inbox(0), left);
    return left;
  }
  void take(const Outcome& outcome, std::vector<Bytes>& left) {
    for (const Outcome::Frame& frame : outcome.sent) {
      EXPECT_EQ(frame.port, out_port());
      EXPECT_EQ(checksum_errors(frame.bytes), "") << describe(frame.bytes);
      if (const Bytes whole = put_outside_together(frame.bytes); !whole.empty()) left.push_back(unwrapped(whole));
    }
    EXPECT_THAT(outcome.dropped, testing::IsEmpty());
    EXPECT_THAT(outcome.to_kernel, testing::IsEmpty());
  }
  // A tunnel's packets are cut outside, and the real's end puts those together first. Empty: pieces are to come.
  Bytes put_outside_together(const Bytes& frame) {
    constexpr size_t kFlags = 20;
    const bool is_more = frame[kFlags] & 0x20;
    if (method() != Method::kTunnel || family() == AddressFamily::kIpv6 || (!is_more && outside_.empty())) return frame;
    outside_.push_back(frame);
    if (is_more) return {};
    std::string trouble;
    Bytes whole = put_together(std::exchange(outside_, {}), trouble);
    EXPECT_EQ(trouble, "");
    return whole;
  }
  void expect_whole(const std::vector<Bytes>& left, const Bytes& expected) {
    std::string trouble;
    const Bytes whole = put_together(left, trouble);
    ASSERT_EQ(trouble, "");
    EXPECT_EQ(checksum_errors(whole), "") << describe(whole);
    EXPECT_EQ(describe(whole), describe(expected));
    EXPECT_EQ(whole, expected);
  }
  void expect_nothing_kept() {
    for (const auto& ring : rig.lb.worker().fragments.waiting) {
      for (uint32_t at = ring.head; at != ring.tail; ++at) {
        EXPECT_EQ(ring.places[at % FragmentTable::kPlacesOfRing].mbuf, nullptr);
      }
    }
    for (const Datagram& each : rig.lb.worker().fragments.datagrams) EXPECT_EQ(each.state, Datagram::State::kFree);
  }

  FragmentRig rig;

 private:
  std::vector<Bytes> outside_;
};

TEST_P(FragmentsOfMethod, ArriveWholeInEveryOrder) {
  std::vector<size_t> order{0, 1, 2, 3};
  uint16_t id = 1;
  do {
    const Datagrams sent = datagram(4000, static_cast<uint8_t>(id));
    const std::vector<Bytes> fragments = rig.cut(sent.comes, 1280, id++);
    ASSERT_EQ(fragments.size(), 4u);
    std::vector<Bytes> shuffled;
    for (const size_t at : order) shuffled.push_back(fragments[at]);
    const std::vector<Bytes> left = pass(shuffled);
    ASSERT_EQ(left.size(), 4u);
    expect_whole(left, rig.with_id(sent.leaves, static_cast<uint16_t>(id - 1)));
    if (testing::Test::HasFailure()) return;
  } while (std::next_permutation(order.begin(), order.end()));
  expect_nothing_kept();
}

TEST_P(FragmentsOfMethod, GoOnAtOnceAndInTheirOrder) {
  const std::vector<Bytes> fragments = rig.cut(datagram(4000).comes, 1280, 7);
  for (const Bytes& each : fragments) {
    const Outcome outcome = rig.lb.send_frame(each, in_port());
    ASSERT_EQ(outcome.summary(), "sent " + std::to_string(out_port()));
    EXPECT_EQ(place_of(unwrapped(outcome.sent[0].bytes)).begin, place_of(each).begin);
  }
}

TEST_P(FragmentsOfMethod, MayComeInOneBurstInEveryOrder) {
  std::vector<size_t> order{0, 1, 2};
  uint16_t id = 100;
  do {
    const Datagrams sent = datagram(3500, static_cast<uint8_t>(id));
    const std::vector<Bytes> fragments = rig.cut(sent.comes, 1280, id);
    std::vector<rte_mbuf*> mbufs;
    for (const size_t at : order) mbufs.push_back(mbuf_of(fragments[at], mbuf_pool(), in_port()));
    std::vector<Bytes> left;
    take(rig.lb.send_mbufs(mbufs), left);
    take(rig.lb.serve_inbox(0), left);
    expect_whole(left, rig.with_id(sent.leaves, id++));
  } while (std::next_permutation(order.begin(), order.end()));
  expect_nothing_kept();
}

TEST_P(FragmentsOfMethod, OfManyDatagramsAtOnceAreNotMixedUp) {
  std::mt19937 random(4);
  std::vector<Datagrams> sent;
  std::vector<std::pair<size_t, Bytes>> all;
  for (size_t i = 0; i < 12; ++i) {
    sent.push_back(datagram(1500 + i * 300, static_cast<uint8_t>(i)));
    for (const Bytes& each : rig.cut(sent.back().comes, 1280, static_cast<uint16_t>(500 + i)))
      all.emplace_back(i, each);
  }
  std::shuffle(all.begin(), all.end(), random);
  std::vector<Bytes> shuffled;
  for (const auto& each : all) shuffled.push_back(each.second);
  const std::vector<Bytes> left = pass(shuffled);
  for (size_t i = 0; i < sent.size(); ++i) {
    const auto id = static_cast<uint16_t>(500 + i);
    std::vector<Bytes> own;
    std::copy_if(left.begin(), left.end(), std::back_inserter(own),
                 [&](const Bytes& each) { return place_of(each).id == id; });
    expect_whole(own, rig.with_id(sent[i].leaves, id));
  }
  expect_nothing_kept();
}

TEST_P(FragmentsOfMethod, OfTheLongestDatagramArriveWhole) {
  const size_t payload = 65535 - 8 - (family() == AddressFamily::kIpv4 ? 20 : 0);
  const Datagrams sent = datagram(payload);
  const std::vector<Bytes> fragments = rig.cut(sent.comes, 1460, 9);
  EXPECT_GT(fragments.size(), 44u);
  expect_whole(pass(fragments), rig.with_id(sent.leaves, 9));
}

TEST_P(FragmentsOfMethod, CountForTheRealAndKeepItsConnection) {
  const RealCounters& counters = rig.lb.counters(rig.real);
  const uint64_t before = (is_reply() ? counters.out_packets : counters.in_packets).read();
  const std::vector<Bytes> fragments = rig.cut(datagram(4000).comes, 1280, 7);
  pass(fragments);
  EXPECT_EQ((is_reply() ? counters.out_packets : counters.in_packets).read() - before, fragments.size());
  EXPECT_EQ(rig.lb.connections(family()), 1u);
}

// A tunnel's outer header does not fit beside 1,500 bytes: IPv4 is cut again, IPv6's sender is told.
TEST_P(FragmentsOfMethod, ThatDoNotFitAreCutOrTheirSenderIsTold) {
  rig.set_mtu(1400);
  const Datagrams sent = datagram(4000);
  const std::vector<Bytes> fragments = rig.cut(sent.comes, 1500, 11);
  if (family() == AddressFamily::kIpv4) {
    const std::vector<Bytes> left = pass(fragments);
    if (method() == Method::kTunnel) EXPECT_EQ(left.size(), fragments.size()) << "cut outside";
    else EXPECT_GT(left.size(), fragments.size());
    return expect_whole(left, rig.with_id(sent.leaves, 11));
  }
  const Outcome outcome = rig.lb.send_frame(fragments[0], in_port());
  ASSERT_EQ(outcome.summary(), "sent " + std::to_string(in_port()) + ", dropped too_big");
  EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
  EXPECT_THAT(describe(outcome.sent[0].bytes), testing::HasSubstr("icmpv6 2/0 rest " + std::to_string(rig.fits(1400))));
}

TEST_P(FragmentsOfMethod, WaitForTheNextHopLikeOthers) {
  rig.forget_next_hop(is_reply());
  const Datagrams sent = datagram(3500);
  const std::vector<Bytes> fragments = rig.cut(sent.comes, 1280, 12);
  for (const Bytes& each : fragments) EXPECT_EQ(rig.lb.send_frame(each, in_port()).summary(), "waits");
  rig.learn_next_hop(is_reply());
  std::vector<Bytes> left;
  take(rig.lb.advance(1), left);
  expect_whole(left, rig.with_id(sent.leaves, 12));
}

std::string case_name(const testing::TestParamInfo<FragmentsOfMethod::ParamType>& info) {
  const auto [family, method, is_reply] = info.param;
  std::string name(name_of(method));
  name[0] = static_cast<char>(std::toupper(name[0]));
  return name + (is_reply ? "Reply" : "Request") + (family == AddressFamily::kIpv4 ? "OverIpv4" : "OverIpv6");
}
INSTANTIATE_TEST_SUITE_P(
    Requests, FragmentsOfMethod,
    testing::Combine(kBothFamilies, testing::Values(Method::kDirect, Method::kTunnel, Method::kNat, Method::kFullnat),
                     testing::Values(false)),
    case_name);
INSTANTIATE_TEST_SUITE_P(Replies, FragmentsOfMethod,
                         testing::Combine(kBothFamilies, testing::Values(Method::kNat, Method::kFullnat),
                                          testing::Values(true)),
                         case_name);

}  // namespace
}  // namespace shunt::dataplane
