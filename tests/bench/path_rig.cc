#include "tests/bench/path_rig.h"

#include <rte_cycles.h>

#include <cstdio>
#include <cstdlib>

#include "dataplane/packet_path.h"

namespace shunt::bench {

using namespace dataplane;

namespace {

constexpr MacAddress kOurMac{{2, 0, 0, 0, 0, 1}};
constexpr Be32 kVip = Be32::from_host(0xcb00710a);
constexpr Be16 kPort = Be16::from_host(80);
constexpr NextHopId kClientHop{0};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "path_bench: %s\n", what);
  std::exit(1);
}

Method method_of(const std::string& name) {
  for (const Method method : {Method::kDirect, Method::kTunnel, Method::kNat, Method::kFullnat}) {
    if (name.starts_with(name_of(method)) && (name.size() == name_of(method).size() || name.ends_with("-reply"))) {
      return method;
    }
  }
  fail("no such method");
}

}  // namespace

PathRig::PathRig(const std::string& name, uint32_t connections, uint32_t reals)
    : name_(name), method_(method_of(name)), replies_(name.ends_with("-reply")), connections_(connections) {
  // Four fifths full, as a table in service.
  const uint32_t capacity = connections + connections / 4 + 16;
  table_memory_ = std::make_unique<HugeMemory>(ConnectionTable::bytes_for(capacity));
  counters_memory_ = std::make_unique<HugeMemory>(sizeof(RealCounters) * kMaxReals);
  cursors_.resize(kMaxServices);
  worker_ = std::make_unique<Worker>();
  worker_->connections.attach(table_memory_->get(), capacity, HashKey::from_bytes({9, 8, 7, 6}));
  worker_->real_counters = static_cast<RealCounters*>(counters_memory_->get());
  worker_->cursors = cursors_.data();
  worker_->current = &current_;
  worker_->port_count = 1;
  worker_->ports[0].present = true;
  worker_->ports[0].mac = kOurMac;
  worker_->cycles_per_ms = rte_get_tsc_hz() / 1000;
  build_snapshot(reals);
  open_connections();
}

void PathRig::build_snapshot(uint32_t reals) {
  hops_.push_back({{{2, 0, 0, 0, 1, 0}}, kOurMac, 0, 1500, Be32::from_host(0x0a000001), {}, true});
  for (uint32_t i = 0; i < reals; ++i) {
    const Be32 address = Be32::from_host(0xac100000 + i + 1);
    hops_.push_back({{{2, 1, 0, 0, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)}}, kOurMac, 0, 1500,
                     Be32::from_host(0xac100001), address, true});
    RealEntry real;
    real.address = address;
    real.port = method_ == Method::kNat || method_ == Method::kFullnat ? Be16::from_host(8080) : kPort;
    real.method = method_;
    real.used = true;
    real.next_hop = NextHopId{static_cast<uint16_t>(i + 1)};
    real.no_route = false;
    real.service = ServiceId{0};
    reals_.push_back(real);
    candidates_.push_back({RealId{i}, 1, 1});
  }
  for (uint32_t i = 0; i < 250; ++i) local_addresses_.push_back(Be32::from_host(0xc6120001 + i));
  routes_.push_back({0, kClientHop, 0});
  timeouts_.push_back(kDefaultTimeoutsMs);
  ServiceEntry service;
  service.id = ServiceId{0};
  service.address = kVip;
  service.port = kPort;
  service.protocol = kIpProtocolTcp;
  service.scheduler = SchedulerKind::kRr;
  service.method = method_;
  service.candidates = candidates_;
  service.local_addresses = local_addresses_;
  services_.push_back(service);
  service_slots_.resize(4);
  service_slots_[service_hash(kIpProtocolTcp, kVip, kPort) & 3] = {kVip, kPort, kIpProtocolTcp, 0};
  snapshot_.version = 1;
  snapshot_.reals = reals_;
  snapshot_.services = services_;
  snapshot_.service_slots = service_slots_;
  snapshot_.timeouts = timeouts_;
  snapshot_.next_hops = {hops_, routes_, {}, 1};
  snapshot_.link_up.fill(true);
}

FlowKey PathRig::request_key(uint32_t index) const {
  return {Be32::from_host(0x0a000000 + index), kVip, Be16::from_host(static_cast<uint16_t>(1024 + (index & 0x7fff))),
          kPort};
}

void PathRig::process(uint32_t count, bool checked) {
  worker_->burst.count = count;
  packet_path(*worker_, snapshot_, worker_->burst);
  WorkerPort& port = worker_->ports[0];
  if (port.tx_count != count) fail("a packet did not leave");
  if (checked) {
    for (uint32_t i = 0; i < count; ++i) check(port.tx[i], indices_[i]);
  }
  port.tx_count = 0;
}

void PathRig::open_connections() {
  if (replies_) reply_keys_.resize(connections_);
  for (uint32_t index = 0; index < connections_; ++index) {
    const FlowKey key = request_key(index);
    rte_mbuf* mbuf = buffers_.fill(0, key, kOurMac);
    auto* ip = rte_pktmbuf_mtod_offset(mbuf, Ipv4Header*, sizeof(EthernetHeader));
    reinterpret_cast<TcpHeader*>(ip + 1)->flags = kTcpSyn;
    worker_->burst.packets[0].mbuf = mbuf;
    worker_->burst.packets[0].in_port = 0;
    worker_->burst.packets[0].handed_off = false;
    process(1, false);
    const auto found = worker_->connections.find(key, kIpProtocolTcp);
    if (found.entry == nullptr) fail("a connection could not be made");
    found.entry->state = ConnectionState::kEstablished;
    if (replies_) reply_keys_[index] = found.entry->reply;
  }
}

uint64_t PathRig::run(uint32_t packets) {
  uint64_t cycles = 0;
  for (uint32_t done = 0; done < packets; done += kBurstSize) {
    for (uint32_t i = 0; i < kBurstSize; ++i) {
      indices_[i] = random_.below(connections_);
      Packet& packet = worker_->burst.packets[i];
      packet.mbuf = buffers_.fill(i, replies_ ? reply_keys_[indices_[i]] : request_key(indices_[i]), kOurMac);
      packet.in_port = 0;
      packet.handed_off = false;
    }
    worker_->burst.count = kBurstSize;
    const uint64_t start = rte_rdtsc();
    packet_path(*worker_, snapshot_, worker_->burst);
    cycles += rte_rdtsc() - start;
    WorkerPort& port = worker_->ports[0];
    if (port.tx_count != kBurstSize) fail("a packet did not leave");
    for (uint32_t i = 0; i < kBurstSize; ++i) check(port.tx[i], indices_[i]);
    port.tx_count = 0;
  }
  return cycles;
}

// Only fields that are cheap to know: addresses, ports, the next hop, and both checksums by full sums.
void PathRig::check(rte_mbuf* mbuf, uint32_t connection) const {
  const auto* frame = rte_pktmbuf_mtod(mbuf, const EthernetHeader*);
  const auto* ip = reinterpret_cast<const Ipv4Header*>(frame + 1);
  if (fold(sum_of(ip, sizeof *ip)) != 0xffff) fail("a packet left with a wrong IPv4 checksum");
  if (method_ == Method::kTunnel) {
    if (ip->protocol != kIpProtocolIpip || mbuf->pkt_len != 14 + 60) fail("a packet left without its tunnel");
    ++ip;
  }
  if (ip->ttl != 63) fail("a packet left with a wrong TTL");
  const auto* tcp = reinterpret_cast<const TcpHeader*>(ip + 1);
  const uint64_t pseudo = sum_of(&ip->source, 8) + Be16::from_host(kIpProtocolTcp).raw + Be16::from_host(20).raw;
  if (fold(sum_of(tcp, sizeof *tcp, pseudo)) != 0xffff) fail("a packet left with a wrong TCP checksum");
  const FlowKey request = request_key(connection);
  const bool mac_right = replies_ ? frame->destination == hops_[0].destination_mac
                                  : frame->destination.bytes[1] == 1 && frame->source == kOurMac;
  if (!mac_right) fail("a packet left for the wrong next hop");
  if (replies_) {
    if (ip->destination != request.source || tcp->destination_port != request.source_port || ip->source != kVip ||
        tcp->source_port != kPort) {
      fail("a reply left with the wrong addresses");
    }
    return;
  }
  const bool translated = method_ == Method::kNat || method_ == Method::kFullnat;
  if (translated != (ip->destination != kVip) || translated != (tcp->destination_port != kPort)) {
    fail("a request left with the wrong destination");
  }
  if ((method_ == Method::kFullnat) != (ip->source != request.source)) {
    fail("a request left with the wrong source");
  }
}

}  // namespace shunt::bench
