// A virtual service in the terms that ipvsadm, keepalived and DPVS share, and how it becomes one of Shunt's. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/address.h"
#include "src/shuntctl/foreign/draft.h"

namespace shunt::shuntctl {

struct LvsReal {
  Source from;
  IpAddress address;
  // 0: the packets' own.
  uint32_t port = 0;
  v1::Method method = v1::METHOD_DIRECT;
  uint32_t weight = 1;
  uint32_t upper_threshold = 0;
  uint32_t lower_threshold = 0;
  v1::Tunnel tunnel;
  std::vector<Note> notes;
};

struct LvsService {
  Source from;
  v1::Protocol protocol = v1::PROTOCOL_TCP;
  IpAddress address;
  // 0: all ports of the address.
  uint32_t port = 0;
  // A firewall mark in place of protocol, address and port; 0: none. `address` then is its family's 0.0.0.0 or ::.
  uint32_t mark = 0;
  std::string scheduler = "wlc";
  // ipvsadm's words: "sh-port", "flag-1".
  std::vector<std::string> flags;
  std::optional<uint32_t> persistence_s;
  // "255.255.255.0", or of IPv6 a prefix's length; empty: each client by itself.
  std::string netmask;
  std::string persistence_engine;
  bool one_packet = false;
  std::vector<LvsReal> reals;
  std::vector<LvsReal> sorry_reals;
  std::vector<Note> notes;
};

// "service tcp 192.0.2.10:80", "service firewall mark 7"
std::string subject_of(const LvsService& service);
// "real 10.0.0.1:80 of service tcp 192.0.2.10:80"
std::string subject_of(const LvsReal& real, const LvsService& service);

// Scheduler, persistence, forwarding, reals, each with a note where Shunt cannot do the same. Nothing is validated yet.
// The name is one that the draft has not.
DraftService carry_over(const LvsService& from, const Draft& draft);

}  // namespace shunt::shuntctl
