#include "control/match_table_builder.h"

#include <algorithm>
#include <limits>

namespace shunt::control {
namespace {

using dataplane::Number4;
using dataplane::Number6;

// Where a rule says yes, both ends included.
template <typename Number>
struct Yes {
  Number first;
  Number last;
  uint32_t rule;
};

template <typename Number>
constexpr Number kHighest = static_cast<Number>(~Number{0});

void put(std::span<uint64_t> set, uint32_t rule) { set[rule / 64] |= uint64_t{1} << rule % 64; }

Number4 number_of(const IpAddress& address, Number4) { return dataplane::number4_of(address); }
Number6 number_of(const IpAddress& address, Number6) { return dataplane::number6_of(address); }

// What the prefixes hold; all there is where there are none.
template <typename Number>
void add_prefixes(const std::vector<Prefix>& prefixes, uint32_t rule, std::vector<Yes<Number>>& answers) {
  if (prefixes.empty()) answers.push_back({0, kHighest<Number>, rule});
  constexpr uint32_t kBits = sizeof(Number) * 8;
  for (const Prefix& prefix : prefixes) {
    const Number first = number_of(prefix.address, Number{});
    const Number hosts =
        prefix.length == 0 ? kHighest<Number> : static_cast<Number>((Number{1} << (kBits - prefix.length)) - 1);
    answers.push_back({first, static_cast<Number>(first | hosts), rule});
  }
}

// Fills an axis from the answers of `words` * 64 rules at the most. None: an axis without stretches.
template <typename Axis, typename Number>
void fill(Axis& axis, const std::vector<Yes<Number>>& answers, uint32_t words) {
  if (answers.empty()) return;
  axis.begins = {0};
  for (const Yes<Number>& each : answers) {
    axis.begins.push_back(each.first);
    if (each.last != kHighest<Number>) axis.begins.push_back(static_cast<Number>(each.last + 1));
  }
  std::sort(axis.begins.begin(), axis.begins.end());
  axis.begins.erase(std::unique(axis.begins.begin(), axis.begins.end()), axis.begins.end());
  axis.sets.assign(axis.begins.size() * words, 0);
  for (const Yes<Number>& each : answers) {
    const auto from = std::lower_bound(axis.begins.begin(), axis.begins.end(), each.first);
    for (auto at = from; at != axis.begins.end() && *at <= each.last; ++at) {
      put(std::span(axis.sets).subspan(static_cast<size_t>(at - axis.begins.begin()) * words, words), each.rule);
    }
  }
}

}  // namespace

MatchTableMemory::MatchTableMemory(std::span<const MatchRule> rules) {
  const auto words = static_cast<uint32_t>((rules.size() + 63) / 64);
  std::vector<Yes<Number4>> clients, vips;
  std::vector<Yes<Number6>> clients6, vips6;
  std::vector<Yes<uint32_t>> ports;
  ingress_.assign(size_t{dataplane::kMaxPorts} * words, 0);
  with_vips_.assign(words, 0);
  for (uint32_t i = 0; i < rules.size(); ++i) {
    const MatchRule& rule = rules[i];
    services_.push_back(rule.service);
    if (rule.family == AddressFamily::kIpv4) {
      add_prefixes(rule.clients, i, clients);
      add_prefixes(rule.vips, i, vips);
    } else {
      add_prefixes(rule.clients, i, clients6);
      add_prefixes(rule.vips, i, vips6);
    }
    const auto protocol = static_cast<uint8_t>(rule.protocol);
    ports.push_back({dataplane::protocol_and_port(protocol, rule.ports.first),
                     dataplane::protocol_and_port(protocol, rule.ports.last), i});
    if (!rule.vips.empty()) put(with_vips_, i);
    for (uint16_t port = 0; port < dataplane::kMaxPorts; ++port) {
      if (!rule.in_port || *rule.in_port == port) put(std::span(ingress_).subspan(size_t{port} * words, words), i);
    }
  }
  fill(clients_, clients, words);
  fill(vips_, vips, words);
  fill(clients6_, clients6, words);
  fill(vips6_, vips6, words);
  fill(ports_, ports, words);
  table_ = {words,
            {clients_.begins, clients_.sets},
            {vips_.begins, vips_.sets},
            {clients6_.begins, clients6_.sets},
            {vips6_.begins, vips6_.sets},
            {ports_.begins, ports_.sets},
            ingress_,
            with_vips_,
            services_};
}

}  // namespace shunt::control
