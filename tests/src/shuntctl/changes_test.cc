// The verbs that change, and those that read the file.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "tests/src/shuntctl/fake_daemon.h"

namespace shunt::shuntctl {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr const char* kGood = R"(
services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 80
    reals:
      - address: 10.0.1.1
)";

constexpr const char* kBad = R"(
services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 80
    scheduler: wrong
    reals:
      - address: 10.0.1.1
        weight: 90000
)";

v1::ApplyResponse changed() {
  v1::ApplyResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(revision: 8
    changes { kind: KIND_ADDED subject: "service web" }
    changes { kind: KIND_REMOVED subject: "service old" }
    changes { kind: KIND_CHANGED subject: "real web/10.0.1.1:80" details: "weight: 1 -> 5" })",
                                                            &response));
  return response;
}

constexpr const char* kChanges = "+ service web\n- service old\n~ real web/10.0.1.1:80\n    weight: 1 -> 5\n";

TEST(Apply, SendsTheFilesDesiredStateAndShowsTheChanges) {
  FakeDaemon daemon;
  const ScratchFolder folder;
  daemon.applied = changed();
  const Ended ended = daemon.ctl({"apply", "-f", folder.write("good.yaml", kGood), "--expect-revision", "7"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(ended.out, std::string(kChanges) + "revision 8\n");
  ASSERT_EQ(daemon.asked_apply.state().services_size(), 1);
  EXPECT_EQ(daemon.asked_apply.state().services(0).reals(0).address(), "10.0.1.1");
  EXPECT_EQ(daemon.asked_apply.expected_revision(), 7U);
  EXPECT_FALSE(daemon.asked_apply.dry_run());
}

TEST(Apply, ReadsStandardInput) {
  FakeDaemon daemon;
  const ScratchFolder folder;
  const std::string command = std::string(SHUNTCTL_PATH) + " -s " + daemon.socket() + " apply -f - < " +
                              folder.write("good.yaml", kGood);
  const Ended ended = run_command({"/bin/sh", "-c", command});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(ended.out, "nothing to change, revision 0\n");
  EXPECT_EQ(daemon.asked_apply.state().services_size(), 1);
}

TEST(Apply, DryRunSaysSo) {
  FakeDaemon daemon;
  const ScratchFolder folder;
  daemon.applied = changed();
  const Ended ended = daemon.ctl({"apply", "--dry-run", "-f", folder.write("good.yaml", kGood)});
  EXPECT_TRUE(daemon.asked_apply.dry_run());
  EXPECT_THAT(ended.out, HasSubstr("dry run"));
}

TEST(Apply, ABadFileIsRefusedWithAllItsProblemsBeforeAnythingIsSent) {
  FakeDaemon daemon;
  const ScratchFolder folder;
  const std::string file = folder.write("bad.yaml", kBad);
  const Ended ended = daemon.ctl({"apply", "-f", file});
  EXPECT_EQ(ended.exit, 2);
  EXPECT_THAT(ended.err, AllOf(HasSubstr(file + ":7:16: "), HasSubstr(file + ":10:17: ")));
  EXPECT_EQ(daemon.asked_apply.ByteSizeLong(), 0U);
}

TEST(Diff, ExitsAsDiffDoes) {
  FakeDaemon daemon;
  const ScratchFolder folder;
  const std::string good = folder.write("good.yaml", kGood);
  EXPECT_EQ(daemon.ctl({"diff", "-f", good}).exit, 0);
  EXPECT_TRUE(daemon.asked_apply.dry_run());
  daemon.applied = changed();
  const Ended differs = daemon.ctl({"diff", "-f", good});
  EXPECT_EQ(differs.exit, 1);
  EXPECT_EQ(differs.out, kChanges);
  daemon.refuse = grpc::Status(grpc::StatusCode::INTERNAL, "disk on fire");
  EXPECT_EQ(daemon.ctl({"diff", "-f", good}).exit, 7);
  EXPECT_EQ(daemon.ctl({"diff", "-f", folder.write("bad.yaml", kBad)}).exit, 2);
}

TEST(Get, PrintsAFileThatApplyTakesBack) {
  FakeDaemon daemon;
  const ScratchFolder folder;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(revision: 9 state { timeouts { udp { seconds: 90 } }
           services { name: "web" protocol: PROTOCOL_TCP address: "203.0.113.10" port: 80 scheduler: SCHEDULER_MH
                      method: METHOD_DIRECT reals { name: "a" address: "10.0.1.1" port: 80 weight: 0 } } })",
      &daemon.current));
  const Ended got = daemon.ctl({"get"});
  EXPECT_EQ(got.exit, 0);
  EXPECT_THAT(got.out, HasSubstr("# revision 9\n"));
  const Ended applied = daemon.ctl({"apply", "-f", folder.write("got.yaml", got.out)});
  EXPECT_EQ(applied.exit, 0) << applied.err;
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(daemon.asked_apply.state(), daemon.current.state()))
      << got.out;
}

TEST(Check, NeedsNoDaemon) {
  const ScratchFolder folder;
  const Ended good = run_shuntctl({"-s", "/nowhere", "check", folder.write("good.yaml", kGood)});
  EXPECT_EQ(good.exit, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr(": 1 service, 1 real\n"));
  EXPECT_EQ(run_shuntctl({"check", folder.write("bad.yaml", kBad)}).exit, 2);
  EXPECT_EQ(run_shuntctl({"check", folder.path("none.yaml")}).exit, 2);
}

TEST(Check, JudgesTheMachinePartOfAWholeFile) {
  const ScratchFolder folder;
  const std::string file =
      folder.write("whole.yaml", std::string("workers:\n  connections: 5\n") + kGood);
  const Ended ended = run_shuntctl({"check", file, "-o", "json"});
  EXPECT_EQ(ended.exit, 2);
  EXPECT_THAT(ended.err, HasSubstr(file + ":2:16: "));
  std::set<std::string> fields;
  const auto document = nlohmann::json::parse(ended.err);
  for (const auto& detail : document["error"]["details"]) fields.insert(detail["field"]);
  // A daemon's file must also have ports.
  EXPECT_THAT(fields, UnorderedElementsAre("workers.connections", "ports"));
}

TEST(SetWeight, PassesItsArgumentsOn) {
  FakeDaemon daemon;
  daemon.applied = changed();
  const Ended ended = daemon.ctl({"real", "set-weight", "web", "10.0.1.1:80", "5", "--expect-revision", "3"});
  EXPECT_EQ(ended.exit, 0);
  EXPECT_THAT(ended.out, HasSubstr("revision 8\n"));
  EXPECT_EQ(daemon.asked_weight.service(), "web");
  EXPECT_EQ(daemon.asked_weight.real(), "10.0.1.1:80");
  EXPECT_EQ(daemon.asked_weight.weight(), 5U);
  EXPECT_EQ(daemon.asked_weight.expected_revision(), 3U);
}

TEST(SetWeight, MayLastForAWhile) {
  FakeDaemon daemon;
  daemon.applied = changed();
  EXPECT_EQ(daemon.ctl({"real", "set-weight", "web", "a", "5", "--for", "1h"}).exit, 0);
  EXPECT_EQ(daemon.asked_weight.lasts().seconds(), 3600);
  EXPECT_EQ(daemon.ctl({"real", "set-weight", "web", "a", "5", "--for", "soon"}).exit, 2);
}

TEST(Drain, PassesDeadlineAndWhatThenOn) {
  FakeDaemon daemon;
  daemon.applied = changed();
  EXPECT_EQ(daemon.ctl({"real", "drain", "web", "a", "--deadline", "5m", "--then", "reschedule", "--for", "2h"}).exit, 0);
  EXPECT_EQ(daemon.asked_drain.deadline().seconds(), 300);
  EXPECT_EQ(daemon.asked_drain.then(), v1::AT_DEADLINE_RESCHEDULE);
  EXPECT_EQ(daemon.asked_drain.lasts().seconds(), 7200);
  EXPECT_EQ(daemon.ctl({"real", "drain", "web", "a"}).exit, 0);
  EXPECT_FALSE(daemon.asked_drain.has_deadline());
  EXPECT_EQ(daemon.asked_drain.then(), v1::AT_DEADLINE_UNSPECIFIED);
  EXPECT_EQ(daemon.ctl({"real", "drain", "web", "a", "--then", "reset"}).exit, 2);
  EXPECT_EQ(daemon.ctl({"real", "drain", "web", "a", "--undo", "--deadline", "5m"}).exit, 2);
  EXPECT_EQ(daemon.ctl({"real", "drain", "web", "a", "--deadline", "5m", "--then", "explode"}).exit, 2);
}

TEST(Overrides, AreListedWithWhatIsLeftOfThem) {
  FakeDaemon daemon;
  EXPECT_THAT(daemon.ctl({"overrides"}).out, HasSubstr("no overrides: every real is as configured"));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch()).count();
  auto& one = *daemon.overrides.add_overrides();
  one.set_service("web6");
  one.set_address("2001:db8::1");
  one.set_port(80);
  one.set_configured_weight(3);
  one.set_connections(12);
  one.mutable_weight()->set_weight(7);
  one.mutable_weight()->set_by("unix socket");
  one.mutable_weight()->mutable_until()->set_seconds(seconds + 7500);
  one.mutable_drain()->mutable_deadline()->set_seconds(seconds + 290);
  one.mutable_drain()->set_then(v1::AT_DEADLINE_RESET);
  one.mutable_drain()->set_by("ops at 192.0.2.7:40112");
  const Ended ended = daemon.ctl({"overrides"});
  EXPECT_EQ(ended.exit, 0);
  EXPECT_THAT(ended.out, ContainsRegex("web6 +\\[2001:db8::1\\]:80 +3 +drained +- +12 +reset in 4m +ops at 192.0.2.7:40112"));
  EXPECT_THAT(ended.out, ContainsRegex("web6 +\\[2001:db8::1\\]:80 +3 +weight 7 +- +in 2h[0-9]m +12 +unix socket"));
}

TEST(Overrides, AreCleared) {
  FakeDaemon daemon;
  daemon.applied = changed();
  EXPECT_EQ(daemon.ctl({"real", "clear", "web", "a", "--expect-revision", "4"}).exit, 0);
  EXPECT_EQ(daemon.asked_clear.real(), "a");
  EXPECT_EQ(daemon.asked_clear.expected_revision(), 4U);
}

v1::ListServicesResponse with_connections(uint64_t active, uint64_t inactive) {
  v1::ListServicesResponse response;
  auto& service = *response.add_services();
  service.set_name("web");
  auto& other = *service.add_reals();
  other.set_name("other");
  other.set_active_connections(1000);
  auto& real = *service.add_reals();
  real.set_name("first");
  real.set_address("10.0.1.1");
  real.set_port(80);
  real.set_active_connections(active);
  real.set_inactive_connections(inactive);
  return response;
}

TEST(Drain, UndoIsPassedOn) {
  FakeDaemon daemon;
  EXPECT_EQ(daemon.ctl({"real", "drain", "web", "first", "--undo"}).exit, 0);
  EXPECT_TRUE(daemon.asked_drain.undo());
  EXPECT_EQ(daemon.asked_drain.real(), "first");
}

TEST(Drain, WaitsUntilTheLastConnectionIsGone) {
  FakeDaemon daemon;
  daemon.pages = {with_connections(2, 1), with_connections(0, 1), with_connections(0, 0)};
  const Ended ended = daemon.ctl({"real", "drain", "web", "10.0.1.1:80", "--wait"});
  EXPECT_EQ(ended.exit, 0);
  EXPECT_EQ(ended.err, "3 connections left\n1 connections left\n0 connections left\n");
  EXPECT_EQ(daemon.asked_services.size(), 3U);
}

TEST(Drain, WaitsForAnIpv6RealInWhateverFormItIsNamed) {
  FakeDaemon daemon;
  daemon.pages = {with_connections(2, 1), with_connections(0, 0)};
  for (auto& page : daemon.pages) page.mutable_services(0)->mutable_reals(1)->set_address("2001:db8::1");
  const Ended ended = daemon.ctl({"real", "drain", "web", "[2001:DB8:0::1]:80", "--wait"});
  EXPECT_EQ(ended.exit, 0);
  EXPECT_EQ(ended.err, "3 connections left\n0 connections left\n");
  EXPECT_EQ(daemon.asked_drain.real(), "[2001:DB8:0::1]:80");
}

TEST(Drain, TheWaitEndsAtTheTimeout) {
  FakeDaemon daemon;
  daemon.pages = {with_connections(2, 0)};
  const Ended ended = daemon.ctl({"real", "drain", "web", "first", "--wait", "--timeout", "700ms"});
  EXPECT_EQ(ended.exit, 1);
  EXPECT_THAT(ended.err, HasSubstr("still has 2 connections; it stays drained"));
}

}  // namespace
}  // namespace shunt::shuntctl
