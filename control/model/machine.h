// The machine part of the configuration: read at start only. Plain values from validated input.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/types.h"
#include "src/base/address.h"

namespace shunt::control {

struct Dpdk {
  std::string lcores = "0,1";
  uint32_t memory_mb = 1024;
  bool huge_pages = true;
  std::string file_prefix = "shunt";
  std::vector<std::string> extra_args;
};

struct Workers {
  dataplane::PollMode poll_mode = dataplane::PollMode::kAdaptive;
  uint32_t connections = 262144;  // IPv4
  uint32_t ipv6_connections = 65536;
  uint32_t templates = 65536;  // of all workers
  // Unset: random at each start.
  std::optional<std::array<uint8_t, 16>> hash_key;
  uint32_t mbufs = 32768;
};

struct KernelPort {
  bool enabled = true;
  std::string name;
  std::vector<InterfaceAddress> addresses;
};

struct Port {
  std::string name;
  // PCI address or vdev string.
  std::string device;
  std::optional<MacAddress> mac;
  uint16_t mtu = 1500;
  uint16_t descriptors = 1024;
  // 0: untagged.
  uint16_t vlan = 0;
  KernelPort kernel_port;
};

// The read-only HTTP listener.
struct Http {
  bool enabled = true;
  IpAddress address = *IpAddress::parse("127.0.0.1");
  uint16_t port = 9180;
};

// The API over TCP with TLS, for clients whose certificates `client_ca` signed. Paths of PEM files.
struct TcpListener {
  IpAddress address;
  uint16_t port = 9181;
  std::string certificate;
  std::string key;
  std::string client_ca;
  // Names in clients' certificates, by what they may do.
  std::vector<std::string> viewers;
  std::vector<std::string> operators;
  std::vector<std::string> admins;
};

// Users and groups ("group:ops") that may use the UNIX socket, by what they may do.
struct UnixRoles {
  std::vector<std::string> viewers;
  std::vector<std::string> operators;
  std::vector<std::string> admins;
  bool empty() const noexcept { return viewers.empty() && operators.empty() && admins.empty(); }
};

// Addresses that stand for reals as clients meet them (kernel/probe_translation.h).
struct Probes {
  std::string interface = "shunt-probe";
  Prefix ipv4_prefix = *Prefix::parse("240.82.0.0/15");
  Prefix ipv6_prefix = *Prefix::parse("fd53:6875:6e74::/96");
};

struct Logging {
  bool json = false;
  // trace, debug, info, warn, error, critical or off.
  std::string level = "info";
};

struct StaticNeighbour {
  IpAddress address;
  MacAddress mac;
  std::string port;
};

struct StaticRoute {
  Prefix prefix;
  std::optional<IpAddress> via;
  std::string port;
};

struct Machine {
  Dpdk dpdk;
  Workers workers;
  std::vector<Port> ports;
  std::string unix_socket = "/run/shunt/shuntd.sock";
  UnixRoles unix_roles;
  std::optional<TcpListener> tcp;
  std::string journal_directory = "/var/lib/shunt";
  Http http;
  Logging logging;
  Probes probes;
  std::vector<StaticNeighbour> neighbours;
  std::vector<StaticRoute> routes;
  // The folder of check programs: shuntd's option, since who may change a configuration may not run what he likes.
  std::string check_programs = "/etc/shunt/checks";
};

}  // namespace shunt::control
