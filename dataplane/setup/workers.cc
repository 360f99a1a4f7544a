#include "dataplane/setup/workers.h"

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_random.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <string>
#include <thread>

#include "dataplane/setup/memory_needs.h"

namespace shunt::dataplane {
namespace {

// Where the turns of the ports begin that FTP's reals are told: of a process, since its workers take turns (ftp/announce.cc),
// and another one after a restart, since reals remember the connections of before.
uint32_t first_told_port() {
  static const auto first = static_cast<uint32_t>(rte_rand() % kLocalPorts);
  return first;
}

// Some milliseconds of hand-offs at full speed of one worker.
constexpr unsigned kInbox = 4096;
constexpr uint32_t kCopiesAtOnce = 1024;

int enter(void* worker) {
  run(*static_cast<Worker*>(worker));
  return 0;
}

void connect_ports(Worker& worker, const WorkerSurroundings& around) {
  for (const PortInfo& info : around.ports) {
    WorkerPort& port = worker.ports[info.id];
    port.present = true;
    worker.steered &= info.steered;
    port.queue = static_cast<uint16_t>(worker.index);
    port.mac() = info.mac;
    port.vlan = info.vlan;
    port.inserts_tags = info.inserts_tags;
    port.to_kernel = around.rings.to_kernel(info.id);
    // Linux sends little, and in order: one worker does it.
    port.from_kernel = worker.index == 0 ? around.rings.from_kernel(info.id) : nullptr;
    worker.port_count = std::max<uint32_t>(worker.port_count, info.id + 1u);
  }
}

}  // namespace

Result<Workers::Owned> Workers::build_one(const DataplaneOptions& options, uint32_t index,
                                          const std::vector<Lcore>& lcores, const WorkerSurroundings& around) {
  const unsigned lcore = lcores[index + 1].id;
  const auto workers = static_cast<uint32_t>(lcores.size() - 1);
  const std::string who = "worker " + std::to_string(index) + " ";
  Owned owned;
  struct Piece {
    Memory& memory;
    const char* what;
    size_t bytes;
  };
  const Piece pieces[] = {
      {owned.object, "itself", sizeof(Worker)},
      {owned.table, "connections", ConnectionTable::bytes_for(options.connections_per_worker)},
      {owned.table6, "IPv6 connections", ConnectionTable6::bytes_for(options.ipv6_connections_per_worker)},
      {owned.real_counters, "counters", kMaxReals * sizeof(RealCounters)},
      {owned.cursors, "cursors", kMaxServices * sizeof(Cursor)},
      {owned.service_counters, "service counters", kMaxServices * sizeof(ServiceCounters)},
      {owned.real_outcomes, "outcomes", kMaxReals * sizeof(RealOutcomes)},
      {owned.load_trees, "load trees", LoadTrees::bytes()},
      {owned.localities, "localities", LocalityCache::bytes()},
      {owned.ftp_controls, "FTP control connections", FtpControls::bytes()},
      {owned.shared_loads, "loads", workers > 1 ? kMaxReals * sizeof(SharedLoad) : 0},
  };
  for (const Piece& piece : pieces) {
    if (piece.bytes == 0) continue;
    auto memory = allocate(who + piece.what, piece.bytes, lcore);
    if (!memory) return memory.error();
    piece.memory = std::move(*memory);
  }
  auto inbox = make_ring("inbox" + std::to_string(index), sizeof(void*), kInbox, RING_F_SC_DEQ);
  if (!inbox) return inbox.error();
  owned.inbox = std::move(*inbox);

  Worker& worker = *new (owned.object.get()) Worker;
  owned.worker = &worker;
  worker.index = index;
  worker.count = workers;
  worker.poll_mode = options.poll_mode;
  worker.current = around.publisher.current();
  worker.grace = around.publisher.grace();
  const HashKey key = HashKey::from_bytes(options.hash_key);
  worker.connections.attach(owned.table.get(), options.connections_per_worker, key);
  worker.connections6.attach(owned.table6.get(), options.ipv6_connections_per_worker, key);
  worker.real_counters = static_cast<RealCounters*>(owned.real_counters.get());
  std::uninitialized_default_construct_n(worker.real_counters, kMaxReals);
  worker.service_counters = static_cast<ServiceCounters*>(owned.service_counters.get());
  std::uninitialized_default_construct_n(worker.service_counters, kMaxServices);
  worker.real_outcomes = static_cast<RealOutcomes*>(owned.real_outcomes.get());
  std::uninitialized_default_construct_n(worker.real_outcomes, kMaxReals);
  worker.cursors = static_cast<Cursor*>(owned.cursors.get());
  const uint32_t first = first_place_of(index);
  std::uninitialized_fill_n(worker.cursors, kMaxServices, Cursor{.first = first, .position = first});
  // Begun, so that what they will draw can be told before they do.
  for (uint32_t service = 0; service < kMaxServices; ++service) worker.cursors[service].random = rte_rand() | 1;
  worker.load_trees.attach(owned.load_trees.get(), worker.real_counters);
  worker.localities.attach(owned.localities.get(), key);
  worker.templates = around.templates;
  worker.ftp.controls.attach(owned.ftp_controls.get());
  worker.ftp.next_port = first_told_port();
  worker.ftp.expectations = around.expectations;
  worker.shared_loads = {static_cast<const SharedLoad*>(owned.shared_loads.get()), workers,
                         load_phase_of(index, workers)};
  worker.pool = around.pool;
  worker.steering = around.steering;
  worker.local_port_search.first_turn = static_cast<uint32_t>(rte_rand());
  worker.inbox = owned.inbox.get();
  worker.resolve_requests = around.rings.resolve_requests();
  worker.path_mtus = around.rings.path_mtus();
  worker.cycles_per_ms = std::max<uint64_t>(1, rte_get_tsc_hz() / 1000);
  connect_ports(worker, around);
  return owned;
}

Result<std::unique_ptr<Workers>> Workers::build(const DataplaneOptions& options, const std::vector<Lcore>& lcores,
                                                const WorkerSurroundings& around) {
  std::unique_ptr<Workers> workers(new Workers);
  for (uint32_t index = 0; index + 1 < lcores.size(); ++index) {
    auto owned = build_one(options, index, lcores, around);
    if (!owned) return owned.error();
    workers->sharers_.push_back({owned->worker, static_cast<SharedLoad*>(owned->shared_loads.get())});
    workers->all_.push_back(std::move(*owned));
    workers->infos_.push_back({index, lcores[index + 1].id, options.connections_per_worker,
                               options.ipv6_connections_per_worker, table_bytes(options)});
  }
  for (Owned& owned : workers->all_) {
    for (uint32_t other = 0; other < workers->count(); ++other) {
      owned.worker->inboxes[other] = workers->all_[other].inbox.get();
    }
  }
  return workers;
}

Workers::~Workers() {
  stop();
  for (Owned& owned : all_) owned.worker->~Worker();
}

Result<void> Workers::launch() {
  running_ = true;
  for (Owned& owned : all_) {
    const unsigned lcore = infos_[owned.worker->index].lcore;
    if (rte_eal_remote_launch(enter, owned.worker, lcore) == 0) continue;
    return Error{ErrorCode::kInternal, "worker " + std::to_string(owned.worker->index) + ": lcore " +
                                           std::to_string(lcore) + " did not take it; the log above may say why"};
  }
  return {};
}

void Workers::stop() {
  if (!std::exchange(running_, false)) return;
  for (Owned& owned : all_) owned.worker->stop.store(true);
  rte_eal_mp_wait_lcore();
}

void Workers::ask(Owned& owned, Command& command) {
  const std::lock_guard lock(*owned.mailbox);
  owned.worker->command.store(&command, std::memory_order_release);
  while (!command.done.load(std::memory_order_acquire)) std::this_thread::sleep_for(std::chrono::microseconds(20));
}

void Workers::for_each_connection(const std::function<bool(const ConnectionCopy&)>& sink) {
  std::vector<ConnectionCopy> copies(kCopiesAtOnce);
  for (Owned& owned : all_) {
    AddressFamily family = AddressFamily::kIpv4;
    uint32_t position = 0;
    for (bool at_end = false; !at_end;) {
      Command command;
      command.family = family;
      command.position = position;
      command.copies = copies.data();
      command.capacity = kCopiesAtOnce;
      ask(owned, command);
      for (uint32_t i = 0; i < command.copied; ++i) {
        if (!sink(copies[i])) return;
      }
      family = command.family;
      position = command.position;
      at_end = command.at_end;
    }
  }
}

uint64_t Workers::flush_connections(RealId real) {
  uint64_t flushed = 0;
  for (Owned& owned : all_) {
    Command command;
    command.kind = Command::Kind::kFlushReal;
    command.real = real;
    ask(owned, command);
    flushed += command.flushed;
  }
  return flushed;
}

std::vector<Explanation> Workers::explain(const IpFlow& flow, uint16_t in_port) {
  std::vector<Explanation> all;
  for (Owned& owned : all_) {
    Explanation& explanation = all.emplace_back();
    explanation.flow = flow;
    explanation.in_port = in_port;
    Command command;
    command.kind = Command::Kind::kExplain;
    command.explanation = &explanation;
    ask(owned, command);
  }
  return all;
}

void Workers::set_taps(Owned& owned, const TapSet& taps) {
  auto next = taps.count == 0 ? nullptr : std::make_unique<const TapSet>(taps);
  Command command;
  command.kind = Command::Kind::kSetTaps;
  command.taps = next.get();
  ask(owned, command);
  owned.taps = std::move(next);
}

Result<void> Workers::add_taps(const std::vector<Tap*>& by_worker) {
  const std::lock_guard lock(taps_mutex_);
  for (uint32_t i = 0; i < count(); ++i) {
    TapSet taps = all_[i].taps ? *all_[i].taps : TapSet{};
    // All workers have as many, so the first one says so.
    if (taps.count == kMostTaps) {
      return Error{ErrorCode::kConflict, "tap: " + std::to_string(kMostTaps) +
                                             " traces and captures run already; end one of them first"};
    }
    taps.taps[taps.count++] = by_worker[i];
    set_taps(all_[i], taps);
  }
  return {};
}

void Workers::remove_taps(const std::vector<Tap*>& by_worker) {
  const std::lock_guard lock(taps_mutex_);
  for (uint32_t i = 0; i < count(); ++i) {
    TapSet left;
    for (uint32_t each = 0; each < all_[i].taps->count; ++each) {
      Tap* const tap = all_[i].taps->taps[each];
      if (tap != by_worker[i]) left.taps[left.count++] = tap;
    }
    set_taps(all_[i], left);
  }
}

}  // namespace shunt::dataplane
