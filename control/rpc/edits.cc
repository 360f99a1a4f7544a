#include "control/rpc/edits.h"

#include <algorithm>
#include <set>
#include <type_traits>
#include <utility>

#include "config/real_name.h"
#include "config/words.h"
#include "control/rpc/field_mask.h"
#include "control/rpc/visit_edit.h"
#include "src/base/address.h"

namespace shunt::control::rpc {
namespace {

using Edits = google::protobuf::RepeatedPtrField<v1::Edit>;
using Reals = google::protobuf::RepeatedPtrField<v1::Real>;
using Texts = google::protobuf::RepeatedPtrField<std::string>;

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
std::string list_called(const std::string& name) { return "access_lists " + config::shown(name); }
std::string rule_called(const std::string& name) { return "snat rule " + config::shown(name); }
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

// Those that are removed go first; what is added goes behind all, and once.
void change_prefixes(const std::vector<Prefix>& removed, const std::vector<Prefix>& added, v1::AccessList& list) {
  const std::set<Prefix> gone(removed.begin(), removed.end());
  std::set<Prefix> there;
  Texts left;
  for (std::string& text : *list.mutable_prefixes()) {
    const auto prefix = Prefix::parse(text);
    if (prefix && gone.contains(*prefix)) continue;
    if (prefix) there.insert(*prefix);
    left.Add(std::move(text));
  }
  for (const Prefix& prefix : added) {
    if (there.insert(prefix).second) left.Add(prefix.to_string());
  }
  *list.mutable_prefixes() = std::move(left);
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
    return add(edit.pool(), ".pool.name", pool_called(edit.pool().name()), *state_.mutable_local_addresses());
  }
  std::optional<EditRefusal> make(const v1::UpdateLocalAddresses& edit) {
    return update(edit.pool(), edit.update_mask(), ".pool.name", pool_called(edit.pool().name()),
                  *state_.mutable_local_addresses());
  }
  std::optional<EditRefusal> make(const v1::RemoveLocalAddresses& edit) {
    return remove(edit.name(), pool_called(edit.name()), *state_.mutable_local_addresses());
  }
  std::optional<EditRefusal> make(const v1::AddAccessList& edit) {
    return add(edit.list(), ".list.name", list_called(edit.list().name()), *state_.mutable_access_lists());
  }
  std::optional<EditRefusal> make(const v1::ChangeAccessList& edit) {
    const int place = place_of(state_.access_lists(), edit.name());
    if (place < 0) return no_such(at_ + ".name", list_called(edit.name()), "shuntctl access list");
    EditRefusal why;
    const auto removed = prefixes_in(edit.remove(), ".remove", why);
    const auto added = removed ? prefixes_in(edit.add(), ".add", why) : std::nullopt;
    if (!added) return why;
    change_prefixes(*removed, *added, *state_.mutable_access_lists(place));
    return std::nullopt;
  }
  std::optional<EditRefusal> make(const v1::RemoveAccessList& edit) {
    return remove(edit.name(), list_called(edit.name()), *state_.mutable_access_lists());
  }
  std::optional<EditRefusal> make(const v1::AddSnatRule& edit) {
    return add(edit.rule(), ".rule.name", rule_called(edit.rule().name()), *state_.mutable_snat());
  }
  std::optional<EditRefusal> make(const v1::UpdateSnatRule& edit) {
    return update(edit.rule(), edit.update_mask(), ".rule.name", rule_called(edit.rule().name()), *state_.mutable_snat());
  }
  std::optional<EditRefusal> make(const v1::RemoveSnatRule& edit) {
    return remove(edit.name(), rule_called(edit.name()), *state_.mutable_snat());
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

  // Of what has a name and a list of its own.
  template <typename Item, typename List>
  std::optional<EditRefusal> add(const Item& item, const char* field, const std::string& called, List& list) {
    const int place = place_of(list, item.name());
    if (place < 0) {
      *list.Add() = item;
    } else if (list[place].SerializeAsString() != item.SerializeAsString()) {
      return is_there(at_ + field, called);
    }
    return std::nullopt;
  }
  template <typename Item, typename List>
  std::optional<EditRefusal> update(const Item& item, const google::protobuf::FieldMask& mask, const char* field,
                                    const std::string& called, List& list) {
    const int place = place_of(list, item.name());
    if (place < 0) return no_such(at_ + field, called, "shuntctl get");
    return update(item, mask, "name", list[place]);
  }
  template <typename List>
  std::optional<EditRefusal> remove(const std::string& name, const std::string& called, List& list) {
    const int place = place_of(list, name);
    if (place < 0) return no_such(at_ + ".name", called, "shuntctl get");
    list.DeleteSubrange(place, 1);
    return std::nullopt;
  }
  std::optional<std::vector<Prefix>> prefixes_in(const Texts& texts, const std::string& field, EditRefusal& why) {
    std::vector<Prefix> prefixes;
    for (int i = 0; i < texts.size(); ++i) {
      const auto prefix = Prefix::parse(texts[i]);
      const bool has_host_bits = prefix && !prefix->is_one_address() && InterfaceAddress::parse(texts[i])->address != prefix->address;
      if (!prefix || has_host_bits) {
        why = refusal(grpc::StatusCode::INVALID_ARGUMENT, config::reason::kMalformed,
                      at_ + field + "[" + std::to_string(i) + "]", config::in_quotes(texts[i]) + " is no prefix",
                      "write it as 192.0.2.0/24, 2001:db8::/32 or a single address, with no bits set beyond its length");
        return std::nullopt;
      }
      prefixes.push_back(*prefix);
    }
    return prefixes;
  }

  v1::DesiredState& state_;
  const std::string at_;
};

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

template <typename Edit>
constexpr bool is_of_service(const Edit&) {
  return std::is_same_v<Edit, v1::AddService> || std::is_same_v<Edit, v1::UpdateService> ||
         std::is_same_v<Edit, v1::RemoveService> || std::is_same_v<Edit, v1::AddReal> ||
         std::is_same_v<Edit, v1::UpdateReal> || std::is_same_v<Edit, v1::RemoveReal>;
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
  return std::all_of(edits.begin(), edits.end(), [](const v1::Edit& edit) {
    return edit.edit_case() == v1::Edit::EDIT_NOT_SET ||
           visit_edit(edit, [](const auto& each, const char*) { return is_of_service(each); });
  });
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
std::string said(const v1::AddAccessList& edit) { return "add " + list_called(edit.list().name()); }
std::string said(const v1::ChangeAccessList& edit) {
  return "change " + list_called(edit.name()) + ": " + std::to_string(edit.add_size()) + " added, " +
         std::to_string(edit.remove_size()) + " removed";
}
std::string said(const v1::RemoveAccessList& edit) { return "remove " + list_called(edit.name()); }
std::string said(const v1::AddSnatRule& edit) { return "add " + rule_called(edit.rule().name()); }
std::string said(const v1::UpdateSnatRule& edit) { return "update " + rule_called(edit.rule().name()); }
std::string said(const v1::RemoveSnatRule& edit) { return "remove " + rule_called(edit.name()); }
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
