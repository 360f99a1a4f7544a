#include "tests/bench/path_rig.h"

#include <rte_cycles.h>

#include <algorithm>

#include "dataplane/client_address/carrying.h"
#include "dataplane/find.h"
#include "dataplane/ftp/control.h"
#include "dataplane/packet_path.h"
#include "tests/bench/departure.h"
#include "tests/bench/results.h"

namespace shunt::bench {

using namespace dataplane;

namespace {

IpFlow mirrored(const IpFlow& flow) {
  return {flow.destination, flow.source, flow.destination_port, flow.source_port, flow.protocol};
}

FlowKey key4_of(const IpFlow& flow) {
  return {flow.source.v4(), flow.destination.v4(), flow.source_port, flow.destination_port, flow.protocol};
}
FlowKey6 key6_of(const IpFlow& flow) {
  return {flow.source.mapped(), flow.destination.mapped(), flow.source_port, flow.destination_port, flow.protocol};
}

// What is timed, and what callgrind counts by this name (instructions_test.py): the packet path and nothing else.
[[gnu::noinline]] void measured_path(Worker& worker, const Snapshot& snapshot) {
  packet_path(worker, snapshot, worker.burst);
}

// As it is when its client has answered the real's answer.
template <typename Entry>
void become_control(Worker& worker, Entry& connection) {
  const uint32_t place = worker.ftp.controls.allocate();
  if (place == FtpControls::kNone) give_up("there is no room for so many control connections; lower --connections");
  begin_opening(connection, place);
  set_step(connection, Step::kTold);
  connection.carried = kCarriesFtp;
  worker.ftp.controls[place].of_client.begin(0);
  worker.ftp.controls[place].of_real.begin(0);
}

const std::vector<Path>& paths() {
  static const std::vector<Path> all{{"direct", Method::kDirect},
                                     {"tunnel", Method::kTunnel},
                                     {"tunnel-gre", Method::kTunnel, false, TunnelKind::kGre},
                                     {"tunnel-gre-checksum", Method::kTunnel, false, TunnelKind::kGreChecksum},
                                     {"tunnel-gue", Method::kTunnel, false, TunnelKind::kGue},
                                     {"tunnel-gue-checksum", Method::kTunnel, false, TunnelKind::kGueChecksum},
                                     {"nat", Method::kNat},
                                     {"nat-reply", Method::kNat, true},
                                     {"fullnat", Method::kFullnat},
                                     {"fullnat-reply", Method::kFullnat, true},
                                     {"fullnat-proxy", Method::kFullnat, false, TunnelKind::kIpip, true},
                                     {"fullnat-proxy-reply", Method::kFullnat, true, TunnelKind::kIpip, true},
                                     {"fullnat-crossing", Method::kFullnat, false, TunnelKind::kIpip, false, true},
                                     {"fullnat-crossing-reply", Method::kFullnat, true, TunnelKind::kIpip, false, true},
                                     {"direct-limits", Method::kDirect, false, TunnelKind::kIpip, false, false, false, true},
                                     {"fullnat-ftp", Method::kFullnat, false, TunnelKind::kIpip, false, false, true},
                                     {"fullnat-ftp-reply", Method::kFullnat, true, TunnelKind::kIpip, false, false, true},
                                     {"snat", Method::kSnat},
                                     {"snat-reply", Method::kSnat, true}};
  return all;
}

}  // namespace

std::vector<std::string> path_names() {
  std::vector<std::string> names;
  for (const Path& path : paths()) {
    if (path.tunnel == TunnelKind::kIpip && path.method != Method::kSnat && !path.is_told && !path.crosses && !path.is_ftp && !path.has_limits) names.push_back(path.name);
  }
  return names;
}

Path path_named(const std::string& name) {
  std::string known;
  for (const Path& path : paths()) {
    if (name == path.name) return path;
    known += " " + path.name;
  }
  give_up("--methods " + name + ": there is no such path; there are" + known);
}

PathRig::PathRig(Path path, const TablesSpec& spec, uint32_t connections, uint32_t capacity)
    : path_(path), tables_(spec), snapshot_(tables_.snapshot(1)), worker_(capacity, spec.table_family()) {
  worker_->current = &current_;
  open_connections(connections);
}

void PathRig::put(uint32_t position, uint64_t connection, const IpFlow& flow, uint8_t tcp_flags) {
  indices_[position] = connection;
  Packet& packet = worker_->burst.packets[position];
  packet.mbuf = buffers_.fill(position, flow, kOurMac, tcp_flags);
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

template <typename Table, typename Key>
void PathRig::establish(Table& table, const Key& request) {
  const auto found = table.find(request);
  if (found.entry == nullptr) give_up("a connection could not be made");
  const bool in_turn = tables_.spec().scheduler == SchedulerKind::kRr && path_.method != Method::kSnat;
  if (in_turn && found.entry->real != tables_.real_in_turn(connections_)) {
    give_up("round robin chose another real than the next one");
  }
  found.entry->state = ConnectionState::kEstablished;
  if (path_.is_told) found.entry->carried = kCarriesProxyV2;
  if (path_.is_ftp) become_control(*worker_, *found.entry);
  if (!is_mirrored(path_.method)) return;
  const IpFlow reply = IpFlow::from(found.entry->reply);
  local_ends_[connections_] = {tables_.local_number_of(reply.destination), reply.destination_port};
}

void PathRig::open_connections(uint32_t count) {
  if (is_mirrored(path_.method)) local_ends_.resize(count);
  for (; connections_ < count; ++connections_) {
    const IpFlow request = tables_.request(connections_);
    put(0, connections_, request, kTcpSyn);
    worker_->burst.count = 1;
    packet_path(*worker_, snapshot_, worker_->burst);
    expect_departed(1);
    if (tables_.spec().table_family() == AddressFamily::kIpv4) establish(worker_->connections, key4_of(request));
    else establish(worker_->connections6, key6_of(request));
  }
}

IpFlow PathRig::reply(uint64_t connection) const {
  const RealEntry& real = tables_.real(tables_.real_in_turn(connection));
  const IpFlow request = tables_.request(connection);
  if (!is_mirrored(path_.method)) {
    return {real.address, request.source, real.port, request.source_port, request.protocol};
  }
  const LocalEnd& local = local_ends_[connection];
  if (path_.method == Method::kSnat) {
    return {request.destination, tables_.local_address(local.address), request.destination_port, local.port,
            request.protocol};
  }
  return {real.address, tables_.local_address(local.address), real.port, local.port, request.protocol};
}

uint64_t PathRig::run(uint32_t packets) {
  uint64_t cycles = 0;
  const uint32_t burst = burst_size(*worker_);
  for (uint32_t done = 0; done < packets; done += burst) {
    for (uint32_t i = 0; i < burst; ++i) {
      const uint32_t connection = random_.below(connections_);
      put(i, connection, path_.replies ? reply(connection) : tables_.request(connection), kTcpAck);
    }
    cycles += process(burst);
    for (uint32_t i = 0; i < burst; ++i) check(worker_->ports[0].tx[i], indices_[i]);
  }
  return cycles;
}

uint64_t PathRig::open_more(uint32_t connections) {
  uint64_t cycles = 0;
  const uint32_t burst = burst_size(*worker_);
  for (uint32_t done = 0; done < connections; done += burst) {
    for (uint32_t i = 0; i < burst; ++i) {
      put(i, connections_, tables_.request(connections_), kTcpSyn);
      ++connections_;
    }
    cycles += process(burst);
  }
  return cycles;
}

void PathRig::check(const rte_mbuf* mbuf, uint64_t connection) const {
  const IpFlow request = tables_.request(connection);
  const RealId real_id = tables_.real_in_turn(connection);
  const AddressFamily came = path_.replies ? tables_.spec().reals_family() : tables_.spec().family;
  const bool by_gateway = path_.replies || path_.method == Method::kSnat;
  Departure wanted{request, by_gateway ? tables_.client_hop() : tables_.hop_of(real_id), nullptr, came};
  if (path_.replies) {
    wanted.flow = mirrored(request);
  } else {
    switch (path_.method) {
      case Method::kDirect: break;
      case Method::kTunnel: wanted.tunnel_to = &tables_.real(real_id); break;
      case Method::kNat:
        wanted.flow.destination = tables_.real(real_id).address;
        wanted.flow.destination_port = tables_.real(real_id).port;
        break;
      case Method::kFullnat:
      case Method::kSnat: wanted.flow = mirrored(reply(connection)); break;
    }
  }
  if (const char* fault = fault_of(mbuf, wanted)) give_up(std::string("a packet ") + fault);
}

}  // namespace shunt::bench
