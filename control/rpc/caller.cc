#include "control/rpc/caller.h"

#include <grpc/grpc_security_constants.h>

#include <algorithm>

#include "control/rpc/unix_peer.h"

namespace shunt::control::rpc {
namespace {

// gRPC writes "ipv4:192.0.2.7:40112" and "ipv6:%5B2001:db8::7%5D:40112".
std::string address_of(std::string peer) {
  if (peer.starts_with("ipv4:") || peer.starts_with("ipv6:")) peer.erase(0, 5);
  for (const auto& [written, meant] :
       {std::pair{"%5B", "["}, std::pair{"%5D", "]"}, std::pair{"%25", "%"}}) {
    const size_t at = peer.find(written);
    if (at != std::string::npos) peer.replace(at, 3, meant);
  }
  return peer;
}

}  // namespace

std::vector<std::string> names_in(const grpc::AuthContext& context) {
  std::vector<std::string> names;
  for (const char* property : {GRPC_X509_CN_PROPERTY_NAME, GRPC_X509_SAN_PROPERTY_NAME}) {
    for (const grpc::string_ref& value : context.FindPropertyValues(property)) {
      std::string name(value.data(), value.size());
      if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(std::move(name));
    }
  }
  return names;
}

std::string in_words(const std::vector<std::string>& names) {
  return names.empty() ? "a client without a name in its certificate" : one_line(names.front());
}

std::string caller(const grpc::ServerContext& context) {
  const std::string peer = context.peer();
  if (const auto who = who_is(peer)) return *who;
  if (peer.empty() || peer.starts_with("unix")) return "unix socket";
  const auto authenticated = context.auth_context();
  return in_words(authenticated == nullptr ? std::vector<std::string>{}
                                           : names_in(*authenticated)) +
         " at " + address_of(peer);
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

}  // namespace shunt::control::rpc
