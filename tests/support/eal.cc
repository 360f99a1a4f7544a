#include "tests/support/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mempool.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace shunt::test {
namespace {

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, rte_strerror(rte_errno));
  std::abort();
}

bool initialise() {
  // On any CPU: pinned test processes that run beside each other would all share CPU 0.
  const long cpus = std::max(1L, sysconf(_SC_NPROCESSORS_ONLN));
  std::vector<std::string> words = {"tests",
                                    "--lcores=0@(0-" + std::to_string(cpus - 1) + ")",
                                    "--no-huge",
                                    "-m",
                                    "512",
                                    "--no-pci",
                                    "--no-shconf",
                                    "--no-telemetry",
                                    "--file-prefix=shunt-tests",
                                    "--log-level=*:warning"};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  if (rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) < 0) give_up("EAL for tests");
  return true;
}

}  // namespace

void start_eal() { [[maybe_unused]] static const bool started = initialise(); }

rte_mempool* mbuf_pool() {
  start_eal();
  static rte_mempool* const pool = [] {
    rte_mempool* made = rte_pktmbuf_pool_create("tests", 8191, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    if (made == nullptr) give_up("mbuf pool for tests");
    return made;
  }();
  return pool;
}

unsigned mbufs_in_use() { return rte_mempool_in_use_count(mbuf_pool()); }

}  // namespace shunt::test
