#include "config/convert_limits.h"

#include "config/convert_access.h"
#include "config/duration.h"

namespace shunt::config {
namespace {

// Limits and ClientLimits have the same values.
template <typename Message>
control::LimitValues to_values(const Message& message) {
  control::LimitValues values{message.new_connections_per_second(), message.packets_per_second(), message.kilobits_per_second(),
                              message.connections()};
  if (message.has_burst()) values.burst = control::Milliseconds(to_ms(message.burst()).value());
  return values;
}

template <typename Message>
void put(const control::LimitValues& values, Message& out) {
  out.set_new_connections_per_second(values.new_connections);
  out.set_packets_per_second(values.packets);
  out.set_kilobits_per_second(values.kilobits);
  out.set_connections(values.connections);
  if (values.has_rate()) *out.mutable_burst() = to_duration(values.burst.count());
}

}  // namespace

control::Limits to_limits(const v1::Limits& limits) {
  control::Limits result{to_values(limits), std::nullopt, to_refusal(limits.on_excess())};
  if (!limits.has_per_client()) return result;
  const v1::ClientLimits& each = limits.per_client();
  control::PerClient& per_client = result.per_client.emplace();
  per_client.values = to_values(each);
  if (each.ipv4_prefix() != 0) per_client.ipv4_prefix = static_cast<uint8_t>(each.ipv4_prefix());
  if (each.ipv6_prefix() != 0) per_client.ipv6_prefix = static_cast<uint8_t>(each.ipv6_prefix());
  if (each.clients() != 0) per_client.clients = each.clients();
  return result;
}

v1::Limits to_proto(const control::Limits& limits, AddressFamily family) {
  v1::Limits out;
  put(limits.all, out);
  if (limits.on_excess != control::Refusal::kDrop) out.set_on_excess(to_proto(limits.on_excess));
  if (!limits.per_client) return out;
  v1::ClientLimits& each = *out.mutable_per_client();
  put(limits.per_client->values, each);
  if (family == AddressFamily::kIpv4) each.set_ipv4_prefix(limits.per_client->ipv4_prefix);
  else each.set_ipv6_prefix(limits.per_client->ipv6_prefix);
  each.set_clients(limits.per_client->clients);
  return out;
}

}  // namespace shunt::config
