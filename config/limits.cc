#include "config/limits.h"

#include <unordered_map>

#include "config/duration.h"
#include "shunt/v1/config.pb.h"

namespace shunt::config {
namespace {

using Table = std::unordered_map<const google::protobuf::FieldDescriptor*, Limits>;

constexpr Limits kPort = {1, 65535};
constexpr Limits kIdleTimeout = {1, 24 * kMillisecondsPerDay};

template <typename Message>
void put(Table& table, const char* field, Limits limits) {
  const auto* descriptor = Message::descriptor()->FindFieldByName(field);
  GOOGLE_CHECK(descriptor != nullptr) << "no field " << field;
  table.emplace(descriptor, limits);
}

// Of all clients, and of one.
template <typename Message>
void put_limits(Table& table) {
  put<Message>(table, "new_connections_per_second", {1, 1'000'000'000});
  put<Message>(table, "packets_per_second", {1, 4'000'000'000});
  put<Message>(table, "kilobits_per_second", {8, 1'000'000'000});
  put<Message>(table, "burst", {10, 10'000});
}

Table make_table() {
  Table table;
  put<v1::Dpdk>(table, "memory_mb", {64, 1048576});
  put<v1::Workers>(table, "connections", {1024, 64000000});
  put<v1::Workers>(table, "mbufs", {2048, 16777216});
  put<v1::Workers>(table, "ipv6_connections", {1024, 64000000});
  put<v1::Workers>(table, "templates", {1024, 16777216});
  put<v1::Port>(table, "mtu", {576, 9216});
  put<v1::Port>(table, "descriptors", {32, 32768});
  put<v1::Port>(table, "vlan", {1, 4094});
  put<v1::Http>(table, "port", kPort);
  put<v1::TcpListener>(table, "port", kPort);
  put<v1::Service>(table, "port", kPort);
  put<v1::Service>(table, "last_port", kPort);
  put<v1::Vip>(table, "port", kPort);
  put<v1::Vip>(table, "last_port", kPort);
  put<v1::Match>(table, "first_port", kPort);
  put<v1::Match>(table, "last_port", kPort);
  put<v1::Tunnel>(table, "port", kPort);
  put<v1::SnatRule>(table, "first_port", {1024, 65535});
  put<v1::SnatRule>(table, "last_port", {1024, 65535});
  put<v1::Real>(table, "port", kPort);
  put<v1::Real>(table, "weight", {0, 65535, "lower it or split the real"});
  put<v1::Real>(table, "weight_before_drain", {0, 65535});
  put<v1::Service>(table, "slow_start", {1000, 3600 * 1000});
  put<v1::Service>(table, "panic_threshold", {0, 100});
  put<v1::Persistence>(table, "timeout", {1000, 24 * kMillisecondsPerDay});
  put<v1::Persistence>(table, "ipv4_prefix", {1, 32});
  put<v1::Persistence>(table, "ipv6_prefix", {1, 128});
  put<v1::HealthCheck>(table, "interval", {100, 3600 * 1000});
  put<v1::HealthCheck>(table, "timeout", {1, 3600 * 1000});
  put<v1::HealthCheck>(table, "rise", {1, 100});
  put<v1::HealthCheck>(table, "fall", {1, 100});
  put<v1::HealthCheck>(table, "port", kPort);
  put<v1::HealthCheck>(table, "jitter", {1, 50});
  put<v1::HealthCheck>(table, "down_interval", {100, 3600 * 1000});
  put<v1::PassiveCheck>(table, "interval", {1000, 3600 * 1000});
  put<v1::PassiveCheck>(table, "failure_percent", {1, 100});
  put<v1::PassiveCheck>(table, "min_connections", {1, 1000000});
  put<v1::PassiveCheck>(table, "consecutive", {1, 1000000});
  put<v1::PassiveCheck>(table, "inhibit", {1000, kMillisecondsPerDay});
  put<v1::PassiveCheck>(table, "max_inhibit", {1000, kMillisecondsPerDay});
  put<v1::PassiveCheck>(table, "max_inhibited_percent", {1, 100});
  put<v1::Sysctls>(table, "conn_reuse_mode", {0, 3});
  for (const char* defence : {"secure_tcp", "drop_entry", "drop_packet"}) put<v1::Sysctls>(table, defence, {0, 3});
  put<v1::Sysctls>(table, "am_droprate", {1, 1000000});
  put<v1::Sysctls>(table, "amemthresh", {1, 100});
  put<v1::ClientLimits>(table, "ipv4_prefix", {1, 32});
  put<v1::ClientLimits>(table, "ipv6_prefix", {1, 128});
  put<v1::ClientLimits>(table, "clients", {1024, 4194304});
  put_limits<v1::Limits>(table);
  put_limits<v1::ClientLimits>(table);
  const auto* timeouts = v1::Timeouts::descriptor();
  for (int i = 0; i < timeouts->field_count(); ++i) table.emplace(timeouts->field(i), kIdleTimeout);
  return table;
}

}  // namespace

const Limits* limits_of(const google::protobuf::FieldDescriptor* field) {
  static const Table table = make_table();
  const auto found = table.find(field);
  return found == table.end() ? nullptr : &found->second;
}

std::string range_remedy(const google::protobuf::FieldDescriptor* field, const Limits& limits) {
  if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
    return "use " + format_duration_ms(static_cast<int64_t>(limits.min)) + ".." +
           format_duration_ms(static_cast<int64_t>(limits.max));
  }
  return "use " + std::to_string(limits.min) + ".." + std::to_string(limits.max);
}

}  // namespace shunt::config
