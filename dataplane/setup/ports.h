// Ports: DPDK devices with one RX and one TX queue per worker. Main thread of control.
#pragma once

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include <optional>
#include <string>
#include <string_view>

#include "dataplane/setup/dataplane.h"
#include "dataplane/setup/link.h"
#include "dataplane/setup/rss.h"
#include "dataplane/steering.h"
#include "src/base/result.h"

namespace shunt::dataplane {

// An opened port, running until destroyed.
class Port {
 public:
  // Probes the device if it is a vdev, configures and starts it. A driver with fewer queues than workers is refused:
  // every worker must be able to send on every port. `instance` tells this dataplane from others on the same wire.
  // With several workers the device spreads flows by `key`, if it can. Errors as Dataplane::start's, with the port's name.
  static Result<Port> open(const PortOptions& options, uint16_t workers, rte_mempool* pool,
                           const std::string& instance, const RssKey& key);
  Port(Port&& other) noexcept;
  Port& operator=(Port&&) = delete;
  ~Port();

  // Makes the device spread flows as `steering` says; info() tells whether it does.
  void steer(const RssKey& key, const Steering& steering);

  const PortInfo& info() const noexcept { return info_; }
  const rte_eth_dev_info& device() const noexcept { return device_; }
  PortStatistics statistics() const;

 private:
  explicit Port(PortInfo info) : info_(std::move(info)) {}

  PortInfo info_;
  rte_eth_dev_info device_{};
  std::optional<Link> link_;  // set once the port runs
  bool is_open_ = true;
};

// The MAC address of a port that was given none and whose device's own is no use: made of the names, the same after a
// restart, locally administered. net_ring has none at all; net_tap's is the kernel end's, and two ends with one address would ignore each other.
MacAddress derived_mac(std::string_view instance, std::string_view port) noexcept;

}  // namespace shunt::dataplane
