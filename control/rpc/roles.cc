#include "control/rpc/roles.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "control/rpc/caller.h"

namespace shunt::control::rpc {
namespace {

using InputMetadata = grpc::AuthMetadataProcessor::InputMetadata;

std::string call_in(const InputMetadata& metadata) {
  const auto path = metadata.find(":path");
  return path == metadata.end() ? "" : std::string(path->second.data(), path->second.size());
}

// A call that nobody knows, and one that was forgotten in the table: an admin learns which from
// the server's answer.
Role needed_by(const std::string& call) {
  const auto& table = call_roles();
  const auto row = std::find_if(table.begin(), table.end(),
                                [&call](const CallRole& each) { return each.path == call; });
  return row == table.end() ? Role::kAdmin : row->role;
}

std::string with_article(Role role) {
  return std::string(role == Role::kViewer ? "a " : "an ") + word(role);
}

// `key`: where roles are given; `else_do`: how to get one without that.
grpc::Status judge(const std::string& who, std::optional<Role> has, const std::string& call,
                   const std::string& key, const std::string& else_do) {
  const Role needs = needed_by(call);
  if (has && *has >= needs) return grpc::Status::OK;
  const std::string wanted = word(needs);
  spdlog::warn("audit: {}: {}: refused: {}", who, one_line(call),
               has ? with_article(*has) + " only" : "listed in no role");
  return {grpc::StatusCode::PERMISSION_DENIED,
          "you are " + who + ", " + (has ? with_article(*has) : "who is listed in no role") + "; " +
              one_line(call) + " needs the role " + wanted + ": " + else_do + ", or list " +
              (key == "listener.tcp" ? "the name" : "the user") + " under " + key + "." + wanted +
              "s and restart shuntd"};
}

}  // namespace

const char* word(Role role) {
  switch (role) {
    case Role::kViewer:
      return "viewer";
    case Role::kOperator:
      return "operator";
    case Role::kAdmin:
      return "admin";
  }
  return "";
}

const std::vector<CallRole>& call_roles() {
  static const std::vector<CallRole> table = {
      {"/shunt.v1.Shunt/Apply", Role::kAdmin},
      {"/shunt.v1.Shunt/Get", Role::kViewer},
      {"/shunt.v1.Shunt/SetWeight", Role::kOperator},
      {"/shunt.v1.Shunt/Drain", Role::kOperator},
      {"/shunt.v1.Shunt/ListOverrides", Role::kViewer},
      {"/shunt.v1.Shunt/ClearOverride", Role::kOperator},
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
  if (any_in(operators_)) return Role::kOperator;
  if (any_in(viewers_)) return Role::kViewer;
  return std::nullopt;
}

grpc::Status Gate::Process(const InputMetadata& metadata, grpc::AuthContext* context,
                           OutputMetadata*, OutputMetadata*) {
  const std::vector<std::string> names = names_in(*context);
  return judge(in_words(names), role_of(names), call_in(metadata), "listener.tcp",
               "use the certificate of one who has it");
}

grpc::Status RoleGate::Process(const InputMetadata& metadata, grpc::AuthContext*, OutputMetadata*,
                               OutputMetadata*) {
  // Admins need no words, which are made each time.
  if (role_ == Role::kAdmin) return grpc::Status::OK;
  return judge(who_(), role_, call_in(metadata), "listener.unix_roles", "run shuntctl as root");
}

}  // namespace shunt::control::rpc
