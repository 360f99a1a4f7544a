// What the machine part of a file becomes.
#include <gmock/gmock.h>

#include "config/convert.h"
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

using testing::ElementsAre;

TEST(ConvertMachine, AMachineTakesTheSchemasDefaults) {
  const control::Machine machine = to_machine(loaded(kOutside, Purpose::kDaemon));
  EXPECT_EQ(machine.dpdk.lcores, "0,1");
  EXPECT_EQ(machine.dpdk.memory_mb, 1024U);
  EXPECT_TRUE(machine.dpdk.huge_pages);
  EXPECT_EQ(machine.dpdk.file_prefix, "shunt");
  EXPECT_EQ(machine.workers.poll_mode, dataplane::PollMode::kAdaptive);
  EXPECT_EQ(machine.workers.connections, 262144U);
  EXPECT_EQ(machine.workers.ipv6_connections, 65536U);
  EXPECT_FALSE(machine.workers.hash_key.has_value());
  EXPECT_EQ(machine.workers.mbufs, 32768U);
  EXPECT_EQ(machine.unix_socket, "/run/shunt/shuntd.sock");
  EXPECT_FALSE(machine.tcp.has_value());
  EXPECT_EQ(machine.journal_directory, "/var/lib/shunt");
  EXPECT_TRUE(machine.http.enabled);
  EXPECT_EQ(machine.http.address.to_string(), "127.0.0.1");
  EXPECT_EQ(machine.http.port, 9180);
  EXPECT_FALSE(machine.logging.json);
  EXPECT_EQ(machine.logging.level, "info");
  ASSERT_EQ(machine.ports.size(), 1U);
  EXPECT_EQ(machine.ports[0].mtu, 1500);
  EXPECT_EQ(machine.ports[0].descriptors, 1024);
  EXPECT_EQ(machine.ports[0].vlan, 0);
  EXPECT_FALSE(machine.ports[0].mac.has_value());
  EXPECT_TRUE(machine.ports[0].kernel_port.enabled);
  EXPECT_EQ(machine.ports[0].kernel_port.name, "sh-outside");
}

TEST(ConvertMachine, AMachineIsWhatTheFileSays) {
  const control::Machine machine = to_machine(loaded(R"(dpdk:
  lcores: 4,6-7,9@1
  memory_mb: 512
  huge_pages: false
  file_prefix: other
  extra_args: [--iova-mode=va, -d, /x.so]
workers: {poll_mode: busy, connections: 2048, ipv6_connections: 4096, hash_key: 00FF02030405060708090a0b0c0d0e0f, mbufs: 65536}
ports:
  - name: datacenter-a-01
    device: net_tap0
    mac: 02:00:00:00:00:0A
    mtu: 9000
    descriptors: 256
    vlan: 7
    kernel_port: {addresses: [10.0.0.1/24, "2001:db8::1/64"]}
  - {name: b, device: net_tap1, kernel_port: {name: lan0, disabled: true}}
listener:
  unix_socket: /tmp/s
  tcp: {address: "::1", certificate: /c, key: /k, client_ca: /a, viewers: [eve], operators: [night], admins: [ops, root]}
  unix_roles: {viewers: ["group:watch"], operators: [night], admins: ["1004"]}
journal: {directory: /tmp/j}
http: {address: "2001:db8::9", port: 9181, allow_remote: true, disabled: true}
logging: {format: json, level: warn}
next_hops:
  neighbours: [{address: 10.0.0.2, mac: "02:00:00:00:00:02", port: b}, {address: fe80::2, mac: "02:00:00:00:00:03", port: b}]
  routes: [{prefix: 0.0.0.0/0, via: 10.0.0.2, port: b}, {prefix: 10.0.0.0/24, port: b}, {prefix: ::/0, via: fe80::2, port: b}]
)",
                                                     Purpose::kDaemon));
  EXPECT_EQ(machine.dpdk.lcores, "4,6,7,9@1");
  EXPECT_EQ(machine.dpdk.memory_mb, 512U);
  EXPECT_FALSE(machine.dpdk.huge_pages);
  EXPECT_EQ(machine.dpdk.file_prefix, "other");
  EXPECT_THAT(machine.dpdk.extra_args, ElementsAre("--iova-mode=va", "-d", "/x.so"));
  EXPECT_EQ(machine.workers.poll_mode, dataplane::PollMode::kBusy);
  EXPECT_EQ(machine.workers.connections, 2048U);
  EXPECT_EQ(machine.workers.ipv6_connections, 4096U);
  ASSERT_TRUE(machine.workers.hash_key.has_value());
  EXPECT_THAT(*machine.workers.hash_key,
              ElementsAre(0, 255, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  EXPECT_EQ(machine.workers.mbufs, 65536U);
  ASSERT_EQ(machine.ports.size(), 2U);
  const control::Port& first = machine.ports[0];
  EXPECT_EQ(first.device, "net_tap0");
  EXPECT_EQ(first.mac->to_string(), "02:00:00:00:00:0a");
  EXPECT_EQ(first.mtu, 9000);
  EXPECT_EQ(first.descriptors, 256);
  EXPECT_EQ(first.vlan, 7);
  EXPECT_EQ(first.kernel_port.name, "sh-datacenter-a");
  ASSERT_EQ(first.kernel_port.addresses.size(), 2U);
  EXPECT_EQ(first.kernel_port.addresses[0].to_string(), "10.0.0.1/24");
  EXPECT_EQ(machine.ports[1].kernel_port.name, "lan0");
  EXPECT_FALSE(machine.ports[1].kernel_port.enabled);
  EXPECT_EQ(machine.unix_socket, "/tmp/s");
  ASSERT_TRUE(machine.tcp.has_value());
  EXPECT_EQ(machine.tcp->address, IpAddress::parse("::1"));
  EXPECT_EQ(machine.tcp->port, 9181);
  EXPECT_EQ(machine.tcp->certificate, "/c");
  EXPECT_EQ(machine.tcp->key, "/k");
  EXPECT_EQ(machine.tcp->client_ca, "/a");
  EXPECT_THAT(machine.tcp->viewers, ElementsAre("eve"));
  EXPECT_THAT(machine.tcp->operators, ElementsAre("night"));
  EXPECT_THAT(machine.tcp->admins, ElementsAre("ops", "root"));
  EXPECT_THAT(machine.unix_roles.viewers, ElementsAre("group:watch"));
  EXPECT_THAT(machine.unix_roles.operators, ElementsAre("night"));
  EXPECT_THAT(machine.unix_roles.admins, ElementsAre("1004"));
  EXPECT_EQ(machine.journal_directory, "/tmp/j");
  EXPECT_FALSE(machine.http.enabled);
  EXPECT_EQ(machine.http.address, IpAddress::parse("2001:db8::9"));
  EXPECT_EQ(machine.http.port, 9181);
  EXPECT_TRUE(machine.logging.json);
  EXPECT_EQ(machine.logging.level, "warn");
  EXPECT_EQ(first.kernel_port.addresses[1].to_string(), "2001:db8::1/64");
  ASSERT_EQ(machine.neighbours.size(), 2U);
  EXPECT_EQ(machine.neighbours[1].address, IpAddress::parse("fe80::2"));
  EXPECT_EQ(machine.neighbours[0].mac.to_string(), "02:00:00:00:00:02");
  EXPECT_EQ(machine.neighbours[0].port, "b");
  ASSERT_EQ(machine.routes.size(), 3U);
  EXPECT_EQ(machine.routes[2].prefix, Prefix::parse("::/0"));
  EXPECT_EQ(machine.routes[2].via, IpAddress::parse("fe80::2"));
  EXPECT_EQ(machine.routes[0].prefix.to_string(), "0.0.0.0/0");
  EXPECT_EQ(machine.routes[0].via, IpAddress::parse("10.0.0.2"));
  EXPECT_FALSE(machine.routes[1].via.has_value());
}

}  // namespace
}  // namespace shunt::config
