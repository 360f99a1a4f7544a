#include "dataplane/forwarding/fullnat.h"

#include <gmock/gmock.h>

#include <set>

#include "dataplane/local_ports.h"
#include "tests/dataplane/forwarding/variants.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class Fullnat : public InBothFamilies {
 protected:
  Fullnat() {
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
      const ServiceId service = lb.add_service(protocol, at("203.0.113.10"), 80, Method::kFullnat);
      lb.add_local_address(service, at("10.0.0.100"));
      reals.push_back(lb.add_real(service, address(protocol == Protocol::kUdp), 8080));
      services.push_back(service);
    }
    lb.publish();
  }

  static std::string address(bool is_udp) { return at(is_udp ? "10.0.0.2" : "10.0.0.1"); }
  static PacketBuilder client(uint16_t port) {
    return a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 80);
  }
  // Opens a connection and says which local port it got.
  uint16_t open(uint16_t port, bool is_udp) {
    const auto first = is_udp ? client(port).udp() : client(port).tcp(kTcpSyn);
    EXPECT_EQ(lb.send(first).summary(), "sent 1");
    const auto connection = lb.copy_of(first);
    return connection ? connection->reply.destination_port.host() : 0;
  }

  WorkerFixture lb;
  std::vector<ServiceId> services;
  std::vector<RealId> reals;
};

TEST_P(Fullnat, RequestsComeFromALocalAddress) {
  uint16_t port = 40000;
  for (const Variant& variant : variants(GetParam())) {
    SCOPED_TRACE(variant.name);
    const uint16_t local = open(++port, variant.is_udp);
    auto request = client(port);
    auto expected = a_packet()
                        .from(at("10.0.0.100"), local)
                        .to(address(variant.is_udp), 8080)
                        .ttl(63)
                        .from_mac(kInsideMac)
                        .to_mac(real_mac(reals[variant.is_udp]));
    variant.apply(request);
    variant.apply(expected);
    expect_sent(lb.send(request), kInside, expected);
  }
}

TEST_P(Fullnat, RepliesComeFromTheVipToTheClient) {
  uint16_t port = 40000;
  for (const Variant& variant : variants(GetParam())) {
    SCOPED_TRACE(variant.name);
    const uint16_t local = open(++port, variant.is_udp);
    auto reply = a_packet().from(address(variant.is_udp), 8080).to(at("10.0.0.100"), local).to_mac(kInsideMac);
    auto expected = a_packet()
                        .from(at("203.0.113.10"), 80)
                        .to(at("198.51.100.7"), port)
                        .ttl(63)
                        .from_mac(kOutsideMac)
                        .to_mac(kGatewayMac);
    variant.apply(reply);
    variant.apply(expected);
    expect_sent(lb.send(reply, kInside), kOutside, expected);
  }
}

TEST_P(Fullnat, EveryConnectionHasItsOwnLocalPort) {
  std::set<uint16_t> ports;
  for (uint16_t port = 1000; port < 1200; ++port) ports.insert(open(port, false));
  EXPECT_EQ(ports.size(), 200u);
  EXPECT_GE(*ports.begin(), kFirstLocalPort);
}

TEST_P(Fullnat, PoolsAddressesAreAllUsed) {
  lb.add_local_address(services[0], at("10.0.0.101"));
  lb.publish();
  std::set<std::string> addresses;
  for (uint16_t port = 1000; port < 1004; ++port) {
    open(port, false);
    addresses.insert(lb.copy_of(client(port).tcp(kTcpSyn))->reply.destination.to_string());
  }
  EXPECT_EQ(addresses, (std::set<std::string>{at("10.0.0.100"), at("10.0.0.101")}));
}

TEST_P(Fullnat, EmptyPoolIsACountedDrop) {
  const ServiceId service = lb.add_service(Protocol::kTcp, at("203.0.113.11"), 80, Method::kFullnat);
  lb.add_real(service, at("10.0.0.3"), 80);
  lb.publish();
  EXPECT_EQ(lb.send(client(1).to(at("203.0.113.11"), 80).tcp(kTcpSyn)).summary(), "dropped no_local_address");
  EXPECT_EQ(lb.connections(GetParam()), 0u);
}

TEST_P(Fullnat, ToLocalAddressWithoutConnectionIsTheKernels) {
  const auto stray = a_packet().from(at("10.0.0.1"), 8080).to(at("10.0.0.100"), 5555).to_mac(kInsideMac);
  EXPECT_EQ(lb.send(stray, kInside).summary(), "kernel 1");
}

INSTANTIATE_TEST_SUITE_P(Families, Fullnat, kBothFamilies, family_name);

class FullnatPorts : public InBothFamilies {};

TEST_P(FullnatPorts, PortsInUseArePassedOver) {
  WorkerFixture lb(1, 1024);
  const ServiceId service = lb.add_service(Protocol::kUdp, at("203.0.113.10"), 53, Method::kFullnat);
  lb.add_local_address(service, at("10.0.0.100"));
  const RealId real = lb.add_real(service, at("10.0.0.1"), 53);
  lb.publish();
  const auto query = [](uint16_t port) {
    return a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 53).udp();
  };
  for (uint16_t port = 1; port <= 63; ++port) ASSERT_EQ(lb.send(query(port)).summary(), "sent 1");
  // Around once more: 63 ports are taken.
  lb.worker().real_counters[real.index].local_turn = 0;
  EXPECT_EQ(lb.send(query(100)).summary(), "sent 1");
  EXPECT_EQ(lb.counters(real).local_turn, 64u);
}

TEST_P(FullnatPorts, SamePortServesTwoReals) {
  WorkerFixture lb;
  const ServiceId service = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, Method::kFullnat);
  lb.add_local_address(service, at("10.0.0.100"));
  lb.add_real(service, at("10.0.0.1"), 80);
  lb.add_real(service, at("10.0.0.2"), 80);
  lb.publish();
  const auto syn = [](uint16_t port) {
    return a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 80).tcp(kTcpSyn);
  };
  lb.send(syn(1));
  lb.send(syn(2));
  const auto one = lb.copy_of(syn(1));
  const auto two = lb.copy_of(syn(2));
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->real, two->real);
  EXPECT_EQ(one->reply.destination_port, two->reply.destination_port);
}

INSTANTIATE_TEST_SUITE_P(Families, FullnatPorts, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
