#include "src/shuntd/kernel_side.h"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/health/checker.h"
#include "control/kernel/addresses.h"
#include "control/kernel/frame_pump.h"
#include "control/kernel/mirror.h"
#include "control/kernel/probe_gate.h"
#include "control/kernel/resolver.h"
#include "control/kernel/tap.h"

namespace shunt::shuntd {

// A port with a kernel port.
struct KernelPort {
  uint16_t id = 0;
  std::string name;  // of the port
  control::Tap tap;
};

namespace {

using control::PortInterface;

Result<std::vector<KernelPort>> make_taps(const dataplane::Dataplane& dataplane, const control::Machine& machine) {
  std::vector<KernelPort> kernel_ports;
  for (size_t i = 0; i < machine.ports.size(); ++i) {
    const control::Port& port = machine.ports[i];
    const dataplane::PortInfo& info = dataplane.ports()[i];
    if (!port.kernel_port.enabled) continue;
    auto tap = control::Tap::create({port.kernel_port.name, info.mac, info.mtu, port.kernel_port.addresses});
    if (!tap) return tap.error();
    kernel_ports.push_back({info.id, port.name, std::move(*tap)});
  }
  return kernel_ports;
}

}  // namespace

struct KernelSide::State {
  State(dataplane::Dataplane& running, std::vector<KernelPort> made, const control::Machine& machine)
      : dataplane(running), kernel_ports(std::move(made)), check_programs(machine.check_programs), probes(machine.probes) {}

  std::vector<PortInterface> interfaces() const {
    std::vector<PortInterface> result;
    for (const KernelPort& each : kernel_ports) result.push_back({each.id, each.tap.name()});
    return result;
  }

  Result<void> start_on_loop(control::Controller& running);
  void follow(const control::DesiredState& desired);
  void set_addresses(const control::DesiredState& desired);
  // Where a check by way of the VIP goes; nullopt: there is no such way. Notes it in `table`.
  std::optional<control::CheckTarget::Probed> probed(const control::Service& service, const control::Real& real,
                                                     control::ProbeTable& table);
  bool has_gate();
  void note_own_addresses(const control::KernelView& view);
  control::ProbePrefixes prefixes() const { return {probes.ipv4_prefix, probes.ipv6_prefix}; }
  // The id of the named port's kernel port; of the first one when none is named.
  std::optional<uint16_t> kernel_port_of(const std::string& port_name) const;

  dataplane::Dataplane& dataplane;
  std::vector<KernelPort> kernel_ports;
  const std::string check_programs;
  const control::Probes probes;
  std::optional<control::Resolver> resolver;
  control::Controller* controller = nullptr;  // set by attach()
  std::optional<control::DesiredState> before_attach;
  // VIPs that are not to be answered for; sorted.
  std::vector<IpAddress> withdrawn;
  std::unique_ptr<control::Addresses> addresses;
  std::unique_ptr<control::Checker> checker;
  std::unique_ptr<control::Mirror> mirror;
  // Made for the first check by way of a VIP, and there from then on.
  std::unique_ptr<control::ProbeGate> gate;
  std::atomic<control::ProbeGate*> gate_of_pump{nullptr};
  std::string gate_problem;
  // What the gate has, and the machine's own addresses.
  control::ProbeTable probe_table;
  std::vector<IpAddress> own;
  std::unique_ptr<control::FramePump> pump;
};

std::optional<uint16_t> KernelSide::State::kernel_port_of(const std::string& port_name) const {
  for (const KernelPort& each : kernel_ports) {
    if (port_name.empty() || each.name == port_name) return each.id;
  }
  return std::nullopt;
}

void KernelSide::State::set_addresses(const control::DesiredState& desired) {
  if (!addresses) return;
  std::map<uint16_t, std::vector<IpAddress>> wanted;
  for (const KernelPort& each : kernel_ports) wanted[each.id] = {};
  std::set<std::pair<uint16_t, IpAddress>> seen;
  const auto want = [&](const std::string& port_name, const IpAddress& address) {
    const auto port = kernel_port_of(port_name);
    if (!port) return;
    // Services may share a VIP.
    if (seen.insert({*port, address}).second) wanted[*port].push_back(address);
  };
  for (const control::Service& service : desired.services) {
    for (const IpAddress& address : control::addresses_of(service)) {
      if (!std::binary_search(withdrawn.begin(), withdrawn.end(), address)) want(service.vip_port, address);
    }
  }
  for (const control::LocalAddressPool& pool : desired.local_addresses) {
    for (const IpAddress& address : pool.addresses) want(pool.port, address);
  }
  for (const control::SnatRule& rule : desired.snat) {
    const bool has_kernel_port = !rule.egress_port.empty() && kernel_port_of(rule.egress_port).has_value();
    const std::string& port = rule.kernel_port.empty() && has_kernel_port ? rule.egress_port : rule.kernel_port;
    for (const IpAddress& address : addresses_of(rule.addresses)) want(port, address);
  }
  std::string problem;
  for (const auto& [port, list] : wanted) {
    if (auto set = addresses->set(port, list); !set) problem = set.error().message;
  }
  controller->set_problem("kernel port addresses", problem);
}

void KernelSide::State::follow(const control::DesiredState& desired) {
  if (controller == nullptr) {
    before_attach = desired;
    return;
  }
  set_addresses(desired);
  std::vector<control::CheckTarget> targets;
  gate_problem.clear();
  control::ProbeTable table{prefixes(), {}, own};
  for (const control::Service& service : desired.services) {
    if (!service.health_check.enabled) continue;
    for (const control::Real& real : service.reals) {
      control::CheckTarget target{{service.name, real.name}, real.address, real.port, service.health_check, {}};
      if (service.health_check.through_vip) {
        target.probed = probed(service, real, table);
        if (!target.probed) continue;  // it stays unknown: what cannot be asked says nothing
      }
      targets.push_back(std::move(target));
    }
  }
  controller->set_problem("checks through VIPs", gate_problem);
  probe_table = std::move(table);
  if (gate) gate->set(probe_table);
  checker->set_targets(std::move(targets));
}

void KernelSide::State::note_own_addresses(const control::KernelView& view) {
  own.clear();
  for (const control::KernelLink& link : view.links) {
    for (const InterfaceAddress& each : link.addresses) own.push_back(each.address);
  }
  std::sort(own.begin(), own.end());
  if (!gate || own == probe_table.own) return;
  probe_table.own = own;
  gate->set(probe_table);
}

bool KernelSide::State::has_gate() {
  if (gate || !gate_problem.empty()) return gate != nullptr;
  if (kernel_ports.empty()) {
    gate_problem = "checks through VIPs: there is no kernel port, by which they go; give a port one, or remove health_check.through";
    return false;
  }
  auto opened = control::ProbeGate::open({probes.interface, prefixes()},
                                         [this](uint32_t real, const uint8_t* packet, size_t bytes) {
                                           return dataplane.send_probe({real}, packet, bytes);
                                         });
  if (!opened) {
    gate_problem = opened.error().message;
    return false;
  }
  gate = std::move(*opened);
  gate_of_pump.store(gate.get(), std::memory_order_release);
  return true;
}

std::optional<control::CheckTarget::Probed> KernelSide::State::probed(const control::Service& service,
                                                                      const control::Real& real,
                                                                      control::ProbeTable& table) {
  const dataplane::RealId id = controller->id_of(service.name, real.name);
  if (id == dataplane::kNoReal || !has_gate()) return std::nullopt;
  table.vips[id.index] = service.address;
  return control::CheckTarget::Probed{service.address, control::probe_address(prefixes(), service.address.family, id.index)};
}

Result<void> KernelSide::State::start_on_loop(control::Controller& running) {
  control::CheckerOptions options;
  options.programs = check_programs;
  checker = std::make_unique<control::Checker>(
      running.loop(), [&running](const control::CheckedReal& real, control::Health health, const std::string& text) {
        running.on_health(real.service, real.name, health, text);
      },
      options);
  if (!kernel_ports.empty()) {
    auto opened = control::Addresses::open(running.loop(), interfaces());
    if (!opened) return opened.error();
    addresses = std::move(*opened);
    auto started = control::Mirror::start(running.loop(), interfaces(), [this, &running](const control::KernelView& view) {
      running.on_kernel_view(view);
      note_own_addresses(view);
    });
    if (!started) return started.error();
    mirror = std::move(*started);
  }
  controller = &running;
  if (before_attach) follow(*std::exchange(before_attach, std::nullopt));
  return {};
}

KernelSide::KernelSide(std::shared_ptr<State> state) : state_(std::move(state)) {}

KernelSide::~KernelSide() = default;

Result<std::unique_ptr<KernelSide>> KernelSide::create(dataplane::Dataplane& dataplane,
                                                       const control::Machine& machine) {
  auto kernel_ports = make_taps(dataplane, machine);
  if (!kernel_ports) return kernel_ports.error();
  auto state = std::make_shared<State>(dataplane, std::move(*kernel_ports), machine);
  if (!state->kernel_ports.empty()) {
    auto resolver = control::Resolver::open(state->interfaces());
    if (!resolver) return resolver.error();
    state->resolver = std::move(*resolver);
  }
  return std::unique_ptr<KernelSide>(new KernelSide(std::move(state)));
}

control::ControllerHooks KernelSide::hooks() {
  control::ControllerHooks hooks;
  // The controller outlives this by a moment at the end, hence the weak pointers.
  hooks.resolve = [weak = std::weak_ptr(state_)](const dataplane::ResolveRequest& request) {
    const auto state = weak.lock();
    if (!state || !state->resolver) return;
    state->resolver->resolve(request.port, request.address, control::Resolver::Clock::now());
  };
  hooks.withdrawn_changed = [weak = std::weak_ptr(state_)](const control::DesiredState& desired,
                                                           const std::vector<IpAddress>& withdrawn) {
    const auto state = weak.lock();
    if (!state) return;
    state->withdrawn = withdrawn;
    if (state->controller != nullptr) state->set_addresses(desired);
  };
  hooks.desired_changed = [weak = std::weak_ptr(state_)](const control::DesiredState& desired) {
    if (const auto state = weak.lock()) state->follow(desired);
  };
  hooks.checks = [weak = std::weak_ptr(state_)] {
    const auto state = weak.lock();
    return state && state->checker ? state->checker->figures() : std::vector<control::CheckFigures>{};
  };
  hooks.probes = [weak = std::weak_ptr(state_)] {
    const auto state = weak.lock();
    return state && state->gate ? state->gate->counters() : control::ProbeCounters{};
  };
  return hooks;
}

Result<void> KernelSide::attach(control::Controller& controller) {
  std::promise<Result<void>> promise;
  auto started = promise.get_future();
  asio::post(controller.loop(), [&] { promise.set_value(state_->start_on_loop(controller)); });
  if (auto outcome = started.get(); !outcome) return outcome;
  if (state_->kernel_ports.empty()) return {};
  std::vector<control::PumpedPort> pumped;
  for (const KernelPort& each : state_->kernel_ports) pumped.push_back({each.id, each.tap.fd()});
  dataplane::Dataplane& dataplane = state_->dataplane;
  control::FrameRings rings;
  rings.send = [&dataplane](uint16_t port, const uint8_t* frame, size_t bytes) {
    return dataplane.send_frame(port, frame, bytes);
  };
  rings.take = [&dataplane](uint16_t port, const std::function<void(const uint8_t*, size_t)>& sink) {
    return dataplane.take_kernel_frames(port, sink);
  };
  state_->pump = std::make_unique<control::FramePump>(std::move(pumped), std::move(rings), &state_->gate_of_pump);
  return {};
}

}  // namespace shunt::shuntd
