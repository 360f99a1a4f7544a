#include "dataplane/client_address/datagrams.h"

#include "dataplane/client_address/address_option.h"
#include "dataplane/client_address/grow.h"
#include "dataplane/client_address/opening.h"
#include "dataplane/client_address/proxy_header.h"
#include "dataplane/fragments.h"
#include "dataplane/header_options.h"

namespace shunt::dataplane {
namespace {

constexpr uint8_t kUoaOption = 0x1f;
constexpr uint8_t kIpProtocolUoa = 248;

// DPVS's struct opphdr.
struct UoaHeader {
  uint8_t version_and_reserved;  // 1: IPv4, 2: IPv6; in the upper half
  uint8_t protocol;              // of what follows the option
  Be16 length;                   // of this and the option
};
static_assert(sizeof(UoaHeader) == kUoaHeaderBytes);

// The first word of an IPv4 header, of which the option makes it longer.
uint16_t first_word(const Ipv4Header* ip) noexcept {
  uint16_t word;
  std::memcpy(&word, static_cast<const void*>(ip), sizeof word);
  return word;
}

// What a client wrote where the real's module looks is not the truth.
void blank_uoa(Ipv4Header* ip) noexcept {
  auto* header = reinterpret_cast<uint8_t*>(ip);
  const uint32_t bytes = ip->header_bytes();
  for (HeaderOption option; next_option(header, bytes, option);) {
    if (option.kind == kUoaOption) std::memset(header + option.at, kNoOperation, option.bytes);
  }
  ip->checksum = {};
  ip->checksum = checksum_of(ip, bytes);
}

// In front of the client's own options. False, and nothing changed: there is no room.
bool put_option(const Connection& connection, Packet& packet) noexcept {
  using Option = AddressOption<FlowKey>;
  if (packet.ip->header_bytes() + sizeof(Option) > kMostHeaderBytes) return false;
  uint8_t* room = make_room<Ipv4>(packet, reinterpret_cast<uint8_t*>(packet.ip + 1), sizeof(Option));
  if (room == nullptr) return false;
  const Option option = Option::of(kUoaOption, connection.request);
  std::memcpy(room, static_cast<const void*>(&option), sizeof option);
  Ipv4Header* ip = packet.ip;
  const auto before = static_cast<uint16_t>(~first_word(ip));
  ip->version_ihl = static_cast<uint8_t>(ip->version_ihl + sizeof option / 4);
  ip->checksum = updated(ip->checksum, fold(sum_of(room, sizeof option, uint64_t{before} + first_word(ip))));
  return true;
}

// The protocol that the packet says, `from` UDP.
void set_protocol(Ipv4Header* ip) noexcept {
  ip->protocol = kIpProtocolUoa;
  ip->checksum = updated(ip->checksum, fold(delta_of(Be16::from_host(kIpProtocolUdp), Be16::from_host(kIpProtocolUoa))));
}
void set_protocol(Ipv6Header* ip) noexcept { ip->next_header = kIpProtocolUoa; }
bool has_udp_next(const Ipv4Header*) noexcept { return true; }
// The real's module looks no further than IPv6's own header.
bool has_udp_next(const Ipv6Header* ip) noexcept { return ip->next_header == kIpProtocolUdp; }

template <typename Ip>
bool put_protocol(const typename Ip::Entry& connection, Packet& packet) noexcept {
  using Option = AddressOption<typename Ip::Key>;
  constexpr uint16_t kBytes = sizeof(UoaHeader) + sizeof(Option);
  if (!has_udp_next(Ip::header_of(packet))) return false;
  uint8_t* room = make_room<Ip>(packet, packet.l4, kBytes);
  if (room == nullptr) return false;
  constexpr uint8_t kVersion = Ip::kFamily == AddressFamily::kIpv4 ? 0x10 : 0x20;
  const UoaHeader header{kVersion, kIpProtocolUdp, Be16::from_host(kBytes)};
  const Option option = Option::of(kUoaOption, connection.request);
  std::memcpy(room, static_cast<const void*>(&header), sizeof header);
  std::memcpy(room + sizeof header, static_cast<const void*>(&option), sizeof option);
  set_protocol(Ip::header_of(packet));
  return true;
}

bool put_uoa(const Connection& connection, Packet& packet) noexcept {
  return connection.carried == kCarriesUoaOption ? put_option(connection, packet) : put_protocol<Ipv4>(connection, packet);
}
bool put_uoa(const Connection6& connection, Packet& packet) noexcept {
  return put_protocol<Ipv6>(connection, packet);
}

}  // namespace

template <typename Ip>
bool tell_by_uoa(Worker& worker, typename Ip::Entry& connection, Packet& packet) noexcept {
  constexpr bool kIsV4 = Ip::kFamily == AddressFamily::kIpv4;
  auto* ip = Ip::header_of(packet);
  if constexpr (kIsV4) {
    if (ip->header_bytes() > sizeof *ip) [[unlikely]] blank_uoa(ip);
  }
  if (!is_opening(connection)) return true;
  if (part_of(ip) != Part::kWhole) {
    if (part_of(ip) == Part::kFirst) worker.counters.uncarried.add(1);
    return true;
  }
  if (!put_uoa(connection, packet)) worker.counters.uncarried.add(1);
  const uint32_t left = noted_in(connection) - 1;
  if (left != 0) {
    note_in(connection, left);
    return true;
  }
  end_opening(connection);
  // IPv4's options are looked at as long as there is a connection.
  if (!kIsV4) connection.carried = 0;
  return true;
}

template <typename Ip>
bool tell_by_proxy_datagram(const typename Ip::Entry& connection, Packet& packet) noexcept {
  constexpr uint16_t kBytes = proxy_v2_bytes(Ip::kFamily);
  if (part_of(Ip::header_of(packet)) != Part::kWhole) return packet.drop(DropReason::kClientUntold), false;
  uint8_t* room = make_room<Ip>(packet, packet.l4 + sizeof(UdpHeader), kBytes);
  if (room == nullptr) return packet.drop(DropReason::kNoMbuf), false;
  write_proxy(kCarriesProxyV2, connection.request, room);
  UdpHeader* udp = packet.udp;
  udp->length = Be16::from_host(static_cast<uint16_t>(udp->length.host() + kBytes));
  // The length counts twice, in the header and before it.
  const uint64_t added = 2 * uint64_t{Be16::from_host(kBytes).raw};
  update_l4_checksum(packet.l4, kIpProtocolUdp, fold(sum_of(room, kBytes, added)));
  return true;
}

template bool tell_by_uoa<Ipv4>(Worker&, Connection&, Packet&) noexcept;
template bool tell_by_uoa<Ipv6>(Worker&, Connection6&, Packet&) noexcept;
template bool tell_by_proxy_datagram<Ipv4>(const Connection&, Packet&) noexcept;
template bool tell_by_proxy_datagram<Ipv6>(const Connection6&, Packet&) noexcept;

}  // namespace shunt::dataplane
