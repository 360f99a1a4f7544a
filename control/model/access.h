// Who may open connections to a service. Plain values; any thread.
#pragma once

#include <compare>
#include <string>
#include <vector>

#include "dataplane/types.h"
#include "src/base/address.h"

namespace shunt::control {

using dataplane::Refusal;

// Most prefixes of a list, and of all that a service allows, and denies.
inline constexpr size_t kMaxAccessPrefixes = 100'000;

struct AccessList {
  std::string name;
  // Of either family, each once.
  std::vector<Prefix> prefixes;
  bool operator==(const AccessList&) const = default;
};

// The longest prefix that holds a client says whether it may; where none does, it may if there is nothing to allow.
struct Access {
  // Of the service's family; none is in both.
  std::vector<Prefix> allow;
  std::vector<Prefix> deny;
  // Names of lists.
  std::vector<std::string> allow_lists;
  std::vector<std::string> deny_lists;
  Refusal on_denied = Refusal::kDrop;

  auto operator<=>(const Access&) const = default;
  bool denies_others() const noexcept { return !allow.empty() || !allow_lists.empty(); }
};

}  // namespace shunt::control
