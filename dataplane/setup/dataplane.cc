#include "dataplane/setup/dataplane.h"

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_version.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "dataplane/setup/eal.h"
#include "dataplane/setup/kernel_rings.h"
#include "dataplane/setup/lcores.h"
#include "dataplane/setup/memory.h"
#include "dataplane/setup/memory_needs.h"
#include "dataplane/setup/ports.h"
#include "dataplane/setup/publisher.h"
#include "dataplane/setup/rss.h"
#include "dataplane/setup/workers.h"

namespace shunt::dataplane {
namespace {

Result<Pool> make_pool(const DataplaneOptions& options) {
  rte_mempool* pool =
      rte_pktmbuf_pool_create("packets", options.mbufs, mbuf_cache(options), 0, mbuf_room(options), SOCKET_ID_ANY);
  if (pool != nullptr) return Pool(pool);
  return Error{ErrorCode::kNoMemory, "mbufs: no room for " + std::to_string(options.mbufs) + " (" +
                                         rte_strerror(rte_errno) + "); raise dpdk.memory_mb or lower workers.mbufs"};
}

// One for all ports; nothing with one worker, which gets everything.
Result<Memory> make_steering(std::vector<Port>& ports, const RssKey& key, const std::vector<Lcore>& lcores) {
  const auto workers = static_cast<uint32_t>(lcores.size() - 1);
  if (workers < 2) return Memory();
  auto memory = allocate("steering", sizeof(Steering), lcores[1].id);
  if (!memory) return memory.error();
  std::vector<rte_eth_dev_info> devices;
  for (const Port& port : ports) devices.push_back(port.device());
  const auto& steering = *new (memory->get()) Steering(key, common_entries(devices), workers);
  for (Port& port : ports) port.steer(key, steering);
  return memory;
}

// Whom clients of persistent services have; all workers share it.
Result<Memory> make_templates(const DataplaneOptions& options, const std::vector<Lcore>& lcores) {
  constexpr size_t kTableBytes = RTE_ALIGN_CEIL(sizeof(TemplateTable), 64);
  auto memory = allocate("templates", kTableBytes + TemplateTable::bytes_for(options.templates), lcores[1].id);
  if (!memory) return memory;
  auto& table = *new (memory->get()) TemplateTable;
  table.attach(static_cast<uint8_t*>(memory->get()) + kTableBytes, options.templates,
               HashKey::from_bytes(options.hash_key));
  return memory;
}

// Data connections of FTP that are to come; all workers share it.
Result<Memory> make_expectations(const DataplaneOptions& options, const std::vector<Lcore>& lcores) {
  constexpr size_t kTableBytes = RTE_ALIGN_CEIL(sizeof(ExpectationTable), 64);
  auto memory = allocate("FTP's data connections", kTableBytes + ExpectationTable::bytes_for(kExpectations), lcores[1].id);
  if (!memory) return memory;
  auto& table = *new (memory->get()) ExpectationTable;
  table.attach(static_cast<uint8_t*>(memory->get()) + kTableBytes, kExpectations, HashKey::from_bytes(options.hash_key));
  return memory;
}

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "";
}

}  // namespace

// Destroyed from the last to the first: workers stop before what they use goes.
struct Dataplane::State {
  explicit State(Eal running) : eal(std::move(running)) {}

  Eal eal;
  Pool pool;
  std::vector<Port> ports;
  std::vector<PortInfo> port_infos;  // in the order of the options
  Memory steering;
  Memory templates;
  Memory expectations;
  std::unique_ptr<KernelRings> rings;
  std::unique_ptr<Publisher> publisher;
  std::unique_ptr<Workers> workers;

  TemplateTable& template_table() const noexcept { return *static_cast<TemplateTable*>(templates.get()); }
  const Port* port(uint16_t id) const noexcept {
    for (const Port& each : ports) {
      if (each.info().id == id) return &each;
    }
    return nullptr;
  }
};

Dataplane::Dataplane(std::unique_ptr<State> state) : state_(std::move(state)) {}

Dataplane::~Dataplane() = default;

Result<std::unique_ptr<Dataplane>> Dataplane::start(const DataplaneOptions& options) {
  const auto lcores = parse_lcores(options.lcores);
  if (!lcores) return lcores.error();
  auto eal = Eal::start(options, *lcores);
  if (!eal) return eal.error();
  auto state = std::make_unique<State>(std::move(*eal));

  auto pool = make_pool(options);
  if (!pool) return pool.error();
  state->pool = std::move(*pool);
  const auto worker_count = static_cast<uint16_t>(lcores->size() - 1);
  const std::string instance = host_name() + "/" + options.file_prefix;
  const RssKey rss_key = make_rss_key(options.hash_key);
  for (const PortOptions& each : options.ports) {
    auto port = Port::open(each, worker_count, state->pool.get(), instance, rss_key);
    if (!port) return port.error();
    if (port->info().id >= kMaxPorts) {
      return Error{ErrorCode::kInvalid, "port " + each.name + ": DPDK numbers it " + std::to_string(port->info().id) +
                                            ", above " + std::to_string(kMaxPorts - 1) + "; use fewer devices"};
    }
    state->ports.push_back(std::move(*port));
  }
  auto steering = make_steering(state->ports, rss_key, *lcores);
  if (!steering) return steering.error();
  state->steering = std::move(*steering);
  auto templates = make_templates(options, *lcores);
  if (!templates) return templates.error();
  state->templates = std::move(*templates);
  auto expectations = make_expectations(options, *lcores);
  if (!expectations) return expectations.error();
  state->expectations = std::move(*expectations);
  for (const Port& port : state->ports) state->port_infos.push_back(port.info());
  auto rings = KernelRings::create(state->port_infos, options.ports, state->pool.get());
  if (!rings) return rings.error();
  state->rings = std::make_unique<KernelRings>(std::move(*rings));
  auto publisher = Publisher::create(worker_count);
  if (!publisher) return publisher.error();
  state->publisher = std::move(*publisher);
  auto workers = Workers::build(options, *lcores,
                                {state->port_infos, *state->rings, *state->publisher, state->pool.get(),
                                 static_cast<const Steering*>(state->steering.get()), &state->template_table(),
                                 static_cast<ExpectationTable*>(state->expectations.get())});
  if (!workers) return workers.error();
  state->workers = std::move(*workers);
  if (auto launched = state->workers->launch(); !launched) return launched.error();
  return std::unique_ptr<Dataplane>(new Dataplane(std::move(state)));
}

void Dataplane::publish(std::unique_ptr<const Snapshot> snapshot) { state_->publisher->publish(std::move(snapshot)); }

const std::vector<PortInfo>& Dataplane::ports() const noexcept { return state_->port_infos; }

PortStatistics Dataplane::port_statistics(uint16_t port) const {
  const Port* found = state_->port(port);
  return found == nullptr ? PortStatistics{} : found->statistics();
}

const std::vector<WorkerInfo>& Dataplane::workers() const noexcept { return state_->workers->infos(); }

const WorkerCounters& Dataplane::worker_counters(uint32_t worker) const noexcept {
  return (*state_->workers)[worker].counters;
}

uint64_t Dataplane::snat_exhausted(uint32_t counter) const noexcept {
  uint64_t sum = 0;
  for (const WorkerInfo& info : workers()) sum += (*state_->workers)[info.index].snat_exhausted[counter].read();
  return sum;
}

const RealCounters& Dataplane::real_counters(uint32_t worker, RealId real) const noexcept {
  return (*state_->workers)[worker].real_counters[real.index];
}

const RealOutcomes& Dataplane::real_outcomes(uint32_t worker, RealId real) const noexcept {
  return (*state_->workers)[worker].real_outcomes[real.index];
}

const ServiceCounters& Dataplane::service_counters(uint32_t worker, ServiceId service) const noexcept {
  return (*state_->workers)[worker].service_counters[service.index];
}

std::string Dataplane::dpdk_version() {
  return std::to_string(rte_version_year()) + "." + (rte_version_month() < 10 ? "0" : "") +
         std::to_string(rte_version_month()) + "." + std::to_string(rte_version_minor());
}

uint64_t Dataplane::cycles_per_second() const noexcept { return rte_get_tsc_hz(); }

void Dataplane::for_each_connection(const std::function<bool(const ConnectionCopy&)>& sink) {
  state_->workers->for_each_connection(sink);
}

std::vector<Explanation> Dataplane::explain(const IpFlow& flow, uint16_t in_port) {
  return state_->workers->explain(flow, in_port);
}

Result<std::unique_ptr<TapSession>> Dataplane::open_tap(const TapOptions& options) {
  return TapSession::open(*state_->workers, options);
}

uint64_t Dataplane::cycles() noexcept { return rte_rdtsc(); }

void Dataplane::for_each_template(const std::function<bool(const TemplateCopy&)>& sink) const {
  const TemplateTable& table = state_->template_table();
  const Tick now = static_cast<Tick>(worker_counters(0).clock.read());
  for (uint32_t i = 0; i < table.places(); ++i) {
    const auto copy = table.copy_at(i, now);
    if (copy && !sink(*copy)) return;
  }
}

uint32_t Dataplane::template_capacity() const noexcept { return state_->template_table().capacity(); }

uint32_t Dataplane::templates_used() const noexcept {
  return state_->template_table().used(static_cast<Tick>(worker_counters(0).clock.read()));
}

void Dataplane::forget_templates(std::span<const RealId> reals) {
  uint32_t end = 0;
  for (const RealId real : reals) end = std::max(end, real.index + 1);
  const auto gone = std::make_unique<bool[]>(end);
  for (const RealId real : reals) gone[real.index] = true;
  state_->template_table().forget({gone.get(), end});
}

size_t Dataplane::take_kernel_frames(uint16_t port, const std::function<void(const uint8_t*, size_t)>& sink) {
  return state_->rings->take_frames(port, sink);
}

bool Dataplane::send_frame(uint16_t port, const uint8_t* frame, size_t bytes) {
  return state_->rings->send_frame(port, frame, bytes);
}

bool Dataplane::send_probe(RealId real, const uint8_t* packet, size_t bytes) {
  return state_->rings->send_probe(real, packet, bytes);
}

uint32_t Dataplane::mbufs_available() const noexcept { return rte_mempool_avail_count(state_->pool.get()); }

uint32_t Dataplane::mbuf_capacity() const noexcept { return state_->pool->size; }

size_t Dataplane::take_resolve_requests(ResolveRequest* out, size_t capacity) {
  return state_->rings->take_resolve_requests(out, capacity);
}

size_t Dataplane::take_path_mtus(PathMtu* out, size_t capacity) {
  return state_->rings->take_path_mtus(out, capacity);
}

void Dataplane::share_loads(RealId highest) { state_->workers->share_loads(highest); }

uint64_t Dataplane::flush_connections(RealId real) {
  forget_templates({&real, 1});
  return state_->workers->flush_connections(real);
}

}  // namespace shunt::dataplane
