// shuntctl stats: counts and rates of services, once or anew each interval.
#include <memory>
#include <string>
#include <vector>

#include "config/duration.h"
#include "src/shuntctl/client.h"
#include "src/shuntctl/output/json.h"
#include "src/shuntctl/output/table.h"
#include "src/shuntctl/output/text.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

struct StatsOptions {
  std::vector<std::string> services;
  bool watch = false;
  bool reals = false;
  std::string interval;
  uint32_t count = 0;
};

class StatsTable {
 public:
  explicit StatsTable(const Settings& settings) : settings_(settings) {}

  std::string header() const { return toned(columns_.header(), Tone::kBold, settings_.colour); }

  void print_look(const v1::Stats& stats) {
    const std::string time = local_time(stats.time());
    for (const auto& service : stats.services()) {
      const std::string up = std::to_string(service.reals_up()) + "/" + std::to_string(service.reals());
      const Tone tone = service.reals_up() == service.reals() ? Tone::kPlain
                        : service.reals_up() == 0             ? Tone::kBad
                                                              : Tone::kWarning;
      line(time, service.name(), up, service, tone);
      for (const auto& real : service.real_stats()) {
        line("", "  " + real.name(), word_of(real), real, real.health() == v1::HEALTH_DOWN ? Tone::kBad : Tone::kPlain);
      }
    }
  }

 private:
  static std::string word_of(const v1::RealStats& real) {
    if (real.removed()) return "removed";
    return real.draining() ? "draining" : word(real.health());
  }

  template <typename Figures>
  void line(const std::string& time, const std::string& name, const std::string& state, const Figures& figures, Tone tone) {
    const auto& rates = figures.rates();
    const bool exact = settings_.exact;
    const std::vector<std::string> cells{time,
                                         name,
                                         state,
                                         count(figures.active_connections(), exact),
                                         count(figures.inactive_connections(), exact),
                                         count(figures.traffic().connections(), exact),
                                         rate(rates.connections(), exact),
                                         rate(rates.in_packets(), exact),
                                         rate(rates.out_packets(), exact),
                                         bits(rates.in_bytes(), exact),
                                         bits(rates.out_bytes(), exact)};
    columns_.widen_for(cells);
    print(toned(columns_.line(cells), tone, settings_.colour));
  }

  const Settings& settings_;
  FixedColumns columns_{{{"time", 19}, {"name", 24}, {"up", 9}, {"active", 7}, {"inactive", 8}, {"conns", 7},
                         {"conn/s", 7}, {"in pkt/s", 8}, {"out pkt/s", 9}, {"in bit/s", 8}, {"out bit/s", 9}}};
};

Outcome show_stats(const Settings& settings, const StatsOptions& options) {
  v1::WatchStatsRequest request;
  for (const std::string& name : options.services) request.add_services(name);
  request.set_with_reals(options.reals);
  request.set_count(options.watch ? options.count : 1);
  if (!options.interval.empty()) {
    const auto ms = config::parse_duration_ms(options.interval);
    if (!ms) {
      return Failure{ExitCode::kUsage, "USAGE", "--interval " + options.interval + ": is no length of time such as 5s or 1m", {}};
    }
    *request.mutable_interval() = config::to_duration(*ms);
  }
  StatsTable table(settings);
  bool has_header = settings.json;
  Client client(settings);
  auto failure = client.stream(&v1::Shunt::Stub::WatchStats, request, [&](const v1::Stats& stats) {
    if (!has_header) print(table.header());
    has_header = true;
    if (settings.json) print(to_json_line(stats));
    else table.print_look(stats);
    // Whoever pipes this on wants each look now; a closed pipe ends it.
    return !options.watch || flush_output();
  });
  if (failure) return *failure;
  return {};
}

}  // namespace

void add_stats_verbs(CLI::App& app, Command& command) {
  auto options = std::make_shared<StatsOptions>();
  CLI::App* stats = app.add_subcommand("stats", "Connections and rates of services, as a stream if wanted");
  stats->add_option("SERVICE", options->services, "These services only");
  CLI::Option* watch = stats->add_flag("-w,--watch", options->watch, "Anew each interval, until interrupted");
  stats->add_flag("--reals", options->reals, "Of their reals, too");
  stats->add_option("--interval", options->interval, "Between two looks, 1s..1h (1s)")->type_name("TIME")->needs(watch);
  stats->add_option("--count", options->count, "End after so many looks")->type_name("N")->needs(watch);
  stats->callback([&command, options] {
    command.action = [options](const Settings& settings) { return show_stats(settings, *options); };
  });
}

}  // namespace shunt::shuntctl
