#include "dataplane/forwarding/tunnel.h"

#include <gmock/gmock.h>

#include "tests/dataplane/forwarding/variants.h"
#include "tests/support/eal.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class Tunnel : public testing::Test {
 protected:
  Tunnel() {
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
      const ServiceId service = lb.add_service(protocol, "203.0.113.10", 80, Method::kTunnel);
      reals.push_back(
          lb.add_real(service, protocol == Protocol::kTcp ? "10.0.0.1" : "10.0.0.2", 80));
      lb.hop_of(reals.back()).mtu = 1520;
    }
    lb.publish();
  }

  // What leaves for `inner` after one hop.
  PacketBuilder wrapped(const PacketBuilder& inner, bool is_udp, uint16_t id) {
    return a_packet()
        .from("10.0.0.254")
        .to(is_udp ? "10.0.0.2" : "10.0.0.1")
        .ipip(inner)
        .ttl(63)
        .id(id)
        .from_mac(kInsideMac)
        .to_mac(real_mac(reals[is_udp]));
  }

  WorkerFixture lb;
  std::vector<RealId> reals;
};

TEST_F(Tunnel, PacketTravelsInsideAnother) {
  uint16_t port = 40000;
  uint16_t id = 0;
  for (const Variant& variant : variants()) {
    SCOPED_TRACE(variant.name);
    lb.send(a_packet().from("198.51.100.7", ++port).to("203.0.113.10", 80).tcp(kTcpSyn));
    ++id;
    auto request = a_packet().from("198.51.100.7", port).to("203.0.113.10", 80);
    variant.apply(request);
    auto expected = wrapped(PacketBuilder(request).ttl(63), variant.is_udp, id++);
    // The outer header takes over the inner's DSCP, ECN and DF.
    if (variant.name == "TCP marked DSCP and ECN") expected.tos(0xba | 3);
    if (variant.name == "SYN with options" || variant.name == "TCP at the MTU") expected.df();
    expect_sent(lb.send(request), kInside, expected);
  }
}

TEST_F(Tunnel, EthernetPaddingStaysBehind) {
  const auto request = a_packet().from("198.51.100.7", 40000).to("203.0.113.10", 80).udp();
  expect_sent(lb.send(PacketBuilder(request).padded_to(60)), kInside,
              wrapped(PacketBuilder(request).ttl(63), true, 0));
}

TEST_F(Tunnel, MtuLeavesRoomForTheOuterHeader) {
  lb.hop_of(reals[0]).mtu = 1500;
  lb.publish();
  const auto syn = a_packet().from("198.51.100.7", 40000).to("203.0.113.10", 80).tcp(kTcpSyn);
  lb.send(syn);
  const auto data = a_packet().from("198.51.100.7", 40000).to("203.0.113.10", 80).tcp(kTcpAck).df();
  EXPECT_EQ(lb.send(PacketBuilder(data).payload_of(1440)).summary(), "sent 1");
  const Outcome outcome = lb.send(PacketBuilder(data).payload_of(1441));
  ASSERT_EQ(outcome.summary(), "sent 0, dropped too_big");
  const Bytes& answer = outcome.sent[0].bytes;
  EXPECT_EQ(checksum_errors(answer), "");
  EXPECT_EQ(answer[14 + 20 + 6] << 8 | answer[14 + 20 + 7], 1480) << describe(answer);
}

TEST_F(Tunnel, BufferWithoutHeadroomIsACountedDrop) {
  const auto request = a_packet().from("198.51.100.7", 40000).to("203.0.113.10", 80).udp();
  rte_mbuf* mbuf = rte_pktmbuf_alloc(mbuf_pool());
  mbuf->data_off = 16;
  const Bytes frame = request.bytes();
  std::memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.size())), frame.data(),
              frame.size());
  mbuf->port = kOutside;
  EXPECT_EQ(lb.send_mbufs({mbuf}).summary(), "dropped no_mbuf");
}

}  // namespace
}  // namespace shunt::dataplane
