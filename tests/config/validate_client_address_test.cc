// The rules of client_address. Each case: a file, and all that is said of it.
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

const std::vector<YamlCase> kCases = {
    {"ClientAddressIsOfFullnatAndItsProtocol",
     Purpose::kDesiredState,
     R"(local_addresses: [{name: pool, addresses: [10.0.1.1, "2001:db8:1::1"]}]
services:
  - {name: toa, protocol: tcp, address: 203.0.113.10, port: 1, method: fullnat, local_addresses: pool, client_address: toa}
  - {name: uoa, protocol: udp, address: 203.0.113.10, port: 1, method: fullnat, local_addresses: pool, client_address: uoa, uoa_form: option, uoa_packets: 255}
  - {name: v1, protocol: tcp, address: 203.0.113.10, port: 2, last_port: 9, method: fullnat, local_addresses: pool, client_address: proxy_v1}
  - {name: v2, protocol: tcp, match: {vips: ["2001:db8::/64"]}, method: fullnat, local_addresses: pool, client_address: proxy_v2}
  - {name: v2-udp, protocol: udp, address: "2001:db8::10", port: 1, method: fullnat, local_addresses: pool, client_address: proxy_v2}
  - {name: nat, protocol: tcp, address: 203.0.113.10, port: 20, client_address: toa}
  - {name: udp, protocol: udp, address: 203.0.113.10, port: 20, method: fullnat, local_addresses: pool, client_address: proxy_v1}
  - {name: tcp, protocol: tcp, address: 203.0.113.10, port: 21, method: fullnat, local_addresses: pool, client_address: uoa}
  - {name: sctp, protocol: sctp, address: 203.0.113.10, port: 22, method: fullnat, local_addresses: pool, client_address: proxy_v2}
)",
     {"CONFLICT lb.yaml:8:81: service nat: client_address is toa but the method is not fullnat; remove the line; under "
      "the other methods reals see the client's own address",
      "CONFLICT lb.yaml:9:121: service udp: client_address is proxy_v1 but the protocol is udp; set it to uoa or proxy_v2, or "
      "remove the line",
      "CONFLICT lb.yaml:10:121: service tcp: client_address is uoa but the protocol is tcp; set it to toa, proxy_v1 or "
      "proxy_v2, or remove the line",
      "CONFLICT lb.yaml:11:123: service sctp: client_address is proxy_v2 but the protocol is sctp; remove the line; SCTP has no "
      "way of telling the client's address"}},
    {"ClientAddressHasItsOwnSettings",
     Purpose::kDesiredState,
     R"(local_addresses: [{name: pool, addresses: [10.0.1.1, "2001:db8:1::1"]}]
services:
  - {name: a, protocol: tcp, address: 203.0.113.10, port: 1, method: fullnat, local_addresses: pool, client_address: toa, toa_option: 253}
  - {name: b, protocol: tcp, address: 203.0.113.10, port: 2, client_address: none, toa_option: 254}
  - {name: c, protocol: udp, address: 203.0.113.10, port: 3, uoa_form: protocol, uoa_packets: 3}
  - {name: d, protocol: udp, address: "2001:db8::10", port: 4, method: fullnat, local_addresses: pool, client_address: uoa, uoa_form: option}
  - {name: e, protocol: udp, address: 203.0.113.10, port: 5, method: fullnat, local_addresses: pool, client_address: uoa, uoa_packets: 256}
)",
     {"OUT_OF_RANGE lb.yaml:3:135: service a: toa_option 253 is none of 200, 252 and 254; give the one that the reals' module "
      "looks for, or remove the line for 254",
      "CONFLICT lb.yaml:4:96: service b: toa_option is given but client_address is not toa; remove the line, or set "
      "client_address: toa",
      "CONFLICT lb.yaml:5:72: service c: uoa_form is given but client_address is not uoa; remove the line, or set "
      "client_address: uoa",
      "CONFLICT lb.yaml:5:95: service c: uoa_packets is given but client_address is not uoa; remove the line, or set "
      "client_address: uoa",
      "CONFLICT lb.yaml:6:135: service d: uoa_form is option but the service is IPv6, which has no such options; remove the "
      "line, or set uoa_form: protocol",
      "OUT_OF_RANGE lb.yaml:7:136: service e: uoa_packets 256 is not within 1..255; give a number in the range, or remove the "
      "line for 3"}},
};

class ValidateClientAddress : public YamlCaseTest {};

TEST_P(ValidateClientAddress, SaysExactlyThis) { check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(, ValidateClientAddress, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace shunt::config
