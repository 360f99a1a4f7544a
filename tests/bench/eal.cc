#include "tests/bench/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <sched.h>

#include <string>
#include <vector>

#include "tests/bench/results.h"

namespace shunt::bench {
namespace {

cpu_set_t usable;
int last = 0;

}  // namespace

void start_eal(Pinned pinned, uint32_t mebibytes) {
  sched_getaffinity(0, sizeof usable, &usable);
  std::string all;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &usable)) continue;
    last = cpu;
    all += (all.empty() ? "" : ",") + std::to_string(cpu);
  }
  const std::string where = pinned == Pinned::kYes ? std::to_string(last) : "(" + all + ")";
  // EAL's own memory holds rings and a port, nothing that a figure is about: ordinary pages do.
  std::vector<std::string> words{"path_bench", "--no-shconf", "--no-huge", "-m", std::to_string(mebibytes), "--no-pci", "--no-telemetry",
                                 "--log-level", "error", "--lcores", "0@" + where};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  if (rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) < 0) {
    give_up(std::string("EAL did not start: ") + rte_strerror(rte_errno) + "; the log above may say more");
  }
}

bool has_other_cpu() { return CPU_COUNT(&usable) > 1; }

void leave_cpu() {
  cpu_set_t others = usable;
  if (has_other_cpu()) CPU_CLR(last, &others);
  sched_setaffinity(0, sizeof others, &others);
}

}  // namespace shunt::bench
