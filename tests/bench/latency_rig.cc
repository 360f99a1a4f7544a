#include "tests/bench/latency_rig.h"

#include <rte_cycles.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "tests/bench/departure.h"
#include "tests/bench/results.h"

namespace shunt::bench {

using namespace dataplane;

namespace {

constexpr uint32_t kGaps = 4096;
constexpr uint32_t kGapUnit = 1 << 16;
constexpr double kWindowSeconds = 0.5e-3;

}  // namespace

void Histogram::add(uint64_t cycles) noexcept {
  const auto width = static_cast<uint32_t>(std::bit_width(cycles | ((1u << kBits) - 1)));
  const uint32_t shift = width - kBits;
  ++buckets_[(size_t{shift} << kBits) + ((cycles >> shift) & ((1u << kBits) - 1))];
  ++count_;
}

uint64_t Histogram::quantile(double share) const noexcept {
  const auto wanted = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen < wanted) continue;
    const size_t shift = i >> kBits;
    return (((i & ((1u << kBits) - 1)) + 1) << shift) - 1;  // the bucket's upper end
  }
  return 0;
}

LatencyRig::LatencyRig(RingPort& port, Publisher& publisher, const Tables& tables, uint32_t connections,
                       uint32_t ring_frames)
    : port_(port),
      tables_(tables),
      connections_(connections),
      worker_(connections + connections / 4 + 16),
      buffers_(ring_frames + 4 * kBurstSize),
      due_(ring_frames + 4 * kBurstSize),
      connection_(due_.size()) {
  for (uint32_t i = 0; i < due_.size(); ++i) free_.push_back(i);
  // Quantiles of the exponential distribution: its tail ends at nine times the mean.
  for (uint32_t i = 0; i < kGaps; ++i) {
    gaps_.push_back(static_cast<uint32_t>(-std::log((i + 0.5) / kGaps) * kGapUnit));
  }
  worker_->current = publisher.current();
  worker_->grace = publisher.grace();
  rte_rcu_qsbr_thread_online(worker_->grace, worker_->index);
  open_connections();
}

LatencyRig::~LatencyRig() { rte_rcu_qsbr_thread_offline(worker_->grace, worker_->index); }

void LatencyRig::poll() {
  poll_once(*worker_);
  rte_rcu_qsbr_quiescent(worker_->grace, worker_->index);
}

// Connection i is the i-th of the first service.
void LatencyRig::open_connections() {
  for (uint32_t i = 0; i < connections_; ++i) {
    for (const uint8_t flags : {kTcpSyn, kTcpAck}) {
      const IpFlow flow = tables_.request(uint64_t{i} * tables_.spec().services);
      rte_mbuf* frame = buffers_.fill(0, flow, kOurMac, flags);
      port_.put(&frame, 1);
      poll();
      if (port_.take(&frame, 1) != 1) give_up("a connection could not be made; drops: " + worker_.drop_reasons());
    }
  }
}

// False: the ring is full, the frame is lost.
bool LatencyRig::put_one(uint64_t due) {
  if (free_.empty()) return false;
  const uint32_t buffer = free_.back();
  const uint32_t connection = random_.below(connections_);
  const IpFlow flow = tables_.request(uint64_t{connection} * tables_.spec().services);
  rte_mbuf* frame = buffers_.fill(buffer, flow, kOurMac, kTcpAck);
  if (port_.put(&frame, 1) == 0) return false;
  free_.pop_back();
  due_[buffer] = due;
  connection_[buffer] = connection;
  return true;
}

// Every frame's checksums, addresses and next hop are looked at here, which is the source's time, not the worker's.
uint32_t LatencyRig::take_out(uint64_t now) {
  rte_mbuf* frames[2 * kBurstSize];
  const uint32_t count = port_.take(frames, 2 * kBurstSize);
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t buffer = buffers_.index_of(frames[i]);
    if (departed_ < durations_.size()) {
      durations_[departed_++] = static_cast<uint32_t>(std::min<uint64_t>(now - due_[buffer], UINT32_MAX));
    }
    const uint64_t index = uint64_t{connection_[buffer]} * tables_.spec().services;
    if (const char* fault = fault_of(frames[i], {tables_.request(index), tables_.hop_of(tables_.real_in_turn(index))})) {
      give_up(std::string("a packet ") + fault);
    }
    free_.push_back(buffer);
  }
  return count;
}

double LatencyRig::fastest(double seconds) {
  const auto hz = static_cast<double>(rte_get_tsc_hz());
  const auto length = static_cast<uint64_t>(seconds * hz);
  PauseWatch watch;
  departed_ = durations_.size();
  uint64_t left = 0;
  uint64_t cycles = 0;
  const uint64_t start = rte_rdtsc();
  for (uint64_t now = start; now - start < length;) {
    uint32_t put = 0;
    while (port_.waiting() < kBurstSize && put_one(now)) ++put;
    const uint64_t filled = rte_rdtsc();
    poll();
    const uint64_t polled = rte_rdtsc();
    const uint32_t taken = take_out(polled);
    const uint64_t end = rte_rdtsc();
    const bool polled_plainly = watch.poll(polled - filled) == PauseWatch::Poll::kPlain;
    if (watch.rig(filled - now, put) + watch.rig(end - polled, taken) == 0 && polled_plainly) {
      left += taken;
      cycles += end - now;
    }
    now = end;
  }
  return static_cast<double>(left) * hz / static_cast<double>(cycles);
}

double LatencyRig::rate_without_loss(double bound, double seconds) {
  constexpr int kHalvings = 7;  // to within one part in 128
  double low = 0;
  double high = bound;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    // What is lost once may be the machine's, which then was slower without a pause.
    const bool holds = run(middle, seconds).lost == 0 || run(middle, seconds).lost == 0;
    (holds ? low : high) = middle;
  }
  return low;
}

LatencyRun LatencyRig::run(double per_second, double seconds) {
  const auto hz = static_cast<double>(rte_get_tsc_hz());
  // Time in 1/65536 of a cycle would overflow in hours; in 1/256 it lasts.
  const double cycles_per_gap = hz / per_second;
  const auto scale = static_cast<uint64_t>(cycles_per_gap * 256);
  const auto length = static_cast<uint64_t>(seconds * hz);
  const auto window = static_cast<uint64_t>(kWindowSeconds * hz);
  // Zeroed, so that no page is missing when it is written to; a tenth more than there are on the average.
  durations_.assign(static_cast<size_t>(per_second * seconds * 1.1) + 1024, 0);
  windows_.clear();
  windows_.reserve(static_cast<size_t>(seconds / kWindowSeconds) + 1);
  departed_ = 0;
  LatencyRun result;
  PauseWatch watch;
  bool recovering = false;  // a poll was slow, and what came in meanwhile is not done with yet
  bool disturbed = false;
  uint64_t left = 0;
  uint64_t next = 0;  // 1/256 cycles since start
  // The run's own clock stands still while something else has the CPU: then the source does not run, either.
  uint64_t start = rte_rdtsc();
  uint64_t now = start;
  uint64_t window_end = window;  // since start, as all that follows
  while (now - start < length) {
    const uint64_t until = (now - start) << 8;
    uint32_t due = 0;
    for (; next <= until; ++due) {
      if (!put_one(next >> 8)) ++(disturbed ? result.lost_to_pauses : result.lost);
      next += (uint64_t{gaps_[random_.below(kGaps)]} * scale) >> 16;
    }
    const uint64_t filled = rte_rdtsc();
    const uint64_t paused_before = watch.rig(filled - now, due);
    start += paused_before;
    poll();
    const uint64_t polled = rte_rdtsc();
    const PauseWatch::Poll kind = watch.poll(polled - filled);
    if (kind == PauseWatch::Poll::kPreempted) start += polled - filled;
    const uint32_t taken = take_out(polled - start);
    left += taken;
    now = rte_rdtsc();
    const uint64_t paused_after = watch.rig(now - polled, taken);
    start += paused_after;
    if (kind == PauseWatch::Poll::kSlow) recovering = true;
    else if (due <= kBurstSize && port_.waiting() == 0) recovering = false;
    disturbed |= recovering || kind == PauseWatch::Poll::kPreempted || paused_before + paused_after > 0;
    if (now - start < window_end) continue;
    windows_.push_back({departed_, disturbed});
    disturbed = recovering;
    window_end = now - start + window;
    watch.look();
    const uint64_t looked = rte_rdtsc();
    start += looked - now;
    now = looked;
  }
  result.per_second = static_cast<double>(left) * hz / static_cast<double>(now - start);
  result.pauses = watch.seen();
  count(result);
  departed_ = durations_.size();
  while (port_.waiting() > 0) {  // what is under way must not meet the next run
    poll();
    take_out(rte_rdtsc());
  }
  return result;
}

void LatencyRig::count(LatencyRun& result) const {
  size_t i = 0;
  for (const Window& window : windows_) {
    ++result.windows;
    result.undisturbed_windows += !window.disturbed;
    for (; i < window.end; ++i) {
      result.all.add(durations_[i]);
      if (!window.disturbed) result.undisturbed.add(durations_[i]);
    }
  }
}

}  // namespace shunt::bench
