#include "control/meters.h"

#include "control/slots.h"

namespace shunt::control {

using dataplane::DropReason;
using dataplane::RealCounters;
using dataplane::RealId;
using dataplane::WorkerCounters;

Meters::Meters(const dataplane::Dataplane& dataplane)
    : dataplane_(dataplane),
      worker_samples_(dataplane.workers().size()),
      worker_rates_(dataplane.workers().size()) {}

Traffic Meters::traffic_of(RealId real) const {
  Traffic sum;
  for (const auto& worker : dataplane_.workers()) {
    const RealCounters& own = dataplane_.real_counters(worker.index, real);
    sum += {own.connections.read(), own.in_packets.read(), own.out_packets.read(), own.in_bytes.read(),
            own.out_bytes.read()};
  }
  return sum;
}

Load Meters::load_of(RealId real) const {
  Load sum;
  for (const auto& worker : dataplane_.workers()) {
    const RealCounters& own = dataplane_.real_counters(worker.index, real);
    sum.active += own.active.load(std::memory_order_relaxed);
    sum.inactive += own.inactive.load(std::memory_order_relaxed);
  }
  return sum;
}

Outcomes Meters::outcomes_of(RealId real) const {
  Outcomes sum;
  for (const auto& worker : dataplane_.workers()) {
    const dataplane::RealOutcomes& own = dataplane_.real_outcomes(worker.index, real);
    sum.answered += own.answered.read();
    sum.unanswered += own.unanswered.read();
    sum.refused += own.refused.read();
    sum.reset += own.reset.read();
  }
  return sum;
}

Refused Meters::refused_of(dataplane::ServiceId service) const {
  Refused sum;
  for (const auto& worker : dataplane_.workers()) {
    const dataplane::ServiceCounters& own = dataplane_.service_counters(worker.index, service);
    sum.denied += own.denied.read();
    for (size_t i = 0; i < sum.limited.size(); ++i) {
      sum.limited[i] += own.limited[i].read();
      sum.client_limited[i] += own.client_limited[i].read();
    }
  }
  return sum;
}

uint64_t Meters::drops_of(DropReason reason) const {
  uint64_t sum = 0;
  for (const auto& worker : dataplane_.workers()) {
    sum += dataplane_.worker_counters(worker.index).drops[static_cast<size_t>(reason)].read();
  }
  return sum;
}

void Meters::sample(uint32_t real_slots, Clock::time_point now) {
  const double seconds = sampled_ ? std::chrono::duration<double>(now - *sampled_).count() : 0;
  const auto rate = [seconds](uint64_t difference) {
    return seconds > 0 ? static_cast<double>(difference) / seconds : 0;
  };
  const size_t known = reals_.size();
  reals_.resize(std::max<size_t>(known, real_slots));
  total_rates_ = {};
  for (uint32_t i = 0; i < real_slots; ++i) {
    const Traffic total = traffic_of({i});
    // A slot seen for the first time starts from where it is.
    const Traffic gain = i < known ? total - reals_[i].total : Traffic{};
    reals_[i] = {total,
                 {rate(gain.connections), rate(gain.in_packets), rate(gain.out_packets), rate(gain.in_bytes),
                  rate(gain.out_bytes)}};
    total_rates_ += reals_[i].rates;
  }
  sample_drops(seconds, now);
  sample_workers();
  sampled_ = now;
}

void Meters::sample_drops(double seconds, Clock::time_point now) {
  for (size_t i = 0; i < drops_.size(); ++i) {
    const uint64_t total = drops_of(static_cast<DropReason>(i));
    const uint64_t gain = total - drops_[i].total;
    drops_[i].total = total;
    drops_[i].rate = seconds > 0 ? static_cast<double>(gain) / seconds : 0;
    if (gain > 0) drops_[i].last = now;
  }
}

void Meters::sample_workers() {
  for (size_t i = 0; i < worker_samples_.size(); ++i) {
    const WorkerCounters& counters = dataplane_.worker_counters(static_cast<uint32_t>(i));
    const WorkerSample now = {counters.busy_cycles.read(), counters.idle_cycles.read(), counters.rx_packets.read(),
                              counters.bursts.read(), counters.polls.read()};
    const WorkerSample before = std::exchange(worker_samples_[i], now);
    const auto ratio = [](uint64_t part, uint64_t whole) {
      return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
    };
    const uint64_t busy = now.busy_cycles - before.busy_cycles;
    const uint64_t packets = now.packets - before.packets;
    worker_rates_[i] = {ratio(busy, busy + now.idle_cycles - before.idle_cycles), ratio(busy, packets),
                        ratio(packets, now.bursts - before.bursts), now.polls == before.polls};
  }
}

Rates Meters::rates_of(RealId real) const {
  return real.index < reals_.size() ? reals_[real.index].rates : Rates{};
}

double Meters::drop_rate(DropReason reason) const { return drops_[static_cast<size_t>(reason)].rate; }

std::optional<Meters::Clock::time_point> Meters::last_drop(DropReason reason) const {
  return drops_[static_cast<size_t>(reason)].last;
}

WorkerState Meters::worker(uint32_t worker) const {
  const dataplane::WorkerInfo& info = dataplane_.workers()[worker];
  const WorkerCounters& counters = dataplane_.worker_counters(worker);
  WorkerState state;
  state.worker = info.index;
  state.lcore = info.lcore;
  state.busy_ratio = worker_rates_[worker].busy_ratio;
  state.cycles_per_packet = worker_rates_[worker].cycles_per_packet;
  state.packets_per_burst = worker_rates_[worker].packets_per_burst;
  state.rx_packets = counters.rx_packets.read();
  state.tx_packets = counters.tx_packets.read();
  for (const auto& drops : counters.drops) {
    state.drops.push_back(drops.read());
    state.dropped_packets += state.drops.back();
  }
  state.kernel_packets = counters.kernel_packets.read();
  state.handed_off_packets = counters.handed_off_packets.read();
  state.connections = counters.connections.read();
  state.connection_capacity = info.connection_capacity;
  state.ipv6_connections = counters.ipv6_connections.read();
  state.ipv6_connection_capacity = info.ipv6_connection_capacity;
  state.snapshot = counters.snapshot_version.read();
  state.untracked_packets = counters.untracked_packets.read();
  state.half_open_evicted = counters.half_open_evicted.read();
  state.entries_dropped = counters.entries_dropped.read();
  state.uncarried_client_addresses = counters.uncarried.read();
  state.ftp.add(counters);
  state.translated_to_ipv6_packets = counters.translated_to_ipv6.read();
  state.translated_to_ipv4_packets = counters.translated_to_ipv4.read();
  state.stalled = worker_rates_[worker].stalled;
  state.busy_seconds =
      static_cast<double>(counters.busy_cycles.read()) / static_cast<double>(dataplane_.cycles_per_second());
  return state;
}

}  // namespace shunt::control
