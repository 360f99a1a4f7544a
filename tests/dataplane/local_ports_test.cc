// How many connections a local address carries, what happens at the end, and that replies come to the worker whose
// connection it is, over a card that spreads them by DPDK's own Toeplitz hash.
#include "dataplane/local_ports.h"

#include <gmock/gmock.h>
#include <rte_thash.h>

#include <random>

#include "dataplane/expiry.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

PacketBuilder syn_of(AddressFamily family, uint32_t client) {
  const std::string address = "198.51." + std::to_string(client >> 15) + ".7";
  return a_packet()
      .from(in_family(family, address), static_cast<uint16_t>(1024 + (client & 0x7fff)))
      .to(in_family(family, "203.0.113.10"), 80)
      .tcp(kTcpSyn);
}

class LocalPorts : public InBothFamilies {
 protected:
  static PacketBuilder syn_of(uint32_t client) { return dataplane::syn_of(GetParam(), client); }
  void serve(std::initializer_list<const char*> local_addresses) {
    service = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, Method::kFullnat);
    for (const char* address : local_addresses) lb.add_local_address(service, at(address));
    one = lb.add_real(service, at("10.0.0.1"), 80);
    lb.publish();
  }
  std::string open(uint32_t client, uint32_t worker = 0) { return lb.send(syn_of(client), kOutside, worker).summary(); }
  // Opens connections until one is refused; how many there were.
  uint32_t fill(uint32_t worker = 0) {
    uint32_t opened = 0;
    while (opened < 200000 && open(opened, worker) == "sent 1") ++opened;
    return opened;
  }
  uint64_t refused(uint32_t worker = 0) { return lb.drops(DropReason::kLocalPortsExhausted, worker); }
  // Another service's real: no connection of its own, the same pool.
  void add_other_real() {
    const ServiceId other = lb.add_service(Protocol::kTcp, at("203.0.113.11"), 80, Method::kFullnat);
    lb.add_local_address(other, at("10.0.0.100"));
    lb.add_real(other, at("10.0.0.2"), 80);
    lb.publish();
  }

  void end(const PacketBuilder& packet) {
    if (is_v6()) end_connection(lb.worker(), lb.connection6_of(packet));
    else end_connection(lb.worker(), lb.connection_of(packet));
  }

  WorkerFixture lb{1, 140000};
  ServiceId service;
  RealId one;
};

TEST_P(LocalPorts, OneAddressCarries64512ConnectionsToEachReal) {
  serve({"10.0.0.100"});
  EXPECT_EQ(fill(), kLocalPorts);
  EXPECT_EQ(open(100000), "dropped local_ports_exhausted");
  EXPECT_EQ(refused(), 2u);
  EXPECT_EQ(lb.connections(GetParam()), kLocalPorts);
  add_other_real();
  EXPECT_EQ(lb.send(syn_of(7).to(at("203.0.113.11"), 80)).summary(), "sent 1") << "another real's ends are its own";
  EXPECT_EQ(open(100000), "dropped local_ports_exhausted");
}

TEST_P(LocalPorts, EachAddressOfThePoolAddsAsMany) {
  serve({"10.0.0.100", "10.0.0.101"});
  EXPECT_EQ(fill(), 2 * kLocalPorts);
}

TEST_P(LocalPorts, TheLastFreeEndIsFoundWithinOneRound) {
  serve({"10.0.0.100"});
  ASSERT_EQ(fill(), kLocalPorts);
  std::mt19937 random(3);
  for (int i = 0; i < 5; ++i) {
    const uint32_t client = random() % kLocalPorts;
    ASSERT_TRUE(lb.copy_of(syn_of(client)));
    const IpFlow freed = lb.copy_of(syn_of(client))->reply;
    end(syn_of(client));
    uint32_t tries = 0;
    while (open(client) != "sent 1") {
      ++lb.worker().now;  // a client tries again later
      ASSERT_LE(++tries, kLocalPorts / (kShortSearch + kProbesPerMs) + 1);
    }
    EXPECT_EQ(lb.copy_of(syn_of(client))->reply, freed);
  }
}

TEST_P(LocalPorts, AnEndWhoseConnectionIsPastItsTimeIsFree) {
  serve({"10.0.0.100"});
  ASSERT_EQ(fill(), kLocalPorts);
  lb.worker().now += 1000000;
  EXPECT_EQ(open(100000), "sent 1") << "though no walk gave its memory back yet";
  EXPECT_EQ(lb.connections(GetParam()), kLocalPorts);
  EXPECT_EQ(lb.counters(one).active.load(), kLocalPorts);
}

// A flood of SYNs for a real without a free end must not take the worker's time.
TEST_P(LocalPorts, SearchesAreBoundedInEachMillisecond) {
  serve({"10.0.0.100"});
  ASSERT_EQ(fill(), kLocalPorts);
  const auto turn = [&] { return lb.counters(one).local_turn; };
  uint32_t before = turn();
  open(100000);
  EXPECT_EQ(turn() - before, kGlance) << "as many connections as ends: nearly surely none is free";
  // Connections that count for another real, as another service's on the same pool do.
  lb.worker().real_counters[one.index].active = 0;
  ++lb.worker().now;
  before = turn();
  open(100000);
  EXPECT_EQ(turn() - before, kShortSearch + kProbesPerMs);
  before = turn();
  open(100000);
  EXPECT_EQ(turn() - before, kShortSearch) << "the millisecond's probes are used up";
  ++lb.worker().now;
  before = turn();
  open(100000);
  EXPECT_EQ(turn() - before, kShortSearch + kProbesPerMs);
  lb.worker().real_counters[one.index].active = kLocalPorts;
}

TEST_P(LocalPorts, ManyRealsInTurnEachUseTheirWholeSpace) {
  serve({"10.0.0.100"});
  for (int i = 2; i <= 64; ++i) lb.add_real(service, at("10.0.0." + std::to_string(i)), 80);
  lb.publish();
  for (uint32_t client = 0; client < 64 * 1500; ++client) ASSERT_EQ(open(client), "sent 1");
  for (uint32_t real = 0; real < 64; ++real) {
    EXPECT_EQ(lb.counters({real}).local_turn, 1500u) << "no end was looked at twice";
  }
}

INSTANTIATE_TEST_SUITE_P(Families, LocalPorts, kBothFamilies, family_name);

// A network card as its data sheet has it: RSS by DPDK's software hash under the key that ports are given, a
// redirection table larger than the common one, and one queue per worker.
class Card {
 public:
  explicit Card(const Steering& steering) : key_(WorkerFixture::rss_key()) {
    for (uint32_t i = 0; i < reta_.size(); ++i) reta_[i] = steering.owner_of_entry(i);
  }
  uint32_t queue_of(const PacketBuilder& packet) const {
    // Addresses and ports lie together: 12 bytes, or 36.
    const Bytes frame = packet.bytes();
    const size_t first = packet.is_v6() ? 22 : 26;
    const uint32_t count = packet.is_v6() ? RTE_THASH_V6_L4_LEN : RTE_THASH_V4_L4_LEN;
    uint32_t words[RTE_THASH_V6_L4_LEN];
    for (uint32_t i = 0; i < count; ++i) {
      const uint8_t* byte = &frame[first + 4 * i];
      words[i] = uint32_t{byte[0]} << 24 | uint32_t{byte[1]} << 16 | uint32_t{byte[2]} << 8 | byte[3];
    }
    return reta_[rte_softrss(words, count, key_.data()) % reta_.size()];
  }

 private:
  alignas(4) RssKey key_;
  std::array<uint32_t, 512> reta_;
};

using WorkersAndFamily = std::tuple<uint32_t, AddressFamily>;

class LocalPortsOfWorkers : public testing::TestWithParam<WorkersAndFamily> {
 protected:
  static uint32_t workers() { return std::get<0>(GetParam()); }
  static std::string at(std::string_view ipv4) { return in_family(std::get<1>(GetParam()), ipv4); }
  static PacketBuilder syn_of(uint32_t client) { return dataplane::syn_of(std::get<1>(GetParam()), client); }
  void serve(Protocol protocol) {
    const ServiceId service = lb.add_service(protocol, at("203.0.113.10"), 80, Method::kFullnat);
    lb.add_local_address(service, at("10.0.0.100"));
    lb.add_local_address(service, at("10.0.0.101"));
    for (int i = 1; i <= 5; ++i) lb.add_real(service, at("10.0.0." + std::to_string(i)), 80);
    lb.publish();
  }
  // Opens connections as they come from the card, and answers each; the share of replies that the card gave to another
  // worker than the connection's.
  double astray(Protocol protocol) {
    const Card card(lb.steering());
    uint32_t elsewhere = 0;
    constexpr uint32_t kConnections = 3000;
    for (uint32_t i = 0; i < kConnections; ++i) {
      PacketBuilder request = protocol == Protocol::kUdp ? syn_of(i).udp() : syn_of(i);
      const uint32_t owner = card.queue_of(request);
      EXPECT_EQ(lb.send(request, kOutside, owner).summary(), "sent 1");
      const auto connection = lb.copy_of(request, owner);
      if (!connection) return 1;
      PacketBuilder reply = reply_of(*connection);
      if (protocol == Protocol::kUdp) reply.udp();
      const uint32_t queue = card.queue_of(reply);
      const Outcome outcome = lb.send(reply, kInside, queue);
      if (queue == owner) {
        EXPECT_EQ(outcome.summary(), "sent 0");
      } else {
        ++elsewhere;
        EXPECT_EQ(lb.serve_inbox(owner).summary(), "sent 0");
      }
    }
    return static_cast<double>(elsewhere) / kConnections;
  }
  uint64_t handed_off() {
    uint64_t all = 0;
    for (uint32_t i = 0; i < workers(); ++i) all += lb.worker(i).counters.handed_off_packets.read();
    return all;
  }
  static PacketBuilder reply_of(const ConnectionCopy& connection) {
    const IpFlow& reply = connection.reply;
    return a_packet()
        .from(reply.source.to_string(), reply.source_port.host())
        .to(reply.destination.to_string(), reply.destination_port.host())
        .to_mac(kInsideMac);
  }

  WorkerFixture lb{workers(), 4096};
};

TEST_P(LocalPortsOfWorkers, RepliesArriveAtTheirWorkerWithoutAHandOff) {
  serve(Protocol::kTcp);
  EXPECT_EQ(astray(Protocol::kTcp), 0);
  EXPECT_EQ(handed_off(), 0u);
}

TEST_P(LocalPortsOfWorkers, SoDoThoseOfUdp) {
  serve(Protocol::kUdp);
  EXPECT_EQ(astray(Protocol::kUdp), 0);
  EXPECT_EQ(handed_off(), 0u);
}

// The proof that the test above can fail: the ports that a worker would choose for another key.
TEST_P(LocalPortsOfWorkers, PortsChosenForAnotherKeyLeadAstray) {
  serve(Protocol::kTcp);
  const Steering other(make_rss_key({9, 9, 9}), 128, workers());
  for (uint32_t i = 0; i < workers(); ++i) lb.worker(i).steering = &other;
  const Card card(lb.steering());
  uint32_t elsewhere = 0;
  constexpr uint32_t kConnections = 1000;
  for (uint32_t i = 0; i < kConnections; ++i) {
    const uint32_t owner = card.queue_of(syn_of(i));
    lb.send(syn_of(i), kOutside, owner);
    elsewhere += card.queue_of(reply_of(*lb.copy_of(syn_of(i), owner))) != owner;
  }
  const double expected = 1 - 1.0 / workers();
  EXPECT_NEAR(static_cast<double>(elsewhere) / kConnections, expected, 0.08);
}

TEST_P(LocalPortsOfWorkers, WorkersShareTheWholeSpaceOfARealEvenly) {
  uint32_t all = 0;
  for (uint32_t i = 0; i < workers(); ++i) {
    const uint32_t usable = lb.steering().ports_of(i);
    EXPECT_NEAR(usable, kLocalPorts / workers(), 512);
    all += usable;
  }
  EXPECT_EQ(all, kLocalPorts);
}

TEST_P(LocalPortsOfWorkers, AWorkerFillsItsShareToTheLastPort) {
  WorkerFixture one_real{workers(), 40000};
  const ServiceId service = one_real.add_service(Protocol::kTcp, at("203.0.113.10"), 80, Method::kFullnat);
  one_real.add_local_address(service, at("10.0.0.100"));
  one_real.add_real(service, at("10.0.0.1"), 80);
  one_real.publish();
  const uint32_t worker = workers() - 1;
  const uint32_t share = one_real.steering().ports_of(worker);
  for (uint32_t client = 0; client < share; ++client) {
    ASSERT_EQ(one_real.send(syn_of(client), kOutside, worker).summary(), "sent 1") << client;
  }
  EXPECT_EQ(one_real.send(syn_of(share), kOutside, worker).summary(), "dropped local_ports_exhausted");
}

std::string workers_and_family(const testing::TestParamInfo<WorkersAndFamily>& info) {
  const auto [workers, family] = info.param;
  return std::to_string(workers) + (family == AddressFamily::kIpv4 ? "Ipv4" : "Ipv6");
}
INSTANTIATE_TEST_SUITE_P(Counts, LocalPortsOfWorkers, testing::Combine(testing::Values(2u, 3u, 8u), kBothFamilies),
                         workers_and_family);

}  // namespace
}  // namespace shunt::dataplane
