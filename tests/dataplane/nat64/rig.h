// A fullnat service whose client and real are of different families, and one client that speaks to it: NAT64 with an IPv6
// client, NAT46 with an IPv4 one. Packets are written from the description alone.
#pragma once

#include <gmock/gmock.h>

#include <string>

#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {

// The parameter: of the client.
class CrossingRig : public testing::TestWithParam<AddressFamily> {
 protected:
  using Bytes = test::Bytes;
  using PacketBuilder = test::PacketBuilder;

  static AddressFamily clients() { return GetParam(); }
  static AddressFamily reals() { return is_nat64() ? AddressFamily::kIpv4 : AddressFamily::kIpv6; }
  static bool is_nat64() { return GetParam() == AddressFamily::kIpv6; }
  static std::string at_client(std::string_view ipv4) { return test::in_family(clients(), ipv4); }
  static std::string at_real(std::string_view ipv4) { return test::in_family(reals(), ipv4); }

  void serve(Protocol protocol, const ClientAddress& how = {}) {
    service = lb.add_service(protocol, at_client("203.0.113.10"), 80, Method::kFullnat);
    lb.add_local_address(service, at_real("10.0.0.100"));
    real = lb.add_real(service, at_real("10.0.0.1"), 8080);
    lb.service(service).client_address = how;
    lb.publish();
  }

  // As each of them comes, and as it must leave.
  PacketBuilder client() const { return test::a_packet().from(at_client("198.51.100.7"), 40000).to(at_client("203.0.113.10"), 80); }
  PacketBuilder to_real() const {
    return test::a_packet()
        .from(at_real("10.0.0.100"), local)
        .to(at_real("10.0.0.1"), 8080)
        .ttl(63)
        .from_mac(test::kInsideMac)
        .to_mac(test::real_mac(real));
  }
  PacketBuilder from_real() const {
    return test::a_packet().from(at_real("10.0.0.1"), 8080).to(at_real("10.0.0.100"), local).to_mac(test::kInsideMac);
  }
  PacketBuilder to_client() const {
    return test::a_packet()
        .from(at_client("203.0.113.10"), 80)
        .to(at_client("198.51.100.7"), 40000)
        .ttl(63)
        .from_mac(test::kOutsideMac)
        .to_mac(test::kGatewayMac);
  }

  test::Outcome send(const PacketBuilder& packet) { return lb.send(packet); }
  test::Outcome answer(const PacketBuilder& packet) { return lb.send(packet, test::kInside); }

  // The connection begins, and `local` is known.
  void open(const PacketBuilder& packet) {
    ASSERT_EQ(send(packet).summary(), "sent 1");
    learn_local(packet);
  }
  void learn_local(const PacketBuilder& packet) {
    const auto copy = lb.copy_of(packet);
    ASSERT_TRUE(copy);
    local = copy->reply.destination_port.host();
  }
  // What Linux and Shunt write in place of an identification that nobody needs.
  static PacketBuilder numbered(PacketBuilder packet, const test::Outcome& outcome) {
    if (packet.is_v6() || outcome.sent.empty() || outcome.sent[0].bytes.size() < 20) return packet;
    const Bytes& frame = outcome.sent[0].bytes;
    return packet.id(static_cast<uint16_t>(frame[18] << 8 | frame[19]));
  }
  static void expect_sent(const test::Outcome& outcome, uint16_t port, const PacketBuilder& expected) {
    test::expect_sent(outcome, port, numbered(expected, outcome));
  }
  static ClientAddress carried_by(ClientAddressKind kind) {
    ClientAddress how;
    how.kind = kind;
    return how;
  }

  uint64_t to_ipv6() { return lb.worker().counters.translated_to_ipv6.read(); }
  uint64_t to_ipv4() { return lb.worker().counters.translated_to_ipv4.read(); }

  test::WorkerFixture lb;
  ServiceId service;
  RealId real;
  uint16_t local = 0;
};

inline const auto kBothWays = testing::Values(AddressFamily::kIpv6, AddressFamily::kIpv4);
inline std::string way_name(const testing::TestParamInfo<AddressFamily>& info) {
  return info.param == AddressFamily::kIpv6 ? "Nat64" : "Nat46";
}

}  // namespace shunt::dataplane
