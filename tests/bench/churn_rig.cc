#include "tests/bench/churn_rig.h"

#include <rte_cycles.h>
#include <sys/resource.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "dataplane/find.h"
#include "tests/bench/departure.h"
#include "tests/bench/results.h"

namespace shunt::bench {

using namespace dataplane;

namespace {

// Between two packets of a connection, about half of a round trip.
constexpr uint32_t kGapMs = 5;
constexpr uint32_t kSettlingRounds = 3;
// So long that the real clock adds nothing of its own.
constexpr uint64_t kDrivenMs = uint64_t{1} << 62;

long involuntary_switches() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw;
}

IpFlow mirrored(const IpFlow& flow) {
  return {flow.destination, flow.source, flow.destination_port, flow.source_port, flow.protocol};
}

IpFlow flow_of(const rte_mbuf* mbuf) {
  const auto* ip = rte_pktmbuf_mtod_offset(mbuf, const Ipv4Header*, sizeof(EthernetHeader));
  const auto* tcp = reinterpret_cast<const TcpHeader*>(ip + 1);
  return IpFlow::from(FlowKey{ip->source, ip->destination, tcp->source_port, tcp->destination_port, ip->protocol});
}

}  // namespace

ChurnRig::ChurnRig(RingPort& port, const Scenario& scenario, uint32_t capacity, uint32_t fill_percent, uint32_t reals)
    : port_(port),
      scenario_(scenario),
      fill_target_(static_cast<uint32_t>(uint64_t{capacity} * fill_percent / 100)),
      tables_({scenario.method, SchedulerKind::kWlc, 1, reals}),
      snapshot_(tables_.snapshot(1)),
      worker_(capacity),
      gap_(scenario.per_second / 1000 * kGapMs) {
  open_.resize(std::bit_ceil(gap_ * scenario.steps.size() + kBurstSize), {kNoReal, {}});
  worker_->current = &current_;
  worker_->cycles_per_ms = kDrivenMs;
  worker_->last_tick_cycles = rte_rdtsc();
  timeout_ms_ = static_cast<uint32_t>(uint64_t{fill_target_} * 1000 / scenario.per_second);
  vary_timeout();
}

void ChurnRig::vary_timeout() {
  const uint32_t ms = timeout_ms_ / 2 + random_.below(timeout_ms_);
  for (size_t state = 0; state < kConnectionStates; ++state) {
    tables_.set_timeout(static_cast<ConnectionState>(state), ms);
  }
}

uint32_t ChurnRig::find_timeout() {
  const uint32_t capacity = worker_->connections.capacity();
  for (uint32_t round = 0; round < kSettlingRounds; ++round) {
    run(capacity);  // more than a timeout's worth, so that the last correction shows in the next
    run(capacity);
    const double correction = std::round((fill_target_ - used_.mean) * 1000 / scenario_.per_second);
    timeout_ms_ = static_cast<uint32_t>(std::max(4.0 * kGapMs, timeout_ms_ + correction));
  }
  return timeout_ms_;
}

void ChurnRig::settle(uint32_t timeout_ms) {
  timeout_ms_ = timeout_ms;
  run(2 * worker_->connections.capacity());
}

void ChurnRig::let_time_pass() {
  if (opened_ < next_ms_at_) return;
  next_ms_at_ += scenario_.per_second / 1000;
  worker_->last_tick_cycles -= kDrivenMs;
  vary_timeout();
}

// The packets that are due next: with each new connection's first one come the second one of that which opened a gap
// before, the third one of that another gap before, and so on. False: that one was dropped before, nothing is due.
bool ChurnRig::put_next(uint32_t position) {
  const uint32_t number = next_step_;
  const uint64_t newest = opened_;
  if (number == 0) open(newest) = {kNoReal, {}};
  if (++next_step_ == scenario_.steps.size()) {
    next_step_ = 0;
    ++opened_;
  }
  if (newest < uint64_t{number} * gap_) return false;
  const uint64_t connection = newest - uint64_t{number} * gap_;
  const Open& known = open(connection);
  if (number > 0 && known.real == kNoReal) return false;
  const Step& step = scenario_.steps[number];
  const IpFlow flow = step.direction == Direction::kRequest ? tables_.request(connection) : known.reply;
  burst_[position] = buffers_.fill(position, flow, kOurMac, step.tcp_flags);
  sent_[position] = {connection, number};
  return true;
}

uint32_t ChurnRig::gather() {
  uint32_t count = 0;
  const uint32_t wanted = burst_size(*worker_);
  // A burst may be short only where nothing is due at all.
  for (uint32_t tries = 0; count < wanted && tries < 16 * wanted; ++tries) count += put_next(count);
  return count;
}

std::vector<Turn> ChurnRig::run(uint32_t connections) {
  const uint64_t end = opened_ + connections;
  std::vector<Turn> turns;
  turns.reserve(2 * connections * scenario_.steps.size() / kBurstSize + 1);
  used_ = {UINT32_MAX, 0, 0};
  long switches = involuntary_switches();
  while (opened_ < end) {
    const uint32_t count = gather();
    let_time_pass();
    port_.put(burst_, count);
    const uint64_t start = rte_rdtsc();
    poll_once(*worker_);
    const uint64_t cycles = rte_rdtsc() - start;
    const long switches_now = involuntary_switches();
    turns.push_back({static_cast<uint32_t>(std::min<uint64_t>(cycles, UINT32_MAX)), switches_now != switches});
    switches = switches_now;
    rte_mbuf* left[2 * kBurstSize];
    const uint32_t left_count = port_.take(left, 2 * kBurstSize);
    for (uint32_t i = 0; i < left_count; ++i) check(left[i]);
    const uint32_t used = worker_->connections.used();
    used_ = {std::min(used_.least, used), std::max(used_.most, used), used_.mean + used};
  }
  used_.mean /= static_cast<double>(turns.size());
  return turns;
}

// The first packet says which real the connection has and, under fullnat, by which address; all others must agree.
void ChurnRig::check(const rte_mbuf* mbuf) {
  const Sent& sent = sent_[buffers_.index_of(mbuf)];
  Open& known = open(sent.connection);
  const IpFlow request = tables_.request(sent.connection);
  const bool is_reply = scenario_.steps[sent.step].direction == Direction::kReply;
  const bool fullnat = scenario_.method == Method::kFullnat;
  if (sent.step == 0) {
    known.real = tables_.real_of(rte_pktmbuf_mtod(mbuf, const EthernetHeader*)->destination);
    if (known.real == kNoReal) give_up("a first packet left for no real");
    known.reply = mirrored(fullnat ? flow_of(mbuf) : request);
    const RealEntry& real = tables_.real(known.real);
    if (fullnat && (known.reply.source != real.address || known.reply.source_port != real.port)) {
      give_up("a first packet left for another real than its frame");
    }
  }
  const IpFlow wanted = is_reply ? mirrored(request) : fullnat ? mirrored(known.reply) : request;
  const NextHop& hop = is_reply ? tables_.client_hop() : tables_.hop_of(known.real);
  if (const char* fault = fault_of(mbuf, {wanted, hop})) give_up(std::string("a packet ") + fault);
}

}  // namespace shunt::bench
