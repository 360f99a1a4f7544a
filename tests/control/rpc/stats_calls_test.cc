// The stream of figures as a client sees it. Each test in a process of its own.
#include <gmock/gmock.h>

#include <functional>

#include "config/duration.h"
#include "tests/control/rpc/api_rig.h"
#include "tests/support/own_process.h"

namespace shunt::control::rpc {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

struct Looked {
  std::vector<v1::Stats> messages;
  grpc::Status end;
};

Looked look(ApiRig& rig, const v1::WatchStatsRequest& request,
            const std::function<void(const v1::Stats&)>& seen = [](const v1::Stats&) {}) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + seconds(60));
  auto reader = rig.stub->WatchStats(&context, request);
  Looked looked;
  for (v1::Stats message; reader->Read(&message);) {
    looked.messages.push_back(message);
    seen(message);
  }
  looked.end = reader->Finish();
  return looked;
}

TEST(WatchStats, CountsWhatServicesAndRealsGet) {
  if (test::ran_in_own_process()) return;
  ApiRig rig;
  v1::WatchStatsRequest request;
  request.set_with_reals(true);
  request.set_count(2);
  const auto begun = std::chrono::steady_clock::now();
  const Looked looked = look(rig, request, [&](const v1::Stats& stats) {
    if (stats.services(0).traffic().connections() == 0) {
      EXPECT_NE(rig.rig.real_of(40000), "");
    }
  });
  ASSERT_TRUE(looked.end.ok()) << looked.end.error_message();
  EXPECT_GE(std::chrono::steady_clock::now() - begun, seconds(1));
  ASSERT_EQ(looked.messages.size(), 2U);
  const v1::ServiceStats& before = looked.messages[0].services(0);
  const v1::ServiceStats& after = looked.messages[1].services(0);
  EXPECT_EQ(before.name(), "dns");
  EXPECT_EQ(before.traffic().connections(), 0U);
  EXPECT_EQ(after.traffic().connections(), 1U);
  EXPECT_EQ(after.traffic().in_packets(), 1U);
  EXPECT_EQ(after.active_connections() + after.inactive_connections(), 1U);
  EXPECT_EQ(after.reals(), 2U);
  EXPECT_EQ(after.reals_up(), 2U);
  ASSERT_EQ(after.real_stats_size(), 2);
  EXPECT_EQ(after.real_stats(0).traffic().connections() + after.real_stats(1).traffic().connections(), 1U);
  EXPECT_EQ(after.real_stats(0).effective_weight(), 1U);
  EXPECT_TRUE(looked.messages[0].is_last() && looked.messages[1].is_last());
  EXPECT_EQ(looked.messages[0].life(), rig.get().position().life());
}

TEST(WatchStats, ManyServicesComeInPartsAndNamedOnesAlone) {
  if (test::ran_in_own_process()) return;
  ApiRig rig;
  v1::ApplyRequest apply;
  *apply.mutable_state() = rig.get().state();
  for (int i = 0; i < 450; ++i) {
    auto& service = *apply.mutable_state()->add_services();
    service.set_name("s" + std::to_string(1000 + i));
    service.set_protocol(v1::PROTOCOL_UDP);
    service.set_address("203.0." + std::to_string(i / 200) + "." + std::to_string(i % 200 + 1));
    service.set_port(53);
    service.set_scheduler(v1::SCHEDULER_RR);
  }
  v1::ApplyResponse response;
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::Apply, apply, response).ok());
  v1::WatchStatsRequest request;
  request.set_count(1);
  std::vector<std::string> names;
  const Looked all = look(rig, request, [&names](const v1::Stats& stats) {
    for (const auto& each : stats.services()) names.push_back(each.name());
  });
  EXPECT_EQ(all.messages.size(), 3U);
  EXPECT_EQ(names.size(), 451U);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_FALSE(all.messages[0].is_last());
  EXPECT_TRUE(all.messages[2].is_last());
  EXPECT_EQ(all.messages[0].time().SerializeAsString(), all.messages[2].time().SerializeAsString());
  EXPECT_EQ(all.messages[0].services(0).real_stats_size(), 0);

  request.add_services("s1001");
  request.add_services("dns");
  const Looked named = look(rig, request);
  ASSERT_EQ(named.messages.size(), 1U);
  ASSERT_EQ(named.messages[0].services_size(), 2);
  EXPECT_EQ(named.messages[0].services(1).name(), "s1001");
  request.add_services("nobody");
  EXPECT_EQ(look(rig, request).end.error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST(WatchStats, AServiceThatGoesIsLeftOut) {
  if (test::ran_in_own_process()) return;
  ApiRig rig;
  v1::WatchStatsRequest request;
  request.add_services("dns");
  request.set_count(2);
  std::vector<int> sizes;
  const Looked looked = look(rig, request, [&](const v1::Stats& stats) {
    sizes.push_back(stats.services_size());
    v1::ApplyResponse response;
    EXPECT_TRUE(rig.call(&v1::Shunt::Stub::Apply, v1::ApplyRequest(), response).ok());
  });
  EXPECT_TRUE(looked.end.ok());
  EXPECT_THAT(sizes, ElementsAre(1, 0));
}

TEST(WatchStats, RefusesWhatIsOutOfRange) {
  if (test::ran_in_own_process()) return;
  ApiRig rig;
  for (const int64_t ms : {0, 999, 3'600'001}) {
    v1::WatchStatsRequest request;
    *request.mutable_interval() = config::to_duration(ms);
    EXPECT_EQ(look(rig, request).end.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << ms;
  }
  v1::WatchStatsRequest request;
  for (int i = 0; i < 1001; ++i) request.add_services("s" + std::to_string(i));
  EXPECT_EQ(look(rig, request).end.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace shunt::control::rpc
