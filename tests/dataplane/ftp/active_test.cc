#include "tests/dataplane/ftp/rig.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class FtpActive : public FtpRig {
 protected:
  // Of what the client says about itself, what the real is told, which is what it says under nat.
  std::string told(const std::string& said, bool extended = false) {
    if (is_nat()) return said;
    return extended ? extended_active(at("10.0.0.100"), told_port()) : active_command(at("10.0.0.100"), told_port());
  }
  void announce() {
    const std::string said = active_command(at("198.51.100.7"), kClientData);
    const Outcome outcome = send(client(kTcpAck, kClient).payload(said));
    expect_sent(outcome, kInside, to_real(kTcpAck, kClient).payload(told(said)));
    to_port = is_nat() ? kClientData : told_port();
  }
  // The real connects from a port; the client sees it come from the VIP's.
  void open_data(uint16_t from_port, uint16_t seen_port) {
    expect_sent(answer(comes_inside(from_port, told_client(), to_port).tcp(kTcpSyn, 900)), kOutside,
                leaves_outside(seen_port, kClientData).tcp(kTcpSyn, 900));
    expect_sent(send(comes_outside(kClientData, seen_port).tcp(kTcpSyn | kTcpAck, 500, 901)), kInside,
                leaves_inside(told_client(), to_port, from_port).tcp(kTcpSyn | kTcpAck, 500, 901));
    expect_sent(answer(comes_inside(from_port, told_client(), to_port).tcp(kTcpAck, 901, 501).payload("data")), kOutside,
                leaves_outside(seen_port, kClientData).tcp(kTcpAck, 901, 501).payload("data"));
  }
  uint16_t to_port = 0;
};

TEST_P(FtpActive, RealConnectsFromTheVipsDataPort) {
  each_method([&] {
    announce();
    EXPECT_EQ(expected(), 1u);
    open_data(20, 20);
    EXPECT_EQ(expected(), 0u);
    EXPECT_EQ(counters().ftp_opened.read(), 1u);
    const auto copy = lb->copy_of(comes_outside(kClientData, 20).tcp(0));
    ASSERT_TRUE(copy);
    EXPECT_EQ(copy->state, ConnectionState::kEstablished);
    EXPECT_EQ(copy->real, real);
  });
}

TEST_P(FtpActive, RealWithAPortOfItsOwnKeepsIt) {
  each_method([&] {
    announce();
    open_data(45678, 45678);
  });
}

TEST_P(FtpActive, ExtendedCommandInBothFamilies) {
  each_method([&] {
    const std::string said = extended_active(at("198.51.100.7"), kClientData);
    const Outcome outcome = send(client(kTcpAck, kClient).payload(said));
    expect_sent(outcome, kInside, to_real(kTcpAck, kClient).payload(told(said, true)));
    to_port = is_nat() ? kClientData : told_port();
    open_data(20, 20);
  });
}

TEST_P(FtpActive, LowerCaseAndTelnetInFront) {
  each_method([&] {
    std::string said = active_command(at("198.51.100.7"), kClientData);
    said = std::string("\xff\xf4\xff\xf2") + (is_v6() ? "eprt" : "pOrT") + said.substr(4);
    const Outcome outcome = send(client(kTcpAck, kClient).payload(said));
    std::string expected_text = told(active_command(at("198.51.100.7"), kClientData));
    expected_text = std::string("\xff\xf4\xff\xf2") + (is_v6() ? "eprt" : "pOrT") + expected_text.substr(4);
    expect_sent(outcome, kInside, to_real(kTcpAck, kClient).payload(expected_text));
    EXPECT_EQ(counters().ftp_expected.read(), 1u);
  });
}

TEST_P(FtpActive, SeveralCommandsInASegment) {
  each_method([&] {
    const std::string said = active_command(at("198.51.100.7"), kClientData);
    const Outcome outcome = send(client(kTcpAck, kClient).payload("TYPE I\r\n" + said + "RETR file\r\n"));
    const std::string heard = "TYPE I\r\n" + told(said) + "RETR file\r\n";
    expect_sent(outcome, kInside, to_real(kTcpAck, kClient).payload(heard));
    const auto said_bytes = static_cast<uint32_t>(said.size() + 19);
    const auto heard_bytes = static_cast<uint32_t>(heard.size());
    expect_sent(answer(from_real(kTcpAck, kReal, kClient + heard_bytes).payload("200 ok\r\n")), kOutside,
                to_client(kTcpAck, kReal, kClient + said_bytes).payload("200 ok\r\n"));
    expect_sent(send(client(kTcpAck | kTcpFin, kClient + said_bytes, kReal + 8).payload("QUIT\r\n")), kInside,
                to_real(kTcpAck | kTcpFin, kClient + heard_bytes, kReal + 8).payload("QUIT\r\n"));
  });
}

// RFC 2577: a server that could be made to connect to others is a weapon.
TEST_P(FtpActive, OthersAddressesAndPrivilegedPortsAreDisarmed) {
  each_method([&] {
    uint32_t at_number = kClient;
    uint64_t refused = 0;
    std::vector<std::string> lines = {active_command(at("198.51.100.8"), kClientData), active_command(at("10.0.0.1"), kClientData),
                                      active_command(at("203.0.113.10"), kClientData), active_command(at("198.51.100.7"), 25),
                                      extended_active(at("198.51.100.8"), kClientData), "PORT nonsense 1\r\n", "EPRT |3|x|1|\r\n",
                                      "EPRT |1|192.0.2.7|40961|\r\n", "EPRT |2|2001:db8::99|40961|\r\n", "PORT 192,0,2,7,160,1\r\n",
                                      "LPRT 4,4,192,0,2,7,2,160,1\r\n", "PORT \r\n", "EPRT \n",
                                      extended_active(at("198.51.100.7") + std::string(1, '\0'), kClientData)};
    for (const std::string& line : lines) {
      std::string heard = line;
      for (size_t i = 5; i < heard.size(); ++i) {
        if (heard[i] >= '0' && heard[i] <= '9') heard[i] = '0';
      }
      for (int again = 0; again < 2; ++again) {
        expect_sent(send(client(kTcpAck, at_number).payload(line)), kInside, to_real(kTcpAck, at_number).payload(heard));
      }
      at_number += static_cast<uint32_t>(line.size());
      EXPECT_EQ(answer(from_real(kTcpAck, kReal, at_number)).summary(), "sent 0");
      EXPECT_EQ(counters().ftp_refused.read(), ++refused) << line;
      EXPECT_EQ(expected(), 0u);
    }
  });
}

TEST_P(FtpActive, ArgumentWithoutEndIsSpoiled) {
  each_method([&] {
    const std::string blanks(200, ' ');
    const std::string rest = "192,0,2,7,160,1\r\n";
    const std::string heard = "PORT " + std::string(96, 'x') + blanks.substr(96) + rest;
    expect_sent(send(client(kTcpAck, kClient).payload("PORT " + blanks + rest)), kInside, to_real(kTcpAck, kClient).payload(heard));
    EXPECT_EQ(counters().ftp_refused.read(), 1u);
  });
}

TEST_P(FtpActive, NobodyElseComesByIt) {
  each_method([&] {
    announce();
    const auto stranger = a_packet().from(at("10.0.0.2"), 20).to(told_client(), to_port).to_mac(kInsideMac).tcp(kTcpSyn);
    EXPECT_EQ(answer(stranger).summary(), "kernel 1");
    EXPECT_EQ(answer(comes_inside(20, told_client(), static_cast<uint16_t>(to_port + 1)).tcp(kTcpSyn)).summary(), "kernel 1");
    open_data(20, 20);
    EXPECT_EQ(answer(comes_inside(45000, told_client(), to_port).tcp(kTcpSyn)).summary(), "kernel 1");
  });
}

// A client may say the same port for one connection after the other.
TEST_P(FtpActive, SamePortAgainAfterTheConnectionIsOver) {
  each_method([&] {
    announce();
    open_data(20, 20);
    const uint16_t before = to_port;
    EXPECT_EQ(answer(comes_inside(20, told_client(), before).tcp(kTcpFin | kTcpAck, 905, 501)).summary(), "sent 0");
    EXPECT_EQ(send(comes_outside(kClientData, 20).tcp(kTcpFin | kTcpAck, 501, 906)).summary(), "sent 1");
    const std::string said = active_command(at("198.51.100.7"), kClientData);
    const auto bytes = static_cast<uint32_t>(said.size());
    EXPECT_EQ(send(client(kTcpAck, kClient + bytes).payload(said)).summary(), "sent 1");
    to_port = is_nat() ? kClientData : told_port();
    expect_sent(answer(comes_inside(20, told_client(), to_port).tcp(kTcpSyn, 9000)), kOutside,
                leaves_outside(20, kClientData).tcp(kTcpSyn, 9000));
  });
}

TEST_P(FtpActive, DrainedRealStillConnects) {
  each_method([&] {
    announce();
    lb->remove_real(real);
    lb->publish();
    open_data(20, 20);
  });
}

TEST_P(FtpActive, LineThatCannotBeExpectedIsDisarmed) {
  each_method([&] {
    crowd_out();
    const Outcome outcome = send(client(kTcpAck, kClient).payload(active_command(at("198.51.100.7"), kClientData)));
    EXPECT_EQ(outcome.summary(), "sent 1");
    EXPECT_EQ(counters().ftp_unexpected.read(), 1u);
    EXPECT_EQ(counters().ftp_refused.read(), 0u);
  });
}

INSTANTIATE_TEST_SUITE_P(Families, FtpActive, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
