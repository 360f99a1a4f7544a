// IPsec's packets follow the connection of ISAKMP, UDP port 500 on both sides (ip_vs_proto_ah_esp.c).
#include <gmock/gmock.h>

#include <algorithm>
#include <memory>

#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

constexpr uint8_t kEsp = 50;
constexpr uint8_t kAh = 51;

class Ipsec : public InBothFamilies {
 protected:
  void serve_by(Method method, uint32_t workers = 1) {
    lb = std::make_unique<WorkerFixture>(workers);
    service = lb->add_service(Protocol::kUdp, at("203.0.113.10"), 500, method);
    real = lb->add_real(service, at("10.0.0.1"), 500);
    if (method == Method::kFullnat) lb->add_local_address(service, at("10.0.1.250"));
    lb->publish();
  }
  static PacketBuilder client() { return a_packet().from(at("198.51.100.7"), 500).to(at("203.0.113.10"), 500); }
  static PacketBuilder sealed(uint8_t protocol, size_t bytes = 100) {
    return client().protocol(protocol).payload_of(bytes);
  }
  std::optional<ConnectionCopy> isakmp(uint32_t worker = 0) { return lb->copy_of(client().udp(), worker); }

  // The worker to whose queue a steered port brings ISAKMP's packet.
  uint32_t by_rss() const {
    const IpAddress source = ip(at("198.51.100.7"));
    const IpAddress destination = ip(at("203.0.113.10"));
    const Be16 port = Be16::from_host(500);
    if (is_v6()) return lb->steering().owner_of(FlowKey6{source.bytes, destination.bytes, port, port, 17});
    return lb->steering().owner_of(FlowKey{source.v4(), destination.v4(), port, port, 17});
  }

  std::unique_ptr<WorkerFixture> lb;
  ServiceId service;
  RealId real;
};

TEST_P(Ipsec, WithoutIsakmpItIsLinuxs) {
  for (const Method method : {Method::kDirect, Method::kTunnel, Method::kNat, Method::kFullnat}) {
    serve_by(method);
    for (const uint8_t protocol : {kEsp, kAh}) {
      EXPECT_EQ(lb->send(sealed(protocol)).summary(), "kernel 0");
      EXPECT_EQ(lb->connections(GetParam()), 0u) << "none is opened";
    }
  }
}

TEST_P(Ipsec, DirectSendsItToIsakmpsReal) {
  serve_by(Method::kDirect);
  lb->send(client().udp());
  for (const uint8_t protocol : {kEsp, kAh}) {
    for (const size_t bytes : {0u, 1u, 8u, 1400u}) {
      expect_sent(lb->send(sealed(protocol, bytes)), kInside,
                  sealed(protocol, bytes).ttl(63).from_mac(kInsideMac).to_mac(real_mac(real)));
    }
  }
  EXPECT_EQ(isakmp()->in_packets, 9u);
}

TEST_P(Ipsec, EveryFragmentFollowsByItself) {
  serve_by(Method::kDirect);
  lb->send(client().udp());
  for (const uint16_t offset : {48, 0, 96}) {
    const auto piece = [&] {
      const bool more = offset < 96;
      if (!is_v6()) return sealed(kEsp, 48).fragment(offset, more);
      return sealed(kEsp, 48).extension(44, {0, static_cast<uint8_t>(offset | (more ? 1 : 0)), 1, 2, 3, 4});
    };
    expect_sent(lb->send(piece()), kInside, piece().ttl(63).from_mac(kInsideMac).to_mac(real_mac(real)));
  }
}

TEST_P(Ipsec, TunnelWrapsIt) {
  serve_by(Method::kTunnel);
  lb->send(client().udp());
  const Outcome outcome = lb->send(sealed(kEsp));
  ASSERT_EQ(outcome.summary(), "sent 1");
  const Bytes inner = sealed(kEsp).ttl(63).ip_bytes();
  const Bytes& sent = outcome.sent[0].bytes;
  EXPECT_TRUE(std::equal(inner.rbegin(), inner.rend(), sent.rbegin())) << describe(sent);
}

TEST_P(Ipsec, NatExchangesAddressesAndLeavesTheRest) {
  serve_by(Method::kNat);
  lb->send(client().udp());
  for (const uint8_t protocol : {kEsp, kAh}) {
    expect_sent(lb->send(sealed(protocol)), kInside,
                a_packet()
                    .from(at("198.51.100.7"))
                    .to(at("10.0.0.1"))
                    .protocol(protocol)
                    .payload_of(100)
                    .ttl(63)
                    .from_mac(kInsideMac)
                    .to_mac(real_mac(real)));
    expect_sent(lb->send(a_packet()
                             .from(at("10.0.0.1"))
                             .to(at("198.51.100.7"))
                             .to_mac(kInsideMac)
                             .protocol(protocol)
                             .payload_of(100),
                         kInside),
                kOutside,
                a_packet()
                    .from(at("203.0.113.10"))
                    .to(at("198.51.100.7"))
                    .protocol(protocol)
                    .payload_of(100)
                    .ttl(63)
                    .from_mac(kOutsideMac)
                    .to_mac(kGatewayMac));
  }
}

// A reply would have no port to tell whose it is.
TEST_P(Ipsec, FullnatLeavesItToLinux) {
  serve_by(Method::kFullnat);
  lb->send(client().udp());
  EXPECT_EQ(lb->send(sealed(kEsp)).summary(), "kernel 0");
}

TEST_P(Ipsec, ItKeepsIsakmpsConnectionAlive) {
  serve_by(Method::kDirect);
  lb->send(client().udp());
  for (int i = 0; i < 5; ++i) {
    lb->advance(200000);
    EXPECT_EQ(lb->send(sealed(kEsp)).summary(), "sent 1");
  }
  lb->advance(300001);
  EXPECT_EQ(lb->send(sealed(kEsp)).summary(), "kernel 0");
}

TEST_P(Ipsec, OtherPortsUdpTellsNothing) {
  serve_by(Method::kDirect);
  lb->send(client().from(at("198.51.100.7"), 501).udp());
  EXPECT_EQ(lb->send(sealed(kEsp)).summary(), "kernel 0");
}

// ISAKMP's packets come to the worker that the port's RSS says, or are handed to their client's; IPsec's may come
// to any.
TEST_P(Ipsec, IsHandedToTheWorkerOfIsakmp) {
  constexpr uint32_t kWorkers = 4;
  for (const Method method : {Method::kDirect, Method::kTunnel, Method::kNat}) {
    serve_by(method, kWorkers);
    uint32_t home = by_rss();
    if (const Outcome first = lb->send(client().udp(), kOutside, home); !first.handed_to.empty()) {
      home = first.handed_to[0];
      lb->serve_inbox(home);
    }
    ASSERT_TRUE(isakmp(home));
    for (uint32_t arrival = 0; arrival < kWorkers; ++arrival) {
      const Outcome outcome = lb->send(sealed(kEsp), kOutside, arrival);
      if (arrival == home) {
        EXPECT_EQ(outcome.summary(), "sent 1");
        continue;
      }
      EXPECT_EQ(outcome.summary(), "handed to " + std::to_string(home));
      EXPECT_EQ(lb->serve_inbox(home).summary(), "sent 1");
    }
    // Once there is no connection, it comes to its end at the owner.
    lb->advance(300001, home);
    const uint32_t other = (home + 1) % kWorkers;
    EXPECT_EQ(lb->send(sealed(kEsp), kOutside, other).summary(), "handed to " + std::to_string(home));
    EXPECT_EQ(lb->serve_inbox(home).summary(), "kernel 0");
  }
}

INSTANTIATE_TEST_SUITE_P(Families, Ipsec, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
