// Sysctl pmtu_disc 0: a tunnel's packets may be cut, whatever the client's say.
#include <gmock/gmock.h>

#include <algorithm>

#include "dataplane/forwarding/tunnel.h"
#include "tests/support/eal.h"
#include "tests/support/families.h"
#include "tests/support/fragmentation.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace pmtu_disc_test {

using namespace test;

// The family outside, and the kind of tunnel.
class PmtuDisc : public testing::TestWithParam<std::tuple<AddressFamily, TunnelKind>> {
 protected:
  PmtuDisc() {
    const ServiceId service = lb.add_service(Protocol::kTcp, "203.0.113.10", 80, Method::kTunnel);
    real = lb.add_real(service, in_family(outer(), "10.0.0.1"), 80);
    lb.set_tunnel(real, kind(), kind() == TunnelKind::kGue ? uint16_t{6080} : uint16_t{0});
    lb.sysctls().pmtu_disc = false;
    lb.publish();
    EXPECT_EQ(lb.send(client().tcp(kTcpSyn)).summary(), "sent 1");
  }
  static AddressFamily outer() { return std::get<0>(GetParam()); }
  static TunnelKind kind() { return std::get<1>(GetParam()); }
  static PacketBuilder client() { return a_packet().from("198.51.100.7", 40000).to("203.0.113.10", 80).df(); }

  // What the client sent travels inside as it was, DF and all.
  static void expect_ends_with(const Bytes& frame, const Bytes& inner) {
    ASSERT_GE(frame.size(), inner.size());
    EXPECT_TRUE(std::equal(inner.rbegin(), inner.rend(), frame.rbegin())) << describe(frame);
  }

  WorkerFixture lb;
  RealId real;
};

TEST_P(PmtuDisc, OuterHeadersNeverForbidCutting) {
  for (const bool asks : {false, true}) {
    lb.sysctls().pmtu_disc = asks;
    lb.publish();
    const Outcome outcome = lb.send(client().tcp(kTcpAck));
    ASSERT_EQ(outcome.summary(), "sent 1");
    EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
    if (outer() == AddressFamily::kIpv4) {
      EXPECT_EQ(outcome.sent[0].bytes[20] & 0x40, asks ? 0x40 : 0);
    }
    expect_ends_with(outcome.sent[0].bytes, client().tcp(kTcpAck).ttl(63).ip_bytes());
  }
}

TEST_P(PmtuDisc, WhatDoesNotFitIsCutOutside) {
  const Outcome outcome = lb.send(client().tcp(kTcpAck).payload_of(1460));
  ASSERT_EQ(outcome.sent.size(), 2u) << outcome.summary();
  std::string trouble;
  std::vector<Bytes> pieces;
  for (const auto& frame : outcome.sent) pieces.push_back(frame.bytes);
  const Bytes whole = put_together(pieces, trouble);
  ASSERT_EQ(trouble, "");
  EXPECT_EQ(checksum_errors(whole), "");
  expect_ends_with(whole, client().tcp(kTcpAck).payload_of(1460).ttl(63).ip_bytes());
}

TEST_P(PmtuDisc, AskedForTheSenderIsTold) {
  lb.sysctls().pmtu_disc = true;
  lb.publish();
  EXPECT_EQ(lb.send(client().tcp(kTcpAck).payload_of(1460)).summary(), "sent 0, dropped too_big");
}

std::string case_name(const testing::TestParamInfo<PmtuDisc::ParamType>& info) {
  const auto [outer, kind] = info.param;
  return (kind == TunnelKind::kIpip ? std::string("Ipip") : kind == TunnelKind::kGre ? "Gre" : "Gue") +
         (outer == AddressFamily::kIpv4 ? "OverIpv4" : "OverIpv6");
}
INSTANTIATE_TEST_SUITE_P(Tunnels, PmtuDisc,
                         testing::Combine(kBothFamilies, testing::Values(TunnelKind::kIpip, TunnelKind::kGre,
                                                                         TunnelKind::kGue)),
                         case_name);

}  // namespace pmtu_disc_test
}  // namespace shunt::dataplane
