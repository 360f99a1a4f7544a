#include "control/rpc/edits.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string_view>
#include <type_traits>
#include <utility>

#include "config/real_name.h"
#include "config/words.h"
#include "control/rpc/field_mask.h"

namespace shunt::control::rpc {
namespace {

using Edits = google::protobuf::RepeatedPtrField<v1::Edit>;
using Reals = google::protobuf::RepeatedPtrField<v1::Real>;

// How many edits are told one by one.
constexpr int kToldEdits = 3;

EditRefusal refusal(grpc::StatusCode code, const char* reason, std::string field, std::string cause, std::string remedy) {
  return {code, {std::move(field), "", reason, std::move(cause), std::move(remedy), {}}};
}

EditRefusal no_such(const std::string& field, const std::string& what, const std::string& list) {
  return refusal(grpc::StatusCode::NOT_FOUND, config::reason::kNotFound, field, what + ": there is none of this name",
                 "see " + list);
}

EditRefusal is_there(const std::string& field, const std::string& what) {
  return refusal(grpc::StatusCode::ALREADY_EXISTS, config::reason::kAlreadyExists, field, what + ": is there already",
                 "change it with an update, or choose another name");
}

EditRefusal no_such_field(const std::string& at, const std::string& path) {
  return refusal(grpc::StatusCode::INVALID_ARGUMENT, config::reason::kUnknownField, at + ".update_mask",
                 config::in_quotes(path) + " is no field that can be changed", "name fields as the schema does");
}

template <typename List>
int place_of(const List& list, const std::string& name) {
  for (int i = 0; i < list.size(); ++i) {
    if (list[i].name() == name) return i;
  }
  return -1;
}

std::string service_called(const std::string& name) { return "service " + config::shown(name); }
std::string pool_called(const std::string& name) { return "local_addresses " + config::shown(name); }
std::string real_called(const std::string& service, const std::string& real) {
  return "real " + config::shown(service) + "/" + config::shown(real);
}

struct FoundReal {
  Reals* reals = nullptr;
  int place = 0;
};

// By its name or "ADDRESS:PORT" in any form.
std::optional<FoundReal> find_real(v1::Service& service, const std::string& given) {
  const std::string wanted = config::canonical_real_name(given);
  for (Reals* reals : {service.mutable_reals(), service.mutable_sorry_reals()}) {
    for (int i = 0; i < reals->size(); ++i) {
      v1::Real unnamed = (*reals)[i];
      unnamed.clear_name();
      if (config::name_of((*reals)[i], service) == wanted || config::name_of(unnamed, service) == wanted)
        return FoundReal{reals, i};
    }
  }
  return std::nullopt;
}

// One edit; `at` is its field, "edits[0].add_service".
class OneEdit {
 public:
  OneEdit(v1::DesiredState& state, std::string at) : state_(state), at_(std::move(at)) {}

  std::optional<EditRefusal> make(const v1::AddService& edit) {
    const v1::Service& service = edit.service();
    if (place_of(state_.services(), service.name()) >= 0)
      return is_there(at_ + ".service.name", service_called(service.name()));
    *state_.add_services() = service;
    return std::nullopt;
  }
  std::optional<EditRefusal> make(const v1::UpdateService& edit) {
    const int place = place_of(state_.services(), edit.service().name());
    if (place < 0) return no_service(at_ + ".service.name", edit.service().name());
    return update(edit.service(), edit.update_mask(), "name", *state_.mutable_services(place));
  }
  std::optional<EditRefusal> make(const v1::RemoveService& edit) {
    const int place = place_of(state_.services(), edit.name());
    if (place < 0) return no_service(at_ + ".name", edit.name());
    state_.mutable_services()->DeleteSubrange(place, 1);
    return std::nullopt;
  }
  std::optional<EditRefusal> make(const v1::AddReal& edit) {
    const int place = place_of(state_.services(), edit.service());
    if (place < 0) return no_service(at_ + ".service", edit.service());
    v1::Service& service = *state_.mutable_services(place);
    // Two reals of one place are validation's to refuse; a name is what the next edit finds it by.
    *(edit.sorry() ? service.add_sorry_reals() : service.add_reals()) = edit.real();
    return std::nullopt;
  }
  std::optional<EditRefusal> make(const v1::UpdateReal& edit) {
    EditRefusal why;
    const auto found = real_of(edit.service(), edit.real(), why);
    if (!found) return why;
    v1::Real& real = *found->reals->Mutable(found->place);
    const uint32_t weight = real.weight();
    if (auto refused = update(edit.values(), edit.update_mask(), "", real)) return refused;
    // A weight that is set ends a drain, as SetWeight does.
    if (real.weight() != weight && !edit.values().has_weight_before_drain()) real.clear_weight_before_drain();
    return std::nullopt;
  }
  std::optional<EditRefusal> make(const v1::RemoveReal& edit) {
    EditRefusal why;
    const auto found = real_of(edit.service(), edit.real(), why);
    if (!found) return why;
    found->reals->DeleteSubrange(found->place, 1);
    return std::nullopt;
  }
  std::optional<EditRefusal> make(const v1::AddLocalAddresses& edit) {
    const int place = place_of(state_.local_addresses(), edit.pool().name());
    if (place < 0) {
      *state_.add_local_addresses() = edit.pool();
    } else if (state_.local_addresses(place).SerializeAsString() != edit.pool().SerializeAsString()) {
      return is_there(at_ + ".pool.name", pool_called(edit.pool().name()));
    }
    return std::nullopt;
  }
  std::optional<EditRefusal> make(const v1::UpdateLocalAddresses& edit) {
    const int place = place_of(state_.local_addresses(), edit.pool().name());
    if (place < 0) return no_such(at_ + ".pool.name", pool_called(edit.pool().name()), "shuntctl get");
    return update(edit.pool(), edit.update_mask(), "name", *state_.mutable_local_addresses(place));
  }
  std::optional<EditRefusal> make(const v1::RemoveLocalAddresses& edit) {
    const int place = place_of(state_.local_addresses(), edit.name());
    if (place < 0) return no_such(at_ + ".name", pool_called(edit.name()), "shuntctl get");
    state_.mutable_local_addresses()->DeleteSubrange(place, 1);
    return std::nullopt;
  }

 private:
  static EditRefusal no_service(const std::string& field, const std::string& name) {
    return no_such(field, service_called(name), "shuntctl service list");
  }
  std::optional<FoundReal> real_of(const std::string& service, const std::string& real, EditRefusal& why) {
    const int place = place_of(state_.services(), service);
    if (place < 0) {
      why = no_service(at_ + ".service", service);
      return std::nullopt;
    }
    auto found = find_real(*state_.mutable_services(place), real);
    if (!found) {
      why = no_such(at_ + ".real", real_called(service, real), "shuntctl service list " + config::shown(service));
    }
    return found;
  }
  std::optional<EditRefusal> update(const google::protobuf::Message& from, const google::protobuf::FieldMask& mask,
                                    const std::string& kept, google::protobuf::Message& to) {
    const auto unknown = take_over(from, mask, kept, to);
    return unknown ? std::optional(no_such_field(at_, *unknown)) : std::nullopt;
  }

  v1::DesiredState& state_;
  const std::string at_;
};

// Calls `visit` with the edit that is set and its name; its default for none.
template <typename Visit>
auto visit_edit(const v1::Edit& edit, Visit&& visit) {
  switch (edit.edit_case()) {
    case v1::Edit::kAddService: return visit(edit.add_service(), "add_service");
    case v1::Edit::kUpdateService: return visit(edit.update_service(), "update_service");
    case v1::Edit::kRemoveService: return visit(edit.remove_service(), "remove_service");
    case v1::Edit::kAddReal: return visit(edit.add_real(), "add_real");
    case v1::Edit::kUpdateReal: return visit(edit.update_real(), "update_real");
    case v1::Edit::kRemoveReal: return visit(edit.remove_real(), "remove_real");
    case v1::Edit::kAddLocalAddresses: return visit(edit.add_local_addresses(), "add_local_addresses");
    case v1::Edit::kUpdateLocalAddresses: return visit(edit.update_local_addresses(), "update_local_addresses");
    case v1::Edit::kRemoveLocalAddresses: return visit(edit.remove_local_addresses(), "remove_local_addresses");
    case v1::Edit::EDIT_NOT_SET: break;
  }
  return visit(edit, "");
}

std::string field_of(int index, const char* name) {
  return "edits[" + std::to_string(index) + "]" + (*name == '\0' ? "" : ".") + name;
}

// What an edit brought into the state, and the field that says so; empty: nothing that could be wrong.
struct Brought {
  std::string service;
  std::string real;
  std::string field;
};

Brought brought_by(const v1::AddService& edit) { return {edit.service().name(), "", ".service"}; }
Brought brought_by(const v1::UpdateService& edit) { return {edit.service().name(), "", ".service"}; }
Brought brought_by(const v1::AddReal& edit) { return {edit.service(), "new", ".real"}; }
Brought brought_by(const v1::UpdateReal& edit) { return {edit.service(), config::canonical_real_name(edit.real()), ".values"}; }
template <typename Other>
Brought brought_by(const Other&) {
  return {};
}

// "services[7].reals[0].weight" in parts; `list` is empty where it is the service's own field.
struct StateField {
  int service = -1;
  std::string list;
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
  constexpr std::string_view kServices = "services";
  std::string_view text = field;
  StateField parts;
  if (!text.starts_with(kServices)) return parts;
  text.remove_prefix(kServices.size());
  parts.service = take_index(text);
  for (const std::string_view list : {".reals", ".sorry_reals"}) {
    if (!text.starts_with(std::string(list) + "[")) continue;
    parts.list = list.substr(1);
    text.remove_prefix(list.size());
    parts.real = take_index(text);
  }
  parts.rest = text;
  return parts;
}

// Whether the real at the field is the one that the edit is about: the added one is the last with its values.
bool is_of(const v1::Edit& edit, const Brought& brought, const StateField& parts, const v1::Service& service) {
  const Reals& reals = parts.list == "reals" ? service.reals() : service.sorry_reals();
  if (parts.real < 0 || parts.real >= reals.size()) return false;
  const v1::Real& real = reals[parts.real];
  if (edit.has_add_real()) return real.SerializeAsString() == edit.add_real().real().SerializeAsString();
  v1::Real unnamed = real;
  unnamed.clear_name();
  return config::name_of(real, service) == brought.real || config::name_of(unnamed, service) == brought.real;
}

}  // namespace

std::optional<EditRefusal> make_edits(const Edits& edits, v1::DesiredState& state) {
  for (int i = 0; i < edits.size(); ++i) {
    if (edits[i].edit_case() == v1::Edit::EDIT_NOT_SET) {
      return refusal(grpc::StatusCode::INVALID_ARGUMENT, config::reason::kRequired, field_of(i, ""),
                     "the edit says nothing, or what this shuntd does not know", "set one of its fields");
    }
    const auto refused = visit_edit(edits[i], [&](const auto& edit, const char* name) -> std::optional<EditRefusal> {
      if constexpr (std::is_same_v<std::decay_t<decltype(edit)>, v1::Edit>) {
        return std::nullopt;
      } else {
        return OneEdit(state, field_of(i, name)).make(edit);
      }
    });
    if (refused) return refused;
  }
  return std::nullopt;
}

namespace {

std::string service_of(const v1::AddService& edit) { return edit.service().name(); }
std::string service_of(const v1::UpdateService& edit) { return edit.service().name(); }
std::string service_of(const v1::RemoveService& edit) { return edit.name(); }
std::string service_of(const v1::AddReal& edit) { return edit.service(); }
std::string service_of(const v1::UpdateReal& edit) { return edit.service(); }
std::string service_of(const v1::RemoveReal& edit) { return edit.service(); }
template <typename Other>
std::string service_of(const Other&) {
  return "";
}

}  // namespace

std::vector<std::string> services_of(const Edits& edits) {
  std::set<std::string> names;
  for (const v1::Edit& edit : edits) {
    names.insert(visit_edit(edit, [](const auto& each, const char*) { return service_of(each); }));
  }
  return {names.begin(), names.end()};
}

bool names_services_alone(const Edits& edits) {
  return std::none_of(edits.begin(), edits.end(), [](const v1::Edit& edit) {
    return edit.has_add_local_addresses() || edit.has_update_local_addresses() || edit.has_remove_local_addresses();
  });
}

std::vector<config::Problem> by_edits(std::vector<config::Problem> problems, const Edits& edits,
                                      const v1::DesiredState& state) {
  for (config::Problem& problem : problems) {
    const StateField parts = parts_of(problem.field);
    if (parts.service < 0 || parts.service >= state.services_size()) continue;
    const v1::Service& service = state.services(parts.service);
    // The last edit is what it is by.
    for (int i = edits.size(); i > 0; --i) {
      std::string field;
      const Brought brought = visit_edit(edits[i - 1], [&](const auto& edit, const char* name) {
        field = field_of(i - 1, name);
        return brought_by(edit);
      });
      if (brought.field.empty() || brought.service != service.name()) continue;
      if (brought.real.empty()) {
        const std::string list = parts.list.empty() ? "" : "." + parts.list + "[" + std::to_string(parts.real) + "]";
        problem.field = field + brought.field + list + parts.rest;
        break;
      }
      if (parts.list.empty() || !is_of(edits[i - 1], brought, parts, service)) continue;
      problem.field = field + brought.field + parts.rest;
      break;
    }
  }
  return problems;
}

namespace {

std::string said(const v1::AddService& edit) { return "add " + service_called(edit.service().name()); }
std::string said(const v1::UpdateService& edit) { return "update " + service_called(edit.service().name()); }
std::string said(const v1::RemoveService& edit) { return "remove " + service_called(edit.name()); }
std::string said(const v1::AddReal& edit) {
  const v1::Real& real = edit.real();
  return "add " + real_called(edit.service(), real.name().empty() ? real.address() : real.name());
}
std::string said(const v1::UpdateReal& edit) { return "update " + real_called(edit.service(), edit.real()); }
std::string said(const v1::RemoveReal& edit) { return "remove " + real_called(edit.service(), edit.real()); }
std::string said(const v1::AddLocalAddresses& edit) { return "add " + pool_called(edit.pool().name()); }
std::string said(const v1::UpdateLocalAddresses& edit) { return "update " + pool_called(edit.pool().name()); }
std::string said(const v1::RemoveLocalAddresses& edit) { return "remove " + pool_called(edit.name()); }
std::string said(const v1::Edit&) { return "nothing"; }

}  // namespace

std::string in_words(const Edits& edits) {
  std::string text;
  for (int i = 0; i < std::min(edits.size(), kToldEdits); ++i) {
    text += (i == 0 ? "" : ", ") + visit_edit(edits[i], [](const auto& edit, const char*) { return said(edit); });
  }
  if (edits.size() > kToldEdits) text += " and " + std::to_string(edits.size() - kToldEdits) + " more edits";
  return text.empty() ? "no edit" : text;
}

}  // namespace shunt::control::rpc
