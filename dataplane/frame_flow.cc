#include "dataplane/frame_flow.h"

#include "dataplane/headers.h"

namespace shunt::dataplane {
namespace {

constexpr size_t kEthernet = sizeof(EthernetHeader);

// nullptr: the frame ends before.
template <typename Header>
const Header* header_at(std::span<const uint8_t> frame, size_t offset) noexcept {
  return offset + sizeof(Header) > frame.size() ? nullptr : reinterpret_cast<const Header*>(frame.data() + offset);
}

void read_ports(std::span<const uint8_t> frame, size_t offset, FrameFlow& out) noexcept {
  out.l4_offset = static_cast<uint16_t>(offset);
  const uint8_t protocol = out.flow.protocol;
  if (protocol != kIpProtocolTcp && protocol != kIpProtocolUdp && protocol != kIpProtocolSctp) return;
  if (offset + 4 > frame.size()) return;
  std::memcpy(&out.flow.source_port, frame.data() + offset, 2);
  std::memcpy(&out.flow.destination_port, frame.data() + offset + 2, 2);
  out.has_ports = true;
  const auto* tcp = protocol == kIpProtocolTcp ? header_at<TcpHeader>(frame, offset) : nullptr;
  if (tcp != nullptr) out.tcp_flags = tcp->flags;
}

void read_v4(std::span<const uint8_t> frame, FrameFlow& out) noexcept {
  const auto* ip = header_at<Ipv4Header>(frame, kEthernet);
  if (ip == nullptr || ip->version_ihl >> 4 != 4) return;
  out.is_ip = true;
  out.flow.source = IpAddress::from_v4(ip->source);
  out.flow.destination = IpAddress::from_v4(ip->destination);
  out.flow.protocol = ip->protocol;
  out.hops = ip->ttl;
  out.ip_bytes = ip->total_length.host();
  const bool is_later = (ip->fragment.host() & 0x1fff) != 0;
  if (!is_later) read_ports(frame, kEthernet + (ip->version_ihl & 15) * size_t{4}, out);
}

void read_v6(std::span<const uint8_t> frame, FrameFlow& out) noexcept {
  const auto* ip = header_at<Ipv6Header>(frame, kEthernet);
  if (ip == nullptr || ip->version() != 6) return;
  out.is_ip = true;
  out.flow.source = IpAddress::from_v6(ip->source.data());
  out.flow.destination = IpAddress::from_v6(ip->destination.data());
  out.hops = ip->hop_limit;
  out.ip_bytes = static_cast<uint16_t>(ip->payload_length.host() + sizeof(Ipv6Header));
  uint8_t kind = ip->next_header;
  size_t offset = kEthernet + sizeof(Ipv6Header);
  // As many as parsing allows, or more: whoever looks on decides nothing.
  for (int passed = 0; passed < 8 && is_ipv6_extension(kind) && offset + 8 <= frame.size(); ++passed) {
    const bool is_fragment = kind == kIpv6Fragment;
    const bool is_later = is_fragment && ((frame[offset + 2] << 8 | frame[offset + 3]) & 0xfff8) != 0;
    kind = frame[offset];
    offset += is_fragment ? 8 : (frame[offset + 1] + size_t{1}) * 8;
    if (is_later) {
      out.flow.protocol = kind;
      return;
    }
  }
  out.flow.protocol = kind;
  read_ports(frame, offset, out);
}

}  // namespace

FrameFlow flow_of_frame(std::span<const uint8_t> frame) noexcept {
  FrameFlow out;
  const auto* ethernet = header_at<EthernetHeader>(frame, 0);
  if (ethernet == nullptr) return out;
  if (ethernet->type == kEtherTypeIpv4) read_v4(frame, out);
  else if (ethernet->type == kEtherTypeIpv6) read_v6(frame, out);
  return out;
}

}  // namespace shunt::dataplane
