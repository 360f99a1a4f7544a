// The controller over a running dataplane, each test in a process of its own.
#include "control/controller.h"

#include <gmock/gmock.h>

#include <atomic>
#include <set>

#include "config/validate.h"
#include "tests/control/controller_rig.h"
#include "tests/support/own_process.h"

namespace shunt::control {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Controller, ApplyTellsWhatChangesAndNothingElseDoes) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  const DesiredState next = state_with({real_at("10.1.0.1", 3), real_at("10.1.0.3")});

  const auto tried = controller.apply(next, 1, true);
  ASSERT_TRUE(tried);
  EXPECT_EQ(tried->revision, 1u);
  EXPECT_EQ(tried->changes.size(), 3u);
  EXPECT_EQ(controller.get()->state, rig.options.file.state);

  const auto applied = controller.apply(next, 1, false);
  ASSERT_TRUE(applied);
  EXPECT_EQ(applied->revision, 2u);
  EXPECT_EQ(applied->changes, tried->changes);
  EXPECT_EQ(controller.get()->state, next);

  const auto again = controller.apply(next, 0, false);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->revision, 2u);
  EXPECT_THAT(again->changes, IsEmpty());

  const auto late = controller.apply(rig.options.file.state, 1, false);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kConflict);
  EXPECT_THAT(late.error().message, HasSubstr("the current one is 2"));
  EXPECT_EQ(controller.get()->state, next);
}

TEST(Controller, AStateThatDoesNotFitChangesNothing) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  DesiredState mixed = state_with({real_at("10.1.0.1"), real_at("10.1.0.2")});
  mixed.services.push_back(service_at("six", "2001:db8::1", {real_at("10.1.0.3")}));
  const auto refused = controller.apply(mixed, 0, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(controller.get()->revision, 1u);
}

TEST(Controller, ApplyReturnsWhenWorkersForwardByIt) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  for (uint16_t round = 0; round < 20; ++round) {
    const std::string only = round % 2 == 0 ? "10.1.0.3" : "10.1.0.1";
    ASSERT_TRUE(controller.apply(state_with({real_at(only)}), 0, false));
    ASSERT_EQ(rig.real_of(static_cast<uint16_t>(3000 + round)), only);
  }
}

TEST(Controller, EverySchedulerTakesOverAtRunTime) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  using enum SchedulerKind;
  uint16_t client_port = 3000;
  for (const SchedulerKind scheduler : {kRr, kWrr, kLc, kWlc, kMh, kSed, kNq, kSh, kDh, kFo, kOvf, kTwos, kConhash}) {
    DesiredState state = state_with({real_at("10.1.0.1", 10), real_at("10.1.0.2", 10)});
    state.services[0].scheduler = scheduler;
    ASSERT_TRUE(controller.apply(state, 0, false));
    EXPECT_THAT(rig.real_of(client_port++), AnyOf("10.1.0.1", "10.1.0.2")) << name_of(scheduler);
    EXPECT_EQ(controller.list_services({})->services.at(0).scheduler, scheduler);
  }
}

TEST(Controller, SchedulerFlagsChangeAtRunTime) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  DesiredState state = state_with({real_at("10.1.0.1"), real_at("10.1.0.2")});
  Service& dns = state.services[0];
  uint16_t client_port = 3000;
  const auto reals_of_a_client = [&] {
    std::set<std::string> reals;
    for (int i = 0; i < 10; ++i) reals.insert(rig.real_of(client_port++));
    return reals;
  };
  for (const SchedulerKind scheduler : {SchedulerKind::kSh, SchedulerKind::kMh}) {
    dns.scheduler = scheduler;
    dns.scheduler_flags = {.port = false, .fallback = true};
    ASSERT_TRUE(controller.apply(state, 0, false));
    const auto by_address = reals_of_a_client();
    ASSERT_EQ(by_address.size(), 1u);
    dns.scheduler_flags.port = true;
    ASSERT_TRUE(controller.apply(state, 0, false));
    EXPECT_EQ(reals_of_a_client(), (std::set<std::string>{"10.1.0.1", "10.1.0.2"}));

    dns.scheduler_flags.port = false;
    ASSERT_TRUE(controller.apply(state, 0, false));
    const std::string own = *by_address.begin();
    ASSERT_TRUE(controller.drain("dns", own + ":53", 0));
    EXPECT_EQ(rig.real_of(client_port++), own == "10.1.0.1" ? "10.1.0.2" : "10.1.0.1");
    DesiredState drained = controller.get()->state;
    drained.services[0].scheduler_flags.fallback = false;
    ASSERT_TRUE(controller.apply(drained, 0, false));
    EXPECT_EQ(rig.real_of(client_port++), "");
    ASSERT_TRUE(controller.clear_override("dns", own + ":53", 0));
  }
}

// wrr keeps what it found out about the weights; rr's turn in between must not make it believe that it still holds.
TEST(Controller, AWeightThatFellUnderAnotherSchedulerIsSeen) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  const auto real_under = [&](SchedulerKind scheduler, uint32_t weight, uint16_t client_port) {
    DesiredState state = state_with({real_at("10.1.0.1", weight)});
    state.services[0].scheduler = scheduler;
    EXPECT_TRUE(controller.apply(state, 0, false));
    return rig.real_of(client_port);
  };
  EXPECT_EQ(real_under(SchedulerKind::kWrr, 1, 3000), "10.1.0.1");
  EXPECT_EQ(real_under(SchedulerKind::kRr, 0, 3001), "");
  EXPECT_EQ(real_under(SchedulerKind::kWrr, 0, 3002), "");
  EXPECT_EQ(real_under(SchedulerKind::kWrr, 1, 3003), "10.1.0.1");
}

// Services that are found otherwise than by one port; their reals keep the packets' ports.
TEST(Controller, OverridesOfRangesAndMatchesComeBack) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  rig.options.codec.decode = [](const std::string& bytes) -> Result<DesiredState> {
    v1::DesiredState state;
    if (!state.ParseFromString(bytes)) return Error{ErrorCode::kInvalid, "no desired state"};
    const auto problems = config::validate_desired_state(state);
    if (!problems.empty()) return Error{ErrorCode::kInvalid, to_string(problems.front(), "")};
    return config::to_desired_state(state);
  };
  Real real = real_at("10.1.0.3");
  real.port = 0;
  real.name = "10.1.0.3:0";
  Service range = service_at("range", "10.9.9.10", {real});
  range.protocol = Protocol::kTcp;
  range.port = 1000;
  range.last_port = 1999;
  range.health_check.port = 80;
  Service match = service_at("match", "0.0.0.0", {real});
  match.address = {};
  match.port = 0;
  match.match.emplace();
  match.match->vips = {*Prefix::parse("10.9.10.0/24")};
  match.match->ingress_port = "p0";
  match.health_check.enabled = false;
  rig.options.file.state.services.insert(rig.options.file.state.services.end(), {range, match});
  ASSERT_TRUE(rig.start().set_weight("range", "10.1.0.3:0", 6, 0));
  ASSERT_TRUE(rig.controller().set_weight("range", "10.1.0.3:0", 7, 0));
  ASSERT_TRUE(rig.controller().drain("match", "10.1.0.3:0", 0));
  const auto restored = rig.start().get();
  EXPECT_EQ(restored->revision, 4u);
  const auto page = rig.controller().list_services({});
  EXPECT_EQ(page->services.at(2).reals.at(0).weight, 7u);
  EXPECT_TRUE(page->services.at(1).reals.at(0).draining);
  EXPECT_EQ(restored->state.services.at(2).match, match.match);
}

TEST(Controller, TheOrderOfMatchesMayChangeAlone) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  const auto matching = [](const std::string& name, const std::string& vips, const std::string& real) {
    Service service = service_at(name, "0.0.0.0", {real_at(real)});
    service.address = {};
    service.port = 0;
    service.match.emplace();
    service.match->vips = {*Prefix::parse(vips)};
    service.health_check.enabled = false;
    return service;
  };
  auto& services = rig.options.file.state.services;
  services.push_back(matching("a", "10.9.10.0/24", "10.1.0.1"));
  services.push_back(matching("b", "10.9.10.64/26", "10.1.0.2"));
  Controller& controller = rig.start();
  const IpAddress client = *IpAddress::parse("10.1.200.7");
  const IpAddress vip = *IpAddress::parse("10.9.10.77");
  EXPECT_EQ(rig.real_of(2000, client, vip), "10.1.0.1");
  DesiredState other = rig.options.file.state;
  std::swap(other.services[1], other.services[2]);
  const auto outcome = controller.apply(other, 0, false);
  ASSERT_TRUE(outcome);
  ASSERT_EQ(outcome->changes.size(), 1u);
  EXPECT_EQ(rig.real_of(2001, client, vip), "10.1.0.2");
  EXPECT_EQ(rig.real_of(2000, client, vip), "10.1.0.1") << "a connection from before";
}

TEST(Controller, ConnectionsOfARemovedRealGoOnUntilTheyEnd) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  ASSERT_TRUE(controller.apply(state_with({real_at("10.1.0.1")}), 0, false));
  ASSERT_EQ(rig.real_of(4000), "10.1.0.1");
  ASSERT_TRUE(controller.apply(state_with({real_at("10.1.0.2")}), 0, false));
  EXPECT_EQ(rig.real_of(4000), "10.1.0.1");
  EXPECT_EQ(rig.real_of(4001), "10.1.0.2");

  auto service = controller.list_services({})->services.at(0);
  ASSERT_EQ(service.reals.size(), 2u);
  EXPECT_TRUE(service.reals[1].removed);
  EXPECT_EQ(service.reals[1].name, "10.1.0.1:53");
  EXPECT_EQ(service.reals[1].active_connections + service.reals[1].inactive_connections, 1u);
  EXPECT_EQ(service.active_connections + service.inactive_connections, 2u);
  EXPECT_EQ(service.reals[1].traffic.in_packets, 2u);
  EXPECT_EQ(service.traffic.connections, 2u);

  rig.flush();
  EXPECT_TRUE(rig.sees_event("real_freed real 10.1.0.1:53"));
  service = controller.list_services({})->services.at(0);
  EXPECT_EQ(service.reals.size(), 1u);
  EXPECT_EQ(service.traffic.connections, 2u) << "the service keeps its freed real's traffic";
  EXPECT_EQ(service.traffic.in_packets, 3u);

  // Whoever gets the slot starts at zero.
  ASSERT_TRUE(controller.apply(state_with({real_at("10.1.0.2"), real_at("10.1.0.3")}), 0, false));
  EXPECT_EQ(rig.real(1).traffic, Traffic{});
}

TEST(Controller, WithExpireNodestConnConnectionsOfARemovedRealEnd) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  const auto only = [](const char* address, bool expire) {
    DesiredState state = state_with({real_at(address)});
    state.sysctls.expire_nodest_conn = expire;
    return state;
  };
  ASSERT_TRUE(controller.apply(only("10.1.0.1", true), 0, false));
  ASSERT_EQ(rig.real_of(4000), "10.1.0.1");
  ASSERT_TRUE(controller.apply(only("10.1.0.2", true), 0, false));
  EXPECT_TRUE(rig.sees_event("real_freed real 10.1.0.1:53"));
  EXPECT_EQ(rig.real_of(4000), "10.1.0.2") << "scheduled anew";
  // Those of reals that were removed before it was set end, too.
  ASSERT_TRUE(controller.apply(only("10.1.0.3", false), 0, false));
  EXPECT_EQ(rig.real_of(4000), "10.1.0.2");
  const auto outcome = controller.apply(only("10.1.0.3", true), 0, false);
  ASSERT_TRUE(outcome);
  EXPECT_THAT(outcome->changes.at(0).details, ElementsAre("expire_nodest_conn: no -> yes"));
  EXPECT_TRUE(rig.sees_event("real_freed real 10.1.0.2:53"));
  EXPECT_EQ(rig.real_of(4000), "10.1.0.3");
}

TEST(Controller, ADrainedRealFinishesWhatItHasAndComesBack) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  ASSERT_TRUE(controller.apply(state_with({real_at("10.1.0.1", 5)}), 0, false));
  ASSERT_EQ(rig.real_of(5000), "10.1.0.1");
  ASSERT_TRUE(controller.apply(state_with({real_at("10.1.0.1", 5), real_at("10.1.0.2")}), 0, false));
  const auto drained = controller.drain("dns", "10.1.0.1:53", 0);
  ASSERT_TRUE(drained) << drained.error().message;
  EXPECT_THAT(drained->changes.at(0).details, ElementsAre("weight: 5 -> 0", "draining: no -> yes"));
  for (uint16_t port = 5100; port < 5105; ++port) EXPECT_EQ(rig.real_of(port), "10.1.0.2");
  EXPECT_EQ(rig.real_of(5000), "10.1.0.1");
  EXPECT_TRUE(rig.real(0).draining);
  EXPECT_EQ(rig.real(0).effective_weight, 0u);
  EXPECT_TRUE(rig.sees_event("drain_started real dns/10.1.0.1:53"));
  EXPECT_THAT(rig.events(), Not(Contains("drain_ended real dns/10.1.0.1:53")));
  rig.flush();
  EXPECT_TRUE(rig.sees_event("drain_ended real dns/10.1.0.1:53"));

  // Draining twice is no change; the drain outlives a restart.
  EXPECT_THAT(controller.drain("dns", "10.1.0.1:53", 0)->changes, IsEmpty());
  Controller& restarted = rig.start();
  EXPECT_TRUE(rig.real(0).draining);
  const auto undone = restarted.undo_drain("dns", "10.1.0.1:53", 0);
  ASSERT_TRUE(undone) << undone.error().message;
  EXPECT_EQ(rig.real(0).weight, 5u);
  EXPECT_FALSE(rig.real(0).draining);
  EXPECT_EQ(restarted.undo_drain("dns", "10.1.0.1:53", 0).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(restarted.drain("dns", "nobody", 0).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(restarted.set_weight("dns", "10.1.0.1:53", 70000, 0).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(restarted.set_weight("dns", "10.1.0.1:53", 7, 99).error().code, ErrorCode::kConflict);
}

TEST(Controller, ADownRealIsMaskedUntilItIsUp) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  controller.on_health("dns", "10.1.0.1:53", Health::kDown, "connect: connection refused");
  ASSERT_TRUE(rig.sees_event("real_down real dns/10.1.0.1:53"));
  uint16_t next = 6000;
  const auto next_two = [&] {
    const std::string first = rig.real_of(next++);
    return first + " " + rig.real_of(next++);
  };
  ASSERT_TRUE(within(seconds(2), [&] { return next_two() == "10.1.0.2 10.1.0.2"; }));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(rig.real_of(next++), "10.1.0.2");
  EXPECT_EQ(rig.real(0).health, Health::kDown);
  EXPECT_EQ(rig.real(0).effective_weight, 0u);
  EXPECT_EQ(rig.real(0).weight, 1u);
  EXPECT_EQ(rig.real(0).last_check, "connect: connection refused");
  auto status = *controller.status();
  EXPECT_EQ(status.reals, 2u);
  EXPECT_EQ(status.reals_up, 1u);
  EXPECT_THAT(status.problems, Contains(AllOf(HasSubstr("real dns/10.1.0.1:53"), HasSubstr("refused"))));
  EXPECT_THAT(status.problems, Not(Contains(HasSubstr("no real left"))));
  controller.on_health("dns", "10.1.0.2:53", Health::kDown, "connect: timed out");
  EXPECT_THAT(controller.status()->problems, Contains(HasSubstr("service dns: no real left")));

  controller.on_health("dns", "10.1.0.1:53", Health::kUp, "connect: ok");
  ASSERT_TRUE(rig.sees_event("real_up real dns/10.1.0.1:53"));
  EXPECT_TRUE(within(seconds(2), [&] { return next_two().find("10.1.0.1") != std::string::npos; }));
  // Of reals that are not there, nothing is told.
  const auto before = controller.events().last();
  controller.on_health("dns", "10.1.0.77:53", Health::kDown, "");
  controller.on_health("www", "10.1.0.1:53", Health::kDown, "");
  ASSERT_TRUE(controller.get());
  EXPECT_EQ(controller.events().last(), before);
}

TEST(Controller, CallersOfAllThreadsGetAnAnswerAlsoWhileItStops) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig(2);
  Controller& controller = rig.start();
  std::atomic<uint64_t> last_revision{0};
  std::atomic<int> unavailable{0};
  {
    std::vector<std::jthread> callers;
    for (uint32_t caller = 0; caller < 6; ++caller) {
      callers.emplace_back([&, caller] {
        for (uint32_t i = 1;; ++i) {
          const auto outcome = caller % 2 == 0 ? controller.set_weight("dns", "10.1.0.1:53", 1 + (caller + i * 7) % 60000, 0)
                                               : controller.drain("dns", "10.1.0.2:53", 0);
          if (!outcome) {
            EXPECT_EQ(outcome.error().code, ErrorCode::kUnavailable);
            ++unavailable;
            return;
          }
          uint64_t seen = last_revision;
          while (seen < outcome->revision && !last_revision.compare_exchange_weak(seen, outcome->revision)) {
          }
        }
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    controller.stop();
  }
  EXPECT_EQ(unavailable, 6);
  EXPECT_GT(last_revision, 10u);
  EXPECT_FALSE(controller.get());
  EXPECT_TRUE(controller.events().closed());
  // What was answered for is what a restart finds.
  EXPECT_GE(rig.start().get()->revision, last_revision.load());
}

}  // namespace
}  // namespace shunt::control
