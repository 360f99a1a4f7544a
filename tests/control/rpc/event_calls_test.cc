// The stream of events as a client sees it: nothing is missing unsaid. Each test in a process of its own.
#include <gmock/gmock.h>

#include <functional>
#include <thread>

#include "tests/control/rpc/api_rig.h"
#include "tests/support/own_process.h"

namespace shunt::control::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

struct Watched {
  std::vector<v1::Event> events;
  grpc::Status end;
};

// Reads until the stream ends or `enough`.
Watched watch(ApiRig& rig, const v1::WatchEventsRequest& request,
              const std::function<bool(const v1::Event&)>& enough = [](const v1::Event&) { return false; }) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + seconds(60));
  auto reader = rig.stub->WatchEvents(&context, request);
  Watched watched;
  for (v1::Event event; reader->Read(&event);) {
    watched.events.push_back(event);
    if (enough(event)) context.TryCancel();
  }
  watched.end = reader->Finish();
  return watched;
}

v1::WatchEventsRequest after(uint64_t sequence, const std::string& life = "") {
  v1::WatchEventsRequest request;
  request.set_after_sequence(sequence);
  request.set_life(life);
  return request;
}

void set_weight(ApiRig& rig, uint32_t weight) {
  v1::SetWeightRequest request;
  request.set_service("dns");
  request.set_real("10.1.0.1:53");
  request.set_weight(weight);
  v1::ApplyResponse response;
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::SetWeight, request, response).ok());
}

// So many that the ring has forgotten all before.
void overflow(ApiRig& rig, int count) {
  for (int i = 0; i < count; ++i) {
    Event event;
    event.kind = "port";
    event.revision = rig.rig.controller().events().revision();
    rig.rig.controller().events().append(event);
  }
}

TEST(WatchEvents, SeesWhatHappenedAndWhatHappens) {
  if (test::ran_in_own_process()) return;
  ApiRig rig;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + seconds(10));
  v1::WatchEventsRequest request;
  request.set_follow(true);
  auto reader = rig.stub->WatchEvents(&context, request);
  v1::Event event;
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_EQ(event.sequence(), 1U);

  v1::SetWeightRequest weight;
  weight.set_service("dns");
  weight.set_real("10.1.0.1:53");
  weight.set_weight(9);
  v1::ApplyResponse response;
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::SetWeight, weight, response).ok());
  uint64_t before = event.sequence();
  while (event.revision() != 2 && reader->Read(&event)) EXPECT_EQ(event.sequence(), ++before);
  EXPECT_EQ(event.kind(), "applied");

  context.TryCancel();
  while (reader->Read(&event)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  // Its thread notices: stopping does not have to wait out the grace.
  std::this_thread::sleep_for(milliseconds(500));
  const auto start = std::chrono::steady_clock::now();
  rig.server->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(900));
}

TEST(WatchEvents, WithoutFollowEndsAtTheLastEvent) {
  if (test::ran_in_own_process()) return;
  ApiRig rig;
  v1::WatchEventsRequest request;
  std::vector<uint64_t> sequences;
  const auto read = [&](uint64_t after) {
    request.set_after_sequence(after);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + seconds(10));
    auto reader = rig.stub->WatchEvents(&context, request);
    sequences.clear();
    for (v1::Event event; reader->Read(&event);) sequences.push_back(event.sequence());
    return reader->Finish();
  };
  ASSERT_TRUE(read(0).ok());
  ASSERT_GE(sequences.size(), 1U);
  EXPECT_EQ(sequences.front(), 1U);
  const uint64_t last = sequences.back();
  ASSERT_TRUE(read(last).ok());
  EXPECT_THAT(sequences, testing::Each(testing::Gt(last)));
}

TEST(WatchEvents, EndsWithTheServer) {
  if (test::ran_in_own_process()) return;
  ApiRig rig;
  grpc::ClientContext context;
  v1::WatchEventsRequest request;
  request.set_follow(true);
  auto reader = rig.stub->WatchEvents(&context, request);
  v1::Event event;
  ASSERT_TRUE(reader->Read(&event));
  std::thread stopper([&] {
    std::this_thread::sleep_for(milliseconds(100));
    rig.server->stop();
  });
  while (reader->Read(&event)) {
  }
  const grpc::Status ended = reader->Finish();
  stopper.join();
  EXPECT_EQ(ended.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(ended.error_message(), HasSubstr("stopping"));
}

TEST(WatchEvents, WhoComesBackGetsEveryEventSince) {
  if (test::ran_in_own_process()) return;
  ApiRig rig;
  const v1::EventPosition from = rig.get().position();
  ASSERT_EQ(from.life().size(), 16U);
  set_weight(rig, 7);
  set_weight(rig, 8);
  const Watched missed = watch(rig, after(from.sequence(), from.life()));
  ASSERT_TRUE(missed.end.ok()) << missed.end.error_message();
  uint64_t next = from.sequence();
  std::vector<uint64_t> revisions;
  for (const v1::Event& event : missed.events) {
    EXPECT_EQ(event.sequence(), ++next);
    EXPECT_EQ(event.life(), from.life());
    if (event.kind() == "applied") revisions.push_back(event.revision());
  }
  EXPECT_THAT(revisions, testing::ElementsAre(2, 3));
  // Those up to a position are in what came with it.
  v1::ListServicesResponse services;
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::ListServices, v1::ListServicesRequest(), services).ok());
  EXPECT_GE(services.position().sequence(), next);
}

TEST(WatchEvents, SaysWhichEventsAreNoLongerKept) {
  if (test::ran_in_own_process()) return;
  ApiRig rig;
  const std::string life = rig.get().position().life();
  set_weight(rig, 7);
  overflow(rig, 5000);
  const uint64_t last = rig.rig.controller().events().last();
  const Watched watched = watch(rig, after(1, life));
  ASSERT_TRUE(watched.end.ok());
  const v1::Event& first = watched.events.at(0);
  EXPECT_EQ(first.kind(), "resync");
  EXPECT_EQ(first.sequence(), last - 4096);
  EXPECT_EQ(first.revision(), 2U);
  EXPECT_EQ(first.text(), "events 2 to " + std::to_string(last - 4096) +
                              " are no longer kept; the state is at revision 2");
  EXPECT_EQ(watched.events.at(1).sequence(), last - 4095);
  EXPECT_EQ(watched.events.size(), 4097U);
  // Whoever names no place asks for what there is.
  EXPECT_EQ(watch(rig, after(0)).events.size(), 4096U);

  v1::WatchEventsRequest strict = after(1, life);
  strict.set_fail_on_gap(true);
  const Watched refused = watch(rig, strict);
  EXPECT_TRUE(refused.events.empty());
  EXPECT_EQ(refused.end.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(refused.end.error_message(), HasSubstr("events 2 to "));
  strict.set_after_sequence(last - 4096);
  EXPECT_EQ(watch(rig, strict).events.size(), 4096U);
}

TEST(WatchEvents, AnotherLifeOfTheDaemonIsTold) {
  if (test::ran_in_own_process()) return;
  ApiRig rig;
  for (const auto& request : {after(1, "0123456789abcdef"), after(1'000'000)}) {
    const Watched watched = watch(rig, request);
    ASSERT_TRUE(watched.end.ok());
    EXPECT_EQ(watched.events.at(0).kind(), "resync");
    EXPECT_EQ(watched.events.at(0).sequence(), 0U);
    EXPECT_EQ(watched.events.at(0).revision(), 1U);
    EXPECT_THAT(watched.events.at(0).text(), HasSubstr("not known; the state is at revision 1"));
    // What there is of this one follows.
    EXPECT_EQ(watched.events.at(1).sequence(), 1U);
  }
}

TEST(WatchEvents, GoesOnFromARevision) {
  if (test::ran_in_own_process()) return;
  ApiRig rig;
  set_weight(rig, 7);
  set_weight(rig, 8);
  set_weight(rig, 9);
  v1::WatchEventsRequest request;
  const auto applied = [&](uint64_t revision) {
    request.set_after_revision(revision);
    std::vector<uint64_t> revisions;
    for (const v1::Event& event : watch(rig, request).events) {
      if (event.kind() == "resync") revisions.push_back(0);
      if (event.kind() == "applied") revisions.push_back(event.revision());
    }
    return revisions;
  };
  EXPECT_THAT(applied(2), testing::ElementsAre(3, 4));
  EXPECT_THAT(applied(4), testing::ElementsAre());
  // With the one that it started with nobody knows what happened before the start; and what is not yet is told as well.
  EXPECT_THAT(applied(1), testing::ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(applied(5), testing::ElementsAre(0, 1, 2, 3, 4));
  overflow(rig, 5000);
  EXPECT_THAT(applied(4), testing::ElementsAre(0));
}

TEST(WatchEvents, FromNowBeginsWithTheRevisionAndThePlace) {
  if (test::ran_in_own_process()) return;
  ApiRig rig;
  v1::WatchEventsRequest request;
  request.set_from_now(true);
  request.set_follow(true);
  request.set_fail_on_gap(true);
  bool is_begun = false;
  const Watched watched = watch(rig, request, [&](const v1::Event& event) {
    if (!std::exchange(is_begun, true)) set_weight(rig, 7);
    return event.kind() == "applied";
  });
  EXPECT_EQ(watched.events.at(0).kind(), "resync");
  EXPECT_EQ(watched.events.at(0).revision(), 1U);
  EXPECT_EQ(watched.events.at(1).sequence(), watched.events.at(0).sequence() + 1);
  EXPECT_EQ(watched.events.back().revision(), 2U);
}

TEST(WatchEvents, AReaderSlowerThanTheRingIsTold) {
  if (test::ran_in_own_process()) return;
  ApiRig rig;
  v1::WatchEventsRequest request;
  request.set_follow(true);
  uint64_t before = 0;
  bool resynced = false;
  bool is_whole = true;
  watch(rig, request, [&](const v1::Event& event) {
    // Far more than the connection takes while nobody reads.
    if (before == 0) overflow(rig, 200'000);
    if (event.kind() == "resync") resynced = true;
    else if (before != 0) is_whole &= event.sequence() == before + 1;
    before = event.sequence();
    return before == rig.rig.controller().events().last();
  });
  EXPECT_TRUE(resynced);
  EXPECT_TRUE(is_whole);
}

TEST(WatchEvents, RefusesTwoPlacesAndTooManyFollowers) {
  if (test::ran_in_own_process()) return;
  ApiRig rig;
  v1::WatchEventsRequest two = after(3);
  two.set_after_revision(1);
  EXPECT_EQ(watch(rig, two).end.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(watch(rig, after(1, std::string(33, 'x'))).end.error_code(), grpc::StatusCode::INVALID_ARGUMENT);

  v1::WatchEventsRequest request;
  request.set_follow(true);
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::Event>>> readers;
  v1::Event event;
  for (int i = 0; i < 64; ++i) {
    readers.push_back(rig.stub->WatchEvents(contexts.emplace_back(std::make_unique<grpc::ClientContext>()).get(), request));
    ASSERT_TRUE(readers.back()->Read(&event));
  }
  EXPECT_EQ(watch(rig, request).end.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(watch(rig, after(0)).end.ok());
  for (const auto& each : contexts) each->TryCancel();
  for (const auto& each : readers) each->Finish();
  EXPECT_TRUE(within(seconds(10), [&] {
    return watch(rig, request, [](const v1::Event&) { return true; }).end.error_code() == grpc::StatusCode::CANCELLED;
  }));
}

}  // namespace
}  // namespace shunt::control::rpc
