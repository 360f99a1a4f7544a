// Allow and deny lists as the workers search them (dataplane/access_table.h): prefixes become stretches of addresses, those
// the ends of a tree. Pure; any thread. 100,000 prefixes take some 20 ms.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "dataplane/access_table.h"
#include "src/base/address.h"

namespace shunt::control {

// A service's lists; prefixes of the other family say nothing.
struct AccessRules {
  std::vector<std::span<const Prefix>> allow;
  std::vector<std::span<const Prefix>> deny;
  // Of clients whom no prefix names.
  bool denies_others = false;
};

// The table and the memory that it points into.
class AccessTableMemory {
 public:
  // REQUIRES: no prefix is both allowed and denied.
  AccessTableMemory(const AccessRules& rules, AddressFamily family);
  AccessTableMemory(const AccessTableMemory&) = delete;
  AccessTableMemory& operator=(const AccessTableMemory&) = delete;

  const dataplane::AccessTable& table() const noexcept { return table_; }
  // Prefixes of the family.
  size_t allowed() const noexcept { return allowed_; }
  size_t denied() const noexcept { return denied_; }
  // What the nodes take.
  size_t bytes() const noexcept;

 private:
  template <typename Node>
  void build(const AccessRules& rules, std::vector<Node>& nodes);

  std::vector<dataplane::AccessNode4> nodes4_;
  std::vector<dataplane::AccessNode6> nodes6_;
  dataplane::AccessTable table_;
  size_t allowed_ = 0;
  size_t denied_ = 0;
};

}  // namespace shunt::control
