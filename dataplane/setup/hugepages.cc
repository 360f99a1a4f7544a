#include "dataplane/setup/hugepages.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace shunt::dataplane {
namespace {

uint64_t number_in(const std::filesystem::path& file) {
  uint64_t value = 0;
  std::ifstream(file) >> value;
  return value;
}

// "pagesize=2M" or "pagesize=1024M" in kB; the default size when a mount does not say.
uint64_t page_kb_of(const std::string& options, uint64_t default_kb) {
  const size_t at = options.find("pagesize=");
  if (at == std::string::npos) return default_kb;
  std::istringstream text(options.substr(at + 9));
  uint64_t value = 0;
  char unit = 'K';
  text >> value >> unit;
  if (unit == 'G') return value << 20;
  return unit == 'M' ? value << 10 : value;
}

std::vector<uint64_t> mounted_sizes(const std::string& mounts) {
  std::vector<uint64_t> sizes;
  std::ifstream file(mounts);
  std::string device, point, type, options, line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    words >> device >> point >> type >> options;
    if (type == "hugetlbfs") sizes.push_back(page_kb_of(options, 2048));
  }
  return sizes;
}

std::string size_name(uint64_t page_kb) {
  return page_kb >= 1 << 20 ? std::to_string(page_kb >> 20) + " GiB" : std::to_string(page_kb >> 10) + " MiB";
}

// The command that reserves `more` pages beyond what there are.
std::string reserve_command(const HugePages& size, uint64_t more) {
  return "echo " + std::to_string(size.total + more) + " > /sys/kernel/mm/hugepages/hugepages-" +
         std::to_string(size.page_kb) + "kB/nr_hugepages";
}

}  // namespace

std::vector<HugePages> read_huge_pages(const std::string& sys, const std::string& mounts) {
  const std::vector<uint64_t> mounted = mounted_sizes(mounts);
  std::vector<HugePages> sizes;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(sys + "/kernel/mm/hugepages", ignored)) {
    unsigned long long page_kb = 0;
    if (std::sscanf(entry.path().filename().c_str(), "hugepages-%llukB", &page_kb) != 1) continue;
    sizes.push_back({page_kb, number_in(entry.path() / "nr_hugepages"), number_in(entry.path() / "free_hugepages"),
                     std::find(mounted.begin(), mounted.end(), page_kb) != mounted.end()});
  }
  std::sort(sizes.begin(), sizes.end(), [](const HugePages& a, const HugePages& b) { return a.page_kb < b.page_kb; });
  return sizes;
}

Result<void> check_huge_pages(const std::vector<HugePages>& sizes, uint32_t memory_mb) {
  const std::string subject = "hugepages: dpdk.memory_mb " + std::to_string(memory_mb);
  const std::string without = ", or set dpdk.huge_pages: false (slower)";
  if (sizes.empty()) return Error{ErrorCode::kNoMemory, subject + ": this kernel has none" + without};
  const auto mounted = std::find_if(sizes.begin(), sizes.end(), [](const HugePages& size) { return size.mounted; });
  const HugePages& size = mounted == sizes.end() ? sizes.front() : *mounted;
  const uint64_t needed = ((uint64_t{memory_mb} << 10) + size.page_kb - 1) / size.page_kb;
  if (mounted == sizes.end()) {
    const std::string reserve = size.free < needed ? reserve_command(size, needed - size.free) + " && " : "";
    return Error{ErrorCode::kNoMemory, subject + ": no hugetlbfs is mounted; " + reserve +
                                           "mkdir -p /dev/hugepages && mount -t hugetlbfs -o pagesize=" +
                                           std::to_string(size.page_kb >> 10) + "M nodev /dev/hugepages" + without};
  }
  uint64_t free_kb = 0;
  for (const HugePages& each : sizes) free_kb += each.mounted ? each.free * each.page_kb : 0;
  if (free_kb >> 10 >= memory_mb) return {};
  return Error{ErrorCode::kNoMemory, subject + " needs " + std::to_string(needed) + " pages of " +
                                         size_name(size.page_kb) + ", " + std::to_string(size.free) + " of " +
                                         std::to_string(size.total) + " are free; " +
                                         reserve_command(size, needed - size.free) + without};
}

Result<void> check_ordinary_memory(uint32_t memory_mb, const std::string& meminfo) {
  std::ifstream file(meminfo);
  std::string line;
  while (std::getline(file, line)) {
    unsigned long long available_kb = 0;
    if (std::sscanf(line.c_str(), "MemAvailable: %llu kB", &available_kb) != 1) continue;
    if (available_kb >> 10 >= memory_mb) return {};
    return Error{ErrorCode::kNoMemory, "memory: dpdk.memory_mb is " + std::to_string(memory_mb) + ", this machine has " +
                                           std::to_string(available_kb >> 10) +
                                           " MiB available; lower it with workers.connections and workers.mbufs, or free some"};
  }
  return {};
}

}  // namespace shunt::dataplane
