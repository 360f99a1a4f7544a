// The built daemon from outside: its exit statuses, what systemd and the log are told, signals.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>

#include <sstream>

#include "tests/src/shuntd/program.h"

namespace shunt::shuntd {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Shuntd, AValidFilePassesTheCheckWithoutStarting) {
  const Place place;
  EXPECT_EQ(run(place, {"--check", "-c", place.write()}), 0);
  EXPECT_THAT(place.read("out"), HasSubstr("shunt.yaml: valid"));
  EXPECT_FALSE(std::filesystem::exists(place.path("journal")));
}

TEST(Shuntd, TheCheckCountsTheMemoryOfBothFamiliesTables) {
  Place place;
  place.memory_mb = 1024;
  const auto tables = [&place] {
    EXPECT_EQ(run(place, {"--check", "-c", place.write()}), 0);
    const std::string said = place.read("out");
    const std::string before = " of 1024 MiB: connection tables ";
    EXPECT_THAT(said, HasSubstr(before));
    return std::stoul(said.substr(said.find(before) + before.size()));
  };
  const unsigned long small = tables();
  place.connections = 1000000;
  EXPECT_GE(tables(), small + 80);
  place.connections = 1024;
  place.ipv6_connections = 1000000;
  EXPECT_GE(tables(), small + 140);

  place.memory_mb = 128;
  EXPECT_EQ(run(place, {"--check", "-c", place.write()}), 3);
  EXPECT_THAT(place.read("log"), HasSubstr("shunt.yaml: memory: needs "));
  EXPECT_THAT(place.read("out"), Not(HasSubstr("valid")));
}

TEST(Shuntd, EveryErrorOfAFileIsTold) {
  Place place;
  place.weight = 90000;
  place.more = "servises: []\n";
  const std::string file = place.write();
  for (const bool check : {true, false}) {
    EXPECT_EQ(run(place, check ? std::vector<std::string>{"--check", "-c", file} : std::vector<std::string>{"-c", file}), 2);
    EXPECT_THAT(place.read("log"), HasSubstr(file + ":15:"));
    EXPECT_THAT(place.read("log"), HasSubstr("90000"));
    EXPECT_THAT(place.read("log"), HasSubstr(file + ":16:1: servises"));
  }
}

TEST(Shuntd, WrongArgumentsAreAnInvalidConfiguration) {
  const Place place;
  EXPECT_EQ(run(place, {"--no-such-option"}), 2);
  EXPECT_EQ(run(place, {"--check", "-c", place.path("nowhere.yaml")}), 2);
  EXPECT_EQ(run(place, {"--log-level", "loud"}), 2);
  EXPECT_EQ(run(place, {"--version"}), 0);
  EXPECT_THAT(place.read("out"), HasSubstr("shuntd " SHUNT_VERSION));
}

TEST(Shuntd, TheExitStatusTellsWhyItDidNotStart) {
  Place place;
  place.connections = 10000000;
  EXPECT_EQ(run(place, {"-c", place.write()}), 3);
  EXPECT_THAT(place.read("log"), HasSubstr("dpdk.memory_mb is 128"));
  place.connections = 1024;
  place.ipv6_connections = 10000000;
  EXPECT_EQ(run(place, {"-c", place.write()}), 3);
  place.ipv6_connections = 1024;
  place.device = "net_af_packet0,iface=nowhere0";
  EXPECT_EQ(run(place, {"-c", place.write()}), 4);
  EXPECT_THAT(place.read("log"), HasSubstr("no interface nowhere0"));
}

TEST(Shuntd, WithoutTheCapabilityForItsPortsItSaysWhich) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to take a capability away";
  Place place;
  place.device = "net_tap0,iface=shuntd-test";
  EXPECT_EQ(run(place, {"-c", place.write()}, {"setpriv", "--bounding-set=-net_admin,-net_raw"}), 6);
  EXPECT_THAT(place.read("log"), HasSubstr("net_tap needs CAP_NET_ADMIN"));
}

// Of the release build: a sanitizer's shadow memory is more than the emulator can give.
#ifndef __SANITIZE_ADDRESS__
TEST(Shuntd, OnACpuThatLacksItsInstructionsItSaysWhich) {
  if (std::system("command -v qemu-x86_64 >/dev/null") != 0) GTEST_SKIP() << "needs an older CPU: package qemu-user";
  const Place place;
  EXPECT_EQ(run(place, {"--version"}, {"qemu-x86_64", "-cpu", "Nehalem"}), 7);
  EXPECT_THAT(place.read("log"), HasSubstr("lacks instructions that this build uses: "));
  EXPECT_THAT(place.read("log"), HasSubstr(" avx2 "));
  EXPECT_EQ(place.read("out"), "");
}
#endif

TEST(Shuntd, ASecondOneOnTheSamePrefixIsRefused) {
  const Place place;
  const std::string file = place.write();
  Shuntd first(place, {"-c", file});
  ASSERT_NE(first.notified("READY=1"), "") << first.log();
  const Place other;
  EXPECT_EQ(run(other, {"-c", file}), 5);
  EXPECT_THAT(other.read("log"), HasSubstr("in use by another shuntd"));
  first.send(SIGTERM);
  EXPECT_EQ(first.wait(), 0);
}

TEST(Shuntd, ItTellsSystemdWhenItIsReadyAndLeavesNothingBehind) {
  const Place place;
  Shuntd daemon(place, {"-c", place.write()});
  EXPECT_THAT(daemon.notified("READY=1"), HasSubstr("STATUS=1 port, 1 worker, connection tables of 1 MiB for 1024 IPv4 and "
                                                    "1024 IPv6 connections"))
      << daemon.log();
  EXPECT_TRUE(std::filesystem::is_socket(place.path("sock")));
  EXPECT_THAT(daemon.log(), HasSubstr("info ready: 1 port, 1 worker"));
  daemon.send(SIGTERM);
  EXPECT_NE(daemon.notified("STOPPING=1"), "");
  EXPECT_EQ(daemon.wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(place.path("sock")));
  const std::string base = getuid() == 0 ? "/var/run/dpdk/" : "/tmp/dpdk/";
  EXPECT_FALSE(std::filesystem::exists(base + place.file_prefix()));
}

// A socket that listens on a port of 127.0.0.1 that was free.
class TakenPort {
 public:
  TakenPort() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(socket_, 1), 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port = ntohs(address.sin_port);
  }
  ~TakenPort() { close(socket_); }
  uint16_t port = 0;

 private:
  int socket_;
};

TEST(Shuntd, AStatusPageWhosePortIsTakenIsAConflict) {
  Place place;
  const TakenPort taken;
  place.http = "port: " + std::to_string(taken.port);
  EXPECT_EQ(run(place, {"-c", place.write()}), 5);
  EXPECT_THAT(place.read("log"), HasSubstr("http 127.0.0.1:" + std::to_string(taken.port) + ": the port is taken; "));
  EXPECT_FALSE(std::filesystem::exists(place.path("sock")));
}

TEST(Shuntd, ItsLogIsOneJsonObjectALineWhereTheFileSaysSo) {
  Place place;
  place.more = "logging: {format: json, level: warn}\n";
  const std::string file = place.write();
  Shuntd daemon(place, {"-c", file, "--log-level", "info"});
  ASSERT_NE(daemon.notified("READY=1"), "") << daemon.log();
  daemon.send(SIGTERM);
  EXPECT_EQ(daemon.wait(), 0);
  EXPECT_THAT(daemon.log(), HasSubstr("Z\",\"level\":\"info\",\"message\":\"ready: 1 port, 1 worker"));
  std::istringstream lines(daemon.log());
  for (std::string line; std::getline(lines, line);) EXPECT_THAT(line, testing::MatchesRegex(R"(\{"time":".*"\})"));
}

TEST(Shuntd, TheFileSaysWhatIsLoggedUnlessTheCommandLineDoes) {
  Place place;
  place.more = "logging: {level: error}\n";
  Shuntd daemon(place, {"-c", place.write()});
  ASSERT_NE(daemon.notified("READY=1"), "") << daemon.log();
  EXPECT_EQ(daemon.log(), "");
}

TEST(Shuntd, SighupTakesTheFilesServicesAndABadFileChangesNothing) {
  Place place;
  const std::string file = place.write();
  Shuntd daemon(place, {"-c", file});
  ASSERT_NE(daemon.notified("READY=1"), "") << daemon.log();

  const auto reload = [&] {
    daemon.send(SIGHUP);
    EXPECT_NE(daemon.notified("RELOADING=1"), "");
    EXPECT_NE(daemon.notified("READY=1"), "");
  };
  place.weight = 5;
  place.write();
  reload();
  EXPECT_THAT(daemon.log(), HasSubstr("revision 2, 1 change\n"));

  place.weight = 90000;
  place.write();
  reload();
  EXPECT_THAT(daemon.log(), HasSubstr("nothing was changed"));
  EXPECT_THAT(daemon.log(), HasSubstr("weight 90000"));

  place.weight = 5;
  place.memory_mb = 256;
  place.write();
  reload();
  EXPECT_THAT(daemon.log(), HasSubstr("the machine part"));
  EXPECT_THAT(daemon.log(), HasSubstr("revision 2, 0 changes"));

  daemon.send(SIGINT);
  EXPECT_EQ(daemon.wait(), 0);
}

TEST(Shuntd, AfterAKillTheJournalWinsOverTheFileThatItKnows) {
  Place place;
  const std::string file = place.write();
  {
    Shuntd daemon(place, {"-c", file});
    ASSERT_NE(daemon.notified("READY=1"), "") << daemon.log();
    EXPECT_THAT(daemon.log(), HasSubstr("services are those of the configuration file"));
    daemon.send(SIGKILL);
    EXPECT_EQ(daemon.wait(), 128 + SIGKILL);
  }
  // Another machine part, the same services: still the file that the journal knows.
  place.memory_mb = 160;
  place.write();
  {
    Shuntd daemon(place, {"-c", file});
    ASSERT_NE(daemon.notified("READY=1"), "") << daemon.log();
    EXPECT_THAT(daemon.log(), HasSubstr("services are those of the journal"));
  }
  place.weight = 7;
  place.write();
  Shuntd daemon(place, {"-c", file});
  ASSERT_NE(daemon.notified("READY=1"), "") << daemon.log();
  EXPECT_THAT(daemon.log(), HasSubstr("services are those of the configuration file"));
}

TEST(Shuntd, DpdksOwnLinesAreForDebugging) {
  const Place place;
  const std::string file = place.write();
  for (const bool debug : {false, true}) {
    Shuntd daemon(place, {"-c", file, "--log-level", debug ? "debug" : "info"});
    ASSERT_NE(daemon.notified("READY=1"), "") << daemon.log();
    daemon.send(SIGTERM);
    EXPECT_EQ(daemon.wait(), 0);
    if (debug) EXPECT_THAT(daemon.log(), HasSubstr("debug dpdk: EAL: "));
    else EXPECT_THAT(daemon.log(), Not(HasSubstr("dpdk")));
  }
}

}  // namespace
}  // namespace shunt::shuntd
