// Does this machine have the hugepages that we are about to ask for? EAL would only say that it has none. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/base/result.h"

namespace shunt::dataplane {

// One size of hugepages that this machine offers.
struct HugePages {
  uint64_t page_kb = 0;
  uint64_t total = 0;
  uint64_t free = 0;
  bool mounted = false;  // a hugetlbfs of that size is mounted: EAL can use it
};

// From `sys`/kernel/mm/hugepages and the mounts listed in `mounts`.
std::vector<HugePages> read_huge_pages(const std::string& sys = "/sys", const std::string& mounts = "/proc/mounts");

// kNoMemory, with what is needed, what there is and the command that mends it, when `memory_mb` does not fit.
Result<void> check_huge_pages(const std::vector<HugePages>& sizes, uint32_t memory_mb);

// kNoMemory when ordinary memory is short of `memory_mb`, by `meminfo`.
Result<void> check_ordinary_memory(uint32_t memory_mb, const std::string& meminfo = "/proc/meminfo");

}  // namespace shunt::dataplane
