// The compiled access lists of the services, one for all services that say the same, so that a list of 100,000 prefixes that
// a thousand services name is compiled and kept once. Owner: the controller's thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "control/access_table_builder.h"
#include "control/model/desired_state.h"

namespace shunt::control {

using AccessTableRef = std::shared_ptr<const AccessTableMemory>;

class AccessTables {
 public:
  // For the services of `next`, `before` being what it was asked for last: what did not change is not compiled again.
  // Returns whether a named list did, so that services that name lists have another table.
  bool replace(const DesiredState& before, const DesiredState& next);
  // nullptr: every client is taken. REQUIRES a service of the last state.
  AccessTableRef of(const Service& service) const;

 private:
  // What a table depends on beside the named lists.
  using Key = std::pair<Access, AddressFamily>;
  static Key key_of(const Service& service);

  std::map<Key, AccessTableRef> tables_;
};

// The lists of a service's access, as they are in the state.
AccessRules rules_of(const Access& access, const DesiredState& state);

// Which prefix decides about a client, and where it stands.
struct AccessDecision {
  bool denied = false;
  // Unset: no prefix holds the client.
  std::optional<Prefix> by;
  // Name of its list; empty: it stands in the service's own access.
  std::string list;
};
AccessDecision decide(const Access& access, const DesiredState& state, const IpAddress& client);
// "denied by 10.0.0.0/8 of access list abusers", "allowed: no prefix holds the client's address"
std::string text_of(const AccessDecision& decision);

}  // namespace shunt::control
