// SCTP packets in fragments: every method and order; what arrives is put together by code of the tests' own, and its
// checksum, which covers all of it, verified.
#include <gmock/gmock.h>

#include <algorithm>
#include <memory>

#include "dataplane/fragments.h"
#include "tests/support/eal.h"
#include "tests/support/families.h"
#include "tests/support/fragmentation.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace sctp_fragments_test {

using namespace test;

constexpr uint8_t kData = 0;
constexpr uint8_t kInit = 1;
constexpr uint8_t kAbort = 6;
constexpr uint8_t kCookieEcho = 10;

class SctpFragments : public testing::TestWithParam<std::tuple<AddressFamily, Method>> {
 protected:
  SctpFragments() : SctpFragments(1) {}
  explicit SctpFragments(uint32_t workers) : lb(workers) {
    const bool keeps_port = method() == Method::kDirect || method() == Method::kTunnel;
    real_port = keeps_port ? 36412 : 3868;
    service = lb.add_service(Protocol::kSctp, at("203.0.113.10"), 36412, method());
    real = lb.add_real(service, at("10.0.0.1"), real_port);
    if (method() == Method::kFullnat) lb.add_local_address(service, at("10.0.1.250"));
    lb.publish();
  }
  static AddressFamily family() { return std::get<0>(GetParam()); }
  static Method method() { return std::get<1>(GetParam()); }
  static std::string at(std::string_view ipv4) { return in_family(family(), ipv4); }

  static PacketBuilder client() { return a_packet().from(at("198.51.100.7"), 40000).to(at("203.0.113.10"), 36412); }
  // A packet of some hundred bytes whose length is no multiple of four.
  static PacketBuilder long_one(uint8_t chunk, size_t bytes = 3501) {
    Bytes value(bytes);
    for (size_t i = 0; i < bytes; ++i) value[i] = static_cast<uint8_t>(i * 7 + i / 256);
    return client().sctp(chunk, value);
  }
  static std::vector<Bytes> cut(PacketBuilder packet, uint16_t id) {
    return fragments_of(packet.id(family() == AddressFamily::kIpv4 ? id : uint16_t{0}).bytes(), 1280, id);
  }
  void open() { ASSERT_EQ(lb.send(client().sctp(kInit, Bytes(16))).summary(), "sent 1"); }
  ConnectionState state() { return lb.copy_of(client().sctp(kInit))->state; }

  void take(const Outcome& outcome, std::vector<Bytes>& left) {
    for (const Outcome::Frame& frame : outcome.sent) left.push_back(unwrapped(frame.bytes));
    EXPECT_THAT(outcome.dropped, testing::IsEmpty()) << outcome.summary();
    EXPECT_THAT(outcome.to_kernel, testing::IsEmpty());
  }
  void serve_inbox(std::vector<Bytes>& left) {
    for (int turn = 0; turn < 4; ++turn) take(lb.serve_inbox(0), left);
  }
  // Ports and all as they must arrive; the checksum verified.
  void expect_arrived(const std::vector<Bytes>& left, const PacketBuilder& sent) {
    std::string trouble;
    const Bytes whole = put_together(left, trouble);
    ASSERT_EQ(trouble, "");
    EXPECT_EQ(checksum_errors(whole), "") << describe(whole);
    const Bytes expected = PacketBuilder(sent).bytes();
    ASSERT_EQ(whole.size(), expected.size());
    const size_t chunks = (family() == AddressFamily::kIpv4 ? 34 : 54) + 12;
    EXPECT_TRUE(std::equal(whole.begin() + static_cast<ptrdiff_t>(chunks), whole.end(),
                           expected.begin() + static_cast<ptrdiff_t>(chunks)));
    EXPECT_EQ(whole[chunks - 10] << 8 | whole[chunks - 9], real_port);
  }
  void expect_nothing_kept() {
    for (const Datagram& each : lb.worker().fragments.datagrams) {
      EXPECT_EQ(each.state, Datagram::State::kFree);
      EXPECT_EQ(each.waiting, 0);
    }
  }

  WorkerFixture lb;
  ServiceId service{};
  RealId real{};
  uint16_t real_port = 0;
};

TEST_P(SctpFragments, ArriveWholeInEveryOrder) {
  open();
  std::vector<size_t> order{0, 1, 2};
  uint16_t id = 1;
  do {
    const auto packet = long_one(kData, 3000 + id);
    const std::vector<Bytes> fragments = cut(packet, id++);
    ASSERT_EQ(fragments.size(), 3u);
    std::vector<Bytes> left;
    for (const size_t each : order) {
      take(lb.send_frame(fragments[each]), left);
      serve_inbox(left);
    }
    ASSERT_EQ(left.size(), 3u);
    expect_arrived(left, packet);
  } while (std::next_permutation(order.begin(), order.end()));
  expect_nothing_kept();
}

TEST_P(SctpFragments, MayComeInOneBurstInEveryOrder) {
  open();
  std::vector<size_t> order{0, 1, 2};
  uint16_t id = 100;
  do {
    const auto packet = long_one(kData);
    const std::vector<Bytes> fragments = cut(packet, id++);
    std::vector<rte_mbuf*> mbufs;
    for (const size_t each : order) mbufs.push_back(mbuf_of(fragments[each], mbuf_pool(), kOutside));
    std::vector<Bytes> left;
    take(lb.send_mbufs(mbufs), left);
    serve_inbox(left);
    ASSERT_EQ(left.size(), 3u);
    expect_arrived(left, packet);
  } while (std::next_permutation(order.begin(), order.end()));
  expect_nothing_kept();
}

TEST_P(SctpFragments, AnInitInFragmentsOpensAConnection) {
  std::vector<Bytes> left;
  const auto packet = long_one(kInit);
  for (const Bytes& each : cut(packet, 1)) take(lb.send_frame(each), left);
  serve_inbox(left);
  expect_arrived(left, packet);
  EXPECT_EQ(state(), ConnectionState::kSctpInit1);
  EXPECT_EQ(lb.counters(real).connections.read(), 1u);
}

TEST_P(SctpFragments, OfNoAssociationAreDropped) {
  std::vector<Bytes> fragments = cut(long_one(kData), 1);
  std::rotate(fragments.begin(), fragments.end() - 1, fragments.end());  // the last one first
  EXPECT_EQ(lb.send_frame(fragments[0]).summary(), "waits");
  EXPECT_EQ(lb.send_frame(fragments[1]).summary(), "handed to 0, dropped not_schedulable") << "the one that waited, too";
  EXPECT_EQ(lb.send_frame(fragments[2]).summary(), "dropped not_schedulable");
  EXPECT_EQ(lb.serve_inbox(0).summary(), "dropped not_schedulable");
}

TEST_P(SctpFragments, AnAbortBehindACookieInTheFirstOneCounts) {
  open();
  std::vector<Bytes> left;
  const auto packet = client().sctp(kCookieEcho, Bytes(8)).chunk(kAbort).chunk(kData, Bytes(3000, 1));
  for (const Bytes& each : cut(packet, 1)) take(lb.send_frame(each), left);
  serve_inbox(left);
  expect_arrived(left, packet);
  EXPECT_EQ(state(), ConnectionState::kSctpClosed);
}

// What the sender or the way spoiled stays visible to the receiver.
TEST_P(SctpFragments, AWrongChecksumStaysWrong) {
  open();
  const size_t sum = (family() == AddressFamily::kIpv4 ? 34 : 54) + 9;
  std::vector<Bytes> left;
  for (const Bytes& each : cut(long_one(kData).then([sum](Bytes& frame) { frame[sum] ^= 0x40; }), 1)) {
    take(lb.send_frame(each), left);
  }
  serve_inbox(left);
  std::string trouble;
  EXPECT_EQ(checksum_errors(put_together(left, trouble)), "SCTP checksum wrong");
}

TEST_P(SctpFragments, WaitForTheLastOneNoLongerThanForTheFirst) {
  open();
  const std::vector<Bytes> fragments = cut(long_one(kData), 1);
  EXPECT_EQ(lb.send_frame(fragments[0]).summary(), "waits");
  EXPECT_EQ(lb.send_frame(fragments[1]).summary(), "waits");
  EXPECT_EQ(lb.send_frame(fragments[0]).summary(), "waits") << "who sends it twice waits twice";
  EXPECT_EQ(lb.advance(FragmentTable::kWaitMs - 1).summary(), "");
  EXPECT_EQ(lb.advance(1).summary(), "dropped fragment_timeout, dropped fragment_timeout, dropped fragment_timeout");
}

TEST_P(SctpFragments, ThatContradictEachOtherAreDropped) {
  open();
  std::vector<Bytes> fragments = cut(long_one(kData), 1);
  Bytes other_end = fragments[2];
  lb.send_frame(fragments[0]);
  lb.send_frame(fragments[2]);
  EXPECT_EQ(lb.serve_inbox(0).summary(), "sent 1, handed to 0");
  EXPECT_EQ(lb.serve_inbox(0).summary(), "sent 1");
  const size_t begin = place_of(fragments[1]).begin;
  const Bytes whole = long_one(kData).id(family() == AddressFamily::kIpv4 ? uint16_t{1} : uint16_t{0}).bytes();
  EXPECT_EQ(lb.send_frame(fragment_of(whole, begin, 800, false, 1)).summary(), "dropped fragment_overlap");
  EXPECT_EQ(lb.send_frame(fragments[1]).summary(), "dropped fragment_overlap");
}

TEST_P(SctpFragments, GarbageIsACountedDropOfAll) {
  open();
  const size_t length = (family() == AddressFamily::kIpv4 ? 34 : 54) + 14;
  for (const uint16_t said : {0, 3, 65535}) {
    const auto id = static_cast<uint16_t>(said + 2);  // never 0, which is `whole`'s below
    const std::vector<Bytes> fragments = cut(long_one(kData).then([&](Bytes& frame) {
      frame[length] = static_cast<uint8_t>(said >> 8);
      frame[length + 1] = static_cast<uint8_t>(said);
    }), id);
    EXPECT_EQ(lb.send_frame(fragments[2]).summary(), "waits");
    EXPECT_EQ(lb.send_frame(fragments[0]).summary(), "handed to 0, dropped bad_l4_header") << said;
    EXPECT_EQ(lb.serve_inbox(0).summary(), "dropped bad_l4_header") << said;
    EXPECT_EQ(lb.send_frame(fragments[1]).summary(), "dropped bad_l4_header") << said;
  }
  const Bytes whole = long_one(kData).bytes();
  EXPECT_EQ(lb.send_frame(fragment_of(whole, 0, 8, true, 77)).summary(), "dropped fragment_tiny");
  EXPECT_EQ(lb.send_frame(fragment_of(whole, 8, 800, true, 78)).summary(), "dropped fragment_tiny") << "over the chunk";
}

std::string case_name(const testing::TestParamInfo<SctpFragments::ParamType>& info) {
  const auto [family, method] = info.param;
  return std::string(name_of(method)) + (family == AddressFamily::kIpv4 ? "OverIpv4" : "OverIpv6");
}
INSTANTIATE_TEST_SUITE_P(Methods, SctpFragments,
                         testing::Combine(kBothFamilies, testing::Values(Method::kDirect, Method::kTunnel, Method::kNat,
                                                                         Method::kFullnat)),
                         case_name);

}  // namespace sctp_fragments_test
}  // namespace shunt::dataplane
