// What persistence adds to a connection: its client's template held when it opens and let go when it ends, by how many
// clients there are and how many workers ask at once.
#include <rte_cycles.h>

#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "dataplane/templates.h"
#include "tests/bench/commands.h"
#include "tests/bench/eal.h"
#include "tests/bench/huge_memory.h"

namespace shunt::bench {
namespace {

using namespace dataplane;

constexpr uint32_t kConnections = 200000;

TemplateKey client(uint32_t number) {
  return TemplateKey::of(IpAddress::from_v4(Be32::from_host(0x0a000000 + number)), 32, {1});
}

// One worker's connections, each of another client than the one before; ns of one.
double run_worker(TemplateTable& table, uint32_t clients, uint32_t seed) {
  const uint64_t start = rte_rdtsc();
  uint32_t number = seed;
  for (uint32_t i = 0; i < kConnections; ++i) {
    number = number * 1664525 + 1013904223;
    const Held held = table.hold(
        client(static_cast<uint32_t>(uint64_t{number} * clients >> 32)), 1000, 300000,
        [](RealId real) { return real != kNoReal; }, [&] { return RealId{number % 100}; });
    if (held.by != kNoTemplate) table.let_go(held.by, 1000, Ending::kWhole);
  }
  return static_cast<double>(rte_rdtsc() - start) * 1e9 / static_cast<double>(rte_get_tsc_hz()) / kConnections;
}

void report(uint32_t clients, uint32_t workers, Results& results) {
  constexpr uint32_t kCapacity = 65536;
  const HugeMemory memory(TemplateTable::bytes_for(kCapacity));
  TemplateTable table;
  table.attach(memory.get(), kCapacity, HashKey::from_bytes({1, 2, 3}));
  run_worker(table, clients, 1);
  std::vector<double> rounds;
  for (int round = 0; round < 9; ++round) {
    std::vector<double> ns(workers);
    std::vector<std::thread> threads;
    for (uint32_t i = 0; i < workers; ++i) {
      threads.emplace_back([&, i] { ns[i] = run_worker(table, clients, i * 7919 + 1); });
    }
    for (std::thread& thread : threads) thread.join();
    rounds.push_back(median(ns));
  }
  std::printf("%7u clients, %u workers: %6.1f ns a connection\n", clients, workers, median(rounds));
  results.write(Row("templates").add("clients", clients).add("workers", workers).add("ns", median(rounds)));
}

}  // namespace

void add_templates_command(CLI::App& app, Results& results) {
  CLI::App* command = app.add_subcommand("templates", "ns that persistence adds to a connection");
  command->fallthrough();
  command->callback([&results] {
    start_eal();
    for (const uint32_t workers : {1u, 2u}) {
      for (const uint32_t clients : {100u, 10000u, 40000u}) report(clients, workers, results);
    }
  });
}

}  // namespace shunt::bench
