// ICMP errors about connections between families, and those of ours: translated with what they quote.
#include "tests/dataplane/icmp/errors.h"

#include "tests/dataplane/nat64/rig.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class CrossingErrors : public CrossingRig {
 protected:
  static constexpr uint8_t kQuotedHops = 60;

  PacketBuilder request() const { return client().tcp(kTcpAck, 5, 6).payload("request"); }
  PacketBuilder reply() const { return from_real().tcp(kTcpAck, 7, 8).payload("reply"); }
  // As a router behind us quotes them.
  PacketBuilder sent_request() const { return to_real().tcp(kTcpAck, 5, 6).payload("request").ttl(kQuotedHops); }
  PacketBuilder sent_reply() const { return to_client().tcp(kTcpAck, 7, 8).payload("reply").ttl(kQuotedHops); }

  void begin() {
    serve(Protocol::kTcp);
    open(client().tcp(kTcpSyn));
  }
  // From a router near the real, about a request.
  PacketBuilder about_request(ErrorKind kind, uint32_t rest = 0, size_t quote = SIZE_MAX) const {
    return icmp_error(kind, quoted(sent_request(), quote), rest).from(at_real("10.0.0.77")).to(at_real("10.0.0.100")).to_mac(kInsideMac);
  }
  PacketBuilder about_reply(ErrorKind kind, uint32_t rest = 0, size_t quote = SIZE_MAX) const {
    return icmp_error(kind, quoted(sent_reply(), quote), rest).from(at_client("192.0.2.77")).to(at_client("203.0.113.10"));
  }
  PacketBuilder for_client(ErrorKind kind, uint32_t rest = 0) const {
    return icmp_error(kind, quoted(request().ttl(kQuotedHops)), rest)
        .from(at_client("203.0.113.10")).to(at_client("198.51.100.7")).ttl(63).from_mac(kOutsideMac).to_mac(kGatewayMac);
  }
  PacketBuilder for_real(ErrorKind kind, uint32_t rest = 0) const {
    return icmp_error(kind, quoted(reply().ttl(kQuotedHops)), rest)
        .from(at_real("10.0.0.100")).to(at_real("10.0.0.1")).ttl(63).from_mac(kInsideMac).to_mac(real_mac(real));
  }
};

TEST_P(CrossingErrors, AboutRequestsReachTheClient) {
  begin();
  const bool from_v6 = !is_nat64();
  for (const auto& kind : {time_exceeded, unreachable}) {
    // Host unreachable is address unreachable, and no route on the way back: each family's nearest word.
    const ErrorKind to = kind == unreachable ? (from_v6 ? ErrorKind{3, 1} : ErrorKind{1, 0}) : kind(!from_v6);
    expect_sent(answer(about_request(kind(from_v6))), kOutside, for_client(to));
  }
  expect_sent(answer(about_request(too_big(from_v6), 1400)), kOutside,
              for_client(too_big(!from_v6), is_nat64() ? 1420 : 1380));
  EXPECT_EQ(lb.counters(real).out_packets.read(), 3u);
}

TEST_P(CrossingErrors, AboutRepliesReachTheReal) {
  begin();
  const bool from_v6 = is_nat64();
  expect_sent(send(about_reply(time_exceeded(from_v6))), kInside, for_real(time_exceeded(!from_v6)));
  expect_sent(send(about_reply(too_big(from_v6), 1400)), kInside, for_real(too_big(!from_v6), is_nat64() ? 1380 : 1420));
}

// A port that nobody listens at: what a UDP client waits for.
TEST_P(CrossingErrors, ClosedPortsAreTold) {
  serve(Protocol::kUdp);
  open(client().udp().payload("anybody?"));
  const auto sent = to_real().udp().payload("anybody?").ttl(63);
  const ErrorKind comes = is_nat64() ? ErrorKind{3, 3} : ErrorKind{1, 4};
  const ErrorKind leaves = is_nat64() ? ErrorKind{1, 4} : ErrorKind{3, 3};
  expect_sent(answer(icmp_error(comes, quoted(sent)).from(at_real("10.0.0.1")).to(at_real("10.0.0.100")).to_mac(kInsideMac)), kOutside,
              icmp_error(leaves, quoted(client().udp().payload("anybody?").ttl(63)))
                  .from(at_client("203.0.113.10")).to(at_client("198.51.100.7")).ttl(63).from_mac(kOutsideMac).to_mac(kGatewayMac));
}

// The least that RFC 792 has routers quote: the IP header and eight bytes.
TEST_P(CrossingErrors, QuotesMayBeShort) {
  begin();
  const size_t front = is_nat64() ? 20 : 40;
  const Outcome outcome = answer(about_request(time_exceeded(!is_nat64()), 0, front + 8));
  const size_t other_front = is_nat64() ? 40 : 20;
  expect_sent(outcome, kOutside,
              icmp_error(time_exceeded(is_nat64()), quoted(request().ttl(kQuotedHops), other_front + 8))
                  .from(at_client("203.0.113.10")).to(at_client("198.51.100.7")).ttl(63).from_mac(kOutsideMac).to_mac(kGatewayMac));
}

// ICMP's are at most 576 bytes long, ICMPv6's 1280.
TEST_P(CrossingErrors, LongQuotesAreCut) {
  begin();
  const Bytes text(1100, 'x');
  const auto sent = to_real().tcp(kTcpAck, 5, 6).payload(text).ttl(kQuotedHops);
  const auto whole = client().tcp(kTcpAck, 5, 6).payload(text).ttl(kQuotedHops);
  const Outcome outcome =
      answer(icmp_error(time_exceeded(!is_nat64()), quoted(sent)).from(at_real("10.0.0.77")).to(at_real("10.0.0.100")).to_mac(kInsideMac));
  const size_t most = is_nat64() ? 1280 - 48 : 576 - 28;
  expect_sent(outcome, kOutside,
              icmp_error(time_exceeded(is_nat64()), quoted(whole, most))
                  .from(at_client("203.0.113.10")).to(at_client("198.51.100.7")).ttl(63).from_mac(kOutsideMac).to_mac(kGatewayMac));
}

TEST_P(CrossingErrors, WhatTheOtherFamilyHasNoWordForIsDropped) {
  begin();
  if (is_nat64()) {
    EXPECT_EQ(answer(about_request({3, 14})).summary(), "dropped untranslatable");
    EXPECT_EQ(answer(about_request({4, 0})).summary(), "dropped untranslatable") << "source quench";
    EXPECT_EQ(send(about_reply({4, 2})).summary(), "dropped untranslatable") << "an unknown option";
  } else {
    EXPECT_EQ(answer(about_request({4, 2})).summary(), "dropped untranslatable");
    EXPECT_EQ(answer(about_request({1, 6})).summary(), "dropped untranslatable");
    EXPECT_EQ(send(about_reply({4, 0})).summary(), "dropped untranslatable") << "source quench";
  }
}

TEST_P(CrossingErrors, ForgedOnesAreDroppedAsOthersAre) {
  begin();
  const auto broken = about_request(time_exceeded(!is_nat64())).then([](Bytes& frame) { frame.back() ^= 1; });
  EXPECT_EQ(answer(broken).summary(), "dropped bad_icmp_checksum");
  EXPECT_EQ(answer(about_request(too_big(!is_nat64()), 60)).summary(), "dropped impossible_mtu");
  auto other = about_request(time_exceeded(!is_nat64()));
  other.to(at_real("10.0.0.254"));
  EXPECT_EQ(answer(other).summary(), "dropped bad_icmp_error") << "not to whom it quotes";
}

// An answer of ours says the MTU in its receiver's family.
TEST_P(CrossingErrors, WhatIsTooBigIsToldInTheSendersFamily) {
  begin();
  const auto too_long = [](PacketBuilder packet, size_t bytes) {
    return packet.tcp(kTcpAck).df().payload_of(bytes - (packet.is_v6() ? 60 : 40));
  };
  const auto expect_told = [](const Outcome& outcome, uint32_t mtu) {
    ASSERT_EQ(outcome.sent.size(), 1u);
    ASSERT_EQ(outcome.dropped.size(), 1u);
    EXPECT_EQ(outcome.dropped[0], DropReason::kTooBig);
    const Bytes& frame = outcome.sent[0].bytes;
    EXPECT_EQ(checksum_errors(frame), "");
    const size_t at = frame[14] >> 4 == 6 ? 54 : 34;
    EXPECT_EQ(frame[at], frame[14] >> 4 == 6 ? 2 : 3);
    EXPECT_EQ(uint32_t{frame[at + 6]} << 8 | frame[at + 7], mtu);
  };
  if (is_nat64()) {
    EXPECT_EQ(send(too_long(client(), 1520)).summary(), "sent 1") << "1500 bytes of IPv4";
    expect_told(send(too_long(client(), 1521)), 1500);
    EXPECT_EQ(answer(too_long(from_real(), 1480)).summary(), "sent 0");
    expect_told(answer(too_long(from_real(), 1481)), 1480);
  } else {
    EXPECT_EQ(send(too_long(client(), 1480)).summary(), "sent 1") << "1500 bytes of IPv6";
    expect_told(send(too_long(client(), 1481)), 1480);
    EXPECT_EQ(answer(too_long(from_real(), 1520)).summary(), "sent 0");
    expect_told(answer(too_long(from_real(), 1521)), 1500);
  }
}

TEST_P(CrossingErrors, OnesThatWaitForANextHopComeBackAsTheyCame) {
  begin();
  answer(from_real().tcp(kTcpSyn | kTcpAck));
  lb.gateway(clients()).resolved = false;
  lb.change_routes();
  lb.publish();
  EXPECT_EQ(answer(about_request(time_exceeded(!is_nat64()))).summary(), "waits");
  lb.gateway(clients()).resolved = true;
  lb.change_routes();
  lb.publish();
  const Outcome later = lb.advance(1);
  ASSERT_EQ(later.summary(), "sent 0");
  EXPECT_EQ(checksum_errors(later.sent[0].bytes), "");
}

INSTANTIATE_TEST_SUITE_P(Ways, CrossingErrors, kBothWays, way_name);

}  // namespace
}  // namespace shunt::dataplane
