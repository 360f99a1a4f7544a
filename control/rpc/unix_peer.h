// Who is at the other end of a UNIX socket, as the kernel says, and what they may do. Any thread.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/model/machine.h"
#include "control/rpc/roles.h"
#include "src/base/result.h"

namespace shunt::control::rpc {

struct UnixPeer {
  uid_t uid = 0;
  pid_t pid = 0;
  // Its own, then the supplementary ones.
  std::vector<gid_t> groups;
  // Of the user; its number where it has none.
  std::string name;
};

// Of a connected socket: SO_PEERCRED, SO_PEERGROUPS (unix(7)). nullopt: the kernel does not say.
std::optional<UnixPeer> peer_of(int socket);

// "eve (uid 1004)"
std::string in_words(const UnixPeer& peer);

// What the relay's end towards gRPC is called, so that calls tell whom they are of (ServerContext::peer()): an abstract
// address, never used twice in this process, at most 107 bytes. And back, "eve (uid 1004, pid 4711)"; nullopt: it is none.
std::string address_of(const UnixPeer& peer, uint64_t number);
std::optional<std::string> who_is(std::string_view grpc_peer);

// The users and groups of the configuration, by number.
class UnixRoleTable {
 public:
  // kNotFound: a name is none of this machine's.
  static Result<UnixRoleTable> look_up(const UnixRoles& roles);
  // Root and our own user are admins. nullopt: none.
  std::optional<Role> role_of(const UnixPeer& peer) const;

 private:
  std::map<uid_t, Role> users_;
  std::map<gid_t, Role> groups_;
};

}  // namespace shunt::control::rpc
