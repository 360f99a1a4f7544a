// What a packet costs in the packet path alone: no driver, one worker, the smallest TCP frames of either family,
// connections in random order. Beside it, in the same run, the floor: the least that any load balancer with a connection
// table does per packet (floor.h), which is IPv4's. The figures to trust are ratios: to the floor, and of IPv6 to IPv4.
#include <rte_cycles.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
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
  std::vector<uint32_t> families{4, 6};
  uint32_t services = 1;
  uint32_t reals = 0;  // 0: kDefaultReals, or what there are slots for
  uint32_t rounds = 5;
  uint32_t packets = 4000000;
};

constexpr uint32_t kDefaultReals = 100;

using Rigs = std::map<AddressFamily, std::unique_ptr<PathRig>>;

// Of each round, in ns a packet.
struct Figures {
  std::map<AddressFamily, std::vector<double>> path;
  std::vector<double> floor;
};

AddressFamily family_of(uint32_t version) { return version == 4 ? AddressFamily::kIpv4 : AddressFamily::kIpv6; }
uint32_t version_of(AddressFamily family) { return family == AddressFamily::kIpv4 ? 4 : 6; }

// All take turns, so that the machine's mood is the same for each. The first round warms up.
Figures measure(const Rigs& rigs, Floor& floor, const PathOptions& options) {
  const double ns_per_cycle = 1e9 / static_cast<double>(rte_get_tsc_hz()) / options.packets;
  Figures figures;
  for (uint32_t round = 0; round <= options.rounds; ++round) {
    for (const auto& [family, rig] : rigs) {
      const double ns = static_cast<double>(rig->run(options.packets)) * ns_per_cycle;
      if (round > 0) figures.path[family].push_back(ns);
    }
    const double least = static_cast<double>(floor.run(options.packets)) * ns_per_cycle;
    if (round > 0) figures.floor.push_back(least);
  }
  return figures;
}

// The median of the rounds' ratios: what disturbs a round disturbs both, or spoils one ratio of several.
double ratio(const std::vector<double>& values, const std::vector<double>& to) {
  std::vector<double> ratios;
  for (size_t i = 0; i < values.size(); ++i) ratios.push_back(values[i] / to[i]);
  return median(std::move(ratios));
}

void report(const std::string& name, uint32_t connections, const TablesSpec& spec, AddressFamily family,
            const Figures& figures, Results& results) {
  const std::vector<double>& rounds = figures.path.at(family);
  const double ns = median(rounds);
  const double floor_ns = median(figures.floor);
  const double to_floor = ratio(rounds, figures.floor);
  std::printf("%-15s IPv%u %12u %8u %6u %8.1f %8.1f %7.2f", name.c_str(), version_of(family), connections, spec.services,
              spec.reals, ns, floor_ns, to_floor);
  Row row("path");
  row.add("method", name).add("family", version_of(family)).add("connections", connections);
  row.add("services", spec.services).add("reals", spec.reals);
  row.add("ns_per_packet", ns).add("floor_ns", floor_ns).add("ratio", to_floor);
  row.add("rounds", static_cast<uint32_t>(rounds.size()));
  row.add("ns_min", *std::min_element(rounds.begin(), rounds.end()));
  row.add("ns_max", *std::max_element(rounds.begin(), rounds.end()));
  const auto four = figures.path.find(AddressFamily::kIpv4);
  if (family == AddressFamily::kIpv6 && four != figures.path.end()) {
    const double to_ipv4 = ratio(rounds, four->second);
    std::printf(" %7.2f", to_ipv4);
    row.add("ratio_to_ipv4", to_ipv4);
  }
  std::printf("\n");
  std::fflush(stdout);
  results.write(row);
}

// Connections do not cost more bytes with their number or method: one row for each table's size.
void report_memory(uint32_t connections, uint32_t capacity, AddressFamily family, Pages pages, Results& results) {
  using namespace dataplane;
  const size_t bytes = family == AddressFamily::kIpv4 ? ConnectionTable::bytes_for(capacity)
                                                      : ConnectionTable6::bytes_for(capacity);
  const double each = static_cast<double>(bytes) / capacity;
  std::printf("%u connections, IPv%u: a table for %u, %.1f MiB, %.1f bytes each, on pages of %s; the worker itself %.1f MiB\n",
              connections, version_of(family), capacity, static_cast<double>(bytes) / (1 << 20), each, name_of(pages),
              static_cast<double>(BenchWorker::fixed_bytes()) / (1 << 20));
  Row row("memory");
  row.add("connections", connections).add("family", version_of(family)).add("capacity", capacity);
  row.add("table_bytes", uint64_t{bytes}).add("bytes_per_connection", each);
  row.add("worker_bytes", BenchWorker::fixed_bytes()).add("pages", name_of(pages));
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
  std::vector<Path> paths;
  for (const std::string& name : options.methods) paths.push_back(path_named(name));
  std::printf("%-15s %4s %12s %8s %6s %8s %8s %7s %7s\n", "method", "", "connections", "services", "reals", "ns", "floor",
              "ratio", "to IPv4");
  for (const uint32_t connections : options.connections) {
    std::map<AddressFamily, Pages> pages;
    const uint32_t capacity = PathRig::capacity_for(connections);
    for (const Path& path : paths) {
      spec.method = path.method;
      spec.tunnel = path.tunnel;
      spec.crosses = path.crosses;
      spec.has_ftp = path.is_ftp;
      spec.has_limits = path.has_limits;
      Rigs rigs;
      for (const uint32_t version : options.families) {
        spec.family = family_of(version);
        rigs[spec.family] = std::make_unique<PathRig>(path, spec, connections, capacity);
        pages[spec.family] = rigs[spec.family]->worker().pages();
      }
      Floor floor(connections, capacity);
      const Figures figures = measure(rigs, floor, options);
      for (const auto& [family, rig] : rigs) report(path.name, connections, spec, family, figures, results);
    }
    for (const auto& [family, each] : pages) report_memory(connections, capacity, family, each, results);
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
  command->add_option("--methods", options->methods,
                      "direct, tunnel, nat, fullnat, and nat-reply, fullnat-reply for the way back; also direct-limits, tunnel-gre and "
                      "tunnel-gue, both with -checksum or not, fullnat-proxy, fullnat-crossing (reals of the other family), "
                      "fullnat-ftp (control connections) and snat, all with -reply or not")
      ->delimiter(',');
  command->add_option("--families", options->families, "4, 6 (both, in turns)")->delimiter(',')->check(CLI::IsMember({4, 6}));
  command->add_option("--services", options->services, "VIPs that the connections are spread over (1)")
      ->check(CLI::Range(1, 10000));
  command->add_option("--reals", options->reals, "of each service (100, or less where slots end)")
      ->check(CLI::Range(1, 1000));
  command->add_option("--rounds", options->rounds, "of which the median counts (5)")->check(CLI::Range(1, 1000));
  command->add_option("--packets", options->packets, "of each round (4000000)")->check(CLI::Range(32, 1000000000));
  command->callback([options, &results] { run_path(*options, results); });
}

}  // namespace shunt::bench
