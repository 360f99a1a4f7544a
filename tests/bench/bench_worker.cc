#include "tests/bench/bench_worker.h"

#include "tests/bench/packets.h"

namespace shunt::bench {

using namespace dataplane;

namespace {

// Of the table that nothing is to be put into.
constexpr uint32_t kUnused = 16;

uint32_t capacity_of(AddressFamily table, AddressFamily used, uint32_t capacity) {
  return table == used ? capacity : kUnused;
}

}  // namespace

BenchWorker::BenchWorker(uint32_t capacity, AddressFamily family)
    : family_(family),
      table_(ConnectionTable::bytes_for(capacity_of(AddressFamily::kIpv4, family, capacity))),
      table6_(ConnectionTable6::bytes_for(capacity_of(AddressFamily::kIpv6, family, capacity))),
      counters_(sizeof(RealCounters) * kMaxReals),
      trees_(LoadTrees::bytes()),
      ftp_controls_(FtpControls::bytes()),
      cursors_(kMaxServices),
      service_counters_(kMaxServices),
      worker_(std::make_unique<Worker>()) {
  // A key of its own, but the same each time: figures repeat.
  const HashKey key = HashKey::from_bytes({9, 8, 7, 6});
  worker_->connections.attach(table_.get(), capacity_of(AddressFamily::kIpv4, family, capacity), key);
  worker_->connections6.attach(table6_.get(), capacity_of(AddressFamily::kIpv6, family, capacity), key);
  worker_->real_counters = static_cast<RealCounters*>(counters_.get());
  worker_->load_trees.attach(trees_.get(), worker_->real_counters);
  worker_->cursors = cursors_.data();
  worker_->service_counters = service_counters_.data();
  worker_->ftp.controls.attach(ftp_controls_.get());
  worker_->port_count = 1;
  worker_->ports[0].present = true;
  worker_->ports[0].mac() = kOurMac;
  worker_->cycles_per_ms = rte_get_tsc_hz() / 1000;
}

uint64_t BenchWorker::drops() const noexcept {
  uint64_t all = 0;
  for (const Counter& drops : worker_->counters.drops) all += drops.read();
  return all;
}

std::string BenchWorker::drop_reasons() const {
  std::string text;
  for (size_t i = 0; i < kDropReasons; ++i) {
    const uint64_t count = worker_->counters.drops[i].read();
    if (count == 0) continue;
    text += (text.empty() ? "" : ", ") + std::string(name_of(static_cast<DropReason>(i))) + " " + std::to_string(count);
  }
  return text.empty() ? "none" : text;
}

uint64_t BenchWorker::fixed_bytes() noexcept {
  return sizeof(Worker) + sizeof(RealCounters) * kMaxReals + sizeof(Cursor) * kMaxServices + LoadTrees::bytes();
}

}  // namespace shunt::bench
