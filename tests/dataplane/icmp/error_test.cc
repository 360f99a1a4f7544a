// ICMP errors about connections of every method, in both directions and both families.
#include "dataplane/icmp/error.h"

#include <gmock/gmock.h>

#include <memory>
#include <random>

#include "tests/dataplane/buffers.h"
#include "tests/dataplane/icmp/errors.h"
#include "tests/support/eal.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class IcmpError : public InBothFamilies {
 protected:
  // Another load balancer: a service of the method on TCP and one on UDP, each with one real on port 8080.
  void serve(Method method) {
    lb = std::make_unique<WorkerFixture>();
    reals.clear();
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
      const ServiceId service = lb->add_service(protocol, at("203.0.113.10"), 80, method);
      if (method == Method::kFullnat) lb->add_local_address(service, at("10.0.0.100"));
      reals.push_back(lb->add_real(service, real_address(protocol == Protocol::kUdp), 8080));
    }
    lb->publish();
  }
  static std::string real_address(bool is_udp) { return at(is_udp ? "10.0.0.2" : "10.0.0.1"); }

  PacketBuilder request() const {
    return l4(a_packet().from(at("198.51.100.7"), 40000).to(at("203.0.113.10"), 80), true);
  }
  // Opens the connection; the port by which the real knows the client.
  uint16_t open() {
    EXPECT_EQ(lb->send(request()).summary(), "sent 1");
    const auto connection = lb->copy_of(request());
    EXPECT_TRUE(connection);
    return connection ? connection->reply.destination_port.host() : 0;
  }
  PacketBuilder l4(PacketBuilder packet, bool opens = false) const {
    return is_udp ? packet.udp() : packet.tcp(opens ? kTcpSyn : kTcpAck);
  }

  // What the client gets from the VIP, and what it was when the real sent it.
  PacketBuilder reply_as_clients_see() const {
    return l4(a_packet().from(at("203.0.113.10"), 80).to(at("198.51.100.7"), 40000)).payload("answer").ttl(57);
  }
  PacketBuilder reply_as_reals_see(uint16_t local) const {
    auto packet = a_packet().from(real_address(is_udp), 8080);
    if (local == 40000)
      packet.to(at("198.51.100.7"), 40000);
    else
      packet.to(at("10.0.0.100"), local);
    return l4(packet).payload("answer").ttl(57);
  }
  // What the real gets, and what it was when the client sent it.
  PacketBuilder request_as_reals_see(uint16_t local) const {
    auto packet = a_packet().to(real_address(is_udp), 8080);
    if (local == 40000)
      packet.from(at("198.51.100.7"), 40000);
    else
      packet.from(at("10.0.0.100"), local);
    return l4(packet).payload("question").ttl(61);
  }
  PacketBuilder request_as_clients_see() const {
    return l4(a_packet().from(at("198.51.100.7"), 40000).to(at("203.0.113.10"), 80)).payload("question").ttl(61);
  }
  size_t headers() const { return (is_v6() ? 40u : 20u) + 8u; }

  // Of a router on the clients' side, about a reply.
  PacketBuilder from_outside(ErrorKind kind, uint32_t rest = 0, size_t bytes = SIZE_MAX) const {
    return icmp_error(kind, quoted(reply_as_clients_see(), bytes), rest).from(at("192.0.2.1")).to(at("203.0.113.10"));
  }
  // As it leaves for the real.
  PacketBuilder toward_real(PacketBuilder error) const {
    return error.ttl(63).from_mac(kInsideMac).to_mac(real_mac(reals[is_udp]));
  }
  PacketBuilder toward_client(PacketBuilder error) const {
    return error.from(at("203.0.113.10")).to(at("198.51.100.7")).ttl(63).from_mac(kOutsideMac).to_mac(kGatewayMac);
  }

  std::unique_ptr<WorkerFixture> lb = std::make_unique<WorkerFixture>();
  std::vector<RealId> reals;
  bool is_udp = false;
};
using IcmpErrorIpv4 = IcmpError;

TEST_P(IcmpError, DirectIsForwardedToTheReal) {
  serve(Method::kDirect);
  for (const bool udp : {false, true}) {
    is_udp = udp;
    open();
    for (const ErrorKind kind : {unreachable(is_v6()), time_exceeded(is_v6())}) {
      const auto error = from_outside(kind);
      expect_sent(lb->send(error), kInside, toward_real(error));
    }
    const auto error = from_outside(too_big(is_v6()), 1300);
    expect_sent(lb->send(error), kInside, toward_real(error));
  }
}

TEST_P(IcmpError, TunnelCarriesItToTheReal) {
  serve(Method::kTunnel);
  for (const bool udp : {false, true}) {
    is_udp = udp;
    open();
    const auto error = from_outside(too_big(is_v6()), 1300);
    const uint16_t id = lb->worker().next_ip_id;
    expect_sent(lb->send(error), kInside,
                toward_real(a_packet()
                                .from(at("10.0.0.254"))
                                .to(real_address(udp))
                                .ipip(PacketBuilder(error).ttl(63))
                                .id(is_v6() ? 0 : id)));
  }
}

TEST_P(IcmpError, NatQuotesWhatTheRealSent) {
  serve(Method::kNat);
  for (const bool udp : {false, true}) {
    is_udp = udp;
    open();
    for (const size_t bytes : {SIZE_MAX, headers()}) {
      expect_sent(lb->send(from_outside(too_big(is_v6()), 1300, bytes)), kInside,
                  toward_real(icmp_error(too_big(is_v6()), quoted(reply_as_reals_see(40000), bytes), 1300)
                                  .from(at("192.0.2.1"))
                                  .to(real_address(udp))));
    }
  }
}

TEST_P(IcmpError, FullnatHidesTheClientsSideFromTheReal) {
  serve(Method::kFullnat);
  for (const bool udp : {false, true}) {
    is_udp = udp;
    const uint16_t local = open();
    for (const size_t bytes : {SIZE_MAX, headers()}) {
      expect_sent(lb->send(from_outside(unreachable(is_v6()), 0, bytes)), kInside,
                  toward_real(icmp_error(unreachable(is_v6()), quoted(reply_as_reals_see(local), bytes))
                                  .from(at("10.0.0.100"))
                                  .to(real_address(udp))));
    }
  }
}

TEST_P(IcmpError, NatTellsTheClientInTheVipsName) {
  serve(Method::kNat);
  for (const bool udp : {false, true}) {
    is_udp = udp;
    open();
    for (const size_t bytes : {SIZE_MAX, headers()}) {
      const auto error = icmp_error(too_big(is_v6()), quoted(request_as_reals_see(40000), bytes), 1300)
                             .from(at("10.0.0.99"))
                             .to(at("198.51.100.7"))
                             .to_mac(kInsideMac);
      expect_sent(lb->send(error, kInside), kOutside,
                  toward_client(icmp_error(too_big(is_v6()), quoted(request_as_clients_see(), bytes), 1300)));
    }
  }
}

TEST_P(IcmpError, FullnatTellsTheClientInTheVipsName) {
  serve(Method::kFullnat);
  for (const bool udp : {false, true}) {
    is_udp = udp;
    const uint16_t local = open();
    for (const size_t bytes : {SIZE_MAX, headers()}) {
      const auto error = icmp_error(time_exceeded(is_v6()), quoted(request_as_reals_see(local), bytes))
                             .from(real_address(udp))
                             .to(at("10.0.0.100"))
                             .to_mac(kInsideMac);
      expect_sent(lb->send(error, kInside), kOutside,
                  toward_client(icmp_error(time_exceeded(is_v6()), quoted(request_as_clients_see(), bytes))));
    }
  }
}

// TCP's checksum ends 18 bytes into the header: half of it quoted is none.
TEST_P(IcmpError, QuotesOfAnyLengthAreTranslatedAsFarAsTheyGo) {
  serve(Method::kNat);
  open();
  const size_t ip = is_v6() ? 40 : 20;
  const size_t whole = ip + 20 + 6;
  for (size_t bytes = ip + 8; bytes <= whole; ++bytes) {
    Bytes expected = quoted(reply_as_reals_see(40000), bytes);
    // As the router saw it, for what we cannot mend.
    if (bytes == ip + 17) expected[ip + 16] = quoted(reply_as_clients_see(), bytes)[ip + 16];
    expect_sent(lb->send(from_outside(unreachable(is_v6()), 0, bytes)), kInside,
                toward_real(icmp_error(unreachable(is_v6()), expected).from(at("192.0.2.1")).to(real_address(false))));
  }
}

TEST_P(IcmpError, QuotedOptionsAndExtensionHeadersAreSteppedOver) {
  serve(Method::kNat);
  open();
  const auto with_more = [](PacketBuilder packet) {
    return is_v6() ? packet.extension(kIpv6HopByHop).extension(kIpv6DestinationOptions, Bytes(9))
                   : packet.ip_options({7, 7, 4, 0, 0, 0, 0, 0});
  };
  const auto error = icmp_error(unreachable(is_v6()), quoted(with_more(reply_as_clients_see())))
                         .from(at("192.0.2.1"))
                         .to(at("203.0.113.10"));
  expect_sent(lb->send(error), kInside,
              toward_real(icmp_error(unreachable(is_v6()), quoted(with_more(reply_as_reals_see(40000))))
                              .from(at("192.0.2.1"))
                              .to(real_address(false))));
}

TEST_P(IcmpError, ItsOwnOptionsAndExtensionHeadersStay) {
  serve(Method::kNat);
  open();
  const auto with_more = [](PacketBuilder packet) {
    return is_v6() ? packet.extension(kIpv6HopByHop).extension(kIpv6DestinationOptions, Bytes(9))
                   : packet.ip_options({7, 7, 4, 0, 0, 0, 0, 0});
  };
  expect_sent(lb->send(with_more(from_outside(unreachable(is_v6())))), kInside,
              toward_real(with_more(icmp_error(unreachable(is_v6()), quoted(reply_as_reals_see(40000)))
                                        .from(at("192.0.2.1"))
                                        .to(real_address(false)))));
}

// ICMPv6's errors have no fragment header (RFC 4443 section 2.4 (c)).
TEST_P(IcmpErrorIpv4, FragmentOfAnErrorIsLinuxes) {
  serve(Method::kNat);
  open();
  EXPECT_EQ(lb->send(from_outside(unreachable(false)).fragment(0, true)).summary(), "kernel 0");
  EXPECT_EQ(lb->send(from_outside(unreachable(false)).fragment(8, false)).summary(), "kernel 0");
}

// IPv6's UDP has one.
TEST_P(IcmpErrorIpv4, UdpWithoutAChecksumStaysWithout) {
  serve(Method::kNat);
  is_udp = true;
  open();
  const auto quote = [](PacketBuilder reply) { return quoted(reply.no_udp_checksum()); };
  const auto error =
      icmp_error(unreachable(false), quote(reply_as_clients_see())).from(at("192.0.2.1")).to(at("203.0.113.10"));
  expect_sent(lb->send(error), kInside,
              toward_real(icmp_error(unreachable(false), quote(reply_as_reals_see(40000)))
                              .from(at("192.0.2.1"))
                              .to(real_address(true))));
}

TEST_P(IcmpError, ComesInTwoBuffersAsInOne) {
  serve(Method::kNat);
  open();
  const Bytes frame = from_outside(unreachable(is_v6())).bytes();
  expect_sent(lb->send_mbufs({in_two_buffers(frame, frame.size() - 10)}), kInside,
              toward_real(icmp_error(unreachable(is_v6()), quoted(reply_as_reals_see(40000)))
                              .from(at("192.0.2.1"))
                              .to(real_address(false))));
}

TEST_P(IcmpError, CountsForTheRealAndChangesNothingElse) {
  serve(Method::kNat);
  open();
  const auto before = *lb->copy_of(request());
  lb->advance(100);
  lb->send(from_outside(unreachable(is_v6())));
  const auto after = *lb->copy_of(request());
  EXPECT_EQ(after.in_packets, before.in_packets + 1);
  EXPECT_EQ(after.state, before.state);
  EXPECT_EQ(after.expires_in_ms, before.expires_in_ms - 100);
  EXPECT_EQ(lb->counters(reals[0]).in_packets.read(), 2u);
  lb->send(icmp_error(unreachable(is_v6()), quoted(request_as_reals_see(40000)))
               .from(at("10.0.0.99"))
               .to(at("198.51.100.7"))
               .to_mac(kInsideMac),
           kInside);
  EXPECT_EQ(lb->copy_of(request())->out_packets, before.out_packets + 1);
  EXPECT_EQ(lb->counters(reals[0]).out_packets.read(), 1u);
}

TEST_P(IcmpError, WrongChecksumIsACountedDrop) {
  for (const Method method : {Method::kDirect, Method::kFullnat}) {
    serve(method);
    open();
    const auto spoil = [](Bytes& frame) { frame.back() ^= 1; };
    EXPECT_EQ(lb->send(from_outside(unreachable(is_v6())).then(spoil)).summary(), "dropped bad_icmp_checksum");
  }
}

TEST_P(IcmpError, AboutNoConnectionOfAServiceIsACountedDrop) {
  serve(Method::kNat);
  EXPECT_EQ(lb->send(from_outside(unreachable(is_v6()))).summary(), "dropped icmp_no_connection");
  EXPECT_EQ(lb->connections(GetParam()), 0u) << "errors open no connection";
  open();
  lb->worker().now += 1'000'000;  // no walk has ended it yet
  EXPECT_EQ(lb->send(from_outside(unreachable(is_v6()))).summary(), "dropped icmp_no_connection") << "it is over";
}

TEST_P(IcmpError, AboutLinuxesOwnPacketsIsLinuxes) {
  serve(Method::kNat);
  // From the VIP, but no service's port; from our own address; a ping.
  const auto to = [&](const PacketBuilder& sent, const char* receiver) {
    return lb->send(icmp_error(unreachable(is_v6()), quoted(sent)).from(at("192.0.2.1")).to(at(receiver))).summary();
  };
  EXPECT_EQ(to(a_packet().from(at("203.0.113.10"), 179).to(at("192.0.2.9"), 40000).tcp(kTcpAck), "203.0.113.10"),
            "kernel 0");
  EXPECT_EQ(to(a_packet().from(at("198.18.0.10"), 40000).to(at("10.0.0.1"), 8080).tcp(kTcpAck), "198.18.0.10"),
            "kernel 0");
  EXPECT_EQ(to(a_packet().from(at("203.0.113.10")).to(at("192.0.2.9")).icmp(is_v6() ? 128 : 8, 0, 1), "203.0.113.10"),
            "kernel 0");
}

TEST_P(IcmpError, PingsAndRedirectsAreLinuxes) {
  serve(Method::kDirect);
  open();
  const auto ping = a_packet().from(at("198.51.100.7")).to(at("203.0.113.10")).icmp(is_v6() ? 128 : 8, 0, 1);
  EXPECT_EQ(lb->send(ping).summary(), "kernel 0");
  const ErrorKind redirect = is_v6() ? ErrorKind{137, 0} : ErrorKind{5, 1};
  EXPECT_EQ(lb->send(from_outside(redirect)).summary(), "kernel 0");
}

TEST_P(IcmpError, ThatDoesNotGoToTheQuotedPacketsSenderIsACountedDrop) {
  serve(Method::kNat);
  open();
  EXPECT_EQ(lb->send(from_outside(unreachable(is_v6())).to(at("198.18.0.10"))).summary(), "dropped bad_icmp_error");
}

TEST_P(IcmpError, TruncatedAndImpossibleQuotesAreCountedDrops) {
  serve(Method::kNat);
  open();
  for (size_t bytes = 0; bytes < headers(); ++bytes) {
    EXPECT_EQ(lb->send(from_outside(unreachable(is_v6()), 0, bytes)).summary(), "dropped bad_icmp_error") << bytes;
  }
  const auto of = [&](const PacketBuilder& sent, const std::function<void(Bytes&)>& spoil) {
    Bytes quote = quoted(sent);
    spoil(quote);
    return lb->send(icmp_error(unreachable(is_v6()), quote).from(at("192.0.2.1")).to(at("203.0.113.10"))).summary();
  };
  EXPECT_EQ(of(reply_as_clients_see(), [](Bytes& quote) { quote[0] ^= 0x20; }), "dropped bad_icmp_error")
      << "another version";
  if (is_v6()) {
    EXPECT_EQ(of(PacketBuilder(reply_as_clients_see()).extension(kIpv6Routing), [](Bytes& quote) { quote[41] = 255; }),
              "dropped bad_icmp_error");
    EXPECT_EQ(of(PacketBuilder(reply_as_clients_see()).extension(kIpv6Fragment, {1, 0x08}), [](Bytes&) {}),
              "dropped bad_icmp_error")
        << "a later fragment has no ports";
  } else {
    EXPECT_EQ(of(reply_as_clients_see(), [](Bytes& quote) { quote[0] = 0x44; }), "dropped bad_icmp_error");
    EXPECT_EQ(of(reply_as_clients_see(), [](Bytes& quote) { quote[0] = 0x4f; }), "dropped bad_icmp_error");
    EXPECT_EQ(of(PacketBuilder(reply_as_clients_see()).fragment(1480, false), [](Bytes&) {}), "dropped bad_icmp_error");
  }
}

TEST_P(IcmpError, MtuThatNoPathHasIsACountedDrop) {
  const uint32_t least = is_v6() ? 1280 : 576;
  for (const Method method : {Method::kDirect, Method::kTunnel, Method::kNat, Method::kFullnat}) {
    serve(method);
    open();
    for (const uint32_t mtu : {0u, 1u, 68u, least - 1}) {
      EXPECT_EQ(lb->send(from_outside(too_big(is_v6()), mtu)).summary(), "dropped impossible_mtu") << mtu;
    }
    EXPECT_EQ(lb->send(from_outside(too_big(is_v6()), least)).summary(), "sent 1");
  }
}

TEST_P(IcmpError, NoErrorIsSentAboutAnError) {
  serve(Method::kNat);
  open();
  EXPECT_EQ(lb->send(from_outside(unreachable(is_v6())).ttl(1)).summary(), "dropped ttl_expired");
  lb->hop_of(reals[0]).mtu = 70;
  lb->publish();
  EXPECT_EQ(lb->send(from_outside(unreachable(is_v6()))).summary(), "dropped too_big");
  EXPECT_EQ(lb->worker().counters.answers.read(), 0u);
}

TEST_P(IcmpError, WaitsForAnUnresolvedRealAndGoesOn) {
  serve(Method::kNat);
  open();
  lb->unresolve(reals[0]);
  lb->publish();
  EXPECT_EQ(lb->send(from_outside(unreachable(is_v6()))).summary(), "waits");
  lb->resolve(reals[0]);
  lb->publish();
  EXPECT_EQ(lb->advance(1).summary(), "sent 1");
}

TEST_P(IcmpError, OfAFlowWithoutConnectionGoesWhereItsPacketsGo) {
  WorkerFixture small(1, 1);
  const ServiceId service =
      small.add_service(Protocol::kUdp, at("203.0.113.10"), 80, Method::kDirect, SchedulerKind::kMh);
  for (const char* real : {"10.0.0.1", "10.0.0.2", "10.0.0.3"}) small.add_real(service, at(real), 80);
  small.publish();
  is_udp = true;
  small.send(a_packet().from(at("198.51.100.99"), 1).to(at("203.0.113.10"), 80).udp());  // fills the table
  const Outcome went = small.send(request());
  ASSERT_EQ(went.summary(), "sent 1");
  ASSERT_FALSE(small.copy_of(request()));
  const Outcome error = small.send(from_outside(unreachable(is_v6())));
  ASSERT_EQ(error.summary(), "sent 1");
  EXPECT_TRUE(std::equal(error.sent[0].bytes.begin(), error.sent[0].bytes.begin() + 6, went.sent[0].bytes.begin()))
      << "another real's MAC address";
}

TEST_P(IcmpError, ForgedOnesDoNotFloodLinux) {
  serve(Method::kFullnat);
  const auto error = icmp_error(unreachable(is_v6()), quoted(request_as_reals_see(5000)))
                         .from(at("10.0.0.99"))
                         .to(at("10.0.0.100"))
                         .to_mac(kInsideMac);
  int to_kernel = 0;
  for (int i = 0; i < 200; ++i) to_kernel += static_cast<int>(lb->send(error, kInside).to_kernel.size());
  EXPECT_EQ(to_kernel, 50);
  EXPECT_EQ(lb->drops(DropReason::kIcmpNoConnection), 150u);
}

// Whatever a hostile sender quotes, nothing breaks, and what is sent on has a right checksum of its own.
TEST_P(IcmpError, QuotesOfAnyBytesAreSurvived) {
  std::minstd_rand random(7);
  uint64_t sent = 0;
  for (const Method method : {Method::kTunnel, Method::kNat, Method::kFullnat}) {
    serve(method);
    const uint16_t local = open();
    for (int i = 0; i < 3000; ++i) {
      const bool outside = random() % 2 == 0;
      Bytes quote = quoted(outside ? reply_as_clients_see() : request_as_reals_see(local));
      for (uint32_t changes = random() % 4; changes > 0; --changes) {
        quote[random() % quote.size()] = static_cast<uint8_t>(random());
      }
      quote.resize(random() % 3 == 0 ? random() % (quote.size() + 1) : quote.size());
      const ErrorKind kind{static_cast<uint8_t>(random() % 13), static_cast<uint8_t>(random() % 6)};
      auto error = icmp_error(kind, quote, random()).from(at("192.0.2.1")).to(at("203.0.113.10"));
      if (!outside) error.to(local == 40000 ? at("198.51.100.7") : at("10.0.0.100"), local).to_mac(kInsideMac);
      const Outcome outcome = lb->send(error, outside ? kOutside : kInside);
      for (const auto& frame : outcome.sent) {
        const std::string wrong = checksum_errors(frame.bytes);
        EXPECT_TRUE(wrong.empty() || wrong.find("quoted") != std::string::npos) << wrong;
        ++sent;
      }
      EXPECT_EQ(outcome.sent.size() + outcome.to_kernel.size() + outcome.dropped.size(), 1u);
    }
  }
  EXPECT_GT(sent, 500u);
}

INSTANTIATE_TEST_SUITE_P(Families, IcmpError, kBothFamilies, family_name);
INSTANTIATE_TEST_SUITE_P(Families, IcmpErrorIpv4, testing::Values(AddressFamily::kIpv4), family_name);

}  // namespace
}  // namespace shunt::dataplane
