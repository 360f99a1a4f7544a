#include "control/health/checker.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <optional>

#include "control/kernel/tap.h"
#include "tests/support/own_network.h"

namespace shunt::control {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

// A listening socket on 127.0.0.1.
class Listener {
 public:
  explicit Listener(uint16_t port = 0) {
    const int on = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in local{};
    local.sin_family = AF_INET;
    local.sin_port = htons(port);
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&local), sizeof local), 0);
    EXPECT_EQ(::listen(fd_, 1024), 0);
    socklen_t bytes = sizeof local;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&local), &bytes);
    port_ = ntohs(local.sin_port);
  }
  ~Listener() { ::close(fd_); }
  uint16_t port() const { return port_; }
  // Takes all connections that wait; returns how many.
  int accept_all(std::vector<int>* keep = nullptr) const {
    int count = 0;
    for (int fd; (fd = ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0; ++count) {
      if (keep)
        keep->push_back(fd);
      else
        ::close(fd);
    }
    return count;
  }

 private:
  int fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  uint16_t port_ = 0;
};

struct Told {
  std::string real;
  Health health;
  std::string text;
};

class CheckerTest : public shunt::test::OwnNetwork {
 protected:
  void start(CheckerOptions options = {}) {
    checker_.emplace(
        loop_,
        [this](const CheckedReal& checked, Health health, const std::string& text) {
          told_.push_back({checked.name, health, text});
          if (on_told_) on_told_();
        },
        options);
  }

  static CheckTarget target(const std::string& real, uint16_t port,
                            const char* address = "127.0.0.1") {
    CheckTarget result{{"web", real}, *IpAddress::parse(address), port, {}};
    result.check.interval = 100ms;
    result.check.timeout = 50ms;
    result.check.rise = 2;
    result.check.fall = 3;
    return result;
  }

  // 10.0.0.9 swallows everything: a TAP that nobody reads.
  void make_black_hole() {
    auto tap = Tap::create({"sh-c0", {}, 1500, {*InterfaceAddress::parse("10.0.0.1/24")}});
    ASSERT_TRUE(tap) << tap.error().message;
    black_hole_.emplace(std::move(*tap));
    ip("neigh add 10.0.0.9 lladdr 02:00:00:00:00:bb dev sh-c0");
  }

  void run_for(Clock::duration time) {
    loop_.restart();
    loop_.run_for(time);
  }
  bool run_until(const std::function<bool()>& done, Clock::duration patience = 5s) {
    const auto end = Clock::now() + patience;
    while (!done() && Clock::now() < end) run_for(2ms);
    return done();
  }
  std::optional<Health> health_of(const std::string& real) const {
    std::optional<Health> health;
    for (const Told& each : told_)
      if (each.real == real) health = each.health;
    return health;
  }

  // TCP sockets of the namespace in a state, as /proc/net/tcp numbers it.
  static int sockets_in_state(const std::string& state) {
    std::ifstream file("/proc/thread-self/net/tcp");
    std::string line;
    int count = 0;
    while (std::getline(file, line)) {
      char field[8] = {};
      if (std::sscanf(line.c_str(), " %*d: %*s %*s %7s", field) == 1 && state == field) ++count;
    }
    return count;
  }
  static constexpr const char* kSynSent = "02";
  static constexpr const char* kTimeWait = "06";

  asio::io_context loop_;
  std::vector<Told> told_;
  std::function<void()> on_told_;
  std::optional<Tap> black_hole_;
  std::optional<Checker> checker_;
};

TEST_F(CheckerTest, AListeningRealIsUpAtTheFirstCheckAndToldOnce) {
  const Listener listener;
  start();
  checker_->set_targets({target("a", listener.port())});
  ASSERT_TRUE(run_until([&] { return !told_.empty(); }));
  EXPECT_EQ(told_[0].health, Health::kUp);
  EXPECT_THAT(told_[0].text, MatchesRegex("connect: connected in [0-9.]+ ms"));
  run_for(500ms);
  EXPECT_GE(listener.accept_all(), 3);
  EXPECT_EQ(told_.size(), 1u);
}

TEST_F(CheckerTest, ARefusingRealIsDownAfterFallFailures) {
  start();
  checker_->set_targets({target("a", 1)});
  ASSERT_TRUE(run_until([&] { return health_of("a") == Health::kDown; }));
  ASSERT_EQ(told_.size(), 2u);
  EXPECT_EQ(told_[0].health, Health::kUnknown);
  EXPECT_THAT(told_[0].text, MatchesRegex("connect: connection refused in [0-9.]+ ms"));
  EXPECT_THAT(told_[1].text, MatchesRegex("connect: connection refused in [0-9.]+ ms"));
}

TEST_F(CheckerTest, ASilentRealTimesOut) {
  make_black_hole();
  start();
  CheckTarget silent = target("a", 80, "10.0.0.9");
  silent.check.interval = 10s;
  silent.check.timeout = 200ms;
  silent.check.fall = 1;
  checker_->set_targets({silent});
  ASSERT_TRUE(run_until([&] { return sockets_in_state(kSynSent) == 1; }));
  const auto began = Clock::now();
  ASSERT_TRUE(run_until([&] { return !told_.empty(); }));
  EXPECT_GE(Clock::now() - began, 150ms);
  EXPECT_EQ(told_[0].health, Health::kDown);
  EXPECT_EQ(told_[0].text, "connect: timed out after 200 ms");
  EXPECT_EQ(sockets_in_state(kSynSent), 0);
}

TEST_F(CheckerTest, AnUnreachableRealSaysSo) {
  start();
  checker_->set_targets({target("a", 80, "192.0.2.1")});
  ASSERT_TRUE(run_until([&] { return health_of("a") == Health::kDown; }));
  EXPECT_THAT(told_[0].text, HasSubstr("network is unreachable"));
}

TEST_F(CheckerTest, FollowsARealThatDiesAndComesBack) {
  std::optional<Listener> listener(std::in_place);
  const uint16_t port = listener->port();
  start();
  checker_->set_targets({target("a", port)});
  ASSERT_TRUE(run_until([&] { return health_of("a") == Health::kUp; }));
  listener.reset();
  ASSERT_TRUE(run_until([&] { return health_of("a") == Health::kDown; }));
  listener.emplace(port);
  ASSERT_TRUE(run_until([&] { return health_of("a") == Health::kUp; }));
  // Up; the first failure; down; the first success; up.
  ASSERT_EQ(told_.size(), 5u);
  EXPECT_EQ(told_[1].health, Health::kUp);
  EXPECT_THAT(told_[1].text, HasSubstr("refused"));
  EXPECT_EQ(told_[3].health, Health::kDown);
  EXPECT_THAT(told_[3].text, HasSubstr("connected"));
}

TEST_F(CheckerTest, ChecksIpv6AndThePortOfTheCheck) {
  const int fd = ::socket(AF_INET6, SOCK_STREAM, 0);
  ASSERT_EQ(::listen(fd, 16), 0);
  sockaddr_in6 local{};
  socklen_t bytes = sizeof local;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &bytes);
  start();
  CheckTarget other_port = target("a", 1, "::1");
  other_port.check.port = ntohs(local.sin6_port);
  checker_->set_targets({other_port});
  EXPECT_TRUE(run_until([&] { return health_of("a") == Health::kUp; }));
  ::close(fd);
}

TEST_F(CheckerTest, KeepsTheHealthOfTargetsThatStay) {
  const Listener listener;
  start();
  checker_->set_targets({target("a", listener.port())});
  ASSERT_TRUE(run_until([&] { return health_of("a") == Health::kUp; }));
  CheckTarget slower = target("a", listener.port());
  slower.check.interval = 150ms;
  slower.check.rise = 9;
  checker_->set_targets({slower, target("b", 1)});
  ASSERT_TRUE(run_until([&] { return health_of("b") == Health::kDown; }));
  run_for(600ms);
  EXPECT_EQ(
      std::count_if(told_.begin(), told_.end(), [](const Told& each) { return each.real == "a"; }),
      1);
  EXPECT_GE(listener.accept_all(), 3);
  // At another port it is another real.
  checker_->set_targets({target("a", 1)});
  EXPECT_TRUE(run_until([&] { return health_of("a") == Health::kUnknown; }));
}

TEST_F(CheckerTest, NothingIsToldOfARemovedTargetWhoseConnectIsUnderWay) {
  const Listener listener;
  start();
  checker_->set_targets({target("a", listener.port())});
  // Step by step until the connect has begun: its end waits in the loop then.
  loop_.restart();
  std::vector<int> accepted;
  while (accepted.empty()) {
    ASSERT_EQ(loop_.run_one_for(2s), 1u);
    listener.accept_all(&accepted);
  }
  ASSERT_TRUE(told_.empty());
  checker_->set_targets({});
  run_for(300ms);
  EXPECT_TRUE(told_.empty());
  for (const int fd : accepted) ::close(fd);
}

TEST_F(CheckerTest, NothingIsToldOfARemovedOrDisabledTargetThatWouldTimeOut) {
  make_black_hole();
  start();
  checker_->set_targets({target("a", 80, "10.0.0.9"), target("b", 80, "10.0.0.9")});
  ASSERT_TRUE(run_until([&] { return sockets_in_state(kSynSent) > 0; }));
  told_.clear();
  CheckTarget disabled = target("b", 80, "10.0.0.9");
  disabled.check.enabled = false;
  checker_->set_targets({disabled});
  EXPECT_EQ(sockets_in_state(kSynSent), 0);
  run_for(500ms);
  EXPECT_TRUE(told_.empty());
}

TEST_F(CheckerTest, NothingHappensAfterItsEnd) {
  make_black_hole();
  const Listener listener;
  start();
  checker_->set_targets({target("a", 80, "10.0.0.9"), target("b", listener.port())});
  ASSERT_TRUE(run_until([&] { return sockets_in_state(kSynSent) > 0; }));
  checker_.reset();
  told_.clear();
  listener.accept_all();
  run_for(300ms);
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(listener.accept_all(), 0);
}

TEST_F(CheckerTest, TheCallbackMayChangeTheTargets) {
  const Listener listener;
  start();
  on_told_ = [&] { checker_->set_targets({target("b", listener.port())}); };
  checker_->set_targets({target("a", listener.port()), target("c", 1)});
  ASSERT_TRUE(run_until([&] { return health_of("b") == Health::kUp; }));
  run_for(300ms);
  EXPECT_LE(told_.size(), 3u);
}

TEST_F(CheckerTest, ConnectionsAreResetAndLeaveNothingBehind) {
  const Listener listener;
  start();
  checker_->set_targets({target("a", listener.port())});
  ASSERT_TRUE(run_until([&] { return health_of("a") == Health::kUp; }));
  std::vector<int> accepted;
  run_until([&] { return listener.accept_all(&accepted) > 0; });
  run_for(20ms);
  ASSERT_FALSE(accepted.empty());
  char byte;
  EXPECT_EQ(::read(accepted[0], &byte, 1), -1);
  EXPECT_EQ(errno, ECONNRESET);
  for (const int fd : accepted) ::close(fd);
  EXPECT_EQ(sockets_in_state(kTimeWait), 0);
}

TEST_F(CheckerTest, NoMoreSocketsAreOpenThanAllowedAndAllGetTheirTurn) {
  make_black_hole();
  start({.max_open = 3});
  std::vector<CheckTarget> targets;
  for (int i = 0; i < 12; ++i) {
    targets.push_back(target(std::to_string(i), 80, "10.0.0.9"));
    targets.back().check.timeout += i * 1ms;  // else they share one
  }
  checker_->set_targets(targets);
  int most = 0;
  EXPECT_TRUE(run_until([&] {
    most = std::max(most, sockets_in_state(kSynSent));
    return std::all_of(targets.begin(), targets.end(), [&](const CheckTarget& each) {
      return health_of(each.real.name) == Health::kDown;
    });
  }));
  EXPECT_EQ(most, 3);
}

TEST_F(CheckerTest, HalfOfTheOpenFilesAreLeftToOthers) {
  make_black_hole();
  rlimit before;
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit tight{120, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &tight);
  start();
  std::vector<CheckTarget> targets;
  for (int i = 0; i < 80; ++i) {
    targets.push_back(target(std::to_string(i), 80, "10.0.0.9"));
    targets.back().check.interval = 20s;
    targets.back().check.timeout = 10s + i * 1ms;  // else they share one
  }
  checker_->set_targets(targets);
  EXPECT_TRUE(run_until([&] { return sockets_in_state(kSynSent) >= 60; }));
  run_for(200ms);
  EXPECT_EQ(sockets_in_state(kSynSent), 60);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(CheckerTest, LackOfOwnResourcesIsNotTheRealsFault) {
  const Listener listener;
  start();
  CheckTarget quick = target("a", listener.port());
  quick.check.fall = 1;
  run_for(1ms);
  // No further descriptor can be opened.
  rlimit before;
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int next = ::dup(0);
  ::close(next);
  const rlimit tight{static_cast<rlim_t>(next), before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &tight);
  checker_->set_targets({quick});
  run_for(1500ms);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(told_.empty());
  EXPECT_TRUE(run_until([&] { return health_of("a") == Health::kUp; }));
}

TEST_F(CheckerTest, KeepsThePaceOfTheInterval) {
  const Listener listener;
  start();
  checker_->set_targets({target("a", listener.port())});
  ASSERT_TRUE(run_until([&] { return health_of("a") == Health::kUp; }));
  run_for(150ms);
  listener.accept_all();
  run_for(2s);
  const int checks = listener.accept_all();
  EXPECT_GE(checks, 15);
  EXPECT_LE(checks, 23);
}

TEST_F(CheckerTest, ChecksOfManyRealsAreSpreadOverTheInterval) {
  const Listener listener;
  start();
  std::vector<CheckTarget> targets;
  for (int i = 0; i < 300; ++i) {
    targets.push_back(target(std::to_string(i), listener.port()));
    targets.back().check.interval = 3s;
    targets.back().check.timeout = 1s + i * 1ms;  // else they share one
  }
  checker_->set_targets(targets);
  run_for(4s);
  listener.accept_all();
  int most = 0, all = 0;
  for (int slice = 0; slice < 10; ++slice) {
    run_for(300ms);
    const int checks = listener.accept_all();
    most = std::max(most, checks);
    all += checks;
  }
  EXPECT_GE(all, 200);
  EXPECT_LE(all, 400);
  // 30 on average; all at once would be 300.
  EXPECT_LE(most, 150);
}

}  // namespace
}  // namespace shunt::control
