// What the controller keeps of the past, and finds there again. States are worked out on the caller's thread: the loop
// only tells where they are.
#include <algorithm>
#include <utility>

#include "control/controller_state.h"
#include "control/diff.h"
#include "control/history/past.h"
#include "control/history/undo.h"
#include "control/loop_call.h"
#include "src/base/log.h"

namespace shunt::control {
namespace {

// Where a past state is.
struct Way {
  uint64_t current = 0;
  DesiredState state;
  // Files of the ways back, newest first.
  std::vector<std::string> files;
};

Result<DesiredState> walk(Way way, const StateCodec& codec, uint64_t revision) {
  DesiredState state = std::move(way.state);
  for (const std::string& file : way.files) {
    auto way_back = History::read(file);
    if (!way_back) return way_back.error();
    auto before = codec.decode(way_back->before);
    if (!before) {
      return Error{ErrorCode::kInvalid, "revision " + std::to_string(revision) + ": does not fit this machine: " +
                                            before.error().message};
    }
    state = undo(std::move(state), {std::move(*before), std::move(way_back->added), std::move(way_back->order)});
  }
  return state;
}

}  // namespace

void Controller::State::open_history() {
  std::vector<std::string> damage;
  auto opened = History::open(options.machine.journal_directory, damage);
  if (!opened) damage.push_back(opened.error().message);
  else history.emplace(std::move(*opened));
  for (const std::string& each : damage) {
    spdlog::error("{}", each);
    outside_problems["history"] = each;
    tell("journal", "history", each);
  }
}

// A history that cannot be written is told, and holds nothing up: the journal is what a restart needs.
void Controller::State::note_history(const Result<void>& written) {
  if (written) {
    if (outside_problems.erase("history") > 0) tell("journal", "history", "written again");
    return;
  }
  spdlog::error("{}", written.error().message);
  if (outside_problems.emplace("history", written.error().message).second) tell("journal", "history", written.error().message);
}

void Controller::State::remember(uint64_t next_revision, const Undo& way_back, const std::vector<Change>& changes) {
  if (!history) return;
  Revision revision{next_revision, WallClock::now(), cause, changes.size(), {}, true, 0};
  revision.changes.assign(changes.begin(), changes.begin() + static_cast<std::ptrdiff_t>(
                                               std::min(changes.size(), History::kChangesListed)));
  note_history(history->append(std::move(revision),
                               {options.codec.encode(way_back.before), way_back.added, way_back.order}));
}

void Controller::State::remember_override(const std::vector<Change>& changes) {
  if (!history || history->has(revision)) return;
  note_history(history->append({revision, WallClock::now(), cause, changes.size(), changes, false, 0}, {}));
}

void Controller::State::forget(uint64_t next_revision) {
  if (history) history->forget(next_revision);
}

Result<HistoryReport> Controller::history() {
  return call_on_loop<HistoryReport>(*state_, [this](auto done) {
    HistoryReport report;
    report.current = report.oldest_restorable = state_->revision;
    if (!state_->history) return done(std::move(report));
    const auto& kept = state_->history->revisions();
    report.revisions.assign(kept.rbegin(), kept.rend());
    for (const Revision& each : report.revisions) {
      if (!state_->history->way_to(each.revision)) break;
      report.oldest_restorable = each.revision;
    }
    done(std::move(report));
  });
}

namespace {

// `state`: Controller's.
template <typename State>
Result<Way> way_to(State& state, uint64_t revision) {
  return call_on_loop<Way>(state, [&state, revision](auto done) {
    if (!state.history) {
      return done(Error{ErrorCode::kUnavailable, "history: there is none; see the problems that shuntctl status tells"});
    }
    const auto revisions = state.history->way_to(revision);
    if (!revisions) return done(revisions.error());
    Way way{state.revision, state.live.desired(), {}};
    for (const uint64_t each : *revisions) way.files.push_back(state.history->file_of(each));
    done(std::move(way));
  });
}

}  // namespace

Result<PastState> Controller::state_at(uint64_t revision) {
  auto way = way_to(*state_, revision);
  if (!way) return way.error();
  const uint64_t current = way->current;
  auto state = walk(std::move(*way), state_->options.codec, revision);
  if (!state) return state.error();
  return PastState{current, std::move(*state)};
}

Result<PastRevision> Controller::past_revision(uint64_t revision) {
  const auto report = history();
  if (!report) return report.error();
  const auto found = std::find_if(report->revisions.begin(), report->revisions.end(),
                                  [revision](const Revision& each) { return each.revision == revision; });
  if (found == report->revisions.end()) {
    return Error{ErrorCode::kNotFound, "revision " + std::to_string(revision) +
                                           ": is not in the history; choose one of shuntctl history"};
  }
  PastRevision past{*found, found->changes};
  if (!found->changed_state || found->changes.size() == found->change_count) return past;
  auto way = way_to(*state_, revision);
  if (!way) return past;
  const std::string file = state_->history->file_of(revision);
  auto after = walk(std::move(*way), state_->options.codec, revision);
  if (!after) return past;
  auto before = walk({0, *after, {file}}, state_->options.codec, revision);
  if (before) past.changes = differences(*before, *after);
  return past;
}

}  // namespace shunt::control
