#include "dataplane/track.h"

#include <gmock/gmock.h>

#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class Track : public InBothFamilies {
 protected:
  void serve(Method method) {
    const ServiceId service = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, method);
    lb.add_local_address(service, at("10.0.0.100"));
    real = lb.add_real(service, at("10.0.0.1"), 80);
    lb.publish();
  }
  static PacketBuilder client() {
    return a_packet().from(at("198.51.100.7"), 40000).to(at("203.0.113.10"), 80);
  }
  std::optional<ConnectionCopy> connection() { return lb.copy_of(client().tcp(kTcpSyn)); }
  ConnectionState request(uint8_t flags) {
    EXPECT_EQ(lb.send(client().tcp(flags)).summary(), "sent 1");
    return connection()->state;
  }
  ConnectionState reply(uint8_t flags) {
    const IpFlow key = connection()->reply;
    auto packet = a_packet().from(at("10.0.0.1"), 80).to_mac(kInsideMac).tcp(flags);
    if (connection()->method == Method::kFullnat)
      packet.to(at("10.0.0.100"), key.destination_port.host());
    else
      packet.to(at("198.51.100.7"), 40000);
    EXPECT_EQ(lb.send(packet, kInside).summary(), "sent 0");
    return connection()->state;
  }
  uint32_t active() { return lb.counters(real).active.load(); }
  uint32_t inactive() { return lb.counters(real).inactive.load(); }

  WorkerFixture lb;
  RealId real;
};

TEST_P(Track, ConnectionsLifeUnderNat) {
  serve(Method::kNat);
  EXPECT_EQ(request(kTcpSyn), ConnectionState::kSynRecv);
  EXPECT_EQ(active(), 1u);
  EXPECT_EQ(reply(kTcpSyn | kTcpAck), ConnectionState::kSynRecv);
  EXPECT_EQ(request(kTcpAck), ConnectionState::kEstablished);
  EXPECT_EQ(request(kTcpAck | kTcpPsh), ConnectionState::kEstablished);
  EXPECT_EQ(active(), 1u);
  EXPECT_EQ(request(kTcpFin | kTcpAck), ConnectionState::kCloseWait);
  EXPECT_EQ(active(), 0u);
  EXPECT_EQ(inactive(), 1u);
  EXPECT_EQ(reply(kTcpFin | kTcpAck), ConnectionState::kTimeWait);
  EXPECT_EQ(request(kTcpAck), ConnectionState::kTimeWait);
  EXPECT_EQ(inactive(), 1u);
  lb.advance(120001);
  EXPECT_FALSE(connection());
  EXPECT_EQ(inactive(), 0u);
}

TEST_P(Track, ConnectionsLifeUnderFullnatEndedByTheReal) {
  serve(Method::kFullnat);
  request(kTcpSyn);
  reply(kTcpSyn | kTcpAck);
  request(kTcpAck);
  EXPECT_EQ(reply(kTcpFin | kTcpAck), ConnectionState::kFinWait);
  EXPECT_EQ(request(kTcpFin | kTcpAck), ConnectionState::kTimeWait);
}

TEST_P(Track, OneWayMethodsUseTheInputOnlyTable) {
  for (const Method method : {Method::kDirect, Method::kTunnel}) {
    WorkerFixture one_way;
    const ServiceId service = one_way.add_service(Protocol::kTcp, at("203.0.113.10"), 80, method);
    one_way.add_real(service, at("10.0.0.1"), 80);
    one_way.publish();
    one_way.send(client().tcp(kTcpSyn));
    one_way.send(client().tcp(kTcpAck));
    one_way.send(client().tcp(kTcpFin | kTcpAck));
    // The plain input table would say CLOSE_WAIT.
    EXPECT_EQ(one_way.copy_of(client().tcp(kTcpSyn))->state, ConnectionState::kFinWait);
  }
}

TEST_P(Track, ResetClosesAndASpoofedOneInTheHandshakeDoesNot) {
  serve(Method::kNat);
  request(kTcpSyn);
  EXPECT_EQ(request(kTcpRst), ConnectionState::kSynRecv);
  request(kTcpAck);
  EXPECT_EQ(request(kTcpRst), ConnectionState::kClose);
  EXPECT_EQ(active(), 0u);
}

TEST_P(Track, EveryStateHasItsTimeout) {
  serve(Method::kNat);
  const auto left = [&] { return connection()->expires_in_ms; };
  request(kTcpSyn);
  EXPECT_EQ(left(), 60000);
  request(kTcpAck);
  EXPECT_EQ(left(), 900000);
  request(kTcpFin);
  EXPECT_EQ(left(), 60000);
  reply(kTcpFin);
  EXPECT_EQ(left(), 120000);
}

TEST_P(Track, EveryPacketStartsTheTimeoutAnew) {
  serve(Method::kNat);
  request(kTcpSyn);
  request(kTcpAck);
  lb.advance(899999);
  ASSERT_TRUE(connection());
  request(kTcpAck);
  lb.advance(899999);
  EXPECT_TRUE(connection());
  lb.advance(1);
  EXPECT_FALSE(connection());
}

TEST_P(Track, TimeoutsAreTheServicesOwn) {
  lb.timeouts()[static_cast<size_t>(ConnectionState::kSynRecv)] = 1234;
  serve(Method::kNat);
  request(kTcpSyn);
  EXPECT_EQ(connection()->expires_in_ms, 1234);
}

// Nobody swept: the packet itself must notice.
TEST_P(Track, PacketOfAnExpiredConnectionIsLate) {
  serve(Method::kNat);
  request(kTcpSyn);
  request(kTcpAck);
  lb.worker().now += 900000;
  EXPECT_EQ(lb.send(client().tcp(kTcpAck)).summary(), "kernel 0");
  EXPECT_FALSE(connection());
  EXPECT_EQ(active() + inactive(), 0u);
}

TEST_P(Track, ExpiryWorksAroundTheClocksWrap) {
  serve(Method::kNat);
  lb.worker().now = UINT32_MAX - 1000;
  request(kTcpSyn);
  request(kTcpAck);
  lb.advance(2000);
  EXPECT_TRUE(connection());
  lb.advance(898000);
  EXPECT_FALSE(connection());
}

TEST_P(Track, TrafficIsCountedPerRealAndConnection) {
  serve(Method::kNat);
  request(kTcpSyn);
  reply(kTcpSyn | kTcpAck);
  lb.send(client().tcp(kTcpAck).payload_of(60));
  const RealCounters& counters = lb.counters(real);
  EXPECT_EQ(counters.in_packets.read(), 2u);
  const uint32_t headers = is_v6() ? 60 : 40;
  EXPECT_EQ(counters.in_bytes.read(), 2 * headers + 60);
  EXPECT_EQ(counters.out_packets.read(), 1u);
  EXPECT_EQ(counters.out_bytes.read(), headers);
  EXPECT_EQ(connection()->in_packets, 2u);
  EXPECT_EQ(connection()->out_packets, 1u);
}

TEST_P(Track, DroppedPacketsMoveNoStateAndCountNoTraffic) {
  serve(Method::kNat);
  request(kTcpSyn);
  request(kTcpAck);
  lb.send(client().tcp(kTcpRst).ttl(1));
  EXPECT_EQ(connection()->state, ConnectionState::kEstablished);
  EXPECT_EQ(lb.counters(real).in_packets.read(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Families, Track, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
