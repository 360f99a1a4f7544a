// The workers' memory and life: built before their lcores start, polled by them, asked through mailboxes, stopped.
// Owner: control.
#pragma once

#include <rte_mempool.h>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "dataplane/setup/dataplane.h"
#include "dataplane/setup/kernel_rings.h"
#include "dataplane/setup/lcores.h"
#include "dataplane/setup/memory.h"
#include "dataplane/setup/publisher.h"
#include "dataplane/setup/share_loads.h"
#include "dataplane/tap.h"
#include "dataplane/worker.h"
#include "src/base/result.h"

namespace shunt::dataplane {

// What workers share and do not own; outlives them.
struct WorkerSurroundings {
  const std::vector<PortInfo>& ports;
  const KernelRings& rings;
  const Publisher& publisher;
  rte_mempool* pool;
  const Steering* steering;  // nullptr with one worker
  TemplateTable* templates;
  ExpectationTable* expectations;
};

class Workers {
 public:
  // One worker for each lcore but the first. kNoMemory.
  static Result<std::unique_ptr<Workers>> build(const DataplaneOptions& options, const std::vector<Lcore>& lcores,
                                                const WorkerSurroundings& around);
  // Stops those that run.
  ~Workers();
  Workers(const Workers&) = delete;

  // kInternal when an lcore does not take its work.
  Result<void> launch();
  // Waits until every worker has left its loop.
  void stop();

  uint32_t count() const noexcept { return static_cast<uint32_t>(all_.size()); }
  const Worker& operator[](uint32_t index) const noexcept { return *all_[index].worker; }
  const std::vector<WorkerInfo>& infos() const noexcept { return infos_; }

  // As Dataplane's functions of these names.
  void for_each_connection(const std::function<bool(const ConnectionCopy&)>& sink);
  uint64_t flush_connections(RealId real);
  void share_loads(RealId highest) noexcept { dataplane::share_loads(sharers_, highest); }
  std::vector<Explanation> explain(const IpFlow& flow, uint16_t in_port);
  // One for each worker, from now on until they are taken back. kConflict: kMostTaps are there.
  Result<void> add_taps(const std::vector<Tap*>& by_worker);
  void remove_taps(const std::vector<Tap*>& by_worker);

 private:
  struct Owned {
    Memory object;
    Memory table;
    Memory table6;
    Memory real_counters;
    Memory cursors;
    Memory service_counters;
    Memory real_outcomes;
    Memory load_trees;
    Memory localities;
    Memory ftp_controls;
    Memory shared_loads;
    Ring inbox;
    Worker* worker = nullptr;  // in `object`
    std::unique_ptr<const TapSet> taps;  // that it looks at
    std::unique_ptr<std::mutex> mailbox = std::make_unique<std::mutex>();
  };

  Workers() = default;
  static Result<Owned> build_one(const DataplaneOptions& options, uint32_t index, const std::vector<Lcore>& lcores,
                                 const WorkerSurroundings& around);
  // Hands the command to the worker and waits for its answer.
  void ask(Owned& owned, Command& command);
  void set_taps(Owned& owned, const TapSet& taps);

  std::mutex taps_mutex_;
  std::vector<Owned> all_;
  std::vector<Sharer> sharers_;
  std::vector<WorkerInfo> infos_;
  bool running_ = false;
};

}  // namespace shunt::dataplane
