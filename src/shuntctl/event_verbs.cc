// shuntctl events: what happened, and with --watch what happens.
#include <memory>

#include "src/shuntctl/client.h"
#include "src/shuntctl/output/json.h"
#include "src/shuntctl/output/table.h"
#include "src/shuntctl/output/text.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

struct EventOptions {
  bool watch = false;
  uint64_t after = 0;
};

Outcome show_events(const Settings& settings, const EventOptions& options) {
  v1::WatchEventsRequest request;
  request.set_after_sequence(options.after);
  request.set_follow(options.watch);
  FixedColumns columns({{"time", 19}, {"sequence", 8}, {"kind", 13}, {"subject", 24}, {"text", 0}});
  if (!settings.json) print(toned(columns.header(), Tone::kBold, settings.colour));
  // Whoever pipes this on wants each line now.
  if (options.watch) flush_output();
  uint64_t last = options.after;
  Client client(settings);
  auto failure = client.stream(&v1::Shunt::Stub::WatchEvents, request, [&](const v1::Event& event) {
    if (settings.json) {
      print(to_json_line(event));
    } else {
      if (event.sequence() > last + 1 && last > 0) {
        print("... " + std::to_string(event.sequence() - last - 1) + " events are no longer kept\n");
      }
      const std::vector<std::string> cells{local_time(event.time()), std::to_string(event.sequence()), event.kind(),
                                           event.subject(), event.text()};
      // The text is last and may have any length; long names keep their place for the lines to come.
      columns.widen_for({cells.begin(), cells.end() - 1});
      print(toned(columns.line(cells), tone_of_event(event.kind()), settings.colour));
    }
    last = event.sequence();
    // A closed pipe ends the watch, else it would go on for nobody.
    return !options.watch || flush_output();
  });
  if (failure) return *failure;
  return {};
}

}  // namespace

void add_event_verbs(CLI::App& app, Command& command) {
  auto options = std::make_shared<EventOptions>();
  CLI::App* events = app.add_subcommand("events", "What happened: changes, health, drains, ports");
  events->add_flag("-w,--watch", options->watch, "Go on with those to come, until interrupted");
  events->add_option("--after", options->after, "Only those after this sequence number")->type_name("N");
  events->callback([&command, options] {
    command.action = [options](const Settings& settings) { return show_events(settings, *options); };
  });
}

}  // namespace shunt::shuntctl
