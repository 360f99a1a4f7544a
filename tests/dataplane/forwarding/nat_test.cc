#include "dataplane/forwarding/nat.h"

#include <gmock/gmock.h>

#include "tests/dataplane/forwarding/variants.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class Nat : public testing::Test {
 protected:
  Nat() {
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
      const ServiceId service = lb.add_service(protocol, "203.0.113.10", 80, Method::kNat);
      reals.push_back(
          lb.add_real(service, protocol == Protocol::kTcp ? "10.0.0.1" : "10.0.0.2", 8080));
    }
    lb.publish();
  }

  RealId real(bool is_udp) const { return reals[is_udp]; }
  static const char* address(bool is_udp) { return is_udp ? "10.0.0.2" : "10.0.0.1"; }
  // Opens the TCP connection, so that packets without SYN are forwarded, too.
  void open(uint16_t port) {
    lb.send(a_packet().from("198.51.100.7", port).to("203.0.113.10", 80).tcp(kTcpSyn));
  }

  WorkerFixture lb;
  std::vector<RealId> reals;
};

TEST_F(Nat, RequestsGoToTheRealsAddressAndPort) {
  uint16_t port = 40000;
  for (const Variant& variant : variants()) {
    SCOPED_TRACE(variant.name);
    open(++port);
    auto request = a_packet().from("198.51.100.7", port).to("203.0.113.10", 80);
    auto expected = a_packet()
                        .from("198.51.100.7", port)
                        .to(address(variant.is_udp), 8080)
                        .ttl(63)
                        .from_mac(kInsideMac)
                        .to_mac(real_mac(real(variant.is_udp)));
    variant.apply(request);
    variant.apply(expected);
    expect_sent(lb.send(request), kInside, expected);
  }
}

TEST_F(Nat, RepliesComeFromTheVip) {
  uint16_t port = 40000;
  for (const Variant& variant : variants()) {
    SCOPED_TRACE(variant.name);
    open(++port);
    if (variant.is_udp) lb.send(a_packet().from("198.51.100.7", port).to("203.0.113.10", 80).udp());
    auto reply =
        a_packet().from(address(variant.is_udp), 8080).to("198.51.100.7", port).to_mac(kInsideMac);
    auto expected = a_packet()
                        .from("203.0.113.10", 80)
                        .to("198.51.100.7", port)
                        .ttl(63)
                        .from_mac(kOutsideMac)
                        .to_mac(kGatewayMac);
    variant.apply(reply);
    variant.apply(expected);
    expect_sent(lb.send(reply, kInside), kOutside, expected);
  }
}

// Every client port, so that all values of the checksum pass, 0 and 0xffff among them.
TEST_F(Nat, UdpChecksumNeverBecomesNone) {
  for (uint32_t i = 0; i < 65536; ++i) {
    const auto two = static_cast<uint16_t>(i);
    const Bytes payload{static_cast<uint8_t>(two >> 8), static_cast<uint8_t>(two)};
    const Outcome outcome = lb.send(
        a_packet().from("198.51.100.7", 40000).to("203.0.113.10", 80).udp().payload(payload));
    ASSERT_EQ(outcome.summary(), "sent 1");
    const Bytes& sent = outcome.sent[0].bytes;
    ASSERT_FALSE(sent[40] == 0 && sent[41] == 0) << "payload " << i;
    ASSERT_EQ(checksum_errors(sent), "") << "payload " << i << ": " << describe(sent);
  }
}

TEST_F(Nat, WrongChecksumStaysWrong) {
  open(40000);
  const Outcome outcome = lb.send(a_packet()
                                      .from("198.51.100.7", 40000)
                                      .to("203.0.113.10", 80)
                                      .tcp(kTcpAck)
                                      .then([](Bytes& frame) { frame[51] ^= 0x40; }));
  ASSERT_EQ(outcome.summary(), "sent 1");
  EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "TCP checksum wrong");
}

TEST_F(Nat, EthernetPaddingIsNoPartOfTheSum) {
  const auto request =
      a_packet().from("198.51.100.7", 40000).to("203.0.113.10", 80).udp().payload("x");
  const Outcome outcome =
      lb.send(PacketBuilder(request).padded_to(60).then([](Bytes& frame) { frame[59] = 0xee; }));
  ASSERT_EQ(outcome.summary(), "sent 1");
  EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
}

TEST_F(Nat, RepliesOfOthersAreNotOurs) {
  open(40000);
  EXPECT_EQ(lb.send(a_packet().from("10.0.0.1", 8081).to("198.51.100.7", 40000).to_mac(kInsideMac),
                    kInside)
                .summary(),
            "kernel 1");
  EXPECT_EQ(lb.send(a_packet().from("10.0.0.3", 8080).to("198.51.100.7", 40000).to_mac(kInsideMac),
                    kInside)
                .summary(),
            "kernel 1");
}

TEST_F(Nat, SameClientPortThroughTwoVipsToOneRealIsRefused) {
  const ServiceId other = lb.add_service(Protocol::kTcp, "203.0.113.11", 80, Method::kNat);
  lb.add_real(other, "10.0.0.1", 8080);
  lb.publish();
  open(40000);
  EXPECT_EQ(
      lb.send(a_packet().from("198.51.100.7", 40000).to("203.0.113.11", 80).tcp(kTcpSyn)).summary(),
      "dropped local_ports_exhausted");
  EXPECT_EQ(lb.worker().connections.used(), 1u);
  EXPECT_EQ(
      lb.send(a_packet().from("198.51.100.7", 40001).to("203.0.113.11", 80).tcp(kTcpSyn)).summary(),
      "sent 1");
}

}  // namespace
}  // namespace shunt::dataplane
