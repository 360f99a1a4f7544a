// The kinds of edits in one place: whoever asks something of each. Pure; any thread.
#pragma once

#include <string>

#include "shunt/v1/api.pb.h"

namespace shunt::control::rpc {

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
    case v1::Edit::kAddAccessList: return visit(edit.add_access_list(), "add_access_list");
    case v1::Edit::kChangeAccessList: return visit(edit.change_access_list(), "change_access_list");
    case v1::Edit::kRemoveAccessList: return visit(edit.remove_access_list(), "remove_access_list");
    case v1::Edit::kAddSnatRule: return visit(edit.add_snat_rule(), "add_snat_rule");
    case v1::Edit::kUpdateSnatRule: return visit(edit.update_snat_rule(), "update_snat_rule");
    case v1::Edit::kRemoveSnatRule: return visit(edit.remove_snat_rule(), "remove_snat_rule");
    case v1::Edit::EDIT_NOT_SET: break;
  }
  return visit(edit, "");
}

inline std::string field_of(int index, const char* name) {
  return "edits[" + std::to_string(index) + "]" + (*name == '\0' ? "" : ".") + name;
}

}  // namespace shunt::control::rpc
