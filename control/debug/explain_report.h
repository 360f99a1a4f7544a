// What explain tells, as plain values: the control side's form of ExplainResponse in proto/shunt/v1/debug.proto, whose
// comments hold here too. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/report.h"

namespace shunt::control {

struct ExplainQuery {
  Protocol protocol = Protocol::kTcp;
  IpAddress client;
  uint16_t client_port = 0;
  IpAddress address;  // of the same family
  uint16_t port = 0;
  // Name of the port that the packet comes in on; empty: the one that leads to the client.
  std::string ingress_port;
};

struct ExplainedService {
  std::string name;
  std::string found_by;
  SchedulerKind scheduler = SchedulerKind::kWlc;
  Method method = Method::kNat;
  std::vector<std::string> passed_over;
  // What its access lists say of the client; empty: it has none.
  std::string access;
};

struct ExplainedNextHop {
  enum class State { kReachable, kLinkDown, kUnresolved, kNoRoute };
  State state = State::kNoRoute;
  std::string port;
  MacAddress mac;
  // Whom the MAC address is of, or would be asked of: the real or a gateway.
  std::optional<IpAddress> neighbour;
  // Bytes of a client's packet that fit.
  uint32_t mtu = 0;
};

struct ExplainedReal {
  std::string name;
  IpAddress address;
  uint16_t port = 0;
  uint32_t weight = 0;
  bool sorry = false;
  Health health = Health::kUnknown;
  WallClock::time_point health_since;
  std::string last_check;
  uint64_t active_connections = 0;
  uint64_t inactive_connections = 0;
  // Of those from whom the scheduler chooses.
  bool may_be_chosen = false;
  // Chosen by a worker that may get the packet.
  bool chosen = false;
  std::string reason;
  ExplainedNextHop next_hop;
};

struct ExplainedWorker {
  uint32_t worker = 0;
  // The packet, or the connection, is its business.
  bool handles = false;
  std::string why_handles;
  std::optional<ConnectionReport> connection;
  bool is_reply = false;
  bool begins_anew = false;
  // Of the packet; empty: none.
  std::string real;
  // "connection", "template", "scheduler", "sorry"; empty: nobody.
  std::string chosen_by;
  std::string why;
  std::vector<std::string> rewrite;
  std::vector<std::string> reply_rewrite;
  // The drop's name (dataplane/verdict.h) where it would be dropped; empty: it would not.
  std::string drop_reason;
};

struct ExplainReport {
  std::string verdict;
  std::string ingress_port;
  bool ingress_assumed = false;
  std::optional<ExplainedService> service;
  // The rule of snat that the packet, or its connection, is of; empty: none.
  std::string snat_rule;
  std::vector<ExplainedWorker> workers;
  // In the order of the configuration.
  std::vector<ExplainedReal> reals;
};

}  // namespace shunt::control
