#include "dataplane/client_address/toa.h"

#include "dataplane/answer.h"
#include "tests/dataplane/answers.h"
#include "tests/dataplane/client_address/rig.h"
#include "tests/dataplane/icmp/errors.h"
#include "tests/support/fragmentation.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class ToaTest : public ClientAddressRig {
 protected:
  void serve_toa(uint8_t kind = 254) { serve(Protocol::kTcp, {ClientAddressKind::kToa, kind}); }
  static uint16_t bytes() { return is_v6() ? 20 : 8; }
  static PacketBuilder with(PacketBuilder packet, const Bytes& options) { return packet.tcp_options(options); }
  static PacketBuilder handshake_end(PacketBuilder packet) { return packet.tcp(kTcpAck, kFirst, kRealBegins + 1); }
  static PacketBuilder request(PacketBuilder packet, uint32_t at = 0) {
    return packet.tcp(kTcpAck | kTcpPsh, kFirst + at, kRealBegins + 1).payload("GET / HTTP/1.0");
  }
};

TEST_P(ToaTest, SynGoesAsItCame) {
  serve_toa();
  const auto options = joined({size_option(1460), {4, 2}, {8, 10, 1, 2, 3, 4, 0, 0, 0, 0}});
  const Outcome outcome = send(with(syn(), options));
  learn_local();
  expect_sent(outcome, kInside, with(to_real().tcp(kTcpSyn, kClientBegins), options));
}

TEST_P(ToaTest, HandshakesEndTellsTheRealInFrontOfOtherOptions) {
  serve_toa();
  for (const uint8_t kind : {uint8_t{254}, uint8_t{252}, uint8_t{200}}) {
    SCOPED_TRACE(int{kind});
    lb.service(service).client_address.toa_option = kind;
    lb.publish();
    lb.advance(3600'000);  // the connection before is over
    shake_hands();
    expect_sent(send(handshake_end(client())), kInside, with(handshake_end(to_real()), toa(kind)));
    expect_sent(send(with(handshake_end(client()), stamps())), kInside,
                with(handshake_end(to_real()), joined({toa(kind), stamps()})));
  }
}

TEST_P(ToaTest, EverySegmentTellsUntilTheRealHasHeard) {
  serve_toa();
  shake_hands();
  const auto to_be_seen = with(request(to_real()), joined({toa(), stamps()}));
  expect_sent(send(handshake_end(client())), kInside, with(handshake_end(to_real()), toa()));
  expect_sent(send(with(request(client()), stamps())), kInside, to_be_seen);
  // It came to the real before the handshake's end did, which was lost: an acknowledgement of nothing new is none.
  expect_sent(answer(from_real().tcp(kTcpAck, kRealBegins + 1, kFirst)), kOutside,
              to_client().tcp(kTcpAck, kRealBegins + 1, kFirst));
  expect_sent(answer(syn_ack()), kOutside, to_client().tcp(kTcpSyn | kTcpAck, kRealBegins, kFirst));
  expect_sent(send(with(request(client()), stamps())), kInside, to_be_seen);
  expect_sent(answer(from_real().tcp(kTcpAck, kRealBegins + 1, kFirst + 14)), kOutside,
              to_client().tcp(kTcpAck, kRealBegins + 1, kFirst + 14));
  EXPECT_EQ(carried(), 0);
  expect_sent(send(with(request(client(), 14), stamps())), kInside, with(request(to_real(), 14), stamps()));
  expect_sent(answer(from_real().tcp(kTcpAck, kRealBegins + 1, kFirst + 28).payload("hello")), kOutside,
              to_client().tcp(kTcpAck, kRealBegins + 1, kFirst + 28).payload("hello"));
  EXPECT_EQ(uncarried(), 0u);
}

TEST_P(ToaTest, RealThatSpeaksFirstHasHeard) {
  serve_toa();
  shake_hands();
  send(handshake_end(client()));
  EXPECT_NE(carried(), 0);
  expect_sent(answer(from_real().tcp(kTcpAck, kRealBegins + 1, kFirst).payload("220 ready")), kOutside,
              to_client().tcp(kTcpAck, kRealBegins + 1, kFirst).payload("220 ready"));
  EXPECT_EQ(carried(), 0);
  expect_sent(send(request(client())), kInside, request(to_real()));
}

TEST_P(ToaTest, RealThatHangsUpFirstHasHeard) {
  serve_toa();
  shake_hands();
  send(handshake_end(client()));
  expect_sent(answer(from_real().tcp(kTcpAck | kTcpFin, kRealBegins + 1, kFirst)), kOutside,
              to_client().tcp(kTcpAck | kTcpFin, kRealBegins + 1, kFirst));
  EXPECT_EQ(carried(), 0);
}

TEST_P(ToaTest, ClientThatHangsUpAtOnceIsToldOf) {
  serve_toa();
  shake_hands();
  const auto fin = [](PacketBuilder packet) {
    return packet.tcp(kTcpAck | kTcpFin, kFirst, kRealBegins + 1).payload("bye");
  };
  expect_sent(send(fin(client())), kInside, with(fin(to_real()), toa()));
}

TEST_P(ToaTest, ResetsTellNothing) {
  serve_toa();
  shake_hands();
  expect_sent(send(client().tcp(kTcpRst | kTcpAck, kFirst, kRealBegins + 1)), kInside,
              to_real().tcp(kTcpRst | kTcpAck, kFirst, kRealBegins + 1));
}

TEST_P(ToaTest, FullHeaderGoesWithoutAndIsCounted) {
  serve_toa();
  shake_hands();
  const size_t most = 40 - bytes();
  expect_sent(send(with(request(client()), no_operations(most))), kInside,
              with(request(to_real()), joined({toa(), no_operations(most)})));
  EXPECT_EQ(uncarried(), 0u);
  for (const size_t more : {most + 4, size_t{40}}) {
    expect_sent(send(with(request(client()), no_operations(more))), kInside,
                with(request(to_real()), no_operations(more)));
  }
  EXPECT_EQ(uncarried(), 2u);
}

TEST_P(ToaTest, WhatClientsForgeIsBlanked) {
  serve_toa();
  const Bytes forged = {254, 8, 0, 80, 192, 0, 2, 1};
  const Bytes forged6 = joined({{254, 20}, Bytes(18, 9)});
  const Outcome outcome = send(with(syn(), joined({size_option(1460), forged})));
  learn_local();
  expect_sent(outcome, kInside,
              with(to_real().tcp(kTcpSyn, kClientBegins), joined({size_option(1460), no_operations(8)})));
  answer(syn_ack());
  // Where there is room for the truth, and where there is none.
  expect_sent(send(with(handshake_end(client()), joined({{1}, forged, {1, 1, 1}}))), kInside,
              with(handshake_end(to_real()), joined({toa(), no_operations(12)})));
  expect_sent(send(with(request(client()), joined({{8, 10, 1, 2, 3, 4, 5, 6, 7, 8}, {254, 2}, forged6, forged}))),
              kInside, with(request(to_real()), joined({{8, 10, 1, 2, 3, 4, 5, 6, 7, 8}, no_operations(30)})));
  EXPECT_EQ(uncarried(), 1u);
}

TEST_P(ToaTest, MalformedOptionsAreNotTouched) {
  serve_toa();
  shake_hands();
  const std::vector<Bytes> odd = {
      {0, 254, 8, 0, 80, 192, 0, 2, 1, 0, 0, 0},  // behind the end
      {5, 0, 254, 2}, {5, 1, 254, 2}, {5, 200, 254, 2}, {1, 1, 1, 254}, {1, 1, 254, 200}, {254, 1, 1, 1},
  };
  for (const Bytes& options : odd) {
    SCOPED_TRACE(testing::PrintToString(options));
    expect_sent(send(with(request(client()), options)), kInside, with(request(to_real()), joined({toa(), options})));
  }
}

TEST_P(ToaTest, HeaderThatSaysMoreThanThereIsIsDropped) {
  serve_toa();
  shake_hands();
  const auto place = l4_place() + 12;
  const auto longer = handshake_end(client()).then([place](Bytes& frame) { frame[place] = 0xf0; });
  EXPECT_EQ(send(longer).summary(), "dropped bad_l4_header");
  const auto shorter = handshake_end(client()).then([place](Bytes& frame) { frame[place] = 0x40; });
  EXPECT_EQ(send(shorter).summary(), "dropped bad_l4_header");
}

TEST_P(ToaTest, BrokenChecksumStaysBroken) {
  serve_toa();
  shake_hands();
  const auto place = l4_place() + 16;
  const Outcome outcome = send(request(client()).then([place](Bytes& frame) { frame[place] ^= 0x55; }));
  ASSERT_EQ(outcome.summary(), "sent 1");
  EXPECT_NE(checksum_errors(outcome.sent[0].bytes), "");
}

TEST_P(ToaTest, SizeOfSegmentsLeavesRoom) {
  serve_toa();
  open(syn());
  const auto told = [&](uint16_t by_real) {
    const Outcome outcome = answer(with(syn_ack(), joined({{1}, size_option(by_real), {1, 1, 1}})));
    EXPECT_EQ(checksum_errors(outcome.sent.at(0).bytes), "");
    const Bytes& frame = outcome.sent.at(0).bytes;
    const size_t value = l4_place() + 20 + 3;
    return frame.at(value) << 8 | frame.at(value + 1);
  };
  EXPECT_EQ(told(1400), 1400 - bytes());
  EXPECT_EQ(told(8960), 1500 - bytes() - (is_v6() ? 60 : 40));  // the way's 1500
  EXPECT_EQ(told(4), 0);
}

TEST_P(ToaTest, LargestPacketFitsWithTheOption) {
  serve_toa();
  shake_hands();
  const size_t headers = is_v6() ? 60 : 40;
  const auto sized = [&](PacketBuilder packet, size_t ip_bytes) {
    return packet.tcp(kTcpAck, kFirst, kRealBegins + 1).payload_of(ip_bytes - headers).df();
  };
  const Outcome outcome = send(sized(client(), 1500 - bytes()));
  expect_sent(outcome, kInside, with(sized(to_real(), 1500 - bytes()), toa()));
  EXPECT_EQ(outcome.sent[0].bytes.size(), 14 + 1500u);
  const auto larger = sized(client(), 1501 - bytes());
  const auto refused = answer_to(larger, Answer::kTooBig, 1500 - bytes());
  expect_refused(send(larger), refused);
}

TEST_P(ToaTest, FragmentsGoWithoutAndAreCounted) {
  serve_toa();
  shake_hands();
  const auto long_one = [](PacketBuilder packet) {
    return packet.tcp(kTcpAck, kFirst, kRealBegins + 1).payload_of(1400);
  };
  std::vector<Bytes> sent;
  for (const Bytes& fragment : fragments_of(long_one(client()).bytes(), 1000)) {
    const Outcome outcome = lb.send_frame(fragment);
    ASSERT_EQ(outcome.summary(), "sent 1");
    sent.push_back(outcome.sent[0].bytes);
  }
  std::string trouble;
  EXPECT_EQ(put_together(sent, trouble), long_one(to_real()).bytes());
  EXPECT_EQ(trouble, "");
  EXPECT_EQ(uncarried(), 1u);
}

TEST_P(ToaTest, ConnectionWithoutAHandshakeIsNotTold) {
  serve_toa();
  lb.set_sloppy_tcp(service);
  lb.publish();
  const Outcome outcome = send(request(client()));
  learn_local();
  expect_sent(outcome, kInside, request(to_real()));
  EXPECT_EQ(uncarried(), 1u);
  EXPECT_EQ(carried(), 0);
}

TEST_P(ToaTest, ServiceThatTellsNobodyIsLeftAlone) {
  serve(Protocol::kTcp, {});
  shake_hands();
  const Bytes own = {254, 8, 0, 80, 192, 0, 2, 1};
  expect_sent(send(with(request(client()), own)), kInside, with(request(to_real()), own));
  EXPECT_EQ(uncarried(), 0u);
}

TEST_P(ToaTest, RoutersAreBelievedWithWhatTheOptionTakes) {
  serve_toa();
  shake_hands();
  send(handshake_end(client()));
  const auto told = [&](uint32_t by_router) {
    const auto quoted = with(request(to_real()), toa()).ip_bytes();
    const auto error = icmp_error(too_big(is_v6()), quoted, by_router).from(at("10.0.0.9")).to(at("10.0.0.100")).to_mac(kInsideMac);
    const Outcome outcome = answer(error);
    EXPECT_EQ(outcome.summary(), "sent 0");
    EXPECT_EQ(checksum_errors(outcome.sent.at(0).bytes), "");
    const Bytes& frame = outcome.sent.at(0).bytes;
    const size_t rest = l4_place() + 4;
    return frame.at(rest + 2) << 8 | frame.at(rest + 3);
  };
  EXPECT_EQ(told(1400), 1400 - bytes());
  EXPECT_EQ(told(is_v6() ? 1280 : 576), is_v6() ? 1280 : 576);  // none is told less
}

INSTANTIATE_TEST_SUITE_P(Families, ToaTest, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
