// The tables and JSON of the verbs that show.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include "tests/src/shuntctl/fake_daemon.h"

namespace shunt::shuntctl {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

template <typename Message>
Message message_of(const char* text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

constexpr const char* kWeb = R"(services {
  name: "web" protocol: PROTOCOL_TCP address: "203.0.113.10" port: 80 scheduler: SCHEDULER_WLC
  active_connections: 12 inactive_connections: 3
  traffic { connections: 1234567 in_packets: 10 out_packets: 9 in_bytes: 640 out_bytes: 8000000 }
  rates { connections: 2.5 in_packets: 14880952 }
  reals { name: "10.0.1.1:80" address: "10.0.1.1" port: 80 method: METHOD_NAT weight: 5 effective_weight: 5
          health: HEALTH_UP active_connections: 12 next_hop: "reachable via 02:00:00:00:00:01 on inside" }
  reals { name: "second" address: "10.0.1.2" port: 80 method: METHOD_NAT weight: 5 effective_weight: 0
          health: HEALTH_DOWN last_check: "connect: connection refused" inactive_connections: 3
          next_hop: "no route" }
  reals { name: "third" address: "10.0.1.3" port: 80 method: METHOD_NAT weight: 0 draining: true health: HEALTH_UP
          next_hop: "reachable via 02:00:00:00:00:03 on inside, path takes 1400 bytes" }
})";

FakeDaemon& with_web(FakeDaemon& daemon) {
  daemon.pages.push_back(message_of<v1::ListServicesResponse>(kWeb));
  return daemon;
}

TEST(ServiceList, HasIpvsadmsColumnsAndHealth) {
  FakeDaemon daemon;
  const Ended ended = with_web(daemon).ctl({"service", "list"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(ended.out,
            "Prot  LocalAddress:Port   Scheduler                                                     Name\n"
            "  ->  RemoteAddress:Port  Forward    Weight  ActiveConn  InActConn  Health       Since  Name    LastCheck\n"
            "TCP   203.0.113.10:80     wlc                        12          3  2/3 up              web\n"
            "  ->  10.0.1.1:80         nat             5          12          0  UP               -\n"
            "  ->  10.0.1.2:80         nat           0/5           0          3  DOWN             -  second  connect: "
            "connection refused; next hop: no route\n"
            "  ->  10.0.1.3:80         nat             0           0          0  UP draining      -  third   next hop: "
            "reachable via 02:00:00:00:00:03 on inside, path takes 1400 bytes\n");
}

TEST(ServiceList, SaysWhatAccessListsAndLimitsRefused) {
  FakeDaemon daemon;
  daemon.pages.push_back(message_of<v1::ListServicesResponse>(R"(services {
    name: "web" protocol: PROTOCOL_TCP address: "203.0.113.10" port: 80 scheduler: SCHEDULER_WLC
    access { allowed_prefixes: 1 denied_prefixes: 20 denied_packets: 4711 }
    limits { connections: 500 } limited { connections: 3 new_connections: 12 } client_limited { packets: 7 bits: 8 }
  } services {
    name: "api" protocol: PROTOCOL_TCP address: "203.0.113.11" port: 80 scheduler: SCHEDULER_WLC limits { connections: 500 }
  })"));
  const Ended ended = daemon.ctl({"service", "list", "--exact"});
  EXPECT_THAT(ended.out, AllOf(HasSubstr("access: 1 allowed, 20 denied, 4711 packets refused\n"),
                               HasSubstr("limits, refused: 12 new connections, 3 connections at a time; of clients: 7 packets, "
                                         "8 packets for their bits\n"),
                               HasSubstr("limits: nothing refused\n")));
}

TEST(ServiceList, LongIpv6AddressesStandInTheirColumns) {
  FakeDaemon daemon;
  daemon.pages.push_back(message_of<v1::ListServicesResponse>(R"(services {
    name: "web6" protocol: PROTOCOL_TCP address: "2001:db8:1234:5678:9abc:def0:1234:5678" port: 443
    scheduler: SCHEDULER_WLC
    reals { name: "[2001:db8::1]:443" address: "2001:db8::1" port: 443 method: METHOD_NAT weight: 1 effective_weight: 1
            health: HEALTH_UP }
  } services { name: "web" protocol: PROTOCOL_TCP address: "203.0.113.10" port: 443 scheduler: SCHEDULER_WLC })"));
  EXPECT_EQ(daemon.ctl({"service", "list"}).out,
            "Prot  LocalAddress:Port                             Scheduler                                             "
            "   Name\n"
            "  ->  RemoteAddress:Port                            Forward    Weight  ActiveConn  InActConn  Health  Since"
            "  Name  LastCheck\n"
            "TCP   [2001:db8:1234:5678:9abc:def0:1234:5678]:443  wlc                         0          0  1/1 up       "
            "  web6\n"
            "  ->  [2001:db8::1]:443                             nat             1           0          0  UP          -\n"
            "TCP   203.0.113.10:443                              wlc                         0          0  0/0 up       "
            "  web\n");
}

TEST(ServiceList, SchedulerFlagsStandAsIpvsadmShowsThem) {
  const auto listed_with = [](const std::string& flags) {
    FakeDaemon daemon;
    daemon.pages.push_back(message_of<v1::ListServicesResponse>(
        ("services { protocol: PROTOCOL_TCP address: '203.0.113.10' port: 80 scheduler: SCHEDULER_SH " + flags + " }")
            .c_str()));
    return daemon.ctl({"service", "list"}).out;
  };
  EXPECT_THAT(listed_with("scheduler_flags { fallback: true port: true }"), HasSubstr(" sh (fallback,port)  "));
  EXPECT_THAT(listed_with("scheduler_flags { fallback: true }"), HasSubstr(" sh (fallback)  "));
  EXPECT_THAT(listed_with("scheduler_flags { fallback: false port: true }"), HasSubstr(" sh (port)  "));
  EXPECT_THAT(listed_with("scheduler_flags { fallback: false }"), Not(HasSubstr("(")));
  EXPECT_THAT(listed_with("scheduler_flags { port: true load_bound: 125 }"), HasSubstr(" sh (port,bound 125%)  "));
  EXPECT_THAT(listed_with(""), Not(HasSubstr("(")));
}

constexpr const char* kPlaces = R"(services {
    name: "web" protocol: PROTOCOL_TCP address: "203.0.113.10" port: 80 scheduler: SCHEDULER_RR
    more_vips { address: "203.0.113.11" port: 80 } more_vips { address: "203.0.113.12" port: 8000 last_port: 8999 }
    more_vips { address: "2001:db8::1" all_ports: true }
    reals { name: "10.0.1.1:0" address: "10.0.1.1" method: METHOD_NAT weight: 1 effective_weight: 1 health: HEALTH_UP }
  } services {
    name: "dns" protocol: PROTOCOL_UDP address: "203.0.113.10" all_ports: true scheduler: SCHEDULER_RR one_packet: true
  } services {
    name: "guests" protocol: PROTOCOL_TCP scheduler: SCHEDULER_WLC
    match { vips: "203.0.113.0/24" clients: "10.0.0.0/8" clients: "11.0.0.0/8" clients: "12.0.0.0/8" clients: "13.0.0.0/8"
            first_port: 80 last_port: 89 ingress_port: "outside" }
  } services {
    name: "any" protocol: PROTOCOL_TCP scheduler: SCHEDULER_WLC match { clients: "::/0" first_port: 80 }
  })";

TEST(ServiceList, ShowsAllThatAServiceIsFoundBy) {
  FakeDaemon daemon;
  daemon.pages.push_back(message_of<v1::ListServicesResponse>(kPlaces));
  const std::string out = daemon.ctl({"service", "list"}).out;
  EXPECT_THAT(out, HasSubstr("TCP   203.0.113.10:80  "));
  EXPECT_THAT(out, HasSubstr("\n      203.0.113.11:80\n      203.0.113.12:8000-8999\n      [2001:db8::1]:0\n"));
  EXPECT_THAT(out, HasSubstr("\n  ->  10.0.1.1:0  "));
  EXPECT_THAT(out, AllOf(HasSubstr("UDP   203.0.113.10:0  "), HasSubstr("  rr ops  ")));
  EXPECT_THAT(out, HasSubstr(
                       "TCP   203.0.113.0/24:80-89 from 10.0.0.0/8,11.0.0.0/8,12.0.0.0/8,+1 on outside  wlc  "));
  EXPECT_THAT(out, HasSubstr("TCP   *:80 from ::/0  "));
}

TEST(ServiceList, StatsShowItToo) {
  FakeDaemon daemon;
  daemon.pages.push_back(message_of<v1::ListServicesResponse>(kPlaces));
  const std::string out = daemon.ctl({"service", "list", "--stats"}).out;
  EXPECT_THAT(out, AllOf(HasSubstr("\n      203.0.113.12:8000-8999\n"), HasSubstr("\nTCP   *:80 from ::/0  ")));
}

TEST(ServiceList, PersistenceStandsWithTheScheduler) {
  const auto listed_with = [](const std::string& more) {
    FakeDaemon daemon;
    daemon.pages.push_back(message_of<v1::ListServicesResponse>(
        ("services { protocol: PROTOCOL_TCP address: '203.0.113.10' port: 80 scheduler: SCHEDULER_RR " + more + " }")
            .c_str()));
    return daemon.ctl({"service", "list"}).out;
  };
  EXPECT_THAT(listed_with("persistence { timeout { seconds: 300 } ipv4_prefix: 32 }"), HasSubstr(" rr persistent 5m  "));
  EXPECT_THAT(listed_with("persistence { timeout { seconds: 90 } ipv4_prefix: 24 }"),
              HasSubstr(" rr persistent 90s /24  "));
  EXPECT_THAT(listed_with("persistence { timeout { seconds: 90 } ipv6_prefix: 128 }"), HasSubstr(" rr persistent 90s  "));
  EXPECT_THAT(listed_with("reals { address: '10.0.1.1' port: 80 health: HEALTH_UP sorry: true upper_threshold: 100 "
                          "lower_threshold: 80 last_check: 'connect: ok' }"),
              AllOf(HasSubstr("UP sorry"), HasSubstr("connect: ok; full at 100, again below 80\n")));
}

TEST(ServiceList, StatsAreTotals) {
  FakeDaemon daemon;
  const Ended ended = with_web(daemon).ctl({"service", "list", "--stats"});
  EXPECT_THAT(ended.out, HasSubstr("Conns  InPkts  OutPkts  InBytes  OutBytes  Name\n"));
  EXPECT_THAT(ended.out, HasSubstr("TCP   203.0.113.10:80     1.23M      10        9      640     8.00M  web\n"));
}

TEST(ServiceList, ExactStatsAreInFull) {
  FakeDaemon daemon;
  EXPECT_THAT(with_web(daemon).ctl({"service", "list", "--stats", "--exact"}).out,
              AllOf(HasSubstr(" 1234567 "), HasSubstr(" 8000000 ")));
}

TEST(ServiceList, RatesArePerSecond) {
  FakeDaemon daemon;
  const Ended ended = with_web(daemon).ctl({"service", "list", "--rate"});
  EXPECT_THAT(ended.out, HasSubstr("CPS  InPPS  OutPPS  InBPS  OutBPS  Name\n"));
  EXPECT_THAT(ended.out, HasSubstr("203.0.113.10:80     2.5  14.9M "));
}

TEST(ServiceList, FollowsThePagesToTheLast) {
  FakeDaemon daemon;
  daemon.pages = {message_of<v1::ListServicesResponse>("services { name: 'one' } next_page_token: 'one'"),
                  message_of<v1::ListServicesResponse>("services { name: 'two' }")};
  const Ended ended = daemon.ctl({"service", "list"});
  EXPECT_THAT(ended.out, AllOf(HasSubstr("one"), HasSubstr("two")));
  ASSERT_EQ(daemon.asked_services.size(), 2U);
  EXPECT_EQ(daemon.asked_services[1].page_token(), "one");
  EXPECT_GT(daemon.asked_services[0].page_size(), 0U);
}

TEST(ServiceList, JsonIsTheApisMessage) {
  FakeDaemon daemon;
  const Ended ended = with_web(daemon).ctl({"-o", "json", "service", "list"});
  v1::ListServicesResponse read;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(ended.out, &read).ok()) << ended.out;
  EXPECT_EQ(read.SerializeAsString(), daemon.pages[0].SerializeAsString());
  EXPECT_THAT(ended.out, HasSubstr("\"effective_weight\": 0"));
}

TEST(ServiceList, HasNoColourWhenPiped) {
  FakeDaemon daemon;
  EXPECT_THAT(with_web(daemon).ctl({"service", "list"}).out, Not(HasSubstr("\033")));
}

v1::Connection connection() {
  return message_of<v1::Connection>(R"(protocol: PROTOCOL_TCP client: "10.0.0.3" client_port: 3456
    virtual: "203.0.113.10" virtual_port: 80 real: "10.0.1.1" real_port: 8080 local: "10.0.1.250" local_port: 40000
    method: METHOD_FULLNAT state: "ESTABLISHED" expires_in { seconds: 898 nanos: 500000000 } service: "web")");
}

TEST(ConnList, HasIpvsadmsWords) {
  FakeDaemon daemon;
  daemon.connections = {connection()};
  const Ended ended = daemon.ctl({"conn", "list"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(ended.out,
            "pro expire   state       source                virtual               destination           local\n"
            "TCP 14:58    ESTABLISHED 10.0.0.3:3456         203.0.113.10:80       10.0.1.1:8080         "
            "10.0.1.250:40000\n");
}

TEST(ConnList, ATemplateStandsAsIpvsadmShowsIt) {
  FakeDaemon daemon;
  daemon.connections = {message_of<v1::Connection>(R"(protocol: PROTOCOL_TCP client: "10.0.0.0" client_prefix: 24
    virtual: "203.0.113.10" virtual_port: 80 real: "10.0.1.1" real_port: 80 method: METHOD_DIRECT state: "ASSURED"
    expires_in { seconds: 298 } service: "web" template: true connections: 3)")};
  EXPECT_THAT(daemon.ctl({"conn", "list"}).out,
              HasSubstr("TCP 04:58    ASSURED     10.0.0.0:0            203.0.113.10:80       10.0.1.1:80\n"));
}

TEST(ConnList, LongIpv6AddressesStandInTheirColumns) {
  FakeDaemon daemon;
  daemon.connections = {connection(), connection()};
  v1::Connection& long_one = daemon.connections[1];
  long_one.set_client("2001:db8:1234:5678:9abc:def0:1234:5678");
  long_one.set_client_port(65535);
  long_one.set_virtual_("2001:db8::10");
  long_one.set_real("2001:db8:2::11");
  long_one.set_local("2001:db8:2::f0");
  const Ended ended = daemon.ctl({"conn", "list"});
  EXPECT_EQ(ended.out,
            "pro expire   state       source                                         virtual               "
            "destination           local\n"
            "TCP 14:58    ESTABLISHED 10.0.0.3:3456                                  203.0.113.10:80       "
            "10.0.1.1:8080         10.0.1.250:40000\n"
            "TCP 14:58    ESTABLISHED [2001:db8:1234:5678:9abc:def0:1234:5678]:65535 [2001:db8::10]:80     "
            "[2001:db8:2::11]:8080 [2001:db8:2::f0]:40000\n");
}

TEST(ConnList, WhatCameBeforeAFailureIsPrinted) {
  FakeDaemon daemon;
  daemon.connections = {connection()};
  daemon.refuse = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the daemon is stopping");
  const Ended ended = daemon.ctl({"conn", "list"});
  EXPECT_EQ(ended.exit, 3);
  EXPECT_THAT(ended.out, AllOf(StartsWith("pro expire"), HasSubstr("10.0.0.3:3456")));
}

TEST(ConnList, PassesItsFiltersOn) {
  FakeDaemon daemon;
  daemon.ctl({"conn", "list", "--service", "web", "--real", "10.0.1.1:80", "--client", "10.0.0.3", "--limit", "7"});
  EXPECT_EQ(daemon.asked_connections.service(), "web");
  EXPECT_EQ(daemon.asked_connections.real(), "10.0.1.1:80");
  EXPECT_EQ(daemon.asked_connections.client(), "10.0.0.3");
  EXPECT_EQ(daemon.asked_connections.limit(), 7U);
}

TEST(ConnList, PassesIpv6FiltersOn) {
  FakeDaemon daemon;
  EXPECT_EQ(daemon.ctl({"conn", "list", "--real", "[2001:db8::1]:80", "--client", "2001:db8::7"}).exit, 0);
  EXPECT_EQ(daemon.asked_connections.real(), "[2001:db8::1]:80");
  EXPECT_EQ(daemon.asked_connections.client(), "2001:db8::7");
}

TEST(ConnList, JsonIsOneMessageALine) {
  FakeDaemon daemon;
  daemon.connections = {connection(), connection()};
  const Ended ended = daemon.ctl({"conn", "list", "-o", "json"});
  EXPECT_EQ(std::count(ended.out.begin(), ended.out.end(), '\n'), 2);
  v1::Connection read;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(ended.out.substr(0, ended.out.find('\n')), &read).ok());
  EXPECT_EQ(read.local_port(), 40000U);
}

TEST(ConnList, AnErrorBeforeTheFirstPrintsNoHeader) {
  FakeDaemon daemon;
  daemon.refuse = grpc::Status(grpc::StatusCode::NOT_FOUND, "service x: there is none");
  const Ended ended = daemon.ctl({"conn", "list", "--service", "x"});
  EXPECT_EQ(ended.exit, 4);
  EXPECT_EQ(ended.out, "");
}

TEST(Status, ShowsTotalsAndProblems) {
  FakeDaemon daemon;
  daemon.status = message_of<v1::Status>(R"(version: "0.1.0" dpdk_version: "22.11" hostname: "lb1" revision: 7
    services: 1 reals: 3 reals_up: 2 workers: 2 connections: 262144 connection_capacity: 524288
    ipv6_connections: 65536 ipv6_connection_capacity: 131072
    connection_table_bytes: 50331648 problems: "port outside: link is down; check the cable")");
  const Ended ended = daemon.ctl({"status"});
  EXPECT_EQ(ended.exit, 0);
  EXPECT_THAT(ended.out, StartsWith("version      shuntd 0.1.0, DPDK 22.11\n"));
  EXPECT_THAT(ended.out, HasSubstr("reals        3, 2 up\n"));
  EXPECT_THAT(ended.out, HasSubstr("connections  IPv4 262k of 524k (50.0%), IPv6 65536 of 131k (50.0%), tables take 48.0 "
                                   "MiB\n"));
  EXPECT_THAT(ended.out, HasSubstr("problems     port outside: link is down; check the cable\n"));
}

TEST(Version, NeedsNoDaemon) {
  const Ended ended = run_shuntctl({"-s", "/nowhere", "version"});
  EXPECT_EQ(ended.exit, 0);
  EXPECT_THAT(ended.out, StartsWith("shuntctl "));
}

TEST(Machine, DropsWorkersAndPortsAreTables) {
  FakeDaemon daemon;
  daemon.drops = message_of<v1::ListDropsResponse>(
      R"(drops { reason: "no_neighbour" packets: 1200000 rate: 3 meaning: "The next hop is unresolved." })");
  EXPECT_EQ(daemon.ctl({"drops"}).out,
            "Reason        Packets  PPS  Meaning\n"
            "no_neighbour    1.20M  3.0  The next hop is unresolved.\n");
  daemon.workers = message_of<v1::ListWorkersResponse>(
      "workers { worker: 1 lcore: 3 busy_ratio: 0.425 cycles_per_packet: 118 packets_per_burst: 31.5 snapshot: 9 }");
  EXPECT_THAT(daemon.ctl({"workers"}).out, HasSubstr("     1      3  42.5%         118          32 "));
  daemon.ports = message_of<v1::ListPortsResponse>(
      R"(ports { name: "outside" device: "net_tap0" driver: "net_tap" mac: "02:00:00:00:00:01" mtu: 1500 queues: 1
                 kernel_port: "sh-outside" rx_checksum_offload: true })");
  EXPECT_THAT(daemon.ctl({"ports"}).out, AllOf(HasSubstr("outside  down     -  1500"), HasSubstr("sh-outside  rx-checksum")));
}

TEST(Machine, WorkersShowTheTablesOfBothFamilies) {
  FakeDaemon daemon;
  daemon.workers = message_of<v1::ListWorkersResponse>(
      "workers { connections: 17 connection_capacity: 4096 ipv6_connections: 5 ipv6_connection_capacity: 1024 snapshot: 9 }");
  const Ended ended = daemon.ctl({"workers"});
  EXPECT_THAT(ended.out, HasSubstr("  Conns  Capacity  IPv6Conns  IPv6Capacity  Snapshot\n"));
  EXPECT_THAT(ended.out, HasSubstr("     17      4096          5          1024         9\n"));
}

TEST(Machine, NoDropsIsSaid) {
  FakeDaemon daemon;
  EXPECT_EQ(daemon.ctl({"drops"}).out, "no packet was dropped\n");
}

}  // namespace
}  // namespace shunt::shuntctl
