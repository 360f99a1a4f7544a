#include "control/kernel/announcement.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip6.h>

#include <cstring>

namespace shunt::control {
namespace {

struct ArpFrame {
  ether_header ethernet;
  ether_arp arp;
} __attribute__((packed));

struct AdvertisementFrame {
  ether_header ethernet;
  ip6_hdr ip;
  nd_neighbor_advert advertisement;
  nd_opt_hdr option;
  uint8_t option_mac[6];
} __attribute__((packed));
static_assert(sizeof(AdvertisementFrame) == 86);

// ff02::1 and its Ethernet address, RFC 2464 section 7: all nodes of the link.
constexpr uint8_t kAllNodes[16] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr uint8_t kAllNodesMac[6] = {0x33, 0x33, 0, 0, 0, 1};
// Receivers take no other for one of their link.
constexpr uint8_t kHopLimit = 255;

template <typename T>
std::vector<uint8_t> bytes_of(const T& frame) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&frame);
  return {bytes, bytes + sizeof frame};
}

ArpFrame arp_announcement(const MacAddress& mac, const IpAddress& address) {
  ArpFrame frame{};
  std::memset(frame.ethernet.ether_dhost, 0xff, 6);
  std::memcpy(frame.ethernet.ether_shost, mac.bytes.data(), 6);
  frame.ethernet.ether_type = htons(ETHERTYPE_ARP);
  frame.arp.ea_hdr.ar_hrd = htons(ARPHRD_ETHER);
  frame.arp.ea_hdr.ar_pro = htons(ETHERTYPE_IP);
  frame.arp.ea_hdr.ar_hln = 6;
  frame.arp.ea_hdr.ar_pln = 4;
  frame.arp.ea_hdr.ar_op = htons(ARPOP_REQUEST);
  std::memcpy(frame.arp.arp_sha, mac.bytes.data(), 6);
  std::memcpy(frame.arp.arp_spa, address.bytes.data(), 4);
  std::memcpy(frame.arp.arp_tpa, address.bytes.data(), 4);
  return frame;
}

// RFC 4443 section 2.3: over the addresses, the length, the next header and all of the message.
uint16_t icmp6_checksum(const AdvertisementFrame& frame) {
  const std::vector<uint8_t> bytes = bytes_of(frame);
  constexpr size_t kAddresses = sizeof(ether_header) + offsetof(ip6_hdr, ip6_src);
  uint32_t sum =
      IPPROTO_ICMPV6 + static_cast<uint32_t>(bytes.size() - sizeof(ether_header) - sizeof(ip6_hdr));
  for (size_t i = kAddresses; i < bytes.size(); i += 2)
    sum += static_cast<uint32_t>(bytes[i] << 8 | bytes[i + 1]);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return htons(static_cast<uint16_t>(~sum));
}

AdvertisementFrame advertisement(const MacAddress& mac, const IpAddress& address) {
  AdvertisementFrame frame{};
  std::memcpy(frame.ethernet.ether_dhost, kAllNodesMac, 6);
  std::memcpy(frame.ethernet.ether_shost, mac.bytes.data(), 6);
  frame.ethernet.ether_type = htons(ETHERTYPE_IPV6);
  frame.ip.ip6_vfc = 6 << 4;
  frame.ip.ip6_plen = htons(sizeof frame - sizeof frame.ethernet - sizeof frame.ip);
  frame.ip.ip6_nxt = IPPROTO_ICMPV6;
  frame.ip.ip6_hlim = kHopLimit;
  std::memcpy(&frame.ip.ip6_src, address.bytes.data(), 16);
  std::memcpy(&frame.ip.ip6_dst, kAllNodes, 16);
  frame.advertisement.nd_na_type = ND_NEIGHBOR_ADVERT;
  frame.advertisement.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE;
  std::memcpy(&frame.advertisement.nd_na_target, address.bytes.data(), 16);
  frame.option.nd_opt_type = ND_OPT_TARGET_LINKADDR;
  frame.option.nd_opt_len = 1;  // of eight bytes
  std::memcpy(frame.option_mac, mac.bytes.data(), 6);
  frame.advertisement.nd_na_cksum = icmp6_checksum(frame);
  return frame;
}

}  // namespace

std::vector<uint8_t> announcement_frame(const MacAddress& mac, const IpAddress& address) {
  return address.is_v4() ? bytes_of(arp_announcement(mac, address))
                         : bytes_of(advertisement(mac, address));
}

}  // namespace shunt::control
