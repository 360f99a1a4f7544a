// Rules of match services as the workers search them (dataplane/match_table.h): prefixes and ports become stretches,
// each with the set of the rules that say yes there. Pure; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "control/model/desired_state.h"
#include "dataplane/match_table.h"

namespace shunt::control {

// One service's, in the order in which they are asked.
struct MatchRule {
  Protocol protocol = Protocol::kTcp;
  AddressFamily family = AddressFamily::kIpv4;
  // All of `family`; empty: any.
  std::vector<Prefix> clients;
  std::vector<Prefix> vips;
  PortRange ports;
  // DPDK id; nullopt: any. One that no port has: none.
  std::optional<uint16_t> in_port;
  // Index into Snapshot::services.
  uint32_t service = 0;
};

// The table and the memory that its spans point into.
class MatchTableMemory {
 public:
  explicit MatchTableMemory(std::span<const MatchRule> rules);
  MatchTableMemory(const MatchTableMemory&) = delete;
  MatchTableMemory& operator=(const MatchTableMemory&) = delete;

  const dataplane::MatchTable& table() const noexcept { return table_; }

 private:
  template <typename Number>
  struct Axis {
    std::vector<Number> begins;
    std::vector<uint64_t> sets;
  };

  Axis<dataplane::Number4> clients_, vips_;
  Axis<dataplane::Number6> clients6_, vips6_;
  Axis<uint32_t> ports_;
  std::vector<uint64_t> ingress_;
  std::vector<uint64_t> with_vips_;
  std::vector<uint32_t> services_;
  dataplane::MatchTable table_;
};

}  // namespace shunt::control
