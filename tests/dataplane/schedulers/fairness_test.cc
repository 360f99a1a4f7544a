// How even several workers together are: each has its own place in the round, or its own counts and a look at the
// others'. Connections come to workers as RSS brings them, at random.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <numeric>
#include <random>
#include <vector>

#include "dataplane/schedulers/load_tree.h"
#include "dataplane/schedulers/scheduler.h"

namespace shunt::dataplane {
namespace {

constexpr uint32_t kConnections = 10000;

struct Setting {
  SchedulerKind scheduler;
  uint32_t workers;
  std::vector<uint32_t> weights;
};

void PrintTo(const Setting& setting, std::ostream* out) {
  *out << name_of(setting.scheduler) << ", " << setting.workers << " workers, weights";
  for (size_t i = 0; i < std::min<size_t>(setting.weights.size(), 8); ++i) *out << ' ' << setting.weights[i];
  if (setting.weights.size() > 8) *out << " ... (" << setting.weights.size() << ")";
}

class Node {
 public:
  explicit Node(const Setting& setting)
      : setting_(setting),
        scheduler_(scheduler_for(setting.scheduler)),
        cursors_(setting.workers),
        counters_(setting.workers),
        shared_(setting.workers) {
    const auto reals = static_cast<uint32_t>(setting.weights.size());
    for (uint32_t i = 0; i < reals; ++i) candidates_.push_back({RealId{i}, setting.weights[i], setting.weights[i]});
    service_.id = ServiceId{0};
    service_.scheduler = setting.scheduler;
    service_.generation = 1;
    service_.candidates = candidates_;
    for (uint32_t i = 0; i < setting.workers; ++i) {
      cursors_[i].position = first_place_of(i);
      counters_[i] = std::vector<RealCounters>(reals);
      shared_[i] = std::vector<SharedLoad>(reals);
    }
  }

  // As UDP's are. Active from the start.
  void count_as_inactive() { counted_ = &RealCounters::inactive; }

  // A worker has connections to a real already.
  void load(uint32_t worker, uint32_t real, uint32_t connections) { counters_[worker][real].active = connections; }

  // Connections that each real got. Control tells workers of the others' every `share_every`.
  std::vector<uint32_t> run(uint32_t seed, uint32_t share_every = 100) {
    std::mt19937 random(seed);
    std::vector<uint32_t> got(candidates_.size());
    for (uint32_t i = 0; i < kConnections; ++i) {
      if (i % share_every == 0) share();
      const uint32_t worker = random() % setting_.workers;
      const Loads loads(counters_[worker].data(),
                        {shared_[worker].data(), setting_.workers, load_phase_of(worker, setting_.workers)}, i / share_every);
      const RealId real = scheduler_.pick({service_, {}, loads, cursors_[worker], nullptr});
      if (real == kNoReal) continue;
      ++got[real.index];
      counters_[worker][real.index].*counted_ += 1;
    }
    return got;
  }

 private:
  void share() {
    for (uint32_t real = 0; real < candidates_.size(); ++real) {
      uint64_t sum = 0;
      for (const auto& own : counters_) sum += packed(own[real]);
      for (uint32_t i = 0; i < setting_.workers; ++i) {
        const uint64_t own = packed(counters_[i][real]);
        shared_[i][real].others = sum - own;
        shared_[i][real].own = own;
      }
    }
  }

  static uint64_t packed(const RealCounters& own) { return Counts{own.active, own.inactive}.packed(); }

  const Setting setting_;
  std::atomic<uint32_t> RealCounters::*counted_ = &RealCounters::active;
  const Scheduler& scheduler_;
  ServiceEntry service_;
  std::vector<Candidate> candidates_;
  std::vector<Cursor> cursors_;
  std::vector<std::vector<RealCounters>> counters_;
  std::vector<std::vector<SharedLoad>> shared_;
};

// The largest distance from a weighted share, in percent of that share.
double worst_percent(const Setting& setting, const std::vector<uint32_t>& got) {
  const bool weighted = setting.scheduler != SchedulerKind::kRr && setting.scheduler != SchedulerKind::kLc;
  double sum = 0;
  for (const uint32_t weight : setting.weights) sum += weighted ? weight : 1;
  double worst = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double share = kConnections * (weighted ? setting.weights[i] : 1) / sum;
    worst = std::max(worst, std::abs(got[i] - share) / share * 100);
  }
  return worst;
}

std::vector<Setting> settings(std::initializer_list<SchedulerKind> schedulers) {
  std::vector<Setting> all;
  const std::vector<std::vector<uint32_t>> weights = {
      {1, 1, 1}, {1, 2, 3}, {5, 1, 1, 1}, {10, 9, 8, 7, 6, 5}, std::vector<uint32_t>(50, 1), {101, 50, 51}, {50, 1, 1}};
  for (const SchedulerKind scheduler : schedulers) {
    for (const uint32_t workers : {1u, 2u, 3u, 4u, 8u}) {
      for (const auto& each : weights) all.push_back({scheduler, workers, each});
    }
  }
  return all;
}

enum class Load { kActive, kInactive };

double worst_of_tries(const Setting& setting, uint32_t tries, uint32_t share_every = 100, Load load = Load::kActive) {
  double worst = 0;
  for (uint32_t seed = 1; seed <= tries; ++seed) {
    Node node(setting);
    if (load == Load::kInactive) node.count_as_inactive();
    worst = std::max(worst, worst_percent(setting, node.run(seed, share_every)));
  }
  testing::Test::RecordProperty("worst_percent", std::to_string(worst));
  return worst;
}

class FairInTurn : public testing::TestWithParam<Setting> {};

TEST_P(FairInTurn, NoRealIsOffItsShareOfTenThousandConnectionsByMoreThanTwoPercent) {
  EXPECT_LE(worst_of_tries(GetParam(), 20), 2.0);
}

INSTANTIATE_TEST_SUITE_P(Settings, FairInTurn, testing::ValuesIn(settings({SchedulerKind::kRr, SchedulerKind::kWrr})));

// However long ago each heard of the others: every hundredth connection, every thousandth, never.
class FairByLoad : public testing::TestWithParam<Setting> {};

TEST_P(FairByLoad, NoRealIsOffItsShareOfTenThousandConnectionsByMoreThanTwoPercent) {
  for (const uint32_t share_every : {100u, 1000u, kConnections}) {
    EXPECT_LE(worst_of_tries(GetParam(), 5, share_every), 2.0) << share_every;
  }
}

TEST_P(FairByLoad, NorByConnectionsThatAreAllInactive) {
  for (const uint32_t share_every : {100u, 1000u, kConnections}) {
    EXPECT_LE(worst_of_tries(GetParam(), 5, share_every, Load::kInactive), 2.0) << share_every;
  }
}

INSTANTIATE_TEST_SUITE_P(Settings, FairByLoad, testing::ValuesIn(settings({SchedulerKind::kLc, SchedulerKind::kWlc})));

// What one worker has, the others make up for.
TEST(SharedLoads, OneWorkersConnectionsCountForAll) {
  for (const SchedulerKind scheduler : {SchedulerKind::kLc, SchedulerKind::kWlc}) {
    const Setting setting{scheduler, 4, {1, 1, 1}};
    Node node(setting);
    node.load(0, 0, 3000);
    const std::vector<uint32_t> got = node.run(1);
    const double each = (kConnections + 3000) / 3.0;
    EXPECT_NEAR(got[0] + 3000, each, each * 0.02);
    EXPECT_NEAR(got[1], each, each * 0.02);
    EXPECT_NEAR(got[2], each, each * 0.02);
  }
}

TEST(FirstPlaces, LieApartForAnyNumberOfWorkers) {
  EXPECT_EQ(first_place_of(0), 0u);
  EXPECT_EQ(first_place_of(1), 1u << 31);
  EXPECT_EQ(first_place_of(2), 1u << 30);
  EXPECT_EQ(first_place_of(3), 3u << 30);
  for (uint32_t workers = 2; workers <= 64; ++workers) {
    std::vector<uint32_t> places;
    for (uint32_t i = 0; i < workers; ++i) places.push_back(first_place_of(i));
    std::sort(places.begin(), places.end());
    for (uint32_t i = 1; i < workers; ++i) {
      EXPECT_GE(places[i] - places[i - 1], UINT32_MAX / workers / 2) << workers;
    }
  }
}

// Many workers, each with a few connections: without places of their own all of these would go to the first reals.
TEST(FirstPlaces, FirstConnectionsOfManyWorkersDoNotAllGoToTheFirstReal) {
  for (const SchedulerKind scheduler : {SchedulerKind::kRr, SchedulerKind::kWrr}) {
    const Setting setting{scheduler, 16, {1, 1, 1, 1}};
    ServiceEntry service;
    service.generation = 1;
    std::vector<Candidate> candidates;
    for (uint32_t i = 0; i < 4; ++i) candidates.push_back({RealId{i}, 1, 1});
    service.candidates = candidates;
    std::vector<uint32_t> got(4);
    const Loads loads(nullptr);
    for (uint32_t worker = 0; worker < setting.workers; ++worker) {
      Cursor cursor{.position = first_place_of(worker)};
      ++got[scheduler_for(scheduler).pick({service, {}, loads, cursor, nullptr}).index];
    }
    EXPECT_THAT(got, testing::Each(4u)) << name_of(scheduler);
  }
}

// Every start is a place of the very round that the first worker goes through.
TEST(FirstPlaces, EveryWrrWorkerGoesRoundTheSameRound) {
  const std::vector<uint32_t> weights{4, 2, 6, 0, 2};
  std::vector<Candidate> candidates;
  for (uint32_t i = 0; i < weights.size(); ++i) candidates.push_back({RealId{i}, weights[i], std::max(weights[i], 1u)});
  ServiceEntry service;
  service.generation = 1;
  service.candidates = candidates;
  const Loads loads(nullptr);
  const auto round_from = [&](uint32_t place) {
    Cursor cursor{.position = place};
    std::vector<uint32_t> round;
    for (uint32_t i = 0; i < 7; ++i) {
      round.push_back(scheduler_for(SchedulerKind::kWrr).pick({service, {}, loads, cursor, nullptr}).index);
    }
    return round;
  };
  const std::vector<uint32_t> first = round_from(0);
  for (uint32_t worker = 1; worker < 16; ++worker) {
    std::vector<uint32_t> turned = round_from(first_place_of(worker));
    bool same = false;
    for (size_t i = 0; i < turned.size() && !same; ++i) {
      std::rotate(turned.begin(), turned.begin() + 1, turned.end());
      same = turned == first;
    }
    EXPECT_TRUE(same) << worker;
  }
}

}  // namespace
}  // namespace shunt::dataplane
