// SCTP through every forwarding method: what opens an association's connection, what follows it, what its bytes become.
#include <gmock/gmock.h>

#include <algorithm>
#include <memory>

#include "tests/dataplane/buffers.h"
#include "tests/support/eal.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

// Chunk types, RFC 9260 section 3.2.
constexpr uint8_t kData = 0;
constexpr uint8_t kInit = 1;
constexpr uint8_t kInitAck = 2;
constexpr uint8_t kSack = 3;
constexpr uint8_t kHeartbeat = 4;
constexpr uint8_t kAbort = 6;
constexpr uint8_t kShutdown = 7;
constexpr uint8_t kShutdownAck = 8;
constexpr uint8_t kError = 9;
constexpr uint8_t kCookieEcho = 10;
constexpr uint8_t kCookieAck = 11;
constexpr uint8_t kShutdownComplete = 14;

Bytes counting(size_t bytes) {
  Bytes value(bytes);
  for (size_t i = 0; i < bytes; ++i) value[i] = static_cast<uint8_t>(i);
  return value;
}

class Sctp : public InBothFamilies {
 protected:
  void serve_by(Method method) {
    lb = std::make_unique<WorkerFixture>();
    service = lb->add_service(Protocol::kSctp, at("203.0.113.10"), 36412, method);
    const bool keeps_port = method == Method::kDirect || method == Method::kTunnel;
    real_port = keeps_port ? 36412 : 3868;
    real = lb->add_real(service, at("10.0.0.1"), real_port);
    if (method == Method::kFullnat) lb->add_local_address(service, at("10.0.1.250"));
    lb->publish();
  }
  static PacketBuilder client(uint16_t port = 40000) {
    return a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 36412);
  }
  PacketBuilder from_real(uint16_t port = 40000) const {
    return a_packet().from(at("10.0.0.1"), real_port).to(at("198.51.100.7"), port).to_mac(kInsideMac);
  }
  // The state after a request, and after a reply, with one chunk.
  ConnectionState request(uint8_t chunk) {
    EXPECT_EQ(lb->send(client().sctp(chunk, counting(16))).summary(), "sent 1");
    return lb->copy_of(client().sctp(kInit))->state;
  }
  ConnectionState reply(uint8_t chunk) {
    EXPECT_EQ(lb->send(from_real().sctp(chunk, counting(16)), kInside).summary(), "sent 0");
    return lb->copy_of(client().sctp(kInit))->state;
  }
  uint32_t connections() const { return lb->connections(GetParam()); }

  std::unique_ptr<WorkerFixture> lb;
  ServiceId service;
  RealId real;
  uint16_t real_port = 0;
};

TEST_P(Sctp, AnAssociationIsFollowedFromInitToClosed) {
  serve_by(Method::kNat);
  using enum ConnectionState;
  EXPECT_EQ(request(kInit), kSctpInit1);
  EXPECT_EQ(lb->counters(real).inactive.load(), 1u) << "inactive until established, as IPVS counts";
  EXPECT_EQ(lb->copy_of(client().sctp(kInit))->expires_in_ms, 4000);
  EXPECT_EQ(request(kInit), kSctpInit);
  EXPECT_EQ(lb->copy_of(client().sctp(kInit))->expires_in_ms, 61000);
  EXPECT_EQ(reply(kInitAck), kSctpCookieSent);
  EXPECT_EQ(request(kCookieEcho), kSctpCookieReplied);
  EXPECT_EQ(reply(kCookieAck), kSctpEstablished);
  EXPECT_EQ(lb->copy_of(client().sctp(kInit))->expires_in_ms, 900000);
  EXPECT_EQ(lb->counters(real).active.load(), 1u);
  for (const uint8_t chunk : {kData, kSack, kHeartbeat, uint8_t{0xc0}}) {
    EXPECT_EQ(request(chunk), kSctpEstablished);
    EXPECT_EQ(reply(chunk), kSctpEstablished);
  }
  EXPECT_EQ(request(kShutdown), kSctpShutdownReceived);
  EXPECT_EQ(lb->counters(real).inactive.load(), 1u);
  EXPECT_EQ(reply(kShutdownAck), kSctpShutdownAckSent);
  EXPECT_EQ(request(kShutdownComplete), kSctpClosed);
  EXPECT_EQ(lb->counters(real).connections.read(), 1u);
  lb->advance(61001);
  EXPECT_EQ(connections(), 0u);
}

TEST_P(Sctp, WhereRepliesPassByTheClientsPacketsAloneTell) {
  for (const Method method : {Method::kDirect, Method::kTunnel}) {
    serve_by(method);
    using enum ConnectionState;
    EXPECT_EQ(request(kInit), kSctpInit1);
    EXPECT_EQ(request(kCookieEcho), kSctpEstablished);
    EXPECT_EQ(request(kShutdown), kSctpShutdownReceived);
    EXPECT_EQ(request(kShutdownComplete), kSctpClosed);
  }
}

TEST_P(Sctp, OnlyInitOpensAConnection) {
  for (const Method method : {Method::kDirect, Method::kTunnel, Method::kNat, Method::kFullnat}) {
    serve_by(method);
    for (int chunk = 0; chunk < 256; ++chunk) {
      if (chunk == kInit) continue;
      EXPECT_EQ(lb->send(client().sctp(static_cast<uint8_t>(chunk))).summary(), "dropped not_schedulable") << chunk;
    }
    EXPECT_EQ(connections(), 0u);
    EXPECT_EQ(lb->send(client().sctp(kInit)).summary(), "sent 1");
  }
}

TEST_P(Sctp, WhereSloppyAllButAbortOpensOne) {
  serve_by(Method::kNat);
  lb->set_sloppy_sctp(service);
  lb->publish();
  EXPECT_EQ(lb->send(client(1).sctp(kAbort)).summary(), "dropped not_schedulable");
  EXPECT_EQ(lb->send(client(1).sctp(kCookieAck).chunk(kAbort)).summary(), "dropped not_schedulable");
  EXPECT_EQ(lb->send(client(1).sctp(kData)).summary(), "sent 1");
  EXPECT_EQ(lb->copy_of(client(1).sctp(kData))->state, ConnectionState::kSctpEstablished);
  EXPECT_EQ(lb->send(client(2).sctp(kError)).summary(), "sent 1");
  EXPECT_EQ(lb->copy_of(client(2).sctp(kData))->state, ConnectionState::kSctpClosed);
}

TEST_P(Sctp, InitOnAClosedAssociationBeginsAnewUnlessReuseIsOff) {
  for (const uint8_t mode : {0, 1}) {
    serve_by(Method::kNat);
    lb->sysctls().conn_reuse_mode = mode;
    lb->publish();
    request(kInit);
    ASSERT_EQ(request(kAbort), ConnectionState::kSctpClosed);
    EXPECT_EQ(request(kInit), mode == 0 ? ConnectionState::kSctpInit : ConnectionState::kSctpInit1);
    EXPECT_EQ(lb->counters(real).connections.read(), 1u + mode);
  }
}

// ip_vs_proto_sctp.c set_sctp_state: an ABORT is looked for behind the cookies alone.
TEST_P(Sctp, AnAbortBehindACookieCountsAndNoOther) {
  serve_by(Method::kNat);
  request(kInit);
  lb->send(client().sctp(kCookieEcho, counting(17)).chunk(kAbort));
  EXPECT_EQ(lb->copy_of(client().sctp(kInit))->state, ConnectionState::kSctpClosed);
  request(kInit);
  lb->send(client().sctp(kCookieAck).chunk(kAbort));
  EXPECT_EQ(lb->copy_of(client().sctp(kInit))->state, ConnectionState::kSctpClosed);
  request(kInit);
  lb->send(client().sctp(kSack, counting(12)).chunk(kAbort));
  EXPECT_EQ(lb->copy_of(client().sctp(kInit))->state, ConnectionState::kSctpInit1);
  lb->send(client().sctp(kCookieEcho, counting(8)).chunk(kData, counting(12)));
  EXPECT_EQ(lb->copy_of(client().sctp(kInit))->state, ConnectionState::kSctpInit);
}

TEST_P(Sctp, ARejectedInitIsForgottenSoon) {
  serve_by(Method::kNat);
  request(kInit);
  EXPECT_EQ(reply(kAbort), ConnectionState::kSctpRejected);
  EXPECT_EQ(lb->copy_of(client().sctp(kInit))->expires_in_ms, 4000);
}

TEST_P(Sctp, RequestsAndRepliesOfNatHaveRightChecksumsAtEveryLength) {
  serve_by(Method::kNat);
  lb->send(client().sctp(kInit));
  for (size_t bytes = 0; bytes < 70; ++bytes) {
    const auto chunks = [&](PacketBuilder packet) {
      return packet.sctp(kData, counting(bytes)).chunk(kSack, counting(12));
    };
    expect_sent(lb->send(chunks(client())), kInside,
                chunks(a_packet().from(at("198.51.100.7"), 40000).to(at("10.0.0.1"), 3868))
                    .ttl(63)
                    .from_mac(kInsideMac)
                    .to_mac(real_mac(real)));
    expect_sent(lb->send(chunks(from_real()), kInside), kOutside,
                chunks(a_packet().from(at("203.0.113.10"), 36412).to(at("198.51.100.7"), 40000))
                    .ttl(63)
                    .from_mac(kOutsideMac)
                    .to_mac(kGatewayMac));
  }
}

TEST_P(Sctp, OptionsAndPaddingAreNoPartOfTheSum) {
  serve_by(Method::kNat);
  lb->send(client().sctp(kInit));
  auto request = client().sctp(kData, counting(5));
  if (is_v6()) request.extension(kIpv6HopByHop).extension(kIpv6DestinationOptions, Bytes(20, 0));
  else request.ip_options({7, 7, 4, 0, 0, 0, 0});
  const size_t whole = request.bytes().size();
  const auto padded = [](PacketBuilder packet, size_t bytes) {
    return packet.padded_to(bytes).then([bytes](Bytes& frame) { frame[bytes - 1] = 0xee; });
  };
  for (const auto& packet : {request, padded(request, whole + 7)}) {
    const Outcome outcome = lb->send(packet);
    ASSERT_EQ(outcome.summary(), "sent 1");
    EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "") << describe(outcome.sent[0].bytes);
  }
}

TEST_P(Sctp, FullnatChangesBothPortsAndBack) {
  serve_by(Method::kFullnat);
  lb->send(client().sctp(kInit, counting(16)));
  const auto connection = lb->copy_of(client().sctp(kInit));
  ASSERT_TRUE(connection);
  const uint16_t local_port = connection->reply.destination_port.host();
  EXPECT_GE(local_port, 1024);
  const Bytes data = counting(1300);
  expect_sent(lb->send(client().sctp(kData, data)), kInside,
              a_packet()
                  .from(at("10.0.1.250"), local_port)
                  .to(at("10.0.0.1"), 3868)
                  .sctp(kData, data)
                  .ttl(63)
                  .from_mac(kInsideMac)
                  .to_mac(real_mac(real)));
  const auto reply = a_packet().from(at("10.0.0.1"), 3868).to(at("10.0.1.250"), local_port).to_mac(kInsideMac);
  expect_sent(
      lb->send(PacketBuilder(reply).sctp(kData, data), kInside), kOutside,
      a_packet()
          .from(at("203.0.113.10"), 36412)
          .to(at("198.51.100.7"), 40000)
          .sctp(kData, data)
          .ttl(63)
          .from_mac(kOutsideMac)
          .to_mac(kGatewayMac));
}

TEST_P(Sctp, DirectAndTunnelLeaveThePacketAsItIs) {
  serve_by(Method::kDirect);
  expect_sent(lb->send(client().sctp(kInit, counting(16))), kInside,
              client().sctp(kInit, counting(16)).ttl(63).from_mac(kInsideMac).to_mac(real_mac(real)));
  serve_by(Method::kTunnel);
  const Outcome outcome = lb->send(client().sctp(kInit, counting(16)));
  ASSERT_EQ(outcome.summary(), "sent 1");
  EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
  const Bytes inner = client().sctp(kInit, counting(16)).ttl(63).ip_bytes();
  const Bytes& sent = outcome.sent[0].bytes;
  EXPECT_TRUE(std::equal(inner.rbegin(), inner.rend(), sent.rbegin())) << describe(sent);
}

// What the sender or the way spoiled stays visible to the receiver.
TEST_P(Sctp, AWrongChecksumStaysWrong) {
  serve_by(Method::kNat);
  lb->send(client().sctp(kInit));
  const size_t sum = l4_place() + 9;
  const Outcome outcome =
      lb->send(client().sctp(kData, counting(100)).then([sum](Bytes& frame) { frame[sum] ^= 0x40; }));
  ASSERT_EQ(outcome.summary(), "sent 1");
  EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "SCTP checksum wrong");
}

TEST_P(Sctp, APacketInSeveralBuffersIsRewrittenAsOneInOne) {
  serve_by(Method::kNat);
  lb->send(client().sctp(kInit));
  const auto data = [](PacketBuilder packet) {
    return packet.sctp(kCookieEcho, counting(50)).chunk(kData, counting(900));
  };
  const Bytes frame = data(client()).bytes();
  for (const size_t first : {l4_place() + 16, l4_place() + 17, l4_place() + 64, l4_place() + 69}) {
    expect_sent(lb->send_mbufs({in_two_buffers(frame, first)}), kInside,
                data(a_packet().from(at("198.51.100.7"), 40000).to(at("10.0.0.1"), 3868))
                    .ttl(63)
                    .from_mac(kInsideMac)
                    .to_mac(real_mac(real)));
  }
  // The chunk behind a cookie, across two buffers.
  const Bytes aborted = client().sctp(kCookieEcho, counting(50)).chunk(kAbort).bytes();
  const size_t second_chunk = l4_place() + 12 + 56;
  ASSERT_EQ(aborted[second_chunk], kAbort);
  EXPECT_EQ(lb->send_mbufs({in_two_buffers(aborted, second_chunk + 2)}).summary(), "sent 1");
  EXPECT_EQ(lb->copy_of(client().sctp(kInit))->state, ConnectionState::kSctpClosed);
}

TEST_P(Sctp, GarbageIsACountedDrop) {
  serve_by(Method::kNat);
  lb->send(client().sctp(kInit));
  const size_t chunk = l4_place() + 12;
  const auto with_length = [&](uint16_t length) {
    return client().sctp(kData, counting(16)).then([chunk, length](Bytes& frame) {
      frame[chunk + 2] = static_cast<uint8_t>(length >> 8);
      frame[chunk + 3] = static_cast<uint8_t>(length);
    });
  };
  for (const int length : {0, 1, 2, 3, 21, 24, 1000, 65535}) {
    EXPECT_EQ(lb->send(with_length(static_cast<uint16_t>(length))).summary(), "dropped bad_l4_header") << length;
  }
  for (const int length : {4, 5, 19, 20}) {
    EXPECT_EQ(lb->send(with_length(static_cast<uint16_t>(length))).summary(), "sent 1") << length;
  }
  // Behind a cookie.
  for (const int length : {0, 3, 9}) {
    const size_t second = chunk + 4;
    const auto packet = client().sctp(kCookieAck).chunk(kData, counting(4)).then([=](Bytes& frame) {
      frame[second + 3] = static_cast<uint8_t>(length);
    });
    EXPECT_EQ(lb->send(packet).summary(), "dropped bad_l4_header") << length;
  }
  // No chunk at all, and less than the common header.
  for (size_t bytes = 0; bytes < 16; ++bytes) {
    EXPECT_EQ(lb->send(client().protocol(132).payload_of(bytes)).summary(), "dropped bad_l4_header") << bytes;
  }
}

TEST_P(Sctp, HeaderAcrossBuffersIsTruncated) {
  serve_by(Method::kNat);
  const Bytes frame = client().sctp(kInit, counting(16)).bytes();
  EXPECT_EQ(lb->send_mbufs({in_two_buffers(frame, l4_place() + 15)}).summary(), "dropped truncated");
}

TEST_P(Sctp, OfNoServiceGoesToLinux) {
  serve_by(Method::kNat);
  EXPECT_EQ(lb->send(client().to(at("203.0.113.10"), 36413).sctp(kInit)).summary(), "kernel 0");
}

TEST_P(Sctp, HalfOpenGivesWayWhereTheTableIsFullEstablishedDoesNot) {
  lb = std::make_unique<WorkerFixture>(1, 4);
  service = lb->add_service(Protocol::kSctp, at("203.0.113.10"), 36412, Method::kDirect);
  real = lb->add_real(service, at("10.0.0.1"), 36412);
  lb->publish();
  for (uint16_t port = 1; port <= 4; ++port) lb->send(client(port).sctp(kInit));
  for (uint16_t port = 1; port <= 3; ++port) lb->send(client(port).sctp(kCookieEcho));
  lb->advance(1500);
  EXPECT_EQ(lb->send(client(5).sctp(kInit)).summary(), "sent 1");
  EXPECT_FALSE(lb->copy_of(client(4).sctp(kInit)));
  for (uint16_t port = 1; port <= 3; ++port) EXPECT_TRUE(lb->copy_of(client(port).sctp(kInit))) << port;
}

INSTANTIATE_TEST_SUITE_P(Families, Sctp, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
