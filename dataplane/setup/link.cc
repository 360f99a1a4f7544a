#include "dataplane/setup/link.h"

#include <linux/if_tun.h>
#include <net/if.h>
#include <rte_ethdev.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "dataplane/setup/devices.h"

namespace shunt::dataplane {
namespace {

// A descriptor of this process that is attached to the TAP of that name; -1: none.
int find_tap(std::string_view interface) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo", ignored)) {
    std::ifstream info(entry.path());
    for (std::string line; std::getline(info, line);) {
      if (line == "iff:\t" + std::string(interface)) return std::stoi(entry.path().filename());
    }
  }
  return -1;
}

bool is_attached(int tap_fd) {
  ifreq request = {};
  return ioctl(tap_fd, TUNGETIFF, &request) == 0;
}

bool is_running(const std::string& interface) {
  const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (any < 0) return true;
  ifreq request = {};
  std::strncpy(request.ifr_name, interface.c_str(), sizeof(request.ifr_name) - 1);
  const bool known = ioctl(any, SIOCGIFFLAGS, &request) == 0;
  close(any);
  return known && (request.ifr_flags & IFF_UP) != 0 && (request.ifr_flags & IFF_RUNNING) != 0;
}

}  // namespace

Link::Link(uint16_t port, std::string_view driver, std::string_view device) : port_(port) {
  if (driver == "net_tap") {
    rte_eth_dev_info info;
    char name[IF_NAMESIZE] = {};
    if (rte_eth_dev_info_get(port, &info) == 0 && if_indextoname(info.if_index, name) != nullptr) {
      tap_fd_ = find_tap(name);
    }
  } else if (driver == "net_af_packet" || driver == "net_af_xdp" || driver == "net_pcap") {
    interface_ = vdev_argument(device, "iface").value_or("");
  }
}

bool Link::is_up() const {
  if (tap_fd_ >= 0) return is_attached(tap_fd_);
  if (!interface_.empty()) return is_running(interface_);
  rte_eth_link link;
  return rte_eth_link_get_nowait(port_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

}  // namespace shunt::dataplane
