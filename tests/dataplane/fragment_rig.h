// A UDP and a TCP service of one method and family with one real, and the datagrams that go through it: as they come,
// and as they must leave.
#pragma once

#include <string>
#include <vector>

#include "dataplane/forwarding/tunnel.h"
#include "tests/support/eal.h"
#include "tests/support/families.h"
#include "tests/support/fragmentation.h"
#include "tests/support/worker_fixture.h"

namespace shunt::test {

// A whole datagram's frame on both sides of the load balancer, a tunnel's outer header left out.
struct Datagrams {
  Bytes comes;
  Bytes leaves;
};

struct FragmentRig {
  FragmentRig(AddressFamily of, dataplane::Method by, uint32_t workers = 1) : family(of), method(by), lb(workers) {
    using namespace dataplane;
    const bool keeps_port = method == Method::kDirect || method == Method::kTunnel;
    real_port = keeps_port ? 80 : 8080;
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
      const ServiceId service = lb.add_service(protocol, at("203.0.113.10"), 80, method);
      lb.add_local_address(service, at("10.0.0.100"));
      real = lb.add_real(service, at("10.0.0.1"), real_port);
      reals.push_back(real);
    }
    lb.publish();
  }

  std::string at(std::string_view ipv4) const { return in_family(family, ipv4); }
  bool is_v6() const { return family == AddressFamily::kIpv6; }

  PacketBuilder small_request(uint16_t client = 40000) const {
    return a_packet().from(at("198.51.100.7"), client).to(at("203.0.113.10"), 80).udp().payload("hello");
  }
  static Bytes content(size_t bytes, uint8_t seed) {
    Bytes out(bytes);
    for (size_t i = 0; i < bytes; ++i) out[i] = static_cast<uint8_t>(seed + i * 7 + i / 256);
    return out;
  }
  // The local address and port under fullnat; REQUIRES its connection.
  std::pair<std::string, uint16_t> local_end(uint16_t client = 40000, uint32_t worker = 0) {
    const auto connection = lb.copy_of(small_request(client), worker);
    if (!connection) return {at("10.0.0.100"), 0};
    return {connection->reply.destination.to_string(), connection->reply.destination_port.host()};
  }

  Datagrams request(size_t payload, uint8_t seed = 0, uint16_t client = 40000, uint32_t owner = 0) {
    using dataplane::Method;
    const Bytes data = content(payload, seed);
    const auto comes = a_packet().from(at("198.51.100.7"), client).to(at("203.0.113.10"), 80).udp().payload(data);
    PacketBuilder leaves = PacketBuilder(comes).ttl(63).from_mac(kInsideMac).to_mac(real_mac(real));
    if (method == Method::kNat || method == Method::kFullnat) leaves.to(at("10.0.0.1"), real_port);
    if (method == Method::kFullnat) {
      const auto [address, port] = local_end(client, owner);
      leaves.from(address, port);
    }
    return {comes.bytes(), leaves.bytes()};
  }
  Datagrams reply(size_t payload, uint8_t seed = 0, uint16_t client = 40000, uint32_t owner = 0) {
    using dataplane::Method;
    const Bytes data = content(payload, seed);
    auto comes = a_packet().from(at("10.0.0.1"), real_port).to(at("198.51.100.7"), client).udp().payload(data);
    comes.to_mac(kInsideMac).from_mac(real_mac(real));
    if (method == Method::kFullnat) {
      const auto [address, port] = local_end(client, owner);
      comes.to(address, port);
    }
    const auto leaves =
        a_packet().from(at("203.0.113.10"), 80).to(at("198.51.100.7"), client).udp().payload(data).ttl(63);
    return {comes.bytes(), PacketBuilder(leaves).from_mac(kOutsideMac).to_mac(kGatewayMac).bytes()};
  }
  // A frame with its IPv4 identification set; IPv6 has none.
  Bytes with_id(const Bytes& frame, uint16_t id) const {
    if (is_v6()) return frame;
    Bytes out = frame;
    out[18] = static_cast<uint8_t>(id >> 8);
    out[19] = static_cast<uint8_t>(id);
    out[24] = out[25] = 0;
    const uint16_t sum = internet_checksum(std::span(out).subspan(14, 20));
    out[24] = static_cast<uint8_t>(sum >> 8);
    out[25] = static_cast<uint8_t>(sum);
    return out;
  }
  std::vector<Bytes> cut(const Bytes& whole, size_t mtu, uint16_t id) const {
    return fragments_of(with_id(whole, id), mtu, id);
  }
  // One fragment of it.
  Bytes piece(const Bytes& whole, size_t begin, size_t bytes, bool more, uint16_t id) const {
    return fragment_of(with_id(whole, id), begin, bytes, more, id);
  }

  // Of both sides.
  void set_mtu(uint16_t mtu) {
    lb.gateway(family).mtu = mtu;
    for (const dataplane::RealId each : reals) lb.hop_of(each).mtu = mtu;
    lb.change_routes();
    lb.publish();
  }
  // What a request may have where the real's port takes `mtu`.
  uint32_t fits(uint32_t mtu) const {
    return mtu - (method == dataplane::Method::kTunnel ? dataplane::tunnel_overhead(family, dataplane::TunnelKind::kIpip) : 0);
  }
  void forget_next_hop(bool of_client) {
    if (of_client)
      lb.gateway(family).resolved = false;
    else
      lb.unresolve(real);
    lb.publish();
  }
  void learn_next_hop(bool of_client) {
    if (of_client)
      lb.gateway(family).resolved = true;
    else
      lb.resolve(real);
    lb.publish();
  }

  AddressFamily family;
  dataplane::Method method;
  WorkerFixture lb;
  std::vector<dataplane::RealId> reals;
  dataplane::RealId real{};  // UDP's
  uint16_t real_port = 80;
};

}  // namespace shunt::test
