// One-packet services: every datagram gets a real of its own, and leaves nothing behind.
#include <gmock/gmock.h>

#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class OnePacket : public InBothFamilies {
 protected:
  ServiceId add(WorkerFixture& lb, Method method, uint16_t real_port = 5353) {
    const ServiceId service = lb.add_service(Protocol::kUdp, at("203.0.113.10"), 53, method);
    lb.set_one_packet(service);
    // The last one is the first in turn.
    for (const char* address : {"10.0.0.3", "10.0.0.2", "10.0.0.1"}) {
      reals.push_back(lb.add_real(service, at(address), real_port));
    }
    return service;
  }
  static PacketBuilder query(uint16_t port = 40000) {
    return a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 53).udp().payload("?");
  }
  // From real 10.0.0.`number`.
  PacketBuilder answer(int number, uint16_t from_port = 5353) const {
    return a_packet()
        .from(at("10.0.0." + std::to_string(number)), from_port)
        .to(at("198.51.100.7"), 40000)
        .from_mac(real_mac(reals[static_cast<size_t>(3 - number)]))
        .to_mac(kInsideMac)
        .udp()
        .payload("!");
  }
  static PacketBuilder to_client(uint16_t vip_port = 53) {
    return a_packet()
        .from(at("203.0.113.10"), vip_port)
        .to(at("198.51.100.7"), 40000)
        .ttl(63)
        .from_mac(kOutsideMac)
        .to_mac(kGatewayMac)
        .udp()
        .payload("!");
  }

  std::vector<RealId> reals;
};

TEST_P(OnePacket, EachDatagramOfAFlowGetsTheNextReal) {
  for (const Method method : {Method::kDirect, Method::kTunnel, Method::kNat}) {
    SCOPED_TRACE(std::string(name_of(method)));
    WorkerFixture lb;
    reals.clear();
    add(lb, method, method == Method::kNat ? 5353 : 53);
    lb.publish();
    for (int i = 0; i < 6; ++i) EXPECT_EQ(lb.send(query()).summary(), "sent 1");
    EXPECT_EQ(lb.send_burst({query(), query(), query()}).summary(), "sent 1, sent 1, sent 1");
    for (const RealId real : reals) {
      EXPECT_EQ(lb.counters(real).connections.read(), 3u);
      EXPECT_EQ(lb.counters(real).in_packets.read(), 3u);
      EXPECT_EQ(lb.counters(real).active.load(), 0u);
      EXPECT_EQ(lb.counters(real).inactive.load(), 0u);
    }
    EXPECT_EQ(lb.connections(GetParam()), 0u);
    EXPECT_FALSE(lb.copy_of(query()));
    lb.advance(1000000);
    for (const RealId real : reals) EXPECT_EQ(lb.counters(real).inactive.load(), 0u);
  }
}

TEST_P(OnePacket, WeightsCountForEveryDatagram) {
  WorkerFixture lb;
  const ServiceId service = lb.add_service(Protocol::kUdp, at("203.0.113.10"), 53, Method::kNat, SchedulerKind::kWrr);
  lb.set_one_packet(service);
  const RealId heavy = lb.add_real(service, at("10.0.0.1"), 53, 3);
  const RealId light = lb.add_real(service, at("10.0.0.2"), 53, 1);
  lb.publish();
  for (int i = 0; i < 40; ++i) lb.send(query());
  EXPECT_EQ(lb.counters(heavy).in_packets.read(), 30u);
  EXPECT_EQ(lb.counters(light).in_packets.read(), 10u);
}

TEST_P(OnePacket, NatTranslatesRequestsAndAnswersWithoutAConnection) {
  WorkerFixture lb;
  add(lb, Method::kNat);
  lb.publish();
  for (const int number : {1, 2, 3, 1}) {
    auto expected = a_packet()
                        .from(at("198.51.100.7"), 40000)
                        .to(at("10.0.0." + std::to_string(number)), 5353)
                        .ttl(63)
                        .from_mac(kInsideMac)
                        .to_mac(real_mac(reals[static_cast<size_t>(3 - number)]))
                        .udp()
                        .payload("?");
    expect_sent(lb.send(query()), kInside, expected);
    expect_sent(lb.send(answer(number), kInside), kOutside, to_client());
  }
  // A real may say more than it was asked; late answers count as any.
  expect_sent(lb.send(answer(2), kInside), kOutside, to_client());
  EXPECT_EQ(lb.counters(reals[1]).out_packets.read(), 2u);
  EXPECT_EQ(lb.connections(GetParam()), 0u);
}

TEST_P(OnePacket, WhatARealSendsFromAnotherPortIsNoAnswer) {
  WorkerFixture lb;
  add(lb, Method::kNat);
  lb.publish();
  EXPECT_EQ(lb.send(answer(1, 5354), kInside).summary(), "kernel 1");
  EXPECT_EQ(lb.send(answer(1).tcp(kTcpSyn), kInside).summary(), "kernel 1");
  EXPECT_EQ(lb.send(answer(1).from(at("10.0.0.9"), 5353), kInside).summary(), "kernel 1");
  EXPECT_EQ(lb.send(answer(1).to(at("10.0.0.254"), 40000), kInside).summary(), "kernel 1") << "to the machine itself";
}

TEST_P(OnePacket, DirectLeavesAnswersAlone) {
  WorkerFixture lb;
  add(lb, Method::kDirect, 53);
  lb.publish();
  lb.send(query());
  EXPECT_EQ(lb.send(answer(1, 53), kInside).summary(), "kernel 1");
}

TEST_P(OnePacket, ARangeOfPortsIsAnsweredFromThePortThatWasAsked) {
  WorkerFixture lb;
  const ServiceId service = lb.add_service(Protocol::kUdp, at("203.0.113.10"), 0, Method::kNat);
  lb.forget_first_vip(service);
  lb.add_vip(service, at("203.0.113.10"), 50, 59);
  lb.set_one_packet(service);
  reals.assign(3, lb.add_real(service, at("10.0.0.1"), 0));
  lb.publish();
  EXPECT_EQ(lb.send(query()).summary(), "sent 1");
  expect_sent(lb.send(answer(1, 53), kInside), kOutside, to_client(53));
  expect_sent(lb.send(answer(1, 59), kInside), kOutside, to_client(59));
  EXPECT_EQ(lb.send(answer(1, 60), kInside).summary(), "kernel 1") << "beside the range";
}

TEST_P(OnePacket, AnyWorkerTranslatesAnswers) {
  WorkerFixture lb(3);
  add(lb, Method::kNat);
  lb.publish();
  for (const uint32_t worker : {0u, 1u, 2u}) {
    for (uint16_t port = 40000; port < 40008; ++port) {
      EXPECT_EQ(lb.send(query(port), kOutside, worker).summary(), "sent 1");
    }
    expect_sent(lb.send(answer(1), kInside, worker), kOutside, to_client());
  }
}

TEST_P(OnePacket, ConnectionsFromBeforeGoOn) {
  WorkerFixture lb;
  const ServiceId service = lb.add_service(Protocol::kUdp, at("203.0.113.10"), 53, Method::kNat);
  const RealId real = lb.add_real(service, at("10.0.0.1"), 5353);
  lb.publish();
  lb.send(query());
  lb.set_one_packet(service);
  lb.add_real(service, at("10.0.0.2"), 5353);
  lb.publish();
  for (int i = 0; i < 4; ++i) lb.send(query());
  EXPECT_EQ(lb.counters(real).in_packets.read(), 5u);
  EXPECT_EQ(lb.connections(GetParam()), 1u);
}

TEST_P(OnePacket, ADatagramThatWaitsForItsRealsMacIsSentThen) {
  WorkerFixture lb;
  const ServiceId service = lb.add_service(Protocol::kUdp, at("203.0.113.10"), 53, Method::kNat);
  lb.set_one_packet(service);
  const RealId real = lb.add_real(service, at("10.0.0.1"), 53);
  lb.unresolve(real);
  lb.publish();
  EXPECT_EQ(lb.send(query()).summary(), "waits");
  lb.resolve(real);
  lb.publish();
  EXPECT_EQ(lb.advance(1).summary(), "sent 1");
  EXPECT_EQ(lb.connections(GetParam()), 0u);
}

TEST_P(OnePacket, WithoutARealTheSenderIsTold) {
  WorkerFixture lb;
  const ServiceId service = add(lb, Method::kNat);
  lb.publish();
  for (const RealId real : reals) lb.set_weight(real, 0);
  lb.publish();
  lb.send(query());
  EXPECT_EQ(lb.drops(DropReason::kNoRealLeft), 1u);
  EXPECT_EQ(lb.service(service).id, service);
}

INSTANTIATE_TEST_SUITE_P(Families, OnePacket, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
