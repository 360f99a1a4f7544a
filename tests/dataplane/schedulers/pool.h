// A service's reals as a scheduler sees them, for tests: add, remove, weigh and load reals by name,
// and pick. What control does when the set changes (generation, slot table), this does, too.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "dataplane/schedulers/scheduler.h"

namespace shunt::dataplane {

class Pool {
 public:
  explicit Pool(SchedulerKind kind)
      : scheduler_(scheduler_for(kind)), counters_(kRoom), reals_(kRoom) {
    service_.scheduler = kind;
  }

  // Adds a real as control does: newest first.
  Pool& add(const std::string& name, uint32_t weight = 1) {
    const RealId id{next_id_++};
    names_[id.index] = name;
    reals_[id.index].address = Be32::from_host(0x0a000000 + id.index + 1);
    reals_[id.index].port = Be16::from_host(80);
    candidates_.insert(candidates_.begin(), Candidate{id, weight, weight});
    return changed();
  }

  Pool& add_at(Be32 address, Be16 port, const std::string& name, uint32_t weight) {
    add(name, weight);
    reals_[id_of(name).index].address = address;
    reals_[id_of(name).index].port = port;
    return changed();
  }

  Pool& remove(const std::string& name) {
    candidates_.erase(find(name));
    return changed();
  }

  // A weight of 0 drains: the real keeps its table weight.
  Pool& weigh(const std::string& name, uint32_t weight) {
    find(name)->weight = weight;
    if (weight > 0) find(name)->table_weight = weight;
    return changed();
  }

  Pool& load(const std::string& name, uint32_t active, uint32_t inactive) {
    counters_[id_of(name).index].active = active;
    counters_[id_of(name).index].inactive = inactive;
    return *this;
  }

  // Other workers' load, as control sums it.
  Pool& load_elsewhere(const std::string& name, uint64_t overhead) {
    if (others_.empty()) others_ = std::vector<std::atomic<uint64_t>>(kRoom);
    others_[id_of(name).index] = overhead;
    return *this;
  }

  // "-" when there is nothing to pick.
  std::string pick(uint32_t client = 0xc0000201, uint16_t client_port = 40000) {
    build();
    FlowKey flow{};
    flow.source = Be32::from_host(client);
    flow.source_port = Be16::from_host(client_port);
    flow.destination = Be32::from_host(0xcb00710a);
    flow.destination_port = Be16::from_host(80);
    const Loads loads(counters_.data(), others_.empty() ? nullptr : others_.data());
    const RealId real = scheduler_.pick({service_, flow, loads, cursor_});
    return real == dataplane::kNoReal ? "-" : names_.at(real.index);
  }

  // "a b a": `count` picks in a row.
  std::string picks(int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += (i ? " " : "") + pick();
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
  std::vector<std::atomic<uint64_t>> others_;
  std::vector<RealEntry> reals_;
  std::vector<Candidate> candidates_;
  std::vector<uint32_t> slots_;
  std::map<uint32_t, std::string> names_;
  ServiceEntry service_;
  Cursor cursor_;
  bool is_built_ = false;
  uint32_t next_id_ = 0;
};

}  // namespace shunt::dataplane
