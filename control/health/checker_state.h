// What the checker's scheduler owns. Only the files of Checker include this. The loop's thread.
#pragma once

#include <array>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "control/health/attempts.h"
#include "control/health/checker.h"
#include "control/health/judgement.h"

namespace shunt::control {

using CheckClock = std::chrono::steady_clock;

// A target's side of a check: what outcomes mean to its service.
struct Subscriber {
  CheckedReal real;
  CheckedPlace place;
  uint32_t rise = 0;
  uint32_t fall = 0;
  Judgement judgement;
  // Of the outcome told last; empty: none.
  std::string told_cause;
  bool removed = false;
  // It came with these targets.
  bool fresh = true;
};

// Many targets have the same check: it is kept once, and told by its address.
using SharedKind = std::shared_ptr<const CheckKind>;
struct KindOrder {
  using is_transparent = void;
  bool operator()(const SharedKind& a, const SharedKind& b) const { return *a < *b; }
  bool operator()(const SharedKind& a, const CheckKind& b) const { return *a < b; }
  bool operator()(const CheckKind& a, const SharedKind& b) const { return a < *b; }
};
using SharedKinds = std::set<SharedKind, KindOrder>;

// Who agrees in this is checked by one probe.
struct ProbeKey {
  CheckedPlace place;
  Milliseconds interval{0};
  Milliseconds timeout{0};
  SharedKind kind;
  uint32_t jitter = 0;
  // At least the interval.
  Milliseconds down_interval{0};
  auto operator<=>(const ProbeKey&) const = default;
};

// A check that is made again and again. Between two it waits for its time in the agenda, or in a lane for a free place.
struct Probe {
  ProbeKey key;
  std::vector<std::shared_ptr<Subscriber>> subscribers;
  std::unique_ptr<Attempt> attempt;
  // The first check that decides for all its targets is yet to come.
  bool first = true;
  bool succeeded = false;
  // Of a real that all of them have down: what the interval has grown to.
  Milliseconds pause{0};
  // Raised whenever what is awaited changes: whoever comes with an older one is late and ignored.
  uint64_t turn = 0;
  CheckClock::time_point started;
  size_t lane() const noexcept { return std::holds_alternative<ExecCheck>(*key.kind) ? 1 : 0; }
};

// How a check ended, and after which time.
struct Ending {
  const Outcome& outcome;
  CheckClock::duration took;
  bool is_late = false;
};

// The next thing to do for a probe: begin a check, or end one that took too long.
struct Appointment {
  CheckClock::time_point when;
  std::shared_ptr<Probe> probe;
  uint64_t turn = 0;
  bool operator<(const Appointment& other) const { return when > other.when; }  // earliest on top
};

// Checks that compete for the same places: those with a socket, and programs.
struct Lane {
  size_t max_open = 0;
  size_t open = 0;
  std::deque<Appointment> queued;
};

struct Checker::State : std::enable_shared_from_this<State> {
  State(asio::io_context& io, OnResult callback, const CheckerOptions& options);

  // --- targets (checker.cc) ---
  using Probes = std::map<ProbeKey, std::shared_ptr<Probe>>;
  using Subscribers = std::map<CheckedReal, std::shared_ptr<Subscriber>>;
  void set_targets(std::vector<CheckTarget> targets);
  std::shared_ptr<Subscriber> subscriber_of(CheckTarget& target, const CheckedPlace& place);
  SharedKind kind_of(CheckKind kind, SharedKinds& next);
  void drop(Probe& probe);

  // --- pace (checker_schedule.cc) ---
  void appoint(const std::shared_ptr<Probe>& probe, CheckClock::time_point when);
  void appoint_first(const std::shared_ptr<Probe>& probe, CheckClock::duration within);
  void appoint_next(const std::shared_ptr<Probe>& probe);
  void wait();
  void keep_appointments();
  void begin_queued();
  double random_between(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  }

  // --- checks (checker.cc) ---
  void begin(const std::shared_ptr<Probe>& probe);
  void ended(const std::shared_ptr<Probe>& probe, const Outcome& outcome);
  void settle(const std::shared_ptr<Probe>& probe, const Outcome& outcome);
  void late(const std::shared_ptr<Probe>& probe);
  void close(Probe& probe);
  void postpone(const std::shared_ptr<Probe>& probe, const Outcome& outcome);
  void conclude(const std::shared_ptr<Probe>& probe, const Ending& ending);

  asio::io_context& loop;
  OnResult on_result;
  Attempts attempts;
  asio::steady_timer timer;
  CheckClock::time_point waiting_for = CheckClock::time_point::max();
  std::priority_queue<Appointment> agenda;
  std::array<Lane, 2> lanes;
  Probes probes;
  Subscribers subscribers;
  SharedKinds kinds;
  // By the word that an outcome's text begins with.
  std::map<std::string_view, CheckFigures> figures;
  bool stopped = false;
  CheckClock::time_point quiet_until;
  std::minstd_rand random{std::random_device{}()};
};

}  // namespace shunt::control
