// New connections a second on one worker, at a table that is kept four fifths full, expiry included, and the longest
// pause: the time of one turn of the worker's loop. churn_rig.h says how.
//
// Pauses. A turn's time has two parts: the worker's own work, and what the machine takes meanwhile (interrupts, other
// threads, the hypervisor). Rounds do the same work turn by turn, so a turn's own time is the least of its rounds':
// worst_pause_us is the largest of those, the raw figures are of all turns as they were.
#include <rte_cycles.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/churn_rig.h"
#include "tests/bench/commands.h"
#include "tests/bench/eal.h"

namespace shunt::bench {
namespace {

using dataplane::Direction;
using dataplane::Method;
using dataplane::kTcpAck;
using dataplane::kTcpFin;
using dataplane::kTcpPsh;
using dataplane::kTcpSyn;

struct ConnectionsOptions {
  std::vector<std::string> scenarios{"lone-syn", "whole-direct", "whole-fullnat"};
  uint32_t capacity = 1000000;
  uint32_t fill_percent = 80;
  uint32_t reals = 100;
  uint32_t connections = 2000000;
  uint32_t rounds = 3;
};

Scenario scenario_named(const std::string& name) {
  constexpr auto kRequest = Direction::kRequest;
  constexpr auto kReply = Direction::kReply;
  if (name == "lone-syn") return {name, Method::kDirect, {{kRequest, kTcpSyn}}, 3000000};
  if (name == "whole-direct") {
    return {name,
            Method::kDirect,
            {{kRequest, kTcpSyn},
             {kRequest, kTcpAck},
             {kRequest, kTcpPsh | kTcpAck},
             {kRequest, kTcpFin | kTcpAck},
             {kRequest, kTcpAck}},
            1000000};
  }
  if (name == "whole-fullnat") {
    return {name,
            Method::kFullnat,
            {{kRequest, kTcpSyn},
             {kReply, kTcpSyn | kTcpAck},
             {kRequest, kTcpAck},
             {kRequest, kTcpPsh | kTcpAck},
             {kReply, kTcpPsh | kTcpAck},
             {kRequest, kTcpFin | kTcpAck},
             {kReply, kTcpFin | kTcpAck},
             {kRequest, kTcpAck}},
            600000};
  }
  give_up("--scenarios " + name + ": there is no such; there are lone-syn whole-direct whole-fullnat");
}

struct Figures {
  std::vector<double> per_second;  // of each round
  std::vector<uint32_t> own;       // of each turn, the least of the rounds
  std::vector<uint32_t> raw;       // of all turns of all rounds
  uint32_t worst_undisturbed = 0;
  uint64_t disturbed = 0;  // turns
  uint64_t drops = 0;
  uint64_t evicted = 0;
  std::string drop_reasons;
  ChurnRig::Used used{};
  uint32_t timeout_ms = 0;
};

void take_round(ChurnRig& rig, uint32_t connections, Figures& figures) {
  const uint64_t drops = rig.worker().drops();
  const uint64_t evicted = rig.worker()->counters.half_open_evicted.read();
  const std::vector<Turn> turns = rig.run(connections);
  uint64_t cycles = 0;
  uint64_t undisturbed = 0;
  if (figures.own.empty()) figures.own.resize(turns.size(), UINT32_MAX);
  if (figures.own.size() != turns.size()) give_up("rounds differ, which they cannot: the clock is driven");
  for (size_t i = 0; i < turns.size(); ++i) {
    figures.own[i] = std::min(figures.own[i], turns[i].cycles);
    figures.raw.push_back(turns[i].cycles);
    if (turns[i].disturbed) continue;
    figures.worst_undisturbed = std::max(figures.worst_undisturbed, turns[i].cycles);
    cycles += turns[i].cycles;
    ++undisturbed;
  }
  // Of the turns in which the worker had its CPU to itself; on a machine of its own those are all but a few.
  const double share = static_cast<double>(undisturbed) / static_cast<double>(turns.size());
  figures.per_second.push_back(connections * share * static_cast<double>(rte_get_tsc_hz()) / static_cast<double>(cycles));
  figures.disturbed += turns.size() - undisturbed;
  figures.drops += rig.worker().drops() - drops;
  figures.evicted += rig.worker()->counters.half_open_evicted.read() - evicted;
  figures.drop_reasons = rig.worker().drop_reasons();
  figures.used = rig.used();
}

double quantile_us(std::vector<uint32_t>& cycles, double share) {
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(cycles.size() - 1));
  std::nth_element(cycles.begin(), cycles.begin() + at, cycles.end());
  return cycles[static_cast<size_t>(at)] * 1e6 / static_cast<double>(rte_get_tsc_hz());
}

void report(const Scenario& scenario, const ConnectionsOptions& options, Figures& figures, Results& results) {
  const double per_second = median(figures.per_second);
  const double p999 = quantile_us(figures.raw, 0.999);
  const double p9999 = quantile_us(figures.raw, 0.9999);
  const double raw_worst = quantile_us(figures.raw, 1);
  const double worst = quantile_us(figures.own, 1);
  const double undisturbed = figures.worst_undisturbed * 1e6 / static_cast<double>(rte_get_tsc_hz());
  const double fill = figures.used.mean / options.capacity;
  const double fill_min = double(figures.used.least) / options.capacity;
  const double fill_max = double(figures.used.most) / options.capacity;
  std::printf("%-14s %11.0f %11u %4.1f (%2.0f-%2.0f) %% %9.1f %9.1f %9.1f %9.1f %9.1f  %s\n", scenario.name.c_str(), per_second,
              scenario.per_second, fill * 100, fill_min * 100, fill_max * 100, worst, p999, p9999, undisturbed, raw_worst,
              figures.drops == 0 ? "none" : figures.drop_reasons.c_str());
  if (figures.evicted > 0) {
    std::printf("%-14s %lu connections gave way to new ones: expiry did not keep up\n", "", figures.evicted);
  }
  std::fflush(stdout);
  Row row("new-connections");
  row.add("scenario", scenario.name).add("per_second", per_second).add("target", scenario.per_second);
  row.add("capacity", options.capacity).add("reals", options.reals).add("connections", options.connections);
  row.add("fill", fill).add("fill_min", fill_min).add("fill_max", fill_max);
  row.add("timeout_ms", figures.timeout_ms).add("rounds", options.rounds);
  row.add("worst_pause_us", worst).add("p999_pause_us", p999).add("p9999_pause_us", p9999);
  row.add("undisturbed_worst_pause_us", undisturbed).add("raw_worst_pause_us", raw_worst);
  row.add("turns", uint64_t{figures.raw.size()}).add("disturbed_turns", figures.disturbed);
  row.add("drops", figures.drops).add("drop_reasons", figures.drops == 0 ? "none" : figures.drop_reasons);
  row.add("evicted", figures.evicted);
  results.write(row);
}

void run_connections(const ConnectionsOptions& options, Results& results) {
  std::vector<Scenario> scenarios;
  for (const std::string& name : options.scenarios) scenarios.push_back(scenario_named(name));
  start_eal();
  RingPort port(256);
  std::printf("%-14s %11s %11s %14s %9s %9s %9s %9s %9s  %s\n", "scenario", "per second", "target", "fill", "worst us",
              "p99.9", "p99.99", "undist.", "raw worst", "drops");
  for (const Scenario& scenario : scenarios) {
    Figures figures;
    figures.timeout_ms =
        ChurnRig(port, scenario, options.capacity, options.fill_percent, options.reals).find_timeout();
    for (uint32_t round = 0; round < options.rounds; ++round) {
      ChurnRig rig(port, scenario, options.capacity, options.fill_percent, options.reals);
      rig.settle(figures.timeout_ms);
      take_round(rig, options.connections, figures);
    }
    report(scenario, options, figures, results);
  }
}

}  // namespace

void add_connections_command(CLI::App& app, Results& results) {
  auto options = std::make_shared<ConnectionsOptions>();
  CLI::App* command = app.add_subcommand("connections", "new connections a second, expiry included, and the longest pause");
  command->fallthrough();
  command->add_option("--scenarios", options->scenarios, "lone-syn, whole-direct, whole-fullnat")->delimiter(',');
  command->add_option("--capacity", options->capacity, "entries of the table (1000000)")->check(CLI::Range(10000, 100000000));
  command->add_option("--fill", options->fill_percent, "percent of it that are kept full (80)")->check(CLI::Range(10, 95));
  command->add_option("--reals", options->reals, "that wlc chooses from (100)")->check(CLI::Range(1, 1000));
  command->add_option("--connections", options->connections, "of each round, past the warm-up (2000000)")
      ->check(CLI::Range(1000, 1000000000));
  command->add_option("--rounds", options->rounds, "that do the same work (3)")->check(CLI::Range(1, 100));
  command->callback([options, &results] { run_connections(*options, results); });
}

}  // namespace shunt::bench
