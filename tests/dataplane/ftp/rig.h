// An FTP service at 203.0.113.10:21 under nat or fullnat, its real at 10.0.0.1:21, and a client at 198.51.100.7:40000 with
// a control connection to it. Packets are written from the description alone.
#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <memory>
#include <string>

#include "dataplane/ftp/control.h"
#include "tests/support/eal.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {

class FtpRig : public test::InBothFamilies {
 protected:
  using PacketBuilder = test::PacketBuilder;
  using Outcome = test::Outcome;

  // The first numbers of both ends' data; the client's wrap soon.
  static constexpr uint32_t kClient = 0xfffffff8;
  static constexpr uint32_t kReal = 7001;
  static constexpr uint16_t kClientPort = 40000;
  // What the real says it listens at, and the client.
  static constexpr uint16_t kRealData = 51213;  // 200,13
  static constexpr uint16_t kClientData = 40961;  // 160,1

  // The test's body once for each method, with a control connection that is established.
  void each_method(const std::function<void()>& body) {
    for (const Method how : {Method::kNat, Method::kFullnat}) {
      SCOPED_TRACE(name_of(how));
      serve(how);
      shake_hands();
      body();
      if (HasFatalFailure()) return;
    }
  }
  void serve(Method how, uint32_t workers = 1, uint32_t capacity = 256) {
    method = how;
    lb.reset();
    lb = std::make_unique<test::WorkerFixture>(workers, capacity);
    service = lb->add_service(Protocol::kTcp, at("203.0.113.10"), 21, method);
    lb->service(service).application = Application::kFtp;
    if (method == Method::kFullnat) lb->add_local_address(service, at("10.0.0.100"));
    real = lb->add_real(service, at("10.0.0.1"), 21);
    lb->publish();
  }
  bool is_nat() const { return method == Method::kNat; }
  std::string told_client() const { return is_nat() ? at("198.51.100.7") : at("10.0.0.100"); }

  // Packets of the control connection, as they come and as they leave.
  static PacketBuilder client(uint8_t flags, uint32_t sequence, uint32_t acknowledges = kReal, uint16_t port = kClientPort) {
    return test::a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 21).tcp(flags, sequence, acknowledges);
  }
  PacketBuilder to_real(uint8_t flags, uint32_t sequence, uint32_t acknowledges = kReal) const {
    return leaves_inside(told_client(), local, 21).tcp(flags, sequence, acknowledges);
  }
  PacketBuilder from_real(uint8_t flags, uint32_t sequence, uint32_t acknowledges = kClient) const {
    return comes_inside(21, told_client(), local).tcp(flags, sequence, acknowledges);
  }
  static PacketBuilder to_client(uint8_t flags, uint32_t sequence, uint32_t acknowledges = kClient) {
    return leaves_outside(21, kClientPort).tcp(flags, sequence, acknowledges);
  }
  // Any packets.
  PacketBuilder leaves_inside(const std::string& from, uint16_t from_port, uint16_t port) const {
    return test::a_packet().from(from, from_port).to(at("10.0.0.1"), port).ttl(63).from_mac(test::kInsideMac).to_mac(test::real_mac(real));
  }
  static PacketBuilder comes_inside(uint16_t port, const std::string& to, uint16_t to_port) {
    return test::a_packet().from(at("10.0.0.1"), port).to(to, to_port).to_mac(test::kInsideMac);
  }
  static PacketBuilder leaves_outside(uint16_t port, uint16_t to_port) {
    return test::a_packet()
        .from(at("203.0.113.10"), port)
        .to(at("198.51.100.7"), to_port)
        .ttl(63)
        .from_mac(test::kOutsideMac)
        .to_mac(test::kGatewayMac);
  }
  static PacketBuilder comes_outside(uint16_t from_port, uint16_t port) {
    return test::a_packet().from(at("198.51.100.7"), from_port).to(at("203.0.113.10"), port);
  }

  Outcome send(const PacketBuilder& packet) { return lb->send(packet); }
  Outcome answer(const PacketBuilder& packet) { return lb->send(packet, test::kInside); }

  void shake_hands(uint16_t port = kClientPort) {
    ASSERT_EQ(send(client(kTcpSyn, kClient - 1, 0, port)).summary(), "sent 1");
    const auto copy = lb->copy_of(client(0, 0, 0, port));
    ASSERT_TRUE(copy);
    local = copy->reply.destination_port.host();
    ASSERT_EQ(answer(from_real(kTcpSyn | kTcpAck, kReal - 1)).summary(), "sent 0");
    ASSERT_EQ(send(client(kTcpAck, kClient, kReal, port)).summary(), "sent 1");
  }

  // The client asks for a passive connection; the real has acknowledged that.
  void ask_passive(const std::string& command = "PASV\r\n") {
    test::expect_sent(send(client(kTcpAck, kClient).payload(command)), test::kInside, to_real(kTcpAck, kClient).payload(command));
  }
  // The family's way to say that the real listens, and what the client is told.
  static std::string passive_answer(uint16_t port = kRealData) {
    if (is_v6()) return "229 Entering Extended Passive Mode (|||" + std::to_string(port) + "|)\r\n";
    return "227 Entering Passive Mode (10,0,0,1," + halves(port) + ").\r\n";
  }
  static std::string told_passive(uint16_t port = kRealData) {
    if (is_v6()) return passive_answer(port);
    return "227 Entering Passive Mode (203,0,113,10," + halves(port) + ").\r\n";
  }
  static std::string passive_command() { return is_v6() ? "EPSV\r\n" : "PASV\r\n"; }
  static std::string halves(uint16_t port) { return std::to_string(port >> 8) + "," + std::to_string(port & 0xff); }
  // And that somebody listens at the address.
  static std::string extended_active(const std::string& address, uint16_t port) {
    return std::string("EPRT |") + (is_v6() ? "2|" : "1|") + address + "|" + std::to_string(port) + "|\r\n";
  }
  static std::string active_command(std::string address, uint16_t port) {
    if (is_v6()) return extended_active(address, port);
    std::replace(address.begin(), address.end(), '.', ',');
    return "PORT " + address + "," + halves(port) + "\r\n";
  }

  // Others' expectations take all the room there is.
  void crowd_out() {
    Expectation other;
    other.from = test::ip("192.0.2.1");
    other.to = test::ip("192.0.2.2");
    for (uint16_t port = 1; port < 5000; ++port) {
      other.port = Be16::from_host(port);
      lb->expectations().put(other, lb->worker().now, 100'000);
    }
  }
  // The only data connection that is expected; its port, as whoever comes is told it.
  uint64_t expected() const { return lb->expectations().count(); }
  const WorkerCounters& counters(uint32_t worker = 0) const { return lb->worker(worker).counters; }
  uint16_t told_port() const {
    const uint32_t next = lb->worker().ftp.next_port - 1;  // by turn (announce.cc)
    return static_cast<uint16_t>(1024 + next % 64512);
  }

  std::unique_ptr<test::WorkerFixture> lb;
  Method method = Method::kNat;
  ServiceId service;
  RealId real;
  uint16_t local = 0;  // the control connection's, where the real sees it
};

}  // namespace shunt::dataplane
