// Who is checked, and what becomes of a check.
#include "control/health/checker.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "control/health/checker_state.h"
#include "control/health/words.h"

namespace shunt::control {
namespace {

// A new target is checked within this time, then once somewhere in its interval, from where it keeps its pace: reals that
// appear together do not stay together.
constexpr std::chrono::seconds kFirstCheckWithin{1};
// Many new ones take longer: first checks of so many a second leave the loop time for everything else.
constexpr double kFirstChecksASecond = 5000;
// When this machine, not the real, is the reason that a check could not be made.
constexpr Milliseconds kLackPause{200};
constexpr std::chrono::minutes kComplaintPause{1};

// The other half is for the rest of the process: whoever has a thousand silent reals still needs the API.
size_t half_of_open_files() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return SIZE_MAX;
  return std::max<size_t>(files.rlim_cur / 2, 1);
}

CheckedPlace place_of(const CheckTarget& target) {
  // An echo is asked of the machine.
  if (std::holds_alternative<IcmpCheck>(target.check.kind)) return {target.address, 0, {}};
  const uint16_t port = target.check.port != 0 ? target.check.port : target.port;
  if (target.probed) return {target.probed->vip, port, Detour{target.probed->probe, target.address}};
  return {target.address, port, {}};
}

// "http: status 503, wanted 200-299, in 3 ms", "connect: timed out after 2 s"
std::string text_of(const CheckKind& kind, const Ending& ending) {
  const std::string& cause = ending.outcome.cause;
  const std::string start = std::string(word_of(kind)) + ": ";
  if (ending.outcome.kind == Outcome::Kind::kUnable) return start + "not checked: " + cause;
  if (ending.is_late) return start + cause + " after " + duration_text(ending.took);
  return start + cause + (cause.find(',') == std::string::npos ? " in " : ", in ") + duration_text(ending.took);
}

}  // namespace

Checker::State::State(asio::io_context& io, OnResult callback, const CheckerOptions& options)
    : loop(io), on_result(std::move(callback)), attempts(io, options.programs), timer(io) {
  lanes[0].max_open = std::min(options.max_open, half_of_open_files());
  lanes[1].max_open = options.max_programs;
}

Checker::Checker(asio::io_context& loop, OnResult on_result, CheckerOptions options)
    : state_(std::make_shared<State>(loop, std::move(on_result), options)) {}

Checker::~Checker() {
  // The state lives on until the loop has dropped its cancelled handlers.
  set_targets({});
  state_->stopped = true;
  state_->timer.cancel();
  state_->agenda = {};
}

void Checker::set_targets(std::vector<CheckTarget> targets) { state_->set_targets(std::move(targets)); }

size_t Checker::probes() const { return state_->probes.size(); }

std::vector<CheckFigures> Checker::figures() const {
  std::vector<CheckFigures> all;
  for (const auto& [check, figures] : state_->figures) all.push_back(figures);
  return all;
}

std::shared_ptr<Subscriber> Checker::State::subscriber_of(CheckTarget& target, const CheckedPlace& place) {
  std::shared_ptr<Subscriber> subscriber;
  const auto held = subscribers.find(target.real);
  if (held != subscribers.end() && held->second->place == place) {
    subscriber = held->second;
  } else {
    subscriber = std::make_shared<Subscriber>();
    subscriber->real = std::move(target.real);
    subscriber->place = place;
  }
  subscriber->rise = target.check.rise;
  subscriber->fall = target.check.fall;
  return subscriber;
}

void Checker::State::set_targets(std::vector<CheckTarget> targets) {
  Probes next_probes;
  Subscribers next_subscribers;
  SharedKinds next_kinds;
  std::vector<std::shared_ptr<Probe>> fresh;
  for (auto& [key, probe] : probes) probe->subscribers.clear();
  for (CheckTarget& target : targets) {
    if (!target.check.enabled) continue;
    const CheckedPlace place = place_of(target);
    const auto subscriber = subscriber_of(target, place);
    if (!next_subscribers.emplace(subscriber->real, subscriber).second) continue;
    ProbeKey key{place, target.check.interval, target.check.timeout, kind_of(std::move(target.check.kind), next_kinds),
                 target.check.jitter, std::max(target.check.interval, target.check.down_interval)};
    auto& probe = next_probes[key];
    if (!probe) {
      if (const auto known = probes.find(key); known != probes.end()) probe = known->second;
    }
    if (!probe) {
      probe = std::make_shared<Probe>();
      probe->key = std::move(key);
      fresh.push_back(probe);
    }
    // Who joins others does not wait for their next check, which may be far.
    const bool has_pace = probe->turn != 0 && !probe->attempt;
    if (std::exchange(subscriber->fresh, false) && has_pace) fresh.push_back(probe);
    probe->subscribers.push_back(subscriber);
  }
  for (const auto& [real, subscriber] : subscribers) {
    const auto kept = next_subscribers.find(real);
    subscriber->removed = kept == next_subscribers.end() || kept->second != subscriber;
  }
  for (const auto& [key, probe] : probes) {
    if (probe->subscribers.empty()) drop(*probe);
  }
  probes = std::move(next_probes);
  subscribers = std::move(next_subscribers);
  kinds = std::move(next_kinds);
  const auto within = std::chrono::duration_cast<CheckClock::duration>(
      std::max<std::chrono::duration<double>>(kFirstCheckWithin, std::chrono::duration<double>(
          static_cast<double>(fresh.size()) / kFirstChecksASecond)));
  for (const auto& probe : fresh) appoint_first(probe, within);
  begin_queued();
  wait();
}

SharedKind Checker::State::kind_of(CheckKind kind, SharedKinds& next) {
  if (const auto found = next.find(kind); found != next.end()) return *found;
  const auto before = kinds.find(kind);
  return *next.insert(before != kinds.end() ? *before : std::make_shared<const CheckKind>(std::move(kind))).first;
}

void Checker::State::drop(Probe& probe) {
  ++probe.turn;
  close(probe);
}

void Checker::State::begin(const std::shared_ptr<Probe>& probe) {
  probe->started = CheckClock::now();
  const uint64_t turn = probe->turn + 1;
  const auto done = [self = weak_from_this(), weak = std::weak_ptr(probe), turn](const Outcome& outcome) {
    const auto state = self.lock();
    const auto checked = weak.lock();
    if (state && checked && turn == checked->turn && !state->stopped) state->ended(checked, outcome);
  };
  Begun begun = attempts.begin(*probe->key.kind, probe->key.place, probe->key.timeout, done);
  if (!begun.attempt) return settle(probe, begun.outcome);
  probe->attempt = std::move(begun.attempt);
  ++lanes[probe->lane()].open;
  appoint(probe, probe->started + probe->key.timeout);
}

void Checker::State::ended(const std::shared_ptr<Probe>& probe, const Outcome& outcome) {
  settle(probe, outcome);
  begin_queued();
  wait();
}

void Checker::State::settle(const std::shared_ptr<Probe>& probe, const Outcome& outcome) {
  const CheckClock::duration took = CheckClock::now() - probe->started;
  close(*probe);
  if (outcome.kind == Outcome::Kind::kLacking) return postpone(probe, outcome);
  conclude(probe, {outcome, took});
}

void Checker::State::late(const std::shared_ptr<Probe>& probe) {
  const Outcome outcome = probe->attempt->when_late();
  close(*probe);
  conclude(probe, {outcome, probe->key.timeout, true});
}

void Checker::State::close(Probe& probe) {
  if (!probe.attempt) return;
  probe.attempt.reset();
  --lanes[probe.lane()].open;
}

void Checker::State::postpone(const std::shared_ptr<Probe>& probe, const Outcome& outcome) {
  appoint(probe, CheckClock::now() + kLackPause);
  if (probe->started < quiet_until) return;
  quiet_until = probe->started + kComplaintPause;
  spdlog::warn(
      "health checks: a check of {} could not be made: {}; raise the limit of open files and the range of local ports, and "
      "check the firewall of this machine",
      probe->subscribers.front()->real.name, outcome.cause);
}

void Checker::State::conclude(const std::shared_ptr<Probe>& probe, const Ending& ending) {
  const Outcome& outcome = ending.outcome;
  struct Told {
    std::shared_ptr<Subscriber> subscriber;
    Health health;
  };
  std::vector<Told> all;
  const char* word = word_of(*probe->key.kind);
  if (outcome.kind != Outcome::Kind::kUnable) {
    CheckFigures& figures_of_kind = figures[word];
    figures_of_kind.check = word;
    figures_of_kind.add(CheckClock::now() - probe->started, outcome.kind == Outcome::Kind::kUp);
  }
  for (const auto& subscriber : probe->subscribers) {
    const Health before = subscriber->judgement.health();
    Health after = before;
    // What we could not ask says nothing.
    if (outcome.kind != Outcome::Kind::kUnable)
      after = subscriber->judgement.add(outcome.kind == Outcome::Kind::kUp, subscriber->rise, subscriber->fall);
    if (before == after && subscriber->told_cause == outcome.cause) continue;
    subscriber->told_cause = outcome.cause;
    all.push_back({subscriber, after});
  }
  probe->succeeded = outcome.kind == Outcome::Kind::kUp;
  appoint_next(probe);
  // Most checks bring nothing new.
  if (all.empty()) return;
  const std::string text = text_of(*probe->key.kind, ending);
  // Last: the callback may change the targets.
  for (const Told& told : all) {
    if (stopped) return;
    if (!told.subscriber->removed) on_result(told.subscriber->real, told.health, text);
  }
}

}  // namespace shunt::control
