#include "dataplane/forwarding/tunnel.h"

#include <gmock/gmock.h>

#include <cstring>

#include "tests/dataplane/buffers.h"
#include "tests/dataplane/forwarding/variants.h"
#include "tests/support/eal.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class Tunnel : public InBothFamilies {
 protected:
  Tunnel() {
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
      const ServiceId service = lb.add_service(protocol, at("203.0.113.10"), 80, Method::kTunnel);
      reals.push_back(lb.add_real(service, at(protocol == Protocol::kTcp ? "10.0.0.1" : "10.0.0.2"), 80));
      lb.hop_of(reals.back()).mtu = static_cast<uint16_t>(1500 + tunnel_overhead(GetParam()));
    }
    lb.publish();
  }

  static PacketBuilder client(uint16_t port) {
    return a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 80);
  }
  // What leaves for `inner` after one hop.
  PacketBuilder wrapped(const PacketBuilder& inner, bool is_udp, uint16_t id) {
    return a_packet()
        .from(at("10.0.0.254"))
        .to(at(is_udp ? "10.0.0.2" : "10.0.0.1"))
        .ipip(inner)
        .ttl(63)
        .id(id)
        .from_mac(kInsideMac)
        .to_mac(real_mac(reals[is_udp]));
  }

  WorkerFixture lb;
  std::vector<RealId> reals;
};

TEST_P(Tunnel, PacketTravelsInsideAnother) {
  uint16_t port = 40000;
  uint16_t id = 0;
  for (const Variant& variant : variants(GetParam())) {
    SCOPED_TRACE(variant.name);
    lb.send(client(++port).tcp(kTcpSyn));
    ++id;
    auto request = client(port);
    variant.apply(request);
    auto expected = wrapped(PacketBuilder(request).ttl(63), variant.is_udp, id++);
    // The outer header takes over the inner's DSCP, ECN and DF, or flow label.
    if (variant.name == "TCP marked DSCP and ECN") expected.tos(0xba | 3);
    if (variant.name == "SYN with options" || variant.name == "TCP at the MTU") expected.df();
    if (variant.name == "TCP with a flow label") expected.tos(0xba | 1).flow_label(0xabcde);
    if (variant.name == "TCP behind every kind of extension header") expected.flow_label(1);
    expect_sent(lb.send(request), kInside, expected);
  }
}

// 70 bytes: more than the shortest frame of either family, so that both have some.
TEST_P(Tunnel, EthernetPaddingStaysBehind) {
  const auto request = client(40000).udp();
  expect_sent(lb.send(PacketBuilder(request).padded_to(70)), kInside,
              wrapped(PacketBuilder(request).ttl(63), true, 0));
}

TEST_P(Tunnel, PacketInTwoBuffersIsWrappedAndItsPaddingCut) {
  const auto request = client(40000).udp().payload_of(300);
  const Bytes padded = PacketBuilder(request).padded_to(400).bytes();
  expect_sent(lb.send_mbufs({in_two_buffers(padded, 100)}), kInside,
              wrapped(PacketBuilder(request).ttl(63), true, 0));
}

TEST_P(Tunnel, MtuLeavesRoomForTheOuterHeader) {
  lb.hop_of(reals[0]).mtu = 1500;
  lb.publish();
  lb.send(client(40000).tcp(kTcpSyn));
  const auto data = client(40000).tcp(kTcpAck).df();
  const size_t fits = is_v6() ? 1400 : 1440;
  EXPECT_EQ(lb.send(PacketBuilder(data).payload_of(fits)).summary(), "sent 1");
  const Outcome outcome = lb.send(PacketBuilder(data).payload_of(fits + 1));
  ASSERT_EQ(outcome.summary(), "sent 0, dropped too_big");
  const Bytes& answer = outcome.sent[0].bytes;
  EXPECT_EQ(checksum_errors(answer), "");
  EXPECT_EQ(answer[l4_place() + 6] << 8 | answer[l4_place() + 7], is_v6() ? 1460 : 1480) << describe(answer);
}

TEST_P(Tunnel, BufferWithoutHeadroomIsACountedDrop) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(mbuf_pool());
  mbuf->data_off = static_cast<uint16_t>(tunnel_overhead(GetParam()) - 1);
  const Bytes frame = client(40000).udp().bytes();
  std::memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.size())), frame.data(), frame.size());
  mbuf->port = kOutside;
  EXPECT_EQ(lb.send_mbufs({mbuf}).summary(), "dropped no_mbuf");
}

INSTANTIATE_TEST_SUITE_P(Families, Tunnel, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
