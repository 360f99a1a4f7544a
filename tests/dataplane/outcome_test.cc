#include "dataplane/outcome.h"

#include <gmock/gmock.h>
#include <rte_cycles.h>

#include <utility>

#include "dataplane/expiry.h"
#include "dataplane/housekeeping.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class Outcomes : public InBothFamilies {
 protected:
  void serve(Method method = Method::kNat, bool is_watched = true) {
    id = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, method);
    lb.add_local_address(id, at("10.0.0.100"));
    real = lb.add_real(id, at("10.0.0.1"), 80);
    lb.service(id).is_watched = is_watched;
    lb.publish();
  }
  static PacketBuilder client(uint16_t port = 40000) {
    return a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 80);
  }
  void send(const PacketBuilder& packet) { ASSERT_EQ(lb.send(packet).summary(), "sent 1"); }
  void reply(uint8_t flags, uint16_t port = 40000) {
    const auto connection = lb.copy_of(client(port).tcp(kTcpSyn));
    ASSERT_TRUE(connection);
    const IpFlow key = connection->reply;
    auto packet = a_packet().from(at("10.0.0.1"), 80).to_mac(kInsideMac).tcp(flags);
    packet.to(connection->method == Method::kFullnat ? at("10.0.0.100") : at("198.51.100.7"), key.destination_port.host());
    ASSERT_EQ(lb.send(packet, kInside).summary(), "sent 0");
  }
  void shake_hands() {
    send(client().tcp(kTcpSyn));
    reply(kTcpSyn | kTcpAck);
    send(client().tcp(kTcpAck));
  }
  // "answered 1 unanswered 0 refused 0 reset 0"
  std::string outcomes() {
    const RealOutcomes& of = lb.worker().real_outcomes[real.index];
    return "answered " + std::to_string(of.answered.read()) + " unanswered " + std::to_string(of.unanswered.read()) +
           " refused " + std::to_string(of.refused.read()) + " reset " + std::to_string(of.reset.read());
  }
  static constexpr const char* kNone = "answered 0 unanswered 0 refused 0 reset 0";

  WorkerFixture lb{1, 2 * AwaitedAnswers::kPlaces};
  ServiceId id;
  RealId real;
};

TEST_P(Outcomes, OfAnAnsweredConnection) {
  serve();
  send(client().tcp(kTcpSyn));
  EXPECT_EQ(outcomes(), kNone);
  reply(kTcpSyn | kTcpAck);
  EXPECT_EQ(outcomes(), "answered 1 unanswered 0 refused 0 reset 0");
  reply(kTcpSyn | kTcpAck);
  send(client().tcp(kTcpAck));
  reply(kTcpAck);
  lb.advance(kAnswerMs);
  reply(kTcpFin | kTcpAck);
  send(client().tcp(kTcpFin | kTcpAck));
  lb.advance(200000);
  EXPECT_EQ(lb.connections(GetParam()), 0u);
  EXPECT_EQ(outcomes(), "answered 1 unanswered 0 refused 0 reset 0");
}

TEST_P(Outcomes, UnderFullnat) {
  serve(Method::kFullnat);
  send(client(1).tcp(kTcpSyn));
  reply(kTcpSyn | kTcpAck, 1);
  send(client(2).tcp(kTcpSyn));
  reply(kTcpRst | kTcpAck, 2);
  send(client(3).tcp(kTcpSyn));
  lb.advance(kAnswerMs);
  EXPECT_EQ(outcomes(), "answered 1 unanswered 1 refused 1 reset 0");
}

TEST_P(Outcomes, OfASynThatNobodyAnswers) {
  serve();
  send(client().tcp(kTcpSyn));
  lb.advance(kAnswerMs - 1);
  EXPECT_EQ(outcomes(), kNone);
  lb.advance(1);
  EXPECT_EQ(outcomes(), "answered 0 unanswered 1 refused 0 reset 0");
  EXPECT_EQ(lb.connections(GetParam()), 1u) << "it lives on";
  send(client().tcp(kTcpSyn));
  lb.advance(200000);
  EXPECT_EQ(lb.connections(GetParam()), 0u);
  EXPECT_EQ(outcomes(), "answered 0 unanswered 1 refused 0 reset 0") << "counted once";
}

TEST_P(Outcomes, AreToldWithTheMillisecondHoweverLongTheClocksWalkIs) {
  serve();
  Worker& worker = lb.worker();
  send(client().tcp(kTcpSyn));
  worker.now += kAnswerMs - 1;
  look_for_answers(worker);
  EXPECT_EQ(outcomes(), kNone);
  worker.cycles_per_ms = 1000;
  worker.last_tick_cycles = rte_rdtsc() - worker.cycles_per_ms;
  worker.upkeep.sweep_owed = worker.upkeep6.sweep_owed = 0;
  ASSERT_TRUE(advance_clock(worker));
  EXPECT_EQ(outcomes(), "answered 0 unanswered 1 refused 0 reset 0");
  lb.advance(kAnswerMs);
  EXPECT_EQ(outcomes(), "answered 0 unanswered 1 refused 0 reset 0") << "counted once";
}

TEST_P(Outcomes, OfOneInAnothersEntryHaveTheirOwnTime) {
  serve();
  uint32_t& timeout = lb.timeouts()[static_cast<size_t>(ConnectionState::kSynRecv)];
  const uint32_t usual = std::exchange(timeout, 1000);
  lb.publish();
  send(client(1).tcp(kTcpSyn));
  lb.advance(1000);
  ASSERT_EQ(lb.connections(GetParam()), 0u);
  timeout = usual;
  lb.publish();
  send(client(2).tcp(kTcpSyn));
  lb.worker().now += kAnswerMs - 1000;
  look_for_answers(lb.worker());
  EXPECT_EQ(outcomes(), kNone);
  lb.worker().now += 1000;
  look_for_answers(lb.worker());
  EXPECT_EQ(outcomes(), "answered 0 unanswered 1 refused 0 reset 0");
}

TEST_P(Outcomes, OfMoreThanFindAPlaceAreLeftToTheWalk) {
  serve();
  constexpr uint32_t kSyns = AwaitedAnswers::kPlaces + 100;
  for (uint32_t i = 0; i < kSyns; ++i) send(client(static_cast<uint16_t>(1024 + i)).tcp(kTcpSyn));
  lb.worker().now += kAnswerMs;
  for (int i = 0; i < 100; ++i) look_for_answers(lb.worker());
  EXPECT_EQ(lb.worker().real_outcomes[real.index].unanswered.read(), AwaitedAnswers::kPlaces);
  lb.advance(0);
  EXPECT_EQ(lb.worker().real_outcomes[real.index].unanswered.read(), kSyns);
  // The places are free again.
  send(client(1).tcp(kTcpSyn));
  lb.worker().now += kAnswerMs;
  look_for_answers(lb.worker());
  EXPECT_EQ(lb.worker().real_outcomes[real.index].unanswered.read(), kSyns + 1);
}

TEST_P(Outcomes, OfASynThatWaitedForItsEndAlone) {
  serve();
  lb.timeouts()[static_cast<size_t>(ConnectionState::kSynRecv)] = 5000;
  lb.publish();
  send(client().tcp(kTcpSyn));
  lb.worker().now += 5000;
  // The client's next one finds it past its time, before the clock does.
  send(client().tcp(kTcpSyn));
  EXPECT_EQ(outcomes(), "answered 0 unanswered 1 refused 0 reset 0");
}

TEST_P(Outcomes, OfOneThatEndsEarlyAreNone) {
  serve();
  send(client().tcp(kTcpSyn));
  lb.expire_real(real);
  lb.publish();
  lb.worker().now += 1000;
  for (int i = 0; i < 4; ++i) expire_reals(lb.worker(), lb.snapshot());
  EXPECT_EQ(lb.connections(GetParam()), 0u);
  EXPECT_EQ(outcomes(), kNone);
}

TEST_P(Outcomes, OfARefusedConnection) {
  serve();
  send(client().tcp(kTcpSyn));
  reply(kTcpRst | kTcpAck);
  EXPECT_EQ(outcomes(), "answered 0 unanswered 0 refused 1 reset 0");
  lb.advance(200000);
  EXPECT_EQ(outcomes(), "answered 0 unanswered 0 refused 1 reset 0");
}

TEST_P(Outcomes, OfOneThatIsResetBeforeItSaysAnything) {
  serve();
  shake_hands();
  reply(kTcpRst | kTcpAck);
  EXPECT_EQ(outcomes(), "answered 1 unanswered 0 refused 0 reset 1");
}

TEST_P(Outcomes, OfOneThatWasServedAndThenReset) {
  serve();
  shake_hands();
  reply(kTcpAck | kTcpPsh);
  reply(kTcpRst | kTcpAck);
  EXPECT_EQ(outcomes(), "answered 1 unanswered 0 refused 0 reset 0");
}

TEST_P(Outcomes, AResetThatAClientBroughtAboutIsNone) {
  serve();
  send(client(1).tcp(kTcpSyn));
  reply(kTcpSyn | kTcpAck, 1);
  send(client(1).tcp(kTcpAck));
  reply(kTcpRst, 1);  // what an ACK of something never sent is told
  send(client(2).tcp(kTcpSyn));
  send(client(2).tcp(kTcpAck));
  reply(kTcpRst, 2);
  lb.advance(kAnswerMs);
  EXPECT_EQ(outcomes(), "answered 1 unanswered 0 refused 0 reset 0");
}

TEST_P(Outcomes, AnAckFromAnOldConnectionIsAnAnswer) {
  serve();
  send(client().tcp(kTcpSyn));
  reply(kTcpAck);
  EXPECT_EQ(outcomes(), "answered 1 unanswered 0 refused 0 reset 0");
}

TEST_P(Outcomes, ASynThatNoHostWouldAnswerIsNotWatched) {
  serve();
  const size_t checksum = l4_place() + 16;
  const std::vector<PacketBuilder> packets = {
      client(1).tcp(kTcpSyn).then([&](Bytes& frame) { frame[checksum] ^= 1; }),
      client(2).tcp(kTcpSyn | kTcpFin),
      client(3).tcp(kTcpSyn).ttl(15),
      client(4).tcp(kTcpSyn).tcp_options({19, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
      client(5).tcp(kTcpSyn).tcp_options({29, 4, 1, 1}),
      a_packet().from(at("10.0.0.1"), 6).to(at("203.0.113.10"), 80).tcp(kTcpSyn),
      a_packet().from(is_v6() ? "ff02::1" : "224.0.0.1", 7).to(at("203.0.113.10"), 80).tcp(kTcpSyn),
      a_packet().from(is_v6() ? "fe80::1" : "127.0.0.1", 8).to(at("203.0.113.10"), 80).tcp(kTcpSyn),
      is_v6() ? client(9).tcp(kTcpSyn).extension(kIpv6DestinationOptions)
              : client(9).tcp(kTcpSyn).ip_options({7, 7, 4, 0, 0, 0, 0, 0})};
  for (const PacketBuilder& packet : packets) lb.send(packet);
  EXPECT_GT(lb.connections(GetParam()), 4u);
  lb.advance(kAnswerMs);
  EXPECT_EQ(outcomes(), kNone);
}

TEST_P(Outcomes, AServiceWithoutACheckOfThemHasNone) {
  serve(Method::kNat, false);
  send(client(1).tcp(kTcpSyn));
  reply(kTcpSyn | kTcpAck, 1);
  send(client(2).tcp(kTcpSyn));
  reply(kTcpRst | kTcpAck, 2);
  send(client(3).tcp(kTcpSyn));
  lb.advance(kAnswerMs);
  EXPECT_EQ(outcomes(), kNone);
}

INSTANTIATE_TEST_SUITE_P(Families, Outcomes, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
