// trace and capture from a controller's side: a tap on the workers, its records made into what people read.
#include <chrono>
#include <thread>

#include "control/controller.h"
#include "control/controller_state.h"
#include "control/loop_call.h"

namespace shunt::control {
namespace {

using dataplane::TapRecord;

static_assert(kMostSnapBytes == TapRecord::kMostBytes);
constexpr std::chrono::milliseconds kPause{10};
// Made into reports at once: the loop is not held up.
constexpr size_t kReportsAtOnce = 64;

// Cycles of the workers' clock as the time of day.
class WatchClock {
 public:
  explicit WatchClock(const dataplane::Dataplane& dataplane)
      : cycles_per_second_(dataplane.cycles_per_second()), then_cycles_(dataplane::Dataplane::cycles()) {}
  WallClock::time_point at(uint64_t cycles) const {
    const double seconds =
        static_cast<double>(static_cast<int64_t>(cycles - then_cycles_)) / static_cast<double>(cycles_per_second_);
    return then_ + std::chrono::duration_cast<WallClock::duration>(std::chrono::duration<double>(seconds));
  }

 private:
  uint64_t cycles_per_second_;
  uint64_t then_cycles_;
  WallClock::time_point then_ = WallClock::now();
};

// The part of a record that is filled in.
std::vector<TapRecord> taken_from(dataplane::TapSession& session) {
  std::vector<TapRecord> records;
  session.take([&](const TapRecord& record) { records.push_back(record); });
  return records;
}

// `pass_on` gets some records at a time and says whether to go on.
template <typename Value, typename PassOn>
WatchEnd watch(dataplane::TapSession& session, const WatchSink<Value>& sink, PassOn pass_on) {
  WatchEnd end;
  bool goes_on = sink.begun();
  while (goes_on && !session.is_full()) {
    const std::vector<TapRecord> records = taken_from(session);
    for (size_t from = 0; goes_on && from < records.size(); from += kReportsAtOnce) {
      const std::span<const TapRecord> some(records.data() + from, std::min(kReportsAtOnce, records.size() - from));
      goes_on = pass_on(some, end.told);
    }
    goes_on = goes_on && sink.idle();
    if (records.empty()) std::this_thread::sleep_for(kPause);
  }
  end.lost = session.lost();
  return end;
}

std::string comment_of(const TapRecord& record, const std::string& real) {
  std::string text = "worker " + std::to_string(record.worker);
  if (record.is_linux) return text + ": from Linux";
  if (!real.empty()) text += ": real " + real;
  if (record.kind == TapRecord::Kind::kFrameOut) return text;
  if (record.is_dropped) return text + ": dropped, " + std::string(name_of(record.reason));
  if (record.frames_out > 0) return text;
  switch (record.verdict) {
    case dataplane::Verdict::kKernel: return text + ": to Linux";
    case dataplane::Verdict::kHandOff: return text + ": handed off to worker " + std::to_string(record.owner);
    case dataplane::Verdict::kWait: return text + ": waits for its next hop";
    case dataplane::Verdict::kHold: return text + ": waits for its datagram's first fragment";
    case dataplane::Verdict::kAnswer:
    case dataplane::Verdict::kPieces:
    case dataplane::Verdict::kDrop:
    case dataplane::Verdict::kUndecidedIpv4:
    case dataplane::Verdict::kUndecidedIpv6:
    case dataplane::Verdict::kIcmpErrorIpv4:
    case dataplane::Verdict::kIcmpErrorIpv6: return text;
  }
  return text;
}

}  // namespace

std::vector<std::pair<uint16_t, std::string>> Controller::port_names() const {
  std::vector<std::pair<uint16_t, std::string>> names;
  for (const auto& info : state_->dataplane.ports()) names.emplace_back(info.id, info.name);
  return names;
}

Result<WatchEnd> Controller::trace(const TraceQuery& query, const WatchSink<TraceReport>& sink) {
  dataplane::TapOptions options;
  options.is_trace = true;
  options.vip = query.vip;
  options.vip_port = query.vip_port;
  options.client = query.client;
  options.most = query.count;
  const WatchClock clock(state_->dataplane);
  auto session = state_->dataplane.open_tap(options);
  if (!session) return session.error();
  return watch(**session, sink, [&](std::span<const TapRecord> records, uint64_t& told) {
    const auto reports = call_on_loop<std::vector<TraceReport>>(*state_, [&, this](auto done) {
      std::vector<TraceReport> made;
      for (const TapRecord& record : records) made.push_back(state_->trace_report(record, clock.at(record.cycles)));
      done(std::move(made));
    });
    if (!reports) return false;
    for (const TraceReport& report : *reports) {
      if (!sink.take(report)) return false;
      ++told;
    }
    return true;
  });
}

Result<WatchEnd> Controller::capture(const CaptureQuery& query, const WatchSink<CapturedFrame>& sink) {
  dataplane::TapOptions options;
  options.filter = query.filter;
  options.takes_in = query.in;
  options.takes_out = query.out;
  options.most = query.count;
  if (query.snap_bytes != 0) options.snap_bytes = query.snap_bytes;
  if (!query.port.empty()) {
    ExplainQuery port;
    port.ingress_port = query.port;
    const auto id = call_on_loop<uint16_t>(*state_, [&, this](auto done) { done(state_->ingress_of(port)); });
    if (!id) return id.error();
    options.port = *id;
  }
  const WatchClock clock(state_->dataplane);
  auto session = state_->dataplane.open_tap(options);
  if (!session) return session.error();
  return watch(**session, sink, [&](std::span<const TapRecord> records, uint64_t& told) {
    const auto names = call_on_loop<std::vector<std::string>>(*state_, [&, this](auto done) {
      std::vector<std::string> made;
      for (const TapRecord& record : records) made.push_back(state_->real_name(record.real));
      done(std::move(made));
    });
    if (!names) return false;
    for (size_t i = 0; i < records.size(); ++i) {
      const TapRecord& record = records[i];
      CapturedFrame frame;
      frame.time = clock.at(record.cycles);
      frame.port = record.port;
      frame.is_in = record.kind == TapRecord::Kind::kFrameIn;
      frame.frame_bytes = record.frame_bytes;
      frame.bytes.assign(record.bytes.begin(), record.bytes.begin() + record.kept_bytes);
      frame.comment = comment_of(record, (*names)[i]);
      if (!sink.take(frame)) return false;
      ++told;
    }
    return true;
  });
}

}  // namespace shunt::control
