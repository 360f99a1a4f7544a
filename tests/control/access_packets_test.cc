// Access lists, seen from the packets: whose open connections, what the others are told, and what is counted.
#include <gmock/gmock.h>

#include "control/access_table_builder.h"
#include "tests/dataplane/answers.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::control {
namespace {

using namespace dataplane;
using namespace test;

class AccessPackets : public InBothFamilies {
 protected:
  ServiceId add(WorkerFixture& lb, Protocol protocol = Protocol::kTcp, Method method = Method::kNat,
                SchedulerKind scheduler = SchedulerKind::kRr) {
    const ServiceId service = lb.add_service(protocol, at("203.0.113.10"), 80, method, scheduler);
    lb.add_real(service, at("10.0.0.1"), method == Method::kNat ? 8080 : 0);
    return service;
  }
  // 198.51.100.0/24 and its twin are denied, 198.51.100.7 in it is not.
  void deny(WorkerFixture& lb, ServiceId service, Refusal refusal = Refusal::kDrop) {
    denied = {prefix("198.51.100.0", 24)};
    allowed = {prefix("198.51.100.7", 32)};
    tables.push_back(std::make_unique<AccessTableMemory>(AccessRules{{allowed}, {denied}, false}, GetParam()));
    lb.service(service).access = &tables.back()->table();
    lb.service(service).refusal = refusal;
    lb.publish();
  }
  static Prefix prefix(const char* ipv4, int length) {
    return *Prefix::parse(at(ipv4) + "/" + std::to_string(is_v6() ? length + 96 : length));
  }
  static PacketBuilder from(const char* client, uint16_t port = 40000) {
    return a_packet().from(at(client), port).to(at("203.0.113.10"), 80);
  }
  static uint64_t count(WorkerFixture& lb, ServiceId service) {
    return lb.worker().service_counters[service.index].denied.read();
  }

  std::vector<Prefix> allowed, denied;
  std::vector<std::unique_ptr<AccessTableMemory>> tables;
};

TEST_P(AccessPackets, ADeniedClientOpensNoConnectionAndIsToldNothing) {
  WorkerFixture lb;
  const ServiceId service = add(lb);
  deny(lb, service);
  EXPECT_EQ(lb.send(from("198.51.100.8").tcp(kTcpSyn)).summary(), "dropped access_denied");
  EXPECT_EQ(lb.connections(GetParam()), 0u);
  EXPECT_EQ(count(lb, service), 1u);
  EXPECT_EQ(lb.send(from("198.51.100.7").tcp(kTcpSyn)).summary(), "sent 1") << "the longer prefix wins";
  EXPECT_EQ(lb.send(from("198.51.101.1").tcp(kTcpSyn)).summary(), "sent 1") << "in no list";
  EXPECT_EQ(lb.connections(GetParam()), 2u);
  EXPECT_EQ(count(lb, service), 1u);
}

TEST_P(AccessPackets, ConnectionsThatThereAreGoOn) {
  WorkerFixture lb;
  const ServiceId service = add(lb);
  lb.publish();
  EXPECT_EQ(lb.send(from("198.51.100.8").tcp(kTcpSyn)).summary(), "sent 1");
  deny(lb, service);
  EXPECT_EQ(lb.send(from("198.51.100.8").tcp(kTcpAck)).summary(), "sent 1");
  EXPECT_EQ(lb.send(from("198.51.100.8").tcp(kTcpSyn)).summary(), "sent 1") << "a SYN that is sent again";
  EXPECT_EQ(lb.send(from("198.51.100.8", 40001).tcp(kTcpSyn)).summary(), "dropped access_denied");
}

TEST_P(AccessPackets, WhatIsOfNoConnectionIsDeniedToo) {
  WorkerFixture lb;
  const ServiceId service = add(lb);
  deny(lb, service, Refusal::kReset);
  // Linux, which answers such packets of others, is not asked.
  EXPECT_EQ(lb.send(from("198.51.101.1").tcp(kTcpAck)).summary(), "kernel 0");
  EXPECT_THAT(lb.send(from("198.51.100.8").tcp(kTcpRst)).summary(), "dropped access_denied") << "an RST gets no answer";
}

TEST_P(AccessPackets, NothingGetsByWhereTheTableIsFull) {
  WorkerFixture lb(1, 16);
  const ServiceId service = add(lb, Protocol::kTcp, Method::kDirect, SchedulerKind::kSh);
  lb.publish();
  for (uint16_t port = 1; port < 100; ++port) lb.send(from("198.51.101.1", port).tcp(kTcpSyn));
  ASSERT_GT(lb.worker().counters.untracked_packets.read(), 0u);
  deny(lb, service);
  EXPECT_EQ(lb.send(from("198.51.101.1", 5000).tcp(kTcpAck)).summary(), "sent 1");
  EXPECT_EQ(lb.send(from("198.51.100.8", 5000).tcp(kTcpAck)).summary(), "dropped access_denied");
}

TEST_P(AccessPackets, EveryDatagramOfAOnePacketServiceIsAsked) {
  WorkerFixture lb;
  const ServiceId service = add(lb, Protocol::kUdp);
  lb.set_one_packet(service);
  deny(lb, service);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(lb.send(from("198.51.100.8").udp()).summary(), "dropped access_denied");
    EXPECT_EQ(lb.send(from("198.51.100.7").udp()).summary(), "sent 1");
  }
  EXPECT_EQ(count(lb, service), 3u);
}

TEST_P(AccessPackets, ResetIsWhatAClosedPortSays) {
  WorkerFixture lb;
  const ServiceId service = add(lb);
  deny(lb, service, Refusal::kReset);
  const Outcome outcome = lb.send(from("198.51.100.8").tcp(kTcpSyn, 1000));
  EXPECT_EQ(lb.drops(DropReason::kAccessDenied), 1u);
  PacketBuilder reset = a_packet().from(at("203.0.113.10"), 80).to(at("198.51.100.8"), 40000);
  reset.tcp(kTcpRst | kTcpAck, 0, 1001).from_mac(kOutsideMac).to_mac(kGatewayMac);
  if (!is_v6()) reset.df();
  EXPECT_EQ(outcome.sent.size(), 1u);
  ASSERT_FALSE(outcome.sent.empty());
  EXPECT_EQ(outcome.sent[0].port, kOutside);
  EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
  EXPECT_EQ(describe(outcome.sent[0].bytes), describe(reset.bytes()));
}

TEST_P(AccessPackets, OthersAreToldThatItIsProhibited) {
  for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
    WorkerFixture lb;
    const ServiceId service = add(lb, protocol);
    deny(lb, service, protocol == Protocol::kTcp ? Refusal::kProhibited : Refusal::kReset);
    const PacketBuilder packet =
        protocol == Protocol::kTcp ? from("198.51.100.8").tcp(kTcpSyn) : from("198.51.100.8").udp();
    PacketBuilder answer = answer_to(packet, Answer::kProhibited);
    answer.from(at("203.0.113.10")).to(at("198.51.100.8")).ttl(64).from_mac(kOutsideMac).to_mac(kGatewayMac);
    const Outcome outcome = lb.send(packet);
    ASSERT_EQ(outcome.sent.size(), 1u);
    EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
    EXPECT_EQ(describe(outcome.sent[0].bytes), describe(answer.bytes()));
    EXPECT_EQ(lb.drops(DropReason::kAccessDenied), 1u);
    EXPECT_EQ(count(lb, service), 1u);
  }
}

TEST_P(AccessPackets, TheWorkerThatOwnsTheConnectionDecidesAndCounts) {
  WorkerFixture lb(2);
  const ServiceId service = add(lb);
  deny(lb, service);
  uint64_t denied_packets = 0;
  for (uint16_t port = 1000; port < 1008; ++port) {
    const Outcome outcome = lb.send(from("198.51.100.8", port).tcp(kTcpSyn));
    denied_packets += outcome.dropped.size();
    for (const uint32_t worker : outcome.handed_to) denied_packets += lb.serve_inbox(worker).dropped.size();
  }
  EXPECT_EQ(denied_packets, 8u);
  EXPECT_EQ(lb.worker(0).service_counters[service.index].denied.read() +
                lb.worker(1).service_counters[service.index].denied.read(), 8u);
}

INSTANTIATE_TEST_SUITE_P(, AccessPackets, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::control
