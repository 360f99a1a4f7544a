#include "control/kernel/mirror.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "control/kernel/tap.h"
#include "tests/control/kernel/tap_frames.h"
#include "tests/support/own_network.h"

namespace shunt::control {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

IpAddress address(const char* text) { return *IpAddress::parse(text); }
Prefix prefix(const char* text) { return *Prefix::parse(text); }

class MirrorTest : public shunt::test::OwnNetwork {
 protected:
  static constexpr uint16_t kPort = 3;

  void SetUp() override {
    OwnNetwork::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    make_tap("sh-m0");
  }

  void make_tap(const std::string& name) {
    auto tap = Tap::create({name,
                            *MacAddress::parse("02:00:00:00:00:aa"),
                            1500,
                            {*InterfaceAddress::parse("10.0.0.1/24")}});
    ASSERT_TRUE(tap) << tap.error().message;
    taps_.push_back(std::move(*tap));
    // Its own changes would make the mirror read anew when nothing else did.
    set_ipv6(false);
  }

  // A foreign interface that is up and has a carrier.
  void add_veth(const std::string& name) {
    ip("link add " + name + " type veth peer name peer");
    ip("link set peer up");
    ip("link set " + name + " up");
  }

  void start_mirror(MirrorOptions options = {}) {
    auto mirror = Mirror::start(
        loop_, {{kPort, "sh-m0"}, {kPort + 1, "sh-m1"}},
        [this](const KernelView& view) {
          view_ = view;
          ++views_;
        },
        options);
    ASSERT_TRUE(mirror) << mirror.error().message;
    mirror_ = std::move(*mirror);
    ASSERT_TRUE(run_until([&] { return views_ > 0; }));
  }

  void run_for(std::chrono::milliseconds time) {
    loop_.restart();
    loop_.run_for(time);
  }

  // Runs the loop until `done`; false after two seconds.
  bool run_until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + 2s;
    while (!done() && std::chrono::steady_clock::now() < end) loop_.run_for(5ms);
    return done();
  }

  std::vector<KernelRoute> routes_to(const char* destination) const {
    std::vector<KernelRoute> found;
    for (const KernelRoute& route : view_.routes)
      if (route.prefix == prefix(destination)) found.push_back(route);
    return found;
  }
  const MacAddress* mac_of(const char* neighbour) const {
    for (const KernelNeighbour& each : view_.neighbours)
      if (each.address == address(neighbour)) return &each.mac;
    return nullptr;
  }
  std::string mac_text(const char* neighbour) const {
    const MacAddress* mac = mac_of(neighbour);
    return mac ? mac->to_string() : "none";
  }

  asio::io_context loop_;
  std::vector<Tap> taps_;
  KernelView view_;
  int views_ = 0;
  std::unique_ptr<Mirror> mirror_;
};

TEST_F(MirrorTest, FirstViewHasLinkAddressRouteAndNeighbour) {
  ip("neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev sh-m0");
  ip("neigh add 10.0.0.10 lladdr 02:00:00:00:00:10 dev sh-m0 nud stale");
  start_mirror();
  ASSERT_EQ(view_.links.size(), 1u);
  EXPECT_EQ(view_.links[0].port, kPort);
  EXPECT_TRUE(view_.links[0].up);
  EXPECT_EQ(view_.links[0].mtu, 1500);
  EXPECT_THAT(view_.links[0].addresses,
              ::testing::Contains(*InterfaceAddress::parse("10.0.0.1/24")));
  const KernelRoute connected{prefix("10.0.0.0/24"), kPort, std::nullopt, 0, address("10.0.0.1")};
  EXPECT_THAT(routes_to("10.0.0.0/24"), ElementsAre(connected));
  EXPECT_THAT(view_.neighbours,
              ElementsAre(KernelNeighbour{kPort, address("10.0.0.9"), *MacAddress::parse("02:00:00:00:00:09"), true},
                          KernelNeighbour{kPort, address("10.0.0.10"), *MacAddress::parse("02:00:00:00:00:10"), false}));
}

TEST_F(MirrorTest, OtherInterfacesAndTablesStayOut) {
  add_veth("other");
  ip("addr add 10.7.0.1/24 dev other");
  ip("neigh add 10.7.0.9 lladdr 02:00:00:00:00:09 dev other");
  ip("route add 10.8.0.0/16 via 10.0.0.2 table 77");
  ip("route add blackhole 10.9.0.0/16");
  start_mirror();
  EXPECT_EQ(view_.links.size(), 1u);
  EXPECT_THAT(view_.neighbours, IsEmpty());
  for (const KernelRoute& route : view_.routes) {
    EXPECT_EQ(route.port, kPort);
    EXPECT_THAT(route.prefix.to_string(), ::testing::AnyOf("10.0.0.0/24", "fe80::/64"));
  }
}

TEST_F(MirrorTest, RoutesComeAndGoWithMetricGatewayAndSource) {
  start_mirror();
  ip("route add default via 10.0.0.254 metric 50 src 10.0.0.1");
  ASSERT_TRUE(run_until([&] { return routes_to("0.0.0.0/0").size() == 1; }));
  EXPECT_EQ(
      routes_to("0.0.0.0/0")[0],
      (KernelRoute{prefix("0.0.0.0/0"), kPort, address("10.0.0.254"), 50, address("10.0.0.1")}));
  ip("route add default via 10.0.0.253 metric 20");
  ASSERT_TRUE(run_until([&] { return routes_to("0.0.0.0/0").size() == 2; }));
  EXPECT_EQ(routes_to("0.0.0.0/0")[0].gateway, address("10.0.0.253"));
  ip("route del default metric 20");
  ip("route del default metric 50");
  EXPECT_TRUE(run_until([&] { return routes_to("0.0.0.0/0").empty(); }));
}

TEST_F(MirrorTest, Ipv6RoutesComeWithTheirGateway) {
  set_ipv6(true);
  start_mirror();
  ip("-6 route add 2001:db8:1::/48 via fe80::1 dev sh-m0");
  ASSERT_TRUE(run_until([&] { return !routes_to("2001:db8:1::/48").empty(); }));
  EXPECT_EQ(routes_to("2001:db8:1::/48")[0].gateway, address("fe80::1"));
}

TEST_F(MirrorTest, Ipv6HasItsLinkAddressesRoutesAndNeighbours) {
  set_ipv6(true);
  ip("addr add 2001:db8::1/64 dev sh-m0 nodad");
  ip("neigh add 2001:db8::9 lladdr 02:00:00:00:00:09 dev sh-m0");
  start_mirror();
  ASSERT_EQ(view_.links.size(), 1u);
  EXPECT_THAT(view_.links[0].addresses,
              ::testing::IsSupersetOf({*InterfaceAddress::parse("10.0.0.1/24"),
                                       *InterfaceAddress::parse("2001:db8::1/64"),
                                       *InterfaceAddress::parse("fe80::ff:fe00:aa/64")}));
  ASSERT_EQ(routes_to("2001:db8::/64").size(), 1u);
  EXPECT_EQ(routes_to("2001:db8::/64")[0].gateway, std::nullopt);
  EXPECT_EQ(mac_text("2001:db8::9"), "02:00:00:00:00:09");

  // And what comes and goes later.
  ip("addr add 2001:db8:5::1/64 dev sh-m0 nodad");
  ip("neigh add fe80::7 lladdr 02:00:00:00:00:07 dev sh-m0");
  EXPECT_TRUE(run_until([&] { return routes_to("2001:db8:5::/64").size() == 1; }));
  EXPECT_TRUE(run_until([&] { return mac_text("fe80::7") == "02:00:00:00:00:07"; }));
  ip("addr del 2001:db8:5::1/64 dev sh-m0");
  ip("neigh del fe80::7 dev sh-m0");
  EXPECT_TRUE(run_until([&] { return routes_to("2001:db8:5::/64").empty(); }));
  EXPECT_TRUE(run_until([&] { return mac_of("fe80::7") == nullptr; }));
}

TEST_F(MirrorTest, Ipv6RoutesThatLeadNowhereStayOut) {
  set_ipv6(true);
  ip("addr add 2001:db8::1/64 dev sh-m0 nodad");
  ip("-6 route add unreachable 2001:db8:7::/48");
  ip("-6 route add 2001:db8:8::/48 via 2001:db8::2 dev sh-m0 table 77");
  ip("-6 route add 2001:db8:9::/48 via 2001:db8::2 dev sh-m0");
  start_mirror();
  std::vector<std::string> found;
  for (const KernelRoute& route : view_.routes)
    if (!route.prefix.address.is_v4()) found.push_back(route.prefix.to_string());
  // Neither the addresses themselves (table local) nor ff00::/8.
  EXPECT_THAT(found, ElementsAre("2001:db8::/64", "2001:db8:9::/48", "fe80::/64"));
}

TEST_F(MirrorTest, ADefaultRouteByRouterAdvertisementIsThere) {
  set_ipv6(true);
  start_mirror();
  const MacAddress router = *MacAddress::parse("02:00:00:00:00:bb");
  // Hop limit 64, no flags, a lifetime of 30 minutes, no times; the router's MAC address.
  std::vector<uint8_t> advertisement = {134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1};
  advertisement.insert(advertisement.end(), router.bytes.begin(), router.bytes.end());
  const shunt::test::Frame frame =
      shunt::test::icmp6_frame(router, address("fe80::bb"), *MacAddress::parse("33:33:00:00:00:01"),
                               address("ff02::1"), advertisement);
  ASSERT_EQ(::write(taps_[0].fd(), frame.data(), frame.size()), static_cast<ssize_t>(frame.size()));
  ASSERT_TRUE(run_until([&] { return !routes_to("::/0").empty(); }));
  EXPECT_EQ(routes_to("::/0")[0].gateway, address("fe80::bb"));
  EXPECT_TRUE(run_until([&] { return mac_text("fe80::bb") == "02:00:00:00:00:bb"; }));
}

TEST_F(MirrorTest, EveryHopOfAnIpv6MultipathRouteIsARoute) {
  set_ipv6(true);
  start_mirror();
  ip("-6 route add 2001:db8:5::/48 nexthop via fe80::2 dev sh-m0 nexthop via fe80::3 dev sh-m0");
  ASSERT_TRUE(run_until([&] { return routes_to("2001:db8:5::/48").size() == 2; }));
  EXPECT_EQ(routes_to("2001:db8:5::/48")[0].gateway, address("fe80::2"));
  EXPECT_EQ(routes_to("2001:db8:5::/48")[1].gateway, address("fe80::3"));
}

TEST_F(MirrorTest, EveryHopOfAMultipathRouteIsARoute) {
  start_mirror();
  ip("route add 10.5.0.0/16 nexthop via 10.0.0.2 nexthop via 10.0.0.3");
  ASSERT_TRUE(run_until([&] { return routes_to("10.5.0.0/16").size() == 2; }));
  EXPECT_EQ(routes_to("10.5.0.0/16")[0].gateway, address("10.0.0.2"));
  EXPECT_EQ(routes_to("10.5.0.0/16")[1].gateway, address("10.0.0.3"));
}

TEST_F(MirrorTest, AnIpv4RouteMayHaveAnIpv6Gateway) {
  set_ipv6(true);
  start_mirror();
  ip("route add 10.6.0.0/16 via inet6 fe80::7 dev sh-m0");
  ASSERT_TRUE(run_until([&] { return !routes_to("10.6.0.0/16").empty(); }));
  EXPECT_EQ(routes_to("10.6.0.0/16")[0].gateway, address("fe80::7"));
}

TEST_F(MirrorTest, AReplacedRouteIsGoneEvenWhenItsSuccessorIsElsewhere) {
  add_veth("other");
  start_mirror();
  ip("route add 10.5.0.0/16 via 10.0.0.2");
  ASSERT_TRUE(run_until([&] { return !routes_to("10.5.0.0/16").empty(); }));
  ip("route replace 10.5.0.0/16 via 10.0.0.3");
  ASSERT_TRUE(run_until([&] {
    return routes_to("10.5.0.0/16").size() == 1 &&
           routes_to("10.5.0.0/16")[0].gateway == address("10.0.0.3");
  }));
  ip("route replace 10.5.0.0/16 dev other");
  EXPECT_TRUE(run_until([&] { return routes_to("10.5.0.0/16").empty(); }));
}

TEST_F(MirrorTest, RoutesThatLinuxDropsSilentlyGoToo) {
  ip("addr add 10.0.0.77/32 dev lo");
  start_mirror();
  ip("route add 10.5.0.0/16 via 10.0.0.2 src 10.0.0.77");
  ip("nexthop add id 5 via 10.0.0.2 dev sh-m0");
  ip("route add 10.6.0.0/16 nhid 5");
  ASSERT_TRUE(run_until(
      [&] { return !routes_to("10.5.0.0/16").empty() && !routes_to("10.6.0.0/16").empty(); }));
  // With its preferred source, ...
  ip("addr del 10.0.0.77/32 dev lo");
  EXPECT_TRUE(run_until([&] { return routes_to("10.5.0.0/16").empty(); }));
  // ... with its nexthop object, ...
  ip("nexthop del id 5");
  EXPECT_TRUE(run_until([&] { return routes_to("10.6.0.0/16").empty(); }));
  // ... with the link.
  ip("route add 10.7.0.0/16 via 10.0.0.2");
  ASSERT_TRUE(run_until([&] { return !routes_to("10.7.0.0/16").empty(); }));
  ip("link set sh-m0 down");
  EXPECT_TRUE(run_until([&] { return view_.routes.empty() && !view_.links[0].up; }));
}

TEST_F(MirrorTest, MtuAndAddressesFollow) {
  start_mirror();
  ip("link set sh-m0 mtu 1300");
  EXPECT_TRUE(run_until([&] { return view_.links[0].mtu == 1300; }));
  ip("addr add 10.0.1.1/28 dev sh-m0");
  const auto added = *InterfaceAddress::parse("10.0.1.1/28");
  const auto has_added = [&] {
    const auto& all = view_.links[0].addresses;
    return std::find(all.begin(), all.end(), added) != all.end();
  };
  EXPECT_TRUE(run_until(has_added));
  ip("addr del 10.0.1.1/28 dev sh-m0");
  EXPECT_TRUE(run_until([&] { return !has_added(); }));
}

TEST_F(MirrorTest, NeighboursFollowTheirStates) {
  start_mirror();
  for (const char* state : {"reachable", "stale", "delay", "probe", "permanent", "noarp"}) {
    ip(std::string("neigh replace 10.0.0.9 lladdr 02:00:00:00:00:09 nud ") + state + " dev sh-m0");
    EXPECT_TRUE(run_until([&] { return mac_text("10.0.0.9") == "02:00:00:00:00:09"; })) << state;
    ip("neigh replace 10.0.0.9 lladdr 02:00:00:00:00:0a nud permanent dev sh-m0");
    EXPECT_TRUE(run_until([&] { return mac_text("10.0.0.9") == "02:00:00:00:00:0a"; })) << state;
    ip("neigh replace 10.0.0.9 nud failed dev sh-m0");
    EXPECT_TRUE(run_until([&] { return mac_of("10.0.0.9") == nullptr; })) << state;
  }
  ip("neigh replace 10.0.0.9 lladdr 02:00:00:00:00:09 dev sh-m0");
  ASSERT_TRUE(run_until([&] { return mac_of("10.0.0.9") != nullptr; }));
  ip("neigh del 10.0.0.9 dev sh-m0");
  EXPECT_TRUE(run_until([&] { return mac_of("10.0.0.9") == nullptr; }));
}

TEST_F(MirrorTest, ANeighbourWithoutMacAddressIsNone) {
  start_mirror();
  ip("neigh add 10.0.0.9 lladdr 00:00:00:00:00:00 nud permanent dev sh-m0");
  ip("neigh add 10.0.0.10 lladdr 02:00:00:00:00:0a nud permanent dev sh-m0");
  ASSERT_TRUE(run_until([&] { return mac_of("10.0.0.10") != nullptr; }));
  EXPECT_EQ(mac_text("10.0.0.9"), "none");
}

TEST_F(MirrorTest, ChangesThatChangeNothingAreNotTold) {
  ip("neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 nud reachable dev sh-m0");
  start_mirror();
  const int before = views_;
  ip("neigh replace 10.0.0.9 lladdr 02:00:00:00:00:09 nud stale dev sh-m0");
  add_veth("other");
  ip("addr add 10.7.0.1/24 dev other");
  ip("link set sh-m0 txqueuelen 700");
  loop_.run_for(100ms);
  EXPECT_EQ(views_, before);
}

TEST_F(MirrorTest, ManyChangesAreToldTogether) {
  start_mirror({.coalesce = 50ms});
  const int before = views_;
  std::string batch;
  for (int i = 1; i <= 200; ++i)
    batch += "neigh add 10.0.0." + std::to_string(i + 1) +
             " lladdr 02:00:00:00:01:" + (i % 256 < 16 ? "0" : "") +
             [&] {
               char text[4];
               std::snprintf(text, sizeof text, "%x", i % 256);
               return std::string(text);
             }() +
             " dev sh-m0\n";
  FILE* pipe = ::popen("ip -batch -", "w");
  std::fwrite(batch.data(), 1, batch.size(), pipe);
  ASSERT_EQ(::pclose(pipe), 0);
  ASSERT_TRUE(run_until([&] { return view_.neighbours.size() == 200; }));
  EXPECT_LE(views_ - before, 5);
}

TEST_F(MirrorTest, AnOverflowingQueueIsHealedByReadingAnew) {
  start_mirror({.receive_bytes = 4096});
  // The loop does not run meanwhile: most of these messages are lost, the last among them.
  FILE* pipe = ::popen("ip -batch -", "w");
  for (int i = 0; i < 2000; ++i)
    std::fprintf(pipe, "neigh replace 10.0.0.%d lladdr 02:00:00:00:02:%02x dev sh-m0\n",
                 2 + i % 200, i / 200);
  std::fprintf(pipe, "route add 10.5.0.0/16 via 10.0.0.2\n");
  ASSERT_EQ(::pclose(pipe), 0);
  ASSERT_TRUE(run_until([&] { return mac_text("10.0.0.201") == "02:00:00:00:02:09"; }));
  EXPECT_EQ(view_.neighbours.size(), 200u);
  EXPECT_EQ(routes_to("10.5.0.0/16").size(), 1u);
}

TEST_F(MirrorTest, ADeletedInterfaceIsGoneAndASecondOneOfItsNameTakesItsPlace) {
  start_mirror();
  taps_.clear();
  ASSERT_TRUE(run_until([&] { return view_ == KernelView{}; }));
  make_tap("sh-m0");
  ip("neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev sh-m0");
  ASSERT_TRUE(run_until([&] { return view_.links.size() == 1 && mac_of("10.0.0.9") != nullptr; }));
  EXPECT_EQ(routes_to("10.0.0.0/24").size(), 1u);
}

TEST_F(MirrorTest, AnInterfaceThatComesByRenamingCountsWithAllThatItHas) {
  start_mirror();
  add_veth("later");
  ip("addr add 10.7.0.1/24 dev later");
  ip("neigh add 10.7.0.9 lladdr 02:00:00:00:00:09 dev later");
  loop_.run_for(20ms);
  ip("link set later down");
  ip("link set later name sh-m1");
  ip("link set sh-m1 up");
  ASSERT_TRUE(
      run_until([&] { return view_.links.size() == 2 && !routes_to("10.7.0.0/24").empty(); }));
  EXPECT_EQ(routes_to("10.7.0.0/24")[0].port, kPort + 1);
  EXPECT_THAT(view_.links[1].addresses,
              ::testing::Contains(*InterfaceAddress::parse("10.7.0.1/24")));
}

// A reading in progress: it was started by a change and has run for some steps of the loop.
class MirrorReadingTest : public MirrorTest {
 protected:
  static constexpr int kSteps = 16;

  void SetUp() override {
    MirrorTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    // A thousand routes make a reading take some steps.
    FILE* pipe = ::popen("ip -batch -", "w");
    for (int i = 0; i < 1000; ++i)
      std::fprintf(pipe, "route add 10.%d.%d.0/24 via 10.0.0.2\n", 100 + i / 250, i % 250);
    ASSERT_EQ(::pclose(pipe), 0);
    start_mirror();
  }
  // What it lost would now be lost for good.
  void end_reading() { run_for(100ms); }
  void run_steps(int count) {
    loop_.restart();
    for (int i = 0; i < count; ++i) loop_.run_one_for(20ms);
  }
};

TEST_F(MirrorReadingTest, ANeighboursChangeMeanwhileIsNotLost) {
  for (int steps = 0; steps < kSteps; ++steps) {
    const bool comes = steps % 2 == 0;
    ip("link set sh-m0 mtu " + std::to_string(1400 + steps));
    run_steps(steps);
    ip(comes ? "neigh add 10.0.0.7 lladdr 02:00:00:00:00:07 dev sh-m0"
             : "neigh del 10.0.0.7 dev sh-m0");
    end_reading();
    EXPECT_TRUE(run_until([&] { return view_.links[0].mtu == 1400 + steps; })) << steps;
    EXPECT_TRUE(run_until([&] { return (mac_of("10.0.0.7") != nullptr) == comes; })) << steps;
  }
}

TEST_F(MirrorReadingTest, AChangeBackMeanwhileIsNotLost) {
  for (int steps = 0; steps < kSteps; ++steps) {
    ip("link set sh-m0 mtu 1400");
    run_steps(steps);
    ip("link set sh-m0 mtu 1500");
    end_reading();
    EXPECT_TRUE(run_until([&] { return view_.links[0].mtu == 1500; })) << steps;
  }
  EXPECT_EQ(view_.routes.size(), 1001u);
}

TEST_F(MirrorTest, NothingIsToldAfterItsEnd) {
  start_mirror();
  ip("link set sh-m0 mtu 1300");
  const int before = views_;
  mirror_.reset();
  loop_.run_for(50ms);
  EXPECT_EQ(views_, before);
}

}  // namespace
}  // namespace shunt::control
