// Who may call what over TCP: the one table of calls, and the one place where it is asked.
// Immutable; any thread.
#pragma once

#include <grpcpp/security/auth_metadata_processor.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "control/model/machine.h"

namespace shunt::control::rpc {

enum class Role { kViewer, kAdmin };

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
        admins_(listener.admins.begin(), listener.admins.end()) {}

  bool IsBlocking() const override { return false; }
  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context,
                       OutputMetadata* consumed, OutputMetadata* response) override;

 private:
  std::optional<Role> role_of(const std::vector<std::string>& names) const;

  const std::set<std::string> viewers_;
  const std::set<std::string> admins_;
};

}  // namespace shunt::control::rpc
