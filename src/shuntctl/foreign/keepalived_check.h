// keepalived's checkers of one real server, and the one check that a service of Shunt's has for all of its reals. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/shuntctl/foreign/keepalived_reading.h"

namespace shunt::shuntctl {

// What virtual_server and real_server say for all checkers below them.
struct CheckSettings {
  int64_t delay_loop_ms = 60000;
  int64_t connect_timeout_ms = 5000;
  std::optional<uint32_t> retry;
  std::string virtual_host;

  // Takes the keyword if it is one of these.
  bool take(const Directive& directive, KeepalivedReport& report);
};

// TCP_CHECK, HTTP_GET and the others.
bool is_checker(const std::string& keyword);

struct CheckOfReal {
  Source from;
  // nullopt: the real has no checker, and is always taken for up.
  std::optional<v1::HealthCheck> check;
  std::vector<Note> notes;
};

// A real_server that is checked.
struct CheckedReal {
  Source from;
  // "real 10.0.0.1:80 of service tcp 192.0.2.10:80"
  std::string subject;
  v1::Protocol protocol = v1::PROTOCOL_TCP;
  uint32_t port = 0;
};

CheckOfReal check_of(const std::vector<const Directive*>& checkers, const CheckSettings& settings, const CheckedReal& real,
                     KeepalivedReport& report);

// The check that most reals have becomes the service's; of the others' there is a note.
void set_check(const std::vector<CheckOfReal>& checks, DraftService& service);

}  // namespace shunt::shuntctl
