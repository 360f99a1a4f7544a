// What a controller reports; each test in a process of its own.
#include "control/controller.h"

#include <gmock/gmock.h>

#include "config/validate.h"
#include "tests/control/controller_rig.h"
#include "tests/support/own_process.h"

namespace shunt::control {
namespace {

using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;

TEST(ControllerReports, ConnectionsAreListedByWhatIsAskedFor) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig(2);
  Controller& controller = rig.start();
  for (uint16_t port = 8000; port < 8010; ++port) ASSERT_NE(rig.real_of(port), "");
  const auto listed = [&](const ConnectionFilter& filter) {
    std::vector<ConnectionReport> reports;
    const auto done = controller.connections(filter, [&](const ConnectionReport& each) {
      reports.push_back(each);
      return true;
    });
    EXPECT_TRUE(done) << done.error().message;
    return reports;
  };
  const auto all = listed({});
  ASSERT_EQ(all.size(), 10u);
  EXPECT_EQ(all[0].service, "dns");
  EXPECT_EQ(all[0].client.to_string(), "10.1.200.7");
  EXPECT_EQ(all[0].virtual_address.to_string(), "10.9.9.9");
  EXPECT_EQ(all[0].virtual_port, 53);
  EXPECT_EQ(all[0].protocol, Protocol::kUdp);
  EXPECT_EQ(all[0].in_packets, 1u);
  EXPECT_GT(all[0].expires_in.count(), 290000);
  std::set<uint16_t> ports;
  for (const auto& each : all) ports.insert(each.client_port);
  EXPECT_EQ(ports.size(), 10u);
  const auto first = listed({.real = "10.1.0.1:53"});
  EXPECT_EQ(first.size() + listed({.service = "dns", .real = "10.1.0.2:53"}).size(), 10u);
  for (const auto& each : first) EXPECT_EQ(each.real.to_string(), "10.1.0.1");
  EXPECT_EQ(listed({.limit = 3}).size(), 3u);
  EXPECT_EQ(listed({.client = "10.1.200.7"}).size(), 10u);
  EXPECT_TRUE(listed({.client = "10.1.200.8"}).empty());
  const auto ignore = [](const ConnectionReport&) { return true; };
  EXPECT_EQ(controller.connections({.service = "www"}, ignore).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(controller.connections({.real = "nobody"}, ignore).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(controller.connections({.client = "10.1"}, ignore).error().code, ErrorCode::kInvalid);
}

TEST(ControllerReports, AnIpv6ServiceForwardsBesideAnIpv4OneAndIsReportedSo) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  ASSERT_TRUE(controller.apply(both_families({real_at("2001:db8:1::2")}), 0, false));
  controller.on_kernel_view(ControllerRig::view({"10.1.0.1", "2001:db8:1::2"}));
  const auto next_hop6 = [&] { return controller.list_services({})->services.at(1).reals.at(0).next_hop; };
  ASSERT_TRUE(within(seconds(3), [&] { return next_hop6().starts_with("reachable"); })) << next_hop6();
  for (uint16_t port = 8100; port < 8103; ++port) EXPECT_EQ(rig.real6_of(port), "2001:db8:1::2");
  EXPECT_EQ(rig.real_of(8100), "10.1.0.1");

  std::vector<ConnectionReport> reports;
  const auto take = [&](const ConnectionReport& each) {
    reports.push_back(each);
    return true;
  };
  ASSERT_TRUE(controller.connections({.client = "2001:db8:1::c:7"}, take));
  ASSERT_EQ(reports.size(), 3u);
  EXPECT_EQ(reports[0].service, "dns6");
  EXPECT_EQ(reports[0].client.to_string(), "2001:db8:1::c:7");
  EXPECT_EQ(reports[0].virtual_address.to_string(), "2001:db8:9::9");
  EXPECT_EQ(reports[0].virtual_port, 53);
  EXPECT_EQ(reports[0].real.to_string(), "2001:db8:1::2");
  EXPECT_EQ(reports[0].in_packets, 1u);
  reports.clear();
  ASSERT_TRUE(controller.connections({}, take));
  EXPECT_EQ(reports.size(), 4u);

  EXPECT_TRUE(within(seconds(2), [&] { return controller.workers()->at(0).ipv6_connections == 3; }));
  EXPECT_EQ(controller.workers()->at(0).connections, 1u);
  EXPECT_EQ(controller.workers()->at(0).ipv6_connection_capacity, 2048u);
  EXPECT_EQ(controller.status()->ipv6_connections, 3u);
  EXPECT_EQ(controller.status()->ipv6_connection_capacity, 2048u);
}

TEST(ControllerReports, ServicesComeInPagesThatSurviveChanges) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  DesiredState state;
  for (const char* name : {"d", "a", "e", "c", "b"}) {
    state.services.push_back(service_at(name, "10.9.9." + std::to_string(int{name[0]}), {}));
  }
  ASSERT_TRUE(controller.apply(state, 0, false));
  const auto names = [](const ServicePage& page) {
    std::string all;
    for (const auto& each : page.services) all += each.name;
    return all;
  };
  auto page = *controller.list_services({.page_size = 2});
  EXPECT_EQ(names(page), "ab");
  // The one that the next page begins after goes away between.
  std::erase_if(state.services, [](const Service& each) { return each.name == "b"; });
  ASSERT_TRUE(controller.apply(state, 0, false));
  page = *controller.list_services({.page_size = 2, .after = page.next});
  EXPECT_EQ(names(page), "cd");
  page = *controller.list_services({.page_size = 2, .after = page.next});
  EXPECT_EQ(names(page), "e");
  EXPECT_EQ(page.next, "");
  EXPECT_EQ(names(*controller.list_services({})), "acde");
  EXPECT_EQ(names(*controller.list_services({.name = "d"})), "d");
  EXPECT_EQ(controller.list_services({.name = "z"}).error().code, ErrorCode::kNotFound);
}

TEST(ControllerReports, RatesWorkersPortsAndDropsAreMeasured) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  uint16_t port = 9000;
  EXPECT_TRUE(within(seconds(5), [&] {
    rig.real_of(port++);
    return controller.list_services({})->services[0].rates.in_packets > 0;
  }));
  EXPECT_GT(controller.list_services({})->services[0].rates.connections, 0);
  const auto workers = *controller.workers();
  ASSERT_EQ(workers.size(), 1u);
  EXPECT_GT(workers[0].busy_ratio, 0);
  EXPECT_GT(workers[0].cycles_per_packet, 0);
  EXPECT_GE(workers[0].packets_per_burst, 1);
  EXPECT_GT(workers[0].rx_packets, 0u);
  EXPECT_EQ(workers[0].connection_capacity, 4096u);
  EXPECT_GT(workers[0].snapshot, 0u);
  const auto ports = *controller.ports();
  ASSERT_EQ(ports.size(), 1u);
  EXPECT_EQ(ports[0].name, "p0");
  EXPECT_EQ(ports[0].kernel_port, "sh-p0");
  EXPECT_EQ(ports[0].mac, ControllerRig::kOurs);
  EXPECT_GT(ports[0].rx_packets, 0u);

  ASSERT_TRUE(controller.apply(state_with({real_at("10.1.0.1", 0)}), 0, false));
  rig.real_of(port);
  const auto drops = *controller.drops();
  const auto& name = [](const DropState& each) { return each.reason; };
  std::vector<std::string> reasons;
  for (const auto& each : drops) reasons.push_back(name(each));
  EXPECT_THAT(reasons, Contains("no_real"));
  EXPECT_TRUE(within(seconds(3), [&] {
    const auto problems = controller.status()->problems;
    return testing::Matches(Contains(HasSubstr("drops: no_real")))(problems);
  }));
  const auto status = *controller.status();
  EXPECT_EQ(status.workers, 1u);
  EXPECT_EQ(status.connection_capacity, 4096u);
  EXPECT_GT(status.connection_table_bytes, 0u);
  EXPECT_GT(status.connections, 0u);
  EXPECT_THAT(status.dpdk_version, testing::MatchesRegex("[0-9]+\\.[0-9.]+"));
  EXPECT_NE(status.hostname, "");
}

}  // namespace
}  // namespace shunt::control
