#include "tests/support/worker_fixture.h"

#include <gtest/gtest.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>

#include "dataplane/client_address/carrying.h"
#include "dataplane/defence.h"
#include "dataplane/expiry.h"
#include "dataplane/fragments.h"
#include "dataplane/housekeeping.h"
#include "dataplane/limits.h"
#include "dataplane/packet_path.h"
#include "tests/support/eal.h"

namespace shunt::test {

using namespace dataplane;

namespace {

constexpr uint32_t kRoom = 256;  // reals and services

rte_ring* make_ring() {
  static int made = 0;
  start_eal();
  rte_ring* ring =
      rte_ring_create(("fixture" + std::to_string(made++)).c_str(), 64, SOCKET_ID_ANY, 0);
  if (ring == nullptr) std::abort();
  return ring;
}

// Of what workers tell control.
rte_ring* make_news_ring(unsigned element_bytes) {
  static int made = 0;
  start_eal();
  rte_ring* ring = rte_ring_create_elem(("news" + std::to_string(made++)).c_str(), element_bytes, 64,
                                        SOCKET_ID_ANY, 0);
  if (ring == nullptr) std::abort();
  return ring;
}

template <typename Element>
std::vector<Element> take_news(rte_ring* ring) {
  std::vector<Element> news;
  Element element;
  while (rte_ring_dequeue_elem(ring, &element, sizeof element) == 0) news.push_back(element);
  return news;
}

// Empties a ring of mbufs into frames.
std::vector<Bytes> take_all(rte_ring* ring) {
  std::vector<Bytes> frames;
  void* mbuf;
  while (ring != nullptr && rte_ring_dequeue(ring, &mbuf) == 0) {
    frames.push_back(bytes_of(static_cast<rte_mbuf*>(mbuf)));
    rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
  }
  return frames;
}

// Puts a value into an open-addressed table at the first free place from its hash on.
template <typename Slot, typename IsFree>
void place(std::vector<Slot>& slots, uint32_t hash, const Slot& slot, IsFree is_free) {
  uint32_t at = hash & (slots.size() - 1);
  while (!is_free(slots[at])) at = (at + 1) & (slots.size() - 1);
  slots[at] = slot;
}

}  // namespace

namespace {

// For a next hop, or for a datagram's first fragment.
uint32_t waiting_in(const Worker& worker) {
  uint32_t waiting = worker.waiting.count;
  for (const auto& ring : worker.fragments.waiting) {
    for (uint32_t at = ring.head; at != ring.tail; ++at) {
      waiting += ring.places[at % FragmentTable::kPlacesOfRing].mbuf != nullptr;
    }
  }
  return waiting;
}

}  // namespace

std::string Outcome::summary() const {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  for (const Frame& frame : sent) add("sent " + std::to_string(frame.port));
  for (const Frame& frame : to_kernel) add("kernel " + std::to_string(frame.port));
  for (const uint32_t worker : handed_to) add("handed to " + std::to_string(worker));
  for (uint32_t i = 0; i < waiting; ++i) add("waits");
  for (const DropReason reason : dropped) add("dropped " + std::string(name_of(reason)));
  return text;
}

void expect_sent(const Outcome& outcome, uint16_t port, const PacketBuilder& expected) {
  ASSERT_EQ(outcome.summary(), "sent " + std::to_string(port));
  const Bytes& sent = outcome.sent[0].bytes;
  EXPECT_EQ(checksum_errors(sent), "") << describe(sent);
  EXPECT_EQ(describe(sent), describe(expected.bytes()));
  EXPECT_EQ(sent, expected.bytes());
}

struct WorkerFixture::Memory {
  std::vector<RealCounters> real_counters = std::vector<RealCounters>(kRoom);
  std::vector<Cursor> cursors = std::vector<Cursor>(kRoom);
  std::vector<ServiceCounters> service_counters = std::vector<ServiceCounters>(kRoom);
  std::vector<RealOutcomes> real_outcomes = std::vector<RealOutcomes>(kRoom);
  std::unique_ptr<void, decltype(&std::free)> table{nullptr, &std::free};
  std::unique_ptr<void, decltype(&std::free)> table6{nullptr, &std::free};
  std::unique_ptr<void, decltype(&std::free)> trees{nullptr, &std::free};
  std::unique_ptr<void, decltype(&std::free)> localities{nullptr, &std::free};
  std::unique_ptr<void, decltype(&std::free)> ftp_controls{nullptr, &std::free};
  std::vector<rte_ring*> rings;

  ~Memory() {
    for (rte_ring* ring : rings) rte_ring_free(ring);
  }
  rte_ring* ring() {
    rings.push_back(make_ring());
    return rings.back();
  }
};

namespace {

void* zeroed(size_t bytes) {
  bytes = (bytes + 63) & ~size_t{63};
  void* memory = std::aligned_alloc(64, bytes);
  std::memset(memory, 0, bytes);
  return memory;
}

}  // namespace

WorkerFixture::WorkerFixture(uint32_t workers, uint32_t capacity)
    : mbufs_before_(mbufs_in_use()), resolve_ring_(make_news_ring(sizeof(ResolveElement))),
      path_mtu_ring_(make_news_ring(sizeof(PathMtuElement))) {
  const dataplane::WayOut outside{kGatewayMac, kOutsideMac, kOutside, 1500};
  hops_.push_back({outside, port_addresses_[kOutside].v4, ip("198.18.0.1"), true});
  hops_.push_back({outside, port_addresses_[kOutside].v6, ip("fe80::1"), true});
  templates_memory_.reset(zeroed(TemplateTable::bytes_for(kTemplates)));
  templates_.attach(templates_memory_.get(), kTemplates, HashKey::from_bytes({1, 2, 3}));
  expectations_memory_.reset(zeroed(ExpectationTable::bytes_for(kExpectationsHere)));
  expectations_.attach(expectations_memory_.get(), kExpectationsHere, HashKey::from_bytes({1, 2, 3}));
  if (workers > 1) steering_ = std::make_unique<Steering>(rss_key(), 128, workers);
  for (uint32_t i = 0; i < workers; ++i) make_worker(i, workers, capacity);
  for (uint32_t i = 0; i < workers; ++i) {
    for (uint32_t j = 0; j < workers; ++j) workers_[i]->inboxes[j] = workers_[j]->inbox;
  }
  publish();
}

WorkerFixture::~WorkerFixture() {
  for (auto& worker : workers_) {
    for (uint32_t i = 0; i < worker->waiting.count; ++i)
      rte_pktmbuf_free(worker->waiting.places[i].mbuf);
    for (auto& ring : worker->fragments.waiting) {
      for (; !ring.is_empty(); ++ring.head) rte_pktmbuf_free(ring.oldest().mbuf);
    }
    take_all(worker->inbox);
  }
  EXPECT_EQ(mbufs_in_use(), mbufs_before_) << "mbufs were lost or freed twice";
  workers_.clear();
  rte_ring_free(resolve_ring_);
  rte_ring_free(path_mtu_ring_);
}

void WorkerFixture::make_worker(uint32_t index, uint32_t count, uint32_t capacity) {
  auto memory = std::make_unique<Memory>();
  memory->table.reset(zeroed(ConnectionTable::bytes_for(capacity)));
  memory->table6.reset(zeroed(ConnectionTable6::bytes_for(capacity)));
  auto worker = std::make_unique<Worker>();
  worker->index = index;
  worker->count = count;
  worker->current = &current_;
  worker->steering = steering_.get();
  worker->connections.attach(memory->table.get(), capacity, HashKey::from_bytes({1, 2, 3}));
  worker->connections6.attach(memory->table6.get(), capacity, HashKey::from_bytes({1, 2, 3}));
  worker->real_counters = memory->real_counters.data();
  worker->cursors = memory->cursors.data();
  worker->service_counters = memory->service_counters.data();
  worker->real_outcomes = memory->real_outcomes.data();
  memory->trees.reset(std::aligned_alloc(64, LoadTrees::bytes()));
  worker->load_trees.attach(memory->trees.get(), worker->real_counters);
  memory->localities.reset(std::aligned_alloc(64, (LocalityCache::bytes() + 63) / 64 * 64));
  worker->localities.attach(memory->localities.get(), HashKey::from_bytes({1, 2, 3}));
  worker->templates = &templates_;
  memory->ftp_controls.reset(std::aligned_alloc(64, (FtpControls::bytes() + 63) / 64 * 64));
  worker->ftp.controls.attach(memory->ftp_controls.get());
  worker->ftp.expectations = &expectations_;
  worker->pool = mbuf_pool();
  worker->port_count = 2;
  worker->ports[kOutside].present = worker->ports[kInside].present = true;
  worker->ports[kOutside].mac() = kOutsideMac;
  worker->ports[kInside].mac() = kInsideMac;
  worker->ports[kOutside].to_kernel = memory->ring();
  worker->ports[kInside].to_kernel = memory->ring();
  worker->inbox = memory->ring();
  worker->resolve_requests = resolve_ring_;
  worker->path_mtus = path_mtu_ring_;
  worker->now = 5000;
  memories_.push_back(std::move(memory));
  workers_.push_back(std::move(worker));
}

ServiceId WorkerFixture::add_service(Protocol protocol, std::string_view vip, uint16_t port,
                                     Method method, SchedulerKind scheduler) {
  const ServiceId id{static_cast<uint32_t>(services_.size())};
  Service& service = services_.emplace_back();
  service.entry.id = id;
  service.entry.address = ip(vip);
  service.entry.port = Be16::from_host(port);
  service.entry.protocol = static_cast<uint8_t>(protocol);
  service.entry.scheduler = scheduler;
  service.entry.method = method;
  service.entry.generation = 1;
  return id;
}

void WorkerFixture::add_vip(ServiceId service, std::string_view vip, uint16_t first,
                            uint16_t last) {
  services_[service.index].more_vips.push_back({ip(vip), first, last});
}

RealId WorkerFixture::add_real(ServiceId service_id, std::string_view address, uint16_t port,
                               uint32_t weight) {
  Service& service = services_[service_id.index];
  const RealId id{static_cast<uint32_t>(reals_.size())};
  RealEntry real;
  real.address = ip(address);
  real.port = Be16::from_host(port);
  real.method = service.entry.method;
  real.next_hop = hop_id_of(id);
  real.service = service_id;
  reals_.push_back(real);
  hops_.push_back(
      {{real_mac(id), kInsideMac, kInside, 1500}, port_addresses_[kInside].of(real.address.family), ip(address),
       true});
  service.candidates.insert(service.candidates.begin(), {id, weight, std::max(weight, 1u)});
  ++service.entry.generation;
  return id;
}

WorkerFixture::Service& WorkerFixture::service_of(RealId real) {
  return services_[reals_[real.index].service.index];
}

void WorkerFixture::set_weight(RealId real, uint32_t weight) {
  Service& service = service_of(real);
  for (Candidate& candidate : service.candidates) {
    if (candidate.id == real) candidate.weight = weight;
  }
  ++service.entry.generation;
}

void WorkerFixture::set_thresholds(RealId real, Thresholds thresholds) {
  Service& service = service_of(real);
  for (Candidate& candidate : service.candidates) {
    if (candidate.id == real) candidate.thresholds = thresholds;
  }
  service.entry.has_thresholds = true;
  ++service.entry.generation;
}

void WorkerFixture::make_sorry(RealId real) {
  Service& service = service_of(real);
  service.sorry.push_back({real, 1, 1});
  remove_real(real);
}

std::vector<TemplateCopy> WorkerFixture::templates() {
  std::vector<TemplateCopy> all;
  for (uint32_t i = 0; i < templates_.places(); ++i) {
    if (const auto copy = templates_.copy_at(i, worker().now)) all.push_back(*copy);
  }
  return all;
}

void WorkerFixture::remove_real(RealId real) {
  Service& service = service_of(real);
  std::erase_if(service.candidates,
                [&](const Candidate& candidate) { return candidate.id == real; });
  ++service.entry.generation;
}

void WorkerFixture::expire_real(RealId real) {
  expired_reals_.resize(std::max<size_t>(expired_reals_.size(), real.index / 64 + 1));
  expired_reals_[real.index / 64] |= uint64_t{1} << real.index % 64;
  ++expired_generation_;
}

void WorkerFixture::add_local_address(ServiceId service, std::string_view address) {
  services_[service.index].local_addresses.push_back(ip(address));
}

void WorkerFixture::unresolve(RealId id) {
  real(id).next_hop = dataplane::kNoNextHop;
  hop_of(id).resolved = false;
}

void WorkerFixture::resolve(RealId id) {
  real(id).next_hop = hop_id_of(id);
  hop_of(id).resolved = true;
}

struct WorkerFixture::Tables {
  std::vector<RealEntry> reals;
  std::vector<std::vector<Candidate>> candidates;
  std::vector<std::vector<Candidate>> by_id;
  std::vector<std::vector<Candidate>> sorry;
  std::vector<std::vector<uint32_t>> slots;
  std::vector<std::vector<IpAddress>> local_addresses;
  std::vector<ServiceEntry> services;
  std::vector<ServiceSlot> service_slots = std::vector<ServiceSlot>(2 * kRoom);
  std::vector<RangeSlot> range_slots = std::vector<RangeSlot>(2 * kRoom);
  std::vector<PortStretch> port_stretches;
  std::vector<OnePacketSlot> one_packet_slots = std::vector<OnePacketSlot>(2 * kRoom);
  std::vector<AddressSlot> addresses = std::vector<AddressSlot>(4 * kRoom);
  std::vector<TimeoutSet> timeouts;
  std::vector<uint64_t> expired_reals;
  std::vector<NextHop> hops;
  std::vector<RouteInterval> routes;
  std::vector<RouteInterval6> routes6;
  std::vector<NeighbourSlot> neighbours = std::vector<NeighbourSlot>(2 * kRoom);

  void add_kind(const IpAddress& address, AddressSlot::Kind kind) {
    for (AddressSlot& slot : addresses) {
      if (slot.kinds != 0 && slot.address == address) {
        slot.kinds |= bit(kind);
        return;
      }
    }
    place(addresses, address_hash(address), AddressSlot{address, bit(kind)},
          [](const AddressSlot& slot) { return slot.kinds == 0; });
  }
};

// Port by port: the widest ranges first, narrower ones over them.
void WorkerFixture::add_ranges(Tables& tables) const {
  struct Range {
    Ports ports;
    uint32_t service;
  };
  std::map<std::pair<uint8_t, IpAddress>, std::vector<Range>> by_vip;
  for (uint32_t i = 0; i < services_.size(); ++i) {
    for (const Ports& ports : services_[i].more_vips) {
      const uint8_t protocol = services_[i].entry.protocol;
      if (ports.first != ports.last) by_vip[{protocol, ports.address}].push_back({ports, i});
      else place(tables.service_slots, service_hash(protocol, ports.address, Be16::from_host(ports.first)),
                 ServiceSlot{ports.address, Be16::from_host(ports.first), protocol, i},
                 [](const ServiceSlot& slot) { return slot.protocol == 0; });
    }
  }
  for (auto& [vip, ranges] : by_vip) {
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
      return a.ports.last - a.ports.first > b.ports.last - b.ports.first;
    });
    std::vector<uint32_t> owners(65536, PortStretch::kNobody);
    for (const Range& range : ranges) {
      std::fill(owners.begin() + range.ports.first, owners.begin() + range.ports.last + 1,
                range.service);
    }
    RangeSlot slot{vip.second, vip.first, static_cast<uint32_t>(tables.port_stretches.size()), 0};
    for (uint32_t port = 0; port < owners.size(); ++port) {
      if (port > 0 && owners[port] == owners[port - 1]) continue;
      tables.port_stretches.push_back({static_cast<uint16_t>(port), owners[port]});
      ++slot.count;
    }
    place(tables.range_slots, service_hash(vip.first, vip.second, {}), slot,
          [](const RangeSlot& other) { return other.protocol == 0; });
  }
}

void WorkerFixture::add_one_packet_slots(Tables& tables) const {
  for (uint32_t i = 0; i < reals_.size(); ++i) {
    const RealEntry& real = reals_[i];
    const Service& service = services_[real.service.index];
    if (!service.entry.one_packet || real.method != Method::kNat) continue;
    OnePacketSlot slot{real.address, real.port, service.entry.protocol, {i}, service.entry.address};
    slot.first_port = slot.last_port = service.entry.port.host();
    if (service.entry.address.is_unspecified() && !service.more_vips.empty()) {
      slot.vip = service.more_vips[0].address;
      slot.first_port = service.more_vips[0].first;
      slot.last_port = service.more_vips[0].last;
    }
    place(tables.one_packet_slots, service_hash(slot.protocol, slot.address, slot.port), slot,
          [](const OnePacketSlot& other) { return other.protocol == 0; });
  }
}

std::shared_ptr<WorkerFixture::Tables> WorkerFixture::make_tables() {
  auto tables = std::make_shared<Tables>();
  tables->reals = reals_;
  std::vector<bool> crosses(services_.size());
  for (const RealEntry& real : reals_) {
    if (!real.is_used()) continue;
    const ServiceEntry& service = services_[real.service.index].entry;
    if (service.method == Method::kFullnat && real.address.family != service.address.family) crosses[service.id.index] = true;
  }
  for (RealEntry& real : tables->reals) {
    real.way_out.mtu = 0;
    if (!real.is_used()) continue;
    const ServiceEntry& service = services_[real.service.index].entry;
    real.set_crosses(crosses[service.id.index] && (real.address.is_v4() || service.address.is_v4()));
    real.set_ftp(service.application == Application::kFtp);
    if (real.next_hop == kNoNextHop) continue;
    const NextHop& hop = hops_[real.next_hop.index];
    const AddressFamily family = real.crosses() ? AddressFamily::kIpv6 : real.address.family;
    real.take_way_out(hop, link_up_[hop.port], carried_bytes(service.client_address, family, service.protocol));
  }
  tables->timeouts = timeouts_;
  tables->expired_reals = expired_reals_;
  tables->hops = hops_;
  if (has_routes_) {
    const NextHopId gateway = gateway_id(AddressFamily::kIpv4);
    const NextHopId gateway6 = gateway_id(AddressFamily::kIpv6);
    tables->routes = {{0, gateway, kOutside},
                      {v4("10.0.0.0").host(), kOnLink, kInside},
                      {v4("10.0.1.0").host(), gateway, kOutside}};
    tables->routes6 = {{0, gateway6, kOutside},
                       {number6_of(ip("2001:db8:1::")), kOnLink, kInside},
                       {number6_of(ip("2001:db8:1:1::")), gateway6, kOutside}};
  }
  for (uint32_t i = 0; i < reals_.size(); ++i) {
    place(tables->neighbours, neighbour_hash(reals_[i].address, kInside),
          NeighbourSlot{reals_[i].address, kInside, hop_id_of({i})},
          [](const NeighbourSlot& slot) { return slot.hop == kNoNextHop; });
    if (reals_[i].method == Method::kNat)
      tables->add_kind(reals_[i].address, AddressSlot::Kind::kReal);
  }
  for (const uint16_t port : {kOutside, kInside}) {
    for (const IpAddress& own : {port_addresses_[port].v4, port_addresses_[port].v6}) {
      if (!own.is_unspecified()) tables->add_kind(own, AddressSlot::Kind::kOwn);
    }
  }
  for (const Service& service : services_) {
    tables->candidates.push_back(service.candidates);
    for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
      std::vector<IpAddress>& own = tables->local_addresses.emplace_back();
      std::copy_if(service.local_addresses.begin(), service.local_addresses.end(), std::back_inserter(own),
                   [family](const IpAddress& address) { return address.family == family; });
    }
    tables->sorry.push_back(service.sorry);
    std::vector<Candidate>& by_id = tables->by_id.emplace_back(service.candidates);
    std::sort(by_id.begin(), by_id.end(), [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
    std::vector<uint32_t>& slots = tables->slots.emplace_back();
    if (const Scheduler& scheduler = scheduler_for(service.entry.scheduler);
        scheduler.fill != nullptr) {
      slots.resize(scheduler.slots_wanted(service.candidates));
      std::vector<uint32_t> scratch(service.candidates.size() * Scheduler::kScratchPerCandidate);
      scheduler.fill(service.candidates, reals_, slots, scratch);
    }
    std::vector<IpAddress> vips{service.entry.address};
    for (const Ports& more : service.more_vips) vips.push_back(more.address);
    for (const IpAddress& vip : vips) {
      if (vip.is_unspecified()) continue;
      tables->add_kind(vip, AddressSlot::Kind::kVip);
      tables->add_kind(vip, AddressSlot::Kind::kOwn);
      if (service.entry.application != Application::kFtp) continue;
      const bool is_nat = service.entry.method == Method::kNat;
      tables->add_kind(vip, is_nat ? AddressSlot::Kind::kFtpNat : AddressSlot::Kind::kFtpFullnat);
    }
    for (const IpAddress& local : service.local_addresses)
      tables->add_kind(local, AddressSlot::Kind::kLocal);
  }
  for (size_t i = 0; i < services_.size(); ++i) {
    ServiceEntry& entry = tables->services.emplace_back(services_[i].entry);
    entry.candidates = tables->candidates[i];
    entry.slots = tables->slots[i];
    entry.local_addresses = {tables->local_addresses[2 * i], tables->local_addresses[2 * i + 1]};
    entry.crosses = crosses[i] && entry.address.is_v4();
    entry.by_id = tables->by_id[i];
    entry.sorry = tables->sorry[i];
    if (entry.address.is_unspecified()) continue;
    place(tables->service_slots, service_hash(entry.protocol, entry.address, entry.port),
          ServiceSlot{entry.address, entry.port, entry.protocol, static_cast<uint32_t>(i)},
          [](const ServiceSlot& slot) { return slot.protocol == 0; });
  }
  add_ranges(*tables);
  add_one_packet_slots(*tables);
  return tables;
}

void WorkerFixture::publish() {
  auto snapshot = std::make_unique<Snapshot>();
  const auto tables = make_tables();
  snapshot->version = snapshots_.size() + 1;
  snapshot->reals = tables->reals;
  snapshot->services = tables->services;
  snapshot->service_slots = tables->service_slots;
  snapshot->range_slots = tables->range_slots;
  snapshot->port_stretches = tables->port_stretches;
  snapshot->one_packet_slots = tables->one_packet_slots;
  snapshot->addresses = tables->addresses;
  snapshot->timeouts = tables->timeouts;
  snapshot->max_segment_sizes = max_segment_sizes_;
  snapshot->has_crossings =
      std::any_of(tables->reals.begin(), tables->reals.end(), [](const RealEntry& real) { return real.crosses(); });
  snapshot->sysctls = sysctls_;
  snapshot->expired_reals = tables->expired_reals;
  snapshot->expired_generation = expired_generation_;
  snapshot->next_hops = {tables->hops, tables->routes, tables->routes6, tables->neighbours, route_generation_};
  snapshot->link_up = link_up_;
  snapshot->port_addresses = port_addresses_;
  snapshot->storage.push_back(tables);
  if (amend) amend(*snapshot);
  current_.store(snapshot.get());
  snapshots_.push_back(std::move(snapshot));
}

std::vector<uint64_t> WorkerFixture::drop_counts(uint32_t index) {
  std::vector<uint64_t> counts;
  for (const Counter& counter : worker(index).counters.drops) counts.push_back(counter.read());
  return counts;
}

Outcome WorkerFixture::collect(uint32_t index, const std::vector<uint64_t>& drops_before,
                               uint32_t waiting_before) {
  Worker& from = worker(index);
  Outcome outcome;
  for (uint16_t id = 0; id < from.port_count; ++id) {
    WorkerPort& port = from.ports[id];
    for (uint32_t i = 0; i < port.tx_count; ++i) {
      outcome.sent.push_back({id, bytes_of(port.tx[i])});
      rte_pktmbuf_free(port.tx[i]);
    }
    port.tx_count = 0;
    for (Bytes& frame : take_all(port.to_kernel))
      outcome.to_kernel.push_back({id, std::move(frame)});
  }
  const std::vector<uint64_t> drops_now = drop_counts(index);
  for (size_t reason = 0; reason < kDropReasons; ++reason) {
    outcome.dropped.insert(outcome.dropped.end(), drops_now[reason] - drops_before[reason],
                           static_cast<DropReason>(reason));
  }
  if (waiting_in(from) > waiting_before) outcome.waiting = waiting_in(from) - waiting_before;
  return outcome;
}

Outcome WorkerFixture::run_burst(uint32_t index, const std::vector<rte_mbuf*>& mbufs,
                                 bool handed_off) {
  Worker& on = worker(index);
  const auto drops_before = drop_counts(index);
  const uint32_t waiting_before = waiting_in(on);
  std::vector<unsigned> inbox_before;
  for (const auto& other : workers_) inbox_before.push_back(rte_ring_count(other->inbox));
  on.burst.count = static_cast<uint32_t>(mbufs.size());
  for (uint32_t i = 0; i < on.burst.count; ++i) {
    on.burst.packets[i].mbuf = mbufs[i];
    on.burst.packets[i].in_port = mbufs[i]->port;
    on.burst.packets[i].handed_off = handed_off;
  }
  packet_path(on, snapshot(), on.burst);
  Outcome outcome = collect(index, drops_before, waiting_before);
  for (uint32_t other = 0; other < workers_.size(); ++other) {
    for (unsigned i = inbox_before[other]; i < rte_ring_count(workers_[other]->inbox); ++i) {
      outcome.handed_to.push_back(other);
    }
  }
  return outcome;
}

Outcome WorkerFixture::send(const PacketBuilder& packet, uint16_t port, uint32_t index) {
  return send_frame(packet.bytes(), port, index);
}

Outcome WorkerFixture::send_frame(const Bytes& frame, uint16_t port, uint32_t index) {
  return run_burst(index, {mbuf_of(frame, mbuf_pool(), port)}, false);
}

Outcome WorkerFixture::send_burst(const std::vector<PacketBuilder>& packets, uint32_t index) {
  std::vector<rte_mbuf*> mbufs;
  for (const PacketBuilder& packet : packets) mbufs.push_back(packet.build(mbuf_pool(), kOutside));
  return run_burst(index, mbufs, false);
}

Outcome WorkerFixture::send_mbufs(const std::vector<rte_mbuf*>& mbufs, uint32_t index) {
  return run_burst(index, mbufs, false);
}

Outcome WorkerFixture::serve_inbox(uint32_t index) {
  std::vector<rte_mbuf*> mbufs;
  void* mbuf;
  while (mbufs.size() < kBurst && rte_ring_dequeue(worker(index).inbox, &mbuf) == 0) {
    mbufs.push_back(static_cast<rte_mbuf*>(mbuf));
  }
  return run_burst(index, mbufs, true);
}

Outcome WorkerFixture::advance(uint32_t ms, uint32_t index) {
  Worker& on = worker(index);
  const auto drops_before = drop_counts(index);
  on.now += ms;
  serve_waiting_room(on, snapshot());
  expire_fragments(on);
  defend(on, snapshot());
  return_places(on, snapshot());
  on.upkeep.sweep_position = on.upkeep6.sweep_position = 0;
  on.upkeep.sweep_owed = on.upkeep6.sweep_owed = on.connections.capacity() + 1;
  while (on.upkeep.sweep_owed + on.upkeep6.sweep_owed > 0) sweep(on, false);
  return collect(index, drops_before, UINT32_MAX);
}

uint64_t WorkerFixture::drops(DropReason reason, uint32_t index) {
  return worker(index).counters.drops[static_cast<size_t>(reason)].read();
}

const RealCounters& WorkerFixture::counters(RealId real, uint32_t index) {
  return worker(index).real_counters[real.index];
}

Connection* WorkerFixture::connection_of(const PacketBuilder& packet, uint32_t index) {
  const Bytes frame = packet.bytes();
  const size_t l4 = 14 + (frame[14] & 15) * 4u;
  FlowKey key;
  std::memcpy(&key.source, &frame[26], 8);
  std::memcpy(&key.source_port, &frame[l4], 4);
  key.protocol = frame[23];
  return worker(index).connections.find(key).entry;
}

namespace {

// Where TCP or UDP begins in a frame, behind options or extension headers, and which it is.
std::pair<size_t, uint8_t> l4_of(const Bytes& frame) {
  if (frame[14] >> 4 == 4) return {14 + (frame[14] & 0xfu) * 4, frame[23]};
  size_t at = 54;
  uint8_t next = frame[20];
  while (next == 0 || next == 43 || next == 60) {
    next = frame[at];
    at += (frame[at + 1] + 1u) * 8;
  }
  return {at, next};
}

}  // namespace

Connection6* WorkerFixture::connection6_of(const PacketBuilder& packet, uint32_t index) {
  const Bytes frame = packet.bytes();
  FlowKey6 key;
  if (packet.is_v6()) {
    std::memcpy(&key.source, &frame[22], 32);
  } else {
    Be32 addresses[2];
    std::memcpy(static_cast<void*>(addresses), &frame[26], sizeof addresses);
    key.source = mapped(addresses[0]);
    key.destination = mapped(addresses[1]);
  }
  const auto [l4, protocol] = l4_of(frame);
  std::memcpy(static_cast<void*>(&key.source_port), &frame[l4], 4);
  key.protocol = protocol;
  return worker(index).connections6.find(key).entry;
}

namespace {

template <typename Entry>
std::optional<ConnectionCopy> copied(const Entry* connection, const Worker& worker) {
  if (connection == nullptr) return std::nullopt;
  const ServiceId service = worker.current->load()->reals[connection->real.index].service;
  return ConnectionCopy{.request = IpFlow::from(connection->request),
                        .reply = IpFlow::from(connection->reply),
                        .state = connection->state,
                        .method = connection->method,
                        .real = connection->real,
                        .service = service,
                        .in_packets = connection->in_packets,
                        .out_packets = connection->out_packets,
                        .worker = worker.index,
                        .expires_in_ms = static_cast<int32_t>(connection->expires - worker.now)};
}

}  // namespace

std::optional<ConnectionCopy> WorkerFixture::copy_of(const PacketBuilder& packet, uint32_t index) {
  if (packet.is_v6()) return copied(connection6_of(packet, index), worker(index));
  if (const auto found = copied(connection_of(packet, index), worker(index))) return found;
  return copied(connection6_of(packet, index), worker(index));
}

uint32_t WorkerFixture::connections(AddressFamily family, uint32_t index) {
  const Worker& of = worker(index);
  return family == AddressFamily::kIpv4 ? of.connections.used() : of.connections6.used();
}

std::vector<ResolveElement> WorkerFixture::resolve_requests() {
  return take_news<ResolveElement>(resolve_ring_);
}
std::vector<PathMtuElement> WorkerFixture::path_mtus() {
  return take_news<PathMtuElement>(path_mtu_ring_);
}

}  // namespace shunt::test
