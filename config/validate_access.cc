#include "config/validate_access.h"

#include <algorithm>

#include "config/words.h"
#include "control/model/access.h"

namespace shunt::config {
namespace {

std::string indexed(const std::string& at, int index) { return at + "[" + std::to_string(index) + "]"; }

size_t place_of(AddressFamily family) { return family == AddressFamily::kIpv4 ? 0 : 1; }

}  // namespace

AccessRules::List AccessRules::read(const Texts& texts, std::string called, const std::string& at) {
  List list{std::move(called), {}, {}};
  std::vector<std::pair<Prefix, int>> found;
  found.reserve(static_cast<size_t>(texts.size()));
  for (int i = 0; i < texts.size(); ++i) {
    const auto prefix = check_prefix(texts[i], indexed(at, i), problems_);
    if (!prefix) continue;
    found.emplace_back(*prefix, i);
    ++list.of_family[place_of(prefix->address.family)];
  }
  std::sort(found.begin(), found.end());
  for (size_t i = 0; i < found.size(); ++i) {
    const auto& [prefix, place] = found[i];
    if (i > 0 && found[i - 1].first == prefix) {
      add(problems_, indexed(at, place), reason::kDuplicate,
          "prefix " + prefix.to_string() + " stands in the list already, as " + indexed(at, found[i - 1].second),
          "remove one of the two");
      continue;
    }
    list.prefixes.push_back(prefix);
  }
  return list;
}

void AccessRules::check_count(size_t count, const std::string& what, const std::string& field) {
  if (count <= control::kMaxAccessPrefixes) return;
  add(problems_, field, reason::kOutOfRange,
      std::to_string(count) + " prefixes " + what + " exceed " + std::to_string(control::kMaxAccessPrefixes),
      "join neighbouring prefixes to shorter ones");
}

void AccessRules::check_lists(const v1::DesiredState& state) {
  for (int i = 0; i < state.access_lists_size(); ++i) {
    const v1::AccessList& list = state.access_lists(i);
    const std::string at = indexed("access_lists", i);
    List read_list = read(list.prefixes(), "access list " + shown(list.name()), at + ".prefixes");
    check_count(static_cast<size_t>(list.prefixes_size()), "of a list", at + ".prefixes");
    if (!check_name(list.name(), kObjectName, at + ".name", "name", problems_)) continue;
    read_list.is_named = true;
    if (lists_.emplace(list.name(), std::move(read_list)).second) continue;
    add(problems_, at + ".name", reason::kDuplicate, "name " + in_quotes(list.name()) + " is another access list's",
        "give each list its own name");
  }
}

void AccessRules::check_own(const Texts& texts, const std::optional<ServiceFamily>& family, const std::string& at) {
  if (!family) return;
  for (int i = 0; i < texts.size(); ++i) {
    const auto prefix = Prefix::parse(texts[i]);
    if (!prefix || prefix->address.family == family->family) continue;
    const char* given = family_name(prefix->address.family);
    add(problems_, indexed(at, i), reason::kConflict,
        "prefix " + prefix->to_string() + " is " + given + " but " + family->by + ", is " + family_name(family->family),
        "remove it; no " + std::string(given) + " client reaches the service");
  }
}

AccessRules::Side AccessRules::side_of(const char* name, const Texts& names, const List& own,
                                       const std::optional<ServiceFamily>& family, const std::string& at) {
  Side side{name, {&own}};
  for (int i = 0; i < names.size(); ++i) {
    const std::string field = indexed(at + "." + name + "_lists", i);
    if (std::find(names.begin(), names.begin() + i, names[i]) != names.begin() + i) {
      add(problems_, field, reason::kDuplicate, "list " + in_quotes(names[i]) + " is named twice",
          "remove one of the two");
      continue;
    }
    const auto list = lists_.find(names[i]);
    if (list != lists_.end()) {
      side.lists.push_back(&list->second);
      continue;
    }
    side.is_whole = false;
    std::vector<std::string> known;
    for (const auto& each : lists_) known.push_back(each.first);
    const auto near = nearest_word(names[i], known);
    add(problems_, field, reason::kUnknownReference, "there is no access list " + in_quotes(names[i]),
        near ? "did you mean " + *near + "?" : "add it to the top-level access_lists");
  }
  if (!family) return side;
  for (const List* list : side.lists) side.count += list->of_family[place_of(family->family)];
  check_count(side.count, std::string("to ") + name, at + "." + name);
  return side;
}

std::optional<Prefix> AccessRules::common(const List& a, const List& b) {
  const auto search = [&]() -> std::optional<Prefix> {
    for (auto x = a.prefixes.begin(), y = b.prefixes.begin(); x != a.prefixes.end() && y != b.prefixes.end();) {
      if (*x == *y) return *x;
      if (*x < *y) ++x;
      else ++y;
    }
    return std::nullopt;
  };
  if (!a.is_named || !b.is_named) return search();
  const auto [known, is_new] = common_.try_emplace({&a, &b});
  if (is_new) known->second = search();
  return known->second;
}

void AccessRules::check_contradictions(const Side& allow, const Side& deny, const std::string& at) {
  for (const List* allowed : allow.lists) {
    for (const List* denied : deny.lists) {
      const auto both = common(*allowed, *denied);
      if (!both) continue;
      add(problems_, at, reason::kConflict,
          "prefix " + both->to_string() + " is allowed by " + allowed->called + " and denied by " + denied->called,
          "remove it from one of the two");
    }
  }
}

void AccessRules::check(const v1::Service& service, const std::optional<ServiceFamily>& family,
                        const std::string& at_service) {
  if (!service.has_access()) return;
  const v1::Access& access = service.access();
  const std::string at = at_service + ".access";
  if (access.allow().empty() && access.deny().empty() && access.allow_lists().empty() && access.deny_lists().empty()) {
    add(problems_, at, reason::kRequired, "access names nobody to allow or to deny",
        "give allow, deny, allow_lists or deny_lists, or remove it");
    return;
  }
  const List own_allow = read(access.allow(), "access.allow", at + ".allow");
  const List own_deny = read(access.deny(), "access.deny", at + ".deny");
  check_own(access.allow(), family, at + ".allow");
  check_own(access.deny(), family, at + ".deny");
  const Side allow = side_of("allow", access.allow_lists(), own_allow, family, at);
  const Side deny = side_of("deny", access.deny_lists(), own_deny, family, at);
  check_contradictions(allow, deny, at);
  const bool allows_something = !access.allow().empty() || !access.allow_lists().empty();
  if (family && allows_something && allow.is_whole && allow.count == 0 &&
      access.allow().size() == static_cast<int>(own_allow.prefixes.size())) {
    add(problems_, at, reason::kConflict,
        std::string("there is no ") + family_name(family->family) +
            " prefix to allow, so that nobody could reach the service",
        "allow one, or deny 0.0.0.0/0 or ::/0 to say so");
  }
}

}  // namespace shunt::config
