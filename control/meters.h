// Counters as people want them: summed over the workers, and as rates over about the last second. Owner: the
// controller's thread; the workers' counters are read relaxed, one value at a time.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "control/policy/inhibition.h"
#include "control/report.h"
#include "dataplane/setup/dataplane.h"

namespace shunt::control {

// Connections on a real now.
struct Load {
  uint64_t active = 0;
  uint64_t inactive = 0;
  uint64_t all() const noexcept { return active + inactive; }
};

class Meters {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Meters(const dataplane::Dataplane& dataplane);

  // Since the workers' start, of a real's slot.
  Traffic traffic_of(dataplane::RealId real) const;
  Load load_of(dataplane::RealId real) const;
  Outcomes outcomes_of(dataplane::RealId real) const;
  // Of a service's slot.
  Refused refused_of(dataplane::ServiceId service) const;
  uint64_t drops_of(dataplane::DropReason reason) const;

  // Measures the rates since the last call, of real slots below `real_slots` and all else. About once a second.
  void sample(uint32_t real_slots, Clock::time_point now);
  Rates rates_of(dataplane::RealId real) const;
  // Of all reals together.
  const Rates& total_rates() const noexcept { return total_rates_; }
  double drop_rate(dataplane::DropReason reason) const;
  // When the counter was last seen to grow; unset: never.
  std::optional<Clock::time_point> last_drop(dataplane::DropReason reason) const;
  // Fills in what is measured of a worker.
  WorkerState worker(uint32_t worker) const;

 private:
  struct Measured {
    Traffic total;
    Rates rates;
  };
  struct WorkerSample {
    uint64_t busy_cycles = 0, idle_cycles = 0, packets = 0, bursts = 0, polls = 0;
  };
  struct WorkerRates {
    double busy_ratio = 0, cycles_per_packet = 0, packets_per_burst = 0;
    bool stalled = false;
  };
  void sample_drops(double seconds, Clock::time_point now);
  void sample_workers();

  const dataplane::Dataplane& dataplane_;
  std::optional<Clock::time_point> sampled_;
  std::vector<Measured> reals_;
  Rates total_rates_;
  struct Drops {
    uint64_t total = 0;
    double rate = 0;
    std::optional<Clock::time_point> last;
  };
  std::array<Drops, dataplane::kDropReasons> drops_;
  std::vector<WorkerSample> worker_samples_;
  std::vector<WorkerRates> worker_rates_;
};

}  // namespace shunt::control
