// trace and capture over a running controller and dataplane. Each test in a process of its own.
#include <gmock/gmock.h>

#include <thread>

#include "tests/control/controller_rig.h"
#include "tests/support/own_process.h"

namespace shunt::control {
namespace {

using testing::HasSubstr;

// What a watch told, read while it runs.
template <typename Value>
struct Told {
  WatchSink<Value> sink() {
    WatchSink<Value> result;
    result.begun = [this] { return begun = true; };
    result.take = [this](const Value& value) {
      const std::lock_guard lock(mutex);
      values.push_back(value);
      return true;
    };
    result.idle = [this] { return !over; };
    return result;
  }
  size_t count() {
    const std::lock_guard lock(mutex);
    return values.size();
  }
  std::atomic<bool> begun{false};
  std::atomic<bool> over{false};
  std::mutex mutex;
  std::vector<Value> values;
};

std::string text_of(const TraceReport& report) {
  std::string text;
  for (const TraceStep& step : report.steps) text += step.name + ": " + step.text + "\n";
  return text;
}

TEST(Trace, TellsThePacketsWayStepByStep) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  Told<TraceReport> told;
  TraceQuery query;
  query.vip = *IpAddress::parse("10.9.9.9");
  query.count = 2;
  std::thread watching([&] {
    const auto end = controller.trace(query, told.sink());
    ASSERT_TRUE(end) << end.error().message;
    EXPECT_EQ(end->told, 2u);
    EXPECT_EQ(end->lost, 0u);
  });
  ASSERT_TRUE(within(std::chrono::seconds(3), [&] { return told.begun.load(); }));
  const std::string real = rig.real_of(1000);
  EXPECT_EQ(rig.real_of(1000), real) << "the packet went on as ever";
  watching.join();
  ASSERT_EQ(told.values.size(), 2u);
  const TraceReport& first = told.values[0];
  EXPECT_EQ(first.outcome, "sent");
  EXPECT_EQ(first.service, "dns");
  EXPECT_EQ(first.real, "dns/" + real + ":53");
  const std::string text = text_of(first);
  for (const std::string& words :
       {std::string("parse: udp 10.1.200.7:1000 -> 10.9.9.9:53"), std::string("service: dns: port 53 of VIP 10.9.9.9"),
        std::string("connection: a new one"), "real: dns/" + real + ":53: rr: it is next in turn",
        std::string("state: (new) -> UDP"), "destination 10.9.9.9:53 -> " + real + ":53", std::string("tx: port p0")}) {
    EXPECT_THAT(text, HasSubstr(words));
  }
  EXPECT_THAT(text_of(told.values[1]), HasSubstr("connection: known, UDP"));
  // Nobody looks any more: the next ones may.
  for (int i = 0; i < 6; ++i) {
    Told<TraceReport> again;
    again.over = true;
    EXPECT_TRUE(controller.trace(query, again.sink()));
  }
}

TEST(Trace, OfTooManyAtATimeTheLastIsRefused) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  std::vector<std::unique_ptr<Told<TraceReport>>> told;
  std::vector<std::thread> watching;
  for (int i = 0; i < 4; ++i) {
    Told<TraceReport>& each = *told.emplace_back(std::make_unique<Told<TraceReport>>());
    watching.emplace_back([&] { EXPECT_TRUE(controller.trace({}, each.sink())); });
    ASSERT_TRUE(within(std::chrono::seconds(3), [&] { return each.begun.load(); }));
  }
  Told<TraceReport> fifth;
  const auto refused = controller.trace({}, fifth.sink());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  for (auto& each : told) each->over = true;
  for (std::thread& each : watching) each.join();
}

TEST(Capture, TakesWhatTheFilterSays) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  Told<CapturedFrame> told;
  CaptureQuery query;
  query.filter = "udp src port 1001 and dst host 10.9.9.9";
  std::thread watching([&] { EXPECT_TRUE(controller.capture(query, told.sink())); });
  ASSERT_TRUE(within(std::chrono::seconds(3), [&] { return told.begun.load(); }));
  for (uint16_t port = 1000; port < 1003; ++port) rig.real_of(port);
  // From Linux's side, out of the wire, and in again.
  EXPECT_TRUE(within(std::chrono::seconds(3), [&] { return told.count() >= 2; }));
  told.over = true;
  watching.join();
  ASSERT_EQ(told.values.size(), 2u);
  EXPECT_THAT(told.values[0].comment, HasSubstr("from Linux"));
  EXPECT_TRUE(told.values[1].is_in);
  EXPECT_THAT(told.values[1].comment, HasSubstr("real dns/"));
  for (const CapturedFrame& frame : told.values) EXPECT_EQ(frame.bytes.size(), frame.frame_bytes);
}

TEST(Capture, AFilterThatIsNoneIsRefusedWithPcapsWords) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  Told<CapturedFrame> told;
  CaptureQuery query;
  query.filter = "tcp prot 80";
  const auto refused = controller.capture(query, told.sink());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(refused.error().message, HasSubstr("syntax error"));
  query = {};
  query.port = "p9";
  EXPECT_EQ(controller.capture(query, told.sink()).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace shunt::control
