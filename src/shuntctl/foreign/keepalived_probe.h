// What one of keepalived's checkers asks a real server, as the kind of a health check of Shunt's. One thread.
#pragma once

#include <string>
#include <vector>

#include "src/shuntctl/foreign/keepalived_reading.h"

namespace shunt::shuntctl {

// What is to be said of a checker, and where that stands.
struct ProbeNote {
  Source from;
  std::string cause;
  std::string remedy;
  bool is_left_out = true;
};

struct KeepalivedProbe {
  // One kind is set, but for TCP_CHECK, whose connect is what Shunt does anyway. `timeout` is set where the checker has its own.
  v1::HealthCheck check;
  // False: Shunt has no such check.
  bool is_carried = true;
  std::vector<ProbeNote> notes;
};

// `virtual_host`: what the servers above the checker say, or empty.
KeepalivedProbe probe_of(const Directive& checker, const std::string& virtual_host, KeepalivedReport& report);

}  // namespace shunt::shuntctl
