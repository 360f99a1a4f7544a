// The rules of what services are found by: VIPs, ranges of ports, matches; and of one-packet services. Each case: a
// file, and all that is said of it.
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

const std::string kPorts = R"(ports:
  - {name: outside, device: net_tap0}
  - {name: inside, device: net_tap1}
)";

// A TCP service of VIP 203.0.113.10, but for what is said of it; `more` goes into the same braces.
std::string service(const std::string& name, const std::string& more) {
  return "  - {name: " + name + ", protocol: tcp, address: 203.0.113.10, " + more + "}\n";
}
std::string match(const std::string& name, const std::string& fields, const std::string& more = "") {
  return "  - {name: " + name + ", protocol: tcp, match: {" + fields + "}" + more + "}\n";
}
std::string udp(const std::string& more) {
  return "  - {name: dns, protocol: udp, address: 203.0.113.10, one_packet: true, " + more + "}\n";
}

const std::vector<YamlCase> kCases = {
    {"RangesLieOneInAnotherAndAllPortsAroundThem",
     Purpose::kDesiredState,
     "services:\n" + service("all", "all_ports: true") + service("wide", "port: 1000, last_port: 1999") +
         service("narrow", "port: 1500, last_port: 1599") + service("one", "port: 1550") +
         service("begins", "port: 1000, last_port: 1099") + service("behind", "port: 2000, last_port: 65535"),
     {}},
    {"ARangeOfOnePortIsThatPort",
     Purpose::kDesiredState,
     "services:\n" + service("one", "port: 80") + service("same", "port: 80, last_port: 80"),
     {"DUPLICATE lb.yaml:3:62: service same: protocol, address and port are those of service one; change one of them "
      "or join the two services"}},
    {"ARangeEndsBehindItsBeginning",
     Purpose::kDesiredState,
     "services:\n" + service("web", "port: 80, last_port: 79"),
     {"OUT_OF_RANGE lb.yaml:2:76: service web: last_port 79 is below port, 80; exchange the two"}},
    {"ALastPortNeedsAPort",
     Purpose::kDesiredState,
     "services:\n" + service("web", "last_port: 79"),
     {"REQUIRED lb.yaml:2:5: service web: port is missing; use 1..65535"}},
    {"ALastPortIsAPort",
     Purpose::kDesiredState,
     "services:\n" + service("web", "port: 80, last_port: 65536"),
     {"OUT_OF_RANGE lb.yaml:2:76: service web: last_port 65536 exceeds 65535; use 1..65535"}},
    {"AllPortsAreNotOnePort",
     Purpose::kDesiredState,
     "services:\n" + service("web", "port: 80, all_ports: true") + service("api", "last_port: 80, all_ports: true"),
     {"CONFLICT lb.yaml:2:76: service web: all_ports is given but port is, too; remove one of the two",
      "CONFLICT lb.yaml:3:81: service api: all_ports is given but last_port is, too; remove one of the two"}},
    {"TwoServicesMayNotHaveOneRange",
     Purpose::kDesiredState,
     "services:\n" + service("a", "port: 80, last_port: 89") + service("b", "port: 80, last_port: 89") +
         service("c", "all_ports: true") + service("d", "all_ports: true"),
     {"DUPLICATE lb.yaml:3:59: service b: protocol, address and port are those of service a; change one of them or "
      "join the two services",
      "DUPLICATE lb.yaml:5:64: service d: protocol, address and port are those of service c; change one of them or "
      "join the two services"}},
    {"RangesDoNotCross",
     Purpose::kDesiredState,
     "services:\n" + service("a", "port: 1000, last_port: 1999") + service("b", "port: 1999, last_port: 2999") +
         service("c", "port: 3000, last_port: 3999"),
     {"CONFLICT lb.yaml:3:59: service b: ports 1999-2999 cross ports 1000-1999 of service a; let one lie in the other, "
      "or begin behind it"}},
    {"FurtherVipsAreVips",
     Purpose::kDesiredState,
     "services:\n" +
         service("web",
                 "port: 80, more_vips: [{address: 203.0.113.11, port: 80}, {address: 203.0.113.10, port: 443}, "
                 "{address: 203.0.113.12, all_ports: true}, {address: 203.0.113.13, port: 90, last_port: 99}]"),
     {}},
    {"FurtherVipsHaveTheRulesOfTheFirst",
     Purpose::kDesiredState,
     "services:\n" + service("web",
                             "port: 80, more_vips: [{}, {address: 224.0.0.1, port: 80}, {address: 203.0.113.12, port: "
                             "99, last_port: 90}]"),
     {"REQUIRED lb.yaml:2:77: service web: address is missing; give an IPv4 or IPv6 address",
      "REQUIRED lb.yaml:2:77: service web: port is missing; use 1..65535",
      "OUT_OF_RANGE lb.yaml:2:91: service web: address \"224.0.0.1\" is a multicast address; use a unicast address",
      "OUT_OF_RANGE lb.yaml:2:158: service web: last_port 90 is below port, 99; exchange the two"}},
    {"VipsOfAServiceAreOfOneFamily",
     Purpose::kDesiredState,
     "services:\n" + service("web", "port: 80, more_vips: [{address: \"2001:db8::1\", port: 80}]"),
     {"CONFLICT lb.yaml:2:87: service web: address 2001:db8::1 is IPv6 but the first VIP, 203.0.113.10, is IPv4; give "
      "it a service of its own"}},
    {"FurtherVipsAreListedOnceInAll",
     Purpose::kDesiredState,
     "services:\n" + service("web", "port: 80, more_vips: [{address: 203.0.113.10, port: 80}]") +
         "  - {name: api, protocol: tcp, address: 203.0.113.11, port: 80, more_vips: [{address: 203.0.113.10, port: "
         "80}]}\n",
     {"DUPLICATE lb.yaml:2:107: service web: address and port are the service's already; list each once",
      "DUPLICATE lb.yaml:3:107: service api: protocol, address and port are those of service web; change one of them "
      "or join the two services"}},
    {"AFurtherVipIsNoRealAndNoLocalAddress",
     Purpose::kDesiredState,
     "local_addresses:\n  - {name: pool, addresses: [203.0.113.11]}\nservices:\n" +
         service("web", "port: 80, more_vips: [{address: 203.0.113.11, port: 80}], reals: [{address: 203.0.113.11}]"),
     {"CONFLICT lb.yaml:2:30: local address pool pool: address 203.0.113.11 is the VIP of service web; use an address "
      "that serves nothing else",
      "CONFLICT lb.yaml:2:30: local address pool pool: address 203.0.113.11 is a real of service web; use an address "
      "that serves nothing else",
      "CONFLICT lb.yaml:4:131: real 203.0.113.11:80 of service web: address 203.0.113.11 is the VIP of service web; "
      "use the real's own address"}},
    {"ARealOfManyPortsKeepsThemAndIsCheckedOnOneThatIsNamed",
     Purpose::kDesiredState,
     "services:\n" + service("a", "all_ports: true, reals: [{address: 10.0.0.1}], health_check: {port: 22}") +
         service("b", "port: 80, last_port: 89, reals: [{address: 10.0.0.1}], health_check: {disabled: true}") +
         service("c", "port: 90, last_port: 99, reals: [{address: 10.0.0.1, port: 8080}]"),
     {}},
    {"ACheckNeedsAPortWhereRealsHaveNone",
     Purpose::kDesiredState,
     "services:\n" + service("web", "all_ports: true, reals: [{address: 10.0.0.1, port: 80}, {address: 10.0.0.2}]"),
     {"REQUIRED lb.yaml:2:5: service web: health_check.port is missing, and real 10.0.0.2:0 keeps the packets' ports; "
      "name the port to check, or set health_check.disabled: true"}},
    {"ManyPortsAreNotRewrittenUnderDirect",
     Purpose::kDesiredState,
     "services:\n" + service("web", "all_ports: true, method: direct, reals: [{address: 10.0.0.1, port: 80}]"),
     {"CONFLICT lb.yaml:2:122: real 10.0.0.1:80 of service web: port 80 is given but the service has several ports, "
      "and this method does not rewrite them; remove the line, or use method nat or fullnat"}},

    {"AMatchIsInPlaceOfAVip",
     Purpose::kDaemon,
     kPorts + "services:\n" + match("a", "clients: [10.0.0.0/8, 192.0.2.0/24]") +
         match("b", "vips: [\"2001:db8::/32\"], first_port: 80, last_port: 89, ingress_port: outside") +
         match("c", "vips: [203.0.113.7/32], first_port: 80", ", vip_port: inside"),
     {}},
    {"AMatchHasNoVipBeside",
     Purpose::kDesiredState,
     "services:\n" +
         service(
             "web",
             "port: 80, last_port: 81, more_vips: [{address: 203.0.113.11, port: 80}], match: {clients: [0.0.0.0/0]}"),
     {"CONFLICT lb.yaml:2:41: service web: address is given but the service has a match; remove one of the two",
      "CONFLICT lb.yaml:2:61: service web: port is given but the service has a match; remove one of the two",
      "CONFLICT lb.yaml:2:76: service web: last_port is given but the service has a match; remove one of the two",
      "CONFLICT lb.yaml:2:91: service web: more_vips is given but the service has a match; remove one of the two"}},
    {"AMatchSaysSomething",
     Purpose::kDesiredState,
     "services:\n" + match("a", "") + match("b", "first_port: 80"),
     {"REQUIRED lb.yaml:2:37: service a: match has neither clients nor vips; give prefixes of one family; 0.0.0.0/0 or "
      "::/0 are any address",
      "REQUIRED lb.yaml:3:37: service b: match has neither clients nor vips; give prefixes of one family; 0.0.0.0/0 or "
      "::/0 are any address"}},
    {"AMatchsPrefixesArePrefixes",
     Purpose::kDesiredState,
     "services:\n" + match("web", "clients: [10.0.0.1/8, here, 10.0.0.0/8, 10.0.0.0/8], vips: [224.0.0.1/32]"),
     {"MALFORMED lb.yaml:2:50: service web: prefix \"10.0.0.1/8\" has bits beyond its length; write 10.0.0.0/8",
      "MALFORMED lb.yaml:2:62: service web: prefix \"here\" is not a prefix; write it as in 192.0.2.0/24, "
      "2001:db8::/32, 0.0.0.0/0 or ::/0",
      "DUPLICATE lb.yaml:2:80: service web: prefix 10.0.0.0/8 is there already; list each prefix once",
      "OUT_OF_RANGE lb.yaml:2:100: service web: address \"224.0.0.1\" is a multicast address; use a unicast address"}},
    {"AMatchIsOfOneFamily",
     Purpose::kDesiredState,
     "services:\n" + match("web", "clients: [10.0.0.0/8], vips: [\"::/0\"]",
                           ", reals: [{address: 10.0.0.1}], health_check: {disabled: true}"),
     {"CONFLICT lb.yaml:2:50: service web: prefix 10.0.0.0/8 is IPv4 but the match's first, ::/0, is IPv6; give each "
      "family a service of its own",
      "CONFLICT lb.yaml:2:98: real 10.0.0.1:0 of service web: address 10.0.0.1 is IPv4 but the match, ::/0, is IPv6; "
      "use an IPv6 address, method fullnat or tunnel, or a service with an IPv4 VIP"}},
    {"AMatchsPortsAreARange",
     Purpose::kDesiredState,
     "services:\n" + match("a", "clients: [10.0.0.0/8], last_port: 80") +
         match("b", "clients: [10.0.0.0/8], first_port: 81, last_port: 80") +
         match("c", "clients: [10.0.0.0/8], first_port: 65536"),
     {"REQUIRED lb.yaml:2:37: service a: last_port is given but first_port is not; use 1..65535, or remove last_port "
      "for all ports",
      "OUT_OF_RANGE lb.yaml:3:88: service b: last_port 80 is below first_port, 81; exchange the two",
      "OUT_OF_RANGE lb.yaml:4:73: service c: first_port 65536 exceeds 65535; use 1..65535"}},
    {"AnIngressPortIsAPort",
     Purpose::kDaemon,
     kPorts + "services:\n" + match("web", "clients: [10.0.0.0/8], ingress_port: sideways"),
     {"UNKNOWN_REFERENCE lb.yaml:5:77: service web: ingress_port \"sideways\" is not a port; name one of: inside or "
      "outside"}},
    {"TwoServicesMayNotHaveOneMatch",
     Purpose::kDesiredState,
     "services:\n" + match("a", "clients: [10.0.0.0/8, 11.0.0.0/8]") + match("b", "clients: [11.0.0.0/8, 10.0.0.0/8]") +
         match("c", "clients: [10.0.0.0/8]"),
     {"DUPLICATE lb.yaml:3:37: service b: protocol and match are those of service a, which is asked first; change one "
      "of them or join the two services"}},
    {"AVipPortCarriesSomething",
     Purpose::kDaemon,
     kPorts + "services:\n" + match("web", "vips: [203.0.113.0/24]", ", vip_port: outside"),
     {"CONFLICT lb.yaml:5:75: service web: vip_port is given but match.vips has no single address to put there; remove "
      "the line, or add a prefix of one address"}},

    {"OnePacketIsOfUdp",
     Purpose::kDesiredState,
     "services:\n" + service("web", "port: 80, one_packet: true"),
     {"CONFLICT lb.yaml:2:77: service web: one_packet is given but the protocol is not udp; remove the line: other "
      "protocols need their connections"}},
    {"OnePacketUnderFullnatCannotBe",
     Purpose::kDesiredState,
     "local_addresses:\n  - {name: pool, addresses: [10.0.0.250]}\nservices:\n" +
         udp("port: 53, method: fullnat, local_addresses: pool"),
     {"CONFLICT lb.yaml:4:67: service dns: one_packet is given but the method is fullnat, whose replies find their "
      "client by its connection; remove the line, or use method nat, direct or tunnel"}},
    {"OnePacketUnderDirectMayHaveAnything",
     Purpose::kDesiredState,
     "services:\n" + udp("port: 53, method: direct, more_vips: [{address: 203.0.113.11, all_ports: true}], reals: "
                         "[{address: 10.0.0.1}]"),
     {}},
    {"OnePacketUnderNatHasOneVip",
     Purpose::kDesiredState,
     "services:\n" + udp("port: 53, more_vips: [{address: 203.0.113.11, port: 53}]"),
     {"CONFLICT lb.yaml:2:67: service dns: one_packet is given under nat, where replies get the service's VIP, and it "
      "has not one alone; give each VIP a service of its own, or use method direct or tunnel"}},
    {"OnePacketUnderNatKeepsPortsOrHasOne",
     Purpose::kDesiredState,
     "services:\n" + udp("port: 53, last_port: 59, reals: [{address: 10.0.0.1}, {address: 10.0.0.2, port: 5353}]"),
     {"CONFLICT lb.yaml:2:153: real 10.0.0.2:5353 of service dns: port 5353 is given but the service is one_packet and "
      "has several ports, one of which replies must leave from; remove the line: the packet's port is kept"}},
    {"OnePacketsRepliesAreNobodyElses",
     Purpose::kDesiredState,
     "services:\n" + udp("port: 53, reals: [{address: 10.0.0.1}, {address: 10.0.0.2}]") +
         "  - {name: other, protocol: udp, address: 203.0.113.11, port: 5300, last_port: 5399, reals: [{address: "
         "10.0.0.1}]}\n  - {name: third, protocol: udp, address: 203.0.113.12, all_ports: true, reals: [{address: "
         "10.0.0.2}]}\n",
     {"CONFLICT lb.yaml:2:112: real 10.0.0.2:53 of service dns: its replies from port 53 could not be told from those "
      "of service third, which has it, too; let the real answer each service on a port of its own"}},
};

class ValidatePlaces : public YamlCaseTest {};

TEST_P(ValidatePlaces, SaysExactlyThis) { check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(, ValidatePlaces, testing::ValuesIn(kCases), case_name);

std::vector<std::string> of_many(const std::string& entry_of, uint32_t count) {
  std::string yaml = "services:\n";
  for (uint32_t i = 0; i < count; ++i) {
    yaml += match("s" + std::to_string(i),
                  "clients: [10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ".0/24" + entry_of + "]");
  }
  return messages(load_yaml_text(yaml, "lb.yaml", Purpose::kDesiredState).problems);
}

TEST(ValidateMatches, ThereMayBe1024) {
  EXPECT_THAT(of_many("", 1024), testing::IsEmpty());
  EXPECT_THAT(of_many("", 1025),
              testing::ElementsAre("OUT_OF_RANGE lb.yaml:2:3: services: 1025 services with a match exceed 1024; join "
                                   "some of them, or give them VIPs of their own"));
}

TEST(ValidateMatches, ThereMayBe16384Prefixes) {
  std::string more;
  for (int i = 0; i < 127; ++i) more += ", 11.0." + std::to_string(i) + ".0/24";
  EXPECT_THAT(of_many(more, 128), testing::IsEmpty());
  EXPECT_THAT(of_many(more, 129),
              testing::ElementsAre("OUT_OF_RANGE lb.yaml:2:3: services: 16512 prefixes of matches exceed 16384; write "
                                   "shorter prefixes that hold several of them"));
}

}  // namespace
}  // namespace shunt::config
