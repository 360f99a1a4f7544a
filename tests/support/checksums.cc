#include "tests/support/checksums.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdio>

namespace shunt::test {
namespace {

using View = std::span<const uint8_t>;

uint32_t be16(View data, size_t at) { return data[at] << 8 | data[at + 1]; }

std::string number(const char* format, uint32_t value) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string address_at(View data, size_t at) {
  char text[16];
  std::snprintf(text, sizeof text, "%u.%u.%u.%u", data[at], data[at + 1], data[at + 2],
                data[at + 3]);
  return text;
}

std::string mac_at(View data, size_t at) {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", data[at], data[at + 1],
                data[at + 2], data[at + 3], data[at + 4], data[at + 5]);
  return text;
}

std::string address6_at(View data, size_t at) {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, &data[at], text, sizeof text);
  return text;
}

// An IP packet's parts; `whole` is false when the data ends before the packet does.
struct IpParts {
  View header;  // IPv6: with its extension headers
  View payload;
  View addresses;
  uint8_t protocol;
  bool is_fragment;
  bool whole;
};

// Reason why `data` is no IPv6 packet; else empty and `parts` is set.
std::string split_ipv6(View data, IpParts& parts) {
  if (data.size() < 40) return "IPv6 header cut off";
  if (data[0] >> 4 != 6) return "no IPv6 header";
  const size_t total = 40 + be16(data, 4);
  size_t header = 40;
  uint8_t next = data[6];
  parts.is_fragment = false;
  while (next == 0 || next == 43 || next == 44 || next == 60) {
    if (header + 8 > data.size()) return "IPv6 extension header cut off";
    const bool is_later = next == 44 && (be16(data, header + 2) & 0xfff8) != 0;
    parts.is_fragment |= next == 44 && (be16(data, header + 2) & 0xfff9) != 0;  // an atomic one is none
    const size_t bytes = next == 44 ? 8 : (data[header + 1] + 1) * 8u;
    next = data[header];
    header += bytes;
    if (is_later) break;
  }
  if (header > data.size() || header > total) return "IPv6 extension headers cut off";
  parts.header = data.first(header);
  parts.payload = data.subspan(header, std::min(data.size(), total) - header);
  parts.addresses = data.subspan(8, 32);
  parts.protocol = next;
  parts.whole = data.size() >= total;
  return "";
}

// Reason why `data` is no IPv4 packet; else empty and `parts` is set.
std::string split_ipv4(View data, IpParts& parts) {
  if (data.size() < 20) return "IPv4 header cut off";
  const size_t header = (data[0] & 15) * 4u;
  const size_t total = be16(data, 2);
  if (data[0] >> 4 != 4 || header < 20 || header > data.size() || total < header)
    return "no IPv4 header";
  parts.header = data.first(header);
  parts.payload = data.subspan(header, std::min(data.size(), total) - header);
  parts.addresses = data.subspan(12, 8);
  parts.protocol = data[9];
  parts.is_fragment = (be16(data, 6) & 0x3fff) != 0;
  parts.whole = data.size() >= total;
  return "";
}

std::string split(View data, IpParts& parts) {
  const bool is_v6 = !data.empty() && data[0] >> 4 == 6;
  return is_v6 ? split_ipv6(data, parts) : split_ipv4(data, parts);
}

// TCP's, UDP's and ICMPv6's sum runs over a pseudo header, too: addresses, protocol, length.
uint16_t sum_with_pseudo_header(const IpParts& ip, View segment) {
  Bytes all(ip.addresses.begin(), ip.addresses.end());
  all.push_back(0);
  all.push_back(ip.protocol);
  all.push_back(static_cast<uint8_t>(segment.size() >> 8));
  all.push_back(static_cast<uint8_t>(segment.size()));
  all.insert(all.end(), segment.begin(), segment.end());
  return internet_checksum(all);
}

std::string errors_of_ip(View data, const std::string& where);

constexpr uint32_t kGuePort = 6080;

// What GRE carries; empty: it is no packet of ours.
View inside_gre(View gre) {
  if (gre.size() < 4) return {};
  const size_t header = gre[0] & 0x80 ? 8 : 4;
  return gre.size() < header ? View{} : gre.subspan(header);
}
// The same of a UDP datagram to GUE's port.
View inside_gue(View datagram) {
  const bool is_gue = datagram.size() >= 12 && be16(datagram, 2) == kGuePort && datagram[8] == 0;
  return is_gue ? datagram.subspan(12) : View{};
}

std::string errors_of_gre(View gre, const std::string& where) {
  const View inside = inside_gre(gre);
  if (inside.empty()) return where + "GRE header cut off";
  if ((gre[0] & 0x80) != 0 && internet_checksum(gre) != 0) return where + "GRE checksum wrong";
  return errors_of_ip(inside, where + "inner ");
}

std::string errors_of_udp(const IpParts& ip, const std::string& where) {
  if (ip.payload.size() < 8) return where + "UDP header cut off";
  const size_t length = be16(ip.payload, 4);
  if (length < 8 || length > ip.payload.size()) return where + "UDP length wrong";
  const View datagram = ip.payload.first(length);
  const bool has_checksum = be16(datagram, 6) != 0;
  if (has_checksum && sum_with_pseudo_header(ip, datagram) != 0) return where + "UDP checksum wrong";
  const View inside = inside_gue(datagram);
  return inside.empty() ? "" : errors_of_ip(inside, where + "inner ");
}

std::string errors_of_sctp(View packet, const std::string& where) {
  if (packet.size() < 12) return where + "SCTP header cut off";
  Bytes zeroed(packet.begin(), packet.end());
  std::fill(zeroed.begin() + 8, zeroed.begin() + 12, 0);
  const uint32_t sum = crc32c(zeroed);
  for (size_t i = 0; i < 4; ++i) {
    if (packet[8 + i] != (sum >> 8 * i & 0xff)) return where + "SCTP checksum wrong";
  }
  return "";
}

std::string errors_of_icmp(const IpParts& ip, const std::string& where) {
  if (ip.payload.size() < 8) return where + "ICMP header cut off";
  if (internet_checksum(ip.payload) != 0) return where + "ICMP checksum wrong";
  const uint8_t type = ip.payload[0];
  const bool quotes = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
  return quotes ? errors_of_ip(ip.payload.subspan(8), where + "quoted ") : "";
}

std::string errors_of_icmpv6(const IpParts& ip, const std::string& where) {
  if (ip.payload.size() < 8) return where + "ICMPv6 header cut off";
  if (sum_with_pseudo_header(ip, ip.payload) != 0) return where + "ICMPv6 checksum wrong";
  const bool quotes = ip.payload[0] >= 1 && ip.payload[0] <= 4;
  return quotes ? errors_of_ip(ip.payload.subspan(8), where + "quoted ") : "";
}

std::string errors_of_ip(View data, const std::string& where) {
  IpParts ip;
  if (const std::string reason = split(data, ip); !reason.empty()) return where + reason;
  const bool is_v4 = data[0] >> 4 == 4;
  if (is_v4 && internet_checksum(ip.header) != 0) return where + "IPv4 checksum wrong";
  if (ip.is_fragment || !ip.whole) return "";
  switch (ip.protocol) {
    case 1:
      return errors_of_icmp(ip, where);
    case 4:
    case 41:
      return errors_of_ip(ip.payload, where + "inner ");
    case 47:
      return errors_of_gre(ip.payload, where);
    case 58:
      return errors_of_icmpv6(ip, where);
    case 6:
      if (ip.payload.size() < 20) return where + "TCP header cut off";
      return sum_with_pseudo_header(ip, ip.payload) == 0 ? "" : where + "TCP checksum wrong";
    case 17:
      return errors_of_udp(ip, where);
    case 132:
      return errors_of_sctp(ip.payload, where);
    default:
      return "";
  }
}

std::string describe_ip(View data);

std::string describe_tcp(View segment) {
  if (segment.size() < 20) return " tcp cut off";
  std::string text =
      " tcp " + number("%u", be16(segment, 0)) + " > " + number("%u", be16(segment, 2)) + " ";
  constexpr char kNames[] = "FSRPAUEC";
  for (int bit = 0; bit < 8; ++bit) {
    if (segment[13] >> bit & 1) text += kNames[bit];
  }
  const size_t header = (segment[12] >> 4) * 4u;
  if (header > segment.size()) return text + " bad data offset";
  return text + number(" sum %04x", be16(segment, 16)) +
         number(" data %u", static_cast<uint32_t>(segment.size() - header));
}

std::string describe_udp(View segment) {
  if (segment.size() < 8) return " udp cut off";
  return " udp " + number("%u", be16(segment, 0)) + " > " + number("%u", be16(segment, 2)) +
         number(" sum %04x", be16(segment, 6)) + number(" length %u", be16(segment, 4)) +
         (inside_gue(segment).empty() ? "" : " gue [" + describe_ip(inside_gue(segment)) + "]");
}

std::string describe_gre(View gre) {
  if (gre.size() < 4) return " gre cut off";
  return number(" gre %04x", be16(gre, 0)) + number(" type %04x", be16(gre, 2)) + " [" +
         describe_ip(inside_gre(gre)) + "]";
}

std::string describe_sctp(View packet) {
  if (packet.size() < 12) return " sctp cut off";
  std::string text = " sctp " + number("%u", be16(packet, 0)) + " > " + number("%u", be16(packet, 2)) +
                     number(" sum %02x", packet[8]) + number("%02x", packet[9]) +
                     number("%02x", packet[10]) + number("%02x", packet[11]);
  for (size_t at = 12; at + 4 <= packet.size();) {
    const uint32_t length = be16(packet, at + 2);
    text += number(" chunk %u", packet[at]) + number(" of %u", length);
    if (length < 4) return text + " (impossible)";
    at += (length + 3) / 4 * 4;
  }
  return text;
}

std::string describe_icmp(View message, bool is_v6) {
  if (message.size() < 8) return " icmp cut off";
  std::string text = (is_v6 ? " icmpv6 " : " icmp ") + number("%u", message[0]) + "/" + number("%u", message[1]) +
                     number(" rest %u", be16(message, 4) << 16 | be16(message, 6));
  if (is_v6 ? message[0] >= 1 && message[0] <= 4 : message[0] == 3 || message[0] == 11)
    text += " quoting [" + describe_ip(message.subspan(8)) + "]";
  return text;
}

std::string describe_payload(const IpParts& ip, bool is_v6) {
  switch (ip.protocol) {
    case 1:
    case 58:
      return describe_icmp(ip.payload, is_v6);
    case 4:
    case 41:
      return " ipip [" + describe_ip(ip.payload) + "]";
    case 47:
      return describe_gre(ip.payload);
    case 6:
      return describe_tcp(ip.payload);
    case 17:
      return describe_udp(ip.payload);
    case 132:
      return describe_sctp(ip.payload);
    default:
      return number(" protocol %u", ip.protocol);
  }
}

std::string describe_ipv6(View data, const IpParts& ip) {
  std::string text = "ipv6 " + address6_at(data, 8) + " > " + address6_at(data, 24) +
                     number(" hops %u", data[7]) +
                     number(" class and flow %07x", (be16(data, 0) << 16 | be16(data, 2)) & 0xfffffff) +
                     number(" length %u", be16(data, 4));
  if (ip.header.size() > 40)
    text += number(" extensions %u", static_cast<uint32_t>(ip.header.size() - 40));
  return ip.is_fragment ? text + " fragment" : text + describe_payload(ip, true);
}

std::string describe_ip(View data) {
  IpParts ip;
  if (const std::string reason = split(data, ip); !reason.empty()) return reason;
  if (data[0] >> 4 == 6) return describe_ipv6(data, ip);
  std::string text = "ipv4 " + address_at(data, 12) + " > " + address_at(data, 16) +
                     number(" ttl %u", data[8]) + number(" tos %02x", data[1]) +
                     number(" length %u", be16(data, 2)) + number(" id %u", be16(data, 4)) +
                     number(" sum %04x", be16(data, 10));
  if (be16(data, 6) & 0x4000) text += " DF";
  if (ip.header.size() > 20)
    text += number(" options %u", static_cast<uint32_t>(ip.header.size() - 20));
  if (ip.is_fragment) return text + number(" fragment %04x", be16(data, 6));
  return text + describe_payload(ip, false);
}

}  // namespace

uint16_t internet_checksum(View data) {
  uint32_t sum = 0;
  for (size_t i = 0; i < data.size(); ++i) {
    sum += i % 2 == 0 ? data[i] << 8 : data[i];
    if (sum > 0xffff) sum -= 0xffff;
  }
  return static_cast<uint16_t>(~sum);
}

uint32_t crc32c(View data) {
  uint32_t remainder = 0xffffffff;
  for (const uint8_t byte : data) {
    remainder ^= byte;
    for (int bit = 0; bit < 8; ++bit) {
      // The polynomial 0x1edc6f41 with its bits mirrored.
      remainder = remainder >> 1 ^ (remainder & 1 ? 0x82f63b78u : 0);
    }
  }
  return ~remainder;
}

std::string checksum_errors(View frame) {
  if (frame.size() < 14) return "frame cut off";
  const uint32_t type = be16(frame, 12);
  return type == 0x0800 || type == 0x86dd ? errors_of_ip(frame.subspan(14), "") : "";
}

std::string describe(View frame) {
  if (frame.size() < 14) return number("frame of %u bytes", static_cast<uint32_t>(frame.size()));
  const std::string text = mac_at(frame, 6) + " > " + mac_at(frame, 0) + " ";
  const uint32_t type = be16(frame, 12);
  if (type != 0x0800 && type != 0x86dd) return text + number("type %04x", type);
  return text + describe_ip(frame.subspan(14));
}

}  // namespace shunt::test
