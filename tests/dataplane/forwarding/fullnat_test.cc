#include "dataplane/forwarding/fullnat.h"

#include <gmock/gmock.h>

#include <set>

#include "dataplane/local_ports.h"
#include "tests/dataplane/forwarding/variants.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class Fullnat : public testing::Test {
 protected:
  Fullnat() {
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
      const ServiceId service = lb.add_service(protocol, "203.0.113.10", 80, Method::kFullnat);
      lb.add_local_address(service, "10.0.0.100");
      reals.push_back(
          lb.add_real(service, protocol == Protocol::kTcp ? "10.0.0.1" : "10.0.0.2", 8080));
      services.push_back(service);
    }
    lb.publish();
  }

  static const char* address(bool is_udp) { return is_udp ? "10.0.0.2" : "10.0.0.1"; }
  static PacketBuilder client(uint16_t port) {
    return a_packet().from("198.51.100.7", port).to("203.0.113.10", 80);
  }
  // Opens a connection and says which local port it got.
  uint16_t open(uint16_t port, bool is_udp) {
    const auto first = is_udp ? client(port).udp() : client(port).tcp(kTcpSyn);
    EXPECT_EQ(lb.send(first).summary(), "sent 1");
    const Connection* connection = lb.connection_of(first);
    return connection == nullptr ? 0 : connection->reply.destination_port.host();
  }

  WorkerFixture lb;
  std::vector<ServiceId> services;
  std::vector<RealId> reals;
};

TEST_F(Fullnat, RequestsComeFromALocalAddress) {
  uint16_t port = 40000;
  for (const Variant& variant : variants()) {
    SCOPED_TRACE(variant.name);
    const uint16_t local = open(++port, variant.is_udp);
    auto request = client(port);
    auto expected = a_packet()
                        .from("10.0.0.100", local)
                        .to(address(variant.is_udp), 8080)
                        .ttl(63)
                        .from_mac(kInsideMac)
                        .to_mac(real_mac(reals[variant.is_udp]));
    variant.apply(request);
    variant.apply(expected);
    expect_sent(lb.send(request), kInside, expected);
  }
}

TEST_F(Fullnat, RepliesComeFromTheVipToTheClient) {
  uint16_t port = 40000;
  for (const Variant& variant : variants()) {
    SCOPED_TRACE(variant.name);
    const uint16_t local = open(++port, variant.is_udp);
    auto reply =
        a_packet().from(address(variant.is_udp), 8080).to("10.0.0.100", local).to_mac(kInsideMac);
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

TEST_F(Fullnat, EveryConnectionHasItsOwnLocalPort) {
  std::set<uint16_t> ports;
  for (uint16_t port = 1000; port < 1200; ++port) ports.insert(open(port, false));
  EXPECT_EQ(ports.size(), 200u);
  EXPECT_GE(*ports.begin(), kFirstLocalPort);
}

TEST_F(Fullnat, PoolsAddressesAreAllUsed) {
  lb.add_local_address(services[0], "10.0.0.101");
  lb.publish();
  std::set<uint32_t> addresses;
  for (uint16_t port = 1000; port < 1004; ++port) {
    open(port, false);
    addresses.insert(lb.connection_of(client(port).tcp(kTcpSyn))->reply.destination.host());
  }
  EXPECT_EQ(addresses, (std::set<uint32_t>{ip("10.0.0.100").host(), ip("10.0.0.101").host()}));
}

TEST_F(Fullnat, EmptyPoolIsACountedDrop) {
  const ServiceId service = lb.add_service(Protocol::kTcp, "203.0.113.11", 80, Method::kFullnat);
  lb.add_real(service, "10.0.0.3", 80);
  lb.publish();
  EXPECT_EQ(
      lb.send(a_packet().from("198.51.100.7", 1).to("203.0.113.11", 80).tcp(kTcpSyn)).summary(),
      "dropped no_local_address");
  EXPECT_EQ(lb.worker().connections.used(), 0u);
}

TEST_F(Fullnat, ToLocalAddressWithoutConnectionIsTheKernels) {
  EXPECT_EQ(
      lb.send(a_packet().from("10.0.0.1", 8080).to("10.0.0.100", 5555).to_mac(kInsideMac), kInside)
          .summary(),
      "kernel 1");
}

TEST(FullnatPorts, PortsInUseArePassedOver) {
  WorkerFixture lb(1, 1024);
  const ServiceId service = lb.add_service(Protocol::kUdp, "203.0.113.10", 53, Method::kFullnat);
  lb.add_local_address(service, "10.0.0.100");
  const RealId real = lb.add_real(service, "10.0.0.1", 53);
  lb.publish();
  const auto query = [](uint16_t port) {
    return a_packet().from("198.51.100.7", port).to("203.0.113.10", 53).udp();
  };
  for (uint16_t port = 1; port <= 63; ++port) ASSERT_EQ(lb.send(query(port)).summary(), "sent 1");
  // Around once more: 63 ports are taken.
  lb.worker().real_counters[real.index].local_turn = 0;
  EXPECT_EQ(lb.send(query(100)).summary(), "sent 1");
  EXPECT_EQ(lb.counters(real).local_turn, 64u);
}

TEST(FullnatPorts, SamePortServesTwoReals) {
  WorkerFixture lb;
  const ServiceId service = lb.add_service(Protocol::kTcp, "203.0.113.10", 80, Method::kFullnat);
  lb.add_local_address(service, "10.0.0.100");
  lb.add_real(service, "10.0.0.1", 80);
  lb.add_real(service, "10.0.0.2", 80);
  lb.publish();
  const auto syn = [](uint16_t port) {
    return a_packet().from("198.51.100.7", port).to("203.0.113.10", 80).tcp(kTcpSyn);
  };
  lb.send(syn(1));
  lb.send(syn(2));
  const Connection* one = lb.connection_of(syn(1));
  const Connection* two = lb.connection_of(syn(2));
  ASSERT_NE(one, nullptr);
  ASSERT_NE(two, nullptr);
  EXPECT_NE(one->real, two->real);
  EXPECT_EQ(one->reply.destination_port, two->reply.destination_port);
}

}  // namespace
}  // namespace shunt::dataplane
