// The `dpdk.lcores` list: "0,1,2", "0,1-31", "0@0,1@0". Pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shunt::config {

// Debian's DPDK counts lcores up to this (RTE_MAX_LCORE).
inline constexpr uint32_t kMaxLcores = 128;
// CPU_SETSIZE: what a thread can be pinned to.
inline constexpr uint32_t kMaxCpus = 1024;

struct Lcore {
  uint32_t id = 0;
  // Unset: the CPU of the same number.
  std::optional<uint32_t> cpu;
};

struct Lcores {
  // Main first, then one per worker.
  std::vector<Lcore> list;
  // Why there is no list: "entry \"x\" is neither LCORE, FIRST-LAST nor LCORE@CPU"; empty when all
  // is well.
  std::string cause;
};

// Syntax, bounds and uniqueness; how many there must be is the validator's.
Lcores parse_lcores(std::string_view text);

// Without ranges, as the machine's EAL options take it.
std::string format_lcores(const std::vector<Lcore>& lcores);

}  // namespace shunt::config
