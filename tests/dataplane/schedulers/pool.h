// A service's reals as a scheduler sees them, for tests: add, remove, weigh and load reals by name,
// and pick. What control does when the set changes (generation, slot table), this does, too.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/schedulers/load_tree.h"
#include "dataplane/schedulers/localities.h"
#include "dataplane/schedulers/overload.h"
#include "dataplane/schedulers/scheduler.h"

namespace shunt::dataplane {

class Pool {
 public:
  explicit Pool(SchedulerKind kind)
      : scheduler_(scheduler_for(kind)), counters_(kRoom), reals_(kRoom) {
    service_.id = ServiceId{0};
    service_.scheduler = kind;
    trees_.attach(tree_memory_.get(), counters_.data());
    localities_.attach(locality_memory_.get(), HashKey::from_bytes({1, 2, 3}));
  }

  // Of sh and mh: kHashPort, kFallback.
  Pool& set_flags(uint8_t flags) {
    service_.scheduler_flags = flags;
    return *this;
  }
  // Of conhash.
  Pool& bound(uint16_t percent) {
    service_.load_bound = percent;
    return *this;
  }
  Pool& set_destination(const IpAddress& address) {
    destination_ = address;
    return *this;
  }

  // Adds a real as control does: newest first.
  Pool& add(const std::string& name, uint32_t weight = 1) {
    const RealId id{next_id_++};
    names_[id.index] = name;
    reals_[id.index].address = IpAddress::from_v4(Be32::from_host(0x0a000000 + id.index + 1));
    reals_[id.index].port = Be16::from_host(80);
    candidates_.insert(candidates_.begin(), Candidate{id, weight, weight});
    return changed();
  }

  Pool& add_at(Be32 address, Be16 port, const std::string& name, uint32_t weight) {
    return add_at(IpAddress::from_v4(address), port, name, weight);
  }
  Pool& add_at(const IpAddress& address, Be16 port, const std::string& name, uint32_t weight) {
    add(name, weight);
    reals_[id_of(name).index].address = address;
    reals_[id_of(name).index].port = port;
    return changed();
  }

  Pool& remove(const std::string& name) {
    candidates_.erase(find(name));
    return changed();
  }

  // Another service takes the place of this one, with the same reals.
  Pool& begin_anew() {
    ++service_.round;
    return changed();
  }
  // This scheduler takes the place of another one.
  Pool& change_scheduler() {
    service_.scheduler_changed = true;
    return begin_anew();
  }

  // A weight of 0 drains: the real keeps its table weight.
  Pool& weigh(const std::string& name, uint32_t weight) {
    find(name)->weight = weight;
    if (weight > 0) find(name)->table_weight = weight;
    return changed();
  }

  Pool& limit(const std::string& name, Thresholds thresholds) {
    find(name)->thresholds = thresholds;
    service_.has_thresholds = true;
    return changed();
  }

  // Milliseconds go by.
  Pool& wait(Tick ms) {
    now_ += ms;
    return *this;
  }

  Pool& load(const std::string& name, uint32_t active, uint32_t inactive) {
    const RealId id = id_of(name);
    counters_[id.index].active = active;
    counters_[id.index].inactive = inactive;
    if (counters_[id.index].place.leaf != 0) trees_.update(id, loads());
    return *this;
  }

  // Other workers' load, as control sums it.
  Pool& load_elsewhere(const std::string& name, uint64_t active, uint64_t inactive) {
    if (others_.empty()) others_ = std::vector<SharedLoad>(kRoom);
    others_[id_of(name).index].others = Counts{active, inactive}.packed();
    ++epoch_;
    return *this;
  }

  // "-" when there is nothing to pick.
  std::string pick(uint32_t client = 0xc0000201, uint16_t client_port = 40000) {
    return pick_from(IpAddress::from_v4(Be32::from_host(client)), client_port);
  }
  std::string pick_from(const IpAddress& client, uint16_t client_port = 40000) {
    build();
    IpFlow flow;
    flow.source = client;
    flow.source_port = Be16::from_host(client_port);
    flow.destination = destination_;
    flow.destination_port = Be16::from_host(80);
    // Begun, so that what is drawn can be told before.
    if (cursor_.random == 0) cursor_.random = __builtin_ia32_rdtsc();
    Cursor copy = cursor_;
    const RealId peeked = scheduler_.pick(
        {service_, flow, loads(), copy, &trees_, counters_.data(), &localities_, now_, true});
    const RealId real = scheduler_.pick(
        {service_, flow, loads(), cursor_, &trees_, counters_.data(), &localities_, now_});
    EXPECT_EQ(peeked.index, real.index) << "who asks is told what is picked next";
    return real == dataplane::kNoReal ? "-" : names_.at(real.index);
  }

  // "a b a": `count` picks in a row.
  std::string picks(int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += (i ? " " : "") + pick();
    return all;
  }

  // The same, each pick a connection that stays active.
  std::string opened(int count) {
    std::string all;
    for (int i = 0; i < count; ++i) {
      all += (i ? " " : "") + open();
    }
    return all;
  }
  // One of these: a pick that stays active, as a dataplane's admission has it.
  std::string open(uint32_t client = 0xc0000201) {
    const std::string real = pick(client);
    if (real == "-") return real;
    const RealCounters& counts = counters_[id_of(real).index];
    load(real, counts.active + 1, counts.inactive);
    const Thresholds& thresholds = find(real)->thresholds;
    is_overloaded(counters_[id_of(real).index], thresholds, loads().counts(id_of(real)));
    return real;
  }
  // By clients with ascending addresses.
  std::string opened_by_clients(uint32_t first, int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += (i ? " " : "") + open(first + static_cast<uint32_t>(i));
    return all;
  }
  // To 203.0.113.N, of each N in turn.
  std::string opened_to(std::span<const int> destinations) {
    std::string all;
    for (const int each : destinations) {
      set_destination(IpAddress::from_v4(Be32::from_host(0xcb007100 + static_cast<uint32_t>(each))));
      all += (all.empty() ? "" : " ") + open();
    }
    return all;
  }
  // One connection of the real ends.
  Pool& end(const std::string& name) {
    const RealCounters& counts = counters_[id_of(name).index];
    return load(name, counts.active - 1, counts.inactive);
  }

  // As picks(), of clients with ascending addresses, or ports.
  std::string picks_of_clients(uint32_t first, int count, uint16_t port = 40000) {
    std::string all;
    for (int i = 0; i < count; ++i) all += (i ? " " : "") + pick(first + static_cast<uint32_t>(i), port);
    return all;
  }
  std::string picks_of_ports(uint32_t client, uint16_t first, int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += (i ? " " : "") + pick(client, static_cast<uint16_t>(first + i));
    return all;
  }

  std::map<std::string, int> tally(int count) {
    std::map<std::string, int> times;
    for (int i = 0; i < count; ++i) ++times[pick()];
    return times;
  }

  const std::vector<uint32_t>& slots() {
    build();
    return slots_;
  }
  std::string owner_of_slot(uint32_t slot) {
    build();
    return names_.at(candidates_[slots_[slot]].id.index);
  }
  const Scheduler& scheduler() const { return scheduler_; }
  Cursor& cursor() { return cursor_; }

 private:
  static constexpr uint32_t kRoom = 8192;
  struct Freed {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };

  Loads loads() const { return Loads(counters_.data(), {others_.empty() ? nullptr : others_.data()}, epoch_); }

  RealId id_of(const std::string& name) { return find(name)->id; }
  std::vector<Candidate>::iterator find(const std::string& name) {
    return std::find_if(candidates_.begin(), candidates_.end(), [&](const Candidate& candidate) {
      return names_.at(candidate.id.index) == name;
    });
  }

  Pool& changed() {
    ++service_.generation;
    is_built_ = false;
    return *this;
  }

  void build() {
    if (is_built_) return;
    is_built_ = true;
    service_.candidates = candidates_;
    by_id_ = candidates_;
    std::sort(by_id_.begin(), by_id_.end(), [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
    service_.by_id = by_id_;
    slots_.clear();
    if (scheduler_.fill != nullptr) {
      slots_.resize(scheduler_.slots_wanted(candidates_));
      std::vector<uint32_t> scratch(candidates_.size() * Scheduler::kScratchPerCandidate);
      scheduler_.fill(candidates_, reals_, slots_, scratch);
    }
    service_.slots = slots_;
  }

  const Scheduler& scheduler_;
  std::vector<RealCounters> counters_;
  std::vector<SharedLoad> others_;
  uint32_t epoch_ = 0;
  std::unique_ptr<void, Freed> tree_memory_{std::malloc(LoadTrees::bytes())};
  LoadTrees trees_;
  std::unique_ptr<void, Freed> locality_memory_{std::malloc(LocalityCache::bytes())};
  LocalityCache localities_;
  Tick now_ = 5000;
  std::vector<RealEntry> reals_;
  std::vector<Candidate> candidates_;
  std::vector<Candidate> by_id_;
  std::vector<uint32_t> slots_;
  std::map<uint32_t, std::string> names_;
  ServiceEntry service_;
  IpAddress destination_ = IpAddress::from_v4(Be32::from_host(0xcb00710a));
  Cursor cursor_;
  bool is_built_ = false;
  uint32_t next_id_ = 0;
};

// 2001:db8:9::1:1eef and on, the clients of which Linux's picks were recorded.
inline std::string picks_of_recorded_ipv6_clients(Pool& pool) {
  std::string all;
  for (uint32_t i = 1; i <= 32; ++i) {
    std::array<uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8, 0, 9};
    const uint32_t last = i * 7919;
    bytes[13] = static_cast<uint8_t>(i);
    bytes[14] = static_cast<uint8_t>(last >> 8);
    bytes[15] = static_cast<uint8_t>(last);
    all += (i > 1 ? " " : "") + pool.pick_from(IpAddress::from_v6(bytes.data()));
  }
  return all;
}

}  // namespace shunt::dataplane
