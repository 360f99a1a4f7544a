#include "dataplane/housekeeping.h"

#include <gmock/gmock.h>
#include <rte_cycles.h>

#include <set>
#include <vector>

#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

// A thousand connections of one family, on two reals.
class Commands : public InBothFamilies {
 protected:
  Commands() {
    const ServiceId service = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, Method::kNat);
    reals = {lb.add_real(service, at("10.0.0.1"), 80), lb.add_real(service, at("10.0.0.2"), 80)};
    lb.publish();
    for (uint16_t port = 1; port <= 1000; ++port) lb.send(syn(port));
  }

  static PacketBuilder syn(uint16_t port) {
    return a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 80).tcp(kTcpSyn);
  }
  // Polls until the command is done; says how many it took.
  int serve(Command& command) {
    lb.worker().command.store(&command);
    int polls = 0;
    while (!command.done.load()) {
      serve_command(lb.worker(), lb.snapshot());
      ++polls;
      if (polls > 1000) return -1;
    }
    EXPECT_EQ(lb.worker().command.load(), nullptr);
    return polls;
  }

  WorkerFixture lb{1, 2048};
  std::vector<RealId> reals;
};

TEST_P(Commands, CopyGivesEveryConnectionOnceAFewEachPoll) {
  std::vector<ConnectionCopy> copies(2048);
  Command command;
  command.copies = copies.data();
  command.capacity = 2048;
  EXPECT_EQ(serve(command), 5) << "1000 entries, 256 a poll, and the other table";
  EXPECT_TRUE(command.at_end);
  EXPECT_EQ(command.copied, 1000u);
  std::set<uint16_t> ports;
  for (uint32_t i = 0; i < command.copied; ++i) ports.insert(copies[i].request.source_port.host());
  EXPECT_EQ(ports.size(), 1000u);
}

TEST_P(Commands, CopyStopsWhenItsRoomIsFullAndGoesOnFromThere) {
  std::vector<ConnectionCopy> copies(300);
  std::set<uint16_t> ports;
  AddressFamily family = AddressFamily::kIpv4;
  uint32_t position = 0;
  for (int turn = 0; turn < 4; ++turn) {
    Command command;
    command.copies = copies.data();
    command.capacity = 300;
    command.family = family;
    command.position = position;
    serve(command);
    for (uint32_t i = 0; i < command.copied; ++i)
      ports.insert(copies[i].request.source_port.host());
    EXPECT_EQ(command.at_end, turn == 3);
    family = command.family;
    position = command.position;
  }
  EXPECT_EQ(ports.size(), 1000u);
}

TEST_P(Commands, CopyLeavesOutWhatIsPastItsTime) {
  lb.worker().now += 60000;
  lb.send(syn(1));  // a new one
  std::vector<ConnectionCopy> copies(2048);
  Command command;
  command.copies = copies.data();
  command.capacity = 2048;
  serve(command);
  ASSERT_EQ(command.copied, 1u);
  const ConnectionCopy& copy = copies[0];
  EXPECT_EQ(copy.request.source, ip(at("198.51.100.7")));
  EXPECT_EQ(copy.request.destination, ip(at("203.0.113.10")));
  EXPECT_EQ(copy.request.source_port, Be16::from_host(1));
  EXPECT_EQ(copy.request.destination_port, Be16::from_host(80));
  EXPECT_EQ(copy.request.protocol, kIpProtocolTcp);
  EXPECT_EQ(copy.reply.source, lb.real(copy.real).address);
  EXPECT_EQ(copy.reply.destination, copy.request.source);
  EXPECT_EQ(copy.state, ConnectionState::kSynRecv);
  EXPECT_EQ(copy.method, Method::kNat);
  EXPECT_EQ(copy.service, ServiceId{0});
  EXPECT_EQ(copy.in_packets, 1u);
  EXPECT_EQ(copy.out_packets, 0u);
  EXPECT_EQ(copy.expires_in_ms, 60000);
}

TEST_P(Commands, FlushCutsTheRealsConnectionsAndNoOthers) {
  Command command;
  command.kind = Command::Kind::kFlushReal;
  command.real = reals[0];
  EXPECT_GE(serve(command), 4);
  EXPECT_EQ(command.flushed, 500u);
  EXPECT_EQ(lb.connections(GetParam()), 500u);
  EXPECT_EQ(lb.counters(reals[0]).active.load(), 0u);
  EXPECT_EQ(lb.counters(reals[1]).active.load(), 500u);
  int found = 0;
  for (uint16_t port = 1; port <= 1000; ++port) {
    const auto connection = lb.copy_of(syn(port));
    if (!connection) continue;
    ++found;
    EXPECT_EQ(connection->real, reals[1]);
  }
  EXPECT_EQ(found, 500);
}

INSTANTIATE_TEST_SUITE_P(Families, Commands, kBothFamilies, family_name);

// Three connections of each family; a real's slot that an IPv4 and an IPv6 real had one after the other may have both.
class CommandsOverBothTables : public testing::Test {
 protected:
  CommandsOverBothTables() {
    for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
      const ServiceId service = lb.add_service(Protocol::kTcp, in_family(family, "203.0.113.10"), 80, Method::kNat);
      lb.add_real(service, in_family(family, "10.0.0.1"), 80);
      lb.publish();
      for (uint16_t port = 1; port <= 3; ++port) lb.send(syn(family, port));
    }
  }
  static PacketBuilder syn(AddressFamily family, uint16_t port) {
    return a_packet().from(in_family(family, "198.51.100.7"), port).to(in_family(family, "203.0.113.10"), 80).tcp(
        kTcpSyn);
  }
  void serve(Command& command) {
    lb.worker().command.store(&command);
    for (int polls = 0; polls < 1000 && !command.done.load(); ++polls) serve_command(lb.worker(), lb.snapshot());
    ASSERT_TRUE(command.done.load());
  }
  // All copies, taken `room` at a time; how many turns that took.
  int copy_all(uint32_t room, std::vector<std::string>& clients) {
    std::vector<ConnectionCopy> copies(room);
    AddressFamily family = AddressFamily::kIpv4;
    uint32_t position = 0;
    for (int turns = 1;; ++turns) {
      Command command;
      command.family = family;
      command.position = position;
      command.copies = copies.data();
      command.capacity = room;
      serve(command);
      for (uint32_t i = 0; i < command.copied; ++i) {
        const IpFlow& flow = copies[i].request;
        clients.push_back(flow.source.to_string() + " " + std::to_string(flow.source_port.host()));
      }
      if (command.at_end || turns > 20) return turns;
      family = command.family;
      position = command.position;
    }
  }

  WorkerFixture lb;
};

// The room may end within a table, where one ends, or behind both.
TEST_F(CommandsOverBothTables, CopiesOfBothComeInOneWalkWhateverTheRoom) {
  std::vector<std::string> expected;
  for (const char* address : {"198.51.100.7", "2001:db8:ff::c633:6407"}) {
    for (int port = 1; port <= 3; ++port) expected.push_back(std::string(address) + " " + std::to_string(port));
  }
  for (uint32_t room = 1; room <= 7; ++room) {
    std::vector<std::string> clients;
    EXPECT_EQ(copy_all(room, clients), static_cast<int>((6 + room - 1) / room)) << room;
    EXPECT_EQ(clients, expected) << room;
  }
}

TEST_F(CommandsOverBothTables, FlushCutsTheRealsConnectionsInBoth) {
  lb.connection6_of(syn(AddressFamily::kIpv6, 2))->real = RealId{0};
  lb.worker().real_counters[0].active = 4;
  lb.worker().real_counters[1].active = 2;
  Command command;
  command.kind = Command::Kind::kFlushReal;
  command.real = RealId{0};
  serve(command);
  EXPECT_EQ(command.flushed, 4u);
  EXPECT_EQ(lb.connections(AddressFamily::kIpv4), 0u);
  EXPECT_EQ(lb.connections(AddressFamily::kIpv6), 2u);
  EXPECT_FALSE(lb.copy_of(syn(AddressFamily::kIpv6, 2)));
  EXPECT_EQ(lb.counters(RealId{0}).active.load(), 0u);
}

TEST(Clock, CountsMillisecondsAndOwesTheSweep) {
  WorkerFixture lb(1, 1000);
  Worker& worker = lb.worker();
  worker.cycles_per_ms = 1000;
  worker.now = 100;
  EXPECT_FALSE(advance_clock(worker)) << "the first call only starts it";
  const uint64_t last_tick = rte_rdtsc() - 5 * worker.cycles_per_ms;
  worker.last_tick_cycles = last_tick;
  EXPECT_TRUE(advance_clock(worker));
  EXPECT_GE(worker.now, 105u);
  EXPECT_GE(worker.upkeep.sweep_owed, 5u);
  EXPECT_GE(worker.upkeep6.sweep_owed, 5u);
  // What is short of a millisecond is not lost: the tick lies on the grid.
  EXPECT_EQ(worker.last_tick_cycles - last_tick, (worker.now - 100) * worker.cycles_per_ms);
}

}  // namespace
}  // namespace shunt::dataplane
