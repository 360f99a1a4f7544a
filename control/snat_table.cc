#include "control/snat_table.h"

namespace shunt::control {

std::shared_ptr<const SnatTable> make_snat_table(std::span<const SnatInput> rules) {
  auto table = std::make_shared<SnatTable>();
  std::vector<MatchRule> matches;
  for (const SnatInput& rule : rules) {
    for (const MatchRule& match : rule.matches) {
      matches.push_back(match);
      matches.back().service = static_cast<uint32_t>(table->entries.size());
    }
    table->entries.push_back({rule.real, rule.counter, rule.out_port, rule.ports.first, rule.ports.last, *rule.addresses});
    table->pools.push_back(rule.addresses);
  }
  table->matches = std::make_unique<const MatchTableMemory>(matches);
  return table;
}

}  // namespace shunt::control
