// The API's values in an operator's words. Pure functions; any thread.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "shunt/v1/api.pb.h"

namespace shunt::shuntctl {

// The words of the YAML file: "wlc", "fullnat", "tcp"; "?" for a value that this version does not know.
std::string word(v1::Scheduler scheduler);
std::string word(v1::Method method);
std::string word(v1::Protocol protocol);
// "direct", "tunnel" for ipip, "tunnel (gre)", "tunnel (gue:6080,checksum)".
std::string forward_text(const v1::RealState& real);
// "UP", "DOWN", "UNKNOWN", "UNCHECKED"
std::string word(v1::Health health);

// "10.0.0.1:80", "[2001:db8::1]:80"
std::string endpoint(const std::string& address, uint32_t port);
// With a range's last port, "10.0.0.1:1000-1999", or, as ipvsadm shows all ports, "10.0.0.1:0". For Vip and
// ServiceState.
template <typename Vip>
std::string endpoint_of(const Vip& vip) {
  const std::string text = endpoint(vip.address(), vip.port());
  return vip.last_port() == 0 ? text : text + "-" + std::to_string(vip.last_port());
}
// "192.0.2.0/24:80-90 from 10.0.0.0/8,10.1.0.0/16 on outside": VIPs (* for any) and ports, clients, ingress port. Long
// lists are cut.
std::string match_text(const v1::Match& match);

// "1234", and from 100,000 on three significant digits: "123k", "1.23M" (k, M, G, T, P: powers of 1000).
// `exact`: in full.
std::string count(uint64_t value, bool exact);
// The same for a rate: "0.4", "12", "1.23M"; exact: two decimals.
std::string rate(double value, bool exact);
// "48.0 MiB"; exact: "50331648 B".
std::string bytes(uint64_t value, bool exact);
// Bits a second, of bytes a second: "1.20G"; exact: two decimals.
std::string bits(double bytes_a_second, bool exact);
std::string percent(double ratio);

// "45s", "5m", "3h12m", "2d4h"; negative lengths are "0s".
std::string age(std::chrono::seconds length);
// ipvsadm's "14:58", and "25:10:00" beyond an hour.
std::string expiry(std::chrono::milliseconds length);
// Since `then`; "-" when it is unset.
std::string age_of(const google::protobuf::Timestamp& then, std::chrono::system_clock::time_point now);
// Local time: "2026-01-31 12:00:00"; "-" when unset.
std::string local_time(const google::protobuf::Timestamp& time);

}  // namespace shunt::shuntctl
