#include "control/doctor/machine_checks.h"
#include "dataplane/setup/hugepages.h"

namespace shunt::control {
namespace {

constexpr const char* kCheck = "hugepages";

uint64_t pages_for(uint32_t memory_mb, uint64_t page_kb) { return (memory_mb * 1024 + page_kb - 1) / page_kb; }

}  // namespace

Findings check_huge_pages(const FileRoot& root, const Machine& machine, bool is_running) {
  const std::string needs = std::to_string(machine.dpdk.memory_mb) + " MiB";
  if (!machine.dpdk.huge_pages) {
    return {{Finding::Grade::kHint, kCheck, "dpdk.huge_pages",
             "false: " + needs + " of ordinary memory, which costs speed and cannot be given to a network card by VFIO",
             "dpdk: {huge_pages: true}"}};
  }
  if (is_running) return {{Finding::Grade::kGood, kCheck, "dpdk.memory_mb", needs + " are taken", ""}};
  const auto sizes = dataplane::read_huge_pages(root.path("/sys"), root.path("/proc/mounts"));
  const auto enough = dataplane::check_huge_pages(sizes, machine.dpdk.memory_mb);
  if (enough) return {{Finding::Grade::kGood, kCheck, "dpdk.memory_mb", needs + " are free", ""}};
  uint64_t reserved = 0;
  uint64_t free = 0;
  for (const auto& size : sizes) {
    if (size.page_kb == 2048) reserved = size.total, free = size.free;
  }
  const uint64_t wanted = reserved - free + pages_for(machine.dpdk.memory_mb, 2048);
  return {{Finding::Grade::kBad, kCheck, "dpdk.memory_mb", enough.error().message,
           "sysctl -w vm.nr_hugepages=" + std::to_string(wanted)}};
}

}  // namespace shunt::control
