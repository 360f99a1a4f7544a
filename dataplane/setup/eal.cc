#include "dataplane/setup/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/setup/devices.h"
#include "dataplane/setup/eal_arguments.h"
#include "dataplane/setup/hugepages.h"
#include "dataplane/setup/memory_needs.h"

namespace shunt::dataplane {
namespace {

Result<void> check(const DataplaneOptions& options, const std::vector<Lcore>& lcores) {
  if (options.ports.empty()) return Error{ErrorCode::kInvalid, "ports: there is none; name at least one device"};
  if (options.ports.size() > kMaxPorts) {
    return Error{ErrorCode::kInvalid, "ports: " + std::to_string(options.ports.size()) + " are more than " +
                                          std::to_string(kMaxPorts) + "; leave some out"};
  }
  if (auto ok = check_cpus(lcores); !ok) return ok;
  if (auto ok = check_extra_arguments(options.extra_eal_args); !ok) return ok;
  if (auto ok = check_distinct(options.ports); !ok) return ok;
  if (auto ok = check_memory(options, static_cast<uint32_t>(lcores.size() - 1)); !ok) return ok;
  for (const PortOptions& port : options.ports) {
    if (auto ok = check_device(port); !ok) return ok;
  }
  return options.huge_pages ? check_huge_pages(read_huge_pages(), options.memory_mb)
                            : check_ordinary_memory(options.memory_mb);
}

Error refusal(int error) {
  const std::string said = std::string("EAL: ") + rte_strerror(error);
  switch (error) {
    case EACCES:
    case EPERM:
      return {ErrorCode::kPermission, said + "; run as root, or see the unit file for the capabilities needed"};
    case ENOMEM:
      return {ErrorCode::kNoMemory, said + "; the log above says which memory, lower dpdk.memory_mb or free some"};
    case EINVAL:
      return {ErrorCode::kInvalid, said + "; the log above says which argument, look at dpdk.extra_args"};
    default: return {ErrorCode::kInternal, said + "; the log above says more"};
  }
}

}  // namespace

Result<Eal> Eal::start(const DataplaneOptions& options, const std::vector<Lcore>& lcores) {
  if (auto ok = check(options, lcores); !ok) return ok.error();
  auto instance = Instance::take(options.file_prefix);
  if (!instance) return instance.error();

  // A second rte_eal_init() in a process may crash instead of failing.
  static std::atomic<bool> used{false};
  if (used.exchange(true)) {
    return Error{ErrorCode::kInternal, "EAL: it was started before in this process; a dataplane can be started once"};
  }
  std::vector<std::string> words = eal_arguments(options, lcores);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  if (rte_eal_init(static_cast<int>(words.size()), arguments.data()) < 0) return refusal(rte_errno);
  return Eal(std::move(*instance));
}

Eal::Eal(Eal&& other) noexcept : instance_(std::move(other.instance_)), running_(std::exchange(other.running_, false)) {}

Eal::~Eal() {
  if (running_) rte_eal_cleanup();
}

}  // namespace shunt::dataplane
