// One daemon per file prefix: a lock file in EAL's runtime folder, and the removal of what EAL leaves there.
#pragma once

#include <string>
#include <utility>

#include "src/base/result.h"

namespace shunt::dataplane {

// EAL's runtime folder of a file prefix: $RUNTIME_DIRECTORY, /var/run for root, $XDG_RUNTIME_DIR, or /tmp, and
// dpdk/PREFIX in it.
std::string runtime_folder(const std::string& file_prefix);

// Owner: whoever took it. Cleared by the kernel if the process dies.
class Instance {
 public:
  // kConflict: another process holds this prefix. kPermission: the folder cannot be made.
  static Result<Instance> take(const std::string& file_prefix);
  Instance(Instance&& other) noexcept;
  Instance& operator=(Instance&&) = delete;
  // Removes the folder's files, then the folder, then releases the lock. After rte_eal_cleanup().
  ~Instance();

 private:
  Instance(std::string folder, int lock) : folder_(std::move(folder)), lock_(lock) {}

  std::string folder_;
  int lock_ = -1;
};

}  // namespace shunt::dataplane
