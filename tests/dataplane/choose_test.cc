#include "dataplane/choose.h"

#include <gmock/gmock.h>

#include "dataplane/family.h"
#include "tests/dataplane/answers.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

constexpr uint32_t kTimeout = 300'000;

class Choose : public InBothFamilies {
 protected:
  explicit Choose(uint32_t workers = 1, uint32_t capacity = 256) : lb(workers, capacity) {
    service = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, Method::kDirect, SchedulerKind::kRr);
    for (const char* address : {"10.0.0.1", "10.0.0.2", "10.0.0.3"}) reals.push_back(lb.add_real(service, at(address), 80));
    lb.publish();
  }
  void make_persistent(uint8_t prefix4 = 32, uint8_t prefix6 = 128) {
    lb.set_persistence(service, {kTimeout, is_v6() ? prefix6 : prefix4});
    lb.publish();
  }
  static PacketBuilder from(std::string_view client, uint16_t port) {
    return a_packet().from(at(client), port).to(at("203.0.113.10"), 80);
  }
  // What left beside the drop that it explains.
  Outcome answer(const PacketBuilder& packet) {
    Outcome outcome = lb.send(packet);
    EXPECT_THAT(outcome.dropped, testing::ElementsAre(DropReason::kNoRealLeft)) << "it counts";
    outcome.dropped.clear();
    return outcome;
  }
  // The real that a new connection gets; kNoReal: none.
  RealId open(std::string_view client, uint16_t port, uint32_t worker = 0) {
    const PacketBuilder syn = from(client, port).tcp(kTcpSyn);
    lb.send(syn, kOutside, worker);
    const auto copy = lb.copy_of(syn, worker);
    return copy ? copy->real : kNoReal;
  }
  void close(std::string_view client, uint16_t port, uint32_t worker = 0) {
    lb.send(from(client, port).tcp(kTcpAck), kOutside, worker);
    lb.send(from(client, port).tcp(kTcpRst), kOutside, worker);
    lb.advance(11'000, worker);
  }

  WorkerFixture lb;
  ServiceId service;
  std::vector<RealId> reals;
};

TEST_P(Choose, WithoutPersistenceEachConnectionIsScheduled) {
  EXPECT_NE(open("198.51.100.7", 1), open("198.51.100.7", 2));
  EXPECT_TRUE(lb.templates().empty());
}

TEST_P(Choose, APersistentClientKeepsItsReal) {
  make_persistent();
  const RealId real = open("198.51.100.7", 1);
  for (uint16_t port = 2; port < 20; ++port) EXPECT_EQ(open("198.51.100.7", port), real);
  EXPECT_NE(open("198.51.100.8", 1), real);
  ASSERT_EQ(lb.templates().size(), 2u);
}

TEST_P(Choose, ClientsOfOnePrefixAreOne) {
  make_persistent(24, 120);
  const RealId real = open("198.51.100.7", 1);
  EXPECT_EQ(open("198.51.100.9", 1), real);
  EXPECT_NE(open("198.51.101.7", 1), real);
}

TEST_P(Choose, ATemplateEndsItsTimeAfterTheLastConnection) {
  make_persistent();
  const RealId real = open("198.51.100.7", 1);
  close("198.51.100.7", 1);
  EXPECT_EQ(lb.connections(GetParam()), 0u);
  lb.advance(kTimeout - 12'000);
  EXPECT_EQ(open("198.51.100.7", 2), real);
  close("198.51.100.7", 2);
  lb.advance(kTimeout);
  EXPECT_TRUE(lb.templates().empty());
  EXPECT_NE(open("198.51.100.7", 3), real);
}

TEST_P(Choose, AnEstablishedConnectionKeepsItsTemplate) {
  make_persistent();
  const RealId real = open("198.51.100.7", 1);
  for (int i = 0; i < 4; ++i) {
    lb.send(from("198.51.100.7", 1).tcp(kTcpAck));
    lb.advance(kTimeout / 2);
  }
  EXPECT_EQ(open("198.51.100.7", 2), real);
}

TEST_P(Choose, ADrainedRealKeepsItsPersistentClients) {
  make_persistent();
  const RealId real = open("198.51.100.7", 1);
  lb.set_weight(real, 0);
  lb.publish();
  EXPECT_EQ(open("198.51.100.7", 2), real);
  for (const char* client : {"198.51.100.8", "198.51.100.9", "198.51.100.10"}) EXPECT_NE(open(client, 1), real);
}

TEST_P(Choose, ADrainedRealKeepsNoneWhereTheyAreToLeave) {
  make_persistent();
  const RealId real = open("198.51.100.7", 1);
  lb.set_weight(real, 0);
  lb.sysctls().expire_quiescent_template = true;
  lb.publish();
  const RealId other = open("198.51.100.7", 2);
  EXPECT_NE(other, real);
  EXPECT_NE(other, kNoReal);
  lb.set_weight(real, 1);
  lb.publish();
  EXPECT_EQ(open("198.51.100.7", 3), other) << "its new real is kept";
}

TEST_P(Choose, AClientOfADownRealMovesAndStays) {
  make_persistent();
  const RealId real = open("198.51.100.7", 1);
  lb.remove_real(real);
  lb.publish();
  const RealId other = open("198.51.100.7", 2);
  EXPECT_NE(other, real);
  for (uint16_t port = 3; port < 9; ++port) EXPECT_EQ(open("198.51.100.7", port), other);
}

TEST_P(Choose, NoRealAtAllLeavesTheTemplate) {
  make_persistent();
  const RealId real = open("198.51.100.7", 1);
  for (const RealId each : reals) lb.remove_real(each);
  lb.publish();
  EXPECT_EQ(open("198.51.100.7", 2), kNoReal);
  ASSERT_EQ(lb.templates().size(), 1u);
  EXPECT_EQ(lb.templates()[0].real, real);
}

TEST_P(Choose, AFullTableIsCountedAndConnectionsGoOn) {
  make_persistent();
  for (int i = 0; i < 200; ++i) {
    EXPECT_NE(open("198.51." + std::to_string(i) + ".7", 1), kNoReal);
  }
  EXPECT_GT(lb.worker().counters.unremembered.read(), 100u);
  EXPECT_EQ(lb.worker().counters.unremembered.read() + lb.templates().size(), 200u);
}

TEST_P(Choose, AFloodOfSynsDoesNotKeepTheTableFull) {
  make_persistent();
  for (int i = 0; i < 60; ++i) open("198.51." + std::to_string(i) + ".7", 1);
  const size_t flooded = lb.templates().size();
  lb.advance(1500);
  Worker& worker = lb.worker();
  for (int i = 0; i < 60; ++i) {
    is_v6() ? evict_half_open<Ipv6>(worker) : evict_half_open<Ipv4>(worker);
  }
  EXPECT_GT(flooded, 40u);
  EXPECT_TRUE(lb.templates().empty());
}

TEST_P(Choose, AReopenedConnectionGoesByItsTemplate) {
  make_persistent();
  const RealId real = open("198.51.100.7", 1);
  lb.send(from("198.51.100.7", 1).tcp(kTcpAck));
  lb.send(from("198.51.100.7", 1).tcp(kTcpFin | kTcpAck));
  EXPECT_EQ(open("198.51.100.7", 1), real);
  ASSERT_EQ(lb.templates().size(), 1u);
  EXPECT_EQ(lb.templates()[0].connections, 1u);
}

TEST_P(Choose, WhatGoesUntrackedGoesByTheTemplate) {
  WorkerFixture small(1, 2);
  const ServiceId hashed = small.add_service(Protocol::kUdp, at("203.0.113.10"), 53, Method::kDirect, SchedulerKind::kSh);
  const RealId one = small.add_real(hashed, at("10.0.0.1"), 53);
  small.set_persistence(hashed, {kTimeout, static_cast<uint8_t>(is_v6() ? 128 : 32)});
  small.publish();
  const auto packet = [&](uint16_t port) {
    return a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 53).udp().payload_of(10);
  };
  small.send(packet(1));
  const RealId two = small.add_real(hashed, at("10.0.0.2"), 53);
  small.set_weight(one, 0);
  small.publish();
  for (uint16_t port = 2; port < 8; ++port) small.send(packet(port));
  EXPECT_GT(small.worker().counters.untracked_packets.read(), 0u);
  EXPECT_EQ(small.counters(one).in_packets.read(), 7u);
  EXPECT_EQ(small.counters(two).in_packets.read(), 0u);
  EXPECT_EQ(small.templates().at(0).connections, small.connections(GetParam())) << "what did not come to be is let go";
}

struct ChooseOnTwoWorkers : Choose {
  ChooseOnTwoWorkers() : Choose(2) {}
};

TEST_P(ChooseOnTwoWorkers, AClientHasOneRealWhicheverWorkerSeesIt) {
  make_persistent();
  const RealId real = open("198.51.100.7", 1, 0);
  for (uint16_t port = 2; port < 12; ++port) EXPECT_EQ(open("198.51.100.7", port, port % 2), real);
  ASSERT_EQ(lb.templates().size(), 1u);
  EXPECT_EQ(lb.templates()[0].connections, 11u);
}

// --- no real ---

struct NoRealLeft : Choose {
  NoRealLeft() {
    for (const RealId real : reals) lb.remove_real(real);
  }
  void answer_with(NoReal no_real) {
    lb.set_no_real(service, no_real);
    lb.publish();
  }
};

TEST_P(NoRealLeft, UnreachableIsTheDefault) {
  lb.publish();
  const PacketBuilder syn = from("198.51.100.7", 1).tcp(kTcpSyn);
  expect_sent(answer(syn), kOutside,
              answer_to(syn, Answer::kPortUnreachable)
                  .from_mac(kOutsideMac).to_mac(kGatewayMac)
                  .from(at("203.0.113.10")).to(at("198.51.100.7")));
}

TEST_P(NoRealLeft, DropIsSilentAndCounted) {
  answer_with(NoReal::kDrop);
  EXPECT_EQ(lb.send(from("198.51.100.7", 1).tcp(kTcpSyn)).summary(), "dropped no_real");
}

// RFC 9293 section 3.10.7.1: a segment without ACK is answered by <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>.
TEST_P(NoRealLeft, ResetAcknowledgesTheSyn) {
  answer_with(NoReal::kReset);
  const auto reset = [&](uint32_t acknowledged) {
    PacketBuilder packet = a_packet().from_mac(kOutsideMac).to_mac(kGatewayMac).from(at("203.0.113.10"), 80)
        .to(at("198.51.100.7"), 1).tcp(kTcpRst | kTcpAck, 0, acknowledged);
    return is_v6() ? packet : packet.df();
  };
  // The window is not a reset's to say.
  const auto without_window = [&](PacketBuilder packet) {
    return packet.then([this](Bytes& frame) {
      const size_t tcp = l4_place();
      const uint16_t window = static_cast<uint16_t>(frame[tcp + 14] << 8 | frame[tcp + 15]);
      frame[tcp + 14] = frame[tcp + 15] = 0;
      uint32_t sum = static_cast<uint32_t>(frame[tcp + 16] << 8 | frame[tcp + 17]) + window;
      sum = (sum & 0xffff) + (sum >> 16);
      frame[tcp + 16] = static_cast<uint8_t>(sum >> 8);
      frame[tcp + 17] = static_cast<uint8_t>(sum);
    });
  };
  expect_sent(answer(from("198.51.100.7", 1).tcp(kTcpSyn, 7000)), kOutside, without_window(reset(7001)));
  expect_sent(answer(from("198.51.100.7", 1).tcp(kTcpSyn, 0xffffffff)), kOutside, without_window(reset(0)));
  expect_sent(answer(from("198.51.100.7", 1).tcp(kTcpSyn, 7000).tcp_options({2, 4, 5, 0xb4}).payload_of(100)), kOutside,
              without_window(reset(7101)));
  expect_sent(answer(from("198.51.100.7", 1).tcp(kTcpSyn, 7000).padded_to(90)), kOutside, without_window(reset(7001)));
}

// And one with ACK by <SEQ=SEG.ACK><CTL=RST>.
TEST_P(NoRealLeft, ResetOfWhatAcknowledgesTakesItsNumber) {
  lb.set_sloppy_tcp(service);
  answer_with(NoReal::kReset);
  const Outcome outcome = lb.send(from("198.51.100.7", 1).tcp(kTcpAck, 7000, 9000).payload_of(10));
  ASSERT_EQ(outcome.sent.size(), 1u);
  const Bytes& frame = outcome.sent[0].bytes;
  EXPECT_EQ(checksum_errors(frame), "");
  const size_t tcp = l4_place();
  ASSERT_EQ(frame.size(), tcp + 20);
  EXPECT_EQ(Bytes(frame.begin() + static_cast<long>(tcp) + 4, frame.begin() + static_cast<long>(tcp) + 14),
            (Bytes{0, 0, 0x23, 0x28, 0, 0, 0, 0, 0x50, kTcpRst}));
}

TEST_P(NoRealLeft, ResetsAreSentAtABoundedRate) {
  answer_with(NoReal::kReset);
  size_t resets = 0;
  for (uint16_t i = 0; i < 200; ++i) resets += lb.send(from("198.51.100.7", i + 1u).tcp(kTcpSyn)).sent.size();
  EXPECT_EQ(resets, TokenBudget::kAtOnce);
  EXPECT_EQ(lb.drops(DropReason::kNoRealLeft), 200u);
}

TEST_P(NoRealLeft, NoResetGoesToAGroup) {
  answer_with(NoReal::kReset);
  const char* group = is_v6() ? "ff02::1" : "224.0.0.1";
  EXPECT_EQ(lb.send(a_packet().from(group, 1).to(at("203.0.113.10"), 80).tcp(kTcpSyn)).summary(), "dropped no_real");
}

TEST_P(NoRealLeft, WhereThereAreNoResetsItIsUnreachable) {
  const ServiceId udp = lb.add_service(Protocol::kUdp, at("203.0.113.10"), 53, Method::kDirect);
  lb.set_no_real(udp, NoReal::kReset);
  lb.publish();
  const PacketBuilder asked = a_packet().from(at("198.51.100.7"), 1).to(at("203.0.113.10"), 53).udp();
  expect_sent(answer(asked), kOutside,
              answer_to(asked, Answer::kPortUnreachable)
                  .from_mac(kOutsideMac).to_mac(kGatewayMac)
                  .from(at("203.0.113.10")).to(at("198.51.100.7")));
}

// --- sorry reals ---

struct Sorry : Choose {
  Sorry() {
    sorry = lb.add_real(service, at("10.0.0.4"), 80);
    lb.make_sorry(sorry);
    lb.publish();
  }
  RealId sorry;
};

TEST_P(Sorry, GetsNothingWhileOthersMay) {
  for (uint16_t port = 1; port < 20; ++port) EXPECT_NE(open("198.51.100.7", port), sorry);
}

TEST_P(Sorry, GetsThoseForWhomThereIsNoReal) {
  for (const RealId real : reals) lb.set_weight(real, 0);
  lb.publish();
  EXPECT_EQ(open("198.51.100.7", 1), sorry);
  for (const RealId real : reals) lb.remove_real(real);
  lb.publish();
  EXPECT_EQ(open("198.51.100.7", 2), sorry);
}

TEST_P(Sorry, KeepsItsConnectionsWhenTheOthersAreBack) {
  for (const RealId real : reals) lb.set_weight(real, 0);
  lb.publish();
  open("198.51.100.7", 1);
  lb.set_weight(reals[0], 1);
  lb.publish();
  lb.send(from("198.51.100.7", 1).tcp(kTcpAck));
  EXPECT_EQ(lb.copy_of(from("198.51.100.7", 1))->real, sorry);
  EXPECT_EQ(open("198.51.100.7", 2), reals[0]);
}

TEST_P(Sorry, APersistentClientComesBackToItsOwn) {
  make_persistent();
  const RealId real = open("198.51.100.7", 1);
  std::vector<RealId> others = reals;
  std::erase(others, real);
  for (const RealId other : others) lb.set_weight(other, 0);
  lb.set_weight(real, 0);
  lb.publish();
  EXPECT_EQ(open("198.51.100.8", 1), sorry) << "no client of any";
  EXPECT_EQ(open("198.51.100.7", 2), real) << "one of a drained real";
  EXPECT_EQ(lb.templates().size(), 1u) << "saying sorry is not remembered";
}

TEST_P(Sorry, TheLeastLoadedOfSeveralIsNext) {
  const RealId other = lb.add_real(service, at("10.0.0.5"), 80);
  lb.make_sorry(other);
  for (const RealId real : reals) lb.remove_real(real);
  lb.publish();
  EXPECT_NE(open("198.51.100.7", 1), open("198.51.100.7", 2));
}

// --- thresholds ---

TEST_P(Choose, ARealAtItsUpperThresholdGetsNoMore) {
  lb.set_thresholds(reals[0], {2, 0});
  lb.publish();
  int of_first = 0;
  for (uint16_t port = 1; port <= 30; ++port) of_first += open("198.51.100.7", port) == reals[0] ? 1 : 0;
  EXPECT_EQ(of_first, 2);
}

TEST_P(Choose, ItComesBackBelowItsLowerThreshold) {
  for (const RealId real : reals) lb.set_thresholds(real, {3, 2});
  lb.publish();
  for (uint16_t port = 1; port <= 9; ++port) EXPECT_NE(open("198.51.100.7", port), kNoReal);
  EXPECT_EQ(open("198.51.100.7", 10), kNoReal);
  // Two of the connections of one real end: 3, 2 (not below), 1 (below).
  std::vector<uint16_t> of_first;
  for (uint16_t port = 1; port <= 9; ++port) {
    if (lb.copy_of(from("198.51.100.7", port))->real == reals[0]) of_first.push_back(port);
  }
  ASSERT_EQ(of_first.size(), 3u);
  const auto end = [&](uint16_t port) {
    if (is_v6()) end_connection(lb.worker(), lb.connection6_of(from("198.51.100.7", port)));
    else end_connection(lb.worker(), lb.connection_of(from("198.51.100.7", port)));
  };
  end(of_first[0]);
  EXPECT_EQ(open("198.51.100.7", 10), kNoReal);
  end(of_first[1]);
  EXPECT_EQ(open("198.51.100.7", 10), reals[0]);
}

TEST_P(Choose, PersistentClientsOfAnOverloadedRealStay) {
  make_persistent();
  for (const RealId real : reals) lb.set_thresholds(real, {1, 0});
  lb.publish();
  const RealId real = open("198.51.100.7", 1);
  EXPECT_EQ(open("198.51.100.7", 2), real);
}

TEST_P(Sorry, TakesWhatOverloadedRealsDoNot) {
  for (const RealId real : reals) lb.set_thresholds(real, {1, 0});
  lb.publish();
  for (uint16_t port = 1; port <= 3; ++port) EXPECT_NE(open("198.51.100.7", port), sorry);
  EXPECT_EQ(open("198.51.100.7", 4), sorry);
}

INSTANTIATE_TEST_SUITE_P(Families, Choose, kBothFamilies, family_name);
INSTANTIATE_TEST_SUITE_P(Families, ChooseOnTwoWorkers, kBothFamilies, family_name);
INSTANTIATE_TEST_SUITE_P(Families, NoRealLeft, kBothFamilies, family_name);
INSTANTIATE_TEST_SUITE_P(Families, Sorry, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
