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
      const FlowKey key = tables_.request(uint64_t{i} * tables_.spec().services);
      rte_mbuf* frame = buffers_.fill(0, key, kOurMac, flags);
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
  const FlowKey key = tables_.request(uint64_t{connection} * tables_.spec().services);
  rte_mbuf* frame = buffers_.fill(buffer, key, kOurMac, kTcpAck);
  if (port_.put(&frame, 1) == 0) return false;
  free_.pop_back();
  due_[buffer] = due;
  connection_[buffer] = connection;
  return true;
}

// Every frame's checksums, addresses and next hop are looked at here, which is the source's time, not the worker's.
uint32_t LatencyRig::take_out(uint64_t now, Histogram* durations) {
  rte_mbuf* frames[2 * kBurstSize];
  const uint32_t count = port_.take(frames, 2 * kBurstSize);
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t buffer = buffers_.index_of(frames[i]);
    if (durations != nullptr) durations->add(now - due_[buffer]);
    const uint64_t index = uint64_t{connection_[buffer]} * tables_.spec().services;
    if (const char* fault = fault_of(frames[i], {tables_.request(index), tables_.hop_of(tables_.real_in_turn(index))})) {
      give_up(std::string("a packet ") + fault);
    }
    free_.push_back(buffer);
  }
  return count;
}

double LatencyRig::fastest(double seconds) {
  const auto cycles = static_cast<uint64_t>(seconds * static_cast<double>(rte_get_tsc_hz()));
  const uint64_t start = rte_rdtsc();
  uint64_t now = start;
  uint64_t left = 0;
  while (now - start < cycles) {
    while (port_.waiting() < kBurstSize && put_one(now)) {
    }
    poll();
    now = rte_rdtsc();
    left += take_out(now, nullptr);
  }
  return static_cast<double>(left) * static_cast<double>(rte_get_tsc_hz()) / static_cast<double>(now - start);
}

LatencyRun LatencyRig::run(double per_second, double seconds) {
  const auto hz = static_cast<double>(rte_get_tsc_hz());
  // Time in 1/65536 of a cycle would overflow in hours; in 1/256 it lasts.
  const double cycles_per_gap = hz / per_second;
  const auto scale = static_cast<uint64_t>(cycles_per_gap * 256);
  const auto length = static_cast<uint64_t>(seconds * hz);
  LatencyRun result;
  uint64_t left = 0;
  const uint64_t start = rte_rdtsc();
  uint64_t next = 0;  // 1/256 cycles since start
  uint64_t now = start;
  while (now - start < length) {
    const uint64_t until = (now - start) << 8;
    while (next <= until) {
      if (!put_one(start + (next >> 8))) ++result.lost;
      next += (uint64_t{gaps_[random_.below(kGaps)]} * scale) >> 16;
    }
    poll();
    now = rte_rdtsc();
    left += take_out(now, &result.durations);
  }
  result.per_second = static_cast<double>(left) * hz / static_cast<double>(now - start);
  while (port_.waiting() > 0) {  // what is under way must not meet the next run
    poll();
    take_out(rte_rdtsc(), nullptr);
  }
  return result;
}

}  // namespace shunt::bench
