#include "dataplane/forwarding/direct.h"

#include <gmock/gmock.h>

#include "tests/dataplane/forwarding/variants.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class Direct : public InBothFamilies {
 protected:
  Direct() {
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
      const ServiceId service = lb.add_service(protocol, at("203.0.113.10"), 80, Method::kDirect);
      reals.push_back(lb.add_real(service, at(protocol == Protocol::kTcp ? "10.0.0.1" : "10.0.0.2"), 80));
    }
    lb.publish();
  }

  static PacketBuilder client(uint16_t port) {
    return a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 80);
  }

  WorkerFixture lb;
  std::vector<RealId> reals;
};

TEST_P(Direct, OnlyMacAddressesAndTtlChange) {
  uint16_t port = 40000;
  for (const Variant& variant : variants(GetParam())) {
    SCOPED_TRACE(variant.name);
    lb.send(client(++port).tcp(kTcpSyn));
    auto request = client(port);
    variant.apply(request);
    const auto expected =
        PacketBuilder(request).ttl(63).from_mac(kInsideMac).to_mac(real_mac(reals[variant.is_udp]));
    expect_sent(lb.send(request), kInside, expected);
  }
}

// IPv4's sum has its carries: every TTL, with headers whose checksums lie all over the range.
TEST_P(Direct, HeaderIsRightForEveryTtl) {
  for (int ttl = 2; ttl < 256; ++ttl) {
    for (const uint16_t id : {0, 1, 0x1234, 0x7fff, 0xfffe, 0xffff}) {
      const auto request = client(40000).tcp(kTcpSyn).ttl(static_cast<uint8_t>(ttl)).id(id);
      expect_sent(lb.send(request), kInside,
                  PacketBuilder(request)
                      .ttl(static_cast<uint8_t>(ttl - 1))
                      .from_mac(kInsideMac)
                      .to_mac(real_mac(reals[0])));
    }
  }
}

TEST_P(Direct, RealsAnswersAreNotOurs) {
  lb.send(client(40000).tcp(kTcpSyn));
  const auto reply =
      a_packet().from(at("203.0.113.10"), 80).to(at("198.51.100.7"), 40000).tcp(kTcpSyn | kTcpAck);
  EXPECT_EQ(lb.send(PacketBuilder(reply).to_mac(kInsideMac), kInside).summary(), "kernel 1");
}

INSTANTIATE_TEST_SUITE_P(Families, Direct, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
