// The running dataplane as the control side sees it: start it, publish snapshots, read counters, ask for
// connections, reach the kernel ports' frames. Everything here is called from control threads only; workers are
// started and owned inside.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/connection.h"
#include "dataplane/counters.h"
#include "dataplane/explain.h"
#include "dataplane/setup/taps.h"
#include "dataplane/snapshot.h"
#include "dataplane/templates.h"
#include "dataplane/types.h"
#include "src/base/address.h"
#include "src/base/result.h"

namespace shunt::dataplane {

struct PortOptions {
  std::string name;
  // PCI address or vdev string.
  std::string device;
  // All zero: the device's own.
  MacAddress mac;
  uint16_t mtu = 1500;
  uint16_t descriptors = 1024;
  // 1..4094: the port is this VLAN of the device; 0: untagged.
  uint16_t vlan = 0;
  // Has a kernel port: frames that are not ours go to its ring.
  bool kernel_port = true;
};

struct DataplaneOptions {
  // "0,1,2" or "0@0,1@1": main first.
  std::string lcores;
  uint32_t memory_mb = 1024;
  bool huge_pages = true;
  std::string file_prefix;
  std::vector<std::string> extra_eal_args;
  PollMode poll_mode = PollMode::kAdaptive;
  uint32_t connections_per_worker = 262144;       // IPv4
  uint32_t ipv6_connections_per_worker = 65536;
  // Clients of persistent services that the node remembers.
  uint32_t templates = 65536;
  std::array<uint8_t, 16> hash_key{};
  uint32_t mbufs = 32768;
  std::vector<PortOptions> ports;
};

struct PortInfo {
  uint16_t id = 0;  // DPDK port id
  std::string name;
  std::string device;
  std::string driver;
  MacAddress mac;
  uint16_t mtu = 0;
  // As PortOptions::vlan.
  uint16_t vlan = 0;
  bool strips_tags = false;   // the device itself; else in software
  bool inserts_tags = false;  // the same
  uint16_t queues = 0;
  bool rss = false;
  // With several workers: fullnat's replies that come in here arrive at their own worker; else `why_not_steered` they
  // are handed from one worker to another.
  bool steered = false;
  std::string why_not_steered;
  bool rx_checksum_offload = false;
  bool tx_checksum_offload = false;
};

struct PortStatistics {
  bool link_up = false;
  uint64_t rx_packets = 0, tx_packets = 0, rx_bytes = 0, tx_bytes = 0;
  uint64_t rx_missed = 0, rx_errors = 0, tx_errors = 0, rx_no_mbuf = 0;
};

struct WorkerInfo {
  uint32_t index = 0;
  uint32_t lcore = 0;
  uint32_t connection_capacity = 0;  // IPv4
  uint32_t ipv6_connection_capacity = 0;
  // Both connection tables with their indices, bytes.
  uint64_t table_bytes = 0;
};

// A next hop that workers want resolved.
struct ResolveRequest {
  uint16_t port = 0;
  IpAddress address;
};

// What the path to a tunnel's real was found to take: bytes of an IP packet, the tunnel's header included.
struct PathMtu {
  IpAddress real;
  uint16_t mtu = 0;
};

class Dataplane {
 public:
  // Initialises EAL, ports, tables, and launches the workers with an empty snapshot (everything goes to the kernel
  // ports). At most one in a process. Errors: kNoMemory (hugepages: what is needed, what there is, how to get it),
  // kNotFound (no such device), kConflict (device in use, another shuntd with that file prefix), kPermission
  // (not root), kInvalid (EAL or driver refused an option).
  static Result<std::unique_ptr<Dataplane>> start(const DataplaneOptions& options);
  // Stops the workers, closes the ports, frees everything.
  ~Dataplane();

  // Makes `snapshot` what the workers read and frees its predecessor once no worker can hold it. Waits for the
  // workers' quiescent states (microseconds under load, at most milliseconds when they sleep); they never wait.
  void publish(std::unique_ptr<const Snapshot> snapshot);

  const std::vector<PortInfo>& ports() const noexcept;
  PortStatistics port_statistics(uint16_t port) const;
  const std::vector<WorkerInfo>& workers() const noexcept;
  const WorkerCounters& worker_counters(uint32_t worker) const noexcept;
  // The real's counters on that worker. Traffic counters only grow; whoever reuses a slot takes the values at that
  // time as its zero.
  const RealCounters& real_counters(uint32_t worker, RealId real) const noexcept;
  // What became of the real's new connections on that worker; as above.
  const RealOutcomes& real_outcomes(uint32_t worker, RealId real) const noexcept;
  // What a worker refused of the service's packets; as above.
  const ServiceCounters& service_counters(uint32_t worker, ServiceId service) const noexcept;
  // New connections of a rule of snat (SnatEntry::counter) that found no free address and port, on all workers. Any thread.
  uint64_t snat_exhausted(uint32_t counter) const noexcept;
  // "22.11.11": the library that runs, which may be newer than the one built with.
  static std::string dpdk_version();
  // Packet buffers that nobody holds, and how many there are. Looks at every lcore's cache; any thread.
  uint32_t mbufs_available() const noexcept;
  uint32_t mbuf_capacity() const noexcept;
  // TSC cycles per second.
  uint64_t cycles_per_second() const noexcept;
  // Of that clock, now.
  static uint64_t cycles() noexcept;

  // Copies the connections of every worker and hands each to `sink` on the calling thread, until `sink` returns
  // false. Workers copy a bounded number of entries per poll. One call at a time, others wait.
  void for_each_connection(const std::function<bool(const ConnectionCopy&)>& sink);

  // What each worker would do with the first packet of a flow that comes in on `in_port` (DPDK id), by worker; nothing
  // changes. Waits for each worker's next poll. One call at a time, others wait.
  std::vector<Explanation> explain(const IpFlow& flow, uint16_t in_port);
  // Looks on as packets pass, on every worker, until the session is destroyed. Errors: TapSession::open().
  Result<std::unique_ptr<TapSession>> open_tap(const TapOptions& options);

  // Copies the templates of persistent services and hands each to `sink` on the calling thread, until it returns false.
  // Workers are not asked; a template that changes meanwhile may be left out.
  void for_each_template(const std::function<bool(const TemplateCopy&)>& sink) const;
  uint32_t template_capacity() const noexcept;
  uint32_t templates_used() const noexcept;
  // No client has one of these reals any more. To be called before their slots are others'.
  void forget_templates(std::span<const RealId> reals);

  // Hands every frame for the port's kernel port since the last call to `sink`; bytes are valid inside it only.
  // Returns how many. One thread per port.
  size_t take_kernel_frames(uint16_t port, const std::function<void(const uint8_t*, size_t)>& sink);
  // A frame from a kernel port, to be sent out of `port`. False: no buffer or the ring is full. Any one thread.
  bool send_frame(uint16_t port, const uint8_t* frame, size_t bytes);
  // A health check's IP packet for a VIP under direct or tunnel, which is forwarded to this real. As send_frame().
  bool send_probe(RealId real, const uint8_t* packet, size_t bytes);
  // Next hops that workers asked for since the last call, at most `capacity` into `out`; duplicates possible.
  size_t take_resolve_requests(ResolveRequest* out, size_t capacity);
  // What ICMP errors told workers of tunnels' paths since the last call, in order, as above.
  size_t take_path_mtus(PathMtu* out, size_t capacity);

  // Tells every worker what connections the others have on each real, so that lc and wlc choose by the node's
  // counts. Reads and writes one word a real and worker; call about every 10 ms with the highest used id.
  void share_loads(RealId highest);

  // Cuts every connection of the real on all workers and forgets its clients; returns how many it cut.
  uint64_t flush_connections(RealId real);

 private:
  struct State;
  explicit Dataplane(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace shunt::dataplane
