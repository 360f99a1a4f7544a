// What observers ask for again and again: the HTTP listener and DPDK's telemetry. Plain values; any
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/health/figures.h"
#include "control/kernel/probe_translation.h"
#include "control/report.h"

namespace shunt::control {

// All but the services.
struct Overview {
  StatusReport status;
  std::vector<WorkerState> workers;
  std::vector<PortState> ports;
  std::vector<DropState> drops;
  std::vector<SnatState> snat;
  uint32_t mbufs_available = 0;
  uint32_t mbuf_capacity = 0;
  // Of the last whole desired state that was asked for, by apply or a reread file; true before the
  // first.
  bool last_apply_succeeded = true;
  WallClock::time_point last_apply;
  // How late the control thread's clock was at worst within the last minute, seconds.
  double control_lag_seconds = 0;
  // Of checks that were made, those of a kind together.
  std::vector<CheckFigures> checks;
  ProbeCounters probes;
};

struct ServiceSearch {
  // A part of the name or of a VIP's text, upper or lower case; empty: any.
  std::string text;
  // Only those with a real down, or with none left for new connections.
  bool troubled = false;
  // Of those found, in the order of their names.
  uint32_t offset = 0;
  uint32_t limit = 50;
};

struct FoundServices {
  uint32_t all = 0;
  uint32_t matching = 0;
  // At most `limit`, and fewer where they have thousands of reals.
  std::vector<ServiceState> services;
};

// What the service is found by, for people: "192.0.2.1:80", "[2001:db8::1]:1000-1999",
// "192.0.2.1:0" for all ports, "192.0.2.0/24:80 from 10.0.0.0/8 on outside" for a match.
std::string place_of(const std::vector<Vip>& vips, const std::optional<Match>& match);

}  // namespace shunt::control
