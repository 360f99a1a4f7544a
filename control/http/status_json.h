// What /status.json says: all that the page shows. Pure functions; any thread.
#pragma once

#include <string>
#include <vector>

#include "control/observation.h"

namespace shunt::control::http {

struct StatusQuery {
  ServiceSearch search;
  // Services whose reals are all told, as many as there may be at once; of others so many that a
  // bar of them can be drawn.
  std::vector<std::string> open;
};

inline constexpr size_t kRealsOfListed = 32;
inline constexpr size_t kRealsOfOpen = 1000;

// READY: nothing wants attention; DEGRADED: `problems` says what does.
std::string status_json(const Overview& overview, const FoundServices& found,
                        const std::vector<Event>& events, const StatusQuery& query);

}  // namespace shunt::control::http
