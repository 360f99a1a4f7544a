// Kinds of health checks: what is refused, and that each survives the way through the schema.
#include "config/check_text.h"
#include "config/convert.h"
#include "config/convert_health.h"
#include "config/validate.h"
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace health_checks_test {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const std::vector<YamlCase> kCases = {
    {"EveryKindIsUnderstood",
     Purpose::kDesiredState,
     R"(services:
  - {name: a, protocol: tcp, address: 203.0.113.10, port: 1, health_check: {tcp: {}}}
  - {name: b, protocol: tcp, address: 203.0.113.10, port: 2, health_check: {http: {path: /healthz, status: "200-299,401", headers: ["X-Check: yes"], host: "web.example:8080", method: GET, body: fine, http2: true}}}
  - {name: c, protocol: tcp, address: 203.0.113.10, port: 3, health_check: {https: {tls: {server_name: web.example, ca_file: /etc/ca.pem}}}}
  - {name: d, protocol: udp, address: 203.0.113.10, port: 4, health_check: {udp: {send_hex: "00ff", expect: pong}}}
  - {name: e, protocol: udp, address: 203.0.113.10, port: 5, health_check: {dns: {name: example.org, type: aaaa, code: nxdomain}}}
  - {name: f, protocol: sctp, address: 203.0.113.10, port: 6, health_check: {icmp: {}}}
  - {name: g, protocol: tcp, address: 203.0.113.10, port: 7, health_check: {grpc: {service: shop.Cart, tls: {no_verify: true}}}}
  - {name: h, protocol: sctp, address: 203.0.113.10, port: 8, health_check: {exec: {command: [web-check, --quick]}}}
)",
     {}},
    {"ACheckIsOfOneKind",
     Purpose::kDesiredState,
     kWeb + R"(    health_check:
      http: {path: /}
      icmp: {}
)",
     {"CONFLICT lb.yaml:8:13: service web: http and icmp are given, and a check does one thing; "
      "keep one of them; a second service may check the same reals in another way"}},
    {"AnHttpRequestIsOne",
     Purpose::kDesiredState,
     kWeb + R"(    health_check:
      http: {path: "healthz", method: get, status: "200-600", host: "http://web"}
)",
     {"MALFORMED lb.yaml:7:20: service web: path \"healthz\" does not begin with /; write the path "
      "alone, without scheme and host; the host is in host",
      "MALFORMED lb.yaml:7:39: service web: method \"get\" is not a word of capital letters; write "
      "GET, HEAD or another method",
      "MALFORMED lb.yaml:7:52: service web: status \"200-600\" is not a list of statuses within "
      "100..599; write it as 200, 200-299 or 200-299,401",
      "MALFORMED lb.yaml:7:69: service web: host \"http://web\" is not NAME or NAME:PORT; write the "
      "name alone, without scheme and path"}},
    {"ARequestHasNoLineOfSomebodyElse",
     Purpose::kDesiredState,
     kWeb + R"(    health_check:
      http: {path: "/a b", headers: ["X: a\r\nY: b", "no-colon", "host: b"]}
)",
     {"MALFORMED lb.yaml:7:20: service web: path \"/a b\" has a space in it; write it as %20",
      "MALFORMED lb.yaml:7:38: service web: header \"X: a\\x0d\\x0aY: b\" has bytes that are not "
      "printable ASCII; leave them out",
      "MALFORMED lb.yaml:7:54: service web: header \"no-colon\" is not of the form NAME: VALUE; "
      "write it as \"X-Check: yes\"",
      "CONFLICT lb.yaml:7:66: service web: header \"host: b\" is given in headers; write it as "
      "host"}},
    {"TlsIsOfHttpsAlone",
     Purpose::kDesiredState,
     kWeb + R"(    health_check:
      http: {tls: {no_verify: true}}
)",
     {"CONFLICT lb.yaml:7:19: service web: tls is given but http goes without TLS; remove the "
      "lines, or write https in place of http"}},
    {"TlsHasItsRules",
     Purpose::kDesiredState,
     kWeb + R"(    health_check:
      https: {tls: {server_name: "web:443", ca_file: ca.pem, no_verify: true}}
)",
     {"MALFORMED lb.yaml:7:34: service web: server_name \"web:443\" has a colon in it; write the "
      "name alone, without a port",
      "MALFORMED lb.yaml:7:54: service web: ca_file \"ca.pem\" is not an absolute path; write it "
      "with the folders from / on",
      "CONFLICT lb.yaml:7:54: service web: ca_file is given but no_verify is true; remove one of "
      "the two lines"}},
    {"AnAnswerToHeadHasNoBody",
     Purpose::kDesiredState,
     kWeb + R"(    health_check: {http: {method: HEAD, body: ok}}
)",
     {"CONFLICT lb.yaml:6:47: service web: body is given but the method is HEAD, whose answers have "
      "none; remove the line, or set method: GET"}},
    {"BytesAreTextOrDigits",
     Purpose::kDesiredState,
     kWeb + R"(    health_check: {udp: {send: a, send_hex: "00f", expect_hex: "zz"}}
)",
     {"CONFLICT lb.yaml:6:45: service web: send and send_hex are given; keep one of the two",
      "MALFORMED lb.yaml:6:45: service web: send_hex \"00f\" is not pairs of hexadecimal digits; "
      "write two digits a byte, as in 00ff10",
      "MALFORMED lb.yaml:6:64: service web: expect_hex \"zz\" is not pairs of hexadecimal digits; "
      "write two digits a byte, as in 00ff10"}},
    {"ADomainNameIsOne",
     Purpose::kDesiredState,
     kWeb + R"(    health_check: {dns: {name: a..b}}
)",
     {"MALFORMED lb.yaml:6:32: service web: name \"a..b\" is not a domain name; write labels of 1 "
      "to 63 bytes with points between them, 253 bytes in all"}},
    {"AProgramIsAPlainName",
     Purpose::kDesiredState,
     kWeb + R"(    health_check: {exec: {command: [../../bin/sh, -c, "rm -rf /"]}}
)",
     {"MALFORMED lb.yaml:6:37: service web: the program \"../../bin/sh\" is not a plain name; put it "
      "into the folder of check programs (shuntd --check-programs, /etc/shunt/checks), and write its "
      "name alone"}},
    {"ACommandIsNotEmpty",
     Purpose::kDesiredState,
     kWeb + R"(    health_check: {exec: {}}
)",
     {"REQUIRED lb.yaml:6:26: service web: command is missing; write the program's name and its "
      "arguments: [web-check, --quick]"}},
    {"AnHttpCheckOfAnSctpServiceNamesItsPort",
     Purpose::kDesiredState,
     R"(services:
  - {name: a, protocol: sctp, address: 203.0.113.10, port: 1, health_check: {http: {}}}
)",
     {"REQUIRED lb.yaml:2:77: service a: an SCTP port does not answer a check by http, and port is "
      "missing; name a port where the reals answer it, or remove the health_check"}},
    {"PausesOfADownRealAreAtLeastTheInterval",
     Purpose::kDesiredState,
     kWeb + R"(    health_check: {down_interval: 2s, jitter: 51}
)",
     {"CONFLICT lb.yaml:6:35: service web: down_interval 2s is less than the interval, 5s; raise it, "
      "or remove the line",
      "OUT_OF_RANGE lb.yaml:6:47: service web: jitter 51 exceeds 50; use 1..50"}},
    {"WhatClientsSeeIsToBeSeen",
     Purpose::kDesiredState,
     R"(services:
  - {name: a, protocol: tcp, address: 203.0.113.10, port: 1, method: nat, health_check: {passive: {interval: 5s}}}
  - {name: b, protocol: tcp, address: 203.0.113.10, port: 2, method: direct, health_check: {passive: {}}}
  - {name: c, protocol: tcp, address: 203.0.113.10, port: 3, method: tunnel, health_check: {passive: {}}}
  - {name: d, protocol: udp, address: 203.0.113.10, port: 4, health_check: {passive: {}}}
)",
     {"CONFLICT lb.yaml:3:102: service b: passive is given but the method is direct, under which reals answer clients past "
      "us; remove the lines, or set method: nat or fullnat",
      "CONFLICT lb.yaml:4:102: service c: passive is given but the method is tunnel, under which reals answer clients past "
      "us; remove the lines, or set method: nat or fullnat",
      "CONFLICT lb.yaml:5:86: service d: passive is given but the protocol is udp, and only connections of TCP tell "
      "whether they were answered; remove the lines, and let a check say whether reals are well"}},
    {"PassiveNumbersAreInTheirRanges",
     Purpose::kDesiredState,
     kWeb + R"(    health_check:
      passive: {interval: 10ms, failure_percent: 101, min_connections: 1000001, consecutive: 1000001, inhibit: 25h, max_inhibited_percent: 101}
)",
     {"OUT_OF_RANGE lb.yaml:7:27: service web: interval 10ms is less than 1s; use 1s..1h",
      "OUT_OF_RANGE lb.yaml:7:50: service web: failure_percent 101 exceeds 100; use 1..100",
      "OUT_OF_RANGE lb.yaml:7:72: service web: min_connections 1000001 exceeds 1000000; use 1..1000000",
      "OUT_OF_RANGE lb.yaml:7:94: service web: consecutive 1000001 exceeds 1000000; use 1..1000000",
      "OUT_OF_RANGE lb.yaml:7:112: service web: inhibit 25h exceeds 1d; use 1s..1d",
      "OUT_OF_RANGE lb.yaml:7:140: service web: max_inhibited_percent 101 exceeds 100; use 1..100"}},
    {"TheLongestInhibitionIsNoShorterThanTheFirst",
     Purpose::kDesiredState,
     kWeb + R"(    health_check: {passive: {max_inhibit: 20s}}
)",
     {"CONFLICT lb.yaml:6:43: service web: max_inhibit 20s is less than inhibit, 30s; raise it, or lower inhibit"}},
    {"AVipIsAskedWhereClientsArePassedOn",
     Purpose::kDesiredState,
     R"(services:
  - {name: a, protocol: tcp, address: 203.0.113.10, port: 1, method: direct, health_check: {http: {}, through: vip}, reals: [{address: 10.0.0.1}]}
  - {name: b, protocol: tcp, address: 203.0.113.10, port: 2, method: nat, health_check: {through: vip}}
  - {name: c, protocol: tcp, address: 203.0.113.10, port: 3, method: direct, health_check: {icmp: {}, through: vip}}
  - {name: d, protocol: udp, address: 203.0.113.10, port: 4, method: direct, health_check: {udp: {}, through: vip}}
  - {name: e, protocol: tcp, address: 203.0.113.10, port: 5, method: tunnel, health_check: {through: vip}, reals: [{address: "2001:db8::1"}]}
  - {name: f, protocol: udp, address: 203.0.113.10, port: 6, method: tunnel, health_check: {udp: {expect: pong}, through: vip}}
  - {name: g, protocol: tcp, address: 203.0.113.10, port: 7, health_check: {through: real}}
)",
     {"CONFLICT lb.yaml:3:99: service b: through is vip but the method is nat, under which clients' packets go to the real's "
      "own address, too; remove the line",
      "CONFLICT lb.yaml:4:112: service c: through is vip but the check is by icmp; take tcp, http, https, grpc, dns or udp, or "
      "remove the line",
      "CONFLICT lb.yaml:5:111: service d: through is vip but the udp check takes silence for success, and what a real without "
      "the VIP sends is silence; set udp.needs_answer: true, or remove the line",
      "CONFLICT lb.yaml:6:102: service e: through is vip but real [2001:db8::1]:5 is not of the VIP's family; remove the line, or "
      "make a service of the other reals"}},
    {"AnEchoNeedsNoPort",
     Purpose::kDesiredState,
     R"(services:
  - {name: a, protocol: tcp, address: 203.0.113.10, all_ports: true, reals: [{address: 10.0.0.1}], health_check: {icmp: {}}}
  - {name: b, protocol: tcp, address: 203.0.113.11, all_ports: true, reals: [{address: 10.0.0.1}], health_check: {https: {}}}
)",
     {"REQUIRED lb.yaml:3:114: service b: health_check.port is missing, and real 10.0.0.1:0 keeps "
      "the packets' ports; name the port to check, or set health_check.disabled: true"}},
};

class ValidateHealthChecks : public YamlCaseTest {};
TEST_P(ValidateHealthChecks, SaysWhatIsWrong) { check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(, ValidateHealthChecks, testing::ValuesIn(kCases), case_name);

control::CheckKind kind_of(const std::string& check) {
  const LoadedFile file =
      load_yaml_text(kWeb + "    health_check: " + check + "\n", "lb.yaml", Purpose::kDesiredState);
  EXPECT_THAT(messages(file.problems), IsEmpty()) << check;
  return to_desired_state(file.config).services.at(0).health_check.kind;
}

TEST(HealthCheckKinds, AKindHasItsDefaults) {
  EXPECT_EQ(kind_of("{}"), control::CheckKind(control::TcpCheck{}));
  EXPECT_EQ(kind_of("{tcp: {}}"), control::CheckKind(control::TcpCheck{}));
  EXPECT_EQ(kind_of("{http: {}}"), control::CheckKind(control::HttpCheck{}));
  EXPECT_EQ(kind_of("{https: {}}"), control::CheckKind(control::HttpCheck{.secure = true}));
  EXPECT_EQ(kind_of("{dns: {}}"), control::CheckKind(control::DnsCheck{}));
  EXPECT_EQ(kind_of("{udp: {}}"), control::CheckKind(control::UdpCheck{}));
  EXPECT_EQ(kind_of("{grpc: {tls: {}}}"), control::CheckKind(control::GrpcCheck{.secure = true}));
}

TEST(HealthCheckKinds, AnExpectedAnswerIsANeededOne) {
  const auto udp = std::get<control::UdpCheck>(kind_of("{udp: {send_hex: '0a', expect: pong}}"));
  EXPECT_EQ(udp.send, "\n");
  EXPECT_EQ(udp.expect, "pong");
  EXPECT_TRUE(udp.needs_answer);
}

TEST(HealthCheckKinds, EachSurvivesTheWayThroughTheSchema) {
  const std::vector<control::CheckKind> kinds = {
      control::TcpCheck{},
      control::HttpCheck{.method = "POST",
                         .path = "/a?b=c",
                         .host = "web:81",
                         .headers = {"A: b", "C: d"},
                         .status = {{200, 204}, {301, 301}},
                         .body = "ok",
                         .http2 = true},
      control::HttpCheck{.secure = true, .tls = {"web.example", "/ca.pem", true}},
      control::HttpCheck{.secure = true, .tls = {"", "", false}},
      control::UdpCheck{"ping", std::string("\0\xff", 2), true},
      control::UdpCheck{std::string("\x01", 1), "pong", true},
      control::UdpCheck{"", "", true},
      control::DnsCheck{"example.org", 28, 3},
      control::IcmpCheck{},
      control::GrpcCheck{"shop.Cart", "cart", false, {}},
      control::GrpcCheck{"", "", true, {"cart", "/ca.pem", true}},
      control::ExecCheck{{"web-check", "--quick", ""}},
  };
  for (const control::CheckKind& kind : kinds) {
    control::DesiredState state;
    control::Service& service = state.services.emplace_back();
    service.name = "web";
    service.address = *IpAddress::parse("203.0.113.10");
    service.port = 80;
    service.health_check.kind = kind;
    service.health_check.jitter = 25;
    service.health_check.down_interval = control::Milliseconds(60000);
    EXPECT_THAT(messages(validate_desired_state(to_proto(state))), IsEmpty()) << kind.index();
    EXPECT_TRUE(to_desired_state(to_proto(state)) == state) << kind.index();
  }
}

control::HealthCheck check_of(const std::string& check) {
  const LoadedFile file =
      load_yaml_text(kWeb + "    health_check: " + check + "\n", "lb.yaml", Purpose::kDesiredState);
  EXPECT_THAT(messages(file.problems), IsEmpty()) << check;
  return to_desired_state(file.config).services.at(0).health_check;
}

TEST(CheckThrough, SurvivesTheWayThroughTheSchema) {
  EXPECT_FALSE(check_of("{}").through_vip);
  v1::Service service;
  service.set_protocol(v1::PROTOCOL_TCP);
  put_health_check({.through_vip = true}, *service.mutable_health_check());
  EXPECT_TRUE(to_health_check(service).through_vip);
}

TEST(PassiveCheck, IsThereWhereItIsGiven) {
  EXPECT_EQ(check_of("{}").passive, std::nullopt);
  EXPECT_EQ(check_of("{passive: {}}").passive, control::PassiveCheck{});
  EXPECT_FALSE(check_of("{disabled: true, passive: {}}").enabled);
  EXPECT_TRUE(check_of("{disabled: true, passive: {}}").passive);
  EXPECT_EQ(check_of("{passive: {inhibit: 10m}}").passive->max_inhibit, std::chrono::minutes(10));
}

TEST(PassiveCheck, SurvivesTheWayThroughTheSchema) {
  const control::PassiveCheck wanted{std::chrono::seconds(7), 33, 44, 55, std::chrono::seconds(66), std::chrono::seconds(77), 88};
  v1::Service service;
  service.set_protocol(v1::PROTOCOL_TCP);
  put_health_check({.passive = wanted}, *service.mutable_health_check());
  EXPECT_EQ(to_health_check(service).passive, wanted);
}

TEST(CheckText, StatusesAreRead) {
  EXPECT_THAT(parse_statuses("200").value(), ElementsAre(control::StatusRange{200, 200}));
  EXPECT_THAT(parse_statuses("200-299,401").value(), SizeIs(2));
  EXPECT_EQ(to_string(parse_statuses("200-299,401").value()), "200-299,401");
  for (const char* wrong : {"", ",", "200,", "2xx", "99", "600", "299-200", "200 ", "0200", "-200"})
    EXPECT_FALSE(parse_statuses(wrong)) << wrong;
}

TEST(CheckText, HexIsRead) {
  EXPECT_EQ(parse_hex("00fF10"), std::string("\x00\xff\x10", 3));
  EXPECT_EQ(to_hex(std::string("\x00\xff\x10", 3)), "00ff10");
  EXPECT_FALSE(parse_hex("0"));
  EXPECT_FALSE(parse_hex("0g"));
}

TEST(CheckText, DomainNamesAreKnown) {
  for (const char* right : {".", "a", "example.org", "example.org.", "_dns.x-y"})
    EXPECT_TRUE(is_domain_name(right)) << right;
  for (const char* wrong : {"", "..", "a..b", ".a", "a b"}) EXPECT_FALSE(is_domain_name(wrong)) << wrong;
  EXPECT_FALSE(is_domain_name(std::string(64, 'a')));
  EXPECT_TRUE(is_domain_name(std::string(63, 'a')));
}

}  // namespace health_checks_test
}  // namespace shunt::config
