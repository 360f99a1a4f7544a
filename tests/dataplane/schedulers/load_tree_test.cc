// The trees beside plain scans written after Linux's sources, pick by pick, through everything that can happen to them.
#include "dataplane/schedulers/load_tree.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

namespace shunt::dataplane {
namespace {

constexpr SchedulerKind kByLoad[] = {SchedulerKind::kLc, SchedulerKind::kWlc, SchedulerKind::kSed, SchedulerKind::kNq,
                                     SchedulerKind::kOvf};

struct Freed {
  void operator()(void* memory) const noexcept { std::free(memory); }
};

// A worker's counts and trees, and services whose candidates are the test's to change.
class Rig {
 public:
  struct Service {
    ServiceEntry entry;
    std::vector<Candidate> candidates;
    Cursor cursor;
  };

  explicit Rig(uint32_t services, uint32_t workers = 1)
      : services_(services), workers_(workers), counters_(kMaxReals), others_(kMaxReals) {
    for (uint32_t i = 0; i < services; ++i) services_[i].entry.id = ServiceId{i};
    trees_.attach(memory_.get(), counters_.data());
  }

  Service& operator[](uint32_t service) { return services_[service]; }
  uint32_t active(RealId real) const { return counters_[real.index].active; }
  uint32_t inactive(RealId real) const { return counters_[real.index].inactive; }

  void set_counts(RealId real, uint32_t active, uint32_t inactive) {
    counters_[real.index].active = active;
    counters_[real.index].inactive = inactive;
    if (counters_[real.index].place.leaf != 0) trees_.update(real, loads());
  }
  // The other workers'; they count once share() was called.
  void set_others(RealId real, Counts counts) {
    others_[real.index].others = counts.packed();
    others_[real.index].own = Counts{active(real), inactive(real)}.packed();
  }
  void share() { ++epoch_; }

  void changed(uint32_t service) {
    services_[service].entry.candidates = services_[service].candidates;
    services_[service].entry.generation = ++generations_;
  }

  RealId pick(uint32_t service) { return pick_with(services_[service], &trees_); }
  RealId pick_by_scan(uint32_t service) { return pick_with(services_[service], nullptr); }

  // After Linux's ip_vs_lc.c, ip_vs_wlc.c, ip_vs_sed.c, ip_vs_nq.c and ip_vs_ovf.c; several workers each with its lag.
  RealId linuxs_pick(uint32_t service) const {
    RealId chosen = kNoReal;
    uint64_t chosen_load = 0;
    uint64_t chosen_weight = 0;
    for (const Candidate& candidate : services_[service].candidates) {
      const Counts counts = loads().expected(candidate.id);
      const uint64_t weight = candidate.weight;
      if (weight == 0) continue;
      const uint64_t overhead = counts.active * 256 + counts.inactive + counts.lag * (counts.active == 0 ? 1 : 256);
      const bool is_first = chosen == kNoReal;
      bool better = false;
      uint64_t load = 0;
      switch (services_[service].entry.scheduler) {
        case SchedulerKind::kLc:
          load = overhead;
          better = is_first || load < chosen_load;
          break;
        case SchedulerKind::kWlc:
          load = overhead;
          better = is_first || chosen_load * weight > load * chosen_weight;
          break;
        case SchedulerKind::kNq:
          if (counts.active == 0) return candidate.id;
          [[fallthrough]];
        case SchedulerKind::kSed:
          load = counts.active + counts.lag + 1;
          better = is_first || chosen_load * weight > load * chosen_weight;
          break;
        case SchedulerKind::kOvf:
          better = counts.active <= weight && (is_first || weight > chosen_weight);
          break;
        default:
          ADD_FAILURE() << "not a scheduler by load";
      }
      if (!better) continue;
      chosen = candidate.id;
      chosen_load = load;
      chosen_weight = weight;
    }
    return chosen;
  }

 private:
  Loads loads() const {
    return Loads(counters_.data(), {others_.data(), workers_, load_phase_of(workers_ / 2, workers_)}, epoch_);
  }
  RealId pick_with(Service& service, LoadTrees* trees) {
    const IpFlow flow;
    return scheduler_for(service.entry.scheduler).pick({service.entry, flow, loads(), service.cursor, trees});
  }

  std::vector<Service> services_;
  uint32_t workers_;
  std::vector<RealCounters> counters_;
  std::vector<SharedLoad> others_;
  uint32_t epoch_ = 0;
  uint32_t generations_ = 0;
  std::unique_ptr<void, Freed> memory_{std::malloc(LoadTrees::bytes())};
  LoadTrees trees_;
};

// Reals that come and go in several services, their slots passed from one to the other.
class RandomLife {
 public:
  RandomLife(Rig& rig, uint32_t services, uint32_t reals, uint32_t seed)
      : rig_(rig), services_(services), random_(seed) {
    for (uint32_t i = 0; i < reals; ++i) free_.push_back(RealId{i});
    for (uint32_t service = 0; service < services; ++service) {
      rig_[service].entry.scheduler = kByLoad[service % std::size(kByLoad)];
      for (uint32_t i = 0; i < reals / services / 2; ++i) add(service);
    }
  }

  // A pick and its connection, mostly; at times something else.
  void step() {
    const uint32_t service = below(services_);
    switch (below(40)) {
      case 0: return add(service);
      case 1: return remove(service);
      case 2: return weigh(service);
      case 3: return share(service);
      case 4: return switch_scheduler(service);
      case 5: case 6: case 7: case 8: case 9: case 10: case 11: case 12: case 13: return change(service);
      default: return open(service);
    }
  }

  std::string what() const { return what_; }
  uint32_t last_service() const { return service_; }

 private:
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }
  void did(const char* what, uint32_t service) {
    what_ = what;
    service_ = service;
  }
  // Small numbers, so that there are many ties, and now and then 0 or a large one.
  uint32_t some_weight() { return below(50) == 0 ? 65535 - below(2) : below(5); }
  Candidate* some(uint32_t service) {
    auto& candidates = rig_[service].candidates;
    return candidates.empty() ? nullptr : &candidates[below(static_cast<uint32_t>(candidates.size()))];
  }

  void add(uint32_t service) {
    did("add", service);
    if (free_.empty()) return;
    auto& candidates = rig_[service].candidates;
    const uint32_t which = below(static_cast<uint32_t>(free_.size()));
    std::swap(free_[which], free_.back());
    candidates.insert(candidates.begin(), Candidate{free_.back(), some_weight()});
    free_.pop_back();
    rig_.changed(service);
  }
  void remove(uint32_t service) {
    did("remove", service);
    const Candidate* candidate = some(service);
    if (candidate == nullptr) return;
    free_.push_back(candidate->id);
    auto& candidates = rig_[service].candidates;
    candidates.erase(candidates.begin() + (candidate - candidates.data()));
    rig_.changed(service);
  }
  void weigh(uint32_t service) {
    did("weigh", service);
    Candidate* candidate = some(service);
    if (candidate == nullptr) return;
    candidate->weight = some_weight();
    rig_.changed(service);
  }
  void share(uint32_t service) {
    did("share", service);
    for (const Candidate& candidate : rig_[service].candidates) {
      if (below(2)) rig_.set_others(candidate.id, {below(4), below(600)});
    }
    rig_.share();
  }
  void switch_scheduler(uint32_t service) {
    did("switch", service);
    rig_[service].entry.scheduler = kByLoad[below(std::size(kByLoad))];
  }
  void change(uint32_t service) {
    did("change", service);
    // A removed real still has connections, which end.
    if (below(4) == 0 && !free_.empty()) {
      const RealId removed = free_[below(static_cast<uint32_t>(free_.size()))];
      rig_.set_counts(removed, rig_.active(removed) / 2, rig_.inactive(removed) / 2);
      return;
    }
    const Candidate* candidate = some(service);
    if (candidate == nullptr) return;
    const uint32_t active = rig_.active(candidate->id);
    const uint32_t inactive = rig_.inactive(candidate->id);
    if (active > 0 && below(2)) rig_.set_counts(candidate->id, active - 1, inactive + below(2));
    else if (inactive > 0) rig_.set_counts(candidate->id, active + below(2), inactive - 1);
  }
  void open(uint32_t service) {
    did("open", service);
    const RealId real = rig_.pick(service);
    if (real == kNoReal) return;
    const bool is_active = below(4) != 0;
    rig_.set_counts(real, rig_.active(real) + is_active, rig_.inactive(real) + !is_active);
  }

  Rig& rig_;
  uint32_t services_;
  std::mt19937 random_;
  std::vector<RealId> free_;
  std::string what_;
  uint32_t service_ = 0;
};

void live(uint32_t services, uint32_t reals, uint32_t seed, int steps, uint32_t workers = 1) {
  Rig rig(services, workers);
  RandomLife life(rig, services, reals, seed);
  int picked = 0;
  for (int step = 0; step < steps; ++step) {
    life.step();
    // After every change the service concerned, and another that should not have been.
    for (const uint32_t service : {life.last_service(), static_cast<uint32_t>(step) % services}) {
      const RealId expected = rig.linuxs_pick(service);
      ASSERT_EQ(rig.pick(service), expected)
          << "step " << step << ", " << life.what() << ", " << name_of(rig[service].entry.scheduler) << " of "
          << rig[service].candidates.size();
      ASSERT_EQ(rig.pick_by_scan(service), expected) << "step " << step;
      picked += expected != kNoReal;
    }
  }
  EXPECT_GT(picked, steps) << "most picks find a real";
}

TEST(LoadTree, GivesWhatLinuxsScanGivesForFewReals) {
  for (uint32_t seed = 1; seed <= 20; ++seed) live(5, 40, seed, 4000);
}

TEST(LoadTree, GivesWhatLinuxsScanGivesForManyReals) { live(5, 1500, 77, 20000); }

TEST(LoadTree, GivesWhatAScanGivesToOneOfSeveralWorkers) {
  for (uint32_t seed = 1; seed <= 10; ++seed) live(5, 40, seed, 4000, 2 + seed % 7);
}

TEST(LoadTree, GivesWhatLinuxsScanGivesForEveryNumberOfReals) {
  for (const SchedulerKind kind : kByLoad) {
    Rig rig(1);
    rig[0].entry.scheduler = kind;
    std::mt19937 random(5);
    for (uint32_t count = 1; count <= 70; ++count) {
      rig[0].candidates.insert(rig[0].candidates.begin(), Candidate{RealId{count}, count % 7 + 1});
      rig.changed(0);
      for (int i = 0; i < 100; ++i) {
        const RealId real = rig.pick(0);
        ASSERT_EQ(real, rig.linuxs_pick(0)) << name_of(kind) << " of " << count;
        const RealId any = rig[0].candidates[random() % count].id;
        if (real != kNoReal) rig.set_counts(real, rig.active(real) + 1, rig.inactive(real));
        rig.set_counts(any, rig.active(any) / 2, rig.inactive(any) + random() % 3);
      }
    }
  }
}

TEST(LoadTree, LargeServiceTakesInTheOthersLoadsOverSeveralPicks) {
  constexpr uint32_t kReals = 2000;
  Rig rig(1);
  rig[0].entry.scheduler = SchedulerKind::kWlc;
  for (uint32_t i = 0; i < kReals; ++i) rig[0].candidates.push_back({RealId{i}, 1});
  rig.changed(0);
  EXPECT_EQ(rig.pick(0), RealId{0});
  for (uint32_t i = 0; i < kReals; ++i) rig.set_others(RealId{i}, {kReals - i, 0});
  rig.share();
  for (int i = 0; i < 4; ++i) rig.pick(0);
  EXPECT_EQ(rig.pick(0), RealId{kReals - 1});
}

// A service that grows leaves its old places behind; when no room is left all trees begin anew.
TEST(LoadTree, ThereIsRoomHoweverOftenServicesGrow) {
  constexpr uint32_t kGrowing = 40000;
  Rig rig(2);
  rig[0].entry.scheduler = rig[1].entry.scheduler = SchedulerKind::kWlc;
  for (uint32_t i = 0; i < 9; ++i) rig[1].candidates.push_back({RealId{kGrowing * 2 + i}, 1});
  rig.changed(1);
  for (uint32_t i = 0; i < kGrowing; ++i) rig[0].candidates.push_back({RealId{i}, 1});
  for (uint32_t i = 0; i < 20; ++i) {
    rig[0].candidates.insert(rig[0].candidates.begin(), Candidate{RealId{kGrowing + i}, 1});
    rig.changed(0);
    for (const uint32_t service : {0u, 1u, 0u, 1u}) {
      const RealId real = rig.pick(service);
      ASSERT_EQ(real, rig.linuxs_pick(service)) << i;
      rig.set_counts(real, rig.active(real) + 1, 0);
    }
  }
}

TEST(LoadTree, AllRealsThereCanBeHaveRoom) {
  Rig rig(2);
  for (const uint32_t service : {0u, 1u}) {
    rig[service].entry.scheduler = SchedulerKind::kLc;
    for (uint32_t i = 0; i < kMaxReals / 2; ++i) {
      rig[service].candidates.push_back({RealId{service * kMaxReals / 2 + i}, 1});
    }
    rig.changed(service);
  }
  for (int i = 0; i < 10; ++i) {
    for (const uint32_t service : {0u, 1u}) {
      const RealId real = rig.pick(service);
      ASSERT_EQ(real, (RealId{service * kMaxReals / 2 + static_cast<uint32_t>(i)}));
      rig.set_counts(real, 1, 0);
    }
  }
}

TEST(LoadTree, RealOfAnotherServiceIsLeftAloneByItsFormerOne) {
  Rig rig(2);
  rig[0].entry.scheduler = rig[1].entry.scheduler = SchedulerKind::kLc;
  rig[0].candidates = {{RealId{0}, 1}, {RealId{1}, 1}};
  rig[1].candidates = {{RealId{2}, 1}};
  rig.changed(0);
  rig.changed(1);
  EXPECT_EQ(rig.pick(0), RealId{0});
  EXPECT_EQ(rig.pick(1), RealId{2});
  rig[0].candidates = {{RealId{1}, 1}};
  rig[1].candidates = {{RealId{0}, 1}, {RealId{2}, 1}};
  rig.changed(0);
  rig.changed(1);
  EXPECT_EQ(rig.pick(1), RealId{0});
  EXPECT_EQ(rig.pick(0), RealId{1});  // gives up its old places, not the other's
  rig.set_counts(RealId{0}, 5, 0);
  EXPECT_EQ(rig.pick(1), RealId{2});
}

}  // namespace
}  // namespace shunt::dataplane
