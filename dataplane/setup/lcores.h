// The operator's lcore list: which EAL lcore runs on which CPU, main first. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

namespace shunt::dataplane {

struct Lcore {
  unsigned id = 0;
  unsigned cpu = 0;
  bool operator==(const Lcore&) const = default;
};

// "0,1,2", "0-3" or "0@4,1@4" to the list they mean; kInvalid when malformed, an lcore is named twice, there is none
// for a worker, or there are more than kMaxWorkers. Several lcores may share a CPU.
Result<std::vector<Lcore>> parse_lcores(std::string_view text);

// The value of EAL's --lcores: "0@0,1@1".
std::string eal_lcores(const std::vector<Lcore>& lcores);

// kInvalid when a CPU does not exist or this process may not run there: EAL would end the process.
Result<void> check_cpus(const std::vector<Lcore>& lcores);

}  // namespace shunt::dataplane
