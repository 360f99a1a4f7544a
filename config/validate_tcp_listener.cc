// The API over TCP: there is no way to leave out a part of what makes it safe.
#include <set>
#include <string>

#include "config/validate_parts.h"
#include "config/words.h"

namespace shunt::config {
namespace {

const std::string kAt = "listener.tcp";

void check_file(const std::string& path, const char* what, const char* holds, Problems& problems) {
  const std::string field = kAt + "." + what;
  if (path.empty()) {
    add(problems, field, reason::kRequired, std::string(what) + " is missing",
        std::string("give the absolute path of ") + holds);
  } else if (path[0] != '/' || path.find('\0') != std::string::npos) {
    add(problems, field, reason::kMalformed,
        std::string(what) + " " + in_quotes(path) + " is not an absolute path", "begin it with /");
  }
}

void check_listening_address(const std::string& text, Problems& problems) {
  if (text.empty()) {
    add(problems, kAt + ".address", reason::kRequired, "address is missing",
        "give the one that clients connect to; 0.0.0.0 or :: for every one of the machine");
  } else if (!IpAddress::parse(text)) {
    add(problems, kAt + ".address", reason::kMalformed,
        "address " + in_quotes(text) + " is no IP address", "write it as 192.0.2.1 or 2001:db8::1");
  }
}

template <typename Names>
void check_names(const Names& names, const char* role, std::set<std::string>& seen,
                 Problems& problems) {
  for (int i = 0; i < names.size(); ++i) {
    const std::string field = kAt + "." + role + "[" + std::to_string(i) + "]";
    if (names[i].empty()) {
      add(problems, field, reason::kMalformed, std::string(role) + " has an empty name",
          "remove it, or write the name in the client's certificate");
    } else if (!seen.insert(names[i]).second) {
      add(problems, field, reason::kDuplicate, "name " + in_quotes(names[i]) + " is already listed",
          "list each name once: admins may do what operators may, and operators what viewers may");
    }
  }
}

}  // namespace

void check_tcp_listener(const v1::TcpListener& listener, Problems& problems) {
  check_listening_address(listener.address(), problems);
  check_file(listener.certificate(), "certificate", "the daemon's certificate (PEM)", problems);
  check_file(listener.key(), "key", "the certificate's private key (PEM)", problems);
  check_file(listener.client_ca(), "client_ca",
             "the CA that signs clients' certificates (PEM); without one anybody could connect",
             problems);
  if (listener.viewers().empty() && listener.operators().empty() && listener.admins().empty()) {
    add(problems, kAt, reason::kRequired,
        "neither viewers, operators nor admins are listed, so nobody could call",
        "list the names in clients' certificates under admins, operators or viewers");
  }
  std::set<std::string> seen;
  check_names(listener.admins(), "admins", seen, problems);
  check_names(listener.operators(), "operators", seen, problems);
  check_names(listener.viewers(), "viewers", seen, problems);
}

}  // namespace shunt::config
