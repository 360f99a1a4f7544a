#include "dataplane/housekeeping.h"

#include <gmock/gmock.h>
#include <rte_cycles.h>

#include <set>
#include <vector>

#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class Commands : public testing::Test {
 protected:
  Commands() {
    const ServiceId service = lb.add_service(Protocol::kTcp, "203.0.113.10", 80, Method::kNat);
    reals = {lb.add_real(service, "10.0.0.1", 80), lb.add_real(service, "10.0.0.2", 80)};
    lb.publish();
    for (uint16_t port = 1; port <= 1000; ++port) lb.send(syn(port));
  }

  static PacketBuilder syn(uint16_t port) {
    return a_packet().from("198.51.100.7", port).to("203.0.113.10", 80).tcp(kTcpSyn);
  }
  // Polls until the command is done; says how many it took.
  int serve(Command& command) {
    lb.worker().command.store(&command);
    int polls = 0;
    while (!command.done.load()) {
      serve_command(lb.worker());
      ++polls;
      if (polls > 1000) return -1;
    }
    EXPECT_EQ(lb.worker().command.load(), nullptr);
    EXPECT_EQ(command.now, lb.worker().now);
    return polls;
  }

  WorkerFixture lb{1, 2048};
  std::vector<RealId> reals;
};

TEST_F(Commands, CopyGivesEveryConnectionOnceAFewEachPoll) {
  std::vector<Connection> copies(2048);
  Command command;
  command.copies = copies.data();
  command.capacity = 2048;
  EXPECT_EQ(serve(command), 4) << "1000 entries, 256 a poll";
  EXPECT_TRUE(command.at_end);
  EXPECT_EQ(command.copied, 1000u);
  std::set<uint16_t> ports;
  for (uint32_t i = 0; i < command.copied; ++i) ports.insert(copies[i].request.source_port.host());
  EXPECT_EQ(ports.size(), 1000u);
}

TEST_F(Commands, CopyStopsWhenItsRoomIsFullAndGoesOnFromThere) {
  std::vector<Connection> copies(300);
  std::set<uint16_t> ports;
  uint32_t position = 0;
  for (int turn = 0; turn < 4; ++turn) {
    Command command;
    command.copies = copies.data();
    command.capacity = 300;
    command.position = position;
    serve(command);
    for (uint32_t i = 0; i < command.copied; ++i)
      ports.insert(copies[i].request.source_port.host());
    EXPECT_EQ(command.at_end, turn == 3);
    position = command.position;
  }
  EXPECT_EQ(ports.size(), 1000u);
}

TEST_F(Commands, CopyLeavesOutWhatIsPastItsTime) {
  lb.worker().now += 60000;
  lb.send(syn(1));  // a new one
  std::vector<Connection> copies(2048);
  Command command;
  command.copies = copies.data();
  command.capacity = 2048;
  serve(command);
  EXPECT_EQ(command.copied, 1u);
}

TEST_F(Commands, FlushCutsTheRealsConnectionsAndNoOthers) {
  Command command;
  command.kind = Command::Kind::kFlushReal;
  command.real = reals[0];
  EXPECT_GE(serve(command), 4);
  EXPECT_EQ(command.flushed, 500u);
  EXPECT_EQ(lb.worker().connections.used(), 500u);
  EXPECT_EQ(lb.counters(reals[0]).active.load(), 0u);
  EXPECT_EQ(lb.counters(reals[1]).active.load(), 500u);
  int found = 0;
  for (uint16_t port = 1; port <= 1000; ++port) {
    const Connection* connection = lb.connection_of(syn(port));
    if (connection == nullptr) continue;
    ++found;
    EXPECT_EQ(connection->real, reals[1]);
  }
  EXPECT_EQ(found, 500);
}

TEST(Clock, CountsMillisecondsAndOwesTheSweep) {
  WorkerFixture lb(1, 1000);
  Worker& worker = lb.worker();
  worker.cycles_per_ms = 1000;
  worker.now = 100;
  EXPECT_FALSE(advance_clock(worker)) << "the first call only starts it";
  worker.last_tick_cycles = rte_rdtsc() - 5 * worker.cycles_per_ms;
  EXPECT_TRUE(advance_clock(worker));
  EXPECT_GE(worker.now, 105u);
  EXPECT_GE(worker.sweep_owed, 5u);
  // What is short of a millisecond is not lost: the tick lies on the grid.
  EXPECT_LT(rte_rdtsc() - worker.last_tick_cycles, 100 * worker.cycles_per_ms);
}

}  // namespace
}  // namespace shunt::dataplane
