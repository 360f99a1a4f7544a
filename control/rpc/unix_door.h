// The UNIX socket's door: gRPC does not hand on who connects, so that connections are accepted here, by the kernel's word for
// the peer, and relayed to a listener of gRPC's for each role, behind the door and for us alone. The relay's end has an
// address of its own for each connection, by which calls tell whom they are of. One thread of its own; calls from any.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "control/model/machine.h"
#include "control/rpc/unix_peer.h"
#include "src/base/result.h"

namespace shunt::control::rpc {

class UnixDoor {
 public:
  // Connections of peers that are no admins: of one user, and of all of them.
  static constexpr size_t kMostOfAUser = 64;
  static constexpr size_t kMostOfAll = 192;

  // Makes the rooms behind the door, a folder beside `path`, for which that one is free (unix_socket.h). Errors: that one's,
  // and kNotFound for users and groups that there are not.
  static Result<std::unique_ptr<UnixDoor>> build(const std::string& path, const UnixRoles& roles);
  ~UnixDoor();

  // Where gRPC is to listen for peers of the role; nullopt: of those that have none.
  std::string room(std::optional<Role> role) const;
  // "eve (uid 1004)": users that are connected in the role.
  std::string present(std::optional<Role> role) const;

  // Lets peers in: root and our own user alone (mode 0600) unless there are roles for others (0666).
  Result<void> open();
  // Lets nobody in any more and takes the socket away; those who are in stay.
  void close();
  // Ends, shortly after gRPC's side has.
  void stop();

 private:
  struct State;
  explicit UnixDoor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace shunt::control::rpc
