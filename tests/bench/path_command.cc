// What a packet costs in the packet path alone: no driver, one worker, 64-byte packets, connections in random order.
// Beside it, in the same run, the floor: the least that any load balancer with a connection table does per packet
// (floor.h). The figure to trust is the ratio of the two.
#include <rte_cycles.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/commands.h"
#include "tests/bench/eal.h"
#include "tests/bench/floor.h"
#include "tests/bench/path_rig.h"

namespace shunt::bench {
namespace {

struct PathOptions {
  std::vector<uint32_t> connections{1000, 1000000};
  std::vector<std::string> methods = path_names();
  uint32_t services = 1;
  uint32_t reals = 0;  // 0: kDefaultReals, or what there are slots for
  uint32_t rounds = 5;
  uint32_t packets = 4000000;
};

constexpr uint32_t kDefaultReals = 100;

struct Figures {
  std::vector<double> path_ns;  // of each round
  std::vector<double> floor_ns;
};

Figures measure(PathRig& rig, Floor& floor, const PathOptions& options) {
  const double ns_per_cycle = 1e9 / static_cast<double>(rte_get_tsc_hz());
  Figures figures;
  // The two take turns, so that the machine's mood is the same for both. The first round warms up.
  for (uint32_t round = 0; round <= options.rounds; ++round) {
    const double path = static_cast<double>(rig.run(options.packets)) / options.packets * ns_per_cycle;
    const double least = static_cast<double>(floor.run(options.packets)) / options.packets * ns_per_cycle;
    if (round == 0) continue;
    figures.path_ns.push_back(path);
    figures.floor_ns.push_back(least);
  }
  return figures;
}

void report(const std::string& name, uint32_t connections, const TablesSpec& spec, const Figures& figures,
            Results& results) {
  const double ns = median(figures.path_ns);
  const double floor_ns = median(figures.floor_ns);
  std::printf("%-15s %12u %8u %6u %8.1f %8.1f %7.2f\n", name.c_str(), connections, spec.services, spec.reals, ns, floor_ns,
              ns / floor_ns);
  std::fflush(stdout);
  Row row("path");
  row.add("method", name).add("connections", connections).add("services", spec.services).add("reals", spec.reals);
  row.add("ns_per_packet", ns).add("floor_ns", floor_ns).add("ratio", ns / floor_ns);
  row.add("rounds", static_cast<uint32_t>(figures.path_ns.size()));
  row.add("ns_min", *std::min_element(figures.path_ns.begin(), figures.path_ns.end()));
  row.add("ns_max", *std::max_element(figures.path_ns.begin(), figures.path_ns.end()));
  results.write(row);
}

// Connections do not cost more bytes with their number or method: one row for each table's size.
void report_memory(uint32_t connections, uint32_t capacity, Pages pages, Results& results) {
  const size_t bytes = dataplane::ConnectionTable::bytes_for(capacity);
  const double each = static_cast<double>(bytes) / capacity;
  std::printf("%u connections: a table for %u, %.1f MiB, %.1f bytes each, on pages of %s; the worker itself %.1f MiB\n",
              connections, capacity, static_cast<double>(bytes) / (1 << 20), each, name_of(pages),
              static_cast<double>(BenchWorker::fixed_bytes()) / (1 << 20));
  Row row("memory");
  row.add("connections", connections).add("capacity", capacity).add("table_bytes", uint64_t{bytes});
  row.add("bytes_per_connection", each).add("worker_bytes", BenchWorker::fixed_bytes()).add("pages", name_of(pages));
  results.write(row);
}

void run_path(PathOptions options, Results& results) {
  options.packets = (options.packets + kBurstSize - 1) / kBurstSize * kBurstSize;
  start_eal();
  TablesSpec spec;
  spec.services = options.services;
  const uint32_t slots = dataplane::kMaxReals / options.services;
  spec.reals = options.reals == 0 ? std::min(kDefaultReals, slots) : options.reals;
  if (spec.reals > slots) {
    give_up("--reals " + std::to_string(spec.reals) + " for each of " + std::to_string(spec.services) +
            " services: there are slots for " + std::to_string(slots) + "; lower one of the two");
  }
  std::vector<std::pair<std::string, Path>> paths;
  for (const std::string& name : options.methods) paths.emplace_back(name, path_named(name));
  std::printf("%-15s %12s %8s %6s %8s %8s %7s\n", "method", "connections", "services", "reals", "ns", "floor", "ratio");
  for (const uint32_t connections : options.connections) {
    Pages pages = Pages::kOrdinary;
    const uint32_t capacity = PathRig::capacity_for(connections);
    for (const auto& [name, path] : paths) {
      spec.method = path.method;
      PathRig rig(path, spec, connections, capacity);
      Floor floor(connections);
      report(name, connections, spec, measure(rig, floor, options), results);
      pages = rig.worker().pages();
    }
    report_memory(connections, capacity, pages, results);
  }
}

}  // namespace

void add_path_command(CLI::App& app, Results& results) {
  auto options = std::make_shared<PathOptions>();
  CLI::App* command = app.add_subcommand("path", "ns a packet of known connections, beside the floor (the default)");
  command->fallthrough();
  command->add_option("--connections", options->connections, "1 to 10000000, several by commas")
      ->delimiter(',')
      ->check(CLI::Range(1, 10000000));
  command->add_option("--methods", options->methods, "direct, tunnel, nat, nat-reply, fullnat, fullnat-reply")
      ->delimiter(',');
  command->add_option("--services", options->services, "VIPs that the connections are spread over (1)")
      ->check(CLI::Range(1, 10000));
  command->add_option("--reals", options->reals, "of each service (100, or less where slots end)")
      ->check(CLI::Range(1, 1000));
  command->add_option("--rounds", options->rounds, "of which the median counts (5)")->check(CLI::Range(1, 1000));
  command->add_option("--packets", options->packets, "of each round (4000000)")->check(CLI::Range(32, 1000000000));
  command->callback([options, &results] { run_path(*options, results); });
}

}  // namespace shunt::bench
