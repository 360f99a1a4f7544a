// A worker as control would build one, in memory of the benchmark's own: on huge pages where there are any, as the
// daemon's.
#pragma once

#include <rte_cycles.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/worker.h"
#include "tests/bench/huge_memory.h"
#include "tests/bench/tables.h"

namespace shunt::bench {

class BenchWorker {
 public:
  // `capacity`: connections of this family; for the other there is next to no memory. Port 0 is present, and nothing is
  // behind it.
  explicit BenchWorker(uint32_t capacity, AddressFamily family = AddressFamily::kIpv4);

  dataplane::Worker& operator*() const noexcept { return *worker_; }
  dataplane::Worker* operator->() const noexcept { return worker_.get(); }

  uint64_t drops() const noexcept;
  // "tx_full 3, table_full 1": drops by reason; "none".
  std::string drop_reasons() const;
  Pages pages() const { return (family_ == AddressFamily::kIpv4 ? table_ : table6_).pages(); }
  // What a worker takes beside its connections, whatever their number.
  static uint64_t fixed_bytes() noexcept;

 private:
  AddressFamily family_;
  HugeMemory table_;
  HugeMemory table6_;
  HugeMemory counters_;
  HugeMemory trees_;
  HugeMemory ftp_controls_;
  std::vector<dataplane::Cursor> cursors_;
  std::vector<dataplane::ServiceCounters> service_counters_;
  std::unique_ptr<dataplane::Worker> worker_;
};

}  // namespace shunt::bench
