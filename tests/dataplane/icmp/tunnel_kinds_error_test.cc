// ICMP errors about our own packets to reals, for every kind of tunnel between all families.
#include <gmock/gmock.h>

#include "dataplane/forwarding/tunnel.h"
#include "tests/dataplane/icmp/errors.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;
using testing::IsEmpty;
using Family = AddressFamily;

struct Way {
  Family outer;
  Family inner;
  TunnelKind kind;
};

constexpr uint16_t kRealsPort = 6081;
constexpr bool is_gue(TunnelKind kind) { return kind == TunnelKind::kGue || kind == TunnelKind::kGueChecksum; }

class TunnelKindsError : public testing::TestWithParam<Way> {
 protected:
  TunnelKindsError() {
    const ServiceId service = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, Method::kTunnel);
    real = lb.add_real(service, outside("10.0.0.1"), 80);
    lb.set_tunnel(real, way.kind, is_gue(way.kind) ? kRealsPort : 0);
    lb.publish();
    EXPECT_EQ(lb.send(request().tcp(kTcpSyn)).summary(), "sent 1");
  }
  bool outer_is_v6() const { return way.outer == Family::kIpv6; }
  bool inner_is_v6() const { return way.inner == Family::kIpv6; }
  std::string at(std::string_view ipv4) const { return in_family(way.inner, ipv4); }
  std::string outside(std::string_view ipv4) const { return in_family(way.outer, ipv4); }
  uint32_t added() const { return tunnel_overhead(way.outer, way.kind); }
  PacketBuilder request() const {
    return a_packet().from(at("198.51.100.7"), 40000).to(at("203.0.113.10"), 80).tcp(kTcpAck).df();
  }
  PacketBuilder large() const { return request().payload_of(1400).ttl(63); }
  // What the path to the real saw.
  PacketBuilder ours(const PacketBuilder& inner, uint16_t port = kRealsPort, std::string_view from = "10.0.0.254") const {
    PacketBuilder packet = a_packet().from(outside(from), is_gue(way.kind) ? 50000 : 0);
    packet.to(outside("10.0.0.1"), is_gue(way.kind) ? port : 0);
    if (is_gue(way.kind)) packet.gue(inner);
    else if (way.kind == TunnelKind::kIpip) packet.ipip(inner);
    else packet.gre(inner, way.kind == TunnelKind::kGreChecksum);
    return packet.df().ttl(60);
  }
  PacketBuilder from_path(ErrorKind kind, const PacketBuilder& sent, uint32_t rest = 0) const {
    return icmp_error(kind, quoted(sent, quoted_bytes()), rest)
        .from(outside("10.0.0.99"))
        .to(outside("10.0.0.254"))
        .to_mac(kInsideMac);
  }
  size_t quoted_bytes() const { return outer_is_v6() ? 1280 - 48 : 548; }
  PacketBuilder from_path_too_big(uint32_t mtu) const { return from_path(too_big(outer_is_v6()), ours(large()), mtu); }
  PacketBuilder told(ErrorKind kind, const PacketBuilder& inner, uint32_t rest = 0) const {
    const size_t room = inner_is_v6() ? 1280 - 48 : 548;
    return icmp_error(kind, quoted(inner, std::min(room, quoted_bytes() - added())), rest)
        .from(at("203.0.113.10"))
        .to(at("198.51.100.7"))
        .tos(inner_is_v6() ? 0 : 0xc0)
        .from_mac(kOutsideMac)
        .to_mac(kGatewayMac);
  }
  void expect_told(const Outcome& outcome, const PacketBuilder& expected) {
    ASSERT_EQ(outcome.summary(), "sent 0, dropped tunnel_error");
    EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
    EXPECT_EQ(describe(outcome.sent[0].bytes), describe(expected.bytes()));
    EXPECT_EQ(outcome.sent[0].bytes, expected.bytes());
  }

  const Way way = GetParam();
  WorkerFixture lb;
  RealId real;
};
using TunnelKindsErrorMixed = TunnelKindsError;
using TunnelKindsErrorAlike = TunnelKindsError;
using TunnelKindsErrorGue = TunnelKindsError;

TEST_P(TunnelKindsError, TooBigIsLearnedAndToldToTheClientInItsOwnFamily) {
  expect_told(lb.send(from_path_too_big(1400), kInside), told(too_big(inner_is_v6()), large(), 1400 - added()));
  const auto news = lb.path_mtus();
  ASSERT_EQ(news.size(), 1u);
  EXPECT_EQ(news[0].real, ip(outside("10.0.0.1")));
  EXPECT_EQ(news[0].mtu, 1400);
}

TEST_P(TunnelKindsError, AnotherWrappingThanTheRealsIsForged) {
  const bool is_ipip = way.kind == TunnelKind::kIpip;
  lb.set_tunnel(real, is_ipip ? TunnelKind::kGre : TunnelKind::kIpip);
  lb.publish();
  EXPECT_EQ(lb.send(from_path_too_big(1400), kInside).summary(), "dropped bad_icmp_error");
  EXPECT_THAT(lb.path_mtus(), IsEmpty());
}

TEST_P(TunnelKindsErrorAlike, OtherErrorsAreToldToTheClient) {
  for (const ErrorKind kind : {unreachable(inner_is_v6()), time_exceeded(inner_is_v6())}) {
    expect_told(lb.send(from_path(kind, ours(request())), kInside), told(kind, request()));
  }
}

// Who sends IPv4 can do nothing about an IPv6 router's hop limit, nor the other way round.
TEST_P(TunnelKindsErrorMixed, OtherErrorsStayOurs) {
  for (const ErrorKind kind : {unreachable(outer_is_v6()), time_exceeded(outer_is_v6())}) {
    EXPECT_EQ(lb.send(from_path(kind, ours(request())), kInside).summary(), "dropped tunnel_error");
  }
  EXPECT_THAT(lb.path_mtus(), IsEmpty());
}

TEST_P(TunnelKindsErrorGue, AnotherPortThanTheRealsIsForged) {
  const auto forged = from_path(too_big(outer_is_v6()), ours(large(), kRealsPort + 1), 1400);
  EXPECT_EQ(lb.send(forged, kInside).summary(), "dropped bad_icmp_error");
  EXPECT_THAT(lb.path_mtus(), IsEmpty());
}

// A client's datagram whose payload looks like GUE is a datagram, and an error about it its connection's.
TEST_P(TunnelKindsErrorGue, FromAnAddressThatIsNotOursItIsAUdpPacket) {
  const auto looks_so = from_path(too_big(outer_is_v6()), ours(large(), kRealsPort, "198.51.100.8"), 1400);
  EXPECT_EQ(lb.send(looks_so, kInside).summary(), "kernel 1");
  EXPECT_THAT(lb.path_mtus(), IsEmpty());
}

std::vector<Way> ways_where(bool (*fits)(const Way&)) {
  std::vector<Way> ways;
  for (const Family outer : {Family::kIpv4, Family::kIpv6}) {
    for (const Family inner : {Family::kIpv4, Family::kIpv6}) {
      for (const TunnelKind kind : {TunnelKind::kIpip, TunnelKind::kGre, TunnelKind::kGreChecksum, TunnelKind::kGue,
                                    TunnelKind::kGueChecksum}) {
        if (const Way way{outer, inner, kind}; fits(way)) ways.push_back(way);
      }
    }
  }
  return ways;
}
std::string way_name(const testing::TestParamInfo<Way>& info) {
  constexpr const char* kKinds[] = {"Ipip", "Gre", "GreChecksum", "Gue", "GueChecksum"};
  return std::string(info.param.inner == Family::kIpv4 ? "Ipv4In" : "Ipv6In") +
         (info.param.outer == Family::kIpv4 ? "Ipv4" : "Ipv6") + kKinds[static_cast<size_t>(info.param.kind)];
}
bool is_any(const Way&) { return true; }
bool is_alike(const Way& way) { return way.outer == way.inner; }
bool is_mixed(const Way& way) { return way.outer != way.inner; }
bool is_by_gue(const Way& way) { return is_gue(way.kind); }

INSTANTIATE_TEST_SUITE_P(All, TunnelKindsError, testing::ValuesIn(ways_where(is_any)), way_name);
INSTANTIATE_TEST_SUITE_P(All, TunnelKindsErrorAlike, testing::ValuesIn(ways_where(is_alike)), way_name);
INSTANTIATE_TEST_SUITE_P(All, TunnelKindsErrorMixed, testing::ValuesIn(ways_where(is_mixed)), way_name);
INSTANTIATE_TEST_SUITE_P(All, TunnelKindsErrorGue, testing::ValuesIn(ways_where(is_by_gue)), way_name);

}  // namespace
}  // namespace shunt::dataplane
