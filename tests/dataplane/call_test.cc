// Persistence by SIP's Call-ID: each call of a client keeps a real, whichever end it is spoken from.
#include <gmock/gmock.h>

#include <memory>

#include "tests/support/eal.h"
#include "tests/support/families.h"
#include "tests/support/fragmentation.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace call_test {

using namespace test;

class Calls : public InBothFamilies {
 protected:
  void serve(Method method, bool one_packet = false, uint32_t workers = 1) {
    lb = std::make_unique<WorkerFixture>(workers);
    reals.clear();
    service = lb->add_service(Protocol::kUdp, at("203.0.113.10"), 5060, method);
    Persistence persistence{300'000, static_cast<uint8_t>(is_v6() ? 128 : 32)};
    persistence.by_call = true;
    lb->set_persistence(service, persistence);
    if (one_packet) lb->set_one_packet(service);
    for (const char* real : {"10.0.0.3", "10.0.0.2", "10.0.0.1"}) reals.push_back(lb->add_real(service, at(real), 5060));
    if (method == Method::kNat) {
      lb->amend = [this](Snapshot& snapshot) {
        slots.assign(8, {});
        for (const RealId real : reals) {
          const IpAddress address = snapshot.reals[real.index].address;
          uint32_t place = service_hash(17, address, Be16::from_host(5060)) & 7;
          while (slots[place].protocol != 0) place = (place + 1) & 7;
          slots[place] = {address, Be16::from_host(5060), 17, real, ip(at("203.0.113.10")), 5060, 5060, true};
        }
        snapshot.one_packet_slots = slots;
      };
    }
    lb->publish();
  }
  static std::string message(std::string_view call) {
    return "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP c\r\nCall-ID: " + std::string(call) + "\r\n\r\n";
  }
  static PacketBuilder call(std::string_view id, uint16_t port = 40000, std::string_view client = "198.51.100.7") {
    return a_packet().from(at(client), port).to(at("203.0.113.10"), 5060).udp().payload(message(id));
  }
  PacketBuilder from_real(int number, std::string_view id, uint16_t port = 40000) const {
    return a_packet()
        .from(at("10.0.0." + std::to_string(number)), 5060)
        .to(at("198.51.100.7"), port)
        .from_mac(real_mac(reals[static_cast<size_t>(3 - number)]))
        .to_mac(kInsideMac)
        .udp()
        .payload(message(id));
  }
  int receiver(const PacketBuilder& packet) {
    const Outcome outcome = lb->send(packet);
    if (outcome.sent.size() != 1) return -1;
    EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
    return outcome.sent[0].bytes[5];
  }

  std::unique_ptr<WorkerFixture> lb;
  ServiceId service;
  std::vector<RealId> reals;
  std::vector<OnePacketSlot> slots;
};

TEST_P(Calls, KeepTheirRealEach) {
  for (const Method method : {Method::kDirect, Method::kTunnel, Method::kNat}) {
    serve(method);
    const int a = receiver(call("a@x"));
    const int b = receiver(call("b@x", 40001));
    EXPECT_NE(a, b);
    EXPECT_EQ(receiver(call("a@x", 40002)), a);
    EXPECT_EQ(receiver(call("b@x", 40003)), b);
    EXPECT_EQ(lb->templates().size(), 2u);
    EXPECT_EQ(lb->connections(GetParam()), 4u);
  }
}

TEST_P(Calls, OfOtherClientsAreOthers) {
  serve(Method::kDirect);
  const int first = receiver(call("a@x"));
  EXPECT_NE(receiver(call("a@x", 40000, "198.51.100.8")), first);
  EXPECT_EQ(lb->templates().size(), 2u);
}

// A connection is a flow's, whatever is said in it later.
TEST_P(Calls, OfAKnownFlowGoWhereItGoes) {
  serve(Method::kDirect);
  const int first = receiver(call("a@x"));
  EXPECT_EQ(receiver(call("b@x")), first);
  EXPECT_EQ(receiver(a_packet().from(at("198.51.100.7"), 40000).to(at("203.0.113.10"), 5060).udp().payload("\r\n")), first);
}

TEST_P(Calls, PacketsOfNoneAreDropped) {
  serve(Method::kDirect);
  const auto other = a_packet().from(at("198.51.100.7"), 40000).to(at("203.0.113.10"), 5060).udp();
  EXPECT_EQ(lb->send(PacketBuilder(other)).summary(), "dropped no_call_id");
  EXPECT_EQ(lb->send(PacketBuilder(other).payload("hello")).summary(), "dropped no_call_id");
  EXPECT_EQ(lb->send(call(std::string(256, 'a'))).summary(), "dropped no_call_id");
  EXPECT_EQ(lb->connections(GetParam()), 0u);
  EXPECT_TRUE(lb->templates().empty());
}

TEST_P(Calls, OfADrainedRealStay) {
  serve(Method::kDirect);
  const int first = receiver(call("a@x"));
  for (const RealId real : reals) {
    if (real_mac(real).bytes[5] == first) lb->set_weight(real, 0);
  }
  lb->publish();
  EXPECT_EQ(receiver(call("a@x", 40001)), first);
  EXPECT_NE(receiver(call("b@x", 40002)), first);
}

TEST_P(Calls, OfAOnePacketServiceKeepTheirRealWithoutConnections) {
  serve(Method::kDirect, true);
  const int a = receiver(call("a@x"));
  EXPECT_NE(receiver(call("b@x")), a) << "the same flow, another call";
  EXPECT_EQ(receiver(call("a@x")), a);
  EXPECT_EQ(lb->connections(GetParam()), 0u);
}

TEST_P(Calls, MayBeginAtANatReal) {
  for (const bool one_packet : {false, true}) {
    serve(Method::kNat, one_packet);
    expect_sent(lb->send(from_real(2, "r@x"), kInside), kOutside,
                a_packet()
                    .from(at("203.0.113.10"), 5060)
                    .to(at("198.51.100.7"), 40000)
                    .ttl(63)
                    .from_mac(kOutsideMac)
                    .to_mac(kGatewayMac)
                    .udp()
                    .payload(message("r@x")));
    EXPECT_EQ(lb->connections(GetParam()), one_packet ? 0u : 1u);
    const int real = real_mac(reals[1]).bytes[5];
    EXPECT_EQ(receiver(call("r@x")), real);
    EXPECT_EQ(receiver(call("r@x", 40007)), real) << "by its template";
  }
}

TEST_P(Calls, FollowTheRealThatSpeaksOfThemLast) {
  serve(Method::kNat);
  const int first = receiver(call("a@x"));
  const int other = first == real_mac(reals[0]).bytes[5] ? 2 : 3;
  EXPECT_EQ(lb->send(from_real(other, "a@x", 40005), kInside).summary(), "sent 0");
  EXPECT_EQ(receiver(call("a@x", 40009)), real_mac(reals[static_cast<size_t>(3 - other)]).bytes[5]);
  EXPECT_EQ(receiver(call("a@x")), first) << "its connection stays";
  EXPECT_EQ(lb->templates().size(), 1u);
}

TEST_P(Calls, WhatARealSendsBesideIsLinuxs) {
  serve(Method::kNat);
  EXPECT_EQ(lb->send(from_real(1, "a x"), kInside).summary(), "kernel 1") << "no call";
  EXPECT_EQ(lb->send(from_real(1, "a@x").from(at("10.0.0.1"), 5061), kInside).summary(), "kernel 1") << "another port";
  EXPECT_EQ(lb->send(from_real(1, "a@x").to(at("10.0.0.254"), 40000), kInside).summary(), "kernel 1") << "to the machine";
  EXPECT_EQ(lb->connections(GetParam()), 0u);
}

TEST_P(Calls, FromRealsAreTheirClientsWorkers) {
  serve(Method::kNat, false, 3);
  uint32_t opened = 0;
  for (uint16_t port = 40000; port < 40020; ++port) {
    lb->send(from_real(1, "a" + std::to_string(port), port), kInside, port % 3);
    for (uint32_t worker = 0; worker < 3; ++worker) lb->serve_inbox(worker);
    for (uint32_t worker = 0; worker < 3; ++worker) opened += lb->copy_of(call("x", port), worker) ? 1 : 0;
  }
  EXPECT_EQ(opened, 20u);
}

TEST_P(Calls, AreKnownByAFirstFragmentThatNamesThem) {
  serve(Method::kDirect);
  const int first = receiver(call("a@x"));
  const auto fragments = fragments_of(call("a@x", 40001).payload(message("a@x") + std::string(3000, 'v')).bytes(), 1280);
  for (const Bytes& each : fragments) {
    const Outcome outcome = lb->send_frame(each);
    ASSERT_EQ(outcome.summary(), "sent 1");
    EXPECT_EQ(outcome.sent[0].bytes[5], first);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, Calls, kBothFamilies, family_name);

}  // namespace call_test
}  // namespace shunt::dataplane
