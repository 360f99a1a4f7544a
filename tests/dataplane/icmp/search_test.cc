// Errors that arrive at a worker that does not have the connection.
#include "dataplane/icmp/search.h"

#include <gmock/gmock.h>

#include <set>

#include "tests/dataplane/icmp/errors.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

constexpr uint32_t kWorkers = 3;

class IcmpSearch : public InBothFamilies {
 protected:
  void serve(Method method) {
    const ServiceId service = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, method);
    lb.add_local_address(service, at("10.0.0.100"));
    lb.add_real(service, at("10.0.0.1"), 80);
    lb.publish();
  }
  static PacketBuilder client() {
    return a_packet().from(at("198.51.100.7"), 40000).to(at("203.0.113.10"), 80).tcp(kTcpSyn);
  }
  PacketBuilder from_outside() {
    return icmp_error(unreachable(is_v6()),
                      quoted(a_packet().from(at("203.0.113.10"), 80).to(at("198.51.100.7"), 40000).tcp(kTcpAck)))
        .from(at("192.0.2.1"))
        .to(at("203.0.113.10"));
  }
  // Where the connection ends up that `arrival` gets first.
  uint32_t open(uint32_t arrival) {
    const Outcome outcome = lb.send(client(), kOutside, arrival);
    if (outcome.handed_to.empty()) return arrival;
    EXPECT_EQ(lb.serve_inbox(outcome.handed_to[0]).summary(), "sent 1");
    return outcome.handed_to[0];
  }
  // Follows an error from worker to worker; what became of it, and who was asked.
  std::string follow(const PacketBuilder& error, uint16_t port, uint32_t worker) {
    asked = {worker};
    Outcome outcome = lb.send(error, port, worker);
    while (!outcome.handed_to.empty() && asked.size() < 10) {
      EXPECT_EQ(outcome.handed_to.size(), 1u);
      asked.push_back(outcome.handed_to[0]);
      outcome = lb.serve_inbox(asked.back());
    }
    return outcome.summary();
  }
  template <typename Key>
  Key request_key() {
    const IpAddress source = ip(at("198.51.100.7"));
    const IpAddress destination = ip(at("203.0.113.10"));
    Key key;
    std::memcpy(static_cast<void*>(&key.source), source.bytes.data(), sizeof key.source);
    std::memcpy(static_cast<void*>(&key.destination), destination.bytes.data(), sizeof key.destination);
    key.source_port = Be16::from_host(40000);
    key.destination_port = Be16::from_host(80);
    key.protocol = kIpProtocolTcp;
    return key;
  }
  uint32_t steered_to() {
    return is_v6() ? lb.steering().owner_of(request_key<FlowKey6>()) : lb.steering().owner_of(request_key<FlowKey>());
  }

  WorkerFixture lb{kWorkers};
  std::vector<uint32_t> asked;
};

TEST_P(IcmpSearch, NatErrorsOfBothSidesMeetTheirConnection) {
  serve(Method::kNat);
  const uint32_t owner = open(0);
  const auto from_inside =
      icmp_error(unreachable(is_v6()),
                 quoted(a_packet().from(at("198.51.100.7"), 40000).to(at("10.0.0.1"), 80).tcp(kTcpAck)))
          .from(at("10.0.0.99"))
          .to(at("198.51.100.7"))
          .to_mac(kInsideMac);
  for (uint32_t arrival = 0; arrival < kWorkers; ++arrival) {
    EXPECT_EQ(follow(from_outside(), kOutside, arrival), "sent 1");
    EXPECT_EQ(asked.back(), owner);
    EXPECT_LE(asked.size(), 2u);
    EXPECT_EQ(follow(from_inside, kInside, arrival), "sent 0");
    EXPECT_EQ(asked.back(), owner);
  }
}

TEST_P(IcmpSearch, FullnatErrorsOfTheRealsSideMeetTheirConnection) {
  serve(Method::kFullnat);
  for (uint32_t owner = 0; owner < kWorkers; ++owner) {
    ASSERT_EQ(lb.send(client(), kOutside, owner).summary(), "sent 1");
    const uint16_t local = lb.copy_of(client(), owner)->reply.destination_port.host();
    const auto error = icmp_error(unreachable(is_v6()),
                                  quoted(a_packet().from(at("10.0.0.100"), local).to(at("10.0.0.1"), 80).tcp(kTcpAck)))
                           .from(at("10.0.0.99"))
                           .to(at("10.0.0.100"))
                           .to_mac(kInsideMac);
    for (uint32_t arrival = 0; arrival < kWorkers; ++arrival) {
      EXPECT_EQ(follow(error, kInside, arrival), "sent 0");
      EXPECT_EQ(asked.back(), owner);
      EXPECT_LE(asked.size(), 2u);
    }
  }
}

TEST_P(IcmpSearch, OneWayMethodsFollowRss) {
  serve(Method::kTunnel);
  const uint32_t owner = steered_to();
  ASSERT_EQ(lb.send(client(), kOutside, owner).summary(), "sent 1");
  for (uint32_t arrival = 0; arrival < kWorkers; ++arrival) {
    EXPECT_EQ(follow(from_outside(), kOutside, arrival), "sent 1");
    EXPECT_EQ(asked.back(), owner);
    EXPECT_LE(asked.size(), 2u);
  }
}

TEST_P(IcmpSearch, WithoutRssEveryWorkerIsAskedOnce) {
  serve(Method::kDirect);
  for (uint32_t i = 0; i < kWorkers; ++i) lb.worker(i).steered = false;
  for (uint32_t arrival = 0; arrival < kWorkers; ++arrival) {
    EXPECT_EQ(follow(from_outside(), kOutside, arrival), "dropped icmp_no_connection");
    EXPECT_EQ(std::set<uint32_t>(asked.begin(), asked.end()).size(), kWorkers);
    EXPECT_LE(asked.size(), kWorkers + 1);
  }
  const uint32_t owner = (steered_to() + 1) % kWorkers;  // whom RSS would not have chosen
  ASSERT_EQ(lb.send(client(), kOutside, owner).summary(), "sent 1");
  for (uint32_t arrival = 0; arrival < kWorkers; ++arrival) {
    EXPECT_EQ(follow(from_outside(), kOutside, arrival), "sent 1") << arrival;
    EXPECT_EQ(asked.back(), owner);
  }
}

TEST_P(IcmpSearch, ForgedOnesDoNotTravelForEver) {
  serve(Method::kDirect);
  for (uint32_t arrival = 0; arrival < kWorkers; ++arrival) {
    EXPECT_EQ(follow(from_outside(), kOutside, arrival), "dropped icmp_no_connection");
    EXPECT_LE(asked.size(), 2u) << "RSS names one";
  }
  for (uint32_t i = 0; i < kWorkers; ++i) lb.worker(i).steered = false;
  uint32_t hops = 0;
  for (int i = 0; i < 200; ++i) {
    follow(from_outside(), kOutside, 0);
    hops += static_cast<uint32_t>(asked.size()) - 1;
  }
  EXPECT_LE(hops, 50 * kWorkers + 150) << "asking everybody is limited";
}

INSTANTIATE_TEST_SUITE_P(Families, IcmpSearch, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
