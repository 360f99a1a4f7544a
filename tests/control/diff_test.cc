#include "control/diff.h"

#include <gmock/gmock.h>

namespace shunt::control {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = Change::Kind;

Real real(const std::string& address, uint32_t weight = 1) {
  Real result;
  result.address = *IpAddress::parse(address);
  result.port = 80;
  result.name = address + ":80";
  result.weight = weight;
  return result;
}

Service service(const std::string& name, const std::string& vip, std::vector<Real> reals) {
  Service result;
  result.name = name;
  result.address = *IpAddress::parse(vip);
  result.port = 80;
  result.reals = std::move(reals);
  return result;
}

DesiredState two_services() {
  DesiredState state;
  state.services = {service("web", "192.0.2.1", {real("10.0.0.1"), real("10.0.0.2", 5)}),
                    service("api", "192.0.2.2", {real("10.0.0.1")})};
  return state;
}

TEST(Differences, NoneBetweenEqualStatesOrOtherOrders) {
  DesiredState before = two_services();
  DesiredState after = before;
  std::swap(after.services[0], after.services[1]);
  std::swap(after.services[1].reals[0], after.services[1].reals[1]);
  EXPECT_THAT(differences(before, before), IsEmpty());
  EXPECT_THAT(differences(before, after), IsEmpty());
}

TEST(Differences, NameTheRealAndTheField) {
  const DesiredState before = two_services();
  DesiredState after = before;
  after.services[0].reals[1].weight = 0;
  after.services[0].reals[1].upper_threshold = 5;
  EXPECT_THAT(differences(before, after),
              ElementsAre(Change{Kind::kChanged, "real web/10.0.0.2:80", {"weight: 5 -> 0", "upper_threshold: 0 -> 5"}}));
}

TEST(Differences, ShowAddedAndRemovedReals) {
  const DesiredState before = two_services();
  DesiredState after = before;
  after.services[0].reals[0] = real("10.0.0.9", 3);
  after.services[0].reals[0].name = "nine";
  EXPECT_THAT(differences(before, after),
              ElementsAre(Change{Kind::kAdded, "real web/nine", {"nine 10.0.0.9:80 weight 3"}},
                          Change{Kind::kRemoved, "real web/10.0.0.1:80", {"10.0.0.1:80 weight 1"}}));
}

TEST(Differences, ShowAddedAndRemovedServicesWithTheirReals) {
  const DesiredState before = two_services();
  DesiredState after = before;
  after.services[1] = service("dns", "192.0.2.3", {real("10.0.0.7")});
  after.services[1].protocol = Protocol::kUdp;
  EXPECT_THAT(
      differences(before, after),
      ElementsAre(
          Change{Kind::kAdded, "service dns", {"udp 192.0.2.3:80 wlc nat", "real 10.0.0.7:80 weight 1"}},
          Change{Kind::kRemoved, "service api", {"tcp 192.0.2.2:80 wlc nat", "real 10.0.0.1:80 weight 1"}}));
}

TEST(Differences, OfALongServiceShowTheFirstReals) {
  DesiredState after;
  std::vector<Real> reals;
  for (int i = 1; i <= 20; ++i) reals.push_back(real("10.0.0." + std::to_string(i)));
  after.services = {service("web", "192.0.2.1", reals)};
  const auto changes = differences({}, after);
  ASSERT_EQ(changes.size(), 1u);
  ASSERT_EQ(changes[0].details.size(), 18u);
  EXPECT_EQ(changes[0].details.back(), "and 4 more reals");
}

TEST(Differences, ShowEveryFieldOfAService) {
  const DesiredState before = two_services();
  DesiredState after = before;
  Service& web = after.services[0];
  web.name = "www";
  web.scheduler = SchedulerKind::kMh;
  web.method = Method::kFullnat;
  web.local_addresses = "pool";
  web.vip_port = "outside";
  web.sloppy_tcp = true;
  web.max_segment_size = 1400;
  web.quorum = Quorum{3, 1, OnQuorumLoss::kWithdraw};
  web.slow_start = Milliseconds(30000);
  web.panic_threshold = 50;
  web.client_address = {ClientAddressKind::kToa, 252};
  web.application = Application::kFtp;
  web.health_check = {false, Milliseconds(1500), Milliseconds(1000), 1, 2, 8080};
  web.timeouts.values[1] = Milliseconds(60000);
  const auto changes = differences(before, after);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].subject, "service www");
  EXPECT_THAT(changes[0].details,
              ElementsAre("name: web -> www", "scheduler: wlc -> mh", "method: nat -> fullnat",
                          "local_addresses: default -> pool", "vip_port: default -> outside",
                          "sloppy_tcp: no -> yes", "max_segment_size: 0 -> 1400",
                          "quorum: none -> weight 3 hysteresis 1 withdraw", "slow_start: 0s -> 30s",
                          "panic_threshold: 0 -> 50", "client_address: none -> toa by option 252", "application: none -> ftp",
                          "health_check.enabled: yes -> no", "health_check.interval: 5s -> 1500ms",
                          "health_check.timeout: 2s -> 1s", "health_check.rise: 2 -> 1",
                          "health_check.fall: 3 -> 2", "health_check.port: 0 -> 8080",
                          "timeouts.tcp_established: default -> 60s"));
}

TEST(Differences, ShowAccessAndOfLongListsTheBeginning) {
  DesiredState before = two_services();
  before.access_lists = {{"abusers", {*Prefix::parse("10.0.0.0/8")}}, {"gone", {}}};
  DesiredState after = before;
  after.services[0].access = Access{{}, {*Prefix::parse("192.0.2.0/24")}, {}, {"abusers"}, Refusal::kReset};
  after.access_lists = {{"abusers", {}}, {"new", {*Prefix::parse("2001:db8::/32")}}};
  for (uint32_t i = 0; i < 20; ++i) {
    after.access_lists[0].prefixes.push_back({IpAddress::from_v4(Be32::from_host(i)), 32});
  }
  const auto changes = differences(before, after);
  ASSERT_EQ(changes.size(), 4u);
  EXPECT_EQ(changes[0].subject, "access_lists abusers");
  ASSERT_EQ(changes[0].details.size(), 17u);
  EXPECT_EQ(changes[0].details.front(), "prefixes: +0.0.0.0/32");
  EXPECT_EQ(changes[0].details.back(), "prefixes: and 5 more") << "16 of 20 that came and one that went";
  EXPECT_EQ(changes[1], (Change{Kind::kAdded, "access_lists new", {"prefixes: +2001:db8::/32"}}));
  EXPECT_EQ(changes[2], (Change{Kind::kRemoved, "access_lists gone", {}}));
  EXPECT_EQ(changes[3], (Change{Kind::kChanged, "service web",
                                {"access.deny: +192.0.2.0/24", "access.deny_lists: +abusers",
                                 "access.on_denied: drop -> reset"}}));
}

TEST(Differences, ShowLimits) {
  const DesiredState before = two_services();
  DesiredState after = before;
  after.services[0].limits = Limits{{.new_connections = 1000, .connections = 500}, PerClient{{.kilobits = 8}}, Refusal::kReset};
  EXPECT_THAT(differences(before, after),
              ElementsAre(Change{Kind::kChanged, "service web",
                                 {"limits: none -> 1000 new connections/s (burst 1s), 500 connections, reset; each of 65536 "
                                  "clients /32,/64: 8 kbit/s (burst 1s)"}}));
}

TEST(Differences, ShowPersistenceAndWhatGoesWithIt) {
  const DesiredState before = two_services();
  DesiredState after = before;
  Service& web = after.services[0];
  web.persistence = Persistence{Milliseconds(90000), 24, 128, true};
  web.no_real = NoReal::kReset;
  web.reals[0].upper_threshold = 100;
  web.reals[0].lower_threshold = 80;
  web.reals[1].sorry = true;
  web.reals.push_back(real("10.0.0.3"));
  web.reals.back().sorry = true;
  EXPECT_THAT(
      differences(before, after),
      ElementsAre(
          Change{Kind::kChanged, "service web", {"persistence: no -> 90s by /24 and Call-ID", "no_real: unreachable -> reset"}},
          Change{Kind::kChanged, "real web/10.0.0.1:80", {"upper_threshold: 0 -> 100", "lower_threshold: 0 -> 80"}},
          Change{Kind::kChanged, "real web/10.0.0.2:80", {"sorry: no -> yes"}},
          Change{Kind::kAdded, "real web/10.0.0.3:80", {"10.0.0.3:80 weight 1 sorry"}}));
}

TEST(Differences, ShowFlagsOfSchedulersThatHaveThem) {
  DesiredState before = two_services();
  Service& web = before.services[0];
  web.scheduler = SchedulerKind::kSh;
  web.scheduler_flags = {.port = true, .fallback = true};
  DesiredState after = before;
  after.services[0].scheduler_flags = {.port = false, .fallback = false};
  EXPECT_THAT(differences(before, after),
              ElementsAre(Change{Kind::kChanged,
                                 "service web",
                                 {"scheduler_flags.port: yes -> no", "scheduler_flags.fallback: yes -> no"}}));
  after.services[0].scheduler = SchedulerKind::kRr;
  after.services[0].scheduler_flags = {};
  EXPECT_THAT(differences(before, after), ElementsAre(Change{Kind::kChanged, "service web", {"scheduler: sh -> rr"}}));
}

TEST(Differences, ShowConhashsBound) {
  DesiredState before = two_services();
  before.services[0].scheduler = SchedulerKind::kConhash;
  DesiredState after = before;
  after.services[0].scheduler_flags.load_bound = 200;
  EXPECT_THAT(differences(before, after),
              ElementsAre(Change{Kind::kChanged, "service web", {"scheduler_flags.load_bound: 125 -> 200"}}));
  after.services[0].scheduler_flags = {.port = true, .load_bound = 0};
  EXPECT_EQ(differences({}, after).at(0).details.at(0), "tcp 192.0.2.1:80 conhash (port,no bound) nat");
}

TEST(Differences, ShowTunnelsOfServicesAndReals) {
  DesiredState before = two_services();
  Service& web = before.services[0];
  web.method = Method::kTunnel;
  DesiredState after = before;
  after.services[0].tunnel = {TunnelKind::kGue, 6080};
  after.services[0].reals[0].tunnel = Tunnel{TunnelKind::kGreChecksum, 0};
  EXPECT_THAT(differences(before, after),
              ElementsAre(Change{Kind::kChanged, "service web", {"tunnel: ipip -> gue:6080"}},
                          Change{Kind::kChanged, "real web/10.0.0.1:80", {"tunnel: the service's -> gre,checksum"}}));
  before = std::exchange(after, {});
  EXPECT_THAT(differences(before, after)[0].details,
              ElementsAre("tcp 192.0.2.1:80 wlc tunnel gue:6080", "real 10.0.0.1:80 weight 1 tunnel gre,checksum",
                          "real 10.0.0.2:80 weight 5"));
  // With its method it is gone without a word.
  after = before;
  after.services[0].method = Method::kDirect;
  after.services[0].tunnel = {};
  EXPECT_THAT(differences(before, after)[0].details, ElementsAre("method: tunnel -> direct"));
}

TEST(Differences, ShowFlagsOfAnAddedService) {
  const auto first_line_with = [](SchedulerFlags flags) {
    DesiredState after;
    after.services = {service("web", "192.0.2.1", {})};
    after.services[0].scheduler = SchedulerKind::kMh;
    after.services[0].scheduler_flags = flags;
    return differences({}, after).at(0).details.at(0);
  };
  EXPECT_EQ(first_line_with({.port = true, .fallback = true}), "tcp 192.0.2.1:80 mh (fallback,port) nat");
  EXPECT_EQ(first_line_with({.port = false, .fallback = true}), "tcp 192.0.2.1:80 mh (fallback) nat");
  EXPECT_EQ(first_line_with({.port = true, .fallback = false}), "tcp 192.0.2.1:80 mh (port) nat");
  EXPECT_EQ(first_line_with({.port = false, .fallback = false}), "tcp 192.0.2.1:80 mh nat");
}

TEST(Differences, ShowTimeoutsAndLocalAddresses) {
  DesiredState before;
  before.local_addresses = {{"old", {*IpAddress::parse("10.1.0.1")}, ""},
                            {"kept", {*IpAddress::parse("10.2.0.1"), *IpAddress::parse("10.2.0.2")}, ""}};
  DesiredState after;
  after.timeouts.values[11] = Milliseconds(1500);
  after.timeouts.values[12] = Milliseconds(3000);
  after.timeouts.values[25] = Milliseconds(60000);
  after.local_addresses = {{"kept", {*IpAddress::parse("10.2.0.2"), *IpAddress::parse("10.2.0.3")}, "inside"},
                           {"new", {*IpAddress::parse("10.3.0.1")}, ""}};
  EXPECT_THAT(
      differences(before, after),
      ElementsAre(Change{Kind::kChanged, "timeouts", {"udp: default -> 1500ms", "sctp_none: default -> 3s",
                                                      "sctp_closed: default -> 60s"}},
                  Change{Kind::kChanged,
                         "local_addresses kept",
                         {"addresses: +10.2.0.3", "addresses: -10.2.0.1", "port: default -> inside"}},
                  Change{Kind::kAdded, "local_addresses new", {"addresses: +10.3.0.1"}},
                  Change{Kind::kRemoved, "local_addresses old", {}}));
}

TEST(Differences, ShowFurtherVipsAndOnePacket) {
  const DesiredState before = two_services();
  DesiredState after = before;
  after.services[0].more_vips = {{*IpAddress::parse("192.0.2.9"), {80, 80}},
                                 {*IpAddress::parse("192.0.2.1"), {1000, 1999}}};
  after.services[0].one_packet = true;
  EXPECT_THAT(
      differences(before, after),
      ElementsAre(Change{Kind::kChanged,
                         "service web",
                         {"more_vips: +192.0.2.1:1000-1999", "more_vips: +192.0.2.9:80", "one_packet: no -> yes"}}));
  DesiredState fewer = after;
  fewer.services[0].more_vips = {{*IpAddress::parse("192.0.2.9"), kAllPorts}};
  EXPECT_THAT(
      differences(after, fewer),
      ElementsAre(Change{Kind::kChanged,
                         "service web",
                         {"more_vips: +192.0.2.9:0", "more_vips: -192.0.2.1:1000-1999", "more_vips: -192.0.2.9:80"}}));
}

TEST(Differences, AnotherRangeIsAnotherService) {
  const DesiredState before = two_services();
  DesiredState after = before;
  after.services[1].last_port = 89;
  EXPECT_THAT(
      differences(before, after),
      ElementsAre(Change{Kind::kAdded, "service api", {"tcp 192.0.2.2:80-89 wlc nat", "real 10.0.0.1:80 weight 1"}},
                  Change{Kind::kRemoved, "service api", {"tcp 192.0.2.2:80 wlc nat", "real 10.0.0.1:80 weight 1"}}));
}

DesiredState with_matches(const std::vector<std::string>& names) {
  DesiredState state;
  for (const std::string& name : names) {
    Service& service = state.services.emplace_back();
    service.name = name;
    service.match.emplace();
    service.match->vips = {*Prefix::parse("192.0.2.0/24")};
  }
  return state;
}

TEST(Differences, AMatchMayChangeAndItsServiceStays) {
  const DesiredState before = with_matches({"web"});
  DesiredState after = before;
  after.services[0].match->clients = {*Prefix::parse("10.0.0.0/8")};
  after.services[0].match->vips = {*Prefix::parse("2001:db8::/32")};
  after.services[0].match->ports = {80, 89};
  after.services[0].match->ingress_port = "outside";
  EXPECT_THAT(
      differences(before, after),
      ElementsAre(Change{Kind::kChanged,
                         "service web",
                         {"match.clients: +10.0.0.0/8", "match.vips: +2001:db8::/32", "match.vips: -192.0.2.0/24",
                          "match.ports: all -> 80-89", "match.ingress_port: default -> outside"}}));
  EXPECT_THAT(differences({}, after),
              ElementsAre(Change{
                  Kind::kAdded,
                  "service web",
                  {"tcp match vips 2001:db8::/32 clients 10.0.0.0/8 ports 80-89 ingress_port outside wlc nat"}}));
}

TEST(Differences, TheOrderOfMatchesSaysSomething) {
  const DesiredState before = with_matches({"a", "b", "c"});
  EXPECT_THAT(differences(before, with_matches({"b", "a", "c"})),
              ElementsAre(Change{Kind::kChanged, "services", {"order of matches: a, b, c -> b, a, c"}}));
  EXPECT_THAT(differences(before, with_matches({"a", "c"})), testing::SizeIs(1)) << "b is gone, which is all";
}

TEST(Differences, SysctlsAreNamedAsIpvsNamesThem) {
  const DesiredState before = two_services();
  DesiredState after = before;
  after.sysctls = {.conn_reuse_mode = 3,
                   .expire_nodest_conn = true,
                   .expire_quiescent_template = true,
                   .sloppy_tcp = true,
                   .sloppy_sctp = true,
                   .secure_tcp = dataplane::Defence::kAlways,
                   .drop_entry = dataplane::Defence::kWhenScarce,
                   .drop_packet = dataplane::Defence::kAlways,
                   .am_droprate = 5,
                   .nat_icmp_send = true,
                   .schedule_icmp = true,
                   .pmtu_disc = false,
                   .amemthresh = 20};
  EXPECT_THAT(differences(before, after),
              ElementsAre(Change{Kind::kChanged,
                                 "sysctls",
                                 {"conn_reuse_mode: 1 -> 3", "expire_nodest_conn: no -> yes",
                                  "expire_quiescent_template: no -> yes", "sloppy_tcp: no -> yes",
                                  "sloppy_sctp: no -> yes", "secure_tcp: 0 -> 3", "drop_entry: 0 -> 1",
                                  "drop_packet: 0 -> 3", "nat_icmp_send: no -> yes",
                                  "schedule_icmp: no -> yes", "pmtu_disc: yes -> no", "am_droprate: 10 -> 5", "amemthresh: 10 -> 20"}}));
}

}  // namespace
}  // namespace shunt::control
