// Sysctl nat_icmp_send: a nat real that speaks of a connection that nobody knows is told so.
#include <gmock/gmock.h>

#include "tests/dataplane/answers.h"
#include "tests/support/families.h"
#include "tests/support/fragmentation.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace nat_icmp_send_test {

using namespace test;

class NatIcmpSend : public InBothFamilies {
 protected:
  NatIcmpSend() {
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp}) {
      const ServiceId service = lb.add_service(protocol, at("203.0.113.10"), 80, Method::kNat);
      reals.push_back(lb.add_real(service, at("10.0.0.1"), 8080));
    }
    lb.sysctls().nat_icmp_send = true;
    lb.amend = [this](Snapshot& snapshot) {
      if (!snapshot.sysctls.nat_icmp_send) return;
      slots.assign(8, {});
      for (const uint8_t protocol : {kIpProtocolTcp, kIpProtocolUdp, kIpProtocolSctp}) {
        const NatRealSlot slot{ip(at("10.0.0.1")), Be16::from_host(8080), protocol};
        uint32_t place = service_hash(protocol, slot.address, slot.port) & 7;
        while (slots[place].protocol != 0) place = (place + 1) & 7;
        slots[place] = slot;
      }
      snapshot.nat_real_slots = slots;
    };
    lb.publish();
  }
  PacketBuilder from_real(uint16_t port = 8080) const {
    return a_packet().from(at("10.0.0.1"), port).to(at("198.51.100.7"), 40000).to_mac(kInsideMac).from_mac(real_mac(reals[0]));
  }
  void expect_told(const PacketBuilder& packet) {
    expect_sent_with_drop(lb.send(packet, kInside),
                          answer_to(packet, Answer::kPortUnreachable)
                              .from(at("10.0.0.254"))
                              .to(at("10.0.0.1"))
                              .from_mac(kInsideMac)
                              .to_mac(real_mac(reals[0])));
  }
  void expect_sent_with_drop(const Outcome& outcome, const PacketBuilder& expected) {
    ASSERT_EQ(outcome.summary(), "sent 1, dropped reply_of_none");
    EXPECT_EQ(describe(outcome.sent[0].bytes), describe(expected.bytes()));
    EXPECT_EQ(outcome.sent[0].bytes, expected.bytes());
  }

  WorkerFixture lb;
  std::vector<RealId> reals;
  std::vector<NatRealSlot> slots;
};

TEST_P(NatIcmpSend, TellsOfEveryProtocol) {
  expect_told(from_real().tcp(kTcpAck).payload("x"));
  expect_told(from_real().tcp(kTcpSyn));
  expect_told(from_real().udp().payload("x"));
  expect_told(from_real().sctp(0, Bytes(16)));
}

TEST_P(NatIcmpSend, SaysNothingToWhoGivesUp) {
  EXPECT_EQ(lb.send(from_real().tcp(kTcpRst), kInside).summary(), "kernel 1");
  EXPECT_EQ(lb.send(from_real().tcp(kTcpRst | kTcpAck), kInside).summary(), "kernel 1");
  EXPECT_EQ(lb.send(from_real().sctp(6), kInside).summary(), "kernel 1");
}

TEST_P(NatIcmpSend, LeavesOthersToLinux) {
  EXPECT_EQ(lb.send(from_real(8081).udp(), kInside).summary(), "kernel 1") << "another port";
  EXPECT_EQ(lb.send(from_real().from(at("10.0.0.2"), 8080).udp(), kInside).summary(), "kernel 1") << "no real";
  EXPECT_EQ(lb.send(from_real().udp().ttl(1), kInside).summary(), "kernel 1") << "Linux says what became of it";
  lb.sysctls().nat_icmp_send = false;
  lb.publish();
  EXPECT_EQ(lb.send(from_real().udp(), kInside).summary(), "kernel 1");
}

TEST_P(NatIcmpSend, AnswersOfConnectionsPass) {
  lb.send(a_packet().from(at("198.51.100.7"), 40000).to(at("203.0.113.10"), 80).udp());
  EXPECT_EQ(lb.send(from_real().udp(), kInside).summary(), "sent 0");
}

TEST_P(NatIcmpSend, OfFragmentsTheFirstIsAnswered) {
  const std::vector<Bytes> fragments = fragments_of(from_real().udp().payload_of(3000).bytes(), 1280);
  EXPECT_EQ(lb.send_frame(fragments[0], kInside).summary(), "sent 1, dropped reply_of_none");
  EXPECT_EQ(lb.send_frame(fragments[1], kInside).summary(), "dropped reply_of_none");
}

TEST_P(NatIcmpSend, IsLimitedAsAllAnswersAre) {
  size_t told = 0;
  for (int i = 0; i < 3000; ++i) told += lb.send(from_real().udp(), kInside).sent.size();
  EXPECT_LT(told, 2000u);
  EXPECT_EQ(lb.drops(DropReason::kReplyOfNone), 3000u);
}

INSTANTIATE_TEST_SUITE_P(Families, NatIcmpSend, kBothFamilies, family_name);

}  // namespace nat_icmp_send_test
}  // namespace shunt::dataplane
