// The packet path alone: a worker with a full set of connections, without a driver. Frames that it would send are
// taken from its port's queue and checked.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "tests/bench/bench_worker.h"
#include "tests/bench/packets.h"
#include "tests/bench/tables.h"

namespace shunt::bench {

// "direct", "tunnel", "tunnel-gre" and its like, "nat", "fullnat": clients' packets; "nat-reply", "fullnat-reply": the
// way back. "fullnat-proxy", "fullnat-proxy-reply": of connections behind a PROXY header. "snat", "snat-reply": what
// reaches out and what comes back. "fullnat-crossing", "fullnat-crossing-reply": fullnat with reals of the other family.
// "direct-limits": of a service with limits of packets and bits, and the same of each client.
// "fullnat-ftp", "fullnat-ftp-reply": acknowledgements of FTP's control connections, of which there are at most 2048.
struct Path {
  std::string name;
  dataplane::Method method = dataplane::Method::kDirect;
  bool replies = false;
  dataplane::TunnelKind tunnel = dataplane::TunnelKind::kIpip;
  bool is_told = false;
  bool crosses = false;
  bool is_ftp = false;
  bool has_limits = false;
};
// All but snat, the tunnels that are not IP in IP, reals that are told their clients, those of the other family, limits and FTP:
// what is measured when nothing is named.
std::vector<std::string> path_names();
// Ends the program when there is no such path.
Path path_named(const std::string& name);

class PathRig {
 public:
  // Opens `connections` established ones of the spec's family, spread over the services, in a table of `capacity`. Ends the program when
  // one cannot be made.
  PathRig(Path path, const TablesSpec& spec, uint32_t connections, uint32_t capacity);

  // Four fifths full, as a table in service.
  static uint32_t capacity_for(uint32_t connections) { return connections + connections / 4 + 16; }

  // TSC cycles that the path takes for `packets` packets of the connections in random order. Every packet that
  // leaves is checked afterwards, outside of the time; a wrong one ends the program.
  uint64_t run(uint32_t packets);

  // The same for SYNs that each open one more connection. REQUIRES: the table has room for them.
  uint64_t open_more(uint32_t connections);

  BenchWorker& worker() { return worker_; }

 private:
  void open_connections(uint32_t count);
  // Makes the connection of the request that was put last an established one.
  template <typename Table, typename Key>
  void establish(Table& table, const Key& request);
  // As the real sends it.
  dataplane::IpFlow reply(uint64_t connection) const;
  void put(uint32_t position, uint64_t connection, const dataplane::IpFlow& flow, uint8_t tcp_flags);
  uint64_t process(uint32_t count);
  void expect_departed(uint32_t count);
  void check(const rte_mbuf* mbuf, uint64_t connection) const;

  Path path_;
  Tables tables_;
  dataplane::Snapshot snapshot_;
  std::atomic<const dataplane::Snapshot*> current_{&snapshot_};
  BenchWorker worker_;
  uint32_t connections_ = 0;
  // fullnat's and snat's, which is known only afterwards; the address by its number in the tables.
  struct LocalEnd {
    uint16_t address;
    Be16 port;
  };
  std::vector<LocalEnd> local_ends_;  // by connection
  Buffers buffers_{kBurstSize};
  Random random_;
  uint64_t indices_[kBurstSize] = {};
};

}  // namespace shunt::bench
