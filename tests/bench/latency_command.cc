// Time in the box at shares of the rate without loss, and by how much it moves while control swaps snapshots of
// 10,000 services (latency_rig.h says what is measured).
#include <rte_cycles.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
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
  uint32_t ring = 1024;
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

// Of several rounds.
struct Figures {
  std::vector<LatencyRun> runs;
  uint32_t swaps = 0;

  template <typename Of>
  double middle(Of of) const {
    std::vector<double> values;
    for (const LatencyRun& run : runs) values.push_back(static_cast<double>(of(run)));
    return median(std::move(values));
  }
  template <typename Of>
  auto sum(Of of) const {
    decltype(of(runs[0])) all{};
    for (const LatencyRun& run : runs) all += of(run);
    return all;
  }
  double us(double share, Histogram LatencyRun::*durations) const {
    return middle([&](const LatencyRun& run) { return (run.*durations).quantile(share); }) * 1e6 /
           static_cast<double>(rte_get_tsc_hz());
  }
};

constexpr auto kUndisturbed = &LatencyRun::undisturbed;
constexpr auto kAll = &LatencyRun::all;

// What swaps changed: the same load without them, in turns.
struct Moved {
  double us;      // p99.9, of undisturbed windows
  double all_us;  // of all
  double pauses;  // more of them in a round, the median
};

Moved moved_by_swaps(const Figures& still, const Figures& swapped) {
  std::vector<double> pauses;
  for (size_t i = 0; i < still.runs.size(); ++i) {
    pauses.push_back(static_cast<double>(swapped.runs[i].pauses.unclear()) - still.runs[i].pauses.unclear());
  }
  return {swapped.us(0.999, kUndisturbed) - still.us(0.999, kUndisturbed), swapped.us(0.999, kAll) - still.us(0.999, kAll),
          median(pauses)};
}

// `moved`: nullptr where there are no swaps.
void report(uint32_t load, const Figures& figures, const Moved* moved, const LatencyOptions& options, Results& results) {
  const auto windows = figures.sum([](const LatencyRun& run) { return run.windows; });
  const auto undisturbed = figures.sum([](const LatencyRun& run) { return run.undisturbed_windows; });
  const auto lost = figures.sum([](const LatencyRun& run) { return run.lost; });
  const auto lost_rounds = figures.sum([](const LatencyRun& run) { return uint32_t{run.lost > 0}; });
  const auto lost_to_pauses = figures.sum([](const LatencyRun& run) { return run.lost_to_pauses; });
  const auto pauses = figures.sum([](const LatencyRun& run) { return run.pauses.in_rig; });
  const auto preempted = figures.sum([](const LatencyRun& run) { return run.pauses.preempted; });
  const auto slow_polls = figures.sum([](const LatencyRun& run) { return run.pauses.slow_polls; });
  const double rig_seconds = figures.sum([](const LatencyRun& run) { return run.pauses.rig_seconds; });
  const double poll_seconds = figures.sum([](const LatencyRun& run) { return run.pauses.poll_seconds; });
  double longest = 0;
  for (const LatencyRun& run : figures.runs) longest = std::max(longest, run.pauses.longest_us);
  const double mpps = figures.middle([](const LatencyRun& run) { return run.per_second; }) / 1e6;
  const double share = static_cast<double>(undisturbed) / windows;
  std::printf("%4u %% %7.2f %8.2f %8.2f %8.2f %8.1f %7.0f %% %7u %7u %7u %9.0f %6u %6lu %6lu", load, mpps,
              figures.us(0.5, kUndisturbed), figures.us(0.99, kUndisturbed), figures.us(0.999, kUndisturbed),
              figures.us(0.999, kAll), share * 100, preempted, pauses, slow_polls, longest, figures.swaps, lost, lost_to_pauses);
  if (moved != nullptr) {
    std::printf("   p99.9 moved by %.2f us, of all windows by %.1f us (target: below 20); %+.0f pauses a round", moved->us,
                moved->all_us, moved->pauses);
  }
  std::printf("\n");
  std::fflush(stdout);
  Row row("latency");
  row.add("load_percent", load).add("rate_mpps", mpps).add("p50_us", figures.us(0.5, kUndisturbed));
  row.add("p99_us", figures.us(0.99, kUndisturbed)).add("p999_us", figures.us(0.999, kUndisturbed));
  row.add("all_p50_us", figures.us(0.5, kAll)).add("all_p99_us", figures.us(0.99, kAll));
  row.add("all_p999_us", figures.us(0.999, kAll)).add("windows", windows).add("undisturbed_windows", undisturbed);
  row.add("preempted", preempted).add("pauses", pauses).add("rig_seconds", rig_seconds).add("slow_polls", slow_polls);
  row.add("poll_seconds", poll_seconds).add("longest_pause_us", longest).add("swaps", figures.swaps);
  row.add("lost", lost).add("rounds_with_loss", lost_rounds).add("lost_to_pauses", lost_to_pauses);
  row.add("connections", options.connections).add("services", options.services).add("rounds", options.rounds);
  if (moved != nullptr) {
    row.add("p999_moved_us", moved->us).add("all_p999_moved_us", moved->all_us).add("pauses_added", moved->pauses);
  }
  results.write(row);
}

// Where the worker's CPU is the only one, a swap's making would be measured in place of the swap.
void measure_swaps(LatencyRig& rig, dataplane::Publisher& publisher, const TablesSpec& spec, uint64_t& version, double rate,
                   const LatencyOptions& options, Results& results) {
  constexpr uint32_t kSwapLoad = 50;
  if (!has_other_cpu()) {
    std::printf("swaps: not measured, this process may use one CPU only\n");
    return;
  }
  // With and without swaps in turns, so that the machine's mood is the same for both.
  Figures still;
  Figures swapped;
  for (uint32_t round = 0; round < options.rounds; ++round) {
    still.runs.push_back(rig.run(rate * kSwapLoad / 100, options.seconds));
    Swapper swapper(publisher, spec, options.swap_ms, version);
    swapped.runs.push_back(rig.run(rate * kSwapLoad / 100, options.seconds));
    swapped.swaps += swapper.stop(rig);
  }
  const Moved moved = moved_by_swaps(still, swapped);
  report(kSwapLoad, still, nullptr, options, results);
  report(kSwapLoad, swapped, &moved, options, results);
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
  // Each round looks for its own rate: the machine is not equally fast in all of them.
  std::vector<double> closed;
  std::vector<double> rates;
  std::map<uint32_t, Figures> figures;
  for (uint32_t round = 0; round < options.rounds; ++round) {
    closed.push_back(rig.fastest(options.seconds / 8));
    rates.push_back(rig.rate_without_loss(closed.back(), options.seconds / 8));
    for (const uint32_t load : options.loads) {
      figures[load].runs.push_back(rig.run(rates.back() * load / 100, options.seconds));
    }
  }
  const double rate = median(rates);
  std::printf("without loss: %.2f Mpps (%.2f in a closed loop, bursts of %u); pages of %s\n", rate / 1e6,
              median(closed) / 1e6, kBurstSize, name_of(rig.worker().pages()));
  std::printf("%6s %7s %8s %8s %8s %8s %9s %7s %7s %7s %9s %6s %6s %6s\n", "load", "Mpps", "p50 us", "p99 us", "p99.9 us",
              "all 99.9", "undist.", "preempt", "pauses", "slow p.", "longest", "swaps", "lost", "paused");
  for (const auto& [load, each] : figures) report(load, each, nullptr, options, results);
  measure_swaps(rig, **publisher, spec, version, rate, options, results);
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
  command->add_option("--ring", options->ring, "frames that the port holds, as a network card's queue does (1024)")->check(CLI::Range(64, 65536));
  command->add_option("--rounds", options->rounds, "of which the median counts (5)")->check(CLI::Range(1, 1000));
  command->add_option("--swap-ms", options->swap_ms, "between two snapshots (10)")->check(CLI::Range(1, 10000));
  command->add_option("--seconds", options->seconds, "of a round (1)")->check(CLI::Range(0.01, 10.0));
  command->callback([options, &results] { run_latency(*options, results); });
}

}  // namespace shunt::bench
