// The rules of EAL options, workers and paths. Each case: a file, and all that is said of it.
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

const std::vector<YamlCase> kCases = {
    {"LcoresHaveTheirForm",
     Purpose::kDaemon,
     R"(dpdk: {lcores: "0,a"}
)" + kOutside,
     {"MALFORMED lb.yaml:1:16: dpdk: lcores: entry \"a\" is neither LCORE, FIRST-LAST nor "
      "LCORE@CPU; list the main lcore, then one per worker: \"0,1,2\" or \"0,1-3\""}},
    {"LcoresAreListedOnce",
     Purpose::kDaemon,
     R"(dpdk: {lcores: "0,1-3,2"}
)" + kOutside,
     {"MALFORMED lb.yaml:1:16: dpdk: lcores: lcore 2 is listed twice; list the main lcore, then "
      "one per worker: \"0,1,2\" or \"0,1-3\""}},
    {"AHttpAddressThatOthersReachWantsAWordForIt",
     Purpose::kDaemon,
     R"(http: {address: 0.0.0.0}
)" + kOutside,
     {"CONFLICT lb.yaml:1:17: http: address 0.0.0.0 can be reached from other machines, who would "
      "read VIPs, reals and traffic without a password; use 127.0.0.1 behind a proxy that asks for "
      "one, or set http.allow_remote: true"}},
    {"ProbesHaveRoomForEveryReal",
     Purpose::kDaemon,
     R"(probes: {interface: "a b", ipv4_prefix: 10.0.0.0/16, ipv6_prefix: 10.0.0.0/8}
)" + kOutside,
     {"MALFORMED lb.yaml:1:21: probes: interface \"a b\" contains \" \"; use 1..15 characters of [a-zA-Z0-9_.-]",
      "OUT_OF_RANGE lb.yaml:1:41: probes: ipv4_prefix 10.0.0.0/16 is /16, not /8 to /15; give one that nothing else uses, of "
      "/8 to /15: every real has an address of it",
      "MALFORMED lb.yaml:1:67: probes: ipv6_prefix \"10.0.0.0/8\" is no IPv6 prefix; write it as fd53:6875:6e74::/96"}},
    {"WithTheWordItIsTaken",
     Purpose::kDaemon,
     R"(http: {address: "::", allow_remote: true}
)" + kOutside,
     {}},
    {"ALoopbackAddressNeedsNone", Purpose::kDaemon, R"(http: {address: "::1", port: 80}
)" + kOutside,
     {}},
    {"AHttpAddressIsOne",
     Purpose::kDaemon,
     R"(http: {address: localhost}
)" + kOutside,
     {"MALFORMED lb.yaml:1:17: http: address \"localhost\" is no IP address; write it as 127.0.0.1, "
      "::1 or, with allow_remote, 0.0.0.0"}},
    {"AHttpPortHasItsRange",
     Purpose::kDaemon,
     R"(http: {port: 65536}
)" + kOutside,
     {"OUT_OF_RANGE lb.yaml:1:14: http: port 65536 exceeds 65535; use 1..65535"}},
    {"ALogLevelIsOneOfItsWords",
     Purpose::kDaemon,
     R"(logging: {level: loud}
)" + kOutside,
     {"MALFORMED lb.yaml:1:18: logging: level \"loud\" is not one of trace, debug, info, warn, error, "
      "critical and off; write one of them"}},
    {"LcoresNeedAWorker",
     Purpose::kDaemon,
     R"(dpdk: {lcores: 0}
)" + kOutside,
     {"OUT_OF_RANGE lb.yaml:1:16: dpdk: lcores \"0\" leaves no worker; list the main lcore and at "
      "least one more; \"0@0,1@0\" shares one CPU"}},
    {"LcoresHaveAtMost64Workers",
     Purpose::kDaemon,
     R"(dpdk: {lcores: 0-65}
workers: {mbufs: 131072}
)" + kOutside,
     {"OUT_OF_RANGE lb.yaml:1:16: dpdk: lcores lists 65 workers, more than 64; list fewer"}},
    {"AnLcoreIsOneThatDpdkKnows",
     Purpose::kDaemon,
     R"(dpdk: {lcores: "0,128"}
)" + kOutside,
     {"MALFORMED lb.yaml:1:16: dpdk: lcores: entry \"128\" exceeds lcore 127; list the main lcore, "
      "then one per worker: \"0,1,2\" or \"0,1-3\""}},
    {"ACpuIsOneThatLinuxKnows",
     Purpose::kDaemon,
     R"(dpdk: {lcores: "0,1@1024"}
)" + kOutside,
     {"MALFORMED lb.yaml:1:16: dpdk: lcores: entry \"1@1024\" exceeds CPU 1023; list the main "
      "lcore, then one per worker: \"0,1,2\" or \"0,1-3\""}},
    {"ARangeRunsForwards",
     Purpose::kDaemon,
     R"(dpdk: {lcores: "0,3-1"}
)" + kOutside,
     {"MALFORMED lb.yaml:1:16: dpdk: lcores: entry \"3-1\" runs backwards; list the main lcore, "
      "then one per worker: \"0,1,2\" or \"0,1-3\""}},
    {"MemoryHasItsRange",
     Purpose::kDaemon,
     R"(dpdk: {memory_mb: 63}
)" + kOutside,
     {"OUT_OF_RANGE lb.yaml:1:19: dpdk: memory_mb 63 is less than 64; use 64..1048576"}},
    {"MemoryHasAnEnd",
     Purpose::kDaemon,
     R"(dpdk: {memory_mb: 1048577}
)" + kOutside,
     {"OUT_OF_RANGE lb.yaml:1:19: dpdk: memory_mb 1048577 exceeds 1048576; use 64..1048576"}},
    {"AFilePrefixHasItsCharacters",
     Purpose::kDaemon,
     R"(dpdk: {file_prefix: a/b}
)" + kOutside,
     {"MALFORMED lb.yaml:1:21: dpdk: file_prefix \"a/b\" contains \"/\"; use 1..63 characters of "
      "[a-zA-Z0-9_.-]"}},
    {"ExtraArgsLeaveShuntdsOwnAlone",
     Purpose::kDaemon,
     R"(dpdk:
  extra_args: [-l, "0,1", "-m512", "--lcores=0,1", --no-huge, --file-prefix=x, --main-lcore=1, --socket-mem=1, -c3, -d, /x.so, -a, "0000:01:00.0", --proc-type=secondary, --]
)" + kOutside,
     {"CONFLICT lb.yaml:2:16: dpdk: extra_args has -l, which is shuntd's own; remove it and set "
      "dpdk.lcores",
      "CONFLICT lb.yaml:2:27: dpdk: extra_args has -m, which is shuntd's own; remove it and set "
      "dpdk.memory_mb",
      "CONFLICT lb.yaml:2:36: dpdk: extra_args has --lcores, which is shuntd's own; remove it and "
      "set dpdk.lcores",
      "CONFLICT lb.yaml:2:52: dpdk: extra_args has --no-huge, which is shuntd's own; remove it and "
      "set dpdk.huge_pages",
      "CONFLICT lb.yaml:2:63: dpdk: extra_args has --file-prefix, which is shuntd's own; remove it "
      "and set dpdk.file_prefix",
      "CONFLICT lb.yaml:2:80: dpdk: extra_args has --main-lcore, which is shuntd's own; remove it "
      "and set dpdk.lcores",
      "CONFLICT lb.yaml:2:96: dpdk: extra_args has --socket-mem, which is shuntd's own; remove it "
      "and set dpdk.memory_mb",
      "CONFLICT lb.yaml:2:112: dpdk: extra_args has -c, which is shuntd's own; remove it and set "
      "dpdk.lcores",
      "CONFLICT lb.yaml:2:128: dpdk: extra_args has -a, which is shuntd's own; remove it and list "
      "the devices under ports",
      "CONFLICT lb.yaml:2:148: dpdk: extra_args has --proc-type, which is shuntd's own; remove it "
      "and leave it to shuntd",
      "CONFLICT lb.yaml:2:171: dpdk: extra_args has --, which is shuntd's own; remove it and leave "
      "it to shuntd"}},
    {"AnEmptyExtraArgIsRefused",
     Purpose::kDaemon,
     R"(dpdk:
  extra_args: [""]
)" + kOutside,
     {"MALFORMED lb.yaml:2:16: dpdk: extra_args is empty; give it a value or remove the line"}},
    {"ConnectionsHaveTheirRange",
     Purpose::kDaemon,
     R"(workers: {connections: 1023}
)" + kOutside,
     {"OUT_OF_RANGE lb.yaml:1:24: workers: connections 1023 is less than 1024; use "
      "1024..64000000"}},
    {"ConnectionsHaveAnEnd",
     Purpose::kDaemon,
     R"(workers: {connections: 64000001}
)" + kOutside,
     {"OUT_OF_RANGE lb.yaml:1:24: workers: connections 64000001 exceeds 64000000; use "
      "1024..64000000"}},
    {"Ipv6ConnectionsHaveTheirRange",
     Purpose::kDaemon,
     R"(workers: {ipv6_connections: 1023}
)" + kOutside,
     {"OUT_OF_RANGE lb.yaml:1:29: workers: ipv6_connections 1023 is less than 1024; use "
      "1024..64000000"}},
    {"Ipv6ConnectionsHaveAnEnd",
     Purpose::kDaemon,
     R"(workers: {ipv6_connections: 64000001}
)" + kOutside,
     {"OUT_OF_RANGE lb.yaml:1:29: workers: ipv6_connections 64000001 exceeds 64000000; use "
      "1024..64000000"}},
    {"MbufsHaveTheirRange",
     Purpose::kDaemon,
     R"(workers: {mbufs: 2047}
)" + kOutside,
     {"OUT_OF_RANGE lb.yaml:1:18: workers: mbufs 2047 is less than 2048; use 2048..16777216"}},
    {"MbufsHaveAnEnd",
     Purpose::kDaemon,
     R"(workers: {mbufs: 16777217}
)" + kOutside,
     {"OUT_OF_RANGE lb.yaml:1:18: workers: mbufs 16777217 exceeds 16777216; use 2048..16777216"}},
    {"MbufsFillTheReceiveQueues",
     Purpose::kDaemon,
     R"(dpdk: {lcores: 0-4}
workers: {mbufs: 8192}
ports:
  - name: outside
    device: net_tap0
    descriptors: 4096
)",
     {"CONFLICT lb.yaml:2:18: workers: mbufs 8192 do not fill the receive queues of 4 workers, "
      "which hold 16384; set mbufs to 32768 or more, or lower the ports' descriptors"}},
    {"AHashKeyHas32HexadecimalDigits",
     Purpose::kDaemon,
     R"(workers: {hash_key: 00112233445566778899aabbccddeefg}
)" + kOutside,
     {"MALFORMED lb.yaml:1:21: workers: hash_key is not 32 hexadecimal digits; write 32 of them, "
      "as `openssl rand -hex 16` prints"}},
    {"AHashKeyHasItsLength",
     Purpose::kDaemon,
     R"(workers: {hash_key: "0011"}
)" + kOutside,
     {"MALFORMED lb.yaml:1:21: workers: hash_key is not 32 hexadecimal digits; write 32 of them, "
      "as `openssl rand -hex 16` prints"}},
    {"ASocketPathIsAbsolute",
     Purpose::kDaemon,
     R"(listener: {unix_socket: shuntd.sock}
)" + kOutside,
     {"MALFORMED lb.yaml:1:25: listener: unix_socket \"shuntd.sock\" is not an absolute path; "
      "begin it with /"}},
    {"ASocketPathFitsTheKernel",
     Purpose::kDaemon,
     R"(listener: {unix_socket: /sssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss}
)" + kOutside,
     {"OUT_OF_RANGE lb.yaml:1:25: listener: unix_socket has 108 bytes, more than 107; use a "
      "shorter path"}},
    {"AWholeTcpListenerIsTaken",
     Purpose::kDaemon,
     R"(listener: {tcp: {address: "::", port: 9443, certificate: /c, key: /k, client_ca: /a, viewers: [eve], admins: [ops]}}
)" + kOutside,
     {}},
    {"ATcpListenerCannotBeLeftOpen",
     Purpose::kDaemon,
     R"(listener: {tcp: {port: 70000}}
)" + kOutside,
     {"REQUIRED lb.yaml:1:17: listener: address is missing; give the one that clients connect to; "
      "0.0.0.0 or :: for every one of the machine",
      "REQUIRED lb.yaml:1:17: listener: certificate is missing; give the absolute path of the "
      "daemon's certificate (PEM)",
      "REQUIRED lb.yaml:1:17: listener: key is missing; give the absolute path of the certificate's "
      "private key (PEM)",
      "REQUIRED lb.yaml:1:17: listener: client_ca is missing; give the absolute path of the CA that "
      "signs clients' certificates (PEM); without one anybody could connect",
      "REQUIRED lb.yaml:1:17: listener: neither viewers, operators nor admins are listed, so nobody "
      "could call; list the names in clients' certificates under admins, operators or viewers",
      "OUT_OF_RANGE lb.yaml:1:24: listener: port 70000 exceeds 65535; use 1..65535"}},
    {"ATcpListenersPartsHaveTheirForms",
     Purpose::kDaemon,
     R"(listener: {tcp: {address: lb, certificate: c, key: /k, client_ca: /a, viewers: [ops, ""], admins: [ops]}}
)" + kOutside,
     {"MALFORMED lb.yaml:1:27: listener: address \"lb\" is no IP address; write it as 192.0.2.1 or "
      "2001:db8::1",
      "MALFORMED lb.yaml:1:44: listener: certificate \"c\" is not an absolute path; begin it with /",
      "DUPLICATE lb.yaml:1:81: listener: name \"ops\" is already listed; list each name once: admins "
      "may do what operators may, and operators what viewers may",
      "MALFORMED lb.yaml:1:86: listener: viewers is empty; give it a value or remove the line"}},
    {"RolesOfTheUnixSocketAreUsersAndGroups",
     Purpose::kDaemon,
     R"(listener: {unix_roles: {viewers: [eve, "group:watch", "1004"], operators: [eve], admins: ["group:", "a b"]}}
)" + kOutside,
     {"DUPLICATE lb.yaml:1:35: listener: \"eve\" is already listed; list each once: admins may do what "
      "operators may, and operators what viewers may",
      "MALFORMED lb.yaml:1:91: listener: \"group:\" is no user or group; write a user's name or number, "
      "or \"group:\" and a group's",
      "MALFORMED lb.yaml:1:101: listener: \"a b\" is no user or group; write a user's name or number, or "
      "\"group:\" and a group's"}},
    {"AJournalDirectoryIsAbsolute",
     Purpose::kDaemon,
     R"(journal: {directory: lib}
)" + kOutside,
     {"MALFORMED lb.yaml:1:22: journal: directory \"lib\" is not an absolute path; begin it with "
      "/"}},
};

class ValidateMachine : public YamlCaseTest {};

TEST_P(ValidateMachine, SaysExactlyThis) { check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(, ValidateMachine, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace shunt::config
