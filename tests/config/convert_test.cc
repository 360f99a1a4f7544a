#include "config/convert.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "config/validate.h"
#include "config/yaml_file.h"
#include "config/yaml_scalar.h"
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

using control::Milliseconds;
using dataplane::ConnectionState;
using testing::ElementsAre;
using testing::IsEmpty;

control::DesiredState state_of(const std::string& yaml) {
  return to_desired_state(loaded(yaml, Purpose::kDesiredState));
}

// A state in which no field has its default.
control::DesiredState full_state() {
  control::DesiredState state;
  state.timeouts.values[size_t(ConnectionState::kUdp)] = Milliseconds(1500);
  state.local_addresses = {
      {"pool", {*IpAddress::parse("10.0.1.1"), *IpAddress::parse("10.0.1.2")}, "inside"}};
  control::Service service;
  service.name = "web";
  service.protocol = control::Protocol::kUdp;
  service.address = *IpAddress::parse("203.0.113.10");
  service.port = 53;
  service.scheduler = control::SchedulerKind::kMh;
  service.scheduler_flags = {.port = true, .fallback = false};
  service.method = control::Method::kFullnat;
  service.client_address = {.kind = control::ClientAddressKind::kUoa, .uoa_form = dataplane::UoaForm::kOption, .uoa_packets = 9};
  service.reals = {{"a", *IpAddress::parse("10.0.2.1"), 5353, 7, std::nullopt},
                   {"b", *IpAddress::parse("10.0.2.2"), 5353, 0, 9}};
  service.health_check = {true, Milliseconds(1250), Milliseconds(750), 4, 5, 9000};
  service.local_addresses = "pool";
  for (size_t i = 0; i < dataplane::kTimeoutKinds; ++i)
    service.timeouts.values[i] = Milliseconds(1000 + i);
  service.vip_port = "outside";
  service.quorum = control::Quorum{3, 2, control::OnQuorumLoss::kWithdraw};
  service.slow_start = Milliseconds(30000);
  service.panic_threshold = 50;
  service.access = control::Access{{*Prefix::parse("198.51.100.0/24")}, {*Prefix::parse("198.51.100.9/32")}, {"partners"},
                                   {"abusers"}, control::Refusal::kProhibited};
  service.limits = control::Limits{
      {1000, 2000, 800, 500, Milliseconds(2000)},
      control::PerClient{{10, 20, 8, 5, Milliseconds(500)}, 24, 64, 4096},
      control::Refusal::kReset};
  state.access_lists = {{"partners", {*Prefix::parse("192.0.2.0/24"), *Prefix::parse("2001:db8::/32")}},
                        {"abusers", {*Prefix::parse("10.0.0.0/8")}}};
  state.services = {service};
  state.sysctls = {.conn_reuse_mode = 3,
                   .expire_nodest_conn = true,
                   .expire_quiescent_template = true,
                   .sloppy_tcp = true,
                   .sloppy_sctp = true,
                   .secure_tcp = dataplane::Defence::kAlways,
                   .drop_entry = dataplane::Defence::kWhenScarce,
                   .drop_packet = dataplane::Defence::kAlways,
                   .am_droprate = 7,
                   .nat_icmp_send = true,
                   .schedule_icmp = true,
                   .pmtu_disc = false,
                   .amemthresh = 25};
  state.snat = {{"egress",
                 {*Prefix::parse("10.0.0.0/24")},
                 {*Prefix::parse("198.51.100.0/24")},
                 {control::Protocol::kUdp, control::Protocol::kIcmp},
                 "inside",
                 "outside",
                 {*AddressRange::parse("192.0.2.16/28"), *AddressRange::parse("192.0.2.40-192.0.2.42")},
                 {2000, 4000},
                 "outside",
                 service.timeouts}};
  return state;
}

TEST(Convert, AStateSurvivesTheWayThroughTheSchema) {
  const control::DesiredState state = full_state();
  EXPECT_THAT(messages(validate_desired_state(to_proto(state))), IsEmpty());
  EXPECT_TRUE(to_desired_state(to_proto(state)) == state);
}

TEST(Convert, ApplicationIsFtpOrNone) {
  for (const auto& [text, expected] : std::vector<std::pair<std::string, control::Application>>{
           {kWeb, control::Application::kNone},
           {kWeb + "    application: none\n", control::Application::kNone},
           {kWeb + "    application: ftp\n", control::Application::kFtp}}) {
    SCOPED_TRACE(text);
    const control::DesiredState state = state_of(text);
    EXPECT_EQ(state.services[0].application, expected);
    EXPECT_TRUE(to_desired_state(to_proto(state)) == state);
  }
}

TEST(Convert, AnIpv6StateSurvivesTheWayThroughTheSchema) {
  control::DesiredState state = full_state();
  state.local_addresses[0].addresses.push_back(*IpAddress::parse("2001:db8:1::1"));
  control::Service& service = state.services[0];
  service.address = *IpAddress::parse("2001:db8::10");
  service.reals = {
      {"[2001:db8:2::1]:5353", *IpAddress::parse("2001:db8:2::1"), 5353, 7, std::nullopt},
      {"b", *IpAddress::parse("2001:db8:2::2"), 5353, 0, 9}};
  service.access->allow = {*Prefix::parse("2001:db8:3::/48")};
  service.access->deny = {*Prefix::parse("2001:db8:3::9/128")};
  service.limits->per_client->ipv4_prefix = 32;
  service.limits->per_client->ipv6_prefix = 56;
  service.client_address.uoa_form = dataplane::UoaForm::kProtocol;
  EXPECT_THAT(messages(validate_desired_state(to_proto(state))), IsEmpty());
  EXPECT_TRUE(to_desired_state(to_proto(state)) == state);
}

TEST(Convert, AnAddressIsGivenBackInItsOneForm) {
  const auto state = to_proto(state_of(R"(local_addresses:
  - {name: p, addresses: [2001:0DB8:0:0:1:0:0:1]}
services:
  - name: web
    protocol: tcp
    address: 2001:DB8:0::10
    port: 80
    reals: [{address: 2001:DB8:0:0:0:0:0:1}, {address: 2001:DB8::2, name: "[2001:DB8:0::2]:80"}]
)"));
  EXPECT_EQ(state.local_addresses(0).addresses(0), "2001:db8::1:0:0:1");
  EXPECT_EQ(state.services(0).address(), "2001:db8::10");
  EXPECT_EQ(state.services(0).reals(0).address(), "2001:db8::1");
  EXPECT_EQ(state.services(0).reals(0).name(), "[2001:db8::1]:80");
  EXPECT_EQ(state.services(0).reals(1).name(), "[2001:db8::2]:80");
}

TEST(Convert, SysctlsAreIpvssByDefault) {
  const control::Sysctls sysctls = state_of(kWeb).sysctls;
  EXPECT_TRUE(sysctls == control::Sysctls{});
  EXPECT_EQ(sysctls.conn_reuse_mode, 1);
  EXPECT_EQ(sysctls.am_droprate, 10u);
  EXPECT_FALSE(to_proto(state_of(kWeb)).has_sysctls());
}

TEST(Convert, SysctlsAreReadByIpvssNumbers) {
  using dataplane::Defence;
  const auto sysctls = state_of(R"(sysctls:
  conn_reuse_mode: 0
  expire_nodest_conn: true
  secure_tcp: 1
  drop_entry: 2
  drop_packet: 3
  am_droprate: 5
  cache_bypass: false
)").sysctls;
  EXPECT_EQ(sysctls.conn_reuse_mode, 0);
  EXPECT_TRUE(sysctls.expire_nodest_conn);
  EXPECT_EQ(sysctls.secure_tcp, Defence::kWhenScarce);
  EXPECT_EQ(sysctls.drop_entry, Defence::kWhenScarce);
  EXPECT_EQ(sysctls.drop_packet, Defence::kAlways);
  EXPECT_EQ(sysctls.am_droprate, 5u);
}

TEST(Convert, SysctlsOfAFileAreDesiredState) {
  const v1::Config config = loaded(kOutside + "sysctls: {drop_entry: 3}\n", Purpose::kDaemon);
  EXPECT_EQ(to_desired_state(config).sysctls.drop_entry, dataplane::Defence::kAlways);
}

TEST(Convert, SloppyTcpSurvives) {
  const std::string sloppy = kWeb + "    sloppy_tcp: true\n";
  const control::DesiredState state = state_of(sloppy);
  EXPECT_TRUE(state.services[0].sloppy_tcp);
  EXPECT_TRUE(to_desired_state(to_proto(state)) == state);
}

TEST(Convert, PersistenceAndWhatGoesWithItSurvive) {
  const control::DesiredState state = state_of(kWeb + R"(    persistence: {timeout: 90s, ipv4_prefix: 24}
    no_real: drop
    reals: [{address: 10.0.0.1, upper_threshold: 100, lower_threshold: 80}]
    sorry_reals: [{address: 10.0.0.2, weight: 3}]
)");
  const control::Service& service = state.services[0];
  ASSERT_TRUE(service.persistence);
  EXPECT_EQ(service.persistence->timeout, Milliseconds(90000));
  EXPECT_EQ(service.persistence->ipv4_prefix, 24);
  EXPECT_EQ(service.no_real, control::NoReal::kDrop);
  ASSERT_EQ(service.reals.size(), 2U);
  EXPECT_EQ(service.reals[0].upper_threshold, 100U);
  EXPECT_EQ(service.reals[0].lower_threshold, 80U);
  EXPECT_FALSE(service.reals[0].sorry);
  EXPECT_TRUE(service.reals[1].sorry);
  EXPECT_EQ(service.reals[1].weight, 3U);
  EXPECT_EQ(to_proto(state).services(0).reals_size(), 1);
  EXPECT_EQ(to_proto(state).services(0).sorry_reals_size(), 1);
  EXPECT_TRUE(to_desired_state(to_proto(state)) == state);
}

TEST(Convert, ClientAddressSurvives) {
  using control::ClientAddressKind;
  using dataplane::UoaForm;
  const std::string fullnat = "    method: fullnat\n    local_addresses: pool\n";
  const std::string udp = [] {
    std::string text = kWeb;
    return text.replace(text.find("tcp"), 3, "udp");
  }();
  const std::vector<std::pair<std::string, control::ClientAddress>> cases = {
      {kWeb, {}},
      {kWeb + fullnat + "    client_address: none\n", {}},
      {kWeb + fullnat + "    client_address: toa\n", {.kind = ClientAddressKind::kToa}},
      {kWeb + fullnat + "    client_address: toa\n    toa_option: 200\n", {.kind = ClientAddressKind::kToa, .toa_option = 200}},
      {kWeb + fullnat + "    client_address: proxy_v1\n", {.kind = ClientAddressKind::kProxyV1}},
      {udp + fullnat + "    client_address: proxy_v2\n", {.kind = ClientAddressKind::kProxyV2}},
      {udp + fullnat + "    client_address: uoa\n", {.kind = ClientAddressKind::kUoa}},
      {udp + fullnat + "    client_address: uoa\n    uoa_form: option\n    uoa_packets: 7\n",
       {.kind = ClientAddressKind::kUoa, .uoa_form = UoaForm::kOption, .uoa_packets = 7}},
  };
  for (const auto& [text, expected] : cases) {
    SCOPED_TRACE(text);
    const control::DesiredState state = state_of("local_addresses: [{name: pool, addresses: [10.0.1.1]}]\n" + text);
    EXPECT_EQ(state.services[0].client_address, expected);
    EXPECT_TRUE(to_desired_state(to_proto(state)) == state);
  }
}

TEST(Convert, SegmentSizeSurvives) {
  const control::DesiredState state = state_of(kWeb + "    max_segment_size: 1400\n");
  EXPECT_EQ(state.services[0].max_segment_size, 1400);
  EXPECT_TRUE(to_desired_state(to_proto(state)) == state);
}

TEST(Convert, VipsRangesMatchesAndOnePacketSurvive) {
  control::DesiredState state = full_state();
  state.services[0].more_vips = {{*IpAddress::parse("203.0.113.10"), {8000, 8999}},
                                 {*IpAddress::parse("203.0.113.11"), {53, 53}},
                                 {*IpAddress::parse("203.0.113.12"), control::kAllPorts}};
  control::Service range;
  range.name = "range";
  range.protocol = control::Protocol::kUdp;
  range.address = *IpAddress::parse("203.0.113.20");
  range.port = 1000;
  range.last_port = 1999;
  range.one_packet = true;
  range.health_check.enabled = false;
  range.reals = {{"10.0.2.9:0", *IpAddress::parse("10.0.2.9"), 0, 1, std::nullopt}};
  control::Service all = range;
  all.name = "all";
  all.address = *IpAddress::parse("203.0.113.21");
  all.port = all.last_port = 0;
  all.reals[0].address = *IpAddress::parse("10.0.2.8");
  all.reals[0].name = "10.0.2.8:0";
  control::Service match;
  match.name = "match";
  match.match = {{*Prefix::parse("10.0.0.0/8")}, {*Prefix::parse("0.0.0.0/0")}, {80, 89}, "outside"};
  match.health_check.enabled = false;
  control::Service match6 = match;
  match6.name = "match6";
  match6.match = {{}, {*Prefix::parse("2001:db8::/32")}, control::kAllPorts, ""};
  control::Service one = match6;
  one.name = "one";
  one.match->ports = {80, 80};
  state.services.insert(state.services.end(), {range, all, match, match6, one});
  EXPECT_THAT(messages(validate_desired_state(to_proto(state))), IsEmpty());
  EXPECT_TRUE(to_desired_state(to_proto(state)) == state);
}

TEST(Convert, AnEngineOfPersistenceSurvives) {
  const auto state = state_of(R"(services:
  - {name: calls, protocol: udp, address: 203.0.113.11, port: 5060, persistence: {engine: sip}}
)");
  EXPECT_TRUE(state.services[0].persistence->by_call);
  EXPECT_TRUE(to_desired_state(to_proto(state)) == state);
}

TEST(Convert, ARemoteChecksumIsAFullOne) {
  const auto state = state_of(R"(services:
  - {name: a, protocol: tcp, address: 203.0.113.12, port: 80, method: tunnel, tunnel: {kind: gue, checksum: remote}}
)");
  EXPECT_EQ(state.services[0].tunnel.kind, dataplane::TunnelKind::kGueChecksum);
}

TEST(Convert, PersistenceHasItsDefaults) {
  const auto persistence = state_of(kWeb + "    persistence: {}\n").services[0].persistence;
  ASSERT_TRUE(persistence);
  EXPECT_EQ(*persistence, control::Persistence{});
  EXPECT_EQ(persistence->timeout, Milliseconds(300000));
  EXPECT_FALSE(state_of(kWeb).services[0].persistence);
}

TEST(Convert, ARealWithoutAPortHasTheServicesWhereThatIsOne) {
  const std::string reals = "    reals: [{address: 10.0.2.1}]\n    health_check: {disabled: true}\n";
  EXPECT_EQ(state_of(kWeb + reals).services[0].reals[0].port, 80);
  EXPECT_EQ(state_of(kWeb + "    last_port: 80\n" + reals).services[0].reals[0].port, 80);
  const std::string same = "    more_vips: [{address: 203.0.113.11, port: 80}]\n";
  EXPECT_EQ(state_of(kWeb + same + reals).services[0].reals[0].port, 80);
  for (const char* wider : {"    last_port: 81\n", "    more_vips: [{address: 203.0.113.11, port: 81}]\n",
                            "    more_vips: [{address: 203.0.113.11, all_ports: true}]\n"}) {
    const auto state = state_of(kWeb + wider + reals);
    EXPECT_EQ(state.services[0].reals[0].port, 0) << wider;
    EXPECT_EQ(state.services[0].reals[0].name, "10.0.2.1:0") << wider;
  }
}

TEST(Convert, EveryTunnelSurvives) {
  using control::Tunnel, control::TunnelKind;
  for (const Tunnel& tunnel :
       {Tunnel{}, Tunnel{TunnelKind::kGre, 0}, Tunnel{TunnelKind::kGreChecksum, 0},
        Tunnel{TunnelKind::kGue, 6080}, Tunnel{TunnelKind::kGueChecksum, 7000}}) {
    control::DesiredState state = full_state();
    control::Service& service = state.services[0];
    service.method = control::Method::kTunnel;
    service.local_addresses = "";
    service.client_address = {};
    service.tunnel = tunnel;
    service.reals = {
        {"a", *IpAddress::parse("10.0.2.1"), 53, 7, std::nullopt},
        {"b", *IpAddress::parse("2001:db8:2::1"), 53, 0, 9, 0, 0, false, Tunnel{TunnelKind::kGre, 0}},
        {"c", *IpAddress::parse("10.0.2.3"), 53, 1, std::nullopt, 0, 0, false, tunnel}};
    EXPECT_THAT(messages(validate_desired_state(to_proto(state))), IsEmpty());
    EXPECT_TRUE(to_desired_state(to_proto(state)) == state);
  }
}

TEST(Convert, ATunnelIsIpipAndGueHasIanasPort) {
  using control::Tunnel, control::TunnelKind;
  const std::string tunnel = kWeb + "    method: tunnel\n    reals: [{address: 10.0.0.1}]\n";
  EXPECT_EQ(state_of(tunnel).services[0].tunnel, Tunnel{});
  EXPECT_EQ(state_of(tunnel).services[0].reals[0].tunnel, std::nullopt);
  EXPECT_EQ(state_of(tunnel + "    tunnel: {kind: gue}\n").services[0].tunnel,
            (Tunnel{TunnelKind::kGue, 6080}));
  EXPECT_EQ(
      state_of(tunnel + "    tunnel: {kind: gue, port: 9, checksum: full}\n").services[0].tunnel,
      (Tunnel{TunnelKind::kGueChecksum, 9}));
  EXPECT_EQ(state_of(tunnel + "    tunnel: {kind: gre, checksum: none}\n").services[0].tunnel,
            (Tunnel{TunnelKind::kGre, 0}));
}

TEST(Convert, EveryProtocolSchedulerAndMethodSurvives) {
  using control::Method, control::Protocol, control::SchedulerKind;
  for (const Method method : {Method::kDirect, Method::kTunnel, Method::kNat, Method::kFullnat}) {
    for (const SchedulerKind scheduler :
         {SchedulerKind::kRr, SchedulerKind::kWrr, SchedulerKind::kLc, SchedulerKind::kWlc,
          SchedulerKind::kMh, SchedulerKind::kSed, SchedulerKind::kNq, SchedulerKind::kSh,
          SchedulerKind::kDh, SchedulerKind::kFo, SchedulerKind::kOvf, SchedulerKind::kTwos,
          SchedulerKind::kLblc, SchedulerKind::kLblcr, SchedulerKind::kConhash}) {
      for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp}) {
        control::DesiredState state = full_state();
        control::Service& service = state.services[0];
        service.method = method;
        service.scheduler = scheduler;
        if (!control::has_flags(scheduler)) service.scheduler_flags = {};
        if (control::has_load_bound(scheduler)) service.scheduler_flags = {.port = true, .load_bound = 150};
        service.protocol = protocol;
        EXPECT_TRUE(to_desired_state(to_proto(state)) == state);
      }
    }
  }
}

TEST(Convert, EachSchedulerHasItsName) {
  using control::SchedulerKind;
  const std::vector<std::pair<std::string, SchedulerKind>> kinds = {
      {"rr", SchedulerKind::kRr},   {"wrr", SchedulerKind::kWrr}, {"lc", SchedulerKind::kLc},
      {"wlc", SchedulerKind::kWlc}, {"mh", SchedulerKind::kMh},   {"sed", SchedulerKind::kSed},
      {"nq", SchedulerKind::kNq},   {"sh", SchedulerKind::kSh},   {"dh", SchedulerKind::kDh},
      {"fo", SchedulerKind::kFo},   {"ovf", SchedulerKind::kOvf}, {"twos", SchedulerKind::kTwos},
      {"lblc", SchedulerKind::kLblc}, {"lblcr", SchedulerKind::kLblcr},
      {"conhash", SchedulerKind::kConhash}};
  EXPECT_EQ(kinds.size(), enum_words(v1::Service::descriptor()->FindFieldByName("scheduler")).size());
  for (const auto& [word, kind] : kinds)
    EXPECT_EQ(state_of(kWeb + "    scheduler: " + word + "\n").services[0].scheduler, kind) << word;
}

TEST(Convert, UnsetFlagsSpareClientsOfADrainedReal) {
  const std::string maglev = kWeb + "    scheduler: mh\n";
  const control::SchedulerFlags defaults{.port = false, .fallback = true};
  EXPECT_EQ(state_of(maglev).services[0].scheduler_flags, defaults);
  EXPECT_EQ(state_of(maglev + "    scheduler_flags:\n").services[0].scheduler_flags, defaults);
}

TEST(Convert, EachSchedulerFlagIsAsWritten) {
  const auto flags_of = [](const std::string& scheduler, const std::string& flags) {
    const auto state =
        state_of(kWeb + "    scheduler: " + scheduler + "\n    scheduler_flags: {" + flags + "}\n");
    EXPECT_TRUE(to_desired_state(to_proto(state)) == state) << scheduler << " " << flags;
    return state.services[0].scheduler_flags;
  };
  using Flags = control::SchedulerFlags;
  for (const char* scheduler : {"sh", "mh"}) {
    EXPECT_EQ(flags_of(scheduler, "port: true"), (Flags{.port = true, .fallback = true}));
    EXPECT_EQ(flags_of(scheduler, "port: false"), (Flags{.port = false, .fallback = true}));
    EXPECT_EQ(flags_of(scheduler, "fallback: true"), (Flags{.port = false, .fallback = true}));
    EXPECT_EQ(flags_of(scheduler, "fallback: false"), (Flags{.port = false, .fallback = false}));
    EXPECT_EQ(flags_of(scheduler, "port: true, fallback: false"),
              (Flags{.port = true, .fallback = false}));
  }
}

TEST(Convert, AnEmptyStateStaysEmpty) {
  EXPECT_EQ(to_proto(control::DesiredState{}).ByteSizeLong(), 0U);
  EXPECT_TRUE(to_desired_state(v1::DesiredState{}) == control::DesiredState{});
}

TEST(Convert, AServiceTakesTheSchemasDefaults) {
  const auto state = state_of(kWeb + "    reals: [{address: 10.0.0.1}]\n");
  ASSERT_EQ(state.services.size(), 1U);
  control::Service expected;
  expected.name = "web";
  expected.protocol = control::Protocol::kTcp;
  expected.address = *IpAddress::parse("203.0.113.10");
  expected.port = 80;
  expected.scheduler = control::SchedulerKind::kWlc;
  expected.method = control::Method::kNat;
  expected.reals = {{"10.0.0.1:80", *IpAddress::parse("10.0.0.1"), 80, 1, std::nullopt}};
  expected.health_check = {true, Milliseconds(5000), Milliseconds(2000), 2, 3, 0};
  EXPECT_TRUE(state.services[0] == expected);
}

TEST(Convert, AWrittenWeight0IsNotTheDefault) {
  EXPECT_EQ(
      state_of(kWeb + "    reals: [{address: 10.0.0.1, weight: 0}]\n").services[0].reals[0].weight,
      0U);
}

TEST(Convert, ARealsNameIsItsOwnAddressAndPort) {
  const auto state = state_of(kWeb + "    reals: [{address: 10.0.0.1, port: 8080}]\n");
  EXPECT_EQ(state.services[0].reals[0].name, "10.0.0.1:8080");
}

TEST(Convert, AShortIntervalShortensTheDefaultTimeout) {
  const auto state = state_of(kWeb + "    health_check: {interval: 1s}\n");
  EXPECT_EQ(state.services[0].health_check.timeout, Milliseconds(1000));
}

TEST(Convert, AUdpServiceIsCheckedOnlyWhereItSaysSo) {
  std::string udp = kWeb;
  udp.replace(udp.find("tcp"), 3, "udp");
  EXPECT_FALSE(state_of(udp).services[0].health_check.enabled);
  EXPECT_TRUE(state_of(udp + "    health_check: {port: 8080}\n").services[0].health_check.enabled);
  EXPECT_FALSE(
      state_of(udp + "    health_check: {disabled: true}\n").services[0].health_check.enabled);
  EXPECT_FALSE(
      state_of(kWeb + "    health_check: {disabled: true}\n").services[0].health_check.enabled);
}

TEST(Convert, AnSctpServiceIsCheckedOnlyWhereItSaysSo) {
  std::string sctp = kWeb;
  sctp.replace(sctp.find("tcp"), 3, "sctp");
  EXPECT_EQ(state_of(sctp).services[0].protocol, control::Protocol::kSctp);
  EXPECT_FALSE(state_of(sctp).services[0].health_check.enabled);
  const auto checked = state_of(sctp + "    health_check: {port: 8080}\n").services[0].health_check;
  EXPECT_TRUE(checked.enabled);
  EXPECT_EQ(checked.port, 8080);
}

TEST(Convert, SloppySctpSurvives) {
  std::string sctp = kWeb + "    sloppy_sctp: true\n";
  sctp.replace(sctp.find("tcp"), 3, "sctp");
  const control::DesiredState state = state_of(sctp);
  EXPECT_TRUE(state.services[0].sloppy_sctp);
  EXPECT_TRUE(to_desired_state(to_proto(state)) == state);
}

TEST(Convert, EachTimeoutGoesToTheStateOfItsName) {
  const auto* fields = v1::Timeouts::descriptor();
  ASSERT_EQ(fields->field_count(), static_cast<int>(dataplane::kTimeoutKinds));
  const std::vector<std::pair<const char*, ConnectionState>> kinds = {
      {"tcp_none", ConnectionState::kNone},
      {"tcp_established", ConnectionState::kEstablished},
      {"tcp_syn_sent", ConnectionState::kSynSent},
      {"tcp_syn_recv", ConnectionState::kSynRecv},
      {"tcp_fin_wait", ConnectionState::kFinWait},
      {"tcp_time_wait", ConnectionState::kTimeWait},
      {"tcp_close", ConnectionState::kClose},
      {"tcp_close_wait", ConnectionState::kCloseWait},
      {"tcp_last_ack", ConnectionState::kLastAck},
      {"tcp_listen", ConnectionState::kListen},
      {"tcp_synack", ConnectionState::kSynAck},
      {"udp", ConnectionState::kUdp},
      {"sctp_none", ConnectionState::kSctpNone},
      {"sctp_init1", ConnectionState::kSctpInit1},
      {"sctp_init", ConnectionState::kSctpInit},
      {"sctp_cookie_sent", ConnectionState::kSctpCookieSent},
      {"sctp_cookie_replied", ConnectionState::kSctpCookieReplied},
      {"sctp_cookie_wait", ConnectionState::kSctpCookieWait},
      {"sctp_cookie", ConnectionState::kSctpCookie},
      {"sctp_cookie_echoed", ConnectionState::kSctpCookieEchoed},
      {"sctp_established", ConnectionState::kSctpEstablished},
      {"sctp_shutdown_sent", ConnectionState::kSctpShutdownSent},
      {"sctp_shutdown_received", ConnectionState::kSctpShutdownReceived},
      {"sctp_shutdown_ack_sent", ConnectionState::kSctpShutdownAckSent},
      {"sctp_rejected", ConnectionState::kSctpRejected},
      {"sctp_closed", ConnectionState::kSctpClosed},
      {"icmp", ConnectionState::kIcmp}};
  ASSERT_EQ(kinds.size(), dataplane::kTimeoutKinds);
  for (const auto& [field, kind] : kinds) {
    const auto state = state_of("timeouts: {" + std::string(field) + ": 7s}\n");
    for (size_t i = 0; i < dataplane::kTimeoutKinds; ++i) {
      const bool set = i == static_cast<size_t>(kind);
      EXPECT_EQ(state.timeouts.values[i], set ? std::optional(Milliseconds(7000)) : std::nullopt)
          << field << " " << i;
    }
  }
}

TEST(Convert, TheDesiredPartIsTheFileWithoutItsMachine) {
  const v1::Config config = loaded(
      kOutside + kWeb + "timeouts: {udp: 5s}\nlocal_addresses: [{name: p}]\n", Purpose::kDaemon);
  const v1::DesiredState state = desired_part(config);
  EXPECT_EQ(state.services_size(), 1);
  EXPECT_EQ(state.local_addresses_size(), 1);
  EXPECT_EQ(state.timeouts().udp().seconds(), 5);
  EXPECT_FALSE(desired_part(v1::Config()).has_timeouts());
}

}  // namespace
}  // namespace shunt::config
