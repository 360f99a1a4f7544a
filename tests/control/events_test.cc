#include "control/events.h"

#include <gtest/gtest.h>

#include <thread>

namespace shunt::control {
namespace {

using std::chrono::milliseconds;

Event event(std::string subject) {
  Event result;
  result.kind = "applied";
  result.subject = std::move(subject);
  return result;
}

TEST(EventRing, NumbersEventsFromOneWithoutGaps) {
  EventRing ring(10);
  EXPECT_EQ(ring.last(), 0u);
  EXPECT_EQ(ring.append(event("a")), 1u);
  EXPECT_EQ(ring.append(event("b")), 2u);
  const auto events = ring.after(0);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].sequence, 1u);
  EXPECT_EQ(events[0].subject, "a");
  EXPECT_EQ(events[1].sequence, 2u);
  EXPECT_NE(events[0].time, WallClock::time_point{});
}

TEST(EventRing, ForgetsTheOldestWhenFull) {
  EventRing ring(3);
  for (int i = 0; i < 7; ++i) ring.append(event(std::to_string(i)));
  const auto events = ring.after(0);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].sequence, 5u);
  EXPECT_EQ(events[2].sequence, 7u);
  EXPECT_EQ(ring.after(2).size(), 3u);
}

TEST(EventRing, ReturnsOnlyWhatComesAfterAndAtMostTheLimit) {
  EventRing ring(10);
  for (int i = 0; i < 6; ++i) ring.append(event(std::to_string(i)));
  const auto events = ring.after(2, 3);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].sequence, 3u);
  EXPECT_EQ(events[2].sequence, 5u);
  EXPECT_TRUE(ring.after(6).empty());
  EXPECT_TRUE(ring.after(99).empty());
}

EventStart start(const EventRing& ring, uint64_t sequence) { return ring.start_after({ring.life(), sequence}); }

TEST(EventRing, SaysWhatIsMissingInFrontOfAPlace) {
  EventRing ring(3);
  EXPECT_EQ(start(ring, 0).missing, "");
  for (int i = 0; i < 7; ++i) ring.append(event(std::to_string(i)));
  EXPECT_EQ(start(ring, 7).missing, "");
  EXPECT_EQ(start(ring, 7).after, 7u);
  EXPECT_EQ(start(ring, 4).missing, "");
  EXPECT_EQ(start(ring, 3).missing, "event 4 is no longer kept");
  EXPECT_EQ(start(ring, 3).after, 4u);
  EXPECT_EQ(start(ring, 0).missing, "events 1 to 4 are no longer kept");
  EXPECT_NE(start(ring, 8).missing, "");
  EXPECT_NE(ring.start_after({"another", 7}).missing, "");
  EXPECT_NE(EventRing(1).life(), ring.life());
}

TEST(EventRing, GoesOnBehindWhatToldOfARevision) {
  EventRing ring(4);
  const auto append = [&](uint64_t revision) {
    Event next = event("");
    next.revision = revision;
    ring.append(next);
  };
  ring.begin_with(3);
  for (const uint64_t revision : {3, 3, 4, 4, 5}) append(revision);
  // Kept are 3 4 4 5.
  EXPECT_EQ(ring.revision(), 5u);
  EXPECT_EQ(ring.start_after_revision(4).after, 3u);
  EXPECT_EQ(ring.start_after_revision(4).missing, "");
  EXPECT_EQ(ring.start_after_revision(5).after, 5u);
  EXPECT_NE(ring.start_after_revision(3).missing, "");
  EXPECT_NE(ring.start_after_revision(6).missing, "");
  append(5);
  // 4 4 5 5: whether the first is what told of 4 nobody knows.
  EXPECT_NE(ring.start_after_revision(4).missing, "");
  EXPECT_EQ(ring.start_after_revision(5).after, 5u);
}

TEST(EventRing, WaitingEndsWithAnEventATimeoutOrClosing) {
  EventRing ring(10);
  EXPECT_FALSE(ring.wait_after(0, milliseconds(1)));
  std::jthread appender([&] { ring.append(event("late")); });
  EXPECT_TRUE(ring.wait_after(0, milliseconds(10000)));
  std::jthread closer([&] { ring.close(); });
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_FALSE(ring.wait_after(1, milliseconds(10000)));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(5000));
  EXPECT_TRUE(ring.closed());
}

TEST(EventRing, WatchersOfManyWritersMissNothing) {
  constexpr int kWriters = 4;
  constexpr int kEach = 2000;
  EventRing ring(kWriters * kEach);
  std::vector<std::jthread> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&] {
      for (int j = 0; j < kEach; ++j) ring.append(event("x"));
    });
  }
  uint64_t seen = 0;
  while (seen < kWriters * kEach) {
    ASSERT_TRUE(ring.wait_after(seen, milliseconds(10000)));
    for (const Event& each : ring.after(seen, 100)) ASSERT_EQ(each.sequence, ++seen);
  }
}

}  // namespace
}  // namespace shunt::control
