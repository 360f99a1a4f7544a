// Access lists, and which of them services use. A part of config/validate.h, for validate_state.cc only: appends problems
// without subjects.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/rules.h"
#include "config/validate_places.h"
#include "shunt/v1/config.pb.h"

namespace shunt::config {

class AccessRules {
 public:
  explicit AccessRules(Problems& problems) : problems_(problems) {}

  // The top-level lists; before any service.
  void check_lists(const v1::DesiredState& state);
  // Of one service; `at` is its path. `family` nullopt: it cannot be told.
  void check(const v1::Service& service, const std::optional<ServiceFamily>& family, const std::string& at);

 private:
  using Texts = google::protobuf::RepeatedPtrField<std::string>;
  // Those prefixes of a list that can be read, sorted.
  struct List {
    // "access.deny" or "access list abusers"
    std::string called;
    std::vector<Prefix> prefixes;
    // By AddressFamily.
    std::array<size_t, 2> of_family{};
    bool is_named = false;
  };
  // All that a service allows, or denies.
  struct Side {
    const char* name;
    std::vector<const List*> lists;
    size_t count = 0;  // of its family
    // Every list could be read.
    bool is_whole = true;
  };

  List read(const Texts& texts, std::string called, const std::string& at);
  void check_own(const Texts& texts, const std::optional<ServiceFamily>& family, const std::string& at);
  Side side_of(const char* name, const Texts& names, const List& own, const std::optional<ServiceFamily>& family,
               const std::string& at);
  void check_count(size_t count, const std::string& what, const std::string& field);
  // Nothing is both allowed and denied.
  void check_contradictions(const Side& allow, const Side& deny, const std::string& at);
  // The first prefix that both have.
  std::optional<Prefix> common(const List& a, const List& b);

  Problems& problems_;
  std::map<std::string, List> lists_;
  // Of two named lists: many services may name the same ones.
  std::map<std::pair<const List*, const List*>, std::optional<Prefix>> common_;
};

}  // namespace shunt::config
