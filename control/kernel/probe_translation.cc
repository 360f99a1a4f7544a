#include "control/kernel/probe_translation.h"

#include <algorithm>
#include <cstring>

#include "dataplane/checksum.h"
#include "dataplane/headers.h"
#include "dataplane/l4_checksum.h"

namespace shunt::control {
namespace {

using dataplane::Ipv4Header;
using dataplane::Ipv6Header;
using dataplane::kIpProtocolTcp;
using dataplane::kIpProtocolUdp;

// Longer than a connection of a check is quiet and still wanted: kernels give up a SYN after two minutes.
constexpr std::chrono::minutes kFlowLasts{3};
constexpr std::chrono::seconds kLookPause{10};

// A whole TCP or UDP packet.
struct View {
  AddressFamily family = AddressFamily::kIpv4;
  uint8_t* ip = nullptr;
  uint8_t* l4 = nullptr;
  uint8_t protocol = 0;
  size_t bytes = 0;  // of the IP packet

  static constexpr size_t kV4Source = 12, kV6Source = 8;
  size_t address_bytes() const noexcept { return family == AddressFamily::kIpv4 ? 4 : 16; }
  uint8_t* source() const noexcept { return ip + (family == AddressFamily::kIpv4 ? kV4Source : kV6Source); }
  uint8_t* destination() const noexcept { return source() + address_bytes(); }
  Be16 port_at(size_t place) const noexcept {
    Be16 port;
    std::memcpy(&port, l4 + place, sizeof port);
    return port;
  }
};

IpAddress address_at(AddressFamily family, const uint8_t* at) noexcept {
  IpAddress address;
  address.family = family;
  std::memcpy(address.bytes.data(), at, family == AddressFamily::kIpv4 ? 4 : 16);
  return address;
}

// The addresses of any IP packet; false: it is none.
bool addresses_of(std::span<uint8_t> packet, View& view) noexcept {
  if (packet.empty()) return false;
  const bool is_v4 = packet[0] >> 4 == 4;
  if (!is_v4 && packet[0] >> 4 != 6) return false;
  view.family = is_v4 ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  view.ip = packet.data();
  return packet.size() >= (is_v4 ? sizeof(Ipv4Header) : sizeof(Ipv6Header));
}

// The rest of it; false: a fragment, or neither TCP nor UDP, or not whole.
bool complete(std::span<uint8_t> packet, View& view) noexcept {
  size_t header = sizeof(Ipv6Header);
  if (view.family == AddressFamily::kIpv4) {
    const auto* ip = reinterpret_cast<const Ipv4Header*>(view.ip);
    header = size_t{ip->version_ihl & 0xfu} * 4;
    view.bytes = ip->total_length.host();
    view.protocol = ip->protocol;
    if (header < sizeof(Ipv4Header) || (ip->fragment.raw & dataplane::kIpMoreFragmentsOrOffset.raw) != 0) return false;
  } else {
    const auto* ip = reinterpret_cast<const Ipv6Header*>(view.ip);
    view.bytes = header + ip->payload_length.host();
    view.protocol = ip->next_header;
  }
  const size_t least = view.protocol == kIpProtocolTcp   ? sizeof(dataplane::TcpHeader)
                       : view.protocol == kIpProtocolUdp ? sizeof(dataplane::UdpHeader)
                                                         : SIZE_MAX;
  if (view.bytes > packet.size() || least > view.bytes || header > view.bytes - least) return false;
  view.l4 = view.ip + header;
  return true;
}

// Writes `to` over the address at `at`, checksums kept right.
void readdress(const View& view, uint8_t* at, const IpAddress& to) noexcept {
  uint64_t sum = 0;
  for (size_t i = 0; i < view.address_bytes(); i += 2) {
    Be16 before;
    Be16 after;
    std::memcpy(&before, at + i, sizeof before);
    std::memcpy(&after, to.bytes.data() + i, sizeof after);
    sum += dataplane::delta_of(before, after);
  }
  const uint16_t delta = dataplane::fold(sum);
  std::memcpy(at, to.bytes.data(), view.address_bytes());
  if (view.family == AddressFamily::kIpv4) {
    auto* ip = reinterpret_cast<Ipv4Header*>(view.ip);
    ip->checksum = dataplane::updated(ip->checksum, delta);
  }
  dataplane::update_l4_checksum(view.l4, view.protocol, delta);
}

uint32_t last_word(const IpAddress& address) noexcept {
  const uint8_t* at = address.bytes.data() + (address.is_v4() ? 0 : 12);
  return uint32_t{at[0]} << 24 | uint32_t{at[1]} << 16 | uint32_t{at[2]} << 8 | at[3];
}

// REQUIRES that the prefix contains it.
uint32_t number_of(const Prefix& prefix, const IpAddress& address) noexcept {
  return last_word(address) - last_word(prefix.address);
}

}  // namespace

IpAddress probe_address(const ProbePrefixes& prefixes, AddressFamily family, uint32_t number) noexcept {
  IpAddress address = prefixes.of(family).address;
  const uint32_t word = last_word(address) + number;
  uint8_t* at = address.bytes.data() + (address.is_v4() ? 0 : 12);
  for (int i = 0; i < 4; ++i) at[i] = static_cast<uint8_t>(word >> (24 - 8 * i));
  return address;
}

size_t ProbeTranslation::FlowHash::operator()(const Flow& flow) const noexcept {
  const size_t ends = size_t{table_hash(flow.own)} << 32 ^ table_hash(flow.vip);
  return ends ^ (size_t{flow.own_port.raw} << 16 ^ flow.vip_port.raw ^ flow.protocol) * 0x9e3779b97f4a7c15u;
}

std::optional<uint32_t> ProbeTranslation::outward(const ProbeTable& table, std::span<uint8_t> packet, Time now) {
  View view;
  if (!addresses_of(packet, view) || !complete(packet, view)) return std::nullopt;
  const IpAddress source = address_at(view.family, view.source());
  const IpAddress destination = address_at(view.family, view.destination());
  const Prefix& prefix = table.prefixes.of(view.family);
  if (!prefix.contains(destination)) return std::nullopt;
  // Linux forwards others' packets where it is a router.
  if (!std::binary_search(table.own.begin(), table.own.end(), source)) return std::nullopt;
  const uint32_t number = number_of(prefix, destination);
  const auto vip = table.vips.find(number);
  if (vip == table.vips.end() || vip->second.family != view.family) return std::nullopt;
  forget_old(now);
  const Flow flow{source, vip->second, view.port_at(0), view.port_at(2), view.protocol};
  const auto kept = flows_.find(flow);
  if (kept == flows_.end()) {
    if (flows_.size() >= kMostFlows) return std::nullopt;
    flows_.emplace(flow, Kept{destination, now});
  } else {
    kept->second = {destination, now};
  }
  readdress(view, view.destination(), vip->second);
  return number;
}

ProbeTranslation::Inward ProbeTranslation::inward(const ProbeTable& table, std::span<uint8_t> packet, Time now,
                                                  size_t& bytes) {
  View view;
  if (!addresses_of(packet, view)) return Inward::kNone;
  const Prefix& prefix = table.prefixes.of(view.family);
  const IpAddress source = address_at(view.family, view.source());
  const IpAddress destination = address_at(view.family, view.destination());
  if (prefix.contains(source) || prefix.contains(destination)) return Inward::kForged;
  if (flows_.empty() || !complete(packet, view)) return Inward::kNone;
  const auto kept = flows_.find(Flow{destination, source, view.port_at(2), view.port_at(0), view.protocol});
  if (kept == flows_.end()) return Inward::kNone;
  kept->second.last = now;
  readdress(view, view.source(), kept->second.probe);
  bytes = view.bytes;
  return Inward::kAnswer;
}

void ProbeTranslation::forget_old(Time now) {
  if (now - looked_ < kLookPause) return;
  looked_ = now;
  std::erase_if(flows_, [now](const auto& flow) { return now - flow.second.last > kFlowLasts; });
}

}  // namespace shunt::control
