// Time in the box, open loop: frames arrive when their time has come, whether the worker is ready or not, and what
// counts is from that moment to their departure (no coordinated omission: a frame that waited because the worker was
// busy has waited).
//
// One CPU does everything: before each poll the source puts the frames whose time has passed into the port's ring,
// poll_once() is the daemon's own, then the frames that left are taken out. So the source's work is in the figures,
// and in the rate without loss that the loads are shares of.
//
// The machine pauses the loop (pauses.h). While something else surely has the CPU, the run's clock stands still: the
// source is paused, too. A slow poll may be Shunt's own, so the clock goes on. Time is cut into windows of half a
// millisecond, and every figure is given twice: of all windows, and of the undisturbed ones, in which there was no pause
// and no slow poll, nor anything that waited because of one.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/setup/publisher.h"
#include "tests/bench/bench_worker.h"
#include "tests/bench/packets.h"
#include "tests/bench/pauses.h"
#include "tests/bench/ring_port.h"
#include "tests/bench/tables.h"

namespace shunt::bench {

// Counts by duration, to within one part in 64: buckets double in width with each power of two.
class Histogram {
 public:
  void add(uint64_t cycles) noexcept;
  // The least duration, in cycles, that `share` of them do not exceed. REQUIRES: there is one.
  uint64_t quantile(double share) const noexcept;
  uint64_t count() const noexcept { return count_; }

 private:
  static constexpr uint32_t kBits = 6;
  std::array<uint64_t, size_t{64 - kBits} << kBits> buckets_{};
  uint64_t count_ = 0;
};

struct LatencyRun {
  Histogram all;
  Histogram undisturbed;
  uint32_t windows = 0;
  uint32_t undisturbed_windows = 0;
  // Frames that found the port's ring full, in undisturbed windows: Shunt is too slow for them.
  uint64_t lost = 0;
  // The same in others.
  uint64_t lost_to_pauses = 0;
  Pauses pauses;
  double per_second = 0;  // frames that left
};

class LatencyRig {
 public:
  // Opens `connections` under direct, of the first of the published services.
  LatencyRig(RingPort& port, dataplane::Publisher& publisher, const Tables& tables, uint32_t connections,
             uint32_t ring_frames);
  ~LatencyRig();

  // Frames that leave in a second when there are always enough to fill a burst; of the turns without a pause.
  double fastest(double seconds);
  // Arrivals at random (exponential gaps), `per_second` on the average.
  LatencyRun run(double per_second, double seconds);
  // The most frames in a second, `bound` at most, of which none is lost in one of two runs of `seconds`.
  double rate_without_loss(double bound, double seconds);

  BenchWorker& worker() { return worker_; }
  // Polls once, so that a publisher that waits for the worker goes on.
  void poll();

 private:
  bool put_one(uint64_t due);
  uint32_t take_out(uint64_t now);
  void count(LatencyRun& result) const;
  void open_connections();

  RingPort& port_;
  const Tables& tables_;
  uint32_t connections_;
  BenchWorker worker_;
  Buffers buffers_;
  std::vector<uint64_t> due_;         // by buffer: when its frame was to arrive, cycles since the run's start
  std::vector<uint32_t> connection_;  // by buffer
  std::vector<uint32_t> free_;
  std::vector<uint32_t> gaps_;  // exponential, of mean 2^16
  // Of a run, written down as it goes and counted afterwards, so that counting delays no frame.
  std::vector<uint32_t> durations_;  // cycles, in the order of departure
  size_t departed_ = 0;
  struct Window {
    size_t end;  // of its durations
    bool disturbed;
  };
  std::vector<Window> windows_;
  Random random_;
};

}  // namespace shunt::bench
