// Connections that come and go: a worker, polled as in the daemon, that gets every packet of connections that open,
// talk and end while as many others expire, at a table that stays as full as asked.
//
// Time. The worker's clock is driven: advance_clock() is the real one, but a millisecond passes when as many
// connections have come as come in a millisecond of the stated rate. All that hangs on the clock, timeouts and the
// pace of expiry, is then what it would be at that rate, whatever the machine makes of the work; and the same run
// does the same work, turn by turn, each time.
//
// Fill. At these rates a table of any size is full within IPVS's timeouts (120 s in TIME_WAIT), so all timeouts are
// one that makes the table as full as asked: find_timeout() finds it by running and looking. It differs by up to half from one
// millisecond to the next, as connections' lives do: with one for all, every entry would end in step with the walk
// that gives its memory back, and the fill would know only a few levels.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/bench_worker.h"
#include "tests/bench/packets.h"
#include "tests/bench/ring_port.h"
#include "tests/bench/tables.h"

namespace shunt::bench {

// One packet of a connection.
struct Step {
  dataplane::Direction direction;
  uint8_t tcp_flags;
};

struct Scenario {
  std::string name;
  dataplane::Method method;
  std::vector<Step> steps;
  uint32_t per_second;  // the rate that the clock supposes, and the target
};

struct Turn {
  uint32_t cycles;  // of one poll: a burst and what the worker does beside it
  bool disturbed;   // the kernel gave the CPU to another thread meanwhile
};

class ChurnRig {
 public:
  ChurnRig(RingPort& port, const Scenario& scenario, uint32_t capacity, uint32_t fill_percent, uint32_t reals);

  // The mean timeout, in ms, at which the table stays as full as asked.
  uint32_t find_timeout();
  // Takes that timeout and runs until the fill is steady.
  void settle(uint32_t timeout_ms);
  // Opens `connections` more, with all packets of those before that are due among them.
  std::vector<Turn> run(uint32_t connections);

  BenchWorker& worker() { return worker_; }
  // Connections in the table during the last run.
  struct Used {
    uint32_t least;
    uint32_t most;
    double mean;
  };
  const Used& used() const { return used_; }

 private:
  // What is remembered of a connection while its packets are under way.
  struct Open {
    dataplane::RealId real;
    dataplane::IpFlow reply;
  };
  struct Sent {
    uint64_t connection;
    uint32_t step;
  };

  void vary_timeout();
  Open& open(uint64_t connection) { return open_[connection & (open_.size() - 1)]; }
  uint32_t gather();
  bool put_next(uint32_t position);
  void let_time_pass();
  void check(const rte_mbuf* mbuf);

  RingPort& port_;
  Scenario scenario_;
  uint32_t fill_target_;
  Tables tables_;
  dataplane::Snapshot snapshot_;
  std::atomic<const dataplane::Snapshot*> current_{&snapshot_};
  BenchWorker worker_;
  Buffers buffers_{kBurstSize};
  Random random_;
  rte_mbuf* burst_[kBurstSize] = {};
  Sent sent_[kBurstSize] = {};
  std::vector<Open> open_;  // by connection, modulo its size
  uint32_t gap_;            // connections that open between two packets of one
  uint64_t opened_ = 0;
  uint32_t next_step_ = 0;
  uint64_t next_ms_at_ = 0;
  uint32_t timeout_ms_ = 0;
  Used used_{};
};

}  // namespace shunt::bench
