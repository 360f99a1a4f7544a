// Services with a match, seen from the packets: which get to the service's real, by every method, and which do not.
#include <gmock/gmock.h>

#include "control/match_table_builder.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::control {
namespace {

using namespace dataplane;
using namespace test;

class MatchPackets : public InBothFamilies {
 protected:
  // A service without a VIP, whose rule comes after those before.
  ServiceId add(WorkerFixture& lb, const std::vector<std::string>& clients, const std::vector<std::string>& vips,
                Method method = Method::kNat, Protocol protocol = Protocol::kTcp) {
    const ServiceId id = lb.add_service(protocol, at("0.0.0.0"), 0, method);
    lb.forget_first_vip(id);
    MatchRule& rule = rules.emplace_back();
    rule.protocol = protocol;
    rule.family = GetParam();
    for (const std::string& each : clients) rule.clients.push_back(prefix(each));
    for (const std::string& each : vips) rule.vips.push_back(prefix(each));
    rule.service = id.index;
    lb.service(id).any_destination = vips.empty();
    lb.amend = [this](Snapshot& snapshot) {
      tables.push_back(std::make_unique<MatchTableMemory>(rules));
      snapshot.matches = tables.back()->table();
    };
    return id;
  }
  // "198.51.100.0/24", or its twin, which is as many bits longer as IPv6 is.
  static Prefix prefix(const std::string& ipv4) {
    const size_t slash = ipv4.find('/');
    const int bits = std::stoi(ipv4.substr(slash + 1));
    return *Prefix::parse(at(ipv4.substr(0, slash)) + "/" + std::to_string(is_v6() ? bits + 96 : bits));
  }
  static PacketBuilder syn(const char* client, const char* vip, uint16_t port = 80) {
    return a_packet().from(at(client), 40000).to(at(vip), port).tcp(kTcpSyn);
  }

  std::vector<MatchRule> rules;
  std::vector<std::unique_ptr<MatchTableMemory>> tables;
};

TEST_P(MatchPackets, EveryMethodBringsThemToItsReal) {
  for (const Method method : {Method::kDirect, Method::kTunnel, Method::kNat, Method::kFullnat}) {
    SCOPED_TRACE(std::string(name_of(method)));
    rules.clear();
    WorkerFixture lb;
    const ServiceId service = add(lb, {"198.51.100.0/24"}, {"203.0.113.0/28"}, method);
    const RealId real = lb.add_real(service, at("10.0.0.1"), 0);
    if (method == Method::kFullnat) lb.add_local_address(service, at("10.0.0.250"));
    lb.publish();
    for (const char* vip : {"203.0.113.0", "203.0.113.15"}) {
      const PacketBuilder packet = syn("198.51.100.7", vip, 8443);
      const Outcome sent = lb.send(packet);
      ASSERT_EQ(sent.summary(), "sent 1");
      const auto connection = lb.copy_of(packet);
      ASSERT_TRUE(connection);
      EXPECT_EQ(connection->service, service);
      EXPECT_EQ(connection->real, real);
      if (method == Method::kTunnel) continue;
      const uint16_t local_port = connection->reply.destination_port.host();
      PacketBuilder expected = packet;
      expected.ttl(63).from_mac(kInsideMac).to_mac(real_mac(real));
      if (method != Method::kDirect) expected.to(at("10.0.0.1"), 8443);
      if (method == Method::kFullnat) expected.from(at("10.0.0.250"), local_port);
      expect_sent(sent, kInside, expected);
      if (method == Method::kNat) lb.advance(200000);  // one client port to one real has one VIP at a time
    }
    EXPECT_EQ(lb.send(syn("198.51.101.7", "203.0.113.1")).summary(), "kernel 0") << "another client";
    EXPECT_EQ(lb.send(syn("198.51.100.7", "203.0.113.16")).summary(), "kernel 0") << "another address";
  }
}

TEST_P(MatchPackets, NatsRepliesLeaveFromTheAddressThatWasAsked) {
  WorkerFixture lb;
  const ServiceId service = add(lb, {}, {"203.0.113.0/24"});
  const RealId real = lb.add_real(service, at("10.0.0.1"), 8080);
  lb.publish();
  ASSERT_EQ(lb.send(syn("198.51.100.7", "203.0.113.77")).summary(), "sent 1");
  const auto reply = a_packet()
                         .from(at("10.0.0.1"), 8080)
                         .to(at("198.51.100.7"), 40000)
                         .from_mac(real_mac(real))
                         .to_mac(kInsideMac)
                         .tcp(kTcpSyn | kTcpAck);
  PacketBuilder expected = reply;
  expected.from(at("203.0.113.77"), 80).ttl(63).from_mac(kOutsideMac).to_mac(kGatewayMac);
  expect_sent(lb.send(reply, kInside), kOutside, expected);
}

TEST_P(MatchPackets, AMatchIsAskedBeforeTheVipAndPort) {
  WorkerFixture lb;
  const ServiceId web = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, Method::kNat);
  lb.add_real(web, at("10.0.0.1"), 8080);
  const ServiceId guests = add(lb, {"198.51.100.16/28"}, {"203.0.113.10/32"});
  lb.add_real(guests, at("10.0.0.2"), 8080);
  lb.publish();
  lb.send(syn("198.51.100.15", "203.0.113.10"));
  lb.send(syn("198.51.100.16", "203.0.113.10"));
  EXPECT_EQ(lb.copy_of(syn("198.51.100.15", "203.0.113.10"))->service, web);
  EXPECT_EQ(lb.copy_of(syn("198.51.100.16", "203.0.113.10"))->service, guests);
}

TEST_P(MatchPackets, ThePortThatAPacketCameInOnCounts) {
  WorkerFixture lb;
  const ServiceId service = add(lb, {}, {"203.0.113.0/24"});
  lb.add_real(service, at("10.0.0.1"), 0);
  rules[0].in_port = kInside;
  lb.publish();
  EXPECT_EQ(lb.send(syn("198.51.100.7", "203.0.113.1"), kOutside).summary(), "kernel 0");
  EXPECT_EQ(lb.send(syn("198.51.100.7", "203.0.113.1").to_mac(kInsideMac), kInside).summary(), "sent 1");
}

TEST_P(MatchPackets, TheMachinesOwnAddressesStayLinuxs) {
  WorkerFixture lb;
  const ServiceId service = add(lb, {"198.51.100.0/24"}, {});
  lb.add_real(service, at("10.0.0.1"), 0);
  lb.publish();
  EXPECT_EQ(lb.send(syn("198.51.100.7", "198.18.0.10", 22)).summary(), "kernel 0");
  EXPECT_EQ(lb.send(syn("198.51.100.7", "192.0.2.1", 22)).summary(), "sent 1");
}

TEST_P(MatchPackets, FragmentsForAMatchsAddressesAreOurs) {
  WorkerFixture lb;
  add(lb, {}, {"203.0.113.0/28"});
  lb.publish();
  EXPECT_TRUE(lb.snapshot().is_vip(ip(at("203.0.113.15"))));
  EXPECT_FALSE(lb.snapshot().is_vip(ip(at("203.0.113.16"))));
}

// Whichever worker gets a packet: requests and replies of a nat connection meet on one.
TEST_P(MatchPackets, WithSeveralWorkersBothDirectionsMeet) {
  for (const bool any_destination : {false, true}) {
    SCOPED_TRACE(any_destination);
    rules.clear();
    constexpr uint32_t kWorkers = 3;
    WorkerFixture lb(kWorkers);
    const ServiceId service =
        any_destination ? add(lb, {"198.51.100.0/24", "10.0.0.0/24"}, {}) : add(lb, {}, {"203.0.113.0/24"});
    lb.add_real(service, at("10.0.0.1"), 8080);
    lb.publish();
    for (uint16_t port = 40000; port < 40012; ++port) {
      const auto request = a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.9"), 80).tcp(kTcpSyn);
      const Outcome first = lb.send(request, kOutside, 0);
      const uint32_t owner = first.handed_to.empty() ? 0 : first.handed_to[0];
      if (owner != 0) {
        ASSERT_EQ(lb.serve_inbox(owner).summary(), "sent 1");
      }
      ASSERT_TRUE(lb.copy_of(request, owner));
      const auto reply =
          a_packet().from(at("10.0.0.1"), 8080).to(at("198.51.100.7"), port).to_mac(kInsideMac).tcp(kTcpSyn | kTcpAck);
      for (uint32_t worker = 0; worker < kWorkers; ++worker) {
        const Outcome outcome = lb.send(reply, kInside, worker);
        if (worker == owner) {
          EXPECT_EQ(outcome.summary(), "sent 0");
        } else {
          EXPECT_EQ(outcome.summary(), "handed to " + std::to_string(owner));
          EXPECT_EQ(lb.serve_inbox(owner).summary(), "sent 0");
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, MatchPackets, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::control
