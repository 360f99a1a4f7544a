// Who may call what: the one table of calls, and the one place where it is asked. Immutable; any thread.
#pragma once

#include <grpcpp/security/auth_metadata_processor.h>

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/model/machine.h"

namespace shunt::control::rpc {

// Each may do what the ones before it may.
enum class Role { kViewer, kOperator, kAdmin };

// "viewer", "operator", "admin"
const char* word(Role role);

struct CallRole {
  // As HTTP/2's path has it: "/shunt.v1.Shunt/Apply".
  std::string_view path;
  // The least that is needed.
  Role role;
};

// Every call that the server knows.
const std::vector<CallRole>& call_roles();

// Asked before each call of a connection with TLS, whichever service it is for. What the table does
// not list needs an admin.
class Gate final : public grpc::AuthMetadataProcessor {
 public:
  explicit Gate(const TcpListener& listener)
      : viewers_(listener.viewers.begin(), listener.viewers.end()),
        operators_(listener.operators.begin(), listener.operators.end()),
        admins_(listener.admins.begin(), listener.admins.end()) {}

  bool IsBlocking() const override { return false; }
  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context,
                       OutputMetadata* consumed, OutputMetadata* response) override;

 private:
  std::optional<Role> role_of(const std::vector<std::string>& names) const;

  const std::set<std::string> viewers_;
  const std::set<std::string> operators_;
  const std::set<std::string> admins_;
};

// The same of connections that all have one role, or none: those of the UNIX socket (unix_door.h).
class RoleGate final : public grpc::AuthMetadataProcessor {
 public:
  // `who`: in words, whoever is connected in that role.
  RoleGate(std::optional<Role> role, std::function<std::string()> who) : role_(role), who_(std::move(who)) {}

  bool IsBlocking() const override { return false; }
  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context,
                       OutputMetadata* consumed, OutputMetadata* response) override;

 private:
  const std::optional<Role> role_;
  const std::function<std::string()> who_;
};

}  // namespace shunt::control::rpc
