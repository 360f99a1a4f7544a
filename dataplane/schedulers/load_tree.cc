#include "dataplane/schedulers/load_tree.h"

#include <algorithm>
#include <bit>
#include <memory>

#include "dataplane/schedulers/overload.h"

namespace shunt::dataplane {
namespace {

// Leaves that one pick brings up to date with the others' loads: a service of more takes several, so that none takes
// long (some 10 us).
constexpr uint32_t kRefreshedAtOnce = 512;

// The leaf of a place in the list. A tree that is not full has its last level at the left: there the list begins.
uint32_t leaf_at(uint32_t position, uint32_t count) noexcept {
  const uint32_t leaf = std::bit_ceil(count) + position;
  return leaf < 2 * count ? leaf : leaf - count;
}

uint64_t scan_total(const PickContext& context, LoadOf load_of) noexcept {
  uint64_t total = 0;
  for (const Candidate& candidate : context.service.candidates) {
    if (candidate.weight != 0) total += load_of(context.loads.expected(candidate.id), candidate.weight).amount;
  }
  return total;
}

}  // namespace

void LoadTrees::attach(void* memory, RealCounters* counters) noexcept {
  trees_ = static_cast<Tree*>(memory);
  nodes_ = reinterpret_cast<Node*>(trees_ + kMaxServices);
  next_ = 0;
  counters_ = counters;
  std::uninitialized_default_construct_n(trees_, kMaxServices);
  std::uninitialized_value_construct_n(nodes_, kNodes);
}

LoadTrees::Tree& LoadTrees::tree_for(const PickContext& context, LoadOf load_of) noexcept {
  const ServiceEntry& service = context.service;
  Tree& tree = trees_[service.id.index];
  if (tree.generation != service.generation || tree.load_of != load_of || tree.count == 0) [[unlikely]] {
    build(tree, context, load_of);
  } else if (tree.epoch != context.loads.epoch()) {
    tree.epoch = context.loads.epoch();
    tree.stale = tree.count;
  }
  if (tree.stale > 0) refresh(tree, context.loads);
  return tree;
}

RealId LoadTrees::least(const PickContext& context, LoadOf load_of) noexcept {
  if (context.service.candidates.empty()) return kNoReal;
  const Node& root = nodes_[tree_for(context, load_of).region + 1];
  return root.amount == Load::kRefused ? kNoReal : root.real();
}

uint64_t LoadTrees::total(const PickContext& context, LoadOf load_of) noexcept {
  return context.service.candidates.empty() ? 0 : tree_for(context, load_of).total & kTotalMask;
}

template <typename Visit>
bool LoadTrees::peek_leaves(const PickContext& context, LoadOf load_of, Visit visit) const noexcept {
  const Tree& tree = trees_[context.service.id.index];
  const bool is_built =
      tree.generation == context.service.generation && tree.load_of == load_of && tree.count != 0;
  if (!is_built || !context.loads.is_of_now()) return false;
  const uint32_t stale = tree.epoch == context.loads.epoch() ? tree.stale : tree.count;
  // Those that refresh() would look at.
  const uint32_t refreshed_to = tree.count + stale;
  const uint32_t refreshed_from = refreshed_to - std::min(stale, kRefreshedAtOnce);
  const Node* nodes = nodes_ + tree.region;
  for (uint32_t position = 0; position < tree.count; ++position) {
    const uint32_t leaf = leaf_at(position, tree.count);
    const bool is_refreshed = refreshed_from <= leaf && leaf < refreshed_to;
    visit(is_refreshed ? leaf_of(load_of, context.loads, nodes[leaf].real(), nodes[leaf].weight()) : nodes[leaf]);
  }
  return true;
}

RealId LoadTrees::peek(const PickContext& context, LoadOf load_of) const noexcept {
  if (context.service.candidates.empty()) return kNoReal;
  Node least{Load::kRefused, 0};
  const bool has_tree = peek_leaves(context, load_of, [&](const Node& node) {
    if (node.load() < least.load()) least = node;
  });
  if (!has_tree) return scan(context, load_of);
  return least.amount == Load::kRefused ? kNoReal : least.real();
}

uint64_t LoadTrees::peek_total(const PickContext& context, LoadOf load_of) const noexcept {
  uint64_t total = 0;
  const bool has_tree = peek_leaves(context, load_of, [&](const Node& node) { total += node.amount; });
  return has_tree ? total & kTotalMask : scan_total(context, load_of);
}

void LoadTrees::update(RealId real, const Loads& loads) noexcept {
  const LoadPlace place = counters_[real.index].place;
  Tree& tree = trees_[place.service.index];
  Node* nodes = nodes_ + tree.region;
  const Node now = leaf_of(tree.load_of, loads, real, nodes[place.leaf].weight());
  tree.total += now.amount - nodes[place.leaf].amount;
  play_again(nodes, place.leaf, now);
}

void LoadTrees::build(Tree& tree, const PickContext& context, LoadOf load_of) noexcept {
  const ServiceEntry& service = context.service;
  const auto count = static_cast<uint32_t>(service.candidates.size());
  give_up(tree);
  reserve(tree, count);
  tree.load_of = load_of;
  tree.count = count;
  tree.generation = service.generation;
  tree.epoch = context.loads.epoch();
  tree.stale = 0;
  tree.total = 0;
  Node* nodes = nodes_ + tree.region;
  for (uint32_t position = 0; position < count; ++position) {
    const Candidate& candidate = service.candidates[position];
    const uint32_t leaf = leaf_at(position, count);
    nodes[leaf] = leaf_of(load_of, context.loads, candidate.id, candidate.weight);
    tree.total += nodes[leaf].amount;
    counters_[candidate.id.index].place = {service.id, leaf};
  }
  play_all(nodes, count);
}

// Regions are taken from the pool's beginning to its end. When that is reached, all trees are given up and grow anew as
// they are asked for: those left behind, of services that grew or went, leave room then, so that there always is.
void LoadTrees::reserve(Tree& tree, uint32_t count) noexcept {
  if (count <= tree.capacity) return;
  if (2 * count > kNodes - next_) {
    for (Tree* each = trees_; each != trees_ + kMaxServices; ++each) {
      give_up(*each);
      each->capacity = 0;
    }
    next_ = 0;
  }
  tree.region = next_;
  tree.capacity = count;
  next_ += 2 * count;
}

// Its reals have no place, unless they have found another since.
void LoadTrees::give_up(Tree& tree) noexcept {
  const ServiceId service{static_cast<uint32_t>(&tree - trees_)};
  for (uint32_t leaf = tree.count; leaf < 2 * tree.count; ++leaf) {
    LoadPlace& place = counters_[nodes_[tree.region + leaf].real().index].place;
    if (place.service == service && place.leaf == leaf) place = {};
  }
  tree.count = 0;
}

void LoadTrees::refresh(Tree& tree, const Loads& loads) noexcept {
  Node* nodes = nodes_ + tree.region;
  const bool all = tree.count <= kRefreshedAtOnce;
  for (uint32_t left = std::min(tree.stale, kRefreshedAtOnce); left > 0; --left) {
    const uint32_t leaf = tree.count + --tree.stale;
    const Node now = leaf_of(tree.load_of, loads, nodes[leaf].real(), nodes[leaf].weight());
    tree.total += now.amount - nodes[leaf].amount;
    if (all) nodes[leaf] = now;
    else if (now != nodes[leaf]) play_again(nodes, leaf, now);
  }
  if (all) play_all(nodes, tree.count);
}

LoadTrees::Node LoadTrees::leaf_of(LoadOf load_of, const Loads& loads, RealId real, uint32_t weight) noexcept {
  const Load load = weight == 0 ? Load{} : load_of(loads.expected(real), weight);
  return {load.amount, uint64_t{real.index} << 32 | load.weight};
}

void LoadTrees::play_all(Node* nodes, uint32_t count) noexcept {
  for (uint32_t node = count - 1; node > 0; --node) {
    const Node& left = nodes[2 * node];
    const Node& right = nodes[2 * node + 1];
    nodes[node] = right.load() < left.load() ? right : left;
  }
}

void LoadTrees::play_again(Node* nodes, uint32_t leaf, Node now) noexcept {
  nodes[leaf] = now;
  for (size_t node = leaf; node > 1; node /= 2) {
    const Node other = nodes[node ^ 1];
    // Who wins is hard to foretell: numbers are chosen from, not branches. The left one, of an even place, wins a draw.
    const size_t is_left = ~node & 1;
    const bool wins = now.amount * other.weight() < other.amount * now.weight() + is_left;
    now.amount = wins ? now.amount : other.amount;
    now.identity = wins ? now.identity : other.identity;
    if (now == nodes[node / 2]) return;
    nodes[node / 2] = now;
  }
}

RealId scan(const PickContext& context, LoadOf load_of) noexcept {
  RealId least = kNoReal;
  Load least_load;
  for (const Candidate& candidate : context.service.candidates) {
    if (!is_eligible(context, candidate)) continue;
    const Load load = load_of(context.loads.expected(candidate.id), candidate.weight);
    if (load.amount == Load::kRefused || !(load < least_load)) continue;
    least = candidate.id;
    least_load = load;
  }
  return least;
}

RealId least_loaded(const PickContext& context, LoadOf load_of) noexcept {
  // Trees know of no thresholds: the kernel scans, too.
  const bool has_tree = context.trees != nullptr && context.trees->is_attached() && !context.service.has_thresholds;
  if (!has_tree) [[unlikely]] return scan(context, load_of);
  return context.peeks ? context.trees->peek(context, load_of) : context.trees->least(context, load_of);
}

uint64_t total_load(const PickContext& context, LoadOf load_of) noexcept {
  if (context.trees == nullptr || !context.trees->is_attached()) [[unlikely]] return scan_total(context, load_of);
  return context.peeks ? context.trees->peek_total(context, load_of) : context.trees->total(context, load_of);
}

}  // namespace shunt::dataplane
