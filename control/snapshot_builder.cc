#include "control/snapshot_builder.h"

#include <algorithm>
#include <map>
#include <utility>

#include "control/address_table.h"
#include "control/limited_table.h"
#include "control/port_stretches.h"
#include "dataplane/client_address/carrying.h"
#include "dataplane/schedulers/scheduler.h"

namespace shunt::control {

using dataplane::AddressSlot;
using dataplane::Candidate;
using dataplane::OnePacketSlot;
using dataplane::PortStretch;
using dataplane::RangeSlot;
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
  std::vector<Candidate> by_id;
  std::vector<Candidate> sorry;
  std::vector<uint32_t> slots;
  AddressList local_addresses;
  AddressList local_addresses6;
  bool has_far_reals = false;
  AccessTableRef access;
  LimitsRef limits;
  std::vector<Vip> vips;
  std::optional<MatchRule> match;
  uint32_t priority = 0;
};

// All services, and what keeps their spans alive.
struct SnapshotBuilder::ServiceTable {
  std::vector<ServiceEntry> entries;
  std::vector<std::shared_ptr<const ServiceBlock>> blocks;
};

// How services are found; `service` there is a place in service_order_.
struct SnapshotBuilder::LookupTable {
  std::vector<ServiceSlot> slots;
  std::vector<RangeSlot> range_slots;
  std::vector<PortStretch> stretches;
  std::unique_ptr<const MatchTableMemory> matches;
};

struct SnapshotBuilder::LimitedTable : LimitedMemory {};

namespace {

bool has_ftp(const ServiceEntry& service) { return service.application == dataplane::Application::kFtp; }
bool has_rates(const LimitsRef& limits) { return limits != nullptr && limits->limits().has_packet_rates(); }

bool is_of_ipv4(const ServiceInput& input) {
  return input.vips.empty() ? input.match->family == AddressFamily::kIpv4 : input.vips.front().address.is_v4();
}

// Its reals' packets of no connection may be answers, or begin one.
bool speaks_first(const ServiceEntry& service) { return service.one_packet || service.persistence.by_call; }

bool same_match(const std::optional<MatchRule>& a, const std::optional<MatchRule>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return a->protocol == b->protocol && a->family == b->family && a->clients == b->clients && a->vips == b->vips &&
         a->ports == b->ports && a->in_port == b->in_port;
}

// Requests for any address fit, those of replies among them.
bool takes_any_destination(const MatchRule& rule) {
  return rule.vips.empty() ||
         std::any_of(rule.vips.begin(), rule.vips.end(), [](const Prefix& prefix) { return prefix.length == 0; });
}

// Those that kernel ports answer for.
std::vector<IpAddress> vip_addresses(const std::vector<Vip>& vips, const std::optional<MatchRule>& match) {
  std::vector<IpAddress> addresses;
  for (const Vip& vip : vips) addresses.push_back(vip.address);
  if (!match) return addresses;
  for (const Prefix& prefix : match->vips) {
    if (prefix.is_one_address()) addresses.push_back(prefix.address);
  }
  return addresses;
}

// Puts a slot at the first free place from its hash on.
template <typename Slot>
void place(std::vector<Slot>& slots, uint32_t hash, const Slot& slot) {
  const size_t mask = slots.size() - 1;
  size_t i = hash & mask;
  while (slots[i].protocol != 0) i = (i + 1) & mask;
  slots[i] = slot;
}

bool have_thresholds(const std::vector<Candidate>& candidates) {
  return std::any_of(candidates.begin(), candidates.end(),
                     [](const Candidate& candidate) { return candidate.thresholds.upper > 0; });
}

// Where a real is asked for by its id.
std::vector<Candidate> by_id(const ServiceInput& input) {
  const bool remembers = input.scheduler == dataplane::SchedulerKind::kLblc ||
                         input.scheduler == dataplane::SchedulerKind::kLblcr || input.persistence.timeout_ms > 0;
  if (!remembers && !have_thresholds(input.candidates)) return {};
  std::vector<Candidate> sorted = input.candidates;
  std::sort(sorted.begin(), sorted.end(), [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
  return sorted;
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
  const bool is_read = real.service == service && real.has_ftp();
  const bool crosses = real.service == service && real.crosses();
  real = RealEntry{};
  real.address = address;
  real.port = Be16::from_host(port);
  real.method = method;
  real.service = service;
  // A set for each service: an index must not change its owner while connections are left.
  real.timeouts = static_cast<uint16_t>(service.index);
  const ServiceBlock* block = service.index < blocks_.size() ? blocks_[service.index].get() : nullptr;
  real.set_rates(block != nullptr && has_rates(block->limits));
  real.set_ftp(is_read || (block != nullptr && has_ftp(block->entry)));
  real.set_crosses(crosses || (block != nullptr && block->has_far_reals && (block->entry.crosses || address.is_v4())));
  resolve(real);
  dirty_.reals = true;
  dirty_.addresses |= method == dataplane::Method::kNat;
  dirty_.one_packet |= method == dataplane::Method::kNat;
}

void SnapshotBuilder::set_tunnel(RealId id, const dataplane::Tunnel& tunnel) {
  RealEntry& real = reals_[id.index];
  const Be16 port = Be16::from_host(tunnel.port);
  if (real.tunnel == tunnel.kind && real.tunnel_port == port) return;
  real.tunnel = tunnel.kind;
  real.tunnel_port = port;
  resolve(real);
  dirty_.reals = true;
}

void SnapshotBuilder::free_real(RealId id) {
  dirty_.addresses |= reals_[id.index].method == dataplane::Method::kNat;
  dirty_.one_packet |= reals_[id.index].method == dataplane::Method::kNat;
  reals_[id.index] = RealEntry{};
  dirty_.reals = true;
}

void SnapshotBuilder::set_service(const ServiceInput& input) {
  auto block = std::make_shared<ServiceBlock>();
  block->candidates = input.candidates;
  block->by_id = by_id(input);
  block->sorry = input.sorry;
  block->slots = slot_table(input.scheduler, block->candidates, reals_);
  block->local_addresses = input.local_addresses;
  block->local_addresses6 = input.local_addresses6;
  block->has_far_reals = input.has_far_reals;
  block->access = input.access;
  block->limits = input.limits;

  std::shared_ptr<const ServiceBlock>& current = grow_to(blocks_, input.id.index);
  ServiceEntry& entry = block->entry;
  block->vips = input.vips;
  block->match = input.match;
  block->priority = input.priority;
  entry.id = input.id;
  if (!input.vips.empty()) {
    entry.address = input.vips.front().address;
    entry.port = Be16::from_host(input.vips.front().ports.first);
  }
  entry.protocol = static_cast<uint8_t>(input.protocol);
  entry.scheduler = input.scheduler;
  entry.scheduler_flags = input.scheduler_flags;
  entry.load_bound = input.load_bound;
  entry.method = input.method;
  entry.sloppy_tcp = input.sloppy_tcp;
  entry.one_packet = input.one_packet;
  entry.any_destination = input.match && takes_any_destination(*input.match);
  entry.no_real = input.no_real;
  entry.refusal = input.refusal;
  if (block->access) entry.access = &block->access->table();
  entry.has_limits = block->limits != nullptr;
  mark_rates(input.id, has_rates(block->limits));
  entry.persistence = input.persistence;
  entry.has_thresholds = have_thresholds(block->candidates);
  entry.sloppy_sctp = input.sloppy_sctp;
  entry.client_address = input.client_address;
  entry.is_watched = input.is_watched;
  entry.application = input.application;
  const bool had_ftp = current && has_ftp(current->entry);
  const bool had_far_reals = current && current->has_far_reals;
  entry.crosses = input.has_far_reals && is_of_ipv4(input);
  // Reals that come later have these from set_real().
  if (has_ftp(entry) && !had_ftp) mark_reals(input.id, [](RealEntry& real) { real.set_ftp(true); });
  if (input.has_far_reals && !had_far_reals) {
    mark_reals(input.id, [&](RealEntry& real) { real.set_crosses(entry.crosses || real.address.is_v4()); });
  }
  entry.candidates = block->candidates;
  entry.by_id = block->by_id;
  entry.sorry = block->sorry;
  entry.slots = block->slots;
  if (block->local_addresses) entry.local_addresses.v4 = *block->local_addresses;
  if (block->local_addresses6) entry.local_addresses.v6 = *block->local_addresses6;
  // What another scheduler left in a worker's cursor must not be taken for a place in this one's round.
  const bool same_round = current && current->entry.scheduler == input.scheduler &&
                          current->candidates == block->candidates;
  entry.generation = same_round ? current->entry.generation : ++generations_;
  const bool new_scheduler = current && current->entry.scheduler != input.scheduler;
  entry.round = current && !new_scheduler ? current->entry.round : ++rounds_;
  entry.scheduler_changed = new_scheduler || (current && current->entry.scheduler_changed);

  const bool is_new = !current;
  const bool ftp_changed = has_ftp(entry) != had_ftp || (had_ftp && current->entry.method != entry.method);
  const bool found_otherwise = is_new || current->vips != block->vips || current->priority != block->priority ||
                               !same_match(current->match, block->match);
  dirty_.one_packet |= speaks_first(entry) || (current && speaks_first(current->entry));
  current = std::move(block);
  dataplane::TimeoutSet& timeouts = grow_to(timeouts_, input.id.index);
  uint16_t& segment_size = grow_to(max_segment_sizes_, input.id.index);
  dirty_.timeouts |= timeouts != input.timeouts || segment_size != input.max_segment_size || is_new;
  timeouts = input.timeouts;
  segment_size = input.max_segment_size;
  set_carrying(input.id, {input.client_address, entry.protocol});
  dirty_.services = true;
  dirty_.service_set |= found_otherwise;
  dirty_.addresses |= found_otherwise || ftp_changed;
}

template <typename Mark>
void SnapshotBuilder::mark_reals(ServiceId service, Mark mark) {
  for (RealEntry& real : reals_) {
    if (real.service != service) continue;
    mark(real);
    resolve(real);
    dirty_.reals = true;
  }
}

void SnapshotBuilder::mark_rates(ServiceId service, bool has_rates) {
  const bool had_rates = blocks_[service.index] != nullptr && control::has_rates(blocks_[service.index]->limits);
  // Reals that came since have it from set_real().
  if (has_rates == had_rates) return;
  for (RealEntry& real : reals_) {
    if (real.service != service || real.has_rates() == has_rates) continue;
    real.set_rates(has_rates);
    dirty_.reals = true;
  }
}

// Its reals have room for less where packets grow. That stays, as timeouts do, for the connections that are left.
void SnapshotBuilder::set_carrying(ServiceId id, const Carrying& carrying) {
  const Carrying before = std::exchange(grow_to(carrying_, id.index), carrying);
  constexpr auto kNone = dataplane::ClientAddressKind::kNone;
  dirty_.carrying |= before != carrying && (before.how.kind != kNone || carrying.how.kind != kNone);
}

void SnapshotBuilder::remove_service(ServiceId id) {
  if (id.index >= blocks_.size() || !blocks_[id.index]) return;
  mark_rates(id, false);
  dirty_.one_packet |= speaks_first(blocks_[id.index]->entry);
  blocks_[id.index] = nullptr;
  dirty_.services = dirty_.service_set = dirty_.addresses = true;
}

void SnapshotBuilder::set_pools(std::vector<AddressList> pools) {
  pools_ = std::move(pools);
  dirty_.addresses = true;
}

void SnapshotBuilder::set_snat(std::span<const SnatInput> rules) {
  built_snat_ = make_snat_table(rules);
  dirty_.snat = dirty_.addresses = true;
}

void SnapshotBuilder::set_snat_timeouts(ServiceId id, const dataplane::TimeoutSet& timeouts) {
  grow_to(timeouts_, id.index) = timeouts;
  grow_to(max_segment_sizes_, id.index) = 0;
  dirty_.timeouts = true;
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

void SnapshotBuilder::set_path_mtu(const IpAddress& real, uint16_t mtu) {
  const uint16_t before = std::exchange(path_mtus_[real], mtu);
  if (mtu == 0) path_mtus_.erase(real);
  dirty_.path_mtus |= before != mtu;
}

uint16_t SnapshotBuilder::path_mtu_of(const RealEntry& real) const {
  const auto found = path_mtus_.find(real.address);
  return real.method == dataplane::Method::kTunnel && found != path_mtus_.end() ? found->second : uint16_t{0};
}

void SnapshotBuilder::set_sysctls(const dataplane::Sysctls& sysctls) {
  dirty_.sysctls |= sysctls_ != sysctls;
  sysctls_ = sysctls;
}

void SnapshotBuilder::set_expired(std::vector<RealId> reals) {
  std::sort(reals.begin(), reals.end());
  if (reals == expired_) return;
  expired_ = std::move(reals);
  ++expired_generation_;
  dirty_.expired = true;
}

bool SnapshotBuilder::is_dirty() const noexcept {
  return dirty_.reals || dirty_.services || dirty_.timeouts || dirty_.addresses || dirty_.next_hops || dirty_.links ||
         dirty_.path_mtus || dirty_.sysctls || dirty_.expired || dirty_.snat;
}

uint16_t SnapshotBuilder::carried_to(const RealEntry& real) const {
  const size_t service = real.service.index;
  if (service >= carrying_.size()) return 0;
  const AddressFamily family = real.crosses() ? AddressFamily::kIpv6 : real.address.family;
  return dataplane::carried_bytes(carrying_[service].how, family, carrying_[service].protocol);
}

// True when its way out changed.
bool SnapshotBuilder::resolve(RealEntry& real) const {
  if (real.method == dataplane::Method::kSnat) return false;  // each of its connections has its own way
  const Route route = next_hops_->view().route_to(real.address);
  RealEntry after = real;
  if (route.kind == Route::Kind::kFound) {
    dataplane::NextHop hop = next_hops_->hops[route.hop.index];
    if (const uint16_t mtu = path_mtu_of(real); mtu != 0) hop.mtu = std::min(hop.mtu, mtu);
    after.next_hop = route.hop;
    after.take_way_out(hop, link_up_[hop.port], carried_to(real));
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
    if (real.is_used() && resolve(real)) dirty_.reals = true;
  }
}

void SnapshotBuilder::rebuild_lookup() {
  service_order_.clear();
  size_t exact = 0;
  for (uint32_t i = 0; i < blocks_.size(); ++i) {
    if (!blocks_[i]) continue;
    service_order_.push_back({i});
    for (const Vip& vip : blocks_[i]->vips) exact += vip.ports.is_one() ? 1 : 0;
  }
  auto lookup = std::make_shared<LookupTable>();
  lookup->slots = empty_table<ServiceSlot>(exact);
  std::map<std::pair<uint8_t, IpAddress>, std::vector<PortsOf>> ranges;
  std::vector<std::pair<uint32_t, MatchRule>> rules;  // with their priority
  for (uint32_t index = 0; index < service_order_.size(); ++index) {
    const ServiceBlock& block = *blocks_[service_order_[index].index];
    const uint8_t protocol = block.entry.protocol;
    for (const auto& [address, ports] : block.vips) {
      if (!ports.is_one()) {
        ranges[{protocol, address}].push_back({ports, index});
        continue;
      }
      const Be16 port = Be16::from_host(ports.first);
      place(lookup->slots, dataplane::service_hash(protocol, address, port), {address, port, protocol, index});
    }
    if (block.match) rules.emplace_back(block.priority, *block.match).second.service = index;
  }
  if (!ranges.empty()) lookup->range_slots = empty_table<RangeSlot>(ranges.size());
  for (auto& [vip, list] : ranges) {
    const auto stretches = stretches_of(std::move(list));
    const auto begin = static_cast<uint32_t>(lookup->stretches.size());
    lookup->stretches.insert(lookup->stretches.end(), stretches.begin(), stretches.end());
    const RangeSlot slot{vip.second, vip.first, begin, static_cast<uint32_t>(stretches.size())};
    place(lookup->range_slots, dataplane::service_hash(vip.first, vip.second, {}), slot);
  }
  std::stable_sort(rules.begin(), rules.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<MatchRule> sorted;
  for (auto& [priority, rule] : rules) sorted.push_back(std::move(rule));
  lookup->matches = std::make_unique<const MatchTableMemory>(sorted);
  built_lookup_ = std::move(lookup);
}

// Of nat reals alone: others' replies do not come here, or find their connection.
std::vector<OnePacketSlot> SnapshotBuilder::one_packet_slots() const {
  std::vector<OnePacketSlot> wanted;
  for (uint32_t i = 0; i < reals_.size(); ++i) {
    const RealEntry& real = reals_[i];
    if (!real.is_used() || real.method != dataplane::Method::kNat || real.service.index >= blocks_.size()) continue;
    const auto& block = blocks_[real.service.index];
    if (!block || block->vips.empty() || !speaks_first(block->entry)) continue;
    const auto& [vip, ports] = block->vips.front();
    wanted.push_back({real.address, real.port, block->entry.protocol, {i}, vip, ports.first, ports.last,
                      block->entry.persistence.by_call});
  }
  if (wanted.empty()) return {};
  auto slots = empty_table<OnePacketSlot>(wanted.size());
  for (const OnePacketSlot& slot : wanted) {
    place(slots, dataplane::service_hash(slot.protocol, slot.address, slot.port), slot);
  }
  return slots;
}

// A real that keeps its packets' ports has none of its own (ip_vs_ctl.c ip_vs_has_real_service).
std::vector<dataplane::NatRealSlot> SnapshotBuilder::nat_real_slots() const {
  if (!sysctls_.nat_icmp_send) return {};
  std::vector<dataplane::NatRealSlot> wanted;
  for (const RealEntry& real : reals_) {
    if (!real.is_used() || real.method != dataplane::Method::kNat || real.service.index >= blocks_.size()) continue;
    const auto& block = blocks_[real.service.index];
    if (block && real.port.raw != 0) wanted.push_back({real.address, real.port, block->entry.protocol});
  }
  if (wanted.empty()) return {};
  auto slots = empty_table<dataplane::NatRealSlot>(wanted.size());
  for (const dataplane::NatRealSlot& slot : wanted) {
    place(slots, dataplane::service_hash(slot.protocol, slot.address, slot.port), slot);
  }
  return slots;
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
  std::vector<IpAddress> vips;
  for (const ServiceId id : service_order_) {
    const auto own = vip_addresses(blocks_[id.index]->vips, blocks_[id.index]->match);
    vips.insert(vips.end(), own.begin(), own.end());
  }
  size_t entries = own_addresses_.size() + vips.size() + reals_.size();
  std::vector<AddressList> pools = pools_;
  pools.insert(pools.end(), built_snat_->pools.begin(), built_snat_->pools.end());
  for (const AddressList& pool : pools) entries += pool->size();
  AddressTable table(entries);
  for (const IpAddress& address : own_addresses_) table.add(address, AddressSlot::Kind::kOwn);
  for (const IpAddress& vip : vips) table.add(vip, AddressSlot::Kind::kVip);
  for (const ServiceId id : service_order_) {
    const ServiceBlock& block = *blocks_[id.index];
    if (!has_ftp(block.entry)) continue;
    const bool is_nat = block.entry.method == dataplane::Method::kNat;
    for (const IpAddress& vip : vip_addresses(block.vips, block.match)) {
      table.add(vip, is_nat ? AddressSlot::Kind::kFtpNat : AddressSlot::Kind::kFtpFullnat);
    }
  }
  for (const AddressList& pool : pools) {
    for (const IpAddress& address : *pool) table.add(address, AddressSlot::Kind::kLocal);
  }
  for (const RealEntry& real : reals_) {
    if (real.is_used() && real.method == dataplane::Method::kNat) table.add(real.address, AddressSlot::Kind::kReal);
  }
  built_addresses_ = std::make_shared<const std::vector<AddressSlot>>(std::move(table).take());
}

void SnapshotBuilder::rebuild_limited() {
  auto table = std::make_shared<LimitedTable>();
  for (const ServiceId id : service_order_) {
    if (blocks_[id.index]->limits) table->add(id, blocks_[id.index]->limits);
  }
  table->take_reals(reals_);
  built_limited_ = std::move(table);
}

void SnapshotBuilder::rebuild_expired() {
  std::vector<uint64_t> bits(expired_.empty() ? 0 : expired_.back().index / 64 + 1);
  for (const RealId id : expired_) bits[id.index / 64] |= uint64_t{1} << id.index % 64;
  built_expired_ = std::make_shared<const std::vector<uint64_t>>(std::move(bits));
}

std::unique_ptr<const Snapshot> SnapshotBuilder::build() {
  const bool first = version_ == 0;
  if (dirty_.next_hops || dirty_.links || dirty_.path_mtus || dirty_.carrying) resolve_all();
  const bool limited_changed = dirty_.reals || dirty_.services || first;
  if (dirty_.reals || first) {
    built_reals_ = std::make_shared<const std::vector<RealEntry>>(reals_);
    built_crossings_ = std::any_of(reals_.begin(), reals_.end(), [](const RealEntry& real) { return real.crosses(); });
  }
  if (dirty_.service_set || first) rebuild_lookup();
  if (dirty_.services || first) rebuild_services();
  if (limited_changed) rebuild_limited();
  if (dirty_.addresses || first) rebuild_addresses();
  if (dirty_.one_packet || first) {
    built_one_packet_ = std::make_shared<const std::vector<OnePacketSlot>>(one_packet_slots());
  }
  if (dirty_.one_packet || dirty_.sysctls || first) {
    built_nat_reals_ = std::make_shared<const std::vector<dataplane::NatRealSlot>>(nat_real_slots());
  }
  if (dirty_.expired || first) rebuild_expired();
  if (dirty_.timeouts || first) {
    built_timeouts_ = std::make_shared<const std::vector<dataplane::TimeoutSet>>(timeouts_);
    built_segment_sizes_ = std::make_shared<const std::vector<uint16_t>>(max_segment_sizes_);
  }
  dirty_ = {};

  auto snapshot = std::make_unique<Snapshot>();
  snapshot->version = ++version_;
  snapshot->reals = *built_reals_;
  snapshot->services = built_services_->entries;
  snapshot->service_slots = built_lookup_->slots;
  snapshot->range_slots = built_lookup_->range_slots;
  snapshot->port_stretches = built_lookup_->stretches;
  snapshot->matches = built_lookup_->matches->table();
  snapshot->one_packet_slots = *built_one_packet_;
  snapshot->nat_real_slots = *built_nat_reals_;
  snapshot->snat_rules = built_snat_->entries;
  snapshot->snat_matches = built_snat_->matches->table();
  snapshot->addresses = *built_addresses_;
  snapshot->limited = built_limited_->services;
  snapshot->timeouts = *built_timeouts_;
  snapshot->max_segment_sizes = *built_segment_sizes_;
  snapshot->has_crossings = built_crossings_;
  snapshot->sysctls = sysctls_;
  snapshot->expired_reals = *built_expired_;
  snapshot->expired_generation = expired_generation_;
  snapshot->next_hops = next_hops_->view();
  snapshot->port_addresses = next_hops_->port_addresses;
  snapshot->link_up = link_up_;
  snapshot->storage = {built_reals_,     built_services_, built_lookup_,        built_one_packet_, built_nat_reals_,
                       built_addresses_, built_timeouts_, built_segment_sizes_, built_expired_,    next_hops_,
                       built_limited_, built_snat_};
  return snapshot;
}

}  // namespace shunt::control
