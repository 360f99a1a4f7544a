// keepalived.conf becomes Shunt's YAML, and what cannot is named with its file and line.
#include "src/shuntctl/foreign/import_keepalived.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/src/shuntctl/foreign/imported.h"
#include "tests/src/shuntctl/program.h"

namespace shunt::shuntctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Imported of_keepalived(const std::string& text, const std::string& file = "k.conf", const std::string& id = "lb1") {
  return import_keepalived(text, file, id);
}

constexpr const char* kTypical = R"(! Two web servers and their stand-in
global_defs {
    router_id lb1
    lvs_timeouts tcp 600 udp 60
}

virtual_server 192.0.2.10 443 {
    delay_loop 6
    lb_algo wlc
    lb_kind NAT
    persistence_timeout 120
    persistence_granularity 255.255.255.0
    protocol TCP
    sorry_server 10.0.0.99 80

    real_server 10.0.0.1 8443 {
        weight 3
        inhibit_on_failure
        uthreshold 1000
        lthreshold 800
        TCP_CHECK {
            connect_timeout 3
            retry 2
            delay_before_retry 1
        }
    }
    real_server 10.0.0.2 8443 {
        TCP_CHECK {
            connect_timeout 3
            retry 2
        }
    }
}
)";

TEST(ImportKeepalived, AVirtualServerBecomesAService) {
  const Imported result = of_keepalived(kTypical);
  EXPECT_THAT(left_out(result), IsEmpty());
  EXPECT_EQ(services_text(result),
            "services:\n"
            "  - name: tcp-192.0.2.10-443\n"
            "    protocol: tcp\n"
            "    address: \"192.0.2.10\"\n"
            "    port: 443\n"
            "    scheduler: wlc\n"
            "    method: nat\n"
            "    health_check:\n"
            "      interval: 6s\n"
            "      timeout: 3s\n"
            "      rise: 1\n"
            "      fall: 3\n"
            "    persistence:\n"
            "      timeout: 2m\n"
            "      ipv4_prefix: 24\n"
            "    reals:\n"
            "      - {address: \"10.0.0.1\", port: 8443, weight: 3, upper_threshold: 1000, lower_threshold: 800}\n"
            "      - {address: \"10.0.0.2\", port: 8443}\n"
            "    sorry_reals:\n"
            "      - {address: \"10.0.0.99\", port: 80}\n");
  const v1::Config config = assemble(result.draft);
  EXPECT_EQ(config.timeouts().tcp_established().seconds(), 600);
  EXPECT_EQ(config.timeouts().udp().seconds(), 60);
  expect_valid(result);
}

TEST(ImportKeepalived, AGroupIsOneServiceWithSeveralVips) {
  const Imported result = of_keepalived(R"(
virtual_server_group web {
    192.0.2.10-12 80
    192.0.2.20 443
    2001:db8::fffe-ffff 80
}
virtual_server group web
{
    lvs_sched rr
    lvs_method DR
    protocol TCP
    real_server 192.0.2.101 80 {
        weight 1
    }
}
)");
  // What is of another family is not left out silently.
  EXPECT_FALSE(left_out(result).empty());
  const v1::Service& service = only_service(result);
  EXPECT_EQ(service.name(), "web");
  EXPECT_EQ(service.address(), "192.0.2.10");
  ASSERT_GE(service.more_vips_size(), 3);
  EXPECT_EQ(service.more_vips(1).address(), "192.0.2.12");
  EXPECT_EQ(service.more_vips(2).address(), "192.0.2.20");
  EXPECT_EQ(service.more_vips(2).port(), 443U);
  // keepalived checks a real that has no checker not at all.
  EXPECT_TRUE(service.health_check().disabled());
}

TEST(ImportKeepalived, TunnelsSchedulersAndFlagsAreRead) {
  const Imported result = of_keepalived(R"(
virtual_server 192.0.2.1 53 {
    protocol UDP
    lvs_sched mh
    mh-port
    mh-fallback
    ops
    lvs_method TUN type gue port 6081 csum
    real_server 10.0.0.1 53 {
        lvs_method TUN type ipip
    }
    real_server 2001:db8::5 53 {
    }
}
virtual_server 2001:db8::10 80 {
    protocol TCP
    lvs_sched sh
    persistence_timeout
    persistence_granularity 64
    real_server 2001:db8:1::1 8080 {
        weight 0
    }
}
)");
  EXPECT_THAT(left_out(result), IsEmpty());
  const v1::Config config = assemble(result.draft);
  ASSERT_EQ(config.services_size(), 2);
  const v1::Service& dns = config.services(0);
  EXPECT_TRUE(dns.one_packet());
  EXPECT_TRUE(dns.scheduler_flags().port());
  EXPECT_FALSE(dns.scheduler_flags().has_fallback());
  EXPECT_EQ(dns.reals(0).tunnel().kind(), v1::TUNNEL_KIND_IPIP);
  EXPECT_EQ(dns.reals(1).tunnel().port(), 6081U);
  EXPECT_EQ(config.services(1).persistence().timeout().seconds(), 360);
  EXPECT_EQ(config.services(1).persistence().ipv6_prefix(), 64U);
  EXPECT_TRUE(config.services(1).scheduler_flags().has_fallback());
  expect_valid(result);
}

TEST(ImportKeepalived, TheChecksOfMostRealsAreTheServices) {
  const Imported result = of_keepalived(R"(
virtual_server 192.0.2.1 80 {
    protocol TCP
    delay_loop 2.5
    connect_timeout 4
    real_server 10.0.0.1 80 {
        TCP_CHECK { connect_port 8080
        }
    }
    real_server 10.0.0.2 80 { TCP_CHECK {
        retry 5
    } }
    real_server 10.0.0.3 80 {
        TCP_CHECK {
            connect_port 8080
        }
    }
}
)");
  EXPECT_THAT(left_out(result), ElementsAre(HasSubstr("k.conf:10:5: left out: service tcp 192.0.2.1:80: the check of one real")));
  const v1::HealthCheck check = only_service(result).health_check();
  EXPECT_EQ(check.port(), 8080U);
  EXPECT_EQ(check.fall(), 2U);
  EXPECT_EQ(check.interval().nanos(), 500000000);
  // keepalived may wait longer than it pauses, Shunt not.
  EXPECT_EQ(check.timeout().seconds(), 2);
}

TEST(ImportKeepalived, WithoutAProtocolItIsUdpAsWithKeepalived) {
  const Imported result = of_keepalived("virtual_server 192.0.2.1 80 {\n real_server 10.0.0.1 80 {\n }\n}\n");
  EXPECT_EQ(only_service(result).protocol(), v1::PROTOCOL_UDP);
  EXPECT_THAT(hints(result), ElementsAre(HasSubstr("k.conf:1:1: look at: service udp 192.0.2.1:80: no protocol is set")));
}

TEST(ImportKeepalived, SeveralPortsLeadToTheRealsOwn) {
  const auto text = [](const char* method) {
    return std::string("virtual_server_group g {\n 192.0.2.1 80\n 192.0.2.1 8080\n}\nvirtual_server group g {\n protocol TCP\n lvs_method ") +
           method + "\n real_server 10.0.0.1 80 {\n  TCP_CHECK {\n  }\n }\n}\n";
  };
  EXPECT_EQ(only_service(of_keepalived(text("NAT"))).reals(0).port(), 80U);
  const v1::Service direct = only_service(of_keepalived(text("DR")));
  EXPECT_EQ(direct.reals(0).port(), 0U);
  EXPECT_EQ(direct.health_check().port(), 80U);
}

TEST(ImportKeepalived, ADatagramServiceIsNotCheckedByAConnect) {
  const Imported result = of_keepalived(
      "virtual_server 192.0.2.1 53 {\n protocol UDP\n real_server 10.0.0.1 53 {\n  SMTP_CHECK {\n  }\n }\n}\n"
      "virtual_server 192.0.2.1 54 {\n protocol UDP\n real_server 10.0.0.1 54 {\n  TCP_CHECK { connect_port 80\n  }\n }\n}\n");
  const v1::Config config = assemble(result.draft);
  ASSERT_EQ(config.services_size(), 2);
  EXPECT_TRUE(config.services(0).health_check().disabled());
  EXPECT_EQ(config.services(1).health_check().port(), 80U);
  EXPECT_THAT(left_out(result), ElementsAre(HasSubstr("k.conf:4:3: left out: real 10.0.0.1:53 of service udp 192.0.2.1:53: SMTP_CHECK")));
}

// One real with that checker, its own, under that protocol.
Imported with_checker(const std::string& checker, const char* protocol = "TCP") {
  return of_keepalived("virtual_server 192.0.2.1 80 {\n protocol " + std::string(protocol) +
                       "\n virtualhost www.example.com\n real_server 10.0.0.1 80 {\n" + checker + "\n }\n}\n");
}

std::string check_text(const Imported& result) {
  expect_valid(result);
  return only_service(result).health_check().ShortDebugString();
}

TEST(ImportKeepalived, PagesAreAskedForAsBefore) {
  const Imported http = with_checker(R"(  HTTP_GET {
    url {
      path /health?full
      status_code 200 301-308
      regex ready
    }
    connect_port 8080
    connect_timeout 3
  })");
  EXPECT_THAT(left_out(http), IsEmpty());
  EXPECT_THAT(check_text(http), HasSubstr("port: 8080 http { path: \"/health?full\" host: \"www.example.com\" "
                                          "status: \"200,301-308\" body: \"ready\" }"));
  const Imported https = with_checker(R"(  SSL_GET {
    virtualhost one.example.com
    url {
      path /
      virtualhost two.example.com
    }
  })");
  EXPECT_THAT(left_out(https), IsEmpty());
  EXPECT_THAT(check_text(https), HasSubstr("https { host: \"two.example.com\" tls { no_verify: true } }"));
}

TEST(ImportKeepalived, WhatAPageCheckCannotSayIsNamed) {
  const Imported result = with_checker(R"(  HTTP_GET {
    url {
      path index.html
      digest 9b3a0c85a887a256d6939da88aabd8cd
      regex ^ok$
    }
    url { path /second
    }
  })");
  EXPECT_THAT(left_out(result), testing::UnorderedElementsAre(
                                    HasSubstr("k.conf:7:7: left out: real 10.0.0.1:80 of service tcp 192.0.2.1:80: HTTP_GET: path index.html"),
                                    HasSubstr("k.conf:8:7: left out: real 10.0.0.1:80 of service tcp 192.0.2.1:80: HTTP_GET: digest"),
                                    HasSubstr("HTTP_GET: regex ^ok$"), HasSubstr("k.conf:11:5: left out: real 10.0.0.1:80 of service tcp 192.0.2.1:80: HTTP_GET: a second url")));
  EXPECT_THAT(check_text(result), HasSubstr("http { host: \"www.example.com\" }"));
  EXPECT_THAT(faults(with_checker("HTTP_GET { url { status_code 20 } }")), ElementsAre(HasSubstr("status_code: \"20\" is no status")));
}

TEST(ImportKeepalived, DatagramChecksAreCarriedOver) {
  const Imported udp = with_checker("  UDP_CHECK {\n payload \"00 01 ff\"\n require_reply 0102\n }", "UDP");
  EXPECT_THAT(left_out(udp), IsEmpty());
  EXPECT_THAT(check_text(udp), HasSubstr("udp { send_hex: \"0001ff\" expect_hex: \"0102\" needs_answer: true }"));
  const Imported any = with_checker("  UDP_CHECK {\n require_reply 0Xff\n min_reply_length 3\n }", "UDP");
  EXPECT_THAT(check_text(any), HasSubstr("udp { needs_answer: true }"));
  EXPECT_THAT(left_out(any), ElementsAre(HasSubstr("any digit"), HasSubstr("min_reply_length")));
  EXPECT_THAT(faults(with_checker("UDP_CHECK {\n payload 0g\n }", "UDP")), ElementsAre(HasSubstr("payload: \"0g\" are no bytes")));
  const Imported dns = with_checker("  DNS_CHECK {\n type AAAA\n name example.com\n }", "UDP");
  EXPECT_THAT(left_out(dns), IsEmpty());
  EXPECT_THAT(check_text(dns), HasSubstr("fall: 4 dns { name: \"example.com\" type: DNS_TYPE_AAAA }"));
  const Imported ping = with_checker("  PING_CHECK {\n connect_port 7\n }", "UDP");
  EXPECT_THAT(left_out(ping), IsEmpty());
  EXPECT_THAT(check_text(ping), testing::AllOf(HasSubstr("icmp { }"), testing::Not(HasSubstr("port"))));
}

TEST(ImportKeepalived, AProgramKeepsItsNameAndWords) {
  const Imported result = with_checker("  MISC_CHECK {\n misc_path \"/usr/lib/checks/web-check 10.0.0.1 --quick\"\n misc_timeout 7\n misc_dynamic\n }");
  EXPECT_THAT(hints(result), testing::Contains(HasSubstr("MISC_CHECK: check programs are those in /etc/shunt/checks")));
  EXPECT_THAT(left_out(result), ElementsAre(HasSubstr("misc_dynamic")));
  EXPECT_THAT(check_text(result), testing::AllOf(HasSubstr("timeout { seconds: 7 }"), HasSubstr("fall: 1"),
                                                 HasSubstr("exec { command: \"web-check\" command: \"10.0.0.1\" command: \"--quick\" }")));
}

TEST(ImportKeepalived, AQuorumIsOneWhereASorryServerWaits) {
  const auto text = [](const std::string& more) {
    return "virtual_server 192.0.2.1 80 {\n protocol TCP\n quorum 5\n hysteresis 2\n" + more +
           " real_server 10.0.0.1 80 {\n  weight 9\n  TCP_CHECK {\n  }\n }\n}\n";
  };
  const Imported sorry = of_keepalived(text(" sorry_server 10.0.0.9 80\n"));
  EXPECT_THAT(left_out(sorry), IsEmpty());
  EXPECT_EQ(only_service(sorry).quorum().weight(), 5U);
  EXPECT_EQ(only_service(sorry).quorum().hysteresis(), 2U);
  expect_valid(sorry);
  const Imported alone = of_keepalived(text(""));
  EXPECT_THAT(left_out(alone), ElementsAre(HasSubstr("k.conf:3:2: left out: service tcp 192.0.2.1:80: quorum is not carried over: there is no sorry_server")));
  EXPECT_FALSE(only_service(alone).has_quorum());
}

TEST(ImportKeepalived, WhatIsNotForwardingIsNamed) {
  const Imported result = of_keepalived(R"(global_defs {
    notification_email {
        ops@example.org
    }
    lvs_sync_daemon eth0 VI_1
}
vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_ipaddress { 192.0.2.1 }
}
static_routes { 10.0.0.0/8 via 192.0.2.254 }
frobnicate
virtual_server 192.0.2.1 80 {
    protocol TCP
    quorum_up "/etc/keepalived/up.sh 'a b'"
    ha_suspend
    alpha
    frob 5
    real_server 10.0.0.1 80 {
        notify_down /etc/keepalived/down.sh
        TCP_CHECK {
            bindto 192.0.2.2
        }
    }
}
virtual_server fwmark 7 {
    real_server 10.0.0.1 0 { }
}
)");
  EXPECT_THAT(left_out(result),
              ElementsAre(HasSubstr("k.conf:2:5: left out: notification_email: Shunt sends no mail"),
                          HasSubstr("k.conf:5:5: left out: lvs_sync_daemon eth0"), HasSubstr("k.conf:7:1: left out: vrrp_instance VI_1"),
                          HasSubstr("k.conf:12:1: left out: static_routes"), HasSubstr("k.conf:13:1: left out: frobnicate: unknown keyword"),
                          HasSubstr("k.conf:16:5: left out: service tcp 192.0.2.1:80: quorum_up"), HasSubstr("ha_suspend"),
                          HasSubstr("alpha"), HasSubstr("unknown keyword \"frob\""), HasSubstr("k.conf:23:13: left out: real 10.0.0.1:80"),
                          HasSubstr("k.conf:21:9: left out: real 10.0.0.1:80 of service tcp 192.0.2.1:80: notify_down"),
                          HasSubstr("k.conf:27:1: left out: service firewall mark 7")));
  expect_valid(result);
}

TEST(ImportKeepalived, ParametersConditionsSequencesAndListsArePutIn) {
  const Imported result = of_keepalived(R"conf(
$NET=10.0.${SUB}
$SUB=7
@lb1 $WEIGHT=5
@lb2 $WEIGHT=9
@^lb1 $OTHER=1
$REAL= \
real_server ${NET}.${NUM} 80 { \
    weight $WEIGHT \
}
virtual_server 192.0.2.1 80 {   # not this one: ${NET}
    ~SEQ(NUM, 1, 2) $REAL
    ~LST({A, B}, {20, 3}, {21, 4}) real_server 10.0.1.${A} 80 { weight ${B} }
    ~SEQx(HEX, 0x1e, 0x1f) real_server 10.0.2.1 ${HEX}0 { weight 1 }
@lb2 real_server 10.9.9.9 80 { weight 1 }
}
)conf");
  // "1e0" is no port.
  EXPECT_THAT(faults(result), ElementsAre(HasSubstr("\"1e0\" is no number"), HasSubstr("\"1f0\" is no number")));
  const Imported right = of_keepalived(R"conf(
$NET=10.0.${SUB}
$SUB=7
@lb1 $WEIGHT=5
@lb2 $WEIGHT=9
$REAL= \
real_server ${NET}.${NUM} 80 { \
    weight $WEIGHT \
}
virtual_server 192.0.2.1 80 {   # not this one: ${NET}
    ~SEQ(NUM, 1, 2) $REAL
    ~LST({A, B}, {20, 3}, {21, 4}) real_server 10.0.1.${A} 80 { weight ${B} }
@lb2 real_server 10.9.9.9 80 { weight 1 }
}
)conf");
  const v1::Service& service = only_service(right);
  std::vector<std::string> reals;
  for (const v1::Real& real : service.reals()) reals.push_back(real.address() + " " + std::to_string(real.weight()));
  EXPECT_THAT(reals, ElementsAre("10.0.7.1 5", "10.0.7.2 5", "10.0.1.20 3", "10.0.1.21 4"));
}

TEST(ImportKeepalived, FilesAreIncluded) {
  const ScratchFolder folder;
  std::filesystem::create_directory(folder.path("conf.d"));
  folder.write("conf.d/a.conf", "include ../reals.conf\nvirtual_server 192.0.2.1 80 {\n$REALS\n}\n");
  folder.write("conf.d/b.conf", "virtual_server 192.0.2.2 80 {\n  real_server 10.0.0.2 80 {\n    weight x\n  }\n}\n");
  folder.write("reals.conf", "$REALS= \\\n real_server 10.0.0.1 80 { \\\n }\n");
  const std::string text = "include conf.d/*.conf\ninclude \"nothing/*\"\n";
  Imported result = of_keepalived(text, folder.path("k.conf"));
  EXPECT_THAT(faults(result), ElementsAre(folder.path("conf.d/b.conf") + ":3:5: weight: \"x\" is no number of 0..2147483647; write one"));
  folder.write("conf.d/b.conf", "");
  result = of_keepalived(text, folder.path("k.conf"));
  EXPECT_THAT(left_out(result), ElementsAre(HasSubstr("k.conf:2:1: left out: include nothing/*: there is no such file")));
  EXPECT_EQ(only_service(result).reals(0).address(), "10.0.0.1");
  folder.write("conf.d/b.conf", "include b.conf\n");
  EXPECT_THAT(faults(of_keepalived(text, folder.path("k.conf"))), ElementsAre(HasSubstr("include each other")));
}

TEST(ImportKeepalived, DpvssKeywordsAreUnderstood) {
  const Imported result = of_keepalived(R"(
local_address_group laddr_g1 {
    192.0.2.200 dpdk0
    192.0.2.201-202 dpdk0
}
virtual_server_group web-80 { 192.0.2.254 80
}
virtual_server group web-80 {
    delay_loop 3
    lb_algo rr
    lb_kind FNAT
    protocol TCP
    laddr_group_name laddr_g1
    syn_proxy
    establish_timeout 200
    real_server 192.0.2.2 80 {
        weight 100
        inhibit_on_failure
        TCP_CHECK { nb_sock_retry 2
            connect_timeout 3
        }
    }
}
)");
  const v1::Service& service = only_service(result);
  EXPECT_EQ(service.method(), v1::METHOD_FULLNAT);
  EXPECT_EQ(service.local_addresses(), "laddr_g1");
  EXPECT_EQ(service.timeouts().tcp_established().seconds(), 200);
  const v1::Config config = assemble(result.draft);
  ASSERT_EQ(config.local_addresses_size(), 1);
  EXPECT_EQ(config.local_addresses(0).addresses_size(), 3);
  EXPECT_THAT(left_out(result), testing::Contains(HasSubstr("syn_proxy")));
}

TEST(ImportKeepalived, EveryFaultHasItsPlaceCauseAndRemedy) {
  const auto one = [](const std::string& text) { return faults(of_keepalived(text)); };
  EXPECT_THAT(one("virtual_server 192.0.2.1 80 {\n"),
              ElementsAre("k.conf:1:1: the block virtual_server is not closed; add a }"));
  EXPECT_THAT(one("}\n"), ElementsAre("k.conf:1:1: } closes nothing; remove it"));
  EXPECT_THAT(one("{\n}\n"), ElementsAre(HasSubstr("k.conf:1:1: { has no keyword")));
  EXPECT_THAT(one("a \"b\n"), ElementsAre("k.conf:1:3: a quoted string has no end; close it with \""));
  EXPECT_THAT(one("$A=$B x\n$B=$A y\n$A\n"), ElementsAre(HasSubstr("without end")));
  EXPECT_THAT(one("$A=${A}${A}\n${A}\n"), ElementsAre(HasSubstr("k.conf:2:1: ")));
  EXPECT_THAT(one("~SEQ(A, 1, 1000000000) $B\n"), ElementsAre(HasSubstr("k.conf:1:1: ")));
  EXPECT_THAT(one("virtual_server 1.2.3 80 { }\n"), ElementsAre(HasSubstr("\"1.2.3\" is no address")));
  EXPECT_THAT(one("virtual_server group nobody { }\n"), ElementsAre(HasSubstr("there is no virtual_server_group \"nobody\"")));
  EXPECT_THAT(one("virtual_server 192.0.2.1 { }\n"), ElementsAre(HasSubstr("with persistence_timeout alone")));
  EXPECT_THAT(one("virtual_server 192.0.2.1 80 {\n lb_kind FROB\n protocol X\n delay_loop y\n}\n"),
              ElementsAre(HasSubstr("k.conf:2:2: lb_kind: \"FROB\" is no forwarding method"), HasSubstr("k.conf:3:2: protocol"),
                          HasSubstr("k.conf:4:2: delay_loop: \"y\" is no time in seconds")));
  EXPECT_THAT(one("virtual_server_group g {\n 192.0.2.1-300 80\n 10.0.0.0/8 80\n}\nvirtual_server group g { }\n"),
              ElementsAre(HasSubstr("k.conf:2:2: \"192.0.2.1-300\" is no address, nor a range"), HasSubstr("k.conf:3:2: ")));
}

TEST(ImportKeepalived, WhateverIsReadIsValidOrRefused) {
  const std::string text = std::string(kTypical) + R"(
virtual_server_group g { 192.0.2.20-22 80
 fwmark 5
}
$N=3
virtual_server group g { lvs_method TUN type gre csum
  ~SEQ(I, 1, 3) real_server 10.0.1.$I 80 { weight ${N} }
  quorum 2
  HTTP_GET { url { path "/a b" } }
}
)";
  expect_sound_when_mutated(text, [](const std::string& changed) { return of_keepalived(changed, "/nonexistent/k.conf"); });
}

}  // namespace
}  // namespace shunt::shuntctl
