// How reals are checked, as plain values: the control side's own form of the schema's HealthCheck. Any thread.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace shunt::control {

using Milliseconds = std::chrono::milliseconds;

// A connect.
struct TcpCheck {
  auto operator<=>(const TcpCheck&) const = default;
};

// How a check speaks TLS.
struct CheckTls {
  // Empty: the host's name, and without one the real's address.
  std::string server_name;
  // Empty: the system's.
  std::string ca_file;
  bool verify = true;
  auto operator<=>(const CheckTls&) const = default;
};

struct StatusRange {
  uint16_t first = 200;
  uint16_t last = 299;
  auto operator<=>(const StatusRange&) const = default;
};

// A request over HTTP, or HTTPS where `secure`.
struct HttpCheck {
  bool secure = false;
  std::string method = "GET";
  std::string path = "/";
  // Empty: the real's address.
  std::string host;
  // "NAME: VALUE"
  std::vector<std::string> headers;
  std::vector<StatusRange> status{StatusRange{}};
  // What the answer's body must have in it; empty: anything.
  std::string body;
  // HTTP/2 or failure.
  bool http2 = false;
  // Of `secure`.
  CheckTls tls;
  auto operator<=>(const HttpCheck&) const = default;
};

// Bytes out, bytes back.
struct UdpCheck {
  std::string send;
  // What the answer must have in it; empty: anything.
  std::string expect;
  // Else silence is success, too: the port is not refused.
  bool needs_answer = false;
  auto operator<=>(const UdpCheck&) const = default;
};

// A query over UDP. `type` and `code` as on the wire.
struct DnsCheck {
  std::string name = ".";
  uint16_t type = 6;
  uint8_t code = 0;
  auto operator<=>(const DnsCheck&) const = default;
};

// An echo.
struct IcmpCheck {
  auto operator<=>(const IcmpCheck&) const = default;
};

// grpc.health.v1.Health/Check; over TLS where `secure`.
struct GrpcCheck {
  // Empty: the server as a whole.
  std::string service;
  // :authority. Empty: the real's address.
  std::string host;
  bool secure = false;
  CheckTls tls;
  auto operator<=>(const GrpcCheck&) const = default;
};

// A program of the machine's administrator, by its name, and its arguments.
struct ExecCheck {
  std::vector<std::string> command;
  auto operator<=>(const ExecCheck&) const = default;
};

using CheckKind =
    std::variant<TcpCheck, HttpCheck, UdpCheck, DnsCheck, IcmpCheck, GrpcCheck, ExecCheck>;

// Reals are judged by what they make of clients' connections.
struct PassiveCheck {
  Milliseconds interval{10000};
  uint32_t failure_percent = 50;
  uint32_t min_connections = 20;
  uint32_t consecutive = 5;
  Milliseconds inhibit{30000};
  Milliseconds max_inhibit{300000};
  uint32_t max_inhibited_percent = 50;
  bool operator==(const PassiveCheck&) const = default;
};

struct HealthCheck {
  bool enabled = true;
  Milliseconds interval{5000};
  Milliseconds timeout{2000};
  uint32_t rise = 2;
  uint32_t fall = 3;
  // 0: the real's port.
  uint16_t port = 0;
  CheckKind kind;
  // Every wait is longer or shorter by up to so many percent.
  uint32_t jitter = 10;
  // To which failures in a row stretch the interval of a down real; 0: they do not.
  Milliseconds down_interval{0};
  // To the service's VIP by its method, not to the real's own address.
  bool through_vip = false;
  // Beside `kind`, and whether or not that is enabled.
  std::optional<PassiveCheck> passive;
  bool operator==(const HealthCheck&) const = default;
};

}  // namespace shunt::control
