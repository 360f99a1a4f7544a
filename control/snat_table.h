// Rules of snat as the workers search them (dataplane/snat.h). Pure; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "control/match_table_builder.h"
#include "control/model/desired_state.h"
#include "dataplane/snapshot.h"

namespace shunt::control {

using AddressList = std::shared_ptr<const std::vector<IpAddress>>;

// A rule as it should be, in the order in which rules are asked.
struct SnatInput {
  dataplane::RealId real;
  uint32_t counter = 0;
  // A match for each of its protocols; their `service` is not read.
  std::vector<MatchRule> matches;
  // DPDK id; dataplane::SnatEntry::kAnyPort: any.
  uint16_t out_port = dataplane::SnatEntry::kAnyPort;
  PortRange ports;
  AddressList addresses;
};

// All rules, and what keeps their spans alive.
struct SnatTable {
  std::vector<dataplane::SnatEntry> entries;
  std::vector<AddressList> pools;
  std::unique_ptr<const MatchTableMemory> matches;
};

std::shared_ptr<const SnatTable> make_snat_table(std::span<const SnatInput> rules);

}  // namespace shunt::control
