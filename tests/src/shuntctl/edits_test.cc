// The verbs that edit one service or real: what they ask the daemon for.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <string>

#include "tests/src/shuntctl/fake_daemon.h"

namespace shunt::shuntctl {
namespace {

using testing::HasSubstr;

constexpr const char* kDns = R"(
services:
  - name: dns
    protocol: udp
    address: 203.0.113.11
    port: 53
    reals:
      - address: 10.0.2.1
)";

void expect_asked(const FakeDaemon& daemon, const char* text) {
  v1::EditRequest expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &expected));
  google::protobuf::util::MessageDifferencer differencer;
  std::string difference;
  differencer.ReportDifferencesToString(&difference);
  EXPECT_TRUE(differencer.Compare(expected, daemon.asked_edit)) << difference;
}

TEST(RealAdd, SendsTheNewRealAlone) {
  FakeDaemon daemon;
  const Ended ended = daemon.ctl({"real", "add", "web", "10.0.1.2:8080", "--weight", "5", "--upper-threshold", "100",
                                  "--name", "b", "--expect-revision", "7"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  expect_asked(daemon, R"(edits { add_real { service: "web"
    real { name: "b" address: "10.0.1.2" port: 8080 weight: 5 upper_threshold: 100 } } } expected_revision: 7)");
}

TEST(RealAdd, TakesAddressesWithoutPortOfBothFamiliesAndSorryReals) {
  FakeDaemon daemon;
  EXPECT_EQ(daemon.ctl({"real", "add", "web", "2001:db8::7"}).exit, 0);
  expect_asked(daemon, R"(edits { add_real { service: "web" real { address: "2001:db8::7" } } })");
  EXPECT_EQ(daemon.ctl({"real", "add", "web", "[2001:db8::7]:81", "--sorry"}).exit, 0);
  expect_asked(daemon, R"(edits { add_real { service: "web" real { address: "2001:db8::7" port: 81 } sorry: true } })");
}

TEST(RealAdd, WhatIsNoAddressIsRefusedBeforeAnythingIsSent) {
  FakeDaemon daemon;
  for (const char* wrong : {"ten", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:http"}) {
    const Ended ended = daemon.ctl({"real", "add", "web", wrong});
    EXPECT_EQ(ended.exit, 2) << wrong;
    EXPECT_THAT(ended.err, HasSubstr("is no address"));
  }
  EXPECT_EQ(daemon.asked_edit.ByteSizeLong(), 0U);
}

TEST(RealUpdate, NamesTheGivenFieldsAlone) {
  FakeDaemon daemon;
  EXPECT_EQ(daemon.ctl({"real", "update", "web", "10.0.1.1:80", "--lower-threshold", "4", "--weight", "0"}).exit, 0);
  expect_asked(daemon, R"(edits { update_real { service: "web" real: "10.0.1.1:80"
    values { weight: 0 lower_threshold: 4 } update_mask { paths: "weight" paths: "lower_threshold" } } })");
}

TEST(RealUpdate, WithoutAFieldIsAMistake) {
  FakeDaemon daemon;
  const Ended ended = daemon.ctl({"real", "update", "web", "a"});
  EXPECT_EQ(ended.exit, 2);
  EXPECT_THAT(ended.err, HasSubstr("give --weight"));
}

TEST(RealRemove, NamesTheReal) {
  FakeDaemon daemon;
  EXPECT_EQ(daemon.ctl({"real", "remove", "web", "[2001:DB8:0::1]:80"}).exit, 0);
  expect_asked(daemon, R"(edits { remove_real { service: "web" real: "[2001:DB8:0::1]:80" } })");
}

TEST(ServiceAdd, SendsTheFilesServicesAndPools) {
  FakeDaemon daemon;
  const ScratchFolder folder;
  const std::string pool = "local_addresses:\n  - name: p\n    addresses: [10.0.3.1]\n";
  const Ended ended = daemon.ctl({"service", "add", "-f", folder.write("dns.yaml", pool + kDns)});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  expect_asked(daemon, R"(edits { add_local_addresses { pool { name: "p" addresses: "10.0.3.1" } } }
    edits { add_service { service { name: "dns" protocol: PROTOCOL_UDP address: "203.0.113.11" port: 53
      reals { address: "10.0.2.1" } } } })");
}

TEST(ServiceUpdate, ReplacesTheWholeService) {
  FakeDaemon daemon;
  const ScratchFolder folder;
  EXPECT_EQ(daemon.ctl({"service", "update", "-f", folder.write("dns.yaml", kDns)}).exit, 0);
  expect_asked(daemon, R"(edits { update_service { service { name: "dns" protocol: PROTOCOL_UDP address: "203.0.113.11"
    port: 53 reals { address: "10.0.2.1" } } update_mask { paths: "*" } } })");
}

TEST(ServiceAdd, WhatItWouldPassOverIsRefused) {
  FakeDaemon daemon;
  const ScratchFolder folder;
  const Ended more = daemon.ctl(
      {"service", "add", "-f", folder.write("more.yaml", std::string("timeouts:\n  udp: 60s\n") + kDns)});
  EXPECT_EQ(more.exit, 2);
  EXPECT_THAT(more.err, HasSubstr("has more than services"));
  EXPECT_EQ(daemon.ctl({"service", "add", "-f", folder.write("none.yaml", "services: []\n")}).exit, 2);
  EXPECT_EQ(daemon.asked_edit.ByteSizeLong(), 0U);
}

TEST(ServiceRemove, NamesTheService) {
  FakeDaemon daemon;
  EXPECT_EQ(daemon.ctl({"service", "remove", "web"}).exit, 0);
  expect_asked(daemon, R"(edits { remove_service { name: "web" } })");
}

TEST(Edits, ADryRunSaysSo) {
  FakeDaemon daemon;
  const Ended ended = daemon.ctl({"service", "remove", "web", "--dry-run"});
  EXPECT_TRUE(daemon.asked_edit.dry_run());
  EXPECT_THAT(ended.out, HasSubstr("dry run"));
}

TEST(Edits, RefusalsHaveTheirExitCodes) {
  FakeDaemon daemon;
  const std::pair<grpc::StatusCode, int> expected[] = {{grpc::StatusCode::NOT_FOUND, 4},
                                                       {grpc::StatusCode::ALREADY_EXISTS, 2},
                                                       {grpc::StatusCode::INVALID_ARGUMENT, 2},
                                                       {grpc::StatusCode::ABORTED, 5}};
  for (const auto& [code, exit] : expected) {
    daemon.refuse = {code, "for a reason"};
    const Ended ended = daemon.ctl({"real", "remove", "web", "a"});
    EXPECT_EQ(ended.exit, exit);
    EXPECT_THAT(ended.err, HasSubstr("for a reason"));
  }
}

TEST(Access, PrefixesComeAndGo) {
  FakeDaemon daemon;
  EXPECT_EQ(daemon.ctl({"access", "add", "abusers", "192.0.2.7", "2001:db8::/32", "--expect-revision", "7"}).exit, 0);
  expect_asked(daemon, R"(edits { change_access_list { name: "abusers" add: "192.0.2.7" add: "2001:db8::/32" } } expected_revision: 7)");
  EXPECT_EQ(daemon.ctl({"access", "remove", "abusers", "192.0.2.7"}).exit, 0);
  expect_asked(daemon, R"(edits { change_access_list { name: "abusers" remove: "192.0.2.7" } })");
  EXPECT_EQ(daemon.ctl({"access", "add", "partners", "--new"}).exit, 0);
  expect_asked(daemon, R"(edits { add_access_list { list { name: "partners" } } } edits { change_access_list { name: "partners" } })");
  EXPECT_EQ(daemon.ctl({"access", "delete", "partners"}).exit, 0);
  expect_asked(daemon, R"(edits { remove_access_list { name: "partners" } })");
}

TEST(Access, AFileHasOnePrefixALine) {
  FakeDaemon daemon;
  const ScratchFolder folder;
  const std::string file = folder.write("feed", "# feed of today\n192.0.2.0/24\n\n  198.51.100.7 # him again\r\n");
  EXPECT_EQ(daemon.ctl({"access", "add", "abusers", "-f", file}).exit, 0);
  expect_asked(daemon, R"(edits { change_access_list { name: "abusers" add: "192.0.2.0/24" add: "198.51.100.7" } })");
  for (const std::vector<std::string>& nothing :
       {std::vector<std::string>{"access", "add", "abusers"}, std::vector<std::string>{"access", "add", "abusers", "-f", "/nowhere"}}) {
    EXPECT_EQ(daemon.ctl(nothing).exit, 2);
  }
}

TEST(SnatEdits, AFilesRulesAreAddedOrTakeTheirPlaces) {
  FakeDaemon daemon;
  const ScratchFolder folder;
  const std::string file = folder.write("snat.yaml", "snat:\n  - {name: egress, sources: [10.0.0.0/24], addresses: [203.0.113.5]}\n");
  EXPECT_EQ(daemon.ctl({"snat", "add", "-f", file}).exit, 0);
  expect_asked(daemon, R"(edits { add_snat_rule { rule { name: "egress" sources: "10.0.0.0/24" addresses: "203.0.113.5" } } })");
  EXPECT_EQ(daemon.ctl({"snat", "update", "-f", file, "--dry-run"}).exit, 0);
  expect_asked(daemon, R"(edits { update_snat_rule { rule { name: "egress" sources: "10.0.0.0/24" addresses: "203.0.113.5" }
    update_mask { paths: "*" } } } dry_run: true)");
  EXPECT_EQ(daemon.ctl({"snat", "remove", "egress"}).exit, 0);
  expect_asked(daemon, R"(edits { remove_snat_rule { name: "egress" } })");
  const std::string more = folder.write("more.yaml", "snat: []\ntimeouts: {udp: 5s}\n");
  const Ended ended = daemon.ctl({"snat", "add", "-f", more});
  EXPECT_EQ(ended.exit, 2);
  EXPECT_THAT(ended.err, HasSubstr("has more than snat"));
}

}  // namespace
}  // namespace shunt::shuntctl
