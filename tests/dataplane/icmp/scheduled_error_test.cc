// Sysctl schedule_icmp: an ICMP error about an answer of no connection gets a real, as a request would.
#include <gmock/gmock.h>

#include <memory>

#include "tests/dataplane/icmp/errors.h"
#include "tests/support/eal.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace scheduled_error_test {

using namespace test;

class ScheduledError : public InBothFamilies {
 protected:
  void serve(Method method, SchedulerKind scheduler = SchedulerKind::kRr, Protocol protocol = Protocol::kTcp,
             uint32_t workers = 1) {
    lb = std::make_unique<WorkerFixture>(workers);
    reals.clear();
    service = lb->add_service(protocol, at("203.0.113.10"), 80, method, scheduler);
    if (method == Method::kFullnat) lb->add_local_address(service, at("10.0.0.100"));
    for (const char* real : {"10.0.0.3", "10.0.0.2", "10.0.0.1"}) reals.push_back(lb->add_real(service, at(real), 80));
    lb->sysctls().schedule_icmp = true;
    lb->publish();
  }
  PacketBuilder request(uint16_t client = 40000) const {
    return a_packet().from(at("198.51.100.7"), client).to(at("203.0.113.10"), 80).tcp(kTcpSyn);
  }
  // What the client got from the VIP.
  PacketBuilder answer(uint16_t client = 40000) const {
    return a_packet().from(at("203.0.113.10"), 80).to(at("198.51.100.7"), client).tcp(kTcpAck).payload("answer");
  }
  PacketBuilder error(uint16_t client = 40000) const {
    return icmp_error(too_big(is_v6()), quoted(answer(client)), 1300).from(at("192.0.2.1")).to(at("203.0.113.10"));
  }
  static int receiver(const Outcome& outcome) { return outcome.sent.empty() ? -1 : outcome.sent[0].bytes[5] - 0x20; }

  std::unique_ptr<WorkerFixture> lb;
  ServiceId service;
  std::vector<RealId> reals;
};

TEST_P(ScheduledError, OpensAConnectionThatWaitsForItsFirstPacket) {
  for (const Method method : {Method::kDirect, Method::kTunnel, Method::kNat, Method::kFullnat}) {
    SCOPED_TRACE(std::string(name_of(method)));
    serve(method);
    const Outcome went = lb->send(error());
    ASSERT_EQ(went.summary(), "sent 1");
    EXPECT_EQ(checksum_errors(went.sent[0].bytes), "");
    const auto connection = lb->copy_of(request());
    ASSERT_TRUE(connection);
    EXPECT_EQ(connection->state, ConnectionState::kNone);
    EXPECT_EQ(connection->expires_in_ms, 3000);
    EXPECT_EQ(connection->in_packets, 1u);
    EXPECT_EQ(lb->counters(connection->real).connections.read(), 1u);
    EXPECT_EQ(receiver(lb->send(error())), receiver(went)) << "it is known now";
    EXPECT_EQ(receiver(lb->send(request())), receiver(went));
    EXPECT_EQ(lb->copy_of(request())->state, ConnectionState::kSynRecv);
    EXPECT_EQ(lb->connections(GetParam()), 1u);
  }
}

TEST_P(ScheduledError, GoesWhereAStatelessSchedulerSendsItsFlow) {
  serve(Method::kDirect, SchedulerKind::kMh);
  for (uint16_t client = 1; client < 40; ++client) {
    const int by_error = receiver(lb->send(error(client)));
    lb->advance(3001);
    ASSERT_FALSE(lb->copy_of(request(client)));
    EXPECT_EQ(receiver(lb->send(request(client))), by_error);
  }
}

TEST_P(ScheduledError, ARequestBehindItInTheBurstIsOfItsConnection) {
  serve(Method::kDirect);
  const Outcome outcome = lb->send_burst({error(), request(), error()});
  ASSERT_EQ(outcome.sent.size(), 3u) << outcome.summary();
  EXPECT_EQ(outcome.sent[0].bytes[5], outcome.sent[1].bytes[5]);
  EXPECT_EQ(outcome.sent[0].bytes[5], outcome.sent[2].bytes[5]);
  EXPECT_EQ(lb->connections(GetParam()), 1u);
}

TEST_P(ScheduledError, OfAOnePacketServiceLeavesNothingBehind) {
  for (const Method method : {Method::kDirect, Method::kNat}) {
    serve(method, SchedulerKind::kRr, Protocol::kUdp);
    lb->set_one_packet(service);
    lb->publish();
    const auto told = icmp_error(unreachable(is_v6()),
                                 quoted(a_packet().from(at("203.0.113.10"), 80).to(at("198.51.100.7"), 40000).udp().payload("x")))
                          .from(at("198.51.100.7"))
                          .to(at("203.0.113.10"));
    const Outcome first = lb->send(told);
    ASSERT_EQ(first.summary(), "sent 1");
    EXPECT_EQ(checksum_errors(first.sent[0].bytes), "");
    EXPECT_NE(receiver(first), receiver(lb->send(told)));
    EXPECT_EQ(lb->connections(GetParam()), 0u);
    // What is forgotten with it is no hindrance to the next datagram.
    EXPECT_EQ(lb->send(a_packet().from(at("198.51.100.7"), 40000).to(at("203.0.113.10"), 80).udp()).summary(), "sent 1");
  }
}

TEST_P(ScheduledError, ForgedOnesOpenNothing) {
  serve(Method::kDirect);
  EXPECT_EQ(lb->send(error().to(at("203.0.113.11"))).summary(), "dropped bad_icmp_error");
  EXPECT_EQ(lb->send(icmp_error(too_big(is_v6()), quoted(answer()), 68).from(at("192.0.2.1")).to(at("203.0.113.10")))
                .summary(),
            "dropped impossible_mtu");
  const size_t checksum = is_v6() ? 56 : 36;
  EXPECT_EQ(lb->send(error().then([=](Bytes& frame) { frame[checksum] ^= 1; })).summary(), "dropped bad_icmp_checksum");
  EXPECT_EQ(lb->connections(GetParam()), 0u);
}

TEST_P(ScheduledError, WithoutARealIsDropped) {
  serve(Method::kDirect);
  for (const RealId real : reals) lb->set_weight(real, 0);
  lb->publish();
  EXPECT_EQ(lb->send(error()).summary(), "dropped no_real") << "no error is answered by an error";
}

TEST_P(ScheduledError, IsDroppedWithoutTheSysctl) {
  serve(Method::kDirect);
  lb->sysctls().schedule_icmp = false;
  lb->publish();
  EXPECT_EQ(lb->send(error()).summary(), "dropped icmp_no_connection");
}

INSTANTIATE_TEST_SUITE_P(Families, ScheduledError, kBothFamilies, family_name);

}  // namespace scheduled_error_test
}  // namespace shunt::dataplane
