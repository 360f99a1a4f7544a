// Which service a packet is for, by VIP and port, and which port of the real it then goes to.
#include <gmock/gmock.h>

#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

constexpr uint8_t kTcp = 6;
constexpr uint8_t kUdp = 17;

class ServiceLookup : public InBothFamilies {
 protected:
  // The service's index, or -1.
  int found(uint16_t port, const char* vip = "203.0.113.10", uint8_t protocol = kTcp) {
    const ServiceEntry* entry = lb.snapshot().find_service(protocol, ip(at(vip)), Be16::from_host(port));
    return entry == nullptr ? -1 : static_cast<int>(entry->id.index);
  }
  ServiceId add(uint16_t first, uint16_t last, Method method = Method::kNat, Protocol protocol = Protocol::kTcp) {
    const ServiceId id = lb.add_service(protocol, at("203.0.113.10"), 0, method);
    lb.forget_first_vip(id);
    lb.add_vip(id, at("203.0.113.10"), first, last);
    return id;
  }

  WorkerFixture lb;
};

TEST_P(ServiceLookup, TheVeryPortThenTheNarrowestRangeThenAllPorts) {
  add(0, 65535);    // 0
  add(1000, 1999);  // 1
  add(1500, 1599);  // 2
  add(1550, 1550);  // 3
  add(1000, 1099);  // 4, begins with another
  add(1900, 1999);  // 5, ends with another
  lb.publish();
  EXPECT_EQ(found(0), 0);
  EXPECT_EQ(found(80), 0);
  EXPECT_EQ(found(999), 0);
  EXPECT_EQ(found(1000), 4);
  EXPECT_EQ(found(1099), 4);
  EXPECT_EQ(found(1100), 1);
  EXPECT_EQ(found(1499), 1);
  EXPECT_EQ(found(1500), 2);
  EXPECT_EQ(found(1549), 2);
  EXPECT_EQ(found(1550), 3);
  EXPECT_EQ(found(1551), 2);
  EXPECT_EQ(found(1600), 1);
  EXPECT_EQ(found(1899), 1);
  EXPECT_EQ(found(1900), 5);
  EXPECT_EQ(found(1999), 5);
  EXPECT_EQ(found(2000), 0);
  EXPECT_EQ(found(65535), 0);
  EXPECT_EQ(found(80, "203.0.113.11"), -1) << "another address";
  EXPECT_EQ(found(80, "203.0.113.10", kUdp), -1) << "another protocol";
}

TEST_P(ServiceLookup, PortsBesideARangeAreNobodys) {
  add(1000, 1999);
  add(3000, 65535);
  add(0, 9, Method::kNat, Protocol::kUdp);
  lb.publish();
  EXPECT_EQ(found(999), -1);
  EXPECT_EQ(found(2000), -1);
  EXPECT_EQ(found(2999), -1);
  EXPECT_EQ(found(3000), 1);
  EXPECT_EQ(found(65535), 1);
  EXPECT_EQ(found(0), -1);
  EXPECT_EQ(found(0, "203.0.113.10", kUdp), 2);
  EXPECT_EQ(found(10, "203.0.113.10", kUdp), -1);
}

TEST_P(ServiceLookup, AServiceMayHaveSeveralVipsAndPorts) {
  const ServiceId web = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, Method::kNat);
  lb.add_vip(web, at("203.0.113.10"), 443, 443);
  lb.add_vip(web, at("203.0.113.20"), 80, 80);
  lb.add_vip(web, at("203.0.113.30"), 8000, 8999);
  lb.publish();
  EXPECT_EQ(found(80), 0);
  EXPECT_EQ(found(443), 0);
  EXPECT_EQ(found(444), -1);
  EXPECT_EQ(found(80, "203.0.113.20"), 0);
  EXPECT_EQ(found(443, "203.0.113.20"), -1);
  EXPECT_EQ(found(8500, "203.0.113.30"), 0);
  EXPECT_EQ(found(80, "203.0.113.30"), -1);
}

// Through the packet path: where a request to a port of the range arrives, and from where its reply leaves.
struct Ways {
  Method method;
  uint16_t real_port;
  uint16_t arrives_at;
};

TEST_P(ServiceLookup, ARealWithoutAPortKeepsThePacketsPort) {
  const Ways ways[] = {{Method::kNat, 0, 1234},        {Method::kNat, 8080, 8080}, {Method::kFullnat, 0, 1234},
                       {Method::kFullnat, 8080, 8080}, {Method::kDirect, 0, 1234}, {Method::kTunnel, 0, 1234}};
  for (const Ways& way : ways) {
    WorkerFixture one;
    const ServiceId service = one.add_service(Protocol::kTcp, at("203.0.113.10"), 0, way.method);
    one.forget_first_vip(service);
    one.add_vip(service, at("203.0.113.10"), 1000, 1999);
    const RealId real = one.add_real(service, at("10.0.0.1"), way.real_port);
    if (way.method == Method::kFullnat) one.add_local_address(service, at("10.0.0.250"));
    one.publish();
    const PacketBuilder syn = a_packet().from(at("198.51.100.7"), 40000).to(at("203.0.113.10"), 1234).tcp(kTcpSyn);
    const Outcome sent = one.send(syn);
    SCOPED_TRACE(std::string(name_of(way.method)) + " " + std::to_string(way.real_port));
    const auto connection = one.copy_of(syn);
    ASSERT_TRUE(connection);
    EXPECT_EQ(connection->request.destination_port.host(), 1234);
    EXPECT_EQ(connection->reply.source_port.host(), way.arrives_at);
    const uint16_t local_port = connection->reply.destination_port.host();
    if (way.method == Method::kTunnel) {
      EXPECT_EQ(sent.summary(), "sent 1");
      continue;
    }
    PacketBuilder expected = syn;
    expected.ttl(63).from_mac(kInsideMac).to_mac(real_mac(real));
    if (way.method != Method::kDirect) expected.to(at("10.0.0.1"), way.arrives_at);
    if (way.method == Method::kFullnat) expected.from(at("10.0.0.250"), local_port);
    expect_sent(sent, kInside, expected);
    if (way.method == Method::kDirect) continue;
    // The reply leaves from the VIP's port that was asked.
    PacketBuilder reply = a_packet().from(at("10.0.0.1"), way.arrives_at).tcp(kTcpSyn | kTcpAck);
    reply.from_mac(real_mac(real)).to_mac(kInsideMac);
    if (way.method == Method::kNat)
      reply.to(at("198.51.100.7"), 40000);
    else
      reply.to(at("10.0.0.250"), local_port);
    PacketBuilder to_client = reply;
    to_client.from(at("203.0.113.10"), 1234).to(at("198.51.100.7"), 40000).ttl(63);
    expect_sent(one.send(reply, kInside), kOutside, to_client.from_mac(kOutsideMac).to_mac(kGatewayMac));
  }
}

TEST_P(ServiceLookup, ConnectionsOfOneClientPortToTwoPortsAreTwo) {
  const ServiceId all = add(0, 65535);
  lb.add_real(all, at("10.0.0.1"), 0);
  lb.publish();
  const auto syn = [&](uint16_t port) {
    return a_packet().from(at("198.51.100.7"), 40000).to(at("203.0.113.10"), port).tcp(kTcpSyn);
  };
  EXPECT_EQ(lb.send_burst({syn(80), syn(443), syn(80)}).summary(), "sent 1, sent 1, sent 1");
  EXPECT_EQ(lb.connections(GetParam()), 2u);
}

TEST_P(ServiceLookup, FragmentsForAnyVipOfAServiceAreOurs) {
  const ServiceId web = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, Method::kNat);
  lb.add_vip(web, at("203.0.113.20"), 1000, 1999);
  lb.publish();
  EXPECT_TRUE(lb.snapshot().is_vip(ip(at("203.0.113.10"))));
  EXPECT_TRUE(lb.snapshot().is_vip(ip(at("203.0.113.20"))));
  EXPECT_FALSE(lb.snapshot().is_vip(ip(at("203.0.113.30"))));
}

INSTANTIATE_TEST_SUITE_P(Families, ServiceLookup, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
