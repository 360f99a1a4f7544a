// explain over a running controller and dataplane: what it tells is what the next packet meets. Each test in a process
// of its own.
#include <gmock/gmock.h>

#include "tests/control/controller_rig.h"
#include "tests/support/own_process.h"

namespace shunt::control {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

ExplainQuery query_from(uint16_t client_port, const char* vip = "10.9.9.9", uint16_t port = 53) {
  return {Protocol::kUdp, *IpAddress::parse("10.1.200.7"), client_port, *IpAddress::parse(vip), port, ""};
}

ExplainReport explained(Controller& controller, const ExplainQuery& query) {
  auto report = controller.explain(query);
  EXPECT_TRUE(report) << report.error().message;
  return report ? *report : ExplainReport{};
}

const ExplainedReal& real_named(const ExplainReport& report, const std::string& name) {
  const auto found = std::find_if(report.reals.begin(), report.reals.end(),
                                  [&](const ExplainedReal& real) { return real.name == name; });
  EXPECT_NE(found, report.reals.end()) << name;
  return *found;
}

TEST(Explain, TellsTheRealThatTheNextDatagramArrivesAt) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  for (uint16_t port = 1000; port < 1010; ++port) {
    const ExplainReport report = explained(controller, query_from(port));
    ASSERT_EQ(report.workers.size(), 1u);
    EXPECT_TRUE(report.workers[0].handles);
    EXPECT_EQ(report.workers[0].chosen_by, "scheduler");
    EXPECT_EQ(explained(controller, query_from(port)).workers[0].real, report.workers[0].real)
        << "asking moves nothing";
    EXPECT_EQ(rig.real_of(port) + ":53", report.workers[0].real);
    const ExplainReport after = explained(controller, query_from(port));
    EXPECT_EQ(after.workers[0].chosen_by, "connection");
    ASSERT_TRUE(after.workers[0].connection);
    EXPECT_EQ(after.workers[0].connection->client_port, port);
    EXPECT_THAT(after.verdict, HasSubstr("a packet of a connection to real dns/" + report.workers[0].real));
  }
}

TEST(Explain, SaysHowTheServiceWasFoundAndWhoWasPassedOver) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Service wide = service_at("wide", "10.9.9.9", {real_at("10.1.0.3")});
  wide.port = wide.last_port = 0;
  rig.options.file.state.services.push_back(wide);
  Controller& controller = rig.start();
  const ExplainReport report = explained(controller, query_from(1000));
  ASSERT_TRUE(report.service);
  EXPECT_EQ(report.service->found_by, "port 53 of VIP 10.9.9.9");
  EXPECT_THAT(report.service->passed_over,
              ElementsAre("wide: all ports of VIP 10.9.9.9; the narrower range goes first"));
  EXPECT_EQ(report.ingress_port, "p0");
  EXPECT_TRUE(report.ingress_assumed);
  const ExplainReport other = explained(controller, query_from(1000, "10.9.9.9", 54));
  EXPECT_EQ(other.service->name, "wide");
  EXPECT_EQ(other.service->found_by, "all ports of VIP 10.9.9.9");
}

TEST(Explain, SaysThatAClientIsDeniedAndByWhichPrefix) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  rig.options.file.state.access_lists = {{"abusers", {*Prefix::parse("10.1.200.0/24")}}};
  rig.options.file.state.services[0].access = Access{{}, {}, {}, {"abusers"}, Refusal::kReset};
  Controller& controller = rig.start();
  const ExplainReport denied = explained(controller, query_from(1000));
  EXPECT_EQ(denied.verdict,
            "service dns does not take the client: denied by 10.1.200.0/24 of access list abusers; it is answered with ICMP "
            "administratively prohibited");
  EXPECT_EQ(denied.workers[0].drop_reason, "access_denied");
  EXPECT_THAT(denied.reals, IsEmpty());
  DesiredState other = rig.options.file.state;
  other.access_lists[0].prefixes = {*Prefix::parse("10.1.201.0/24")};
  ASSERT_TRUE(controller.apply(other, 0, false));
  const ExplainReport allowed = explained(controller, query_from(1000));
  EXPECT_EQ(allowed.service->access, "allowed: no prefix holds the client's address");
  EXPECT_EQ(allowed.workers[0].chosen_by, "scheduler") << "a list that changed is asked anew";
}

TEST(Explain, SaysHowTheRealIsToldItsClient) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  rig.options.file.state.local_addresses = {{"inside", {*IpAddress::parse("10.1.0.200")}, ""}};
  Service& service = rig.options.file.state.services[0];
  service.method = Method::kFullnat;
  service.local_addresses = "inside";
  service.client_address.kind = ClientAddressKind::kProxyV2;
  Controller& controller = rig.start();
  const ExplainReport report = explained(controller, query_from(1000));
  ASSERT_EQ(report.workers.size(), 1u);
  EXPECT_THAT(report.workers[0].rewrite, Contains("the real is told the client by proxy_v2"));
}

TEST(Explain, SaysWhyARealIsNotChosen) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Service& service = rig.options.file.state.services[0];
  service.reals = {real_at("10.1.0.1"), real_at("10.1.0.2"), real_at("10.1.0.3"), real_at("10.1.0.4", 0),
                   real_at("10.1.0.5")};
  service.reals[4].sorry = true;
  Controller& controller = rig.start();
  controller.on_health("dns", "10.1.0.1:53", Health::kDown, "connect: connection refused");
  ASSERT_TRUE(controller.drain("dns", "10.1.0.2:53", 0));
  const ExplainReport report = explained(controller, query_from(1000));
  EXPECT_EQ(real_named(report, "10.1.0.1:53").reason, "down: connect: connection refused");
  EXPECT_THAT(real_named(report, "10.1.0.2:53").reason, HasSubstr("drained (its weight was 1)"));
  EXPECT_TRUE(real_named(report, "10.1.0.3:53").chosen);
  EXPECT_THAT(real_named(report, "10.1.0.3:53").reason, HasSubstr("rr: it is next in turn"));
  EXPECT_EQ(real_named(report, "10.1.0.4:53").reason, "its weight is 0");
  EXPECT_THAT(real_named(report, "10.1.0.5:53").reason, HasSubstr("sorry"));
  // Nobody is left but who says sorry.
  ASSERT_TRUE(controller.drain("dns", "10.1.0.3:53", 0));
  const ExplainReport sorry = explained(controller, query_from(1000));
  EXPECT_EQ(sorry.workers[0].real, "10.1.0.5:53");
  EXPECT_EQ(sorry.workers[0].chosen_by, "sorry");
}

TEST(Explain, SaysWhenARealIsOverloaded) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Service& service = rig.options.file.state.services[0];
  service.reals[0].upper_threshold = 2;
  Controller& controller = rig.start();
  for (uint16_t port = 1000; port < 1006; ++port) rig.real_of(port);
  const ExplainReport report = explained(controller, query_from(2000));
  EXPECT_EQ(real_named(report, "10.1.0.1:53").reason,
            "overloaded: 2 connections, upper_threshold 2; it takes new ones again below three quarters of that");
  EXPECT_TRUE(real_named(report, "10.1.0.2:53").chosen);
}

TEST(Explain, TellsWhereTheNextHopIsMissing) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  rig.options.file.state.services[0].reals = {real_at("10.1.0.77"), real_at("172.16.0.1")};
  auto started = Controller::start(rig.dataplane(), rig.options);
  ASSERT_TRUE(started);
  (*started)->on_kernel_view(ControllerRig::view({}));
  const auto has = [&](const std::string& reason) {
    return within(std::chrono::seconds(3), [&] {
      const ExplainReport report = explained(**started, query_from(1000));
      return report.workers[0].drop_reason == reason;
    });
  };
  ASSERT_TRUE((*started)->set_weight("dns", "10.1.0.77:53", 0, 0));
  EXPECT_TRUE(has("no_route"));
  ASSERT_TRUE((*started)->set_weight("dns", "10.1.0.77:53", 1, 0));
  ASSERT_TRUE((*started)->set_weight("dns", "172.16.0.1:53", 0, 0));
  EXPECT_TRUE(has("no_neighbour"));
  const ExplainReport report = explained(**started, query_from(1000));
  EXPECT_THAT(report.verdict, HasSubstr("the MAC address of 10.1.0.77 is asked for on port p0"));
  EXPECT_EQ(real_named(report, "10.1.0.77:53").next_hop.state, ExplainedNextHop::State::kUnresolved);
  EXPECT_EQ(real_named(report, "172.16.0.1:53").next_hop.state, ExplainedNextHop::State::kNoRoute);
}

TEST(Explain, OfWhatIsForNoServiceItSaysWhatTheAddressIs) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  EXPECT_THAT(explained(controller, query_from(1000, "10.9.9.9", 54)).verdict,
              HasSubstr("10.9.9.9 is a VIP, but no service has udp port 54 of it"));
  EXPECT_THAT(explained(controller, query_from(1000, "10.1.0.254")).verdict, HasSubstr("this machine's own"));
  EXPECT_THAT(explained(controller, query_from(1000, "192.0.2.1")).verdict, HasSubstr("of no service"));
  ExplainQuery lost = query_from(1000);
  lost.ingress_port = "p9";
  const auto refused = controller.explain(lost);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
}

TEST(Explain, OfSeveralWorkersItNamesTheOneThatNatsClientNames) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig(3);
  Controller& controller = rig.start();
  for (uint16_t port = 1000; port < 1012; ++port) {
    const ExplainReport report = explained(controller, query_from(port));
    ASSERT_EQ(report.workers.size(), 3u);
    const auto handling = std::count_if(report.workers.begin(), report.workers.end(),
                                        [](const ExplainedWorker& worker) { return worker.handles; });
    EXPECT_EQ(handling, 1);
    const auto worker = std::find_if(report.workers.begin(), report.workers.end(),
                                     [](const ExplainedWorker& each) { return each.handles; });
    EXPECT_EQ(rig.real_of(port) + ":53", worker->real);
    EXPECT_EQ(explained(controller, query_from(port)).workers[worker->worker].chosen_by, "connection");
  }
}

}  // namespace
}  // namespace shunt::control
