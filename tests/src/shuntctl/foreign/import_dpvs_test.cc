// DPVS's commands and files become Shunt's YAML, and what cannot is named with its file and line.
#include "src/shuntctl/foreign/import_dpvs.h"

#include <gmock/gmock.h>

#include "tests/src/shuntctl/foreign/imported.h"

namespace shunt::shuntctl {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Imported of_dpvs(const std::string& text) { return import_dpvs({{"setup.sh", text}}, "lb1"); }

constexpr const char* kScript = R"(#!/bin/sh
# add VIP to the WAN interface
./dpip addr add 203.0.113.10/32 dev dpdk1
./ipvsadm -A -t 203.0.113.10:80 -s wrr -p 60
./ipvsadm -a -t 203.0.113.10:80 -r 192.168.100.2:8080 -b -w 3
./ipvsadm -a -t 203.0.113.10:80 -r 192.168.100.3:8080 -b
./ipvsadm --add-laddr -z 192.168.100.200 -t 203.0.113.10:80 -F dpdk0
./ipvsadm --add-laddr -z 192.168.100.201 -t 203.0.113.10:80 -F dpdk0
ipvsadm -A -u 203.0.113.10:53 -s rr --conn-timeout 30
ipvsadm -a -u 203.0.113.10:53 -r 192.168.100.4 -b
ipvsadm -P -z 192.168.100.201 -u 203.0.113.10:53 -F dpdk0
ipvsadm -P -z 192.168.100.202 -u 203.0.113.10:53 -F dpdk0
ipvsadm -A -t [2001:db8::10]:80 -s mh
ipvsadm -a -t [2001:db8::10]:80 -r [2001:db8:1::2]:80 -g
)";

TEST(ImportDpvs, AScriptBecomesAValidFile) {
  const Imported result = of_dpvs(kScript);
  EXPECT_THAT(left_out(result), ElementsAre(HasSubstr("setup.sh:3:1: left out: dpip addr add 203.0.113.10/32 dev dpdk1")));
  EXPECT_THAT(hints(result), ElementsAre(HasSubstr("setup.sh:7:11: look at: local addresses on dpdk0: they are pool locals-1")));
  const v1::Config config = assemble(result.draft);
  ASSERT_EQ(config.services_size(), 3);
  EXPECT_EQ(config.services(0).method(), v1::METHOD_FULLNAT);
  EXPECT_EQ(config.services(0).reals(0).port(), 8080U);
  EXPECT_EQ(config.services(0).reals(0).weight(), 3U);
  EXPECT_EQ(config.services(0).persistence().timeout().seconds(), 60);
  EXPECT_EQ(config.services(1).timeouts().udp().seconds(), 30);
  EXPECT_EQ(config.services(2).method(), v1::METHOD_DIRECT);
  // As DPVS tells its reals without being asked.
  EXPECT_EQ(config.services(0).client_address(), v1::CLIENT_ADDRESS_TOA);
  EXPECT_EQ(config.services(1).client_address(), v1::CLIENT_ADDRESS_UOA);
  EXPECT_EQ(config.services(2).client_address(), v1::CLIENT_ADDRESS_UNSPECIFIED);
  // An address is of one pool, so services that share one share the pool.
  ASSERT_EQ(config.local_addresses_size(), 1);
  EXPECT_EQ(config.local_addresses(0).addresses_size(), 3);
  EXPECT_EQ(config.services(0).local_addresses(), config.services(1).local_addresses());
  expect_valid(result);
}

TEST(ImportDpvs, PoolsThatMeetBecomeOne) {
  std::string text;
  for (const char* port : {"1", "2", "3"}) {
    text += std::string("-A -t 192.0.2.1:") + port + " -s rr\n-a -t 192.0.2.1:" + port + " -r 10.0.0.1 -b\n-P -z 10.0.1." + port +
            " -t 192.0.2.1:" + port + " -F dpdk0\n";
  }
  EXPECT_EQ(assemble(of_dpvs(text).draft).local_addresses_size(), 3);
  text += "-P -z 10.0.1.1 -t 192.0.2.1:3 -F dpdk0\n-P -z 10.0.1.2 -t 192.0.2.1:3 -F dpdk0\n-Q -z 10.0.1.3 -t 192.0.2.1:3 -F dpdk0\n";
  const Imported result = of_dpvs(text);
  const v1::Config config = assemble(result.draft);
  ASSERT_EQ(config.local_addresses_size(), 1);
  EXPECT_THAT(config.local_addresses(0).addresses(), ElementsAre("10.0.1.1", "10.0.1.2"));
  for (const v1::Service& service : config.services()) EXPECT_EQ(service.local_addresses(), config.local_addresses(0).name());
  expect_valid(result);
}

TEST(ImportDpvs, ASavedListingHasNoLocalAddresses) {
  const Imported result = of_dpvs("-A -t 192.0.2.1:80 -s wlc\n-a -t 192.0.2.1:80 -r 10.0.0.1:80 -b -w 1\n");
  EXPECT_THAT(left_out(result), ElementsAre(HasSubstr("setup.sh:1:1: left out: service tcp 192.0.2.1:80: it has no local address")));
  EXPECT_THAT(draft_text(result.draft, "t"), HasSubstr("  #  - name: tcp-192.0.2.1-80\n"));
  expect_valid(result);
}

TEST(ImportDpvs, ProxyProtocolIsCarriedOver) {
  std::string text;
  const std::pair<const char*, const char*> services[] = {
      {"-t 192.0.2.1:1", "disable"}, {"-t 192.0.2.1:2", "v1"}, {"-t 192.0.2.1:3", "v2-insecure"}, {"-u 192.0.2.1:4", "v2"}};
  for (const auto& [service, proxy] : services) {
    text += std::string("-A ") + service + " -s rr --proxy-protocol " + proxy + "\n-a " + service + " -r 10.0.0.1 -b\n-P -z 10.0.1.1 " +
            service + " -F dpdk0\n";
  }
  const Imported result = of_dpvs(text);
  std::vector<v1::ClientAddress> told;
  const v1::Config config = assemble(result.draft);
  for (const v1::Service& service : config.services()) told.push_back(service.client_address());
  EXPECT_THAT(told, ElementsAre(v1::CLIENT_ADDRESS_TOA, v1::CLIENT_ADDRESS_PROXY_V1, v1::CLIENT_ADDRESS_PROXY_V2,
                                v1::CLIENT_ADDRESS_PROXY_V2));
  EXPECT_THAT(hints(result), Contains(HasSubstr("a PROXY header of the client's own does not take the place of Shunt's")));
  expect_valid(result);
}

TEST(ImportDpvs, WhatCannotBeCarriedOverIsNamedWithItsLine) {
  const Imported result = of_dpvs(
      "-A -t 192.0.2.1:80 -s rr -j enable --expire-quiescent --dest-check default\n"
      "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m\n"
      "-U -t 192.0.2.1:80 -k 198.51.100.1\n"
      "-A -H proto=tcp,src-range=10.0.0.1-10.0.0.9,oif=dpdk1 -s rr\n"
      "-a -H proto=tcp,src-range=10.0.0.1-10.0.0.9,oif=dpdk1 -r 203.0.113.1:0 -J\n"
      "-A -q 192.0.2.1:0 -s rr\n"
      "dpip route add default via 192.0.2.254 dev dpdk1\n"
      "--set 90 0 0\n");
  EXPECT_THAT(left_out(result),
              ElementsAre(HasSubstr("setup.sh:6:1: left out: a service of ICMP"), HasSubstr("setup.sh:7:1: left out: dpip route add default"),
                          HasSubstr("left out: snat[0].egress_port: egress_port \"dpdk1\" is not a port"),
                          HasSubstr("--dest-check default"),
                          HasSubstr("--synproxy enable"), HasSubstr("setup.sh:3:1: left out: service tcp 192.0.2.1:80: client 198.51.100.1")));
  const v1::Config config = assemble(result.draft);
  EXPECT_TRUE(config.sysctls().expire_nodest_conn());
  EXPECT_EQ(config.timeouts().tcp_established().seconds(), 90);
  // Without its port the rule would be for what leaves by any.
  EXPECT_EQ(config.snat_size(), 0);
  expect_valid(result);
}

TEST(ImportDpvs, DpvsConfSizesTheMachine) {
  const Imported result = import_dpvs({{"dpvs.conf", R"(! a small one
global_defs {
    log_level   WARNING
    ! log_file    /var/log/dpvs.log
}
netif_defs {
    <init> pktpool_size     524287
    <init> device dpdk0 {
        rx {
            queue_number        2
            descriptor_number   1000
            rss                 all
        }
        tx {
            queue_number        2
            descriptor_number   512     <512, 16-8192>
        }
        mtu                 9000
        kni_name            dpdk0.kni
    }
    <init> device dpdk1 {
    }
    <init> bond bond0 {
        mode 4
    }
}
worker_defs {
    <init> worker cpu0 {
        type    master
        cpu_id  0
    }
    <init> worker cpu1 {
        type    slave
        cpu_id  1
        port    dpdk0 {
            rx_queue_ids     0
        }
    }
    <init> worker cpu2 {
        type    slave
        cpu_id  3
    }
    <init> worker cpu3 {
        type    kni
        cpu_id  4
    }
}
neigh_defs {
    timeout  60
}
ipvs_defs {
    conn {
        <init> conn_pool_size       2097152
        expire_quiescent_template
    }
    udp {
        uoa_mode opp
        timeout {
            normal      300
            last        3
        }
    }
    tcp {
        timeout {
            established 90
            fin_wait    7
            last        2
        }
        synproxy {
            synack_options {
                mss 1452
            }
        }
    }
}
)"}, {"setup.sh", kScript}}, "lb1");
  const v1::Config config = assemble(result.draft);
  EXPECT_EQ(config.dpdk().lcores(), "0,1,3");
  ASSERT_EQ(config.ports_size(), 2);
  EXPECT_EQ(config.ports(0).name(), "dpdk0");
  EXPECT_EQ(config.ports(0).descriptors(), 1024U);
  EXPECT_EQ(config.ports(0).mtu(), 9000U);
  EXPECT_EQ(config.ports(0).kernel_port().name(), "dpdk0.kni");
  EXPECT_EQ(config.workers().connections(), 2097152U);
  EXPECT_EQ(config.timeouts().tcp_established().seconds(), 90);
  EXPECT_EQ(config.timeouts().tcp_fin_wait().seconds(), 7);
  EXPECT_EQ(config.timeouts().udp().seconds(), 300);
  EXPECT_TRUE(config.sysctls().expire_quiescent_template());
  EXPECT_EQ(config.logging().level(), v1::LOG_LEVEL_WARN);
  EXPECT_EQ(config.services_size(), 3);
  for (const char* what : {"dpvs.conf:23:12: left out: bond bond0", "worker cpu3", "neigh_defs", "uoa_mode opp", "synproxy"}) {
    EXPECT_THAT(left_out(result), Contains(HasSubstr(what)));
  }
  EXPECT_THAT(hints(result), Contains(HasSubstr("dpvs.conf:8:12: look at: device dpdk0: which network card it is")));
  expect_valid(result);
}

TEST(ImportDpvs, ItsKeepalivedConfIsReadToo) {
  const Imported result = import_dpvs({{"keepalived.conf",
      "local_address_group g1 {\n 10.0.1.1 dpdk0\n}\nvirtual_server 192.0.2.1 80 {\n protocol TCP\n lb_kind FNAT\n laddr_group_name g1\n"
      " real_server 10.0.0.1 80 {\n }\n}\n"}}, "lb1");
  EXPECT_EQ(only_service(result).local_addresses(), "g1");
}

TEST(ImportDpvs, EveryFaultHasItsPlaceCauseAndRemedy) {
  EXPECT_THAT(faults(of_dpvs("-A -t 192.0.2.1:80 -s sh -b sh-port\n")), ElementsAre(HasSubstr("setup.sh:1:26: -b does not go with -A")));
  EXPECT_THAT(faults(of_dpvs("-a -t 192.0.2.1:80 -r 10.0.0.1 --tun-type gre\n")),
              ElementsAre("setup.sh:1:32: --tun-type is an option of Linux's ipvsadm; use shuntctl import ipvsadm"));
  EXPECT_THAT(faults(of_dpvs("-P -z 10.0.0.1 -t 192.0.2.1:80 -F dpdk0\n")), ElementsAre(HasSubstr("setup.sh:1:1: service tcp 192.0.2.1:80 is not there")));
  EXPECT_THAT(faults(of_dpvs("-A -t 192.0.2.1:80\n-P -z x -t 192.0.2.1:80\n-A -t 192.0.2.2:80 --conn-timeout x\n")),
              ElementsAre(HasSubstr("setup.sh:2:4: \"x\" is no address"), HasSubstr("setup.sh:3:20: \"x\" is no timeout")));
  EXPECT_THAT(faults(of_dpvs("netif_defs {\n device dpdk0 {\n  mtu x\n }\n}\n")), ElementsAre(HasSubstr("setup.sh:3:3: mtu: \"x\" is no number")));
  EXPECT_THAT(left_out(of_dpvs("")), IsEmpty());
}

TEST(ImportDpvs, WhateverIsReadIsValidOrRefused) {
  expect_sound_when_mutated(kScript, [](const std::string& text) { return import_dpvs({{"/nonexistent/s", text}}, "lb1", Lookup::kNone); });
  expect_sound_when_mutated(
      "netif_defs {\n <init> device dpdk0 {\n  rx {\n   descriptor_number 1024\n  }\n  mtu 1500\n  kni_name dpdk0.kni\n }\n}\n"
      "worker_defs {\n worker cpu0 {\n  cpu_id 0\n  type master\n }\n worker cpu1 {\n  cpu_id 1\n  type slave\n }\n}\n"
      "ipvs_defs {\n conn {\n  conn_pool_size 65536\n }\n tcp {\n  timeout {\n   established 90\n  }\n }\n}\n",
      [](const std::string& text) { return import_dpvs({{"/nonexistent/s", text}}, "lb1", Lookup::kNone); });
}

}  // namespace
}  // namespace shunt::shuntctl
