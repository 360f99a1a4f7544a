// A desired state as ipvsadm's commands, what ipvsadm cannot say named; and there and back again.
#include "src/shuntctl/foreign/export_ipvsadm.h"

#include <gmock/gmock.h>

#include "config/convert.h"
#include "config/yaml_file.h"
#include "src/shuntctl/foreign/import_ipvsadm.h"
#include "tests/src/shuntctl/foreign/imported.h"

namespace shunt::shuntctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Exported exported(const std::string& yaml) {
  const auto loaded = config::load_yaml_text(yaml, "lb.yaml", config::Purpose::kDesiredState);
  for (const auto& problem : loaded.problems) ADD_FAILURE() << config::to_string(problem, "lb.yaml");
  return export_ipvsadm(config::desired_part(loaded.config));
}

std::vector<std::string> texts(const Exported& from) {
  std::vector<std::string> all;
  for (const Note& note : from.notes) all.push_back(to_string(note));
  return all;
}

TEST(ExportIpvsadm, WhatIpvsadmSavesComesBackTheSame) {
  const std::string saved =
      "--set 600 120 60\n"
      "-A -t 192.0.2.10:80 -s wlc -p 600 -M 255.255.255.0\n"
      "-a -t 192.0.2.10:80 -r 10.0.0.1:8080 -m -w 3 -x 100 -y 50\n"
      "-a -t 192.0.2.10:80 -r 10.0.0.2:80 -m -w 0\n"
      "-A -t 192.0.2.11:0 -s fo -p 360\n"
      "-a -t 192.0.2.11:0 -r 10.0.0.2:0 -g -w 1\n"
      "-A -t 192.0.2.12:80 -s rr\n"
      "-a -t 192.0.2.12:80 -r 10.0.0.3:80 -i -w 1 --tun-type gue --tun-port 6081 --tun-csum\n"
      "-a -t 192.0.2.12:80 -r [2001:db8::4]:80 -i -w 1 --tun-type gre --tun-nocsum\n"
      "-a -t 192.0.2.12:80 -r 10.0.0.5:80 -i -w 1 --tun-type ipip\n"
      "-A -u 192.0.2.10:53 -s sh -o -b sh-fallback,sh-port\n"
      "-a -u 192.0.2.10:53 -r 10.0.0.1:53 -m -w 1\n"
      "-A --sctp-service 192.0.2.10:9 -s mh\n"
      "-a --sctp-service 192.0.2.10:9 -r 10.0.0.1:9 -m -w 1\n"
      "-A -t [2001:db8::1]:443 -s mh -p 300 -M 64 -b mh-fallback\n"
      "-a -t [2001:db8::1]:443 -r [2001:db8::a]:443 -m -w 1\n"
      "-A -u 192.0.2.10:5060 -s rr -p 60 --pe sip\n"
      "-a -u 192.0.2.10:5060 -r 10.0.0.1:5060 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum\n";
  const Imported imported = import_ipvsadm(saved, "rules");
  EXPECT_THAT(left_out(imported), IsEmpty());
  EXPECT_EQ(export_ipvsadm(config::desired_part(assemble(imported.draft))).text, saved);
}

TEST(ExportIpvsadm, ConhashBecomesMh) {
  const Exported result = exported(
      "services:\n"
      "  - {name: web, protocol: tcp, address: 192.0.2.1, port: 80, scheduler: conhash, scheduler_flags: {port: true},\n"
      "     health_check: {port: 80}, reals: [{address: 10.0.0.1}]}\n");
  EXPECT_EQ(result.text,
            "-A -t 192.0.2.1:80 -s mh -b mh-fallback,mh-port\n-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1\n");
  EXPECT_THAT(texts(result), testing::Contains(HasSubstr("no scheduler conhash")));
}

TEST(ExportIpvsadm, AServiceForEachVip) {
  const Exported result = exported(
      "services:\n"
      "  - {name: web, protocol: tcp, address: 192.0.2.1, port: 80, scheduler: rr, health_check: {port: 80},\n"
      "     more_vips: [{address: 192.0.2.2, port: 80}, {address: 192.0.2.1, port: 8080}], reals: [{address: 10.0.0.1}]}\n");
  EXPECT_EQ(result.text,
            "-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1\n"
            "-A -t 192.0.2.2:80 -s rr\n-a -t 192.0.2.2:80 -r 10.0.0.1:80 -m -w 1\n"
            "-A -t 192.0.2.1:8080 -s rr\n-a -t 192.0.2.1:8080 -r 10.0.0.1:8080 -m -w 1\n");
  EXPECT_THAT(texts(result), ElementsAre(HasSubstr("look at: service web: IPVS has a service for each VIP"),
                                         HasSubstr("IPVS checks no real")));
}

TEST(ExportIpvsadm, MatchesAndRangesAreMarks) {
  const Exported result = exported(
      "services:\n"
      "  - {name: guests, protocol: tcp, match: {clients: [192.0.2.0/24], vips: [198.51.100.1/32], first_port: 1, last_port: 1024},\n"
      "     health_check: {disabled: true}, reals: [{address: 10.0.0.9}]}\n"
      "  - {name: web, protocol: tcp, address: 198.51.100.1, port: 80, health_check: {disabled: true}, reals: [{address: 10.0.0.1}]}\n"
      "  - {name: rest, protocol: tcp, address: 198.51.100.1, all_ports: true, health_check: {disabled: true},\n"
      "     reals: [{address: 10.0.0.2}]}\n"
      "  - {name: six, protocol: udp, address: \"2001:db8::1\", port: 1000, last_port: 1999, reals: [{address: \"2001:db8::9\"}]}\n");
  EXPECT_EQ(result.text,
            "-A -f 1 -s wlc\n-a -f 1 -r 10.0.0.9:0 -m -w 1\n"
            "-A -t 198.51.100.1:80 -s wlc\n-a -t 198.51.100.1:80 -r 10.0.0.1:80 -m -w 1\n"
            "-A -f 2 -s wlc\n-a -f 2 -r 10.0.0.2:0 -m -w 1\n"
            "-A -f 3 -6 -s wlc\n-a -f 3 -6 -r [2001:db8::9]:0 -m -w 1\n");
  EXPECT_THAT(texts(result),
              ElementsAre(HasSubstr("nft add rule inet mangle prerouting ip saddr { 192.0.2.0/24 } ip daddr { 198.51.100.1/32 } "
                                    "tcp dport 1-1024 meta mark set 1 accept"),
                          HasSubstr("ip daddr 198.51.100.1 meta l4proto tcp tcp dport != { 80 } meta mark set 2 accept"),
                          HasSubstr("ip6 daddr 2001:db8::1 udp dport 1000-1999 meta mark set 3 accept")));
}

TEST(ExportIpvsadm, WhatIpvsadmCannotSayIsNamed) {
  const Exported result = exported(
      "timeouts: {tcp_close: 5s, udp: 1500ms}\n"
      "sysctls: {expire_nodest_conn: true, conn_reuse_mode: 0}\n"
      "local_addresses: [{name: pool, addresses: [10.0.1.1]}]\n"
      "services:\n"
      "  - {name: web, protocol: tcp, address: 192.0.2.1, port: 80, method: fullnat, local_addresses: pool, no_real: drop,\n"
      "     max_segment_size: 1400, sloppy_tcp: true, timeouts: {udp: 5s}, sorry_reals: [{address: 10.0.0.9}],\n"
      "     reals: [{address: 10.0.0.1, name: a, upper_threshold: 70000}], health_check: {disabled: true}}\n");
  EXPECT_EQ(result.text, "--set 0 0 2\n-A -t 192.0.2.1:80 -s wlc\n-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1 -x 65535\n");
  EXPECT_THAT(texts(result),
              ElementsAre(HasSubstr("IPVS has no timeouts.tcp_close"), HasSubstr("threshold 70000"), HasSubstr("IPVS has no fullnat"),
                          HasSubstr("keepalived has them (sorry_server)"), HasSubstr("maxseg size set 1400"),
                          HasSubstr("sysctl -w net.ipv4.vs.sloppy_tcp=1"), HasSubstr("IPVS has no timeouts"),
                          HasSubstr("IPVS has no no_real"), HasSubstr("net.ipv4.vs.conn_reuse_mode=0"),
                          HasSubstr("net.ipv4.vs.expire_nodest_conn=1")));
}

}  // namespace
}  // namespace shunt::shuntctl
