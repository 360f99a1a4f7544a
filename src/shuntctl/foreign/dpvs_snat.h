// DPVS's SNAT services (`-H proto=...,src-range=...,oif=...` with reals of `-J`; in keepalived.conf `virtual_server match`)
// as rules of snat. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "src/shuntctl/foreign/draft.h"

namespace shunt::shuntctl {

struct DpvsSnat {
  Source from;
  // As DPVS calls them: proto, src-range, dst-range, iif, oif, af.
  std::map<std::string, std::string> match;
  // Its reals: "203.0.113.1:0", "[2001:db8::1]:0", "203.0.113.1".
  std::vector<std::string> addresses;
  // Of --conn-timeout, seconds; 0: none.
  uint32_t timeout_s = 0;
};

// "proto=tcp,src-range=10.0.0.1-10.0.0.9,oif=dpdk1"
std::map<std::string, std::string> parse_dpvs_match(const std::string& text);

// A rule of the draft, or a note that says why there is none.
void add_snat_rule(const DpvsSnat& snat, Draft& draft);

}  // namespace shunt::shuntctl
