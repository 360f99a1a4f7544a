// Where what is wrong with an edited state was said: in the edit that brought it.
#include <cstdlib>
#include <string_view>
#include <utility>

#include "config/real_name.h"
#include "control/rpc/edits.h"
#include "control/rpc/visit_edit.h"

namespace shunt::control::rpc {
namespace {

using Edits = google::protobuf::RepeatedPtrField<v1::Edit>;

constexpr const char* kServices = "services";
constexpr const char* kPools = "local_addresses";
constexpr const char* kLists = "access_lists";
constexpr const char* kRules = "snat";

// What an edit brought into a list of the state, and the field that says so; empty: nothing that could be wrong.
struct Brought {
  std::string list;
  std::string name;
  std::string field;
  // Of a service.
  std::string real = "";
};

Brought brought_by(const v1::AddService& edit) { return {kServices, edit.service().name(), ".service"}; }
Brought brought_by(const v1::UpdateService& edit) { return {kServices, edit.service().name(), ".service"}; }
Brought brought_by(const v1::AddReal& edit) { return {kServices, edit.service(), ".real", "new"}; }
Brought brought_by(const v1::UpdateReal& edit) {
  return {kServices, edit.service(), ".values", config::canonical_real_name(edit.real())};
}
Brought brought_by(const v1::AddLocalAddresses& edit) { return {kPools, edit.pool().name(), ".pool"}; }
Brought brought_by(const v1::UpdateLocalAddresses& edit) { return {kPools, edit.pool().name(), ".pool"}; }
Brought brought_by(const v1::AddAccessList& edit) { return {kLists, edit.list().name(), ".list"}; }
Brought brought_by(const v1::AddSnatRule& edit) { return {kRules, edit.rule().name(), ".rule"}; }
Brought brought_by(const v1::UpdateSnatRule& edit) { return {kRules, edit.rule().name(), ".rule"}; }
template <typename Other>
Brought brought_by(const Other&) {
  return {};
}

// "services[7].reals[0].weight" in parts; `reals` is empty where it is no real's field.
struct StateField {
  std::string list;
  int place = -1;
  std::string reals;
  int real = -1;
  std::string rest;
};

// The number in "[7]" at the start of `text`, which is cut off; -1: there is none.
int take_index(std::string_view& text) {
  if (text.empty() || text.front() != '[') return -1;
  const size_t end = text.find(']');
  if (end == std::string_view::npos || end > 10) return -1;
  const int index = std::atoi(std::string(text.substr(1, end - 1)).c_str());
  text.remove_prefix(end + 1);
  return index;
}

StateField parts_of(const std::string& field) {
  std::string_view text = field;
  StateField parts;
  parts.list = text.substr(0, text.find('['));
  text.remove_prefix(parts.list.size());
  parts.place = take_index(text);
  for (const std::string_view reals : {".reals", ".sorry_reals"}) {
    if (!text.starts_with(std::string(reals) + "[")) continue;
    parts.reals = reals.substr(1);
    text.remove_prefix(reals.size());
    parts.real = take_index(text);
  }
  parts.rest = text;
  return parts;
}

template <typename List>
std::string name_at(const List& list, int place) {
  return place >= 0 && place < list.size() ? list[place].name() : "";
}

// Whose field it is; empty: nobody's.
std::string name_of(const StateField& parts, const v1::DesiredState& state) {
  if (parts.list == kServices) return name_at(state.services(), parts.place);
  if (parts.list == kPools) return name_at(state.local_addresses(), parts.place);
  if (parts.list == kLists) return name_at(state.access_lists(), parts.place);
  return parts.list == kRules ? name_at(state.snat(), parts.place) : "";
}

// Whether the real at the field is the one that the edit is about: the added one is the last with its values.
bool is_of(const v1::Edit& edit, const Brought& brought, const StateField& parts, const v1::Service& service) {
  const auto& reals = parts.reals == "reals" ? service.reals() : service.sorry_reals();
  if (parts.real < 0 || parts.real >= reals.size()) return false;
  const v1::Real& real = reals[parts.real];
  if (edit.has_add_real()) return real.SerializeAsString() == edit.add_real().real().SerializeAsString();
  v1::Real unnamed = real;
  unnamed.clear_name();
  return config::name_of(real, service) == brought.real || config::name_of(unnamed, service) == brought.real;
}

}  // namespace

std::vector<config::Problem> by_edits(std::vector<config::Problem> problems, const Edits& edits,
                                      const v1::DesiredState& state) {
  for (config::Problem& problem : problems) {
    const StateField parts = parts_of(problem.field);
    const std::string name = name_of(parts, state);
    if (name.empty()) continue;
    // The last edit is what it is by.
    for (int i = edits.size(); i > 0; --i) {
      std::string field;
      const Brought brought = visit_edit(edits[i - 1], [&](const auto& edit, const char* kind) {
        field = field_of(i - 1, kind);
        return brought_by(edit);
      });
      if (brought.field.empty() || brought.list != parts.list || brought.name != name) continue;
      if (brought.real.empty()) {
        const std::string real = parts.reals.empty() ? "" : "." + parts.reals + "[" + std::to_string(parts.real) + "]";
        problem.field = field + brought.field + real + parts.rest;
        break;
      }
      if (parts.reals.empty() || !is_of(edits[i - 1], brought, parts, state.services(parts.place))) continue;
      problem.field = field + brought.field + parts.rest;
      break;
    }
  }
  return problems;
}

}  // namespace shunt::control::rpc
