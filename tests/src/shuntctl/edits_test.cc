// The verbs that edit one service or real.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include <string>

#include "tests/src/shuntctl/fake_daemon.h"

namespace shunt::shuntctl {
namespace {

using testing::AllOf;
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

FakeDaemon& with_state(FakeDaemon& daemon) {
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(revision: 7 state { timeouts { udp { seconds: 90 } }
           services { name: "web" protocol: PROTOCOL_TCP address: "203.0.113.10" port: 80
             reals { name: "a" address: "10.0.1.1" port: 80 weight: 0 weight_before_drain: 3 upper_threshold: 9 }
             reals { name: "[2001:db8::1]:80" address: "2001:db8::1" port: 80 weight: 2 }
             sorry_reals { name: "sorry" address: "10.0.1.9" port: 80 } }
           services { name: "mail" protocol: PROTOCOL_TCP address: "203.0.113.10" port: 25 } })",
      &daemon.current));
  return daemon;
}

const v1::Service& sent_web(const FakeDaemon& daemon) {
  return daemon.asked_apply.state().services(0);
}

TEST(RealAdd, SendsWhatWasReadAndTheNewReal) {
  FakeDaemon daemon;
  const Ended ended = with_state(daemon).ctl({"real", "add", "web", "10.0.1.2:8080", "--weight",
                                              "5", "--upper-threshold", "100", "--name", "b"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  ASSERT_EQ(sent_web(daemon).reals_size(), 3);
  const v1::Real& added = sent_web(daemon).reals(2);
  EXPECT_EQ(added.name(), "b");
  EXPECT_EQ(added.address(), "10.0.1.2");
  EXPECT_EQ(added.port(), 8080U);
  EXPECT_EQ(added.weight(), 5U);
  EXPECT_EQ(added.upper_threshold(), 100U);
  EXPECT_EQ(daemon.asked_apply.state().timeouts().udp().seconds(), 90);
  EXPECT_EQ(daemon.asked_apply.state().services_size(), 2);
  EXPECT_EQ(daemon.asked_apply.expected_revision(), 7U);
  EXPECT_FALSE(daemon.asked_apply.dry_run());
}

TEST(RealAdd, TakesAddressesWithoutPortOfBothFamiliesAndSorryReals) {
  FakeDaemon daemon;
  with_state(daemon);
  EXPECT_EQ(daemon.ctl({"real", "add", "web", "2001:db8::7"}).exit, 0);
  EXPECT_EQ(sent_web(daemon).reals(2).address(), "2001:db8::7");
  EXPECT_EQ(sent_web(daemon).reals(2).port(), 0U);
  EXPECT_FALSE(sent_web(daemon).reals(2).has_weight());
  EXPECT_EQ(daemon.ctl({"real", "add", "web", "[2001:db8::7]:81", "--sorry"}).exit, 0);
  EXPECT_EQ(sent_web(daemon).sorry_reals(1).address(), "2001:db8::7");
  EXPECT_EQ(sent_web(daemon).sorry_reals(1).port(), 81U);
}

TEST(RealAdd, WhatIsNoAddressIsRefusedBeforeAnythingIsSent) {
  FakeDaemon daemon;
  for (const char* wrong : {"ten", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:http"}) {
    const Ended ended = with_state(daemon).ctl({"real", "add", "web", wrong});
    EXPECT_EQ(ended.exit, 2) << wrong;
    EXPECT_THAT(ended.err, HasSubstr("is no address"));
  }
  EXPECT_EQ(daemon.asked_apply.ByteSizeLong(), 0U);
}

TEST(RealUpdate, ChangesTheGivenFieldsAlone) {
  FakeDaemon daemon;
  EXPECT_EQ(with_state(daemon)
                .ctl({"real", "update", "web", "10.0.1.1:80", "--lower-threshold", "4"})
                .exit,
            0);
  const v1::Real& real = sent_web(daemon).reals(0);
  EXPECT_EQ(real.lower_threshold(), 4U);
  EXPECT_EQ(real.upper_threshold(), 9U);
  EXPECT_EQ(real.weight_before_drain(), 3U) << "it stays drained";
}

TEST(RealUpdate, AWeightEndsADrain) {
  FakeDaemon daemon;
  EXPECT_EQ(with_state(daemon).ctl({"real", "update", "web", "a", "--weight", "6"}).exit, 0);
  EXPECT_EQ(sent_web(daemon).reals(0).weight(), 6U);
  EXPECT_FALSE(sent_web(daemon).reals(0).has_weight_before_drain());
}

TEST(RealUpdate, WithoutAFieldIsAMistake) {
  FakeDaemon daemon;
  const Ended ended = with_state(daemon).ctl({"real", "update", "web", "a"});
  EXPECT_EQ(ended.exit, 2);
  EXPECT_THAT(ended.err, HasSubstr("give --weight"));
}

TEST(RealRemove, FindsRealsByNameOrEndpointInAnyForm) {
  FakeDaemon daemon;
  with_state(daemon);
  EXPECT_EQ(daemon.ctl({"real", "remove", "web", "[2001:DB8:0::1]:80"}).exit, 0);
  ASSERT_EQ(sent_web(daemon).reals_size(), 1);
  EXPECT_EQ(sent_web(daemon).reals(0).name(), "a");
  EXPECT_EQ(daemon.ctl({"real", "remove", "web", "sorry"}).exit, 0);
  EXPECT_EQ(sent_web(daemon).sorry_reals_size(), 0);
}

TEST(RealRemove, NamesWhatDoesNotExist) {
  FakeDaemon daemon;
  with_state(daemon);
  const Ended no_real = daemon.ctl({"real", "remove", "web", "c"});
  EXPECT_EQ(no_real.exit, 4);
  EXPECT_THAT(no_real.err, HasSubstr("real web/c"));
  const Ended no_service = daemon.ctl({"real", "remove", "wbe", "a"});
  EXPECT_EQ(no_service.exit, 4);
  EXPECT_THAT(no_service.err, HasSubstr("service wbe"));
  EXPECT_EQ(daemon.asked_apply.ByteSizeLong(), 0U);
}

TEST(ServiceAdd, KeepsAllOthersAndRefusesAKnownName) {
  FakeDaemon daemon;
  const ScratchFolder folder;
  const std::string file = folder.write("dns.yaml", kDns);
  EXPECT_EQ(with_state(daemon).ctl({"service", "add", "-f", file}).exit, 0);
  ASSERT_EQ(daemon.asked_apply.state().services_size(), 3);
  EXPECT_EQ(sent_web(daemon).reals_size(), 2);
  EXPECT_EQ(daemon.asked_apply.state().services(2).name(), "dns");
  daemon.current.mutable_state()->mutable_services(1)->set_name("dns");
  const Ended again = daemon.ctl({"service", "add", "-f", file});
  EXPECT_EQ(again.exit, 2);
  EXPECT_THAT(again.err, HasSubstr("service dns: is there already"));
}

TEST(ServiceUpdate, ReplacesItInItsPlaceAndRefusesAnUnknownName) {
  FakeDaemon daemon;
  const ScratchFolder folder;
  const std::string file = folder.write("dns.yaml", kDns);
  EXPECT_EQ(with_state(daemon).ctl({"service", "update", "-f", file}).exit, 4);
  daemon.current.mutable_state()->mutable_services(0)->set_name("dns");
  EXPECT_EQ(daemon.ctl({"service", "update", "-f", file}).exit, 0);
  ASSERT_EQ(daemon.asked_apply.state().services_size(), 2);
  EXPECT_EQ(daemon.asked_apply.state().services(0).port(), 53U);
  EXPECT_EQ(daemon.asked_apply.state().services(1).name(), "mail");
}

TEST(ServiceAdd, WhatItWouldPassOverIsRefused) {
  FakeDaemon daemon;
  const ScratchFolder folder;
  const Ended more = with_state(daemon).ctl(
      {"service", "add", "-f",
       folder.write("more.yaml", std::string("timeouts:\n  udp: 60s\n") + kDns)});
  EXPECT_EQ(more.exit, 2);
  EXPECT_THAT(more.err, HasSubstr("has more than services"));
  EXPECT_EQ(daemon.ctl({"service", "add", "-f", folder.write("none.yaml", "services: []\n")}).exit,
            2);
  EXPECT_EQ(daemon.asked_apply.ByteSizeLong(), 0U);
}

TEST(ServiceRemove, TakesThisOneAlone) {
  FakeDaemon daemon;
  EXPECT_EQ(with_state(daemon).ctl({"service", "remove", "web"}).exit, 0);
  ASSERT_EQ(daemon.asked_apply.state().services_size(), 1);
  EXPECT_EQ(daemon.asked_apply.state().services(0).name(), "mail");
  EXPECT_EQ(daemon.ctl({"service", "remove", "nowhere"}).exit, 4);
}

TEST(Edits, ADryRunSaysSo) {
  FakeDaemon daemon;
  const Ended ended = with_state(daemon).ctl({"service", "remove", "web", "--dry-run"});
  EXPECT_TRUE(daemon.asked_apply.dry_run());
  EXPECT_THAT(ended.out, HasSubstr("dry run"));
}

TEST(Edits, AreMadeAgainOnWhatAnotherChangeLeft) {
  FakeDaemon daemon;
  with_state(daemon).overtaken = 2;
  const Ended ended = daemon.ctl({"real", "remove", "web", "a"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(daemon.asked_apply.expected_revision(), 9U);
  daemon.overtaken = 1000;
  EXPECT_EQ(daemon.ctl({"real", "remove", "web", "a"}).exit, 5) << "but not for ever";
}

TEST(Edits, AreRefusedWhenTheExpectedRevisionIsNotTheCurrentOne) {
  FakeDaemon daemon;
  const Ended stale =
      with_state(daemon).ctl({"real", "remove", "web", "a", "--expect-revision", "6"});
  EXPECT_EQ(stale.exit, 5);
  EXPECT_THAT(stale.err, AllOf(HasSubstr("revision 6"), HasSubstr("the current one is 7")));
  EXPECT_EQ(daemon.asked_apply.ByteSizeLong(), 0U);
  daemon.overtaken = 1;
  EXPECT_EQ(daemon.ctl({"real", "remove", "web", "a", "--expect-revision", "7"}).exit, 5);
  EXPECT_EQ(daemon.overtaken, 0);
}

}  // namespace
}  // namespace shunt::shuntctl
