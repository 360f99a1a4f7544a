#include "control/rpc/roles.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "control/rpc/caller.h"

namespace shunt::control::rpc {
namespace {

const char* word(Role role) {
  switch (role) {
    case Role::kViewer:
      return "viewer";
    case Role::kAdmin:
      return "admin";
  }
  return "";
}

std::string refusal(const std::string& who, const std::optional<Role>& has, const std::string& call,
                    Role needs) {
  const std::string wanted = word(needs);
  return "you are " + who + ", " +
         (has ? "a " + std::string(word(*has)) : "who is listed in no role") + "; " + call +
         " needs the role " + wanted +
         ": use the certificate of one who has it, or list the name under listener.tcp." + wanted +
         "s and restart shuntd";
}

}  // namespace

const std::vector<CallRole>& call_roles() {
  static const std::vector<CallRole> table = {
      {"/shunt.v1.Shunt/Apply", Role::kAdmin},
      {"/shunt.v1.Shunt/Get", Role::kViewer},
      {"/shunt.v1.Shunt/SetWeight", Role::kAdmin},
      {"/shunt.v1.Shunt/Drain", Role::kAdmin},
      {"/shunt.v1.Shunt/ListOverrides", Role::kViewer},
      {"/shunt.v1.Shunt/ClearOverride", Role::kAdmin},
      {"/shunt.v1.Shunt/Edit", Role::kAdmin},
      {"/shunt.v1.Shunt/History", Role::kViewer},
      {"/shunt.v1.Shunt/GetRevision", Role::kViewer},
      {"/shunt.v1.Shunt/Rollback", Role::kAdmin},
      {"/shunt.v1.Shunt/GetStatus", Role::kViewer},
      {"/shunt.v1.Shunt/ListServices", Role::kViewer},
      {"/shunt.v1.Shunt/ListConnections", Role::kViewer},
      {"/shunt.v1.Shunt/ListWorkers", Role::kViewer},
      {"/shunt.v1.Shunt/ListPorts", Role::kViewer},
      {"/shunt.v1.Shunt/ListDrops", Role::kViewer},
      {"/shunt.v1.Shunt/ListSnat", Role::kViewer},
      {"/shunt.v1.Shunt/WatchEvents", Role::kViewer},
      {"/shunt.v1.Shunt/WatchStats", Role::kViewer},
      {"/shunt.v1.Debug/Explain", Role::kViewer},
      // Both slow workers down, and a capture shows what clients send.
      {"/shunt.v1.Debug/Trace", Role::kAdmin},
      {"/shunt.v1.Debug/Capture", Role::kAdmin},
      {"/shunt.v1.Debug/Doctor", Role::kAdmin},
      {"/grpc.health.v1.Health/Check", Role::kViewer},
      {"/grpc.health.v1.Health/Watch", Role::kViewer},
      {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Role::kViewer},
  };
  return table;
}

std::optional<Role> Gate::role_of(const std::vector<std::string>& names) const {
  const auto any_in = [&names](const std::set<std::string>& role) {
    return std::any_of(names.begin(), names.end(),
                       [&role](const std::string& name) { return role.contains(name); });
  };
  if (any_in(admins_)) return Role::kAdmin;
  if (any_in(viewers_)) return Role::kViewer;
  return std::nullopt;
}

grpc::Status Gate::Process(const InputMetadata& metadata, grpc::AuthContext* context,
                           OutputMetadata*, OutputMetadata*) {
  const auto path = metadata.find(":path");
  const std::string call =
      path == metadata.end() ? "" : std::string(path->second.data(), path->second.size());
  const auto& table = call_roles();
  const auto row = std::find_if(table.begin(), table.end(),
                                [&call](const CallRole& each) { return each.path == call; });
  // A call that nobody knows, and one that was forgotten in the table: an admin learns which from
  // the server's answer.
  const Role needs = row == table.end() ? Role::kAdmin : row->role;
  const std::vector<std::string> names = names_in(*context);
  const std::optional<Role> has = role_of(names);
  if (has == Role::kAdmin || (has && *has == needs)) return grpc::Status::OK;
  const std::string why = refusal(in_words(names), has, one_line(call), needs);
  spdlog::warn("audit: {}: {}: refused: {}", in_words(names), one_line(call),
               has ? "a viewer only" : "listed in no role");
  return {grpc::StatusCode::PERMISSION_DENIED, why};
}

}  // namespace shunt::control::rpc
