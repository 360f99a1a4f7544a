#include "tests/bench/huge_memory.h"

#include <cinttypes>
#include <fstream>
#include <string>

namespace shunt::bench {

Pages HugeMemory::pages() const {
  if (is_reserved_) return Pages::kReserved;
  // /proc/PID/smaps (proc(5)): a line with the mapping's range, then its fields.
  std::ifstream maps("/proc/self/smaps");
  const auto start = reinterpret_cast<uintptr_t>(memory_);
  bool ours = false;
  for (std::string line; std::getline(maps, line);) {
    uint64_t low = 0;
    uint64_t high = 0;
    uint64_t kilobytes = 0;
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " ", &low, &high) == 2) ours = low <= start && start < high;
    else if (ours && std::sscanf(line.c_str(), "AnonHugePages: %" SCNu64, &kilobytes) == 1) {
      return kilobytes * 1024 * 2 >= bytes_ ? Pages::kTransparent : Pages::kOrdinary;
    }
  }
  return Pages::kOrdinary;
}

const char* name_of(Pages pages) {
  switch (pages) {
    case Pages::kReserved: return "2 MiB, reserved";
    case Pages::kTransparent: return "2 MiB, transparent";
    case Pages::kOrdinary: return "4 KiB";
  }
  return "";
}

}  // namespace shunt::bench
