#include <arpa/inet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "control/doctor/network_checks.h"

namespace shunt::control {
namespace {

// As many as a person has; the rest would take long.
constexpr size_t kMostVips = 64;
constexpr std::chrono::milliseconds kPatience{400};

// RFC 826, over Ethernet and IPv4.
struct [[gnu::packed]] Arp {
  uint16_t hardware = htons(ARPHRD_ETHER);
  uint16_t protocol = htons(ETH_P_IP);
  uint8_t hardware_bytes = 6;
  uint8_t protocol_bytes = 4;
  uint16_t operation = htons(ARPOP_REQUEST);
  uint8_t sender_mac[6] = {};
  uint8_t sender_ip[4] = {};  // none: a probe, which fills nobody's table (RFC 5227)
  uint8_t target_mac[6] = {};
  uint8_t target_ip[4] = {};
};
static_assert(sizeof(Arp) == 28);

class ArpSocket {
 public:
  explicit ArpSocket(const std::string& interface)
      : fd_(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ARP))) {
    ifreq request{};
    std::strncpy(request.ifr_name, interface.c_str(), IFNAMSIZ - 1);
    if (fd_ < 0 || ioctl(fd_, SIOCGIFHWADDR, &request) != 0) return;
    std::memcpy(own_, request.ifr_hwaddr.sa_data, sizeof own_);
    to_.sll_family = AF_PACKET;
    to_.sll_protocol = htons(ETH_P_ARP);
    to_.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
    to_.sll_halen = 6;
    std::memset(to_.sll_addr, 0xff, 6);
    is_ready_ = bind(fd_, reinterpret_cast<const sockaddr*>(&to_), sizeof to_) == 0;
  }
  ~ArpSocket() {
    if (fd_ >= 0) close(fd_);
  }
  ArpSocket(const ArpSocket&) = delete;
  bool is_ready() const { return is_ready_; }
  int fd() const { return fd_; }
  void ask(const IpAddress& vip) const {
    Arp arp;
    std::memcpy(arp.sender_mac, own_, 6);
    std::memcpy(arp.target_ip, vip.bytes.data(), 4);
    sendto(fd_, &arp, sizeof arp, 0, reinterpret_cast<const sockaddr*>(&to_), sizeof to_);
  }
  bool is_own(const uint8_t* mac) const { return std::memcmp(mac, own_, 6) == 0; }

 private:
  int fd_;
  bool is_ready_ = false;
  uint8_t own_[6] = {};
  sockaddr_ll to_{};
};

void take_answers(const ArpSocket& socket, const std::string& interface, const std::vector<IpAddress>& vips,
                  std::vector<VipAnswer>& answers) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd wait{socket.fd(), POLLIN, 0};
    if (left.count() <= 0 || poll(&wait, 1, static_cast<int>(left.count())) <= 0) return;
    Arp arp;
    if (recv(socket.fd(), &arp, sizeof arp, MSG_DONTWAIT) < static_cast<ssize_t>(sizeof arp)) continue;
    if (arp.operation != htons(ARPOP_REPLY) || socket.is_own(arp.sender_mac)) continue;
    Be32 sender;
    std::memcpy(&sender.raw, arp.sender_ip, 4);
    const IpAddress vip = IpAddress::from_v4(sender);
    if (std::find(vips.begin(), vips.end(), vip) == vips.end()) continue;
    VipAnswer answer{vip, interface, {}};
    std::copy_n(arp.sender_mac, 6, answer.mac.bytes.begin());
    answers.push_back(answer);
  }
}

}  // namespace

std::vector<VipAnswer> ask_for_vips(const std::vector<IpAddress>& vips, const std::vector<std::string>& interfaces) {
  std::vector<VipAnswer> answers;
  for (const std::string& interface : interfaces) {
    const ArpSocket socket(interface);
    if (!socket.is_ready()) continue;
    size_t asked = 0;
    for (const IpAddress& vip : vips) {
      if (vip.is_v4() && asked++ < kMostVips) socket.ask(vip);
    }
    if (asked > 0) take_answers(socket, interface, vips, answers);
  }
  return answers;
}

Findings check_vip_answers(const std::vector<VipAnswer>& answers, size_t asked) {
  Findings found;
  for (const VipAnswer& answer : answers) {
    found.push_back(
        {Finding::Grade::kBad, "vip_twice", answer.vip.to_string(),
         answer.mac.to_string() + " answers ARP for it, too, on " + answer.interface +
             ": clients reach either of the two",
         "sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2  # there, if it is a real; "
         "else take the address off it"});
  }
  if (answers.empty() && asked > 0) {
    found.push_back(
        {Finding::Grade::kGood, "vip_twice", std::to_string(asked) + " VIPs", "nobody else answers ARP for them", ""});
  }
  return found;
}

}  // namespace shunt::control
