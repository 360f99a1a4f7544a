#include "control/rpc/unix_peer.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cctype>
#include <charconv>
#include <random>
#include <utility>

namespace shunt::control::rpc {
namespace {

constexpr std::string_view kGroup = "group:";
constexpr std::string_view kOurs = "shuntd.";
constexpr std::string_view kScheme = "unix-abstract:";
// What names of a user or group may take.
constexpr size_t kEntryBytes = 16384;
constexpr size_t kMaxName = 32;

std::string name_of(uid_t uid) {
  std::array<char, kEntryBytes> memory;
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, memory.data(), memory.size(), &found) != 0 || found == nullptr) return std::to_string(uid);
  std::string name = found->pw_name;
  // It becomes a part of an address and of log lines.
  std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '-'; });
  return name.empty() ? std::to_string(uid) : name.substr(0, kMaxName);
}

std::optional<uint32_t> number_in(std::string_view text) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::optional<uid_t> user_called(const std::string& name) {
  std::array<char, kEntryBytes> memory;
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found) == 0 && found != nullptr) return found->pw_uid;
  return number_in(name);
}

std::optional<gid_t> group_called(const std::string& name) {
  std::array<char, kEntryBytes> memory;
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found) == 0 && found != nullptr) return found->gr_gid;
  return number_in(name);
}

void raise(std::optional<Role>& role, Role to) { role = role ? std::max(*role, to) : to; }

}  // namespace

std::optional<UnixPeer> peer_of(int socket) {
  ucred credentials{};
  socklen_t bytes = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &bytes) != 0) return std::nullopt;
  UnixPeer peer{credentials.uid, credentials.pid, {credentials.gid}, name_of(credentials.uid)};
  std::vector<gid_t> groups(64);
  for (int tries = 0; tries < 2; ++tries) {
    bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes) == 0) {
      groups.resize(bytes / sizeof(gid_t));
      peer.groups.insert(peer.groups.end(), groups.begin(), groups.end());
      return peer;
    }
    if (errno != ERANGE) break;
    groups.resize(bytes / sizeof(gid_t));
  }
  return peer;
}

std::string in_words(const UnixPeer& peer) { return peer.name + " (uid " + std::to_string(peer.uid) + ")"; }

std::string address_of(const UnixPeer& peer, uint64_t number) {
  // Daemons may share a network namespace and with it these names, but not their pids' namespace.
  static const std::string life = [] {
    std::random_device random;
    return std::to_string(random());
  }();
  return std::string(kOurs) + life + "." + std::to_string(number) + "." + std::to_string(peer.uid) + "." +
         std::to_string(peer.pid) + "." + peer.name;
}

std::optional<std::string> who_is(std::string_view grpc_peer) {
  for (const std::string_view part : {kScheme, kOurs}) {
    if (!grpc_peer.starts_with(part)) return std::nullopt;
    grpc_peer.remove_prefix(part.size());
  }
  // The process, the number, uid, pid, name.
  std::array<std::string_view, 5> parts;
  for (size_t i = 0; i < parts.size(); ++i) {
    const size_t dot = i + 1 < parts.size() ? grpc_peer.find('.') : grpc_peer.size();
    if (dot == std::string_view::npos) return std::nullopt;
    parts[i] = grpc_peer.substr(0, dot);
    grpc_peer.remove_prefix(std::min(dot + 1, grpc_peer.size()));
  }
  if (!number_in(parts[2]) || !number_in(parts[3]) || parts[4].empty()) return std::nullopt;
  return std::string(parts[4]) + " (uid " + std::string(parts[2]) + ", pid " + std::string(parts[3]) + ")";
}

Result<UnixRoleTable> UnixRoleTable::look_up(const UnixRoles& roles) {
  UnixRoleTable table;
  // The greatest first: it stays.
  const std::pair<const std::vector<std::string>*, Role> lists[] = {
      {&roles.admins, Role::kAdmin}, {&roles.operators, Role::kOperator}, {&roles.viewers, Role::kViewer}};
  for (const auto& [names, role] : lists) {
    for (const std::string& name : *names) {
      const bool is_group = name.starts_with(kGroup);
      const auto id = is_group ? group_called(name.substr(kGroup.size())) : user_called(name);
      if (!id) {
        return Error{ErrorCode::kNotFound, std::string("listener.unix_roles.") + word(role) + "s: " + name +
                                               ": this machine knows no such " + (is_group ? "group" : "user") +
                                               "; add it, or take the name out"};
      }
      (is_group ? table.groups_ : table.users_).emplace(*id, role);
    }
  }
  return table;
}

std::optional<Role> UnixRoleTable::role_of(const UnixPeer& peer) const {
  if (peer.uid == 0 || peer.uid == ::geteuid()) return Role::kAdmin;
  std::optional<Role> role;
  if (const auto user = users_.find(peer.uid); user != users_.end()) raise(role, user->second);
  for (const gid_t id : peer.groups) {
    if (const auto found = groups_.find(id); found != groups_.end()) raise(role, found->second);
  }
  return role;
}

}  // namespace shunt::control::rpc
