// Fragments of what crosses, and what is cut so that it can.
#include <numeric>

#include "tests/dataplane/nat64/rig.h"
#include "tests/support/fragmentation.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class CrossingFragments : public CrossingRig {
 protected:
  static Bytes content(size_t bytes) {
    Bytes out(bytes);
    for (size_t i = 0; i < bytes; ++i) out[i] = static_cast<uint8_t>(i * 7 + i / 256);
    return out;
  }
  void begin() {
    serve(Protocol::kUdp);
    open(client().udp());
  }
  // All that leaves for these frames, pieces that begin anew included.
  std::vector<Bytes> all_sent(const std::vector<Bytes>& frames, uint16_t port) {
    std::vector<Bytes> sent;
    const auto take = [&](const Outcome& outcome) {
      EXPECT_TRUE(outcome.dropped.empty()) << outcome.summary();
      for (const auto& frame : outcome.sent) sent.push_back(frame.bytes);
    };
    for (const Bytes& frame : frames) {
      take(lb.send_frame(frame, port));
      take(lb.serve_inbox(0));
    }
    return sent;
  }
  // They are pieces of that packet, and each fits.
  static void expect_whole(const std::vector<Bytes>& sent, size_t pieces, size_t most, const PacketBuilder& expected) {
    EXPECT_EQ(sent.size(), pieces);
    for (const Bytes& frame : sent) EXPECT_LE(frame.size(), 14 + most);
    std::string trouble;
    Bytes whole = put_together(sent, trouble);
    ASSERT_EQ(trouble, "");
    PacketBuilder wanted = expected;
    if (!wanted.is_v6()) wanted.id(static_cast<uint16_t>(whole[18] << 8 | whole[19]));
    EXPECT_EQ(describe(whole), describe(wanted.bytes()));
    EXPECT_EQ(whole, wanted.bytes());
  }
};

TEST_P(CrossingFragments, OfRequestsAndRepliesCross) {
  begin();
  const auto request = client().udp().payload(content(3000)).id(7);
  expect_whole(all_sent(fragments_of(request.bytes(), 1200, 0x12345678), kOutside), 3, 1280, to_real().udp().payload(content(3000)));
  const auto reply = from_real().udp().payload(content(2500)).id(8);
  expect_whole(all_sent(fragments_of(reply.bytes(), 1200, 0x9abcdef0), kInside), 3, 1280, to_client().udp().payload(content(2500)));
}

TEST_P(CrossingFragments, InAnyOrder) {
  begin();
  auto frames = fragments_of(client().udp().payload(content(3000)).id(7).bytes(), 1200);
  std::reverse(frames.begin(), frames.end());
  expect_whole(all_sent(frames, kOutside), 3, 1280, to_real().udp().payload(content(3000)));
}

// RFC 7915 section 4: a sender that lets its packets be cut does not hear of a path that is narrower than ours.
TEST_P(CrossingFragments, WhatMayBeCutIsCutForAnyIpv6Path) {
  begin();
  if (is_nat64()) {
    const auto reply = from_real().udp().payload(content(1400)).id(9);
    expect_whole(all_sent({reply.bytes()}, kInside), 2, 1280, to_client().udp().payload(content(1400)));
    EXPECT_EQ(answer(from_real().udp().payload_of(1260 - 28)).summary(), "sent 0") << "it fits whole";
  } else {
    const auto request = client().udp().payload(content(1400)).id(9);
    expect_whole(all_sent({request.bytes()}, kOutside), 2, 1280, to_real().udp().payload(content(1400)));
    EXPECT_EQ(send(client().udp().payload_of(1260 - 28)).summary(), "sent 1") << "it fits whole";
  }
}

TEST_P(CrossingFragments, LargeFragmentsAreCutOnceMore) {
  begin();
  if (is_nat64()) {
    const auto reply = from_real().udp().payload(content(2800)).id(9);
    expect_whole(all_sent(fragments_of(reply.bytes(), 1500), kInside), 4, 1280, to_client().udp().payload(content(2800)));
  } else {
    const auto request = client().udp().payload(content(2800)).id(9);
    expect_whole(all_sent(fragments_of(request.bytes(), 1500), kOutside), 4, 1280, to_real().udp().payload(content(2800)));
  }
}

// Before the sum is out of reach.
TEST_P(CrossingFragments, WhatIsCutGetsItsChecksumFirst) {
  begin();
  if (is_nat64()) {
    const auto reply = from_real().udp().payload(content(1400)).id(9).no_udp_checksum();
    expect_whole(all_sent({reply.bytes()}, kInside), 2, 1280, to_client().udp().payload(content(1400)));
  } else {
    const auto request = client().udp().payload(content(1400)).id(9).no_udp_checksum();
    expect_whole(all_sent({request.bytes()}, kOutside), 2, 1280, to_real().udp().payload(content(1400)));
  }
}

TEST_P(CrossingFragments, OfDatagramsWithoutChecksumAreDropped) {
  begin();
  const auto packet = is_nat64() ? from_real().udp().payload(content(2000)).no_udp_checksum() : client().udp().payload(content(2000)).no_udp_checksum();
  const auto frames = fragments_of(packet.bytes(), 1200);
  EXPECT_EQ(lb.send_frame(frames[0], is_nat64() ? kInside : kOutside).summary(), "dropped untranslatable");
}

// The first one opens the connection.
TEST_P(CrossingFragments, OpenConnections) {
  serve(Protocol::kUdp);
  const auto sent = all_sent(fragments_of(client().udp().payload(content(3000)).id(7).bytes(), 1200), kOutside);
  learn_local(client().udp());
  expect_whole(sent, 3, 1280, to_real().udp().payload(content(3000)));
}

// Ports without RSS bring flows to any worker: the one that cuts has the connection then.
TEST(CrossingFragmentsOfWorkers, WhatIsCutOpensItsConnectionWhereItCame) {
  WorkerFixture many(4);
  const ServiceId of = many.add_service(Protocol::kUdp, "203.0.113.10", 80, Method::kFullnat);
  many.add_local_address(of, "2001:db8:1::64");
  many.add_real(of, "2001:db8:1::1", 8080);
  many.publish();
  for (uint32_t at = 0; at < 4; ++at) {
    const auto packet = a_packet().from("198.51.100.7", 40000).to("203.0.113.10", 80).udp().payload_of(1400);
    const std::string itself = "handed to " + std::to_string(at);
    EXPECT_EQ(many.send(packet, kOutside, at).summary(), itself + ", " + itself);
    EXPECT_EQ(many.serve_inbox(at).summary(), "sent 1, sent 1") << "at worker " << at;
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, CrossingFragments, kBothWays, way_name);

}  // namespace
}  // namespace shunt::dataplane
