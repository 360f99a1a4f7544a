// What a packet costs in the packet path alone: no port, no driver, one worker, 64-byte packets, connections in random
// order, every packet that leaves is checked. Beside it, in the same run, the floor: the least that any load
// balancer with a connection table does per packet (floor.h). The figure to trust is the ratio of the two.
//
//   path_bench [--connections N,N,...] [--methods direct,tunnel,nat,nat-reply,fullnat,fullnat-reply]
//              [--reals N] [--rounds N] [--packets N] [--json FILE]
#include <rte_cycles.h>
#include <rte_eal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "tests/bench/floor.h"
#include "tests/bench/path_rig.h"

namespace shunt::bench {
namespace {

struct Row {
  std::string name;
  uint32_t connections;
  double ns;
  double floor_ns;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double ns_per_cycle() { return 1e9 / static_cast<double>(rte_get_tsc_hz()); }

Row measure(const std::string& name, uint32_t connections, uint32_t reals, uint32_t rounds, uint32_t packets) {
  PathRig rig(name, connections, reals);
  Floor floor(connections);
  std::vector<double> path_ns;
  std::vector<double> floor_ns;
  // The two take turns, so that the machine's mood is the same for both. The first round warms up.
  for (uint32_t round = 0; round <= rounds; ++round) {
    const double path = static_cast<double>(rig.run(packets)) / packets * ns_per_cycle();
    const double least = static_cast<double>(floor.run(packets)) / packets * ns_per_cycle();
    if (round == 0) continue;
    path_ns.push_back(path);
    floor_ns.push_back(least);
  }
  return {name, connections, median(path_ns), median(floor_ns)};
}

int main_of(int argc, char** argv) {
  std::vector<uint32_t> connections{1000, 1000000};
  std::vector<std::string> methods{"direct", "tunnel", "nat", "nat-reply", "fullnat", "fullnat-reply"};
  uint32_t reals = 100;
  uint32_t rounds = 5;
  uint32_t packets = 4000000;
  std::string json;
  CLI::App app{"The packet path's cost per packet, beside the floor"};
  app.add_option("--connections", connections)->delimiter(',');
  app.add_option("--methods", methods)->delimiter(',');
  app.add_option("--reals", reals);
  app.add_option("--rounds", rounds);
  app.add_option("--packets", packets);
  app.add_option("--json", json, "Append rows to this file, one JSON object a line");
  CLI11_PARSE(app, argc, argv);

  std::vector<std::string> eal{argv[0], "--no-huge", "-m", "256", "--no-pci", "--no-shconf", "--no-telemetry",
                               "--log-level", "error", "-l", "0"};
  std::vector<char*> eal_argv;
  for (std::string& argument : eal) eal_argv.push_back(argument.data());
  if (rte_eal_init(static_cast<int>(eal_argv.size()), eal_argv.data()) < 0) {
    std::fprintf(stderr, "path_bench: EAL did not start\n");
    return 1;
  }
  std::ofstream out;
  if (!json.empty()) out.open(json, std::ios::app);
  std::printf("%-15s %12s %8s %8s %7s\n", "method", "connections", "ns", "floor", "ratio");
  for (const uint32_t count : connections) {
    for (const std::string& method : methods) {
      const Row row = measure(method, count, reals, rounds, packets);
      std::printf("%-15s %12u %8.1f %8.1f %7.2f\n", row.name.c_str(), row.connections, row.ns, row.floor_ns,
                  row.ns / row.floor_ns);
      std::fflush(stdout);
      if (out) {
        out << "{\"case\":\"path\",\"method\":\"" << row.name << "\",\"connections\":" << row.connections
            << ",\"ns_per_packet\":" << row.ns << ",\"floor_ns\":" << row.floor_ns << ",\"ratio\":"
            << row.ns / row.floor_ns << "}\n";
      }
    }
  }
  return 0;
}

}  // namespace
}  // namespace shunt::bench

int main(int argc, char** argv) { return shunt::bench::main_of(argc, argv); }
