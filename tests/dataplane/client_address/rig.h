// One fullnat service of each protocol at 203.0.113.10, whose real on 10.0.0.1:8080 is told who its clients are, and a
// client that speaks to it. Packets are written from the description alone.
#pragma once

#include <gmock/gmock.h>

#include <string>

#include "dataplane/client_address/carrying.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {

class ClientAddressRig : public test::InBothFamilies {
 protected:
  using Bytes = test::Bytes;
  using PacketBuilder = test::PacketBuilder;

  // The handshake's numbers: the client begins at kClientBegins, the real at kRealBegins.
  static constexpr uint32_t kClientBegins = 0xfffffff0;  // numbers wrap in every test that sends much
  static constexpr uint32_t kRealBegins = 7000;
  static constexpr uint32_t kFirst = kClientBegins + 1;
  static constexpr uint32_t kAnswers = kRealBegins + 1;  // what the client acknowledges at first

  void serve(Protocol protocol, const ClientAddress& how) {
    is_udp = protocol == Protocol::kUdp;
    service = lb.add_service(protocol, at("203.0.113.10"), 80, Method::kFullnat);
    lb.add_local_address(service, at("10.0.0.100"));
    real = lb.add_real(service, at("10.0.0.1"), 8080);
    lb.service(service).client_address = how;
    lb.publish();
  }

  PacketBuilder client() const { return test::a_packet().from(at("198.51.100.7"), 40000).to(at("203.0.113.10"), 80); }
  // As it leaves for the real.
  PacketBuilder to_real() const {
    return test::a_packet()
        .from(at("10.0.0.100"), local)
        .to(at("10.0.0.1"), 8080)
        .ttl(63)
        .from_mac(test::kInsideMac)
        .to_mac(test::real_mac(real));
  }
  PacketBuilder from_real() const {
    return test::a_packet().from(at("10.0.0.1"), 8080).to(at("10.0.0.100"), local).to_mac(test::kInsideMac);
  }
  PacketBuilder to_client() const {
    return test::a_packet()
        .from(at("203.0.113.10"), 80)
        .to(at("198.51.100.7"), 40000)
        .ttl(63)
        .from_mac(test::kOutsideMac)
        .to_mac(test::kGatewayMac);
  }

  PacketBuilder syn() const { return client().tcp(kTcpSyn, kClientBegins); }
  PacketBuilder syn_ack() const { return from_real().tcp(kTcpSyn | kTcpAck, kRealBegins, kFirst); }

  test::Outcome send(const PacketBuilder& packet) { return lb.send(packet); }
  test::Outcome answer(const PacketBuilder& packet) { return lb.send(packet, test::kInside); }

  // The connection begins, and `local` is known.
  void open(const PacketBuilder& packet) {
    ASSERT_EQ(send(packet).summary(), "sent 1");
    learn_local();
  }
  void learn_local() {
    const auto copy = lb.copy_of(any_packet());
    ASSERT_TRUE(copy);
    local = copy->reply.destination_port.host();
  }
  // Up to the real's answer to the SYN.
  void shake_hands() {
    open(syn());
    ASSERT_EQ(answer(syn_ack()).summary(), "sent 0");
  }
  PacketBuilder any_packet() const { return is_udp ? client().udp() : client().tcp(0); }
  uint8_t carried() {
    return is_v6() ? lb.connection6_of(any_packet())->carried : lb.connection_of(any_packet())->carried;
  }
  // The client is told that its packet is too big, and it is counted.
  static void expect_refused(const test::Outcome& outcome, PacketBuilder told) {
    ASSERT_EQ(outcome.summary(), "sent 0, dropped too_big");
    told.from(at("203.0.113.10")).to(at("198.51.100.7")).from_mac(test::kOutsideMac).to_mac(test::kGatewayMac);
    EXPECT_EQ(outcome.sent[0].bytes, told.bytes());
  }
  uint64_t uncarried() { return lb.worker().counters.uncarried.read(); }

  static Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  }
  static Bytes no_operations(size_t count) { return Bytes(count, 1); }
  static Bytes size_option(uint16_t size) {
    return {2, 4, static_cast<uint8_t>(size >> 8), static_cast<uint8_t>(size)};
  }
  // Two no-operations and timestamps, as Linux sends them.
  static Bytes stamps() { return {1, 1, 8, 10, 0, 0, 1, 2, 0, 0, 3, 4}; }
  // The client's address, 198.51.100.7 or its twin, as 16 or 4 bytes.
  static Bytes client_address() {
    if (!is_v6()) return {198, 51, 100, 7};
    return {0x20, 0x01, 0x0d, 0xb8, 0, 0xff, 0, 0, 0, 0, 0, 0, 198, 51, 100, 7};
  }
  // The client's address and port in the option that the real looks for.
  static Bytes toa(uint8_t kind = 254) {
    const auto bytes = static_cast<uint8_t>(is_v6() ? 20 : 8);
    return joined({{kind, bytes, 40000 >> 8, 40000 & 0xff}, client_address()});
  }
  // The PROXY protocol's headers of the client's connection, as its specification has them.
  static Bytes line() {
    const std::string text = std::string("PROXY TCP") + (is_v6() ? "6 " : "4 ") + at("198.51.100.7") + " " + at("203.0.113.10") +
                             " 40000 80\r\n";
    return {text.begin(), text.end()};
  }
  static Bytes binary(bool is_udp) {
    const auto family = static_cast<uint8_t>((is_v6() ? 0x20 : 0x10) | (is_udp ? 2 : 1));
    const Bytes begin = {13, 10, 13, 10, 0, 13, 10, 'Q', 'U', 'I', 'T', 10, 0x21, family, 0, static_cast<uint8_t>(is_v6() ? 36 : 12)};
    const Bytes vip = is_v6() ? Bytes{0x20, 0x01, 0x0d, 0xb8, 0, 0xff, 0, 0, 0, 0, 0, 0, 203, 0, 113, 10} : Bytes{203, 0, 113, 10};
    return joined({begin, client_address(), vip, {40000 >> 8, 40000 & 0xff, 0, 80}});
  }

  test::WorkerFixture lb;
  ServiceId service;
  RealId real;
  bool is_udp = false;
  uint16_t local = 0;
};

}  // namespace shunt::dataplane
