#include "control/access_tables.h"

#include <algorithm>
#include <string>
#include <vector>

namespace shunt::control {
namespace {

const AccessList* find_list(const DesiredState& state, const std::string& name) {
  const auto found = std::find_if(state.access_lists.begin(), state.access_lists.end(),
                                  [&](const AccessList& list) { return list.name == name; });
  return found == state.access_lists.end() ? nullptr : &*found;
}

void add_named(const std::vector<std::string>& names, const DesiredState& state,
               std::vector<std::span<const Prefix>>& out) {
  for (const std::string& name : names) {
    if (const AccessList* list = find_list(state, name)) out.push_back(list->prefixes);
  }
}

bool names_lists(const Access& access) { return !access.allow_lists.empty() || !access.deny_lists.empty(); }

void take_longest(const std::vector<Prefix>& prefixes, const std::string& list, bool denied, const IpAddress& client,
                  AccessDecision& decision) {
  for (const Prefix& prefix : prefixes) {
    if (prefix.address.family != client.family || !prefix.contains(client)) continue;
    if (!decision.by || prefix.length > decision.by->length) decision = {denied, prefix, list};
  }
}

}  // namespace

AccessTables::Key AccessTables::key_of(const Service& service) {
  Key key{*service.access, family_of(service)};
  // What a client is told is not the table's.
  key.first.on_denied = Refusal::kDrop;
  return key;
}

bool AccessTables::replace(const DesiredState& before, const DesiredState& next) {
  const bool lists_changed = before.access_lists != next.access_lists;
  std::map<Key, AccessTableRef> old = std::exchange(tables_, {});
  for (const Service& service : next.services) {
    if (!service.access) continue;
    const auto [entry, is_new] = tables_.try_emplace(key_of(service));
    if (!is_new) continue;
    const auto known = old.find(entry->first);
    const bool is_same = known != old.end() && !(lists_changed && names_lists(*service.access));
    entry->second = is_same ? known->second
                            : std::make_shared<const AccessTableMemory>(rules_of(*service.access, next), family_of(service));
  }
  return lists_changed;
}

AccessTableRef AccessTables::of(const Service& service) const {
  return service.access ? tables_.at(key_of(service)) : nullptr;
}

AccessRules rules_of(const Access& access, const DesiredState& state) {
  AccessRules rules;
  rules.denies_others = access.denies_others();
  rules.allow.push_back(access.allow);
  rules.deny.push_back(access.deny);
  add_named(access.allow_lists, state, rules.allow);
  add_named(access.deny_lists, state, rules.deny);
  return rules;
}

AccessDecision decide(const Access& access, const DesiredState& state, const IpAddress& client) {
  AccessDecision decision{access.denies_others(), std::nullopt, {}};
  take_longest(access.allow, "", false, client, decision);
  take_longest(access.deny, "", true, client, decision);
  const auto take_named = [&](const std::vector<std::string>& names, bool denied) {
    for (const std::string& name : names) {
      if (const AccessList* list = find_list(state, name)) take_longest(list->prefixes, name, denied, client, decision);
    }
  };
  take_named(access.allow_lists, false);
  take_named(access.deny_lists, true);
  return decision;
}

std::string text_of(const AccessDecision& decision) {
  const std::string word = decision.denied ? "denied" : "allowed";
  if (!decision.by) {
    return word + (decision.denied ? ": no prefix to allow holds the client's address"
                                   : ": no prefix holds the client's address");
  }
  return word + " by " + decision.by->to_string() + " of " +
         (decision.list.empty() ? "the service's access" : "access list " + decision.list);
}

}  // namespace shunt::control
