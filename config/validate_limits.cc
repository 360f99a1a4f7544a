#include "config/validate_limits.h"

#include <utility>

namespace shunt::config {
namespace {

struct Value {
  const char* name;
  uint64_t all;
  uint64_t each;
};

template <typename Message>
bool has_rate(const Message& limits) {
  return limits.new_connections_per_second() > 0 || limits.packets_per_second() > 0 || limits.kilobits_per_second() > 0;
}
template <typename Message>
bool has_some(const Message& limits) {
  return has_rate(limits) || limits.connections() > 0;
}

// `field` is wrong because of what the limits in `group` do not say.
void add_missing(Problems& problems, const std::string& group, std::string field, const char* why, std::string cause,
                 std::string remedy) {
  add(problems, std::move(field), why, std::move(cause), std::move(remedy));
  problems.back().missed_in = group;
}

// A bucket without a rate has no burst.
template <typename Message>
void check_burst(const Message& limits, const std::string& at, Problems& problems) {
  if (!limits.has_burst() || has_rate(limits)) return;
  add_missing(problems, at, at + ".burst", reason::kConflict, "burst is given but no rate is limited",
              "remove the line, or limit new_connections_per_second, packets_per_second or kilobits_per_second");
}

void check_client(const v1::Limits& limits, const std::optional<ServiceFamily>& family, const std::string& at,
                  Problems& problems) {
  const v1::ClientLimits& each = limits.per_client();
  if (!has_some(each)) {
    add_missing(problems, at, at, reason::kRequired, "per_client limits nothing",
                "give new_connections_per_second, packets_per_second, kilobits_per_second or connections, or remove it");
  }
  check_burst(each, at, problems);
  const Value values[] = {
      {"new_connections_per_second", limits.new_connections_per_second(), each.new_connections_per_second()},
      {"packets_per_second", limits.packets_per_second(), each.packets_per_second()},
      {"kilobits_per_second", limits.kilobits_per_second(), each.kilobits_per_second()},
      {"connections", limits.connections(), each.connections()}};
  for (const Value& value : values) {
    if (value.all == 0 || value.each <= value.all) continue;
    add(problems, at + "." + value.name, reason::kConflict,
        std::string(value.name) + " " + std::to_string(value.each) + " of a client exceeds that of all, " +
            std::to_string(value.all),
        "lower it, or remove it");
  }
  const auto refuse_prefix = [&](const char* name, const char* other) {
    add(problems, at + "." + name, reason::kConflict, std::string(name) + " is given but " + family->by + ", is " + other,
        "remove the line");
  };
  if (family && family->family == AddressFamily::kIpv6 && each.ipv4_prefix() != 0) refuse_prefix("ipv4_prefix", "IPv6");
  if (family && family->family == AddressFamily::kIpv4 && each.ipv6_prefix() != 0) refuse_prefix("ipv6_prefix", "IPv4");
}

}  // namespace

void check_limits(const v1::Service& service, const std::optional<ServiceFamily>& family, const std::string& at_service,
                  Problems& problems) {
  if (!service.has_limits()) return;
  const v1::Limits& limits = service.limits();
  const std::string at = at_service + ".limits";
  if (!has_some(limits) && !limits.has_per_client()) {
    add_missing(
        problems, at, at, reason::kRequired, "limits limits nothing",
        "give new_connections_per_second, packets_per_second, kilobits_per_second, connections or per_client, or remove it");
    return;
  }
  check_burst(limits, at, problems);
  if (limits.has_per_client()) check_client(limits, family, at + ".per_client", problems);
  const v1::ClientLimits& each = limits.per_client();
  const bool refuses_new = limits.new_connections_per_second() > 0 || limits.connections() > 0 ||
                           each.new_connections_per_second() > 0 || each.connections() > 0;
  if (limits.on_excess() != v1::REFUSAL_UNSPECIFIED && !refuses_new) {
    add_missing(problems, at, at + ".on_excess", reason::kConflict, "on_excess is given but new connections are not limited",
                "remove the line; packets beyond packets_per_second and kilobits_per_second are dropped");
  }
  if (service.one_packet() && (limits.connections() > 0 || each.connections() > 0)) {
    const std::string field = limits.connections() > 0 ? at + ".connections" : at + ".per_client.connections";
    add(problems, field, reason::kConflict, "connections is given but a one_packet service has none",
        "remove the line, or limit packets_per_second");
  }
}

}  // namespace shunt::config
