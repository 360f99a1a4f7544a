// What ipvsadm-save wrote becomes Shunt's YAML, and what cannot is named with its line.
#include "src/shuntctl/foreign/import_ipvsadm.h"

#include <gmock/gmock.h>

#include "tests/src/shuntctl/foreign/imported.h"

namespace shunt::shuntctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Imported imported(const std::string& text) { return import_ipvsadm(text, "rules"); }

TEST(ImportIpvsadm, AListingBecomesAValidFile) {
  const Imported result = imported(
      "-A -t 192.0.2.10:80 -s wrr\n"
      "-a -t 192.0.2.10:80 -r 10.0.0.1:8080 -m -w 3\n"
      "-a -t 192.0.2.10:80 -r 10.0.0.2:80 -m -w 1\n"
      "-A -u 192.0.2.10:53 -s sh -o -b sh-fallback,sh-port\n"
      "-a -u 192.0.2.10:53 -r 10.0.0.1:53 -g -w 1\n"
      "-A -t [2001:db8::10]:443 -s mh -p 600 -M 64\n"
      "-a -t [2001:db8::10]:443 -r [2001:db8:1::1]:443 -i -w 1 --tun-type gue --tun-port 6081 --tun-csum\n");
  EXPECT_THAT(left_out(result), IsEmpty());
  EXPECT_EQ(services_text(result),
            "services:\n"
            "  - name: tcp-192.0.2.10-80\n"
            "    protocol: tcp\n"
            "    address: \"192.0.2.10\"\n"
            "    port: 80\n"
            "    scheduler: wrr\n"
            "    method: nat\n"
            "    reals:\n"
            "      - {address: \"10.0.0.1\", port: 8080, weight: 3}\n"
            "      - {address: \"10.0.0.2\"}\n"
            "  - name: udp-192.0.2.10-53\n"
            "    protocol: udp\n"
            "    address: \"192.0.2.10\"\n"
            "    port: 53\n"
            "    scheduler: sh\n"
            "    method: direct\n"
            "    scheduler_flags:\n"
            "      port: true\n"
            "    one_packet: true\n"
            "    reals:\n"
            "      - {address: \"10.0.0.1\"}\n"
            "  - name: tcp-2001-db8--10-443\n"
            "    protocol: tcp\n"
            "    address: \"2001:db8::10\"\n"
            "    port: 443\n"
            "    scheduler: mh\n"
            "    method: tunnel\n"
            "    scheduler_flags:\n"
            "      fallback: false\n"
            "    persistence:\n"
            "      timeout: 10m\n"
            "      ipv6_prefix: 64\n"
            "    tunnel:\n"
            "      kind: gue\n"
            "      checksum: full\n"
            "      port: 6081\n"
            "    reals:\n"
            "      - {address: \"2001:db8:1::1\"}\n");
  expect_valid(result);
}

TEST(ImportIpvsadm, ThresholdsAndLongOptionsAndBundlesAreRead) {
  const Imported result = imported(
      "ipvsadm --add-service --tcp-service=192.0.2.1:80 --scheduler wlc --persistent\n"
      "/sbin/ipvsadm -at 192.0.2.1:80 -r10.0.0.1 -mw5 -x 100 --l-threshold=50\n"
      "\n  # a comment\n");
  EXPECT_THAT(left_out(result), IsEmpty());
  const v1::Service& service = only_service(result);
  EXPECT_EQ(service.persistence().timeout().seconds(), 360);  // as ipvsadm 1.31 writes it for a bare -p
  EXPECT_EQ(service.reals(0).weight(), 5U);
  EXPECT_EQ(service.reals(0).upper_threshold(), 100U);
  EXPECT_EQ(service.reals(0).lower_threshold(), 50U);
}

TEST(ImportIpvsadm, NamesAreLookedUp) {
  const Imported result = imported("-A -t localhost:https -s rr\n");
  const auto refused = left_out(result);
  // This machine's own loopback address is no VIP, but it was found.
  EXPECT_THAT(refused, ElementsAre(HasSubstr("service tcp 127.0.0.1:443")));
}

TEST(ImportIpvsadm, AllPortsNeedPersistenceThereAndNoCheckHere) {
  const Imported result = imported("-A -t 192.0.2.1:0 -s rr -p 300\n-a -t 192.0.2.1:0 -r 10.0.0.1:0 -g -w 1\n");
  EXPECT_THAT(left_out(result), IsEmpty());
  EXPECT_TRUE(only_service(result).all_ports());
  EXPECT_TRUE(only_service(result).health_check().disabled());
  EXPECT_THAT(faults(imported("-A -t 192.0.2.1:0 -s rr\n")), ElementsAre(HasSubstr("rules:1:1: port 0 stands for all ports")));
}

TEST(ImportIpvsadm, CommandsOfAScriptAreFollowed) {
  const Imported result = imported(
      "-A -t 192.0.2.9:80\n-C\n--set 600 0 60\n"
      "-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 10.0.0.1 -m\n-a -t 192.0.2.1:80 -r 10.0.0.2 -m\n"
      "-E -t 192.0.2.1:80 -s sed\n-e -t 192.0.2.1:80 -r 10.0.0.1 -m -w 0\n-d -t 192.0.2.1:80 -r 10.0.0.2\n"
      "-A -t 192.0.2.2:80\n-D -t 192.0.2.2:80\n");
  const v1::Config config = assemble(result.draft);
  EXPECT_EQ(config.timeouts().tcp_established().seconds(), 600);
  EXPECT_FALSE(config.timeouts().has_tcp_fin_wait());
  EXPECT_EQ(config.timeouts().udp().seconds(), 60);
  const v1::Service& service = only_service(result);
  EXPECT_EQ(service.scheduler(), v1::SCHEDULER_SED);
  ASSERT_EQ(service.reals_size(), 1);
  EXPECT_EQ(service.reals(0).weight(), 0U);
}

TEST(ImportIpvsadm, WhatCannotBeCarriedOverIsNamedWithItsLine) {
  const Imported result = imported(
      "-A -t 192.0.2.1:80 -s nosuch -b flag-3\n"
      "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1\n"
      "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -m -w 1\n"
      "-a -t 192.0.2.1:80 -r 10.0.0.3:80 -g -w 1\n"
      "-a -t 192.0.2.1:80 -r 192.0.2.1:80 -m -w 1\n"
      "-A -u 192.0.2.1:5060 -s rr -p 60 -M 255.0.255.0 --pe nosuch\n"
      "-A -f 7 -s rr\n"
      "-a -f 7 -r 10.0.0.1:0 -m -w 1\n"
      "--start-daemon master --mcast-interface eth0\n");
  EXPECT_THAT(left_out(result),
              ElementsAre(HasSubstr("rules:9:1: left out: --start-daemon master"),
                          HasSubstr("rules:1:1: left out: service tcp 192.0.2.1:80: there is no scheduler \"nosuch\""),
                          HasSubstr("no flag \"flag-3\""),
                          HasSubstr("rules:4:1: left out: real 10.0.0.3:80 of service tcp 192.0.2.1:80: its forwarding method is direct"),
                          HasSubstr("rules:5:1: left out: real 192.0.2.1 of service tcp 192.0.2.1:80: address 192.0.2.1 is the VIP"),
                          HasSubstr("persistence engine \"nosuch\""), HasSubstr("netmask \"255.0.255.0\" is no prefix"),
                          HasSubstr("rules:7:1: left out: service firewall mark 7")));
  const v1::Config config = assemble(result.draft);
  ASSERT_EQ(config.services_size(), 2);
  EXPECT_EQ(config.services(0).reals_size(), 2);
  expect_valid(result);
  // At their places, in words.
  const std::string text = draft_text(result.draft, "title");
  EXPECT_THAT(text, HasSubstr("    reals:\n      - {address: \"10.0.0.1\"}\n      - {address: \"10.0.0.2\"}\n"
                              "      # rules:4:1: left out: real 10.0.0.3:80"));
  EXPECT_THAT(text, HasSubstr("  #  - name: mark-7\n"));
}

TEST(ImportIpvsadm, HeavyWeightsKeepTheirProportions) {
  const Imported result = imported(
      "-A -t 192.0.2.1:80 -s wrr\n-a -t 192.0.2.1:80 -r 10.0.0.1 -m -w 200000\n-a -t 192.0.2.1:80 -r 10.0.0.2 -m -w 100000\n"
      "-a -t 192.0.2.1:80 -r 10.0.0.3 -m -w 1\n-a -t 192.0.2.1:80 -r 10.0.0.4 -m -w 0\n");
  const v1::Service& service = only_service(result);
  EXPECT_EQ(service.reals(0).weight(), 2 * service.reals(1).weight());
  EXPECT_LE(service.reals(0).weight(), 65535U);
  EXPECT_FALSE(service.reals(2).has_weight());  // 1, the default
  EXPECT_EQ(service.reals(3).weight(), 0U);
  EXPECT_TRUE(service.reals(3).has_weight());
}

TEST(ImportIpvsadm, TunnelsThatDifferAreTheReals) {
  const Imported result = imported(
      "-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 10.0.0.1 -i\n"
      "-a -t 192.0.2.1:80 -r [2001:db8::5]:80 -i --tun-type gre --tun-csum\n");
  const v1::Service& service = only_service(result);
  EXPECT_FALSE(service.has_tunnel());
  EXPECT_EQ(service.reals(0).tunnel().kind(), v1::TUNNEL_KIND_IPIP);
  EXPECT_EQ(service.reals(1).tunnel().checksum(), v1::TUNNEL_CHECKSUM_FULL);
  EXPECT_THAT(left_out(result), IsEmpty());
}

TEST(ImportIpvsadm, CallsAndRemoteChecksumsAreCarriedOver) {
  const Imported result = imported(
      "-A -u 192.0.2.1:5060 -s rr -p 60 --pe sip\n"
      "-a -u 192.0.2.1:5060 -r 10.0.0.1:5060 -i --tun-type gue --tun-port 6080 --tun-remcsum\n");
  const v1::Service& service = only_service(result);
  EXPECT_EQ(service.persistence().engine(), v1::PERSISTENCE_ENGINE_SIP);
  EXPECT_EQ(service.tunnel().checksum(), v1::TUNNEL_CHECKSUM_REMOTE);
  EXPECT_THAT(left_out(result), IsEmpty());
  expect_valid(result);
}

TEST(ImportIpvsadm, EveryFaultHasItsPlaceCauseAndRemedy) {
  EXPECT_THAT(faults(imported("-A -t 192.0.2.1:80 -Q 5\n")),
              ElementsAre("rules:1:20: -Q is an option of DPVS's ipvsadm; use shuntctl import dpvs"));
  EXPECT_THAT(faults(imported("-A -t 192.0.2.1:80 --frob\n-A\n-t 192.0.2.1:80\n-A -t 1.2.3:80\n-A -t 192.0.2.1:nosuchport\n")),
              ElementsAre("rules:1:20: there is no option --frob; see ipvsadm(8)", HasSubstr("rules:2:1: the line names no service"),
                          HasSubstr("rules:3:1: the line has no command"), HasSubstr("rules:4:4: \"1.2.3\" is neither an address"),
                          HasSubstr("rules:5:4: \"nosuchport\" is neither a port")));
  EXPECT_THAT(faults(imported("-A -t 192.0.2.1:80 -w 5\n-a -t 192.0.2.1:80 -r 10.0.0.1\n-A -A\n-A -t\n")),
              ElementsAre(HasSubstr("rules:1:20: -w does not go with -A"), HasSubstr("rules:2:1: service tcp 192.0.2.1:80 is not there"),
                          HasSubstr("rules:3:4: -A is a second command"), HasSubstr("rules:4:4: -t needs a value")));
  EXPECT_THAT(faults(imported("-A -t 192.0.2.1:80\n-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 10.0.0.1 -w x\n--set 1 2\n")),
              ElementsAre(HasSubstr("rules:2:1: service tcp 192.0.2.1:80 is there already, since line 1"),
                          HasSubstr("rules:3:32: \"x\" is no number"), HasSubstr("--set needs three timeouts")));
}

TEST(ImportIpvsadm, NothingIsAValidFile) {
  const Imported result = imported("");
  EXPECT_THAT(left_out(result), IsEmpty());
  expect_valid(result);
}

TEST(ImportIpvsadm, WhateverIsReadIsValidOrRefused) {
  const std::string listing =
      "-A -t 192.0.2.10:80 -s wrr -p 600 -M 255.255.255.0\n-a -t 192.0.2.10:80 -r 10.0.0.1:8080 -m -w 3 -x 9 -y 3\n"
      "-A -u 192.0.2.10:53 -s sh -o -b sh-fallback,sh-port\n-a -u 192.0.2.10:53 -r 10.0.0.1:53 -g -w 1\n"
      "-A -t [2001:db8::10]:443 -s mh -p 600 -M 64\n"
      "-a -t [2001:db8::10]:443 -r [2001:db8:1::1]:443 -i -w 1 --tun-type gue --tun-port 6081 --tun-csum\n"
      "-A -f 7 -6 -s rr\n-a -f 7 -r [2001:db8::9]:0 -m -w 1\n--set 1 2 3\n";
  expect_sound_when_mutated(listing, [](const std::string& text) { return import_ipvsadm(text, "rules", Lookup::kNone); });
}

}  // namespace
}  // namespace shunt::shuntctl
