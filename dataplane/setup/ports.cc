#include "dataplane/setup/ports.h"

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "dataplane/setup/devices.h"
#include "dataplane/setup/eal_arguments.h"

namespace shunt::dataplane {
namespace {

Error fail(ErrorCode code, const PortOptions& port, const std::string& cause, const std::string& remedy) {
  return {code, "port " + port.name + " (" + port.device + "): " + cause + "; " + remedy};
}

// A driver's refusal: `error` is negative or positive errno.
Error refused(const PortOptions& port, const std::string& step, int error) {
  error = std::abs(error);
  const std::string cause = step + ": " + rte_strerror(error);
  switch (error) {
    case ENODEV:
    case ENOENT:
    case ENXIO: return fail(ErrorCode::kNotFound, port, cause, "correct ports.device, the log above says more");
    case EBUSY:
    case EEXIST: return fail(ErrorCode::kConflict, port, cause, "free the device or choose another name for it");
    case EPERM:
    case EACCES: return fail(ErrorCode::kPermission, port, cause, "run as root or give the capability it needs");
    case ENOMEM: return fail(ErrorCode::kNoMemory, port, cause, "raise dpdk.memory_mb and workers.mbufs");
    case EINVAL: return fail(ErrorCode::kInvalid, port, cause, "the log above says which option it refuses");
    default: return fail(ErrorCode::kInternal, port, cause, "the log above says more");
  }
}

Result<uint16_t> probe(const PortOptions& port) {
  const bool is_pci = is_pci_address(port.device);
  const std::string name = is_pci ? full_pci_address(port.device) : std::string(vdev_name(port.device));
  if (!is_pci) {
    if (const int error = rte_dev_probe(port.device.c_str()); error != 0) {
      // What EAL answers when no driver claims the name.
      if (error == -EFAULT) {
        return fail(ErrorCode::kNotFound, port, "no driver takes it", "correct its name, or install the driver's package (librte-net-...)");
      }
      // Drivers answer -1 for whatever went wrong; that is no EPERM.
      return refused(port, "the driver could not open it", error == -1 ? EIO : error);
    }
  }
  uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id) == 0) return id;
  // Drivers of NICs with several ports on one PCI function name them after their own fashion.
  rte_dev_iterator iterator;
  RTE_ETH_FOREACH_MATCHING_DEV(id, name.c_str(), &iterator) {
    rte_eth_iterator_cleanup(&iterator);
    return id;
  }
  return fail(ErrorCode::kNotFound, port, "no DPDK driver took it",
              is_pci ? "the log above says why, dpdk-devbind.py --status shows its binding"
                     : "is the driver's package (librte-net-...) installed?");
}

// How to get more queues of a virtual device.
std::string more_queues(std::string_view driver, uint16_t workers) {
  const std::string count = std::to_string(workers);
  if (driver == "net_af_packet") return "add qpairs=" + count + " to ports.device";
  if (driver == "net_af_xdp") return "add queue_count=" + count + " to ports.device (the interface needs that many)";
  if (driver == "net_pcap") return "give rx_pcap and tx_pcap " + count + " times each, one pair per worker";
  if (driver == "net_virtio_user") return "add queues=" + count + " to ports.device, and to its backend";
  if (driver == "net_vhost") return "add queues=" + count + " to ports.device";
  return "use fewer workers (dpdk.lcores), or a device with as many queues";
}

Result<void> check_queues(const PortOptions& port, const rte_eth_dev_info& device, uint16_t workers) {
  const uint16_t queues = std::min(device.max_rx_queues, device.max_tx_queues);
  if (queues >= workers) return {};
  return fail(ErrorCode::kInvalid, port,
              "the device has " + std::to_string(queues) + " queues for " + std::to_string(workers) + " workers",
              more_queues(device.driver_name, workers));
}

// Whatever of a tagged port's work the device can do. A virtual function receives no VLAN but those that it asks for.
void ask_for_tags(rte_eth_conf& conf, const rte_eth_dev_info& device) noexcept {
  constexpr uint64_t kWanted = RTE_ETH_RX_OFFLOAD_VLAN_STRIP | RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
  conf.rxmode.offloads |= device.rx_offload_capa & kWanted;
  conf.txmode.offloads |= device.tx_offload_capa & RTE_ETH_TX_OFFLOAD_VLAN_INSERT;
}

rte_eth_conf configuration(const PortOptions& port, const rte_eth_dev_info& device, uint16_t workers,
                           const RssKey& key) {
  rte_eth_conf conf = {};
  conf.rxmode.mtu = port.mtu;
  conf.rxmode.offloads = device.rx_offload_capa & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
  if (port.vlan != 0) ask_for_tags(conf, device);
  // net_tap says that it has RSS; what it has is the kernel's choice of a queue.
  if (workers > 1 && std::string_view(device.driver_name) != "net_tap") ask_for_rss(conf, device, key);
  return conf;
}

// Some drivers take no key but their own.
int configure(uint16_t id, uint16_t workers, rte_eth_conf& conf) {
  const int error = rte_eth_dev_configure(id, workers, workers, &conf);
  if (error == 0 || conf.rx_adv_conf.rss_conf.rss_key == nullptr) return error;
  conf.rx_adv_conf.rss_conf.rss_key = nullptr;
  conf.rx_adv_conf.rss_conf.rss_key_len = 0;
  return rte_eth_dev_configure(id, workers, workers, &conf);
}

Result<void> set_up_queues(const PortOptions& port, uint16_t id, const rte_eth_dev_info& device, uint16_t workers,
                           rte_mempool* pool) {
  uint16_t rx = port.descriptors;
  uint16_t tx = port.descriptors;
  if (const int error = rte_eth_dev_adjust_nb_rx_tx_desc(id, &rx, &tx)) {
    return refused(port, "descriptors " + std::to_string(port.descriptors), error);
  }
  for (uint16_t queue = 0; queue < workers; ++queue) {
    if (const int error = rte_eth_rx_queue_setup(id, queue, rx, SOCKET_ID_ANY, &device.default_rxconf, pool)) {
      const bool loops = vdev_argument(port.device, "infinite_rx").has_value();
      if (!loops) return refused(port, "RX queue " + std::to_string(queue), error);
      return fail(ErrorCode::kInvalid, port, std::string("RX queue: ") + rte_strerror(-error),
                  "with infinite_rx the whole capture lies in mbufs, raise workers.mbufs above its packets");
    }
    if (const int error = rte_eth_tx_queue_setup(id, queue, tx, SOCKET_ID_ANY, &device.default_txconf)) {
      return refused(port, "TX queue " + std::to_string(queue), error);
    }
  }
  return {};
}

bool is_unsupported(int error) noexcept { return error == -ENOTSUP || error == -ENOSYS; }

// Drivers without a notion of MTU (rings, memif, captures) take frames of any size that fits an mbuf.
Result<void> set_mtu(const PortOptions& port, uint16_t id) {
  const int error = rte_eth_dev_set_mtu(id, port.mtu);
  if (error == 0 || is_unsupported(error)) return {};
  return refused(port, "mtu " + std::to_string(port.mtu), error);
}

Result<void> join_vlan(const PortOptions& port, uint16_t id, const rte_eth_conf& conf) {
  if ((conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_VLAN_FILTER) == 0) return {};
  const int error = rte_eth_dev_vlan_filter(id, port.vlan, 1);
  if (error == 0) return {};
  return refused(port, "vlan " + std::to_string(port.vlan), error);
}

// Our address on the port. A driver that cannot be told receives everything instead: the packet path compares.
Result<MacAddress> set_mac(const PortOptions& port, uint16_t id, std::string_view driver, const std::string& instance) {
  rte_ether_addr address;
  if (const int error = rte_eth_macaddr_get(id, &address)) return refused(port, "MAC address", error);
  MacAddress own;
  std::memcpy(own.bytes.data(), address.addr_bytes, own.bytes.size());
  // net_ring has none, and the kernel port needs one.
  if (own.is_zero() && port.mac.is_zero()) return derived_mac(instance, port.name);
  // net_tap would give it to the interface in the kernel, which is the other end of the wire.
  if (driver == "net_tap") return port.mac.is_zero() ? derived_mac(instance, port.name) : port.mac;
  if (port.mac.is_zero() || port.mac == own) return own;
  std::memcpy(address.addr_bytes, port.mac.bytes.data(), port.mac.bytes.size());
  if (rte_eth_dev_default_mac_addr_set(id, &address) != 0) {
    const int error = rte_eth_promiscuous_enable(id);
    if (error != 0 && !is_unsupported(error)) return refused(port, "mac " + port.mac.to_string(), error);
  }
  return port.mac;
}

}  // namespace

MacAddress derived_mac(std::string_view instance, std::string_view port) noexcept {
  uint64_t hash = 14695981039346656037ull;  // FNV-1a
  for (const std::string_view part : {instance, std::string_view("/"), port}) {
    for (const char c : part) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211ull;
  }
  MacAddress mac;
  mac.bytes[0] = 0x02;
  for (size_t i = 1; i < mac.bytes.size(); ++i) mac.bytes[i] = static_cast<uint8_t>(hash >> (8 * i));
  return mac;
}

Result<Port> Port::open(const PortOptions& options, uint16_t workers, rte_mempool* pool,
                        const std::string& instance, const RssKey& key) {
  const auto id = probe(options);
  if (!id) return id.error();
  PortInfo info;
  info.id = *id;
  info.name = options.name;
  info.device = options.device;
  Port port(std::move(info));  // from here on closed on failure

  rte_eth_dev_info& device = port.device_;
  if (const int error = rte_eth_dev_info_get(*id, &device)) return refused(options, "device information", error);
  if (auto ok = check_queues(options, device, workers); !ok) return ok.error();
  rte_eth_conf conf = configuration(options, device, workers, key);
  if (const int error = configure(*id, workers, conf)) {
    return refused(options, "mtu " + std::to_string(options.mtu) + " with " + std::to_string(workers) + " queues", error);
  }
  if (auto ok = set_up_queues(options, *id, device, workers, pool); !ok) return ok.error();
  if (auto ok = set_mtu(options, *id); !ok) return ok.error();
  if (const int error = rte_eth_dev_start(*id)) return refused(options, "start", error);
  if (auto ok = join_vlan(options, *id, conf); !ok) return ok.error();
  const auto mac = set_mac(options, *id, device.driver_name, instance);
  if (!mac) return mac.error();
  // Neighbour discovery and VRRP are multicast; a driver that cannot filter receives them anyway.
  (void)rte_eth_allmulticast_enable(*id);

  port.info_.driver = device.driver_name;
  port.info_.mac = *mac;
  port.info_.mtu = options.mtu;
  port.info_.vlan = options.vlan;
  port.info_.strips_tags = (conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_VLAN_STRIP) != 0;
  port.info_.inserts_tags = (conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_VLAN_INSERT) != 0;
  port.info_.queues = workers;
  port.info_.rss = conf.rxmode.mq_mode == RTE_ETH_MQ_RX_RSS;
  port.info_.rx_checksum_offload = (conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM) != 0;
  port.info_.tx_checksum_offload = (device.tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0;
  port.link_.emplace(*id, port.info_.driver, options.device);
  return port;
}

void Port::steer(const RssKey& key, const Steering& steering) {
  const auto steered = info_.rss ? dataplane::steer(info_.id, device_, key, steering)
                                 : Result<void>(Error{ErrorCode::kInvalid, "the driver has no RSS"});
  info_.steered = static_cast<bool>(steered);
  info_.why_not_steered = steered ? "" : steered.error().message;
}

Port::Port(Port&& other) noexcept
    : info_(std::move(other.info_)),
      device_(other.device_),
      link_(std::move(other.link_)),
      is_open_(std::exchange(other.is_open_, false)) {}

Port::~Port() {
  if (!is_open_) return;
  rte_eth_dev_stop(info_.id);
  rte_eth_dev_close(info_.id);
}

PortStatistics Port::statistics() const {
  PortStatistics result;
  rte_eth_stats stats;
  if (rte_eth_stats_get(info_.id, &stats) == 0) {
    result = {.rx_packets = stats.ipackets, .tx_packets = stats.opackets, .rx_bytes = stats.ibytes,
              .tx_bytes = stats.obytes, .rx_missed = stats.imissed, .rx_errors = stats.ierrors,
              .tx_errors = stats.oerrors, .rx_no_mbuf = stats.rx_nombuf};
  }
  result.link_up = link_ && link_->is_up();
  return result;
}

}  // namespace shunt::dataplane
