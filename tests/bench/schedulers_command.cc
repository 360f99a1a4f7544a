// What a connection costs its scheduler, by how many reals the service has: the pick, and what the counts' changes when
// it opens, turns inactive and ends cost beside. As many connections are open as there are reals, eight times over, and
// the oldest ends when a new one comes. Least-loaded schedulers also by scan, which is what they had before the trees.
#include <rte_cycles.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/schedulers/load_tree.h"
#include "dataplane/schedulers/localities.h"
#include "tests/bench/commands.h"
#include "tests/bench/eal.h"
#include "tests/bench/huge_memory.h"
#include "tests/bench/tables.h"

namespace shunt::bench {
namespace {

using namespace dataplane;

constexpr SchedulerKind kAll[] = {SchedulerKind::kRr,  SchedulerKind::kWrr, SchedulerKind::kLc, SchedulerKind::kWlc,
                                  SchedulerKind::kSed, SchedulerKind::kNq,  SchedulerKind::kOvf, SchedulerKind::kTwos,
                                  SchedulerKind::kMh,  SchedulerKind::kSh,  SchedulerKind::kDh, SchedulerKind::kFo,
                                  SchedulerKind::kLblc, SchedulerKind::kLblcr, SchedulerKind::kConhash};

bool goes_by_load(SchedulerKind kind) {
  switch (kind) {
    case SchedulerKind::kLc:
    case SchedulerKind::kWlc:
    case SchedulerKind::kSed:
    case SchedulerKind::kNq:
    case SchedulerKind::kOvf:
    case SchedulerKind::kLblc:
    case SchedulerKind::kLblcr:
    case SchedulerKind::kConhash: return true;
    case SchedulerKind::kRr:
    case SchedulerKind::kWrr:
    case SchedulerKind::kMh:
    case SchedulerKind::kSh:
    case SchedulerKind::kDh:
    case SchedulerKind::kFo:
    case SchedulerKind::kTwos: return false;
  }
  return false;
}

class SchedulerRig {
 public:
  SchedulerRig(SchedulerKind kind, uint32_t reals, bool with_trees)
      : scheduler_(scheduler_for(kind)), counters_(kMaxReals), entries_(reals), open_(reals * 8, kNoReal) {
    for (uint32_t i = 0; i < reals; ++i) {
      // Weights that ovf does not run out of.
      const uint32_t weight = kind == SchedulerKind::kOvf ? 64 + i % 4 : 1 + i % 4;
      candidates_.push_back({RealId{i}, weight, weight});
      entries_[i].address = IpAddress::from_v4(Be32::from_host(0xac100001 + i));
      entries_[i].port = Be16::from_host(8080);
    }
    if (scheduler_.fill != nullptr) {
      slots_.resize(scheduler_.slots_wanted(candidates_));
      std::vector<uint32_t> scratch(reals * Scheduler::kScratchPerCandidate);
      scheduler_.fill(candidates_, entries_, slots_, scratch);
    }
    service_.id = ServiceId{0};
    service_.scheduler = kind;
    service_.generation = 1;
    service_.candidates = candidates_;
    service_.slots = slots_;
    service_.by_id = candidates_;
    localities_.attach(locality_memory_.get(), HashKey::from_bytes({1, 2, 3}));
    flow_.source = IpAddress::from_v4(Be32::from_host(0xc6330001));
    flow_.destination = IpAddress::from_v4(Be32::from_host(0xcb00710a));
    if (with_trees) trees_.attach(tree_memory_.get(), counters_.data());
    run(static_cast<uint32_t>(open_.size()) * 2);
  }

  // What is measured: `connections` lives.
  [[gnu::noinline]] void run(uint32_t connections) {
    for (uint32_t i = 0; i < connections; ++i) {
      flow_.source = IpAddress::from_v4(Be32::from_host(flow_.source.v4().host() + 1));
      // Of lblc and lblcr, that some are known and some are not.
      flow_.destination = IpAddress::from_v4(Be32::from_host(0xcb000000 + flow_.source.v4().host() * 2654435761u % 30000));
      const Loads loads(counters_.data());
      const RealId real = scheduler_.pick(
          {service_, flow_, loads, cursor_, &trees_, counters_.data(), &localities_, i});
      if (real == kNoReal) give_up("a scheduler had no real left");
      RealId& place = open_[next_];
      next_ = next_ + 1 == open_.size() ? 0 : next_ + 1;
      if (place != kNoReal) count(place, 0, -1);
      place = real;
      count(real, 1, 0);
      // Half way through its life it turns inactive.
      const RealId older = open_[(next_ + open_.size() / 2) % open_.size()];
      if (older != kNoReal) count(older, -1, 1);
    }
  }

 private:
  // As count_connection() does.
  void count(RealId real, int active, int inactive) {
    RealCounters& counters = counters_[real.index];
    counters.active.store(counters.active.load(std::memory_order_relaxed) + static_cast<uint32_t>(active),
                          std::memory_order_relaxed);
    counters.inactive.store(counters.inactive.load(std::memory_order_relaxed) + static_cast<uint32_t>(inactive),
                            std::memory_order_relaxed);
    if (counters.place.leaf != 0) trees_.update(real, Loads(counters_.data()));
  }

  const Scheduler& scheduler_;
  std::vector<RealCounters> counters_;
  std::vector<RealEntry> entries_;
  std::vector<Candidate> candidates_;
  std::vector<uint32_t> slots_;
  ServiceEntry service_;
  IpFlow flow_;
  Cursor cursor_;
  HugeMemory tree_memory_{LoadTrees::bytes()};
  LoadTrees trees_;
  HugeMemory locality_memory_{LocalityCache::bytes()};
  LocalityCache localities_;
  std::vector<RealId> open_;  // by age, around and around
  size_t next_ = 0;
};

struct SchedulersOptions {
  std::string scheduler;
  uint32_t reals = 0;
  // Short rounds: most of them are over before anybody else gets the CPU.
  uint32_t connections = 4096;
};

void report(SchedulerKind kind, uint32_t reals, bool scan, uint32_t connections, Results& results) {
  const auto rig = std::make_unique<SchedulerRig>(kind, reals, !scan);
  std::vector<double> rounds;
  for (int round = 0; round < 25; ++round) {
    const uint64_t start = rte_rdtsc();
    rig->run(connections);
    rounds.push_back(static_cast<double>(rte_rdtsc() - start) * 1e9 / static_cast<double>(rte_get_tsc_hz()) /
                     connections);
  }
  const std::string name = std::string(name_of(kind)) + (scan ? " by scan" : "");
  std::printf("%-12s %5u reals: %8.1f ns a connection\n", name.c_str(), reals, median(rounds));
  results.write(Row("schedulers").add("scheduler", name).add("reals", reals).add("ns", median(rounds)));
}

void run_schedulers(const SchedulersOptions& options, Results& results) {
  start_eal();
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // each line as it comes
  for (const SchedulerKind kind : kAll) {
    if (!options.scheduler.empty() && options.scheduler != name_of(kind)) continue;
    for (const uint32_t reals : {1u, 10u, 100u, 1000u}) {
      if (options.reals != 0 && options.reals != reals) continue;
      report(kind, reals, false, options.connections, results);
      if (goes_by_load(kind)) report(kind, reals, true, options.connections, results);
    }
  }
}

}  // namespace

void add_schedulers_command(CLI::App& app, Results& results) {
  auto options = std::make_shared<SchedulersOptions>();
  CLI::App* command = app.add_subcommand("schedulers", "ns a connection costs each scheduler, by number of reals");
  command->fallthrough();
  command->add_option("--scheduler", options->scheduler, "this one alone");
  command->add_option("--reals", options->reals, "with so many alone: 1, 10, 100 or 1000");
  command->add_option("--rounds-of", options->connections, "connections a round (4096)")->check(CLI::Range(8, 1 << 24));
  command->callback([options, &results] { run_schedulers(*options, results); });
}

}  // namespace shunt::bench
