#include "tests/support/packet_builder.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace shunt::test {
namespace {

void put8(Bytes& out, uint32_t value) { out.push_back(static_cast<uint8_t>(value)); }
void put16(Bytes& out, uint32_t value) {
  put8(out, value >> 8);
  put8(out, value);
}
void put32(Bytes& out, uint32_t value) {
  put16(out, value >> 16);
  put16(out, value);
}
// As many bytes as the address has.
void put_address(Bytes& out, const IpAddress& address) {
  out.insert(out.end(), address.bytes.begin(), address.bytes.begin() + (address.is_v4() ? 4 : 16));
}
void put(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }
void set16(Bytes& out, size_t at, uint32_t value) {
  out[at] = static_cast<uint8_t>(value >> 8);
  out[at + 1] = static_cast<uint8_t>(value);
}

Bytes whole_words(Bytes options) {
  while (options.size() % 4 != 0) options.push_back(0);
  return options;
}

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "packet builder: %s\n", what);
  std::abort();
}

}  // namespace

IpAddress ip(std::string_view text) {
  const auto address = IpAddress::parse(text);
  if (!address) give_up("malformed address");
  return *address;
}

Be32 v4(std::string_view text) {
  const IpAddress address = ip(text);
  if (!address.is_v4()) give_up("no IPv4 address");
  return address.v4();
}

PacketBuilder& PacketBuilder::from(std::string_view address, uint16_t port) {
  source_ = ip(address);
  source_port_ = port;
  return *this;
}
PacketBuilder& PacketBuilder::to(std::string_view address, uint16_t port) {
  destination_ = ip(address);
  destination_port_ = port;
  return *this;
}
PacketBuilder& PacketBuilder::from_mac(MacAddress address) {
  source_mac_ = address;
  return *this;
}
PacketBuilder& PacketBuilder::to_mac(MacAddress address) {
  destination_mac_ = address;
  return *this;
}
PacketBuilder& PacketBuilder::tcp(uint8_t flags, uint32_t sequence, uint32_t acknowledgement) {
  kind_ = Kind::kTcp;
  protocol_ = 6;
  tcp_flags_ = flags;
  sequence_ = sequence;
  acknowledgement_ = acknowledgement;
  return *this;
}
PacketBuilder& PacketBuilder::udp() {
  kind_ = Kind::kUdp;
  protocol_ = 17;
  return *this;
}
PacketBuilder& PacketBuilder::sctp(uint8_t type, Bytes value) {
  kind_ = Kind::kSctp;
  protocol_ = 132;
  chunks_.clear();
  return chunk(type, std::move(value));
}
PacketBuilder& PacketBuilder::chunk(uint8_t type, Bytes value) {
  chunks_ = whole_words(std::move(chunks_));
  put8(chunks_, type);
  put8(chunks_, 0);
  put16(chunks_, static_cast<uint32_t>(4 + value.size()));
  put(chunks_, value);
  return *this;
}
PacketBuilder& PacketBuilder::icmp(uint8_t type, uint8_t code, uint32_t rest) {
  kind_ = Kind::kIcmp;
  protocol_ = 1;
  icmp_type_ = type;
  icmp_code_ = code;
  icmp_rest_ = rest;
  return *this;
}
PacketBuilder& PacketBuilder::protocol(uint8_t number) {
  kind_ = Kind::kOther;
  protocol_ = number;
  return *this;
}
PacketBuilder& PacketBuilder::ipip(const PacketBuilder& inner) {
  protocol(inner.is_v6() ? 41 : 4);
  payload_ = inner.ip_bytes();
  return *this;
}
PacketBuilder& PacketBuilder::gre(const PacketBuilder& inner, bool has_checksum) {
  protocol(47);
  payload_.clear();
  put16(payload_, has_checksum ? 0x8000 : 0);
  put16(payload_, inner.is_v6() ? 0x86dd : 0x0800);
  if (has_checksum) put32(payload_, 0);
  put(payload_, inner.ip_bytes());
  if (has_checksum) set16(payload_, 4, internet_checksum(payload_));
  return *this;
}
PacketBuilder& PacketBuilder::gue(const PacketBuilder& inner) {
  udp();
  payload_ = {0, static_cast<uint8_t>(inner.is_v6() ? 41 : 4), 0, 0};
  put(payload_, inner.ip_bytes());
  return *this;
}
PacketBuilder& PacketBuilder::ttl(uint8_t hops) {
  ttl_ = hops;
  return *this;
}
PacketBuilder& PacketBuilder::tos(uint8_t value) {
  tos_ = value;
  return *this;
}
PacketBuilder& PacketBuilder::flow_label(uint32_t value) {
  flow_label_ = value;
  return *this;
}
PacketBuilder& PacketBuilder::extension(uint8_t number, Bytes rest) {
  extensions_.push_back({number, std::move(rest)});
  return *this;
}
PacketBuilder& PacketBuilder::id(uint16_t value) {
  id_ = value;
  return *this;
}
PacketBuilder& PacketBuilder::df() {
  fragment_ |= 0x4000;
  return *this;
}
PacketBuilder& PacketBuilder::fragment(uint16_t offset, bool more) {
  fragment_ = static_cast<uint16_t>((fragment_ & 0x4000) | (more ? 0x2000 : 0) | offset / 8);
  return *this;
}
PacketBuilder& PacketBuilder::ip_options(Bytes options) {
  ip_options_ = whole_words(std::move(options));
  return *this;
}
PacketBuilder& PacketBuilder::tcp_options(Bytes options) {
  tcp_options_ = whole_words(std::move(options));
  return *this;
}
PacketBuilder& PacketBuilder::payload(std::string_view text) {
  payload_.assign(text.begin(), text.end());
  return *this;
}
PacketBuilder& PacketBuilder::payload(Bytes bytes) {
  payload_ = std::move(bytes);
  return *this;
}
PacketBuilder& PacketBuilder::payload_of(size_t bytes) {
  payload_.resize(bytes);
  for (size_t i = 0; i < bytes; ++i) payload_[i] = static_cast<uint8_t>(i);
  return *this;
}
PacketBuilder& PacketBuilder::no_udp_checksum() {
  has_udp_checksum_ = false;
  return *this;
}
PacketBuilder& PacketBuilder::padded_to(size_t bytes) {
  padded_to_ = bytes;
  return *this;
}
PacketBuilder& PacketBuilder::then(std::function<void(Bytes&)> spoil) {
  spoil_ = std::move(spoil);
  return *this;
}

void PacketBuilder::finish_l4_checksum(Bytes& l4) const {
  if (kind_ == Kind::kSctp) {
    // The only one whose least significant byte comes first (RFC 9260 appendix A).
    const uint32_t sum = crc32c(l4);
    for (int i = 0; i < 4; ++i) l4[8 + i] = static_cast<uint8_t>(sum >> 8 * i);
    return;
  }
  if (kind_ == Kind::kIcmp && !is_v6()) return set16(l4, 2, internet_checksum(l4));
  // The pseudo header; IPv6's has a length of 32 bits, whose upper half is zero here.
  Bytes summed;
  put_address(summed, source_);
  put_address(summed, destination_);
  put16(summed, l4_protocol());
  put16(summed, static_cast<uint32_t>(l4.size()));
  put(summed, l4);
  const uint16_t sum = internet_checksum(summed);
  if (kind_ == Kind::kIcmp) return set16(l4, 2, sum);
  if (kind_ == Kind::kTcp) return set16(l4, 16, sum);
  if (has_udp_checksum_) set16(l4, 6, sum == 0 ? 0xffff : sum);
}

Bytes PacketBuilder::l4_bytes() const {
  Bytes out;
  switch (kind_) {
    case Kind::kTcp:
      put16(out, source_port_);
      put16(out, destination_port_);
      put32(out, sequence_);
      put32(out, acknowledgement_);
      put8(out, static_cast<uint32_t>((20 + tcp_options_.size()) / 4 << 4));
      put8(out, tcp_flags_);
      put16(out, 65535);
      put32(out, 0);
      put(out, tcp_options_);
      break;
    case Kind::kUdp:
      put16(out, source_port_);
      put16(out, destination_port_);
      put16(out, static_cast<uint32_t>(8 + payload_.size()));
      put16(out, 0);
      break;
    case Kind::kSctp:
      put16(out, source_port_);
      put16(out, destination_port_);
      put32(out, 0x5ca1ab1e);  // verification tag
      put32(out, 0);
      put(out, whole_words(chunks_));
      break;
    case Kind::kIcmp:
      put8(out, icmp_type_);
      put8(out, icmp_code_);
      put16(out, 0);
      put32(out, icmp_rest_);
      break;
    case Kind::kOther:
      break;
  }
  put(out, payload_);
  if (kind_ != Kind::kOther) finish_l4_checksum(out);
  return out;
}

uint8_t PacketBuilder::l4_protocol() const {
  return kind_ == Kind::kIcmp && is_v6() ? 58 : protocol_;
}

Bytes PacketBuilder::ip_bytes() const { return is_v6() ? ipv6_bytes() : ipv4_bytes(); }

Bytes PacketBuilder::ipv6_bytes() const {
  Bytes payload;
  for (size_t i = 0; i < extensions_.size(); ++i) {
    const bool is_last = i + 1 == extensions_.size();
    const size_t units = (2 + extensions_[i].rest.size() + 7) / 8;
    const size_t end = payload.size() + units * 8;
    put8(payload, is_last ? l4_protocol() : extensions_[i + 1].number);
    put8(payload, static_cast<uint32_t>(units - 1));
    put(payload, extensions_[i].rest);
    payload.resize(end);
  }
  put(payload, l4_bytes());
  Bytes out;
  put32(out, 0x60000000u | uint32_t{tos_} << 20 | flow_label_);
  put16(out, static_cast<uint32_t>(payload.size()));
  put8(out, extensions_.empty() ? l4_protocol() : extensions_[0].number);
  put8(out, ttl_);
  put_address(out, source_);
  put_address(out, destination_);
  put(out, payload);
  return out;
}

Bytes PacketBuilder::ipv4_bytes() const {
  const Bytes l4 = l4_bytes();
  const size_t header = 20 + ip_options_.size();
  Bytes out;
  put8(out, static_cast<uint32_t>(0x40 | header / 4));
  put8(out, tos_);
  put16(out, static_cast<uint32_t>(header + l4.size()));
  put16(out, id_);
  put16(out, fragment_);
  put8(out, ttl_);
  put8(out, protocol_);
  put16(out, 0);
  put_address(out, source_);
  put_address(out, destination_);
  put(out, ip_options_);
  set16(out, 10, internet_checksum(out));
  put(out, l4);
  return out;
}

Bytes PacketBuilder::bytes() const {
  Bytes out(destination_mac_.bytes.begin(), destination_mac_.bytes.end());
  out.insert(out.end(), source_mac_.bytes.begin(), source_mac_.bytes.end());
  put16(out, is_v6() ? 0x86dd : 0x0800);
  put(out, ip_bytes());
  out.resize(std::max(out.size(), padded_to_));
  if (spoil_) spoil_(out);
  return out;
}

rte_mbuf* PacketBuilder::build(rte_mempool* pool, uint16_t port) const {
  return mbuf_of(bytes(), pool, port);
}

rte_mbuf* mbuf_of(const Bytes& frame, rte_mempool* pool, uint16_t port) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool);
  if (mbuf == nullptr) give_up("no mbuf left");
  char* room = rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.size()));
  if (room == nullptr) give_up("frame larger than an mbuf");
  if (!frame.empty()) std::memcpy(room, frame.data(), frame.size());
  mbuf->port = port;
  return mbuf;
}

Bytes bytes_of(const rte_mbuf* mbuf) {
  Bytes all;
  for (const rte_mbuf* segment = mbuf; segment != nullptr; segment = segment->next) {
    const auto* data = rte_pktmbuf_mtod(segment, const uint8_t*);
    all.insert(all.end(), data, data + segment->data_len);
  }
  return all;
}

}  // namespace shunt::test
