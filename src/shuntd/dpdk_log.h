// DPDK's own log lines, from EAL, libraries and drivers, into ours.
#pragma once

#include <spdlog/common.h>

#include <cstdint>
#include <string_view>

namespace shunt::shuntd {

// Before rte_eal_init(), once. Lines may then come from any thread; the log sums up those that repeat
// (src/base/flood_limit.h), as a driver in trouble says the same for every burst.
void bridge_dpdk_log();

// What a line of a DPDK level (1 emergency .. 8 debug) is to us. DPDK's notices and information are about its own
// business, and some warnings are about features that we do not use.
spdlog::level::level_enum level_of(uint32_t dpdk_level, std::string_view line) noexcept;

}  // namespace shunt::shuntd
