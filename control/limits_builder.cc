#include "control/limits_builder.h"

#include <algorithm>
#include <bit>
#include <random>

namespace shunt::control {
namespace {

using dataplane::ClientTable;
using dataplane::Limit;
using dataplane::Rate;
using dataplane::RateSet;

// An IP packet has no more.
constexpr uint64_t kLargestPacket = 65535;
// A worker's batch is what the rate brings in a millisecond, shared by all; and places for connections a part of them all.
constexpr uint64_t kBatchesASecond = 1000;
constexpr uint32_t kLeases = 16;
constexpr uint64_t kMostInBatch = 1 << 24;

RateSet rates_of(const LimitValues& values, uint32_t workers) {
  RateSet rates;
  rates[static_cast<size_t>(Limit::kNewConnections)] = rate_of(values.new_connections, values.burst, 1, workers);
  rates[static_cast<size_t>(Limit::kPackets)] = rate_of(values.packets, values.burst, 1, workers);
  rates[static_cast<size_t>(Limit::kBits)] = rate_of(uint64_t{values.kilobits} * 125, values.burst, kLargestPacket, workers);
  return rates;
}

std::array<uint8_t, 16> random_key() {
  std::random_device device;
  std::array<uint8_t, 16> key;
  for (uint8_t& byte : key) byte = static_cast<uint8_t>(device());
  return key;
}

}  // namespace

Rate rate_of(uint64_t per_second, Milliseconds burst, uint64_t least, uint32_t workers) {
  if (per_second == 0) return {};
  constexpr uint64_t kSecond = 1000 * dataplane::kLimitMs;
  Rate rate;
  // Rounded up, so that never more is sold.
  rate.price = (kSecond + per_second - 1) / per_second;
  rate.burst = std::max(static_cast<uint64_t>(burst.count()) * dataplane::kLimitMs, rate.price * least);
  rate.batch = static_cast<uint32_t>(std::clamp<uint64_t>(per_second / kBatchesASecond / workers, 1, kMostInBatch));
  return rate;
}

LimitsMemory::LimitsMemory(const Limits& limits, AddressFamily family, uint32_t workers) {
  limits_->rates = rates_of(limits.all, workers);
  limits_->connections = limits.all.connections;
  limits_->connection_batch = std::clamp(limits.all.connections / (kLeases * workers), 1u, 256u);
  limits_->refusal = limits.on_excess;
  if (limits.per_client) build_clients(*limits.per_client, family, workers);
}

void LimitsMemory::build_clients(const PerClient& per_client, AddressFamily family, uint32_t workers) {
  dataplane::ClientLimits& clients = limits_->clients;
  clients.rates = rates_of(per_client.values, workers);
  clients.connections = per_client.values.connections;
  clients.prefix = family == AddressFamily::kIpv4 ? per_client.ipv4_prefix : per_client.ipv6_prefix;
  const uint32_t sets = std::bit_ceil((per_client.clients + ClientTable::kOwnPlaces - 1) / ClientTable::kOwnPlaces);
  buckets_ = std::vector<dataplane::ClientBucket>(size_t{sets} * ClientTable::kPlaces);
  clients.table.buckets = buckets_.data();
  clients.table.sets = sets;
  clients.table.key = dataplane::HashKey::from_bytes(random_key());
  if (per_client.values.packets == 0 && per_client.values.kilobits == 0) return;
  clients.table.purse_count = std::bit_ceil(per_client.clients / 4);
  purses_ = std::vector<dataplane::ClientPurse>(size_t{clients.table.purse_count} * workers);
  clients.table.purses = purses_.data();
}

}  // namespace shunt::control
