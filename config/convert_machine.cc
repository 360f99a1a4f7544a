// The machine part of a configuration file.
#include "config/convert.h"
#include "config/defaults.h"
#include "config/hash_key.h"
#include "config/lcores.h"

namespace shunt::config {
namespace {

control::Dpdk to_dpdk(const v1::Dpdk& dpdk) {
  control::Dpdk result;
  // EAL takes no ranges beside single lcores in the order that matters here: the list is written
  // out.
  if (!dpdk.lcores().empty()) result.lcores = format_lcores(parse_lcores(dpdk.lcores()).list);
  if (dpdk.memory_mb() != 0) result.memory_mb = dpdk.memory_mb();
  if (dpdk.has_huge_pages()) result.huge_pages = dpdk.huge_pages();
  if (!dpdk.file_prefix().empty()) result.file_prefix = dpdk.file_prefix();
  result.extra_args.assign(dpdk.extra_args().begin(), dpdk.extra_args().end());
  return result;
}

control::Workers to_workers(const v1::Workers& workers) {
  control::Workers result;
  if (workers.poll_mode() == v1::POLL_MODE_BUSY) result.poll_mode = dataplane::PollMode::kBusy;
  if (workers.connections() != 0) result.connections = workers.connections();
  if (workers.ipv6_connections() != 0) result.ipv6_connections = workers.ipv6_connections();
  if (workers.templates() != 0) result.templates = workers.templates();
  if (!workers.hash_key().empty()) result.hash_key = parse_hash_key(workers.hash_key());
  if (workers.mbufs() != 0) result.mbufs = workers.mbufs();
  return result;
}

control::Port to_port(const v1::Port& port) {
  control::Port result;
  result.name = port.name();
  result.device = port.device();
  if (!port.mac().empty()) result.mac = MacAddress::parse(port.mac());
  if (port.mtu() != 0) result.mtu = static_cast<uint16_t>(port.mtu());
  if (port.descriptors() != 0) result.descriptors = static_cast<uint16_t>(port.descriptors());
  result.vlan = static_cast<uint16_t>(port.vlan());
  result.kernel_port.enabled = !port.kernel_port().disabled();
  result.kernel_port.name = interface_of(port);
  for (const std::string& address : port.kernel_port().addresses()) {
    result.kernel_port.addresses.push_back(InterfaceAddress::parse(address).value());
  }
  return result;
}

control::Http to_http(const v1::Http& http) {
  control::Http result;
  result.enabled = !http.disabled();
  if (!http.address().empty()) result.address = IpAddress::parse(http.address()).value();
  if (http.port() != 0) result.port = static_cast<uint16_t>(http.port());
  return result;
}

// The schema's words without their prefix are the logger's.
std::string to_level(v1::LogLevel level) {
  switch (level) {
    case v1::LOG_LEVEL_TRACE: return "trace";
    case v1::LOG_LEVEL_DEBUG: return "debug";
    case v1::LOG_LEVEL_WARN: return "warn";
    case v1::LOG_LEVEL_ERROR: return "error";
    case v1::LOG_LEVEL_CRITICAL: return "critical";
    case v1::LOG_LEVEL_OFF: return "off";
    case v1::LOG_LEVEL_UNSPECIFIED:
    case v1::LOG_LEVEL_INFO:
    case v1::LogLevel_INT_MIN_SENTINEL_DO_NOT_USE_:
    case v1::LogLevel_INT_MAX_SENTINEL_DO_NOT_USE_: break;
  }
  return "info";
}

control::TcpListener to_tcp_listener(const v1::TcpListener& listener) {
  control::TcpListener result;
  result.address = IpAddress::parse(listener.address()).value();
  if (listener.port() != 0) result.port = static_cast<uint16_t>(listener.port());
  result.certificate = listener.certificate();
  result.key = listener.key();
  result.client_ca = listener.client_ca();
  result.viewers.assign(listener.viewers().begin(), listener.viewers().end());
  result.operators.assign(listener.operators().begin(), listener.operators().end());
  result.admins.assign(listener.admins().begin(), listener.admins().end());
  return result;
}

}  // namespace

control::Machine to_machine(const v1::Config& config) {
  control::Machine machine;
  machine.dpdk = to_dpdk(config.dpdk());
  machine.workers = to_workers(config.workers());
  for (const v1::Port& port : config.ports()) machine.ports.push_back(to_port(port));
  if (!config.listener().unix_socket().empty())
    machine.unix_socket = config.listener().unix_socket();
  const v1::UnixRoles& roles = config.listener().unix_roles();
  machine.unix_roles.viewers.assign(roles.viewers().begin(), roles.viewers().end());
  machine.unix_roles.operators.assign(roles.operators().begin(), roles.operators().end());
  machine.unix_roles.admins.assign(roles.admins().begin(), roles.admins().end());
  if (config.listener().has_tcp()) machine.tcp = to_tcp_listener(config.listener().tcp());
  if (!config.journal().directory().empty())
    machine.journal_directory = config.journal().directory();
  machine.http = to_http(config.http());
  const v1::Probes& probes = config.probes();
  if (!probes.interface().empty()) machine.probes.interface = probes.interface();
  if (!probes.ipv4_prefix().empty()) machine.probes.ipv4_prefix = Prefix::parse(probes.ipv4_prefix()).value();
  if (!probes.ipv6_prefix().empty()) machine.probes.ipv6_prefix = Prefix::parse(probes.ipv6_prefix()).value();
  machine.logging.json = config.logging().format() == v1::LOG_FORMAT_JSON;
  machine.logging.level = to_level(config.logging().level());
  for (const v1::StaticNeighbour& neighbour : config.next_hops().neighbours()) {
    machine.neighbours.push_back({IpAddress::parse(neighbour.address()).value(),
                                  MacAddress::parse(neighbour.mac()).value(), neighbour.port()});
  }
  for (const v1::StaticRoute& route : config.next_hops().routes()) {
    control::StaticRoute& out = machine.routes.emplace_back();
    out.prefix = Prefix::parse(route.prefix()).value();
    if (!route.via().empty()) out.via = IpAddress::parse(route.via());
    out.port = route.port();
  }
  return machine;
}

}  // namespace shunt::config
