// import and export as a person runs them: standard input, files, notes and exit codes.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/src/shuntctl/fake_daemon.h"

namespace shunt::shuntctl {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kListing = "-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1\n";

TEST(Exchange, AListingIsReadFromStandardInput) {
  const ScratchFolder folder;
  const std::string file = folder.write("rules", kListing);
  const Ended ended = run_command({"/bin/sh", "-c", "'" SHUNTCTL_PATH "' import ipvsadm < " + file});
  EXPECT_EQ(ended.exit, 0);
  EXPECT_THAT(ended.out, AllOf(StartsWith("# "), HasSubstr("  - name: tcp-192.0.2.1-80\n")));
  EXPECT_THAT(ended.err, HasSubstr("carried over: 1 service, 1 real; left out: nothing\n"));
  EXPECT_EQ(run_shuntctl({"check", folder.write("lb.yaml", ended.out)}).exit, 0);
}

TEST(Exchange, WhatIsLeftOutIsNamedAndExitsOne) {
  const ScratchFolder folder;
  const Ended ended = run_shuntctl({"import", "ipvsadm", folder.write("rules", std::string(kListing) + "-A -f 1\n")});
  EXPECT_EQ(ended.exit, 1);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("rules:3:1: left out: service firewall mark 1"), HasSubstr("left out: 1 thing\n")));
}

TEST(Exchange, AFaultWritesNothingAndExitsTwo) {
  const ScratchFolder folder;
  const std::string file = folder.write("rules", "-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 --real 10.0.0.1\n");
  Ended ended = run_shuntctl({"import", "ipvsadm", file});
  EXPECT_EQ(ended.exit, 2);
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(ended.err, "shuntctl: nothing was written: 1 fault\n" + file + ":2:20: there is no option --real; see ipvsadm(8)\n");
  ended = run_shuntctl({"import", "ipvsadm", file, "-o", "json"});
  EXPECT_EQ(nlohmann::json::parse(ended.err)["error"]["details"][0]["cause"], "there is no option --real");
  EXPECT_EQ(run_shuntctl({"import", "ipvsadm", "/nowhere"}).exit, 2);
}

TEST(Exchange, NumericLooksUpNoNames) {
  const ScratchFolder folder;
  const std::string file = folder.write("rules", "-A -t localhost:80\n");
  EXPECT_EQ(run_shuntctl({"import", "ipvsadm", "-n", file}).exit, 2);
  EXPECT_EQ(run_shuntctl({"import", "ipvsadm", file}).exit, 1);
}

TEST(Exchange, AKeepalivedConfIsReadForTheMachineThatIsNamed) {
  const ScratchFolder folder;
  const std::string file = folder.write("k.conf", "virtual_server 192.0.2.1 80 {\n  protocol TCP\n@lb2 real_server 10.0.0.2 80 {\n@lb2 }\n}\n");
  const Ended one = run_shuntctl({"import", "keepalived", file, "-i", "lb1"});
  EXPECT_EQ(one.exit, 0);
  EXPECT_THAT(one.err, HasSubstr("carried over: 1 service, 0 reals"));
  EXPECT_THAT(run_shuntctl({"import", "keepalived", file, "--config-id", "lb2"}).err, HasSubstr("carried over: 1 service, 1 real;"));
}

TEST(Exchange, FilesOfDpvsAreOneConfiguration) {
  const ScratchFolder folder;
  const std::string conf = folder.write("dpvs.conf",
      "netif_defs {\n  <init> device dpdk0 {\n  }\n}\nworker_defs {\n  worker cpu0 {\n    cpu_id 0\n    type master\n  }\n"
      "  worker cpu1 {\n    cpu_id 1\n    type slave\n  }\n}\n");
  const std::string script = folder.write("setup.sh", "ipvsadm -A -t 192.0.2.1:80 -s rr\nipvsadm -a -t 192.0.2.1:80 -r 10.0.0.1 -b\n"
                                                      "ipvsadm -P -z 10.0.1.1 -t 192.0.2.1:80 -F dpdk0\n");
  const Ended ended = run_shuntctl({"import", "dpvs", conf, script});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("lcores: \"0,1\""), HasSubstr("name: dpdk0"), HasSubstr("method: fullnat")));
  EXPECT_EQ(run_shuntctl({"check", folder.write("lb.yaml", ended.out)}).exit, 0);
  const Ended wrong = run_shuntctl({"import", "dpvs", conf, folder.write("w", "-A -z 1\n")});
  EXPECT_EQ(wrong.exit, 2);
  EXPECT_THAT(wrong.err, HasSubstr("w:1:4: -z does not go with -A"));
}

TEST(Exchange, TheDaemonsStateIsExported) {
  FakeDaemon daemon;
  auto& service = *daemon.current.mutable_state()->add_services();
  service.set_name("web");
  service.set_protocol(v1::PROTOCOL_TCP);
  service.set_address("192.0.2.1");
  service.set_port(80);
  service.mutable_health_check()->set_disabled(true);
  service.add_reals()->set_address("10.0.0.1");
  const Ended ended = daemon.ctl({"export", "ipvsadm"});
  EXPECT_EQ(ended.exit, 0);
  EXPECT_EQ(ended.out, "-A -t 192.0.2.1:80 -s wlc\n-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1\n");
}

TEST(Exchange, AFileIsExportedWithoutADaemon) {
  const ScratchFolder folder;
  const std::string file = folder.write("lb.yaml",
      "services: [{name: web, protocol: udp, address: 192.0.2.1, port: 53, no_real: drop, reals: [{address: 10.0.0.1}]}]\n");
  const Ended ended = run_shuntctl({"export", "ipvsadm", "-f", file});
  EXPECT_EQ(ended.exit, 1);
  EXPECT_EQ(ended.out, "-A -u 192.0.2.1:53 -s wlc\n-a -u 192.0.2.1:53 -r 10.0.0.1:53 -m -w 1\n");
  EXPECT_THAT(ended.err, HasSubstr("left out: service web: IPVS has no no_real"));
  EXPECT_EQ(run_shuntctl({"export", "ipvsadm", "-s", "/nowhere"}).exit, 3);
}

}  // namespace
}  // namespace shunt::shuntctl
