// doctor over a running daemon: what it knows, what Linux says, what answers on the wire.
#include <algorithm>
#include <chrono>
#include <map>

#include "control/controller_state.h"
#include "control/doctor/machine_checks.h"
#include "control/doctor/network_checks.h"

namespace shunt::control {
namespace {

// Frames of which checksums are looked at.
constexpr uint64_t kMostFrames = 2000;

std::vector<IpAddress> vips_of(const DesiredState& state) {
  std::vector<IpAddress> vips;
  for (const Service& service : state.services) {
    for (const IpAddress& address : addresses_of(service)) vips.push_back(address);
  }
  std::sort(vips.begin(), vips.end());
  vips.erase(std::unique(vips.begin(), vips.end()), vips.end());
  return vips;
}

}  // namespace

Result<Findings> Controller::examine(std::chrono::milliseconds watch) {
  const Machine& machine = state_->options.machine;
  const FileRoot root;
  const auto services = list_services({});
  if (!services) return services.error();
  const auto ports_now = ports();
  if (!ports_now) return ports_now.error();
  const auto current = get();
  if (!current) return current.error();
  const std::vector<IpAddress> vips = vips_of(current->state);

  Findings found = check_machine(root, machine, true);
  append(found, check_reverse_path_filter(root, machine));
  append(found, check_kernel_ports(machine, vips, read_interfaces(), root));
  append(found, check_ports(*ports_now, state_->dataplane.workers().size()));
  append(found, check_reals(services->services, *ports_now));

  std::vector<std::string> kernel_ports;
  for (const Port& port : machine.ports) {
    if (port.kernel_port.enabled) kernel_ports.push_back(port.kernel_port.name);
  }
  append(found, check_vip_answers(ask_for_vips(vips, kernel_ports), kernel_ports.empty() ? 0 : vips.size()));
  append(found, examine_checksums(watch));
  return found;
}

Findings Controller::examine_checksums(std::chrono::milliseconds watch) {
  std::map<uint16_t, std::string> names;
  for (const auto& [id, name] : port_names()) names[id] = name;
  std::map<std::string, ChecksumCounts> counts;
  CaptureQuery query;
  query.out = false;
  query.count = kMostFrames;
  const auto until = std::chrono::steady_clock::now() + watch;
  WatchSink<CapturedFrame> sink;
  sink.begun = [] { return true; };
  sink.take = [&](const CapturedFrame& frame) {
    if (frame.bytes.size() == frame.frame_bytes) {
      count_checksum(frame.bytes.data(), frame.bytes.size(), counts[names[frame.port]]);
    }
    return true;
  };
  sink.idle = [&] { return std::chrono::steady_clock::now() < until; };
  const auto end = capture(query, sink);
  if (!end) return {{Finding::Grade::kHint, "tx_checksum", "ports", end.error().message, "end a trace or capture"}};
  return check_checksums(counts);
}

}  // namespace shunt::control
