// Which real of a service has the least load, kept up to date rather than looked up: a tournament for each service. Its
// leaves are the candidates in list order, every inner node is a copy of the lesser of its two children (the left one
// of equals), so that the root is what a scan of the list would find. A count that changes plays its leaf's matches
// again, upward until one ends as before: about log2(reals) steps at most.
//
// Owner: one worker, for itself.
#pragma once

#include <cstdint>

#include "dataplane/schedulers/scheduler.h"

namespace shunt::dataplane {

// How loaded a real is, as a quotient: amount / weight. The least gets the connection.
struct Load {
  // At most 2^42 (twice all connections of 64 workers, active), or kRefused.
  uint64_t amount = kRefused;
  // At most 65535. 0: infinitely loaded, what a candidate of weight 0 is.
  uint32_t weight = 0;

  // More than any real's: none to pick.
  static constexpr uint64_t kRefused = uint64_t{1} << 46;
};

// By cross-multiplication, as IPVS compares (ip_vs_wlc.c). Below 2^63.
constexpr bool operator<(const Load& a, const Load& b) noexcept { return a.amount * b.weight < b.amount * a.weight; }

// A scheduler's idea of load. Called with weights above 0; of the weight that it returned it makes the same again.
using LoadOf = Load (*)(Counts counts, uint32_t weight) noexcept;

class LoadTrees {
 public:
  // Of attach()'s memory: for as many reals as there can be, in as many services.
  static constexpr uint64_t bytes() noexcept {
    return kMaxServices * sizeof(Tree) + uint64_t{kNodes} * sizeof(Node);
  }
  // `memory` has bytes(), aligned to 64, of any content; `counters` are the worker's, of kMaxReals. Both outlive this.
  void attach(void* memory, RealCounters* counters) noexcept;
  bool is_attached() const noexcept { return trees_ != nullptr; }

  // The candidate of the least load, the first of equals; kNoReal when all refuse. What scan() finds, with the other
  // workers' loads as they were shared last (large services take them in over several picks). REQUIRES is_attached().
  RealId least(const PickContext& context, LoadOf load_of) noexcept;
  // What least() would say, nothing changed. REQUIRES as above.
  RealId peek(const PickContext& context, LoadOf load_of) const noexcept;
  // All candidates' amounts, but for those of weight 0. The others' loads, and REQUIRES, as with least().
  uint64_t total(const PickContext& context, LoadOf load_of) noexcept;
  uint64_t peek_total(const PickContext& context, LoadOf load_of) const noexcept;

  // The real's counts have changed. REQUIRES that it has a place (RealCounters::place).
  void update(RealId real, const Loads& loads) noexcept;

 private:
  // Two whole words: written and read in other widths, a fresh one would wait for the store to reach the cache.
  struct Node {
    uint64_t amount;
    uint64_t identity;  // the real's index above its weight

    uint32_t weight() const noexcept { return static_cast<uint32_t>(identity); }
    RealId real() const noexcept { return {static_cast<uint32_t>(identity >> 32)}; }
    Load load() const noexcept { return {amount, weight()}; }
    bool operator==(const Node& other) const noexcept {
      return ((amount ^ other.amount) | (identity ^ other.identity)) == 0;
    }
  };
  static_assert(sizeof(Node) == 16);

  // A service's: node 1 of its region is the root, nodes 2i and 2i + 1 play for node i, so both lie in one cache line;
  // nodes `count` and up are the leaves.
  struct Tree {
    LoadOf load_of = nullptr;
    uint32_t region = 0;    // its first node, always an even one
    uint32_t capacity = 0;  // reals that its region has room for
    uint32_t count = 0;     // 0: no tree
    uint32_t generation = 0;
    uint32_t epoch = 0;  // of the others' loads
    uint32_t stale = 0;  // leaves, from the first on, that still hold the others' loads of before
    uint64_t total = 0;  // of the leaves' amounts, each Load::kRefused among them
  };
  static_assert(sizeof(Tree) == 40);
  // Amounts that are none, a whole number of Load::kRefused, vanish in what is left of it.
  static constexpr uint64_t kTotalMask = Load::kRefused - 1;

  // Every real is in one service, and n of them take 2n nodes.
  static constexpr uint32_t kNodes = 2 * kMaxReals;

  // The service's, built and as new as a pick finds it.
  Tree& tree_for(const PickContext& context, LoadOf load_of) noexcept;
  // Each leaf as tree_for() would leave it, in list order; false: there is no tree to go by.
  template <typename Visit>
  bool peek_leaves(const PickContext& context, LoadOf load_of, Visit visit) const noexcept;
  void build(Tree& tree, const PickContext& context, LoadOf load_of) noexcept;
  void reserve(Tree& tree, uint32_t count) noexcept;
  void give_up(Tree& tree) noexcept;
  void refresh(Tree& tree, const Loads& loads) noexcept;
  static Node leaf_of(LoadOf load_of, const Loads& loads, RealId real, uint32_t weight) noexcept;
  static void play_all(Node* nodes, uint32_t count) noexcept;
  static void play_again(Node* nodes, uint32_t leaf, Node now) noexcept;

  Tree* trees_ = nullptr;  // kMaxServices
  Node* nodes_ = nullptr;  // kNodes
  uint32_t next_ = 0;      // where the next region begins
  RealCounters* counters_ = nullptr;
};

// As LoadTrees::least, by looking at every candidate: where there are no trees.
RealId scan(const PickContext& context, LoadOf load_of) noexcept;

// For schedulers: from the tree, or by a scan where there is none, or where reals have thresholds.
RealId least_loaded(const PickContext& context, LoadOf load_of) noexcept;

// The sum of the candidates' amounts, the same way; those of weight 0 do not count. Thresholds do not matter.
uint64_t total_load(const PickContext& context, LoadOf load_of) noexcept;

}  // namespace shunt::dataplane
