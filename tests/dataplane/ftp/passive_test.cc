#include "tests/dataplane/ftp/rig.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class FtpPassive : public FtpRig {
 protected:
  // The real's answer, whose client is told `told`.
  void announce(const std::string& said, const std::string& told) {
    ask_passive(passive_command());
    asked = static_cast<uint32_t>(passive_command().size());
    expect_sent(answer(from_real(kTcpAck, kReal, kClient + asked).payload(said)), kOutside,
                to_client(kTcpAck, kReal, kClient + asked).payload(told));
  }
  void announce() { announce(passive_answer(), told_passive()); }
  // The client's first packet to the port; 0: it reached no real.
  uint16_t open_data(uint16_t from_port, uint16_t port, uint16_t real_port = kRealData) {
    const Outcome outcome = send(comes_outside(from_port, port).tcp(kTcpSyn, 500));
    if (outcome.summary() != "sent 1") return ADD_FAILURE() << outcome.summary(), 0;
    const auto copy = lb->copy_of(comes_outside(from_port, port).tcp(0));
    if (!copy) return ADD_FAILURE() << "no connection", 0;
    const uint16_t seen = copy->reply.destination_port.host();
    expect_sent(outcome, kInside, leaves_inside(told_client(), seen, real_port).tcp(kTcpSyn, 500));
    return seen;
  }
  uint32_t asked = 0;
};
// Whose 227 says an address; 229 has none, and grows with the port alone.
class FtpPassiveOfIpv4 : public FtpPassive {};
class FtpPassiveOfIpv6 : public FtpPassive {};

TEST_P(FtpPassive, ClientIsToldTheVipAndComesToTheSameReal) {
  each_method([&] {
    announce();
    EXPECT_EQ(expected(), 1u);
    // Another real would be next.
    lb->add_real(service, at("10.0.0.2"), 21);
    lb->publish();
    const uint16_t seen = open_data(40001, kRealData);
    expect_sent(answer(comes_inside(kRealData, told_client(), seen).tcp(kTcpSyn | kTcpAck, 900, 501)), kOutside,
                leaves_outside(kRealData, 40001).tcp(kTcpSyn | kTcpAck, 900, 501));
    expect_sent(send(comes_outside(40001, kRealData).tcp(kTcpAck, 501, 901).payload("data")), kInside,
                leaves_inside(told_client(), seen, kRealData).tcp(kTcpAck, 501, 901).payload("data"));
    expect_sent(answer(comes_inside(kRealData, told_client(), seen).tcp(kTcpAck, 901, 505).payload("227 (1,2,3,4,5,6)\r\n")),
                kOutside, leaves_outside(kRealData, 40001).tcp(kTcpAck, 901, 505).payload("227 (1,2,3,4,5,6)\r\n"));
    EXPECT_EQ(counters().ftp_expected.read(), 1u);
    EXPECT_EQ(counters().ftp_opened.read(), 1u);
    EXPECT_EQ(lb->counters(real).connections.read(), 2u);
    EXPECT_EQ(lb->counters(real).active.load(), 2u);
  });
}

TEST_P(FtpPassive, IsUsedOnceAndByItsClientAlone) {
  each_method([&] {
    announce();
    const auto stranger = a_packet().from(at("198.51.100.8"), 40001).to(at("203.0.113.10"), kRealData).tcp(kTcpSyn);
    EXPECT_EQ(send(stranger).summary(), "kernel 0");
    EXPECT_EQ(send(comes_outside(40001, kRealData).tcp(kTcpAck)).summary(), "kernel 0") << "a SYN opens";
    EXPECT_EQ(send(comes_outside(40001, kRealData + 1).tcp(kTcpSyn)).summary(), "kernel 0");
    open_data(40001, kRealData);
    EXPECT_EQ(expected(), 0u);
    EXPECT_EQ(send(comes_outside(40002, kRealData).tcp(kTcpSyn)).summary(), "kernel 0");
    // The same once more is the same connection's.
    EXPECT_EQ(send(comes_outside(40001, kRealData).tcp(kTcpSyn, 500)).summary(), "sent 1");
  });
}

TEST_P(FtpPassive, ExtendedAnswerKeepsItsTextWithTheSamePort) {
  each_method([&] {
    ask_passive("EPSV\r\n");
    const std::string text = "229 Entering Extended Passive Mode (|||51213|)\r\n";
    expect_sent(answer(from_real(kTcpAck, kReal, kClient + 6).payload(text)), kOutside,
                to_client(kTcpAck, kReal, kClient + 6).payload(text));
    open_data(40001, kRealData);
  });
}

// What the real says of its address is not for clients; where it listens is where its control connection is.
TEST_P(FtpPassiveOfIpv4, AddressThatTheRealSaysDoesNotMatter) {
  each_method([&] {
    announce("227 Entering Passive Mode (192,0,2,99,200,13).\r\n", told_passive());
    open_data(40001, kRealData);
  });
}

TEST_P(FtpPassiveOfIpv4, NumbersAreRightForTheConnectionsLife) {
  each_method([&] {
    uint32_t said = kReal, told = kReal, asks = kClient;
    for (int i = 0; i < 5; ++i) {
      const std::string command = "PASV\r\n";
      expect_sent(send(client(kTcpAck, asks, told).payload(command)), kInside, to_real(kTcpAck, asks, said).payload(command));
      asks += 6;
      expect_sent(answer(from_real(kTcpAck, said, asks).payload(passive_answer())), kOutside,
                  to_client(kTcpAck, told, asks).payload(told_passive()));
      // Again the same: its acknowledgement was lost.
      expect_sent(answer(from_real(kTcpAck, said, asks).payload(passive_answer())), kOutside,
                  to_client(kTcpAck, told, asks).payload(told_passive()));
      said += static_cast<uint32_t>(passive_answer().size());
      told += static_cast<uint32_t>(told_passive().size());
      expect_sent(send(client(kTcpAck, asks, told)), kInside, to_real(kTcpAck, asks, said));
    }
    EXPECT_EQ(expected(), 1u) << "an announcement takes the place of the one before";
    expect_sent(answer(from_real(kTcpAck | kTcpFin, said, asks).payload("221 Bye\r\n")), kOutside,
                to_client(kTcpAck | kTcpFin, told, asks).payload("221 Bye\r\n"));
    expect_sent(send(client(kTcpAck | kTcpFin, asks, told + 10)), kInside, to_real(kTcpAck | kTcpFin, asks, said + 10));
    expect_sent(answer(from_real(kTcpRst, said + 10)), kOutside, to_client(kTcpRst, told + 10));
  });
}

TEST_P(FtpPassiveOfIpv4, SelectiveAcknowledgementsAreRenumbered) {
  each_method([&] {
    announce();
    const auto said = static_cast<uint32_t>(passive_answer().size());
    const auto told = static_cast<uint32_t>(told_passive().size());
    EXPECT_EQ(answer(from_real(kTcpAck, kReal + said, kClient + asked).payload("150 Here\r\n")).summary(), "sent 0");
    const auto blocks = [](uint32_t first, uint32_t last) {
      Bytes option = {1, 1, 5, 10};
      for (const uint32_t number : {first, last}) {
        for (int shift = 24; shift >= 0; shift -= 8) option.push_back(static_cast<uint8_t>(number >> shift));
      }
      return option;
    };
    // It has the second segment alone.
    expect_sent(send(client(kTcpAck, kClient + asked, kReal).tcp_options(blocks(kReal + told, kReal + told + 10))), kInside,
                to_real(kTcpAck, kClient + asked, kReal).tcp_options(blocks(kReal + said, kReal + said + 10)));
  });
}

TEST_P(FtpPassive, PortOfAnotherServiceIsNotTold) {
  each_method([&] {
    lb->add_service(Protocol::kTcp, at("203.0.113.10"), kRealData, method);
    lb->publish();
    constexpr uint16_t kOther = 1024 + (kRealData - 1024 + 4099) % 64512;
    announce(passive_answer(), told_passive(kOther));
    open_data(40001, kOther);
  });
}

// Two reals may listen at the same port for one client.
TEST_P(FtpPassive, PortThatIsExpectedAlreadyIsNotTold) {
  each_method([&] {
    announce();
    shake_hands(40100);
    const std::string command = passive_command();
    EXPECT_EQ(send(client(kTcpAck, kClient, kReal, 40100).payload(command)).summary(), "sent 1");
    const Outcome outcome = answer(from_real(kTcpAck, kReal, kClient + asked).payload(passive_answer()));
    constexpr uint16_t kOther = 1024 + (kRealData - 1024 + 4099) % 64512;
    expect_sent(outcome, kOutside,
                leaves_outside(21, 40100).tcp(kTcpAck, kReal, kClient + asked).payload(told_passive(kOther)));
    open_data(40001, kRealData);
    open_data(40002, kOther);
  });
}

TEST_P(FtpPassive, AnswerThatNobodyAskedForIsText) {
  each_method([&] {
    const std::string text = passive_answer();
    expect_sent(answer(from_real(kTcpAck, kReal).payload(text)), kOutside, to_client(kTcpAck, kReal).payload(text));
    EXPECT_EQ(expected(), 0u);
  });
}

TEST_P(FtpPassive, PrivilegedPortIsNotOpened) {
  each_method([&] {
    announce(passive_answer(1023), passive_answer(1023));
    EXPECT_EQ(expected(), 0u);
    EXPECT_EQ(counters().ftp_refused.read(), 1u);
  });
}

TEST_P(FtpPassiveOfIpv6, HasNoWayToSay227) {
  each_method([&] {
    const std::string text = "227 Entering Passive Mode (0,0,0,0,200,13).\r\n";
    ask_passive("PASV\r\n");
    expect_sent(answer(from_real(kTcpAck, kReal).payload(text)), kOutside, to_client(kTcpAck, kReal).payload(text));
    EXPECT_EQ(counters().ftp_unexpected.read(), 1u);
  });
}

TEST_P(FtpPassive, ConnectionThatDoesNotComeIsForgotten) {
  each_method([&] {
    announce();
    lb->advance(lb->timeouts()[static_cast<size_t>(ConnectionState::kListen)]);
    EXPECT_EQ(send(comes_outside(40001, kRealData).tcp(kTcpSyn)).summary(), "kernel 0");
  });
}

TEST_P(FtpPassive, EndsWithItsControlConnection) {
  each_method([&] {
    announce();
    EXPECT_EQ(lb->worker().ftp.controls.used(), 1u);
    EXPECT_EQ(answer(from_real(kTcpRst | kTcpAck, kReal)).summary(), "sent 0");
    lb->advance(lb->timeouts()[static_cast<size_t>(ConnectionState::kClose)]);
    EXPECT_EQ(lb->worker().ftp.controls.used(), 0u);
    EXPECT_EQ(expected(), 0u);
  });
}

TEST_P(FtpPassive, FullTableLeavesTheLineAsItIs) {
  each_method([&] {
    crowd_out();
    announce(passive_answer(), passive_answer());
    EXPECT_EQ(counters().ftp_unexpected.read(), 1u);
    EXPECT_EQ(counters().ftp_expected.read(), 0u);
  });
}

TEST_P(FtpPassive, DrainedAndRemovedRealsStillGetIt) {
  each_method([&] {
    announce();
    lb->set_weight(real, 0);
    lb->publish();
    open_data(40001, kRealData);
    announce();  // again the same bytes: nothing new
    EXPECT_EQ(expected(), 0u);
  });
  each_method([&] {
    announce();
    lb->remove_real(real);
    lb->publish();
    open_data(40001, kRealData);
    // Lost behind us, and said again: no other real has what the client asked for.
    lb->add_real(service, at("10.0.0.2"), 21);
    lb->publish();
    const auto copy = lb->copy_of(comes_outside(40001, kRealData).tcp(0));
    expect_sent(send(comes_outside(40001, kRealData).tcp(kTcpSyn, 500)), kInside,
                leaves_inside(told_client(), copy->reply.destination_port.host(), kRealData).tcp(kTcpSyn, 500));
  });
}

INSTANTIATE_TEST_SUITE_P(Families, FtpPassive, kBothFamilies, family_name);
INSTANTIATE_TEST_SUITE_P(Families, FtpPassiveOfIpv4, testing::Values(AddressFamily::kIpv4), family_name);
INSTANTIATE_TEST_SUITE_P(Families, FtpPassiveOfIpv6, testing::Values(AddressFamily::kIpv6), family_name);

}  // namespace
}  // namespace shunt::dataplane
