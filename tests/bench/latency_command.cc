// Time in the box at shares of the rate without loss, and by how much it moves while control swaps snapshots of
// 10,000 services (latency_rig.h says what is measured).
#include <rte_cycles.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/commands.h"
#include "tests/bench/eal.h"
#include "tests/bench/latency_rig.h"

namespace shunt::bench {
namespace {

struct LatencyOptions {
  std::vector<uint32_t> loads{10, 50, 90};
  uint32_t connections = 100000;
  uint32_t services = 10000;
  uint32_t reals = 10;
  uint32_t ring = 4096;
  uint32_t rounds = 5;
  uint32_t swap_ms = 10;
  double seconds = 1;
};

// A snapshot whose every table is made anew, which is more than control does for most changes: parts that did not
// change are shared there, and are in the worker's cache.
std::unique_ptr<dataplane::Snapshot> make_snapshot(const TablesSpec& spec, uint64_t version) {
  auto tables = std::make_shared<const Tables>(spec);
  auto snapshot = std::make_unique<dataplane::Snapshot>(tables->snapshot(version));
  snapshot->storage.push_back(std::move(tables));
  return snapshot;
}

// Publishes such snapshots from a thread of its own while it lives.
class Swapper {
 public:
  Swapper(dataplane::Publisher& publisher, const TablesSpec& spec, uint32_t every_ms, uint64_t& version)
      : thread_([this, &publisher, spec, every_ms, &version] {
          leave_cpu();
          away_.store(true);
          away_.notify_one();
          auto next = std::chrono::steady_clock::now();
          while (!stop_.load()) {
            publisher.publish(make_snapshot(spec, ++version));
            ++swaps_;
            next = std::max(next + std::chrono::milliseconds(every_ms), std::chrono::steady_clock::now());
            std::this_thread::sleep_until(next);
          }
          finished_.store(true);
        }) {
    away_.wait(false);  // it was born on the measured CPU
  }
  // The last publication waits for the worker, which therefore goes on.
  uint32_t stop(LatencyRig& rig) {
    stop_.store(true);
    while (!finished_.load()) rig.poll();
    thread_.join();
    return swaps_;
  }

 private:
  std::atomic<bool> away_{false};
  std::atomic<bool> stop_{false};
  std::atomic<bool> finished_{false};
  uint32_t swaps_ = 0;
  std::thread thread_;  // last: it uses the others
};

struct Figures {
  std::vector<double> p50, p99, p999, mpps;
  uint64_t lost = 0;
  uint32_t swaps = 0;
};

void take(const LatencyRun& run, Figures& figures) {
  const double us_per_cycle = 1e6 / static_cast<double>(rte_get_tsc_hz());
  figures.p50.push_back(static_cast<double>(run.durations.quantile(0.5)) * us_per_cycle);
  figures.p99.push_back(static_cast<double>(run.durations.quantile(0.99)) * us_per_cycle);
  figures.p999.push_back(static_cast<double>(run.durations.quantile(0.999)) * us_per_cycle);
  figures.mpps.push_back(run.per_second / 1e6);
  figures.lost += run.lost;
}

// `moved_us`: by how much p99.9 is above that of the same load without swaps; nullptr: this is that.
void report(uint32_t load, const Figures& figures, const double* moved_us, const LatencyOptions& options, Results& results) {
  std::printf("%4u %% %8.2f %8.2f %8.2f %8.2f %6u %8lu", load, median(figures.mpps), median(figures.p50),
              median(figures.p99), median(figures.p999), figures.swaps, figures.lost);
  if (moved_us != nullptr) std::printf("   p99.9 moved by %.2f us (target: below 20)", *moved_us);
  std::printf("\n");
  std::fflush(stdout);
  Row row("latency");
  row.add("load_percent", load).add("rate_mpps", median(figures.mpps)).add("p50_us", median(figures.p50));
  row.add("p99_us", median(figures.p99)).add("p999_us", median(figures.p999)).add("swaps", figures.swaps);
  row.add("lost", figures.lost).add("connections", options.connections).add("services", options.services);
  row.add("rounds", options.rounds);
  if (moved_us != nullptr) row.add("p999_moved_us", *moved_us);
  results.write(row);
}

void run_latency(const LatencyOptions& options, Results& results) {
  start_eal();
  const TablesSpec spec{dataplane::Method::kDirect, dataplane::SchedulerKind::kRr, options.services, options.reals};
  if (options.services * options.reals > dataplane::kMaxReals) give_up("--reals: too many for so many services; lower one");
  auto publisher = dataplane::Publisher::create(1);
  if (!publisher) give_up(publisher.error().message);
  const Tables tables(spec);  // as every snapshot has them
  uint64_t version = 1;
  (*publisher)->publish(make_snapshot(spec, version));
  RingPort port(options.ring);
  LatencyRig rig(port, **publisher, tables, options.connections, options.ring);
  rig.fastest(options.seconds / 4);  // warms up
  std::vector<double> rates;
  for (uint32_t round = 0; round < options.rounds; ++round) rates.push_back(rig.fastest(options.seconds / 4));
  const double rate = median(rates);
  std::printf("without loss: %.2f Mpps (closed loop, bursts of %u); pages of %s\n", rate / 1e6, kBurstSize,
              name_of(rig.worker().pages()));
  std::printf("%6s %8s %8s %8s %8s %6s %8s\n", "load", "Mpps", "p50 us", "p99 us", "p99.9 us", "swaps", "lost");
  for (const uint32_t load : options.loads) {
    Figures figures;
    for (uint32_t round = 0; round < options.rounds; ++round) take(rig.run(rate * load / 100, options.seconds), figures);
    report(load, figures, nullptr, options, results);
  }
  // With and without swaps in turn, so that the machine's mood is the same for both.
  constexpr uint32_t kSwapLoad = 50;
  Figures still;
  Figures swapped;
  for (uint32_t round = 0; round < options.rounds; ++round) {
    take(rig.run(rate * kSwapLoad / 100, options.seconds), still);
    Swapper swapper(**publisher, spec, options.swap_ms, version);
    take(rig.run(rate * kSwapLoad / 100, options.seconds), swapped);
    swapped.swaps += swapper.stop(rig);
  }
  const double moved = median(swapped.p999) - median(still.p999);
  report(kSwapLoad, still, nullptr, options, results);
  report(kSwapLoad, swapped, &moved, options, results);
  if (rig.worker().drops() > 0) std::printf("drops: %s\n", rig.worker().drop_reasons().c_str());
}

}  // namespace

void add_latency_command(CLI::App& app, Results& results) {
  auto options = std::make_shared<LatencyOptions>();
  CLI::App* command = app.add_subcommand("latency", "time in the box under load, and while snapshots are swapped");
  command->fallthrough();
  command->add_option("--loads", options->loads, "percent of the rate without loss (10,50,90)")
      ->delimiter(',')
      ->check(CLI::Range(1, 100));
  command->add_option("--connections", options->connections, "in random order (100000)")->check(CLI::Range(1, 10000000));
  command->add_option("--services", options->services, "of the snapshots (10000)")->check(CLI::Range(1, 10000));
  command->add_option("--reals", options->reals, "of each service (10)")->check(CLI::Range(1, 1000));
  command->add_option("--ring", options->ring, "frames that the port holds (4096)")->check(CLI::Range(64, 65536));
  command->add_option("--rounds", options->rounds, "of which the median counts (5)")->check(CLI::Range(1, 1000));
  command->add_option("--swap-ms", options->swap_ms, "between two snapshots (10)")->check(CLI::Range(1, 10000));
  command->add_option("--seconds", options->seconds, "of a round (1)")->check(CLI::Range(0.01, 60.0));
  command->callback([options, &results] { run_latency(*options, results); });
}

}  // namespace shunt::bench
