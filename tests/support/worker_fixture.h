// Workers with a snapshot made by hand, without ports or EAL threads: packets go in as sentences,
// and what became of them comes out. The load balancer of the tests has two ports:
//
//   clients --- gateway (MAC ..:01, 198.18.0.1 and fe80::1)
//           --- port 0 (MAC ..:10, 198.18.0.10 and 2001:db8::a) [workers]
//   port 1 (MAC ..:11, 10.0.0.254 and 2001:db8:1::fe) --- reals
//
// Reals lie in 10.0.0.0/24 and 2001:db8:1::/64 with MAC ..:20, ..:21 and so on, as they were
// added; everything else is behind the gateway.
#pragma once

#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/setup/rss.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"
#include "tests/support/packet_builder.h"

namespace shunt::test {

inline constexpr uint16_t kOutside = 0;
inline constexpr uint16_t kInside = 1;
inline constexpr MacAddress kGatewayMac = mac(0x01);
inline constexpr MacAddress kOutsideMac = mac(0x10);
inline constexpr MacAddress kInsideMac = mac(0x11);
constexpr MacAddress real_mac(dataplane::RealId real) {
  return mac(static_cast<uint8_t>(0x20 + real.index));
}

// What became of the packets that were put in.
struct Outcome {
  struct Frame {
    uint16_t port;
    Bytes bytes;
  };
  std::vector<Frame> sent;
  std::vector<Frame> to_kernel;
  std::vector<uint32_t> handed_to;
  std::vector<dataplane::DropReason> dropped;
  uint32_t waiting = 0;  // for a next hop, or for a datagram's first fragment

  // "sent 1", "kernel 0", "handed to 1", "waits", "dropped no_route": by port or worker, joined by
  // ", ".
  std::string summary() const;
};

// Expects that exactly one frame left, from `port`, equal to `expected` in every byte, its
// checksums right.
void expect_sent(const Outcome& outcome, uint16_t port, const PacketBuilder& expected);

class WorkerFixture {
 public:
  explicit WorkerFixture(uint32_t workers = 1, uint32_t capacity = 256);
  // Frees what still waits and expects that no mbuf was lost.
  ~WorkerFixture();
  WorkerFixture(const WorkerFixture&) = delete;
  WorkerFixture& operator=(const WorkerFixture&) = delete;

  // The configuration; publish() makes it what the workers read.
  dataplane::ServiceId add_service(
      dataplane::Protocol protocol, std::string_view vip, uint16_t port, dataplane::Method method,
      dataplane::SchedulerKind scheduler = dataplane::SchedulerKind::kRr);
  // Ports first..last of an address, of a service more: a single one, a range, or all from 0 on.
  void add_vip(dataplane::ServiceId service, std::string_view vip, uint16_t first, uint16_t last);
  // Its first VIP is for nobody.
  void forget_first_vip(dataplane::ServiceId service) {
    services_[service.index].entry.address = {};
  }
  void set_one_packet(dataplane::ServiceId service) {
    services_[service.index].entry.one_packet = true;
  }
  dataplane::ServiceEntry& service(dataplane::ServiceId id) { return services_[id.index].entry; }
  // What every snapshot gets beside, before it is published: tables that need control's builders.
  std::function<void(dataplane::Snapshot&)> amend;
  // Newest first, as control does. Port 0: it keeps the packets'.
  dataplane::RealId add_real(dataplane::ServiceId service, std::string_view address, uint16_t port,
                             uint32_t weight = 1);
  void set_weight(dataplane::RealId real, uint32_t weight);
  void set_tunnel(dataplane::RealId real, dataplane::TunnelKind kind, uint16_t port = 0) {
    reals_[real.index].tunnel = kind;
    reals_[real.index].tunnel_port = Be16::from_host(port);
  }
  void set_sloppy_tcp(dataplane::ServiceId service) {
    services_[service.index].entry.sloppy_tcp = true;
  }
  // Of all services.
  void limit_segment_size(uint16_t most) { max_segment_sizes_[0] = most; }
  void set_persistence(dataplane::ServiceId service, dataplane::Persistence persistence) {
    services_[service.index].entry.persistence = persistence;
  }
  void set_no_real(dataplane::ServiceId service, dataplane::NoReal no_real) {
    services_[service.index].entry.no_real = no_real;
  }
  void set_thresholds(dataplane::RealId real, dataplane::Thresholds thresholds);
  // A sorry real from now on.
  void make_sorry(dataplane::RealId real);
  void set_sloppy_sctp(dataplane::ServiceId service) {
    services_[service.index].entry.sloppy_sctp = true;
  }
  dataplane::Sysctls& sysctls() { return sysctls_; }
  // No candidate any more; its slot stays for its connections.
  void remove_real(dataplane::RealId real);
  // Its connections are to end.
  void expire_real(dataplane::RealId real);
  void add_local_address(dataplane::ServiceId service, std::string_view address);
  // Address resolution: forget a MAC address or learn it again.
  void unresolve(dataplane::RealId real);
  void resolve(dataplane::RealId real);
  dataplane::RealEntry& real(dataplane::RealId id) { return reals_[id.index]; }
  static constexpr dataplane::NextHopId gateway_id(AddressFamily family) {
    return {family == AddressFamily::kIpv4 ? uint16_t{0} : uint16_t{1}};
  }
  static constexpr dataplane::NextHopId hop_id_of(dataplane::RealId real) {
    return {static_cast<uint16_t>(real.index + 2)};
  }
  dataplane::NextHop& gateway(AddressFamily family = AddressFamily::kIpv4) {
    return hops_[gateway_id(family).index];
  }
  dataplane::NextHop& hop_of(dataplane::RealId id) { return hops_[hop_id_of(id).index]; }
  dataplane::TimeoutSet& timeouts() { return timeouts_[0]; }
  std::array<bool, dataplane::kMaxPorts>& link_up() { return link_up_; }
  std::array<dataplane::PortAddresses, dataplane::kMaxPorts>& port_addresses() {
    return port_addresses_;
  }
  void remove_routes() { has_routes_ = false; }
  // A route changed: connections look theirs up again.
  void change_routes() { ++route_generation_; }
  void publish();

  // A packet that came in on `port`, alone in its burst.
  Outcome send(const PacketBuilder& packet, uint16_t port = kOutside, uint32_t worker = 0);
  Outcome send_frame(const Bytes& frame, uint16_t port = kOutside, uint32_t worker = 0);
  // All in one burst, on port 0; at most kBurst.
  Outcome send_burst(const std::vector<PacketBuilder>& packets, uint32_t worker = 0);
  Outcome send_mbufs(const std::vector<rte_mbuf*>& mbufs, uint32_t worker = 0);
  // The worker takes what others handed to it.
  Outcome serve_inbox(uint32_t worker);
  // Time goes by, with housekeeping: the waiting room, waiting fragments, and one walk through the connections.
  Outcome advance(uint32_t ms, uint32_t worker = 0);

  dataplane::Worker& worker(uint32_t index = 0) { return *workers_[index]; }
  // Of several workers; their ports would spread flows by rss_key().
  const dataplane::Steering& steering() const { return *steering_; }
  static dataplane::RssKey rss_key() { return dataplane::make_rss_key({1, 2, 3}); }
  const dataplane::Snapshot& snapshot() const { return *current_.load(); }
  uint64_t drops(dataplane::DropReason reason, uint32_t worker = 0);
  const dataplane::RealCounters& counters(dataplane::RealId real, uint32_t worker = 0);
  // The connection of a packet like this, as the table knows it; nullptr: none.
  dataplane::Connection* connection_of(const PacketBuilder& packet, uint32_t worker = 0);
  // An IPv4 packet's: of a connection that crosses.
  dataplane::Connection6* connection6_of(const PacketBuilder& packet, uint32_t worker = 0);
  // The same of either table, as it is copied out for control.
  std::optional<dataplane::ConnectionCopy> copy_of(const PacketBuilder& packet, uint32_t worker = 0);
  // How many connections of the family the worker's table holds.
  uint32_t connections(AddressFamily family, uint32_t worker = 0);
  // The node's templates, as the first worker's clock sees them.
  std::vector<dataplane::TemplateCopy> templates();
  dataplane::TemplateTable& template_table() { return templates_; }
  static constexpr uint32_t kTemplates = 64;
  // FTP's data connections that are to come.
  dataplane::ExpectationTable& expectations() { return expectations_; }
  static constexpr uint32_t kExpectationsHere = 16;
  // What workers asked control to resolve since the last call.
  std::vector<dataplane::ResolveElement> resolve_requests();
  // What they told it of tunnels' paths since the last call.
  std::vector<dataplane::PathMtuElement> path_mtus();

 private:
  struct Ports {
    IpAddress address;
    uint16_t first;
    uint16_t last;
  };
  struct Service {
    dataplane::ServiceEntry entry;
    std::vector<Ports> more_vips;
    std::vector<dataplane::Candidate> candidates;
    std::vector<dataplane::Candidate> sorry;
    std::vector<IpAddress> local_addresses;
  };
  struct Memory;  // of one worker
  struct Tables;  // of one snapshot

  void make_worker(uint32_t index, uint32_t count, uint32_t capacity);
  std::shared_ptr<Tables> make_tables();
  void add_ranges(Tables& tables) const;
  void add_one_packet_slots(Tables& tables) const;
  Service& service_of(dataplane::RealId real);
  Outcome run_burst(uint32_t worker, const std::vector<rte_mbuf*>& mbufs, bool handed_off);
  Outcome collect(uint32_t worker, const std::vector<uint64_t>& drops_before,
                  uint32_t waiting_before);
  std::vector<uint64_t> drop_counts(uint32_t worker);

  unsigned mbufs_before_;
  std::unique_ptr<dataplane::Steering> steering_;
  std::unique_ptr<void, decltype(&std::free)> templates_memory_{nullptr, &std::free};
  dataplane::TemplateTable templates_;
  std::unique_ptr<void, decltype(&std::free)> expectations_memory_{nullptr, &std::free};
  dataplane::ExpectationTable expectations_;
  std::vector<std::unique_ptr<Memory>> memories_;
  std::vector<std::unique_ptr<dataplane::Worker>> workers_;
  rte_ring* resolve_ring_ = nullptr;
  rte_ring* path_mtu_ring_ = nullptr;
  std::deque<Service> services_;
  std::vector<dataplane::RealEntry> reals_;
  std::vector<dataplane::NextHop> hops_;
  std::vector<dataplane::TimeoutSet> timeouts_{dataplane::kDefaultTimeoutsMs};
  std::vector<uint16_t> max_segment_sizes_{0};
  std::array<bool, dataplane::kMaxPorts> link_up_{true, true};
  std::array<dataplane::PortAddresses, dataplane::kMaxPorts> port_addresses_{
      dataplane::PortAddresses{ip("198.18.0.10"), ip("2001:db8::a")},
      dataplane::PortAddresses{ip("10.0.0.254"), ip("2001:db8:1::fe")}};
  dataplane::Sysctls sysctls_;
  std::vector<uint64_t> expired_reals_;
  uint32_t expired_generation_ = 0;
  bool has_routes_ = true;
  uint16_t route_generation_ = 1;
  std::vector<std::unique_ptr<dataplane::Snapshot>> snapshots_;  // old ones live on, as under RCU
  std::atomic<const dataplane::Snapshot*> current_{nullptr};
};

}  // namespace shunt::test
