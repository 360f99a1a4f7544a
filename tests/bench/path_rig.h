// A worker with a full set of connections and one service, without ports: frames that it would send are taken from
// its queue and checked.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/worker.h"
#include "tests/bench/huge_memory.h"
#include "tests/bench/packets.h"

namespace shunt::bench {

class PathRig {
 public:
  // `name`: a forwarding method, or "nat-reply", "fullnat-reply" for the way back. Ends the program when a
  // connection cannot be made.
  PathRig(const std::string& name, uint32_t connections, uint32_t reals);

  // TSC cycles that the path takes for `packets` packets of established connections in random order. Every packet
  // that leaves is checked afterwards, outside of the time; a wrong one ends the program.
  uint64_t run(uint32_t packets);

  dataplane::Worker& worker() { return *worker_; }

 private:
  void build_snapshot(uint32_t reals);
  void open_connections();
  dataplane::FlowKey request_key(uint32_t index) const;
  void process(uint32_t count, bool checked);
  void check(rte_mbuf* mbuf, uint32_t connection) const;

  std::string name_;
  dataplane::Method method_;
  bool replies_;
  uint32_t connections_;
  std::unique_ptr<HugeMemory> table_memory_;
  std::unique_ptr<HugeMemory> counters_memory_;
  std::vector<dataplane::FlowKey> reply_keys_;  // by connection
  std::vector<dataplane::RealEntry> reals_;
  std::vector<dataplane::Candidate> candidates_;
  std::vector<dataplane::ServiceEntry> services_;
  std::vector<dataplane::ServiceSlot> service_slots_;
  std::vector<dataplane::TimeoutSet> timeouts_;
  std::vector<dataplane::NextHop> hops_;
  std::vector<dataplane::RouteInterval> routes_;
  std::vector<Be32> local_addresses_;
  std::vector<dataplane::Cursor> cursors_;
  dataplane::Snapshot snapshot_;
  std::atomic<const dataplane::Snapshot*> current_{&snapshot_};
  std::unique_ptr<dataplane::Worker> worker_;
  Buffers buffers_;
  Random random_;
  uint32_t indices_[kBurstSize];
};

}  // namespace shunt::bench
