#include "tests/bench/path_rig.h"

#include <rte_cycles.h>

#include <algorithm>

#include "dataplane/packet_path.h"
#include "tests/bench/departure.h"
#include "tests/bench/results.h"

namespace shunt::bench {

using namespace dataplane;

namespace {

FlowKey mirrored(const FlowKey& key) {
  return {key.destination, key.source, key.destination_port, key.source_port, key.protocol};
}

// What is timed, and what callgrind counts by this name (instructions_test.py): the packet path and nothing else.
[[gnu::noinline]] void measured_path(Worker& worker, const Snapshot& snapshot) {
  packet_path(worker, snapshot, worker.burst);
}

}  // namespace

const std::vector<std::string>& path_names() {
  static const std::vector<std::string> names{"direct", "tunnel", "nat", "nat-reply", "fullnat", "fullnat-reply"};
  return names;
}

Path path_named(const std::string& name) {
  for (const Method method : {Method::kDirect, Method::kTunnel, Method::kNat, Method::kFullnat}) {
    if (name == name_of(method)) return {method, false};
    const bool two_way = method == Method::kNat || method == Method::kFullnat;
    if (two_way && name == std::string(name_of(method)) + "-reply") return {method, true};
  }
  std::string known;
  for (const std::string& each : path_names()) known += " " + each;
  give_up("--methods " + name + ": there is no such path; there are" + known);
}

PathRig::PathRig(Path path, const TablesSpec& spec, uint32_t connections, uint32_t capacity)
    : path_(path), tables_(spec), snapshot_(tables_.snapshot(1)), worker_(capacity) {
  worker_->current = &current_;
  open_connections(connections);
}

void PathRig::put(uint32_t position, uint64_t connection, const FlowKey& key, uint8_t tcp_flags) {
  indices_[position] = connection;
  Packet& packet = worker_->burst.packets[position];
  packet.mbuf = buffers_.fill(position, key, kOurMac, tcp_flags);
  packet.in_port = 0;
  packet.handed_off = false;
}

// The packets that were put, through the path; all must leave. Cycles.
uint64_t PathRig::process(uint32_t count) {
  worker_->burst.count = count;
  const uint64_t start = exact_cycles();
  measured_path(*worker_, snapshot_);
  const uint64_t cycles = exact_cycles() - start;
  expect_departed(count);
  return cycles;
}

void PathRig::expect_departed(uint32_t count) {
  WorkerPort& port = worker_->ports[0];
  if (port.tx_count != count) give_up("a packet did not leave; drops: " + worker_.drop_reasons());
  port.tx_count = 0;
}

void PathRig::open_connections(uint32_t count) {
  if (path_.method == Method::kFullnat) reply_keys_.resize(count);
  for (; connections_ < count; ++connections_) {
    const FlowKey key = tables_.request(connections_);
    put(0, connections_, key, kTcpSyn);
    worker_->burst.count = 1;
    packet_path(*worker_, snapshot_, worker_->burst);
    expect_departed(1);
    const auto found = worker_->connections.find(key);
    if (found.entry == nullptr) give_up("a connection could not be made");
    if (tables_.spec().scheduler == SchedulerKind::kRr && found.entry->real != tables_.real_in_turn(connections_)) {
      give_up("round robin chose another real than the next one");
    }
    found.entry->state = ConnectionState::kEstablished;
    if (path_.method == Method::kFullnat) reply_keys_[connections_] = found.entry->reply;
  }
}

uint64_t PathRig::run(uint32_t packets) {
  uint64_t cycles = 0;
  for (uint32_t done = 0; done < packets; done += kBurstSize) {
    for (uint32_t i = 0; i < kBurstSize; ++i) {
      const uint32_t connection = random_.below(connections_);
      FlowKey key = tables_.request(connection);
      if (path_.replies) {
        const RealEntry& real = tables_.real(tables_.real_in_turn(connection));
        key = path_.method == Method::kFullnat ? reply_keys_[connection]
                                               : FlowKey{real.address, key.source, real.port, key.source_port, key.protocol};
      }
      put(i, connection, key, kTcpAck);
    }
    cycles += process(kBurstSize);
    for (uint32_t i = 0; i < kBurstSize; ++i) check(worker_->ports[0].tx[i], indices_[i]);
  }
  return cycles;
}

uint64_t PathRig::open_more(uint32_t connections) {
  uint64_t cycles = 0;
  for (uint32_t done = 0; done < connections; done += kBurstSize) {
    for (uint32_t i = 0; i < kBurstSize; ++i) {
      put(i, connections_, tables_.request(connections_), kTcpSyn);
      ++connections_;
    }
    cycles += process(kBurstSize);
  }
  return cycles;
}

void PathRig::check(const rte_mbuf* mbuf, uint64_t connection) const {
  const FlowKey request = tables_.request(connection);
  const RealId real_id = tables_.real_in_turn(connection);
  const RealEntry& real = tables_.real(real_id);
  Departure wanted{request, path_.replies ? tables_.client_hop() : tables_.hop_of(real_id)};
  if (path_.replies) {
    wanted.key = mirrored(request);
  } else {
    switch (path_.method) {
      case Method::kDirect: break;
      case Method::kTunnel: wanted.tunnel_to = &real; break;
      case Method::kNat: wanted.key = {request.source, real.address, request.source_port, real.port, request.protocol}; break;
      case Method::kFullnat: wanted.key = mirrored(reply_keys_[connection]); break;
    }
  }
  if (const char* fault = fault_of(mbuf, wanted)) give_up(std::string("a packet ") + fault);
}

}  // namespace shunt::bench
