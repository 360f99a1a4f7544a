// shuntctl top over the wire: one screen for scripts, and live in a terminal of the test's own.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>

#include <sstream>

#include "tests/src/shuntctl/fake_daemon.h"

namespace shunt::shuntctl {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

v1::RealState& add_real(v1::ServiceState& service, const std::string& address, v1::Health health) {
  v1::RealState& real = *service.add_reals();
  real.set_name(address + ":80");
  real.set_address(address);
  real.set_port(80);
  real.set_method(v1::METHOD_NAT);
  real.set_weight(1);
  real.set_effective_weight(health == v1::HEALTH_DOWN ? 0 : 1);
  real.set_health(health);
  return real;
}

FakeDaemon& with_trouble(FakeDaemon& daemon) {
  daemon.status.set_hostname("lb1");
  daemon.status.set_services(1);
  daemon.status.mutable_started()->set_seconds(1000);
  daemon.status.add_problems("real web/10.0.0.2:80: down: connect: refused; see to its server");
  daemon.status.mutable_rates()->set_connections(12);
  v1::ServiceState service;
  service.set_name("web");
  service.set_protocol(v1::PROTOCOL_TCP);
  service.set_address("192.0.2.1");
  service.set_port(80);
  service.set_scheduler(v1::SCHEDULER_WLC);
  add_real(service, "10.0.0.1", v1::HEALTH_UP);
  add_real(service, "10.0.0.2", v1::HEALTH_DOWN).set_last_check("connect: refused");
  service.mutable_rates()->set_in_bytes(1000000);
  v1::ListServicesResponse page;
  *page.add_services() = service;
  daemon.pages.assign(200, page);
  v1::WorkerState& worker = *daemon.workers.add_workers();
  worker.set_busy_ratio(0.97);
  worker.set_connection_capacity(1000);
  worker.set_connections(900);
  v1::PortState& port = *daemon.ports.add_ports();
  port.set_name("outside");
  v1::Drop& drop = *daemon.drops.add_drops();
  drop.set_reason("no_real");
  drop.set_packets(7);
  v1::Event event;
  event.set_sequence(1);
  event.set_kind("real_down");
  event.set_subject("real web/10.0.0.2:80");
  daemon.events.push_back(event);
  return daemon;
}

TEST(Top, OneScreenHasAllPartsInThePagesOrder) {
  FakeDaemon daemon;
  const Ended ended = with_trouble(daemon).ctl({"top", "--once"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  size_t before = 0;
  for (const char* part :
       {"lb1  DEGRADED", "conn/s 12", "! real web/10.0.0.2:80: down", "192.0.2.1:80", "1/2 up",
        "8.00M", "DOWN", "connect: refused", "97.0%", "90.0%", "outside", "no_real", "real_down"}) {
    const size_t place = ended.out.find(part, before);
    ASSERT_NE(place, std::string::npos) << part << "\n" << ended.out;
    before = place;
  }
  EXPECT_THAT(ended.out, Not(HasSubstr("\033[")));
}

TEST(Top, COLUMNSAndLINESBoundOneScreen) {
  FakeDaemon daemon;
  with_trouble(daemon);
  const Ended ended =
      run_shuntctl({"-s", daemon.socket(), "top", "--once"}, {{"COLUMNS", "60"}, {"LINES", "12"}});
  std::istringstream lines(ended.out);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) EXPECT_LE(line.size(), 60U) << line;
  EXPECT_LE(count, 12);
}

TEST(Top, WithoutATerminalItNamesTheWayForScripts) {
  FakeDaemon daemon;
  Ended ended = with_trouble(daemon).ctl({"top"});
  EXPECT_EQ(ended.exit, 2);
  EXPECT_THAT(ended.err, HasSubstr("top --once"));
  ended = daemon.ctl({"top", "-o", "json"});
  EXPECT_EQ(ended.exit, 2);
  EXPECT_THAT(ended.err, HasSubstr("status.json"));
}

TEST(Top, AMissingDaemonIsToldBeforeTheScreenIsTaken) {
  EXPECT_EQ(run_shuntctl({"-s", "/nowhere/s.sock", "top", "--once"}).exit, 3);
}

// shuntctl top in a terminal of 100 columns.
class LiveTop {
 public:
  explicit LiveTop(const FakeDaemon& daemon, unsigned short lines = 40) {
    winsize size{};
    size.ws_col = 100;
    size.ws_row = lines;
    const std::string socket = daemon.socket();
    child_ = forkpty(&terminal_, nullptr, nullptr, &size);
    if (child_ != 0) return;
    setenv("TERM", "xterm", 1);
    execl(SHUNTCTL_PATH, SHUNTCTL_PATH, "-s", socket.c_str(), "top", static_cast<char*>(nullptr));
    _exit(127);
  }
  ~LiveTop() {
    close(terminal_);
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
  }
  void press(const std::string& keys) const {
    EXPECT_EQ(write(terminal_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  void resize(unsigned short lines) const {
    winsize size{};
    size.ws_col = 100;
    size.ws_row = lines;
    ioctl(terminal_, TIOCSWINSZ, &size);
  }
  // Reads until the text comes, for ten seconds at most; true: it came.
  bool shows(const std::string& text) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    seen_.clear();
    while (seen_.find(text) == std::string::npos && std::chrono::steady_clock::now() < end) {
      pollfd ready = {terminal_, POLLIN, 0};
      if (poll(&ready, 1, 100) <= 0) continue;
      char bytes[4096];
      const ssize_t count = read(terminal_, bytes, sizeof bytes);
      if (count <= 0) break;
      seen_.append(bytes, static_cast<size_t>(count));
    }
    return seen_.find(text) != std::string::npos;
  }
  const std::string& seen() const { return seen_; }
  int wait() {
    int status = 0;
    waitpid(child_, &status, 0);
    child_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  int terminal_ = -1;
  pid_t child_ = 0;
  std::string seen_;
};

TEST(Top, LiveItHasTheAlternateScreenFollowsKeysAndSizeAndGivesTheTerminalBack) {
  FakeDaemon daemon;
  with_trouble(daemon);
  LiveTop top(daemon);
  ASSERT_TRUE(top.shows("\033[?1049h"));
  ASSERT_TRUE(top.shows("q quit")) << top.seen();
  EXPECT_THAT(top.seen(), Not(HasSubstr("10.0.0.1:80")));
  top.press("r");
  EXPECT_TRUE(top.shows("10.0.0.1:80")) << top.seen();
  top.resize(15);
  EXPECT_TRUE(top.shows("q quit"));
  top.press("q");
  EXPECT_TRUE(top.shows("\033[?1049l"));
  EXPECT_EQ(top.wait(), 0);
}

TEST(Top, LiveItShowsTheServicesThatFitAndGoesOnToTheNextPage) {
  FakeDaemon daemon;
  with_trouble(daemon);
  daemon.status.set_services(2);
  for (size_t i = 0; i < daemon.pages.size(); ++i) daemon.pages[i].set_next_page_token("web");
  LiveTop top(daemon, 24);
  ASSERT_TRUE(top.shows("services 1..1 of 2")) << top.seen();
  top.press(" ");
  EXPECT_TRUE(top.shows("services 2..2 of 2")) << top.seen();
  top.press("b");
  EXPECT_TRUE(top.shows("services 1..1 of 2")) << top.seen();
  top.press("\003");
  EXPECT_EQ(top.wait(), 0);
  ASSERT_GE(daemon.asked_services.size(), 3U);
  EXPECT_LE(daemon.asked_services[1].page_size(), 24U);
  EXPECT_EQ(daemon.asked_services[2].page_token() == "web" ||
                daemon.asked_services[3].page_token() == "web",
            true);
}

// A daemon on which nothing happens but connections, of which its stream tells.
FakeDaemon& with_stream(FakeDaemon& daemon) {
  with_trouble(daemon);
  daemon.events.clear();
  v1::Stats look;
  look.set_is_last(true);
  v1::ServiceStats& web = *look.add_services();
  web.set_name("web");
  web.set_reals(2);
  web.set_reals_up(1);
  web.mutable_rates()->set_connections(1230000);
  daemon.stats = {look};
  daemon.stats_go_on = true;
  return daemon;
}

TEST(Top, LiveFiguresComeFromTheStreamAndTheListIsNotAskedForThem) {
  FakeDaemon daemon;
  LiveTop top(with_stream(daemon));
  ASSERT_TRUE(top.shows("1.23M")) << top.seen();
  for (int screen = 0; screen < 3; ++screen) EXPECT_TRUE(top.shows("1.23M")) << top.seen();
  top.press("q");
  EXPECT_EQ(top.wait(), 0);
  EXPECT_THAT(daemon.asked_stats.services(), testing::ElementsAre("web"));
  // Before the screen is taken, and for the screen.
  EXPECT_EQ(daemon.asked_services.size(), 2U);
}

TEST(Top, LiveTheListIsAskedAgainWhenTheStreamTellsOfAnotherState) {
  FakeDaemon daemon;
  with_stream(daemon).stats[0].mutable_services(0)->set_reals_up(0);
  daemon.pages[2].mutable_services(0)->mutable_reals(0)->set_health(v1::HEALTH_DOWN);
  LiveTop top(daemon);
  EXPECT_TRUE(top.shows("1/2 up")) << top.seen();
  EXPECT_TRUE(top.shows("0/2 up")) << top.seen();
}

TEST(Top, LiveWithADaemonWithoutTheStreamItSaysSoAndAsksTheList) {
  FakeDaemon daemon;
  with_stream(daemon).stats_go_on = false;
  daemon.stats.clear();
  daemon.stats_end = {grpc::StatusCode::UNIMPLEMENTED, ""};
  daemon.pages[3].mutable_services(0)->mutable_rates()->set_connections(4560000);
  LiveTop top(daemon);
  ASSERT_TRUE(top.shows("! figures: no stream: ")) << top.seen();
  EXPECT_TRUE(top.shows("4.56M")) << top.seen();
}

TEST(Top, LiveALostDaemonIsToldAndWhenItIsBackTheScreenGoesOn) {
  FakeDaemon daemon;
  LiveTop top(with_stream(daemon));
  ASSERT_TRUE(top.shows("1.23M")) << top.seen();
  daemon.stop();
  ASSERT_TRUE(top.shows("NO ANSWER: ")) << top.seen();
  daemon.status.set_hostname("lb2");
  daemon.start();
  ASSERT_TRUE(top.shows("lb2")) << top.seen();
  EXPECT_TRUE(top.shows("1.23M")) << top.seen();
}

}  // namespace
}  // namespace shunt::shuntctl
