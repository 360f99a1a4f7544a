#include "dataplane/forwarding/tunnel.h"

#include <gmock/gmock.h>

#include <cstring>
#include <set>

#include "tests/dataplane/buffers.h"
#include "tests/dataplane/forwarding/variants.h"
#include "tests/support/eal.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;
using Family = AddressFamily;

constexpr uint16_t kSomePort = 6080;

// Which packet travels in which.
struct Wrap {
  Family inner;
  Family outer;
  TunnelKind kind;
};

constexpr bool has_checksum(TunnelKind kind) {
  return kind == TunnelKind::kGreChecksum || kind == TunnelKind::kGueChecksum;
}
constexpr bool is_gue(TunnelKind kind) { return kind == TunnelKind::kGue || kind == TunnelKind::kGueChecksum; }
// An IPv4 packet inside of IPv6 has a flow label of the tunnel's own.
constexpr bool has_own_label(const Wrap& wrap) { return wrap.outer == Family::kIpv6 && wrap.inner == Family::kIpv4; }

uint32_t be16(const Bytes& frame, size_t at) { return frame[at] << 8u | frame[at + 1u]; }

class Tunnel : public testing::TestWithParam<Wrap> {
 protected:
  Tunnel() {
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
      const ServiceId service = lb.add_service(protocol, at("203.0.113.10"), 80, Method::kTunnel);
      reals.push_back(lb.add_real(service, outside(real_address(protocol == Protocol::kUdp)), 80));
      lb.set_tunnel(reals.back(), wrap.kind, is_gue(wrap.kind) ? kSomePort : 0);
      lb.hop_of(reals.back()).mtu = static_cast<uint16_t>(1500 + overhead());
    }
    lb.publish();
  }

  uint32_t overhead() const { return tunnel_overhead(wrap.outer, wrap.kind); }
  bool inner_is_v6() const { return wrap.inner == Family::kIpv6; }
  bool outer_is_v6() const { return wrap.outer == Family::kIpv6; }
  std::string at(std::string_view ipv4) const { return in_family(wrap.inner, ipv4); }
  std::string outside(std::string_view ipv4) const { return in_family(wrap.outer, ipv4); }
  static const char* real_address(bool is_udp) { return is_udp ? "10.0.0.2" : "10.0.0.1"; }

  PacketBuilder client(uint16_t port) const {
    return a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 80);
  }

  // What a flow's outer headers have of its own, as the frame says: nothing but its range is promised.
  uint16_t flow_port(const Bytes& frame) const {
    const auto port = static_cast<uint16_t>(be16(frame, outer_is_v6() ? 54 : 34));
    EXPECT_GE(port, 49152);
    return port;
  }
  static uint32_t flow_label(const Bytes& frame) { return (be16(frame, 14) & 0xfu) << 16 | be16(frame, 16); }

  // What leaves for `inner` after one hop. `sent`: the frame, for its flow's port and label.
  PacketBuilder wrapped(const PacketBuilder& inner, bool is_udp, uint16_t id, const Bytes& sent) const {
    auto packet = a_packet();
    packet.from(outside("10.0.0.254"), is_gue(wrap.kind) ? flow_port(sent) : 0);
    packet.to(outside(real_address(is_udp)), kSomePort);
    if (is_gue(wrap.kind)) packet.gue(inner);
    else if (wrap.kind == TunnelKind::kIpip) packet.ipip(inner);
    else packet.gre(inner, has_checksum(wrap.kind));
    if (!has_checksum(wrap.kind)) packet.no_udp_checksum();
    if (has_own_label(wrap)) packet.flow_label(flow_label(sent));
    return packet.ttl(63).id(id).from_mac(kInsideMac).to_mac(real_mac(reals[is_udp]));
  }
  void expect_wrapped(const Outcome& outcome, const PacketBuilder& inner, bool is_udp, uint16_t id) const {
    ASSERT_EQ(outcome.summary(), "sent 1");
    expect_sent(outcome, kInside, wrapped(inner, is_udp, id, outcome.sent[0].bytes));
  }

  const Wrap wrap = GetParam();
  WorkerFixture lb;
  std::vector<RealId> reals;
};

class TunnelOfIpv6 : public Tunnel {};
class TunnelThatTellsFlows : public Tunnel {};
class GueTunnel : public Tunnel {};
class GueTunnelWithChecksum : public Tunnel {};

TEST_P(Tunnel, PacketTravelsInsideAnother) {
  uint16_t port = 40000;
  uint16_t id = 0;
  for (const Variant& variant : variants(wrap.inner)) {
    SCOPED_TRACE(variant.name);
    const Outcome first = lb.send(client(++port).tcp(kTcpSyn));
    ++id;
    auto request = client(port);
    variant.apply(request);
    const Outcome outcome = lb.send(request);
    ASSERT_EQ(outcome.summary(), "sent 1");
    auto expected = wrapped(PacketBuilder(request).ttl(63), variant.is_udp, id++, outcome.sent[0].bytes);
    // The outer header takes over the inner's DSCP, ECN and DF, or flow label.
    if (variant.name == "TCP marked DSCP and ECN") expected.tos(0xba | 3);
    if ((variant.name == "SYN with options" || variant.name == "TCP at the MTU") && !inner_is_v6()) expected.df();
    if (variant.name == "TCP with a flow label") expected.tos(0xba | 1).flow_label(0xabcde);
    if (variant.name == "TCP behind every kind of extension header") expected.flow_label(1);
    expect_sent(outcome, kInside, expected);
    // All of a flow goes one way.
    if (variant.is_udp) continue;
    if (is_gue(wrap.kind)) {
      EXPECT_EQ(flow_port(first.sent[0].bytes), flow_port(outcome.sent[0].bytes));
    }
    if (has_own_label(wrap)) {
      EXPECT_EQ(flow_label(first.sent[0].bytes), flow_label(outcome.sent[0].bytes));
    }
  }
}

// 70 bytes: more than the shortest frame of either family, so that both have some.
TEST_P(Tunnel, EthernetPaddingStaysBehind) {
  const auto request = client(40000).udp();
  expect_wrapped(lb.send(PacketBuilder(request).padded_to(70)), PacketBuilder(request).ttl(63), true, 0);
}

TEST_P(Tunnel, PacketInTwoBuffersIsWrappedAndItsPaddingCut) {
  uint16_t id = 0;
  for (const size_t bytes : {300, 301}) {
    for (const size_t first : {100, 101}) {
      SCOPED_TRACE(std::to_string(bytes) + " bytes, the first buffer ends at " + std::to_string(first));
      const auto request = client(40000).udp().payload_of(bytes);
      const Bytes padded = PacketBuilder(request).padded_to(400).bytes();
      expect_wrapped(lb.send_mbufs({in_two_buffers(padded, first)}), PacketBuilder(request).ttl(63), true, id++);
    }
  }
}

TEST_P(Tunnel, MtuLeavesRoomForTheOuterHeaders) {
  lb.hop_of(reals[0]).mtu = 1500;
  lb.publish();
  lb.send(client(40000).tcp(kTcpSyn));
  const auto data = client(40000).tcp(kTcpAck).df();
  const size_t fits = 1500 - overhead() - (inner_is_v6() ? 60 : 40);
  const Outcome largest = lb.send(PacketBuilder(data).payload_of(fits));
  ASSERT_EQ(largest.summary(), "sent 1");
  EXPECT_EQ(largest.sent[0].bytes.size(), 1514u);
  const Outcome outcome = lb.send(PacketBuilder(data).payload_of(fits + 1));
  ASSERT_EQ(outcome.summary(), "sent 0, dropped too_big");
  const Bytes& answer = outcome.sent[0].bytes;
  EXPECT_EQ(checksum_errors(answer), "");
  EXPECT_EQ(be16(answer, (inner_is_v6() ? 54 : 34) + 6), 1500 - overhead()) << describe(answer);
}

// RFC 8201 section 4.
TEST_P(TunnelOfIpv6, NobodyIsToldLessThanIpv6sLeastMtu) {
  lb.hop_of(reals[0]).mtu = static_cast<uint16_t>(1279 + overhead());
  lb.publish();
  lb.send(client(40000).tcp(kTcpSyn));
  const Outcome outcome = lb.send(client(40000).tcp(kTcpAck).payload_of(1400));
  ASSERT_EQ(outcome.summary(), "sent 0, dropped too_big");
  const Bytes& answer = outcome.sent[0].bytes;
  EXPECT_EQ(checksum_errors(answer), "");
  EXPECT_EQ(be16(answer, 60), 1280u) << describe(answer);
}

TEST_P(Tunnel, BufferWithoutHeadroomIsACountedDrop) {
  for (const uint32_t missing : {1u, 0u}) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(mbuf_pool());
    mbuf->data_off = static_cast<uint16_t>(overhead() - missing);
    const Bytes frame = client(40000).udp().bytes();
    std::memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.size())), frame.data(), frame.size());
    mbuf->port = kOutside;
    EXPECT_EQ(lb.send_mbufs({mbuf}).summary(), missing > 0 ? "dropped no_mbuf" : "sent 1");
  }
}

TEST_P(Tunnel, PortWithoutAnAddressOfTheOuterFamilyIsACountedDrop) {
  lb.hop_of(reals[1]).local_address = IpAddress{wrap.outer, {}};
  lb.publish();
  EXPECT_EQ(lb.send(client(40000).udp()).summary(), "dropped no_local_address");
}

// So that whoever spreads by the outer headers alone tells flows apart.
TEST_P(TunnelThatTellsFlows, FlowsDifferInTheOuterHeaders) {
  std::set<uint32_t> seen;
  for (uint16_t port = 40000; port < 40100; ++port) {
    const Outcome outcome = lb.send(client(port).udp());
    ASSERT_EQ(outcome.summary(), "sent 1");
    const Bytes& frame = outcome.sent[0].bytes;
    seen.insert(is_gue(wrap.kind) ? flow_port(frame) : flow_label(frame));
  }
  EXPECT_GT(seen.size(), 90u);
}

TEST_P(GueTunnel, GoesToTheRealsPort) {
  lb.set_tunnel(reals[1], wrap.kind, 0x1234);
  lb.publish();
  EXPECT_EQ(be16(lb.send(client(40000).udp()).sent.at(0).bytes, (outer_is_v6() ? 54 : 34) + 2), 0x1234u);
}

// 0 would say that there is no checksum (RFC 768).
TEST_P(GueTunnelWithChecksum, ZeroIsWrittenAsOnes) {
  auto request = client(40000).udp().no_udp_checksum().payload(Bytes{0, 0});
  const Outcome plain = lb.send(request);
  const size_t checksum_place = (outer_is_v6() ? 54 : 34) + 6;
  const Bytes& frame = plain.sent.at(0).bytes;
  // The complement of the sum so far: with it in the data, the sum is all ones.
  request.payload(Bytes{frame.at(checksum_place), frame.at(checksum_place + 1)});
  const Outcome outcome = lb.send(request);
  EXPECT_EQ(be16(outcome.sent.at(0).bytes, checksum_place), 0xffffu);
  expect_wrapped(outcome, request.ttl(63), true, 1);
}

template <typename Condition>
std::vector<Wrap> wraps_where(Condition condition) {
  std::vector<Wrap> found;
  for (const Family inner : {Family::kIpv4, Family::kIpv6}) {
    for (const Family outer : {Family::kIpv4, Family::kIpv6}) {
      for (const TunnelKind kind : {TunnelKind::kIpip, TunnelKind::kGre, TunnelKind::kGreChecksum, TunnelKind::kGue,
                                    TunnelKind::kGueChecksum}) {
        if (const Wrap wrap{inner, outer, kind}; condition(wrap)) found.push_back(wrap);
      }
    }
  }
  return found;
}

std::string wrap_name(const testing::TestParamInfo<Wrap>& info) {
  constexpr const char* kKinds[] = {"Ipip", "Gre", "GreWithChecksum", "Gue", "GueWithChecksum"};
  const Wrap& wrap = info.param;
  return std::string(kKinds[static_cast<size_t>(wrap.kind)]) + (wrap.inner == Family::kIpv4 ? "4in" : "6in") +
         (wrap.outer == Family::kIpv4 ? "4" : "6");
}

bool any(const Wrap&) { return true; }
bool of_ipv6(const Wrap& wrap) { return wrap.inner == Family::kIpv6; }
bool tells_flows(const Wrap& wrap) { return is_gue(wrap.kind) || has_own_label(wrap); }
bool by_gue(const Wrap& wrap) { return is_gue(wrap.kind); }
bool by_gue_with_checksum(const Wrap& wrap) { return wrap.kind == TunnelKind::kGueChecksum; }

INSTANTIATE_TEST_SUITE_P(All, Tunnel, testing::ValuesIn(wraps_where(any)), wrap_name);
INSTANTIATE_TEST_SUITE_P(All, TunnelOfIpv6, testing::ValuesIn(wraps_where(of_ipv6)), wrap_name);
INSTANTIATE_TEST_SUITE_P(All, TunnelThatTellsFlows, testing::ValuesIn(wraps_where(tells_flows)), wrap_name);
INSTANTIATE_TEST_SUITE_P(All, GueTunnel, testing::ValuesIn(wraps_where(by_gue)), wrap_name);
INSTANTIATE_TEST_SUITE_P(All, GueTunnelWithChecksum, testing::ValuesIn(wraps_where(by_gue_with_checksum)), wrap_name);

}  // namespace
}  // namespace shunt::dataplane
