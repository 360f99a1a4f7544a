#include "dataplane/ftp/passage.h"

#include "tests/dataplane/ftp/rig.h"
#include "tests/dataplane/icmp/errors.h"
#include "tests/support/fragmentation.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class FtpPassage : public FtpRig {
 protected:
  void expect_unread(const Outcome& outcome) { EXPECT_EQ(outcome.summary(), "dropped ftp_unread"); }
  static Bytes stamps(uint8_t own, uint8_t echoed) { return {1, 1, 8, 10, 0, 0, 0, own, 0, 0, 0, echoed}; }
  std::string said() const { return active_command(at("198.51.100.7"), kClientData); }
  std::string heard() const { return is_nat() ? said() : active_command(at("10.0.0.100"), told_port()); }
};

TEST_P(FtpPassage, OrdinaryLinesPassAsTheyAre) {
  each_method([&] {
    expect_sent(answer(from_real(kTcpAck, kReal).payload("220 ready\r\n").tos(0x10)), kOutside,
                to_client(kTcpAck, kReal).payload("220 ready\r\n").tos(0x10));
    expect_sent(send(client(kTcpAck | kTcpPsh, kClient, kReal + 11).payload("USER x\r\n").tcp_options(stamps(1, 2))), kInside,
                to_real(kTcpAck | kTcpPsh, kClient, kReal + 11).payload("USER x\r\n").tcp_options(stamps(1, 2)));
    expect_sent(send(client(kTcpAck, kClient + 8, kReal + 11)), kInside, to_real(kTcpAck, kClient + 8, kReal + 11));
    // A keep-alive (RFC 9293 section 3.8.4).
    expect_sent(send(client(kTcpAck, kClient + 7, kReal + 11)), kInside, to_real(kTcpAck, kClient + 7, kReal + 11));
  });
}

TEST_P(FtpPassage, WhatIsNotReadInOrderIsNotPassedOn) {
  each_method([&] {
    expect_unread(send(client(kTcpAck, kClient + 8).payload("PASV\r\n")));
    EXPECT_EQ(send(client(kTcpAck, kClient).payload("USER x\r\n")).summary(), "sent 1");
    EXPECT_EQ(send(client(kTcpAck, kClient + 8).payload("PASV\r\n")).summary(), "sent 1");
    expect_unread(answer(from_real(kTcpAck, kReal + 1).payload("20 ready\r\n")));
  });
}

// Its number is right only when all before it was read.
TEST_P(FtpPassage, EndBehindWhatWasLostIsNotPassedOn) {
  each_method([&] {
    const auto bytes = static_cast<uint32_t>(said().size());
    expect_unread(send(client(kTcpAck | kTcpFin, kClient + bytes)));
    EXPECT_EQ(send(client(kTcpAck, kClient).payload(said())).summary(), "sent 1");
    expect_sent(send(client(kTcpAck | kTcpFin, kClient + bytes)), kInside,
                to_real(kTcpAck | kTcpFin, kClient + static_cast<uint32_t>(heard().size())));
    // A reset is the end of all, wherever it stands.
    EXPECT_EQ(send(client(kTcpRst, kClient + bytes + 100)).summary(), "sent 1");
  });
}

// The receiver would not take it either, and its sender says it again.
TEST_P(FtpPassage, DamagedSegmentIsNotBelieved) {
  each_method([&] {
    const auto damage = [](Bytes& frame) { frame.back() ^= 0x55; };
    expect_unread(send(client(kTcpAck, kClient).payload(said()).then(damage)));
    EXPECT_EQ(expected(), 0u);
    const Outcome outcome = send(client(kTcpAck, kClient).payload(said()));
    expect_sent(outcome, kInside, to_real(kTcpAck, kClient).payload(heard()));
    if (!is_nat()) expect_unread(send(client(kTcpAck, kClient).payload(said()).then(damage)));
  });
}

TEST_P(FtpPassage, FragmentsAreNotPassedOn) {
  each_method([&] {
    for (const Bytes& piece : fragments_of(client(kTcpAck, kClient).payload(said() + std::string(100, 'x')).bytes(), 96)) {
      const Outcome outcome = lb->send_frame(piece);
      EXPECT_TRUE(outcome.sent.empty()) << outcome.summary();
    }
    EXPECT_EQ(expected(), 0u);
    EXPECT_GE(lb->drops(DropReason::kFtpUnread), 2u);
  });
}

TEST_P(FtpPassage, FirstPieceOfAnArgumentIsAcknowledgedAndTravelsWithItsEnd) {
  each_method([&] {
    const std::string line = said();
    const auto bytes = static_cast<uint32_t>(line.size());
    // The word goes on; what follows is kept until the line ends.
    expect_sent(send(client(kTcpAck, kClient).payload(line.substr(0, 9))), kInside, to_real(kTcpAck, kClient).payload(line.substr(0, 5)));
    // The real has the word: the client hears of all nine bytes.
    expect_sent(answer(from_real(kTcpAck, kReal, kClient + 5)), kOutside, to_client(kTcpAck, kReal, kClient + 9));
    // More of it, which the real hears nothing of: its acknowledgement is ours to say.
    const Outcome more = send(client(kTcpAck, kClient + 9).payload(line.substr(9, 2)).tcp_options(stamps(1, 2)));
    ASSERT_EQ(more.summary(), "sent 0, sent 1");
    PacketBuilder own = to_client(kTcpAck, kReal, kClient + 11).ttl(64).tcp_options(stamps(2, 1));
    if (!is_v6()) own.id(0).df();
    EXPECT_EQ(checksum_errors(more.sent[0].bytes), "");
    EXPECT_EQ(describe(more.sent[0].bytes), describe(own.bytes()));
    EXPECT_EQ(more.sent[0].bytes, own.bytes());
    EXPECT_EQ(checksum_errors(more.sent[1].bytes), "");
    EXPECT_EQ(describe(more.sent[1].bytes), describe(to_real(kTcpAck, kClient + 5).tcp_options(stamps(1, 2)).bytes()));
    const std::string all = [&] {
      const Outcome outcome = send(client(kTcpAck, kClient + 11).payload(line.substr(11)));
      const std::string text = heard().substr(5);
      expect_sent(outcome, kInside, to_real(kTcpAck, kClient + 5).payload(text));
      return text;
    }();
    // Its end once more brings all of it.
    expect_sent(send(client(kTcpAck, kClient + 11).payload(line.substr(11))), kInside, to_real(kTcpAck, kClient + 5).payload(all));
    const auto heard_bytes = static_cast<uint32_t>(5 + all.size());
    expect_sent(answer(from_real(kTcpAck, kReal, kClient + heard_bytes)), kOutside, to_client(kTcpAck, kReal, kClient + bytes));
  });
}

// What was acknowledged to nobody's knowledge, because that was lost, as was the line: nothing of it reaches the real.
TEST_P(FtpPassage, KeptPieceIsAcknowledgedAgainUntilItsEndArrives) {
  each_method([&] {
    const std::string line = said();
    EXPECT_EQ(send(client(kTcpAck, kClient).payload(line.substr(0, 5))).summary(), "sent 1");
    EXPECT_EQ(answer(from_real(kTcpAck, kReal, kClient + 5)).summary(), "sent 0");
    EXPECT_EQ(send(client(kTcpAck, kClient + 5).payload(line.substr(5, 4))).summary(), "sent 0, sent 1");
    EXPECT_EQ(send(client(kTcpAck, kClient + 9).payload(line.substr(9))).summary(), "sent 1");
    const Outcome again = send(client(kTcpAck, kClient + 5).payload(line.substr(5, 4)));
    ASSERT_EQ(again.summary(), "sent 0, sent 1");
    PacketBuilder own = to_client(kTcpAck, kReal, kClient + 9).ttl(64);
    if (!is_v6()) own.id(1).df();
    EXPECT_EQ(describe(again.sent[0].bytes), describe(own.bytes()));
    expect_sent(send(client(kTcpAck, kClient + 9).payload(line.substr(9))), kInside,
                to_real(kTcpAck, kClient + 5).payload(heard().substr(5)));
  });
}

TEST_P(FtpPassage, StreamThatEndsWithinALineEndsBeforeIt) {
  each_method([&] {
    expect_sent(send(client(kTcpAck | kTcpFin, kClient).payload("PORT 192,0,2")), kInside,
                to_real(kTcpAck | kTcpFin, kClient).payload("PORT "));
    expect_sent(answer(from_real(kTcpAck, kReal, kClient + 6)), kOutside, to_client(kTcpAck, kReal, kClient + 13));
  });
}

TEST_P(FtpPassage, UrgentPointerIsMoved) {
  each_method([&] {
    const std::string line = said();
    const auto urgent_at = [](size_t bytes) {
      return [bytes](Bytes& frame) {
        const size_t at = l4_place() + 18;
        // The field and the checksum, which has it added.
        frame[at] = static_cast<uint8_t>(bytes >> 8);
        frame[at + 1] = static_cast<uint8_t>(bytes);
        uint32_t sum = static_cast<uint16_t>(~(frame[at - 2] << 8 | frame[at - 1])) + static_cast<uint32_t>(bytes);
        sum = (sum & 0xffff) + (sum >> 16);
        frame[at - 2] = static_cast<uint8_t>(~sum >> 8);
        frame[at - 1] = static_cast<uint8_t>(~sum);
      };
    };
    const Outcome outcome = send(client(kTcpAck | kTcpUrg, kClient).payload(line + "ABOR\r\n").then(urgent_at(line.size() + 1)));
    expect_sent(outcome, kInside,
                to_real(kTcpAck | kTcpUrg, kClient).payload(heard() + "ABOR\r\n").then(urgent_at(heard().size() + 1)));
  });
}

// What has no room is its sender's to say again.
TEST_P(FtpPassage, GrowingSegmentDoesNotOutgrowTheWay) {
  for (const Method how : {Method::kNat, Method::kFullnat}) {
    SCOPED_TRACE(name_of(how));
    serve(how);
    // Another service's, so that the client is told one of more digits.
    lb->add_service(Protocol::kTcp, at("203.0.113.10"), 9999, how);
    lb->publish();
    shake_hands();
    ask_passive(passive_command());
    const auto asked = static_cast<uint32_t>(passive_command().size());
    // Nor what its sender may know to be all that the path takes.
    const auto most = static_cast<uint32_t>((how == Method::kNat ? 1500 : 1300) - (is_v6() ? 60 : 40));
    const std::string line = passive_answer(9999), told = told_passive(9999 + 4099);
    const std::string rest = std::string(most - line.size() - 2, 'x') + "\r\n";
    const auto grown = static_cast<uint32_t>(told.size() - line.size());
    ASSERT_GT(grown, 0u);
    expect_sent(answer(from_real(kTcpAck | kTcpFin, kReal, kClient + asked).payload(line + rest)), kOutside,
                to_client(kTcpAck, kReal, kClient + asked).payload((told + rest).substr(0, most)));
    expect_sent(send(client(kTcpAck, kClient + asked, kReal + most)), kInside,
                to_real(kTcpAck, kClient + asked, kReal + most - grown));
    expect_sent(answer(from_real(kTcpAck | kTcpFin, kReal + most - grown, kClient + asked).payload(rest.substr(rest.size() - grown))),
                kOutside, to_client(kTcpAck | kTcpFin, kReal + most, kClient + asked).payload((told + rest).substr(most)));
  }
}

TEST_P(FtpPassage, EncryptedConnectionIsNotRead) {
  each_method([&] {
    EXPECT_EQ(send(client(kTcpAck, kClient).payload("AUTH TLS\r\n")).summary(), "sent 1");
    EXPECT_EQ(answer(from_real(kTcpAck, kReal, kClient + 10).payload("234 go ahead\r\n")).summary(), "sent 0");
    expect_sent(send(client(kTcpAck, kClient + 10, kReal + 14).payload(said())), kInside,
                to_real(kTcpAck, kClient + 10, kReal + 14).payload(said()));
    // Nor need it be in order.
    EXPECT_EQ(send(client(kTcpAck, kClient + 999, kReal + 14).payload("x")).summary(), "sent 1");
    EXPECT_EQ(expected(), 0u);
  });
}

TEST_P(FtpPassage, EncryptionThatNobodyAskedForIsText) {
  each_method([&] {
    EXPECT_EQ(answer(from_real(kTcpAck, kReal).payload("234 files\r\n")).summary(), "sent 0");
    EXPECT_EQ(send(client(kTcpAck, kClient, kReal + 11).payload(said())).summary(), "sent 1");
    EXPECT_EQ(expected(), 1u);
  });
}

TEST_P(FtpPassage, HandshakeOpensPlainly) {
  for (const Method how : {Method::kNat, Method::kFullnat}) {
    serve(how);
    const Bytes fast_open = {34, 6, 1, 2, 3, 4, 1, 1};
    const Outcome outcome = send(client(kTcpSyn, kClient - 1, 0).tcp_options(fast_open).payload("PASV\r\n"));
    local = lb->copy_of(client(0, 0))->reply.destination_port.host();
    expect_sent(outcome, kInside, to_real(kTcpSyn, kClient - 1, 0).tcp_options(Bytes(8, 1)));
  }
}

TEST_P(FtpPassage, ControlConnectionsBeyondTheRoomAreNotRead) {
  serve(Method::kNat, 1, FtpControls::kCapacity + 10);
  for (uint32_t i = 0; i <= FtpControls::kCapacity; ++i) {
    shake_hands(static_cast<uint16_t>(1024 + i));
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(counters().ftp_unread.read(), 1u);
  EXPECT_EQ(lb->worker().ftp.controls.used(), FtpControls::kCapacity);
  const auto last = static_cast<uint16_t>(1024 + FtpControls::kCapacity);
  EXPECT_EQ(send(client(kTcpAck, kClient, kReal, last).payload(said())).summary(), "sent 1");
  EXPECT_EQ(expected(), 0u);
  lb->advance(3600'000);
  EXPECT_EQ(lb->worker().ftp.controls.used(), 0u);
}

// Else a flood of SYNs would take all places.
TEST_P(FtpPassage, PlaceIsTheirsWhoHearTheReal) {
  for (const Method how : {Method::kNat, Method::kFullnat}) {
    serve(how);
    const auto places = [&] { return lb->worker().ftp.controls.used(); };
    EXPECT_EQ(send(client(kTcpSyn, kClient - 1, 0)).summary(), "sent 1");
    local = lb->copy_of(client(0, 0))->reply.destination_port.host();
    expect_unread(send(client(kTcpAck, kClient).payload(said())));
    EXPECT_EQ(answer(from_real(kTcpSyn | kTcpAck, kReal - 1)).summary(), "sent 0");
    EXPECT_EQ(send(client(kTcpAck, kClient, kReal + 1)).summary(), "sent 1");
    EXPECT_EQ(send(client(kTcpAck, kClient + 1)).summary(), "sent 1");
    expect_unread(send(client(kTcpAck, kClient + 1, kReal - 1).payload(said())));
    EXPECT_EQ(places(), 0u);
    EXPECT_EQ(send(client(kTcpAck, kClient)).summary(), "sent 1");
    EXPECT_EQ(places(), 1u);
  }
}

TEST_P(FtpPassage, LostAcknowledgementOfTheHandshakeDoesNotMatter) {
  for (const Method how : {Method::kNat, Method::kFullnat}) {
    serve(how);
    EXPECT_EQ(send(client(kTcpSyn, kClient - 1, 0)).summary(), "sent 1");
    local = lb->copy_of(client(0, 0))->reply.destination_port.host();
    EXPECT_EQ(answer(from_real(kTcpSyn | kTcpAck, kReal - 1)).summary(), "sent 0");
    const Outcome outcome = send(client(kTcpAck, kClient).payload(said()));
    expect_sent(outcome, kInside, to_real(kTcpAck, kClient).payload(heard()));
  }
}

// The client's port again for a connection of other numbers.
TEST_P(FtpPassage, ConnectionThatBeginsAnewIsReadAnew) {
  each_method([&] {
    EXPECT_EQ(send(client(kTcpAck, kClient).payload(said())).summary(), "sent 1");
    EXPECT_EQ(send(client(kTcpRst, kClient + static_cast<uint32_t>(said().size()))).summary(), "sent 1");
    constexpr uint32_t kAnew = 5000, kRealAnew = 900'000;
    EXPECT_EQ(send(client(kTcpSyn, kAnew - 1, 0)).summary(), "sent 1");
    local = lb->copy_of(client(0, 0))->reply.destination_port.host();
    expect_sent(answer(from_real(kTcpSyn | kTcpAck, kRealAnew - 1, kAnew)), kOutside,
                to_client(kTcpSyn | kTcpAck, kRealAnew - 1, kAnew));
    expect_sent(send(client(kTcpAck, kAnew, kRealAnew)), kInside, to_real(kTcpAck, kAnew, kRealAnew));
    const Outcome outcome = send(client(kTcpAck, kAnew, kRealAnew).payload(said()));
    expect_sent(outcome, kInside, to_real(kTcpAck, kAnew, kRealAnew).payload(heard()));
    EXPECT_EQ(lb->worker().ftp.controls.used(), 1u);
    EXPECT_EQ(expected(), 1u);
    lb->advance(3600'000);
    EXPECT_EQ(lb->worker().ftp.controls.used(), 0u);
    EXPECT_EQ(expected(), 0u);
  });
}

TEST_P(FtpPassage, ErrorsQuoteWhatTheirReceiverSent) {
  serve(Method::kFullnat);
  shake_hands();
  const std::string line = said();
  EXPECT_EQ(send(client(kTcpAck, kClient).payload(line)).summary(), "sent 1");
  const auto said_bytes = static_cast<uint32_t>(line.size());
  const auto heard_bytes = static_cast<uint32_t>(heard().size());
  EXPECT_EQ(send(client(kTcpAck, kClient + said_bytes).payload("NOOP\r\n")).summary(), "sent 1");
  // The real's router about the last one.
  const PacketBuilder sent = to_real(kTcpAck, kClient + heard_bytes).payload("NOOP\r\n");
  const Outcome outcome = answer(icmp_error(unreachable(is_v6()), quoted(sent)).from(at("10.0.0.1")).to(at("10.0.0.100")).to_mac(kInsideMac));
  ASSERT_EQ(outcome.summary(), "sent 0");
  EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
  const Bytes& frame = outcome.sent[0].bytes;
  const size_t number = l4_place() + 8 + (is_v6() ? 40 : 20) + 4;
  const uint32_t quoted_number = uint32_t{frame[number]} << 24 | uint32_t{frame[number + 1]} << 16 | uint32_t{frame[number + 2]} << 8 | frame[number + 3];
  EXPECT_EQ(quoted_number, kClient + said_bytes);
}

INSTANTIATE_TEST_SUITE_P(Families, FtpPassage, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
