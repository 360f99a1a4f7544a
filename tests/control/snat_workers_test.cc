// Rules of snat with several workers: whose a connection is, and how what comes elsewhere gets there.
#include <gmock/gmock.h>

#include "dataplane/owner.h"
#include "tests/control/snat_rig.h"
#include "tests/dataplane/icmp/errors.h"

namespace shunt::control {
namespace {

using namespace dataplane;
using namespace test;

class SnatWorkers : public InBothFamilies {
 protected:
  static constexpr uint32_t kWorkers = 3;
};

TEST_P(SnatWorkers, RepliesComeToWhoOpened) {
  SnatRig rig(GetParam(), kWorkers);
  for (uint32_t worker = 0; worker < kWorkers; ++worker) {
    for (uint16_t port = 40000; port < 40032; ++port) {
      const auto request = rig.out(port).udp();
      ASSERT_EQ(rig.lb.send(request, kInside, worker).summary(), "sent 0") << "whoever gets it keeps it";
      const auto connection = rig.lb.copy_of(request, worker);
      ASSERT_TRUE(connection);
      const IpFlow& reply = connection->reply;
      const uint32_t owner =
          is_v6() ? rig.lb.steering().owner_of(FlowKey6{reply.source.bytes, reply.destination.bytes, reply.source_port,
                                                        reply.destination_port, reply.protocol})
                  : rig.lb.steering().owner_of(FlowKey{reply.source.v4(), reply.destination.v4(), reply.source_port,
                                                       reply.destination_port, reply.protocol});
      EXPECT_EQ(owner, worker);
    }
  }
}

TEST_P(SnatWorkers, ARangeOfPortsIsKept) {
  SnatRig rig(GetParam(), kWorkers);
  rig.ports = {5000, 6100};
  rig.publish();
  for (uint32_t worker = 0; worker < kWorkers; ++worker) {
    for (uint16_t port = 40000; port < 40040; ++port) {
      const auto request = rig.out(port).udp();
      ASSERT_EQ(rig.lb.send(request, kInside, worker).summary(), "sent 0");
      const uint16_t mapped = rig.port_of(request, worker);
      EXPECT_GE(mapped, 5000);
      EXPECT_LE(mapped, 6100);
    }
  }
}

TEST_P(SnatWorkers, RepliesThatComeElsewhereAreHandedOn) {
  SnatRig rig(GetParam(), kWorkers);
  for (const bool is_echo : {false, true}) {
    const auto request = is_echo ? rig.echo(9).from(at("10.0.0.1")).to(at("198.51.100.7")).to_mac(kInsideMac)
                                 : rig.out().udp();
    const Outcome sent = rig.lb.send(request, kInside, 1);
    ASSERT_EQ(sent.summary(), "sent 0");
    const size_t place = l4_place() + (is_echo ? 4 : 0);
    const auto mapped = static_cast<uint16_t>(sent.sent[0].bytes[place] << 8 | sent.sent[0].bytes[place + 1]);
    const auto reply = (is_echo ? rig.echo(mapped, false) : a_packet().udp())
                           .from(at("198.51.100.7"), 443)
                           .to(at("192.0.2.50"), mapped);
    EXPECT_EQ(rig.lb.send(reply, kOutside, 2).summary(), "handed to 1");
    EXPECT_EQ(rig.lb.serve_inbox(1).summary(), "sent 1");
  }
}

TEST_P(SnatWorkers, ErrorsFindTheirConnection) {
  SnatRig rig(GetParam(), kWorkers);
  const auto request = rig.out().udp();
  rig.lb.send(request, kInside, 1);
  const uint16_t mapped = rig.port_of(request, 1);
  const auto quote = quoted(a_packet().from(at("192.0.2.50"), mapped).to(at("198.51.100.7"), 443).udp());
  const auto error = icmp_error(time_exceeded(is_v6()), quote).from(at("192.0.2.1")).to(at("192.0.2.50"));
  EXPECT_EQ(rig.lb.send(error, kOutside, 0).summary(), "handed to 1");
  EXPECT_EQ(rig.lb.serve_inbox(1).summary(), "sent 1");
}

// What a nat real sends may be a reply: the worker that its other end names has it, be it that or not.
TEST_P(SnatWorkers, ANatRealsConnectionsAreTheirOtherEnds) {
  SnatRig rig(GetParam(), kWorkers, Method::kNat);
  for (uint16_t to = 8000; to < 8020; ++to) {
    const auto request = rig.out(40000, to).tcp(kTcpSyn);
    const uint32_t owner = owner_of_client(ip(at("198.51.100.7")), Be16::from_host(to), kWorkers);
    const uint32_t other = (owner + 1) % kWorkers;
    ASSERT_EQ(rig.lb.send(request, kInside, other).summary(), "handed to " + std::to_string(owner));
    EXPECT_EQ(rig.lb.serve_inbox(owner).summary(), "sent 0");
    const uint16_t mapped = rig.port_of(request, owner);
    const auto reply = a_packet().from(at("198.51.100.7"), to).to(at("192.0.2.50"), mapped).tcp(kTcpSyn | kTcpAck);
    EXPECT_EQ(rig.lb.send(reply, kOutside, owner).summary(), "sent 1");
  }
}

INSTANTIATE_TEST_SUITE_P(Families, SnatWorkers, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::control
