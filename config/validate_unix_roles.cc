// Who may use the UNIX socket. Whether there are such users and groups is the machine's to say, at the start.
#include <set>
#include <string>

#include "config/validate_parts.h"
#include "config/words.h"

namespace shunt::config {
namespace {

constexpr size_t kMaxName = 32;
const std::string kGroup = "group:";

// useradd(8)'s names, and numbers.
bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= kMaxName && name.front() != '-' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-$") == std::string::npos;
}

template <typename Names>
void check_names(const Names& names, const char* role, std::set<std::string>& seen, Problems& problems) {
  for (int i = 0; i < names.size(); ++i) {
    const std::string field = std::string("listener.unix_roles.") + role + "[" + std::to_string(i) + "]";
    const bool is_group = names[i].starts_with(kGroup);
    if (!is_name(is_group ? names[i].substr(kGroup.size()) : names[i])) {
      add(problems, field, reason::kMalformed, in_quotes(names[i]) + " is no user or group",
          "write a user's name or number, or \"group:\" and a group's");
    } else if (!seen.insert(names[i]).second) {
      add(problems, field, reason::kDuplicate, in_quotes(names[i]) + " is already listed",
          "list each once: admins may do what operators may, and operators what viewers may");
    }
  }
}

}  // namespace

void check_unix_roles(const v1::UnixRoles& roles, Problems& problems) {
  std::set<std::string> seen;
  check_names(roles.admins(), "admins", seen, problems);
  check_names(roles.operators(), "operators", seen, problems);
  check_names(roles.viewers(), "viewers", seen, problems);
}

}  // namespace shunt::config
