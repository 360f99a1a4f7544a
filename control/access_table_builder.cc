#include "control/access_table_builder.h"

#include <algorithm>
#include <cstdint>

namespace shunt::control {
namespace {

using dataplane::AccessNode4;
using dataplane::AccessNode6;
using dataplane::Number4;
using dataplane::Number6;

void take_number(const IpAddress& address, Number4& number) { number = dataplane::number4_of(address); }
void take_number(const IpAddress& address, Number6& number) { number = dataplane::number6_of(address); }

template <typename Number>
constexpr Number kLast = static_cast<Number>(~Number{0});

// The addresses of one prefix.
template <typename Number>
struct Stretch {
  Number first;
  Number last;
  bool denied;
};

template <typename Number>
void add(const std::vector<std::span<const Prefix>>& lists, bool denied, std::vector<Stretch<Number>>& out) {
  constexpr AddressFamily kFamily = sizeof(Number) == 4 ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  for (const auto& list : lists) {
    for (const Prefix& prefix : list) {
      if (prefix.address.family != kFamily) continue;
      Number first;
      take_number(prefix.address, first);
      const Number mask = prefix.length == 0 ? Number{0} : kLast<Number> << (8 * sizeof(Number) - prefix.length);
      out.push_back({first, first | static_cast<Number>(~mask), denied});
    }
  }
}

// Walks through prefixes, outer ones before those that lie in them, and notes where it is otherwise than before.
template <typename Number>
class Cutter {
 public:
  explicit Cutter(bool denies_others) : denies_others_(denies_others) { cuts_.push_back({0, denies_others}); }

  void take(const Stretch<Number>& stretch) {
    leave_before(stretch.first);
    cut(stretch.first, stretch.denied);
    open_.push_back(stretch);
  }
  void end() {
    while (!open_.empty()) leave();
  }
  bool denies_first() const { return cuts_.front().denied; }
  // Where the stretches end, but for the last one, which ends with the family.
  std::vector<Number> ends() const {
    std::vector<Number> result;
    bool denied = denies_first();
    for (const Cut& each : cuts_) {
      if (each.denied == denied) continue;
      denied = each.denied;
      result.push_back(each.at - 1);
    }
    return result;
  }

 private:
  struct Cut {
    Number at;
    bool denied;
  };
  void cut(Number at, bool denied) {
    if (cuts_.back().at == at) cuts_.back().denied = denied;
    else cuts_.push_back({at, denied});
  }
  void leave_before(Number first) {
    while (!open_.empty() && open_.back().last < first) leave();
  }
  void leave() {
    const Number last = open_.back().last;
    open_.pop_back();
    if (last != kLast<Number>) cut(last + 1, open_.empty() ? denies_others_ : open_.back().denied);
  }

  const bool denies_others_;
  std::vector<Stretch<Number>> open_;
  std::vector<Cut> cuts_;
};

}  // namespace

template <typename Node>
void AccessTableMemory::build(const AccessRules& rules, std::vector<Node>& nodes) {
  using Number = typename Node::Number;
  std::vector<Stretch<Number>> stretches;
  add(rules.allow, false, stretches);
  allowed_ = stretches.size();
  add(rules.deny, true, stretches);
  denied_ = stretches.size() - allowed_;
  std::sort(stretches.begin(), stretches.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : a.last > b.last;
  });
  Cutter<Number> cutter(rules.denies_others);
  for (const auto& stretch : stretches) cutter.take(stretch);
  cutter.end();
  table_.denies_first = cutter.denies_first();

  // From the leaves up: a level's ends are the last ones of the nodes below, which the last node of each parent needs not.
  std::vector<std::vector<Node>> levels;
  std::vector<Number> ends = cutter.ends();
  if (ends.empty()) return;
  Node empty;
  for (uint32_t i = 0; i < Node::kEnds; ++i) empty.set(i, kLast<Number>);
  for (uint32_t fan = Node::kEnds;; fan = Node::kEnds + 1) {
    std::vector<Node>& level = levels.emplace_back((ends.size() + fan - 1) / fan, empty);
    std::vector<Number> last;
    for (size_t i = 0; i < ends.size(); ++i) {
      const auto place = static_cast<uint32_t>(i % fan);
      const bool is_last = i + 1 == ends.size();
      // A leaf's last end counts; a parent's leads nowhere.
      if (place < Node::kEnds && (fan == Node::kEnds || !is_last)) level[i / fan].set(place, ends[i]);
      if (is_last || place + 1 == fan) last.push_back(ends[i]);
    }
    if (level.size() == 1) break;
    ends = std::move(last);
  }
  table_.levels = static_cast<uint8_t>(levels.size());
  for (size_t i = 0; i < levels.size(); ++i) {
    const auto& level = levels[levels.size() - 1 - i];
    table_.begins[i] = static_cast<uint32_t>(nodes.size());
    nodes.insert(nodes.end(), level.begin(), level.end());
  }
  table_.nodes = nodes.data();
}

AccessTableMemory::AccessTableMemory(const AccessRules& rules, AddressFamily family) {
  table_.family = family;
  if (family == AddressFamily::kIpv4) build(rules, nodes4_);
  else build(rules, nodes6_);
}

size_t AccessTableMemory::bytes() const noexcept {
  return nodes4_.size() * sizeof(AccessNode4) + nodes6_.size() * sizeof(AccessNode6);
}

}  // namespace shunt::control
