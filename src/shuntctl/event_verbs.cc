// shuntctl events: what happened, and with --watch what happens.
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "src/shuntctl/client.h"
#include "src/shuntctl/output/json.h"
#include "src/shuntctl/output/table.h"
#include "src/shuntctl/output/text.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/retry_pause.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

struct EventOptions {
  bool watch = false;
  bool only_new = false;
  // "LIFE:N" or "N"
  std::string after;
};

// False: it is none.
bool take_position(const std::string& text, v1::WatchEventsRequest& request) {
  const size_t colon = text.find(':');
  const std::string number = colon == std::string::npos ? text : text.substr(colon + 1);
  uint64_t sequence = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), sequence);
  if (error != std::errc() || end != number.data() + number.size() || colon == 0) return false;
  request.set_after_sequence(sequence);
  if (colon != std::string::npos) request.set_life(text.substr(0, colon));
  return true;
}

class EventLog {
 public:
  EventLog(const Settings& settings, const EventOptions& options) : settings_(settings), options_(options) {}

  Outcome run() {
    request_.set_follow(options_.watch);
    request_.set_from_now(options_.only_new);
    if (!options_.after.empty() && !take_position(options_.after, request_)) {
      return Failure{ExitCode::kUsage, "USAGE",
                     "--after " + options_.after + ": is no position; give a sequence number, or LIFE:SEQUENCE as "
                     "events -o json has them", {}};
    }
    if (!settings_.json) print(toned(columns_.header(), Tone::kBold, settings_.colour));
    // Whoever pipes this on wants each line now.
    if (options_.watch) flush_output();
    for (;;) {
      auto failure = read();
      if (!failure) return {};
      if (!may_resume(*failure)) return *failure;
      if (!std::exchange(is_broken_, true)) {
        print_failure({failure->exit, failure->code, failure->message + "; waiting for it to come back", {}}, settings_.json);
      }
      std::this_thread::sleep_for(pause_.next());
    }
  }

 private:
  std::optional<Failure> read() {
    // A channel that failed waits longer and longer by itself.
    Client client(settings_);
    return client.stream(&v1::Shunt::Stub::WatchEvents, request_, [this](const v1::Event& event) {
      is_broken_ = false;
      pause_.reset();
      show(event);
      request_.set_from_now(false);
      request_.set_after_sequence(event.sequence());
      request_.set_life(event.life());
      // A closed pipe ends the watch, else it would go on for nobody.
      return !options_.watch || flush_output();
    });
  }

  // Only from a position whose life is known: else what is missing could not be told.
  bool may_resume(const Failure& failure) const {
    return options_.watch && !settings_.timeout && failure.exit == ExitCode::kUnreachable && !request_.life().empty();
  }

  void show(const v1::Event& event) {
    if (settings_.json) return print(to_json_line(event));
    const std::vector<std::string> cells{local_time(event.time()), std::to_string(event.sequence()), event.kind(),
                                         event.subject(), event.text()};
    // The text is last and may have any length; long names keep their place for the lines to come.
    columns_.widen_for({cells.begin(), cells.end() - 1});
    print(toned(columns_.line(cells), tone_of_event(event.kind()), settings_.colour));
  }

  const Settings& settings_;
  const EventOptions& options_;
  v1::WatchEventsRequest request_;
  FixedColumns columns_{{{"time", 19}, {"sequence", 8}, {"kind", 13}, {"subject", 24}, {"text", 0}}};
  bool is_broken_ = false;
  RetryPause pause_;
};

}  // namespace

void add_event_verbs(CLI::App& app, Command& command) {
  auto options = std::make_shared<EventOptions>();
  CLI::App* events = app.add_subcommand("events", "What happened: changes, health, drains, ports");
  events->add_flag("-w,--watch", options->watch,
                   "Go on with those to come, until interrupted; over a restart of the daemon too, unless --timeout is given");
  CLI::Option* after = events->add_option("--after", options->after,
                                          "Only those after this place: a sequence number, with its life in front where "
                                          "the daemon may have been started anew since");
  after->type_name("[LIFE:]N");
  events->add_flag("--new", options->only_new, "Nothing of what happened so far")->excludes(after);
  events->callback([&command, options] {
    command.action = [options](const Settings& settings) { return EventLog(settings, *options).run(); };
  });
}

}  // namespace shunt::shuntctl
