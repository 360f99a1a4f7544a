// The desired state's rules of snat at work: each with its slot, told to the snapshot builder. Owner: the controller's
// thread.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/model/desired_state.h"
#include "control/slots.h"
#include "control/snapshot_builder.h"

namespace shunt::control {

// What goes with a SnatRule of the desired state.
struct LiveSnatRule {
  RealId real = dataplane::kNoReal;
  ServiceId service = dataplane::kNoService;
  // Its place in Worker::snat_exhausted.
  uint32_t counter = 0;
  // What stood there when the rule took it: its zero.
  uint64_t exhausted_base = 0;
  AddressList addresses;
};

class LiveSnat {
 public:
  // The machine's ports by name, with their DPDK ids.
  using Ports = std::unordered_map<std::string, uint16_t>;

  // `counters_of` reads a slot's counters, `exhausted_of` a place of Worker::snat_exhausted.
  LiveSnat(Slots& slots, SnapshotBuilder& builder, std::function<Traffic(RealId)> counters_of,
           std::function<uint64_t(uint32_t)> exhausted_of, Ports ports);

  // How many rules of these have no slot yet.
  size_t count_new(const std::vector<SnatRule>& rules) const;
  // Makes `next` so, in place of `before`. REQUIRES: count_new(next) free slots. A rule of the same name and family is the
  // same one; the connections of others end at once (expired_reals()), since nobody answers for their addresses any more.
  void replace(const std::vector<SnatRule>& before, const std::vector<SnatRule>& next, const Timeouts& general);
  // In the order of the desired state.
  const std::vector<LiveSnatRule>& rules() const noexcept { return rules_; }

 private:
  SnatInput input_of(const SnatRule& rule, const LiveSnatRule& live) const;
  uint16_t port_of(const std::string& name) const;

  Slots& slots_;
  SnapshotBuilder& builder_;
  const std::function<Traffic(RealId)> counters_of_;
  const std::function<uint64_t(uint32_t)> exhausted_of_;
  const Ports ports_;
  std::vector<LiveSnatRule> rules_;
};

}  // namespace shunt::control
