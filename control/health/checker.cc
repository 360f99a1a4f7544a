#include "control/health/checker.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <deque>
#include <map>
#include <queue>
#include <random>
#include <system_error>
#include <utility>

#include "control/health/judgement.h"

namespace shunt::control {
namespace {

using Clock = std::chrono::steady_clock;
using asio::ip::tcp;

// A new target is checked within this time, then once somewhere in its interval, from where it
// keeps its pace: reals that appear together do not stay together.
constexpr std::chrono::seconds kFirstCheckWithin{1};
// Every wait is the interval give or take this share.
constexpr double kJitter = 0.1;
// When this machine, not the real, is the reason that a check could not be made.
constexpr std::chrono::milliseconds kLocalFailurePause{200};
constexpr std::chrono::minutes kComplaintPause{1};

// Failures of ours, which say nothing about the real.
bool is_local(const asio::error_code& error) {
  switch (error.value()) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
    case EAGAIN:
    case EPERM:
    case EACCES:
      return true;
    default:
      return false;
  }
}

// "0.4 ms", "12 ms", "2 s"
std::string duration_text(Clock::duration duration) {
  const double ms = std::chrono::duration<double, std::milli>(duration).count();
  char text[32];
  if (ms < 10)
    std::snprintf(text, sizeof text, "%.1f ms", ms);
  else if (ms < 1000)
    std::snprintf(text, sizeof text, "%.0f ms", ms);
  else
    std::snprintf(text, sizeof text, "%.3g s", ms / 1000);
  return text;
}

// "connection refused"
std::string cause_text(const asio::error_code& error) {
  std::string text = error.message();
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

// The other half is for the rest of the process: whoever has a thousand silent reals still needs
// the API.
size_t half_of_open_files() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return SIZE_MAX;
  return std::max<size_t>(files.rlim_cur / 2, 1);
}

tcp::endpoint endpoint_of(const CheckTarget& target) {
  const uint16_t port = target.check.port != 0 ? target.check.port : target.port;
  if (!target.address.is_v4()) return {asio::ip::address_v6(target.address.bytes), port};
  asio::ip::address_v4::bytes_type bytes;
  std::copy_n(target.address.bytes.begin(), bytes.size(), bytes.begin());
  return {asio::ip::address_v4(bytes), port};
}

// A real under check. Between checks it waits for its time in the agenda, or in the queue for a
// free place.
struct Probe {
  Probe(asio::io_context& loop, CheckTarget checked) : target(std::move(checked)), socket(loop) {}
  CheckTarget target;
  tcp::socket socket;
  Judgement judgement;
  // Of the outcome told last; empty: none.
  std::string told_cause;
  bool open = false;
  bool first = true;
  bool removed = false;
  // Raised whenever what is awaited changes: whoever comes with an older one is late and ignored.
  uint64_t turn = 0;
  Clock::time_point started;
};

// The next thing to do for a probe: begin a check, or end one that took too long.
struct Appointment {
  Clock::time_point when;
  std::shared_ptr<Probe> probe;
  uint64_t turn = 0;
  bool operator<(const Appointment& other) const { return when > other.when; }  // earliest on top
};

}  // namespace

struct Checker::State : std::enable_shared_from_this<State> {
  State(asio::io_context& io, OnResult callback, CheckerOptions chosen)
      : loop(io), on_result(std::move(callback)), options(chosen), timer(io) {
    options.max_open = std::min(options.max_open, half_of_open_files());
  }

  void appoint(const std::shared_ptr<Probe>& probe, Clock::time_point when);
  void wait();
  void keep_appointments();
  void begin(const std::shared_ptr<Probe>& probe);
  void connected(const std::shared_ptr<Probe>& probe, const asio::error_code& error);
  void postpone(const std::shared_ptr<Probe>& probe, const asio::error_code& error);
  void close(Probe& probe);
  void begin_queued();
  void appoint_next(const std::shared_ptr<Probe>& probe);
  void conclude(const std::shared_ptr<Probe>& probe, bool success, const std::string& cause,
                const std::string& text);
  double random_between(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  }

  asio::io_context& loop;
  OnResult on_result;
  CheckerOptions options;
  asio::steady_timer timer;
  Clock::time_point waiting_for = Clock::time_point::max();
  std::priority_queue<Appointment> agenda;
  std::deque<Appointment> queued;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<Probe>> probes;
  size_t open = 0;
  bool stopped = false;
  Clock::time_point quiet_until;
  std::minstd_rand random{std::random_device{}()};
};

Checker::Checker(asio::io_context& loop, OnResult on_result, CheckerOptions options)
    : state_(std::make_shared<State>(loop, std::move(on_result), options)) {}

Checker::~Checker() {
  // The state lives on until the loop has dropped its cancelled handlers.
  set_targets({});
  state_->stopped = true;
  state_->timer.cancel();
  state_->agenda = {};
  state_->queued.clear();
}

void Checker::set_targets(std::vector<CheckTarget> targets) {
  State& state = *state_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<Probe>> next;
  for (CheckTarget& target : targets) {
    if (!target.check.enabled) continue;
    const std::pair key(target.service, target.real);
    const auto held = state.probes.find(key);
    if (held != state.probes.end() && endpoint_of(held->second->target) == endpoint_of(target)) {
      const std::shared_ptr<Probe> probe = held->second;
      const bool new_pace = probe->target.check.interval != target.check.interval;
      probe->target = std::move(target);
      next.emplace(key, probe);
      if (new_pace && !probe->open && !probe->first) state.appoint_next(probe);
    } else {
      next.emplace(key, std::make_shared<Probe>(state.loop, std::move(target)));
    }
  }
  for (const auto& [key, probe] : state.probes) {
    const auto kept = next.find(key);
    if (kept != next.end() && kept->second == probe) continue;
    probe->removed = true;
    ++probe->turn;
    state.close(*probe);
  }
  for (const auto& [key, probe] : next) {
    if (!probe->first || probe->turn != 0) continue;
    const Clock::duration spread =
        std::min<Clock::duration>(probe->target.check.interval, kFirstCheckWithin);
    state.appoint(probe, Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                            spread * state.random_between(0, 1)));
  }
  state.probes = std::move(next);
  state.begin_queued();
  state.wait();
}

void Checker::State::appoint(const std::shared_ptr<Probe>& probe, Clock::time_point when) {
  agenda.push({when, probe, ++probe->turn});
}

void Checker::State::wait() {
  while (!agenda.empty() && agenda.top().turn != agenda.top().probe->turn) agenda.pop();
  if (agenda.empty() || agenda.top().when >= waiting_for) return;
  waiting_for = agenda.top().when;
  timer.expires_at(waiting_for);
  timer.async_wait([self = shared_from_this()](const asio::error_code& error) {
    // Cancelled by an earlier appointment, which waits itself.
    if (error || self->stopped) return;
    self->waiting_for = Clock::time_point::max();
    self->keep_appointments();
  });
}

void Checker::State::keep_appointments() {
  const Clock::time_point now = Clock::now();
  while (!stopped && !agenda.empty() && agenda.top().when <= now) {
    const Appointment due = agenda.top();
    agenda.pop();
    if (due.turn != due.probe->turn) continue;
    if (due.probe->open) {
      close(*due.probe);
      conclude(due.probe, false, "timed out",
               "connect: timed out after " + duration_text(due.probe->target.check.timeout));
    } else if (open < options.max_open && queued.empty()) {
      begin(due.probe);
    } else {
      queued.push_back(due);
    }
  }
  begin_queued();
  wait();
}

void Checker::State::begin_queued() {
  while (!stopped && !queued.empty() && open < options.max_open) {
    const Appointment next = queued.front();
    queued.pop_front();
    if (next.turn == next.probe->turn) begin(next.probe);
  }
}

void Checker::State::begin(const std::shared_ptr<Probe>& probe) {
  const tcp::endpoint endpoint = endpoint_of(probe->target);
  probe->started = Clock::now();
  asio::error_code error;
  probe->socket.open(endpoint.protocol(), error);
  if (error) return postpone(probe, error);
  // Closing resets the connection: neither side keeps anything of it.
  probe->socket.set_option(asio::socket_base::linger(true, 0), error);
  probe->open = true;
  ++open;
  appoint(probe, probe->started + probe->target.check.timeout);
  probe->socket.async_connect(endpoint, [self = shared_from_this(), probe,
                                         turn = probe->turn](const asio::error_code& outcome) {
    if (turn == probe->turn && !self->stopped) self->connected(probe, outcome);
  });
}

void Checker::State::connected(const std::shared_ptr<Probe>& probe, const asio::error_code& error) {
  const std::string duration = duration_text(Clock::now() - probe->started);
  close(*probe);
  if (error && is_local(error)) {
    postpone(probe, error);
  } else {
    const std::string cause = error ? cause_text(error) : "connected";
    conclude(probe, !error, cause, "connect: " + cause + " in " + duration);
  }
  begin_queued();
  wait();
}

void Checker::State::postpone(const std::shared_ptr<Probe>& probe, const asio::error_code& error) {
  appoint(probe, Clock::now() + kLocalFailurePause);
  if (probe->started < quiet_until) return;
  quiet_until = probe->started + kComplaintPause;
  spdlog::warn(
      "health checks: a check of {} could not be made: {}; raise the limit of open files and the "
      "range of local ports, and check the firewall of this machine",
      probe->target.real, cause_text(error));
}

void Checker::State::close(Probe& probe) {
  if (!std::exchange(probe.open, false)) return;
  asio::error_code ignored;
  probe.socket.close(ignored);
  --open;
}

void Checker::State::appoint_next(const std::shared_ptr<Probe>& probe) {
  const double share = std::exchange(probe->first, false)
                           ? random_between(0.1, 1)
                           : random_between(1 - kJitter, 1 + kJitter);
  const auto pause =
      std::chrono::duration_cast<Clock::duration>(probe->target.check.interval * share);
  appoint(probe, std::max(Clock::now(), probe->started + pause));
}

void Checker::State::conclude(const std::shared_ptr<Probe>& probe, bool success,
                              const std::string& cause, const std::string& text) {
  const Health before = probe->judgement.health();
  const Health after = probe->judgement.add(success, probe->target.check);
  appoint_next(probe);
  if (before == after && probe->told_cause == cause) return;
  probe->told_cause = cause;
  // A copy, and last: the callback may change the targets.
  const CheckTarget target = probe->target;
  on_result(target, after, text);
}

}  // namespace shunt::control
