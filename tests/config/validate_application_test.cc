// The rules of application. Each case: a file, and all that is said of it.
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

const std::vector<YamlCase> kCases = {
    {"FtpIsOfTcpWithVipsUnderNatAndFullnat",
     Purpose::kDesiredState,
     R"(local_addresses: [{name: pool, addresses: [10.0.1.1]}]
services:
  - {name: nat, protocol: tcp, address: 203.0.113.10, port: 21, application: ftp}
  - {name: fullnat, protocol: tcp, address: 203.0.113.11, port: 21, method: fullnat, local_addresses: pool, application: ftp}
  - {name: none, protocol: udp, address: 203.0.113.10, port: 1, application: none}
  - {name: udp, protocol: udp, address: 203.0.113.10, port: 2, application: ftp}
  - {name: sctp, protocol: sctp, address: 203.0.113.10, port: 2, application: ftp}
  - {name: direct, protocol: tcp, address: 203.0.113.12, port: 21, method: direct, application: ftp}
  - {name: match, protocol: tcp, match: {vips: [203.0.114.0/24]}, application: ftp}
  - {name: told, protocol: tcp, address: 203.0.113.11, port: 22, method: fullnat, local_addresses: pool, client_address: toa, application: ftp}
  - {name: other, protocol: tcp, address: 203.0.113.10, port: 23, method: fullnat, local_addresses: pool, application: ftp}
)",
     {"CONFLICT lb.yaml:6:77: service udp: application is ftp but the protocol is udp; remove the line, or set protocol: tcp",
      "CONFLICT lb.yaml:7:79: service sctp: application is ftp but the protocol is sctp; remove the line, or set protocol: tcp",
      "CONFLICT lb.yaml:8:97: service direct: application is ftp but the method is neither nat nor fullnat; set method: nat or fullnat, or remove the line: the reals' answers pass the load balancer by, so what they announce has to be the VIP and a port of a service with persistence",
      "CONFLICT lb.yaml:9:80: service match: application is ftp but the service has a match; remove the line, or give the service VIPs: data connections are known by them",
      "CONFLICT lb.yaml:10:140: service told: application is ftp but client_address is given; remove one of the two: a server that knows the client by its own address refuses the local one that PORT has to name",
      "CONFLICT lb.yaml:11:120: service other: application is ftp, as is service nat's of the same VIP, 203.0.113.10, with another method; give both the same method, or one of them another VIP"}},
};

class ValidateApplication : public YamlCaseTest {};

TEST_P(ValidateApplication, SaysExactlyThis) { check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(, ValidateApplication, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace shunt::config
