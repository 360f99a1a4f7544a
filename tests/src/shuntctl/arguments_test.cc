// What shuntctl says to wrong arguments, missing daemons and refusals; its exit codes.
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "tests/src/shuntctl/fake_daemon.h"

namespace shunt::shuntctl {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Arguments, WrongOnesAreUsageErrors) {
  const std::vector<std::vector<std::string>> wrong = {
      {}, {"frobnicate"}, {"service"}, {"service", "list", "--stats", "--rate"}, {"real", "set-weight", "web", "a", "65536"},
      {"real", "set-weight", "web", "a", "-1"}, {"real", "drain", "web"}, {"real", "drain", "w", "a", "--undo", "--wait"},
      {"apply"}, {"status", "-o", "xml"}, {"status", "--timeout", "soon"}, {"status", "--timeout", "0s"}};
  for (const auto& arguments : wrong) {
    const Ended ended = run_shuntctl(arguments);
    EXPECT_EQ(ended.exit, 2) << testing::PrintToString(arguments);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("shuntctl: "), HasSubstr("--help"))) << testing::PrintToString(arguments);
    EXPECT_THAT(ended.out, IsEmpty());
  }
}

TEST(Arguments, TheUnknownOneIsNamedWithWhatMayHaveBeenMeant) {
  const std::vector<std::pair<std::vector<std::string>, const char*>> wrong = {
      {{"--nonsense"}, "unknown option --nonsense; see shuntctl --help"},
      {{"--nonsense", "status"}, "unknown option --nonsense; see shuntctl status --help"},
      {{"--sokcet", "/x", "status"}, "unknown option --sokcet; did you mean --socket? See shuntctl status --help"},
      {{"status", "--tmeout=5s"}, "unknown option --tmeout; did you mean --timeout? See shuntctl status --help"},
      {{"--watch", "stats"}, "option --watch comes too early; write it after shuntctl stats; see shuntctl stats --help"},
      {{"nonsense"}, "unknown command \"nonsense\"; see shuntctl --help"},
      {{"drosp"}, "unknown command \"drosp\"; did you mean drops? See shuntctl --help"},
      {{"__complet"}, "unknown command \"__complet\"; see shuntctl --help"},
      {{"real", "drian", "web", "a"}, "unknown command \"drian\"; did you mean drain? See shuntctl real --help"},
      {{"service", "--nonsense"}, "unknown option --nonsense; see shuntctl service --help"},
      {{"status", "nonsense"}, "unexpected argument \"nonsense\"; see shuntctl status --help"}};
  for (const auto& [arguments, told] : wrong) {
    const Ended ended = run_shuntctl(arguments);
    EXPECT_EQ(ended.exit, 2);
    EXPECT_EQ(ended.err, "shuntctl: " + std::string(told) + "\n") << testing::PrintToString(arguments);
  }
}

TEST(Arguments, HelpDocumentsEveryExitCode) {
  const Ended ended = run_shuntctl({"--help"});
  EXPECT_EQ(ended.exit, 0);
  for (int code = 0; code <= 7; ++code) EXPECT_THAT(ended.out, HasSubstr("\n  " + std::to_string(code) + "  "));
}

TEST(Arguments, HelpSaysHowAnIpv6RealIsNamed) {
  const std::vector<std::vector<std::string>> verbs = {{"real", "drain"}, {"real", "set-weight"}, {"conn", "list"}};
  for (std::vector<std::string> verb : verbs) {
    verb.emplace_back("--help");
    EXPECT_THAT(run_shuntctl(verb).out, HasSubstr("[ADDRESS]:PORT for IPv6")) << testing::PrintToString(verb);
  }
}

TEST(Arguments, UsageErrorsAreJsonWhenAskedFor) {
  const Ended ended = run_shuntctl({"frobnicate", "-o", "json"});
  EXPECT_EQ(ended.exit, 2);
  EXPECT_EQ(nlohmann::json::parse(ended.err)["error"]["code"], "USAGE");
}

TEST(Arguments, GlobalOptionsMayFollowTheVerb) {
  FakeDaemon daemon;
  EXPECT_EQ(run_shuntctl({"status", "-s", daemon.socket(), "--timeout", "5"}).exit, 0);
}

TEST(Arguments, TheSocketComesFromTheEnvironmentUnlessGiven) {
  FakeDaemon daemon;
  EXPECT_EQ(run_shuntctl({"status"}, {{"SHUNT_SOCKET", daemon.socket()}}).exit, 0);
  EXPECT_EQ(run_shuntctl({"-s", "/nowhere", "status"}, {{"SHUNT_SOCKET", daemon.socket()}}).exit, 3);
}

TEST(Arguments, AServiceMayBeCalledLikeAVerb) {
  FakeDaemon daemon;
  daemon.pages.emplace_back();
  EXPECT_EQ(daemon.ctl({"service", "list", "status"}).exit, 0);
  ASSERT_EQ(daemon.asked_services.size(), 1U);
  EXPECT_EQ(daemon.asked_services[0].name(), "status");
}

TEST(Unreachable, AMissingSocketAsksWhetherTheDaemonRuns) {
  const Ended ended = run_shuntctl({"-s", "/nowhere/s.sock", "status"});
  EXPECT_EQ(ended.exit, 3);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("/nowhere/s.sock"), HasSubstr("is shuntd running?"), HasSubstr("--socket")));
}

TEST(Unreachable, ADeadDaemonsSocketIsNamedSo) {
  const ScratchFolder folder;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, folder.path("s").c_str());
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(fd);
  const Ended ended = run_shuntctl({"-s", folder.path("s"), "status"});
  EXPECT_EQ(ended.exit, 3);
  EXPECT_THAT(ended.err, HasSubstr("nobody listens"));
}

TEST(Unreachable, APathTooLongForASocketIsAUsageError) {
  EXPECT_EQ(run_shuntctl({"-s", "/" + std::string(108, 'x'), "status"}).exit, 2);
}

TEST(Unreachable, ASlowDaemonEndsAtTheTimeout) {
  FakeDaemon daemon;
  daemon.delay = std::chrono::seconds(2);
  const Ended ended = daemon.ctl({"status", "--timeout", "100ms"});
  EXPECT_EQ(ended.exit, 1);
  EXPECT_THAT(ended.err, HasSubstr("no answer in time"));
}

TEST(Refusals, EachHasItsExitCode) {
  FakeDaemon daemon;
  const std::vector<std::pair<grpc::StatusCode, int>> codes = {
      {grpc::StatusCode::INTERNAL, 1},  {grpc::StatusCode::INVALID_ARGUMENT, 2},  {grpc::StatusCode::UNAVAILABLE, 3},
      {grpc::StatusCode::NOT_FOUND, 4}, {grpc::StatusCode::ABORTED, 5},           {grpc::StatusCode::PERMISSION_DENIED, 6},
      {grpc::StatusCode::UNKNOWN, 1},   {grpc::StatusCode::RESOURCE_EXHAUSTED, 1}};
  for (const auto& [code, exit] : codes) {
    daemon.refuse = grpc::Status(code, "why it was refused");
    const Ended ended = daemon.ctl({"real", "set-weight", "web", "a", "5"});
    EXPECT_EQ(ended.exit, exit);
    EXPECT_EQ(ended.err, "shuntctl: why it was refused\n");
  }
}

TEST(Refusals, JsonCarriesTheDetails) {
  FakeDaemon daemon;
  v1::ErrorDetail detail;
  detail.set_field("services[0].port");
  detail.set_reason("OUT_OF_RANGE");
  detail.set_cause("port 70000 exceeds 65535");
  detail.set_remedy("lower it");
  v1::ErrorStatus status;
  status.add_details()->PackFrom(detail);
  daemon.refuse = grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "a\nb", status.SerializeAsString());
  const Ended ended = daemon.ctl({"get", "-o", "json"});
  EXPECT_EQ(ended.exit, 2);
  EXPECT_THAT(ended.out, IsEmpty());
  const auto error = nlohmann::json::parse(ended.err)["error"];
  EXPECT_EQ(error["code"], "INVALID_ARGUMENT");
  EXPECT_EQ(error["message"], "a\nb");
  ASSERT_EQ(error["details"].size(), 1U);
  EXPECT_EQ(error["details"][0]["field"], "services[0].port");
  EXPECT_EQ(error["details"][0]["reason"], "OUT_OF_RANGE");
  EXPECT_EQ(error["details"][0]["cause"], "port 70000 exceeds 65535");
  EXPECT_EQ(error["details"][0]["remedy"], "lower it");
}

TEST(Output, AFullDiskIsAnError) {
  FakeDaemon daemon;
  const Ended ended =
      run_command({"/bin/sh", "-c", std::string(SHUNTCTL_PATH) + " -s " + daemon.socket() + " status > /dev/full"});
  EXPECT_EQ(ended.exit, 1);
  EXPECT_THAT(ended.err, HasSubstr("standard output"));
}

}  // namespace
}  // namespace shunt::shuntctl
