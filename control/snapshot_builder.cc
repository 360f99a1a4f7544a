#include "control/snapshot_builder.h"

#include <algorithm>
#include <utility>

#include "control/address_table.h"
#include "dataplane/schedulers/scheduler.h"

namespace shunt::control {

using dataplane::AddressSlot;
using dataplane::Candidate;
using dataplane::RealEntry;
using dataplane::RealId;
using dataplane::Route;
using dataplane::ServiceEntry;
using dataplane::ServiceId;
using dataplane::ServiceSlot;
using dataplane::Snapshot;

// One service with the memory that its spans point into.
struct SnapshotBuilder::ServiceBlock {
  ServiceEntry entry;
  std::vector<Candidate> candidates;
  std::vector<uint32_t> slots;
  AddressList local_addresses;
};

// All services, and what keeps their spans alive.
struct SnapshotBuilder::ServiceTable {
  std::vector<ServiceEntry> entries;
  std::vector<std::shared_ptr<const ServiceBlock>> blocks;
};

namespace {

bool same_candidates(const std::vector<Candidate>& a, const std::vector<Candidate>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Candidate& x, const Candidate& y) {
    return x.id == y.id && x.weight == y.weight && x.table_weight == y.table_weight;
  });
}

// The slot table of schedulers that need one.
std::vector<uint32_t> slot_table(dataplane::SchedulerKind kind, const std::vector<Candidate>& candidates,
                                 std::span<const RealEntry> reals) {
  const dataplane::Scheduler& scheduler = dataplane::scheduler_for(kind);
  if (scheduler.fill == nullptr || candidates.empty()) return {};
  std::vector<uint32_t> slots(scheduler.slots_wanted(candidates));
  std::vector<uint32_t> scratch(candidates.size() * dataplane::Scheduler::kScratchPerCandidate);
  scheduler.fill(candidates, reals, slots, scratch);
  return slots;
}

template <typename T>
T& grow_to(std::vector<T>& list, size_t index) {
  if (list.size() <= index) list.resize(index + 1);
  return list[index];
}

}  // namespace

void SnapshotBuilder::set_real(RealId id, const IpAddress& address, uint16_t port, dataplane::Method method,
                               ServiceId service) {
  RealEntry& real = grow_to(reals_, id.index);
  real = {};
  real.address = address;
  real.port = Be16::from_host(port);
  real.method = method;
  real.used = true;
  real.service = service;
  // A set for each service: an index must not change its owner while connections are left.
  real.timeouts = static_cast<uint16_t>(service.index);
  resolve(real);
  dirty_.reals = true;
  dirty_.addresses |= method == dataplane::Method::kNat;
}

void SnapshotBuilder::free_real(RealId id) {
  dirty_.addresses |= reals_[id.index].method == dataplane::Method::kNat;
  reals_[id.index] = {};
  dirty_.reals = true;
}

void SnapshotBuilder::set_service(const ServiceInput& input) {
  auto block = std::make_shared<ServiceBlock>();
  block->candidates = input.candidates;
  block->slots = slot_table(input.scheduler, block->candidates, reals_);
  block->local_addresses = input.local_addresses;

  std::shared_ptr<const ServiceBlock>& current = grow_to(blocks_, input.id.index);
  ServiceEntry& entry = block->entry;
  entry.id = input.id;
  entry.address = input.address;
  entry.port = Be16::from_host(input.port);
  entry.protocol = static_cast<uint8_t>(input.protocol);
  entry.scheduler = input.scheduler;
  entry.scheduler_flags = input.scheduler_flags;
  entry.method = input.method;
  entry.sloppy_tcp = input.sloppy_tcp;
  entry.candidates = block->candidates;
  entry.slots = block->slots;
  if (block->local_addresses) entry.local_addresses = *block->local_addresses;
  // What another scheduler left in a worker's cursor must not be taken for a place in this one's round.
  const bool same_round = current && current->entry.scheduler == input.scheduler &&
                          same_candidates(current->candidates, block->candidates);
  entry.generation = same_round ? current->entry.generation : ++generations_;

  const bool is_new = !current;
  current = std::move(block);
  dataplane::TimeoutSet& timeouts = grow_to(timeouts_, input.id.index);
  dirty_.timeouts |= timeouts != input.timeouts || is_new;
  timeouts = input.timeouts;
  dirty_.services = true;
  dirty_.service_set |= is_new;
  dirty_.addresses |= is_new;
}

void SnapshotBuilder::remove_service(ServiceId id) {
  blocks_[id.index] = nullptr;
  dirty_.services = dirty_.service_set = dirty_.addresses = true;
}

void SnapshotBuilder::set_pools(std::vector<AddressList> pools) {
  pools_ = std::move(pools);
  dirty_.addresses = true;
}

void SnapshotBuilder::set_own_addresses(std::vector<IpAddress> addresses) {
  if (addresses == own_addresses_) return;
  own_addresses_ = std::move(addresses);
  dirty_.addresses = true;
}

void SnapshotBuilder::set_next_hops(std::shared_ptr<const NextHopTables> next_hops) {
  next_hops_ = std::move(next_hops);
  dirty_.next_hops = true;
}

void SnapshotBuilder::set_link(uint16_t port, bool up) {
  dirty_.links |= link_up_[port] != up;
  link_up_[port] = up;
}

bool SnapshotBuilder::is_dirty() const noexcept {
  return dirty_.reals || dirty_.services || dirty_.timeouts || dirty_.addresses || dirty_.next_hops || dirty_.links;
}

// True when its way out changed.
bool SnapshotBuilder::resolve(RealEntry& real) const {
  const Route route = next_hops_->view().route_to(real.address);
  RealEntry after = real;
  if (route.kind == Route::Kind::kFound) {
    const dataplane::NextHop& hop = next_hops_->hops[route.hop.index];
    after.next_hop = route.hop;
    after.take_way_out(hop, link_up_[hop.port]);
  } else {
    after.lose_way_out();
  }
  const bool changed = after.next_hop != real.next_hop || !(after.way_out == real.way_out) ||
                       after.local_address != real.local_address;
  real = after;
  return changed;
}

void SnapshotBuilder::resolve_all() {
  for (RealEntry& real : reals_) {
    if (real.used && resolve(real)) dirty_.reals = true;
  }
}

void SnapshotBuilder::rebuild_service_slots() {
  service_order_.clear();
  for (uint32_t i = 0; i < blocks_.size(); ++i) {
    if (blocks_[i]) service_order_.push_back({i});
  }
  auto slots = empty_table<ServiceSlot>(service_order_.size());
  const size_t mask = slots.size() - 1;
  for (uint32_t place = 0; place < service_order_.size(); ++place) {
    const ServiceEntry& entry = blocks_[service_order_[place].index]->entry;
    size_t i = dataplane::service_hash(entry.protocol, entry.address, entry.port) & mask;
    while (slots[i].protocol != 0) i = (i + 1) & mask;
    slots[i] = {entry.address, entry.port, entry.protocol, place};
  }
  built_slots_ = std::make_shared<const std::vector<ServiceSlot>>(std::move(slots));
}

void SnapshotBuilder::rebuild_services() {
  auto table = std::make_shared<ServiceTable>();
  table->entries.reserve(service_order_.size());
  table->blocks.reserve(service_order_.size());
  for (const ServiceId id : service_order_) {
    table->entries.push_back(blocks_[id.index]->entry);
    table->blocks.push_back(blocks_[id.index]);
  }
  built_services_ = std::move(table);
}

void SnapshotBuilder::rebuild_addresses() {
  size_t entries = own_addresses_.size() + service_order_.size() + reals_.size();
  for (const AddressList& pool : pools_) entries += pool->size();
  AddressTable table(entries);
  for (const IpAddress& address : own_addresses_) table.add(address, AddressSlot::Kind::kOwn);
  for (const ServiceId id : service_order_) table.add(blocks_[id.index]->entry.address, AddressSlot::Kind::kVip);
  for (const AddressList& pool : pools_) {
    for (const IpAddress& address : *pool) table.add(address, AddressSlot::Kind::kLocal);
  }
  for (const RealEntry& real : reals_) {
    if (real.used && real.method == dataplane::Method::kNat) table.add(real.address, AddressSlot::Kind::kReal);
  }
  built_addresses_ = std::make_shared<const std::vector<AddressSlot>>(std::move(table).take());
}

std::unique_ptr<const Snapshot> SnapshotBuilder::build() {
  const bool first = version_ == 0;
  if (dirty_.next_hops || dirty_.links) resolve_all();
  if (dirty_.reals || first) built_reals_ = std::make_shared<const std::vector<RealEntry>>(reals_);
  if (dirty_.service_set || first) rebuild_service_slots();
  if (dirty_.services || first) rebuild_services();
  if (dirty_.addresses || first) rebuild_addresses();
  if (dirty_.timeouts || first) {
    built_timeouts_ = std::make_shared<const std::vector<dataplane::TimeoutSet>>(timeouts_);
  }
  dirty_ = {};

  auto snapshot = std::make_unique<Snapshot>();
  snapshot->version = ++version_;
  snapshot->reals = *built_reals_;
  snapshot->services = built_services_->entries;
  snapshot->service_slots = *built_slots_;
  snapshot->addresses = *built_addresses_;
  snapshot->timeouts = *built_timeouts_;
  snapshot->next_hops = next_hops_->view();
  snapshot->port_addresses = next_hops_->port_addresses;
  snapshot->link_up = link_up_;
  snapshot->storage = {built_reals_, built_services_, built_slots_, built_addresses_, built_timeouts_, next_hops_};
  return snapshot;
}

}  // namespace shunt::control
