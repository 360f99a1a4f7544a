#include "dataplane/setup/lcores.h"

#include <pthread.h>
#include <rte_config.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <thread>

#include "dataplane/types.h"

namespace shunt::dataplane {
namespace {

constexpr unsigned kHighestCpu = CPU_SETSIZE - 1;

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Error invalid(std::string_view text, const std::string& cause, const std::string& remedy) {
  return {ErrorCode::kInvalid, "dpdk.lcores \"" + std::string(text) + "\": " + cause + "; " + remedy};
}

// "3", "3-5" or "3@7" appended to `lcores`; false when it is none of them.
bool append(std::string_view entry, std::vector<Lcore>& lcores) {
  if (const size_t at = entry.find('@'); at != std::string_view::npos) {
    const auto id = number(entry.substr(0, at));
    const auto cpu = number(entry.substr(at + 1));
    if (!id || !cpu) return false;
    lcores.push_back({*id, *cpu});
    return true;
  }
  const size_t dash = entry.find('-');
  const auto first = number(entry.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : number(entry.substr(dash + 1));
  if (!first || !last || *last < *first || *last - *first >= RTE_MAX_LCORE) return false;
  for (unsigned id = *first; id <= *last; ++id) lcores.push_back({id, id});
  return true;
}

}  // namespace

Result<std::vector<Lcore>> parse_lcores(std::string_view text) {
  std::vector<Lcore> lcores;
  for (size_t from = 0; from <= text.size();) {
    const size_t comma = std::min(text.find(',', from), text.size());
    const std::string_view entry = text.substr(from, comma - from);
    if (!append(entry, lcores)) {
      return invalid(text, "\"" + std::string(entry) + "\" is no lcore",
                     "write lcores as 0,1,2, ranges as 0-3, an lcore on another CPU as 1@0");
    }
    from = comma + 1;
  }
  for (size_t i = 0; i < lcores.size(); ++i) {
    const std::string name = std::to_string(lcores[i].id);
    if (lcores[i].id >= RTE_MAX_LCORE) {
      return invalid(text, "lcore " + name + " is too high",
                     "use 0.." + std::to_string(RTE_MAX_LCORE - 1) + ", as LCORE@CPU for higher CPUs");
    }
    const auto same = [&](const Lcore& other) { return other.id == lcores[i].id; };
    if (std::any_of(lcores.begin(), lcores.begin() + static_cast<long>(i), same)) {
      return invalid(text, "lcore " + name + " is there twice",
                     "name each once; for several on one CPU write 0@0,1@0");
    }
  }
  if (lcores.size() < 2) {
    return invalid(text, "no lcore is left for a worker",
                   "the first one is the control side's, so name at least two; 0@0,1@0 puts both on one CPU");
  }
  if (lcores.size() - 1 > kMaxWorkers) {
    return invalid(text, std::to_string(lcores.size() - 1) + " workers are more than " + std::to_string(kMaxWorkers),
                   "name fewer lcores");
  }
  return lcores;
}

std::string eal_lcores(const std::vector<Lcore>& lcores) {
  std::string list;
  for (const Lcore& lcore : lcores) {
    if (!list.empty()) list += ',';
    list += std::to_string(lcore.id) + "@" + std::to_string(lcore.cpu);
  }
  return list;
}

Result<void> check_cpus(const std::vector<Lcore>& lcores) {
  std::optional<unsigned> refused;
  // On a thread of its own: the caller keeps its affinity.
  std::thread probe([&] {
    for (const Lcore& lcore : lcores) {
      cpu_set_t cpus;
      CPU_ZERO(&cpus);
      if (lcore.cpu <= kHighestCpu) CPU_SET(lcore.cpu, &cpus);
      if (pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus) != 0) {
        refused = lcore.cpu;
        return;
      }
    }
  });
  probe.join();
  if (!refused) return {};
  return Error{ErrorCode::kInvalid,
               "dpdk.lcores: CPU " + std::to_string(*refused) +
                   " does not exist or this process may not run on it; this process may use " +
                   std::to_string(std::max(1u, std::thread::hardware_concurrency())) +
                   " CPUs (see Cpus_allowed_list in /proc/self/status), or share one with LCORE@CPU"};
}

}  // namespace shunt::dataplane
