// How often checks are made, who shares one, and what is told of kinds beside tcp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <thread>

#include "control/health/checker.h"
#include "tests/support/own_network.h"

namespace shunt::control {
namespace checker_pace_test {

using namespace std::chrono_literals;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

class CheckerPaceTest : public shunt::test::OwnNetwork {
 protected:
  void SetUp() override {
    OwnNetwork::SetUp();
    if (IsSkipped()) return;
    web_.Get("/", [this](const httplib::Request&, httplib::Response& answer) {
      ++asked_;
      answer.status = status_;
    });
    port_ = static_cast<uint16_t>(web_.bind_to_any_port("127.0.0.1"));
    thread_ = std::thread([this] { web_.listen_after_bind(); });
    while (!web_.is_running()) std::this_thread::sleep_for(1ms);
    checker_.emplace(
        loop_,
        [this](const CheckedReal& real, Health health, const std::string& text) {
          health_[real.service] = health;
          text_[real.service] = text;
        },
        CheckerOptions{.programs = "/nowhere"});
  }
  void TearDown() override {
    checker_.reset();
    web_.stop();
    if (thread_.joinable()) thread_.join();
    OwnNetwork::TearDown();
  }

  CheckTarget target(const std::string& service, CheckKind kind = HttpCheck{}) const {
    CheckTarget result{{service, "r"}, *IpAddress::parse("127.0.0.1"), port_, {}};
    result.check.interval = 100ms;
    result.check.timeout = 100ms;
    result.check.fall = 2;
    result.check.kind = std::move(kind);
    return result;
  }
  bool run_until(const std::function<bool()>& done, std::chrono::seconds patience = 20s) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!done() && std::chrono::steady_clock::now() < end) run_for(2ms);
    return done();
  }
  void run_for(std::chrono::milliseconds time) {
    loop_.restart();
    loop_.run_for(time);
  }
  bool is(const char* service, Health health) const {
    const auto found = health_.find(service);
    return found != health_.end() && found->second == health;
  }

  httplib::Server web_;
  std::atomic<int> status_ = 200;
  std::atomic<int> asked_ = 0;
  uint16_t port_ = 0;
  std::thread thread_;
  asio::io_context loop_;
  std::map<std::string, Health> health_;
  std::map<std::string, std::string> text_;
  std::optional<Checker> checker_;
};

TEST_F(CheckerPaceTest, TheTextSaysWhatWasAskedAndWanted) {
  checker_->set_targets({target("web")});
  ASSERT_TRUE(run_until([&] { return is("web", Health::kUp); }));
  EXPECT_THAT(text_["web"], MatchesRegex("http: status 200 in [0-9.]+ ms"));
  status_ = 503;
  ASSERT_TRUE(run_until([&] { return is("web", Health::kDown); }));
  EXPECT_THAT(text_["web"], MatchesRegex("http: status 503, wanted 200-299, in [0-9.]+ ms"));
  const auto figures = checker_->figures();
  ASSERT_EQ(figures.size(), 1u);
  EXPECT_STREQ(figures[0].check, "http");
  EXPECT_GE(figures[0].successes, 1u);
  EXPECT_GE(figures[0].failures, 2u);
  uint64_t in_buckets = 0;
  for (const uint64_t bucket : figures[0].buckets) in_buckets += bucket;
  EXPECT_EQ(in_buckets, figures[0].all());
}

TEST_F(CheckerPaceTest, TargetsThatAgreeShareOneCheck) {
  std::vector<CheckTarget> targets;
  for (int i = 0; i < 50; ++i) targets.push_back(target("web" + std::to_string(i)));
  targets.push_back(target("other", HttpCheck{.status = {{503, 503}}}));
  targets.push_back(target("tcp", TcpCheck{}));
  targets[0].check.rise = 5;
  for (CheckTarget& each : targets) {
    each.check.interval = 1s;
    each.check.timeout = 1s;
  }
  checker_->set_targets(targets);
  EXPECT_EQ(checker_->probes(), 3u);
  ASSERT_TRUE(run_until([&] { return health_.size() == 52 && is("other", Health::kDown); }));
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(is(("web" + std::to_string(i)).c_str(), Health::kUp));
  EXPECT_TRUE(is("tcp", Health::kUp));
  EXPECT_LT(asked_, 52 * 2) << "each made its own";
  // Each has thresholds of its own.
  status_ = 503;
  ASSERT_TRUE(run_until([&] { return is("web1", Health::kDown) && is("other", Health::kUp); }));
  targets.resize(1);
  checker_->set_targets(targets);
  EXPECT_EQ(checker_->probes(), 1u);
}

TEST_F(CheckerPaceTest, WhoJoinsACheckIsKnownSoon) {
  auto slow = target("web");
  slow.check.interval = 10min;
  checker_->set_targets({slow});
  ASSERT_TRUE(run_until([&] { return is("web", Health::kUp); }));
  auto second = slow;
  second.real.service = "second";
  checker_->set_targets({slow, second});
  EXPECT_EQ(checker_->probes(), 1u);
  EXPECT_TRUE(run_until([&] { return is("second", Health::kUp); }));
}

TEST_F(CheckerPaceTest, UntilTheFirstDecisionChecksFollowSoon) {
  auto dead = target("web", TcpCheck{});
  dead.check.interval = 10min;
  dead.check.fall = 3;
  dead.port = 1;
  checker_->set_targets({dead});
  EXPECT_TRUE(run_until([&] { return is("web", Health::kDown); }));
}

TEST_F(CheckerPaceTest, ADownRealIsCheckedLessAndLess) {
  status_ = 503;
  auto web = target("web");
  web.check.down_interval = 1h;
  checker_->set_targets({web});
  ASSERT_TRUE(run_until([&] { return is("web", Health::kDown); }));
  asked_ = 0;
  run_for(3s);
  // 0.2, 0.4, 0.8, 1.6 s; without slowing down some thirty.
  EXPECT_LE(asked_, 12);
}

TEST_F(CheckerPaceTest, TheFirstSuccessEndsTheSlowingDown) {
  status_ = 503;
  auto web = target("web");
  web.check.down_interval = 1s;
  web.check.rise = 10;
  checker_->set_targets({web});
  ASSERT_TRUE(run_until([&] { return is("web", Health::kDown); }));
  run_for(1500ms);
  status_ = 200;
  EXPECT_TRUE(run_until([&] { return is("web", Health::kUp); }));
}

TEST_F(CheckerPaceTest, AnotherCheckKeepsTheHealth) {
  checker_->set_targets({target("web", TcpCheck{})});
  ASSERT_TRUE(run_until([&] { return is("web", Health::kUp); }));
  health_.clear();
  auto other = target("web", HttpCheck{.status = {{404, 404}}});
  other.check.fall = 3;
  checker_->set_targets({other});
  ASSERT_TRUE(run_until([&] { return !health_.empty(); }));
  EXPECT_TRUE(is("web", Health::kUp)) << "the first failure of an up real";
  EXPECT_TRUE(run_until([&] { return is("web", Health::kDown); }));
}

TEST_F(CheckerPaceTest, ACheckThatCannotBeMadeIsToldAndDecidesNothing) {
  checker_->set_targets({target("web", TcpCheck{})});
  ASSERT_TRUE(run_until([&] { return is("web", Health::kUp); }));
  checker_->set_targets({target("web", ExecCheck{{"web-check"}}), target("new", ExecCheck{{"web-check"}})});
  ASSERT_TRUE(run_until([&] { return text_.contains("new") && text_["web"].starts_with("exec"); }));
  run_for(1s);
  EXPECT_TRUE(is("web", Health::kUp));
  EXPECT_TRUE(is("new", Health::kUnknown));
  EXPECT_THAT(text_["web"], StartsWith("exec: not checked: /nowhere: "));
}

TEST_F(CheckerPaceTest, NoMoreProgramsRunThanAllowed) {
  checker_.emplace(
      loop_, [this](const CheckedReal& real, Health health, const std::string&) { health_[real.service] = health; },
      CheckerOptions{.max_programs = 2, .programs = "/bin"});
  std::vector<CheckTarget> targets;
  for (int i = 0; i < 6; ++i) {
    targets.push_back(target("s" + std::to_string(i), ExecCheck{{"sleep", "0.1" + std::to_string(i)}}));
    targets.back().check.timeout = 10s;
    targets.back().check.interval = 10s;
  }
  checker_->set_targets(targets);
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(run_until([&] { return health_.size() == 6; }));
  for (const auto& [service, health] : health_) EXPECT_EQ(health, Health::kUp) << service;
  EXPECT_GE(std::chrono::steady_clock::now() - began, 300ms) << "three rounds of 0.1 s";
}

}  // namespace checker_pace_test
}  // namespace shunt::control
