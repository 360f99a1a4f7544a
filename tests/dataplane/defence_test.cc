#include "dataplane/defence.h"

#include <gmock/gmock.h>

#include "dataplane/housekeeping.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class Defending : public InBothFamilies {
 protected:
  static constexpr uint32_t kCapacity = 320;

  Defending() {
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp}) {
      const ServiceId service = lb.add_service(protocol, at("203.0.113.10"), 80, Method::kDirect);
      lb.add_real(service, at("10.0.0.1"), 80);
    }
    lb.publish();
  }
  static PacketBuilder client(uint16_t port) {
    return a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 80);
  }
  void set(void (*change)(Sysctls&)) {
    change(lb.sysctls());
    lb.publish();
    defend(lb.worker(), lb.snapshot());
  }
  // `count` connections on their way, from client port `first` on.
  void open(uint16_t first, uint16_t count) {
    for (uint16_t port = first; port < first + count; ++port) {
      ASSERT_EQ(lb.send(client(port).tcp(kTcpSyn)).summary(), "sent 1");
    }
  }
  // Time goes by in the steps of a worker's loop, without the sweep of what has expired.
  void run_for(uint32_t ms) {
    for (uint32_t i = 0; i < ms; ++i) {
      ++lb.worker().now;
      defend(lb.worker(), lb.snapshot());
    }
  }
  uint32_t connections() { return lb.connections(GetParam()); }
  uint64_t dropped() { return lb.worker().counters.entries_dropped.read(); }
  // Of `packets` SYNs, those that were turned away.
  uint32_t turned_away(uint16_t packets) {
    uint32_t count = 0;
    for (uint16_t i = 0; i < packets; ++i) {
      const std::string outcome = lb.send(client(++last_port_).tcp(kTcpSyn)).summary();
      if (outcome == "dropped drop_packet") ++count;
      else EXPECT_EQ(outcome, "sent 1");
    }
    return count;
  }

  WorkerFixture lb{1, kCapacity};
  uint16_t last_port_ = 30000;
};

TEST_P(Defending, NothingIsDroppedByDefault) {
  open(1, 310);
  run_for(40000);
  EXPECT_EQ(dropped(), 0u);
  EXPECT_EQ(turned_away(5), 0u);
}

TEST_P(Defending, DropPacketAlwaysDropsOneInAmDroprate) {
  set([](Sysctls& sysctls) { sysctls.drop_packet = Defence::kAlways; });
  EXPECT_EQ(turned_away(100), 10u);
  set([](Sysctls& sysctls) { sysctls.am_droprate = 4; });
  EXPECT_EQ(turned_away(100), 25u);
  set([](Sysctls& sysctls) { sysctls.am_droprate = 1; });
  EXPECT_EQ(turned_away(10), 10u);
  set([](Sysctls& sysctls) { sysctls.drop_packet = Defence::kOff; });
  EXPECT_EQ(turned_away(10), 0u);
}

TEST_P(Defending, DropPacketSparesWhatHasAConnection) {
  open(1, 1);
  set([](Sysctls& sysctls) {
    sysctls.drop_packet = Defence::kAlways;
    sysctls.am_droprate = 1;
  });
  EXPECT_EQ(lb.send(client(1).tcp(kTcpAck)).summary(), "sent 1");
  EXPECT_EQ(lb.send(client(1).tcp(kTcpSyn)).summary(), "sent 1");
  EXPECT_EQ(lb.send(client(2).udp()).summary(), "dropped drop_packet");
  EXPECT_EQ(lb.send(client(2).sctp(1)).summary(), "dropped drop_packet");
}

TEST_P(Defending, DropPacketWhenScarceGoesByTheShortage) {
  set([](Sysctls& sysctls) {
    sysctls.drop_packet = Defence::kWhenScarce;
    sysctls.amemthresh = 50;
  });
  EXPECT_EQ(turned_away(100), 0u);
  open(1, 76);  // 176 of 320: 144 free, 160 wanted
  run_for(1001);
  EXPECT_EQ(turned_away(20), 2u) << "160 / (160 - 144) = 10";
  run_for(1001);  // 194: 126 free
  EXPECT_EQ(turned_away(8), 2u) << "160 / (160 - 126) = 4";
}

TEST_P(Defending, TheOtherFamilysTableMakesNoShortage) {
  set([](Sysctls& sysctls) {
    sysctls.drop_packet = Defence::kWhenScarce;
    sysctls.amemthresh = 100;
  });
  open(1, 300);
  run_for(1001);
  EXPECT_GT(turned_away(5), 0u);
  const bool other_is_v4 = is_v6();
  const auto own_of = [&](const char* address) {
    return in_family(other_is_v4 ? AddressFamily::kIpv4 : AddressFamily::kIpv6, address);
  };
  const ServiceId other = lb.add_service(Protocol::kTcp, own_of("203.0.113.10"), 80, Method::kDirect);
  lb.add_real(other, own_of("10.0.0.1"), 80);
  lb.publish();
  for (uint16_t port = 1; port < 6; ++port) {
    const auto syn = a_packet().from(own_of("198.51.100.7"), port).to(own_of("203.0.113.10"), 80).tcp(kTcpSyn);
    EXPECT_EQ(lb.send(syn).summary(), "sent 1");
  }
}

TEST_P(Defending, DropEntryEndsAThirtySecondOfTheHalfOpenInASecond) {
  open(1, 320);
  set([](Sysctls& sysctls) { sysctls.drop_entry = Defence::kAlways; });
  run_for(999);
  EXPECT_EQ(dropped(), 10u);
  EXPECT_EQ(connections(), 310u);
  run_for(31000);
  EXPECT_EQ(connections(), 0u) << "each was looked at once in 32 seconds";
}

TEST_P(Defending, DropEntryEndsHalfOpenSctpToo) {
  lb.send(client(1).sctp(1));
  lb.send(client(2).sctp(1));
  lb.send(client(2).sctp(1));
  lb.send(client(3).sctp(1));
  lb.send(client(3).sctp(10));  // established
  set([](Sysctls& sysctls) { sysctls.drop_entry = Defence::kAlways; });
  run_for(33000);
  EXPECT_EQ(connections(), 1u);
  EXPECT_TRUE(lb.copy_of(client(3).sctp(1)));
}

// ip_vs_conn.c todrop_entry: all with one packet, every second with two, ..., none with more than eight.
TEST_P(Defending, DropEntryEndsTheIdleTheFewerPacketsTheLikelier) {
  for (uint16_t packets = 1; packets <= 9; ++packets) {
    for (uint16_t i = 0; i < 24; ++i) {
      for (uint16_t packet = 0; packet < packets; ++packet) lb.send(client(packets * 100 + i).udp());
    }
  }
  set([](Sysctls& sysctls) { sysctls.drop_entry = Defence::kAlways; });
  run_for(27000);
  EXPECT_EQ(dropped(), 0u) << "used less than a minute ago";
  lb.worker().now += 60000 - 27000;
  run_for(22000);  // once over the 216 entries that were ever used
  for (uint16_t packets = 1; packets <= 9; ++packets) {
    uint16_t left = 0;
    for (uint16_t i = 0; i < 24; ++i) left += lb.copy_of(client(packets * 100 + i).udp()).has_value();
    const int ended = packets == 9 ? 0 : 24 / packets;
    EXPECT_NEAR(24 - left, ended, 1) << packets;
  }
}

TEST_P(Defending, DropEntrySparesOtherStates) {
  open(1, 1);
  lb.send(client(1).tcp(kTcpFin | kTcpAck));
  ASSERT_NE(lb.copy_of(client(1).tcp(kTcpSyn))->state, ConnectionState::kSynRecv);
  set([](Sysctls& sysctls) { sysctls.drop_entry = Defence::kAlways; });
  run_for(33000);
  EXPECT_EQ(connections(), 1u);
}

TEST_P(Defending, DropEntryWhenScarceRestsWhileThereIsRoom) {
  set([](Sysctls& sysctls) { sysctls.drop_entry = Defence::kWhenScarce; });
  open(1, 280);  // 40 free, 32 wanted
  run_for(5000);
  EXPECT_EQ(dropped(), 0u);
  open(1000, 20);  // 20 free
  run_for(3000);
  EXPECT_GE(dropped(), 10u);
  const uint64_t before = dropped();
  run_for(40000);
  EXPECT_LT(dropped(), before + 20u) << "rests again";
  EXPECT_GE(connections(), 270u);
}

TEST_P(Defending, SecureTcpGoesByTheOtherTable) {
  open(1, 1);
  EXPECT_EQ(lb.copy_of(client(1).tcp(kTcpSyn))->state, ConnectionState::kSynRecv);
  set([](Sysctls& sysctls) { sysctls.secure_tcp = Defence::kAlways; });
  open(2, 1);
  EXPECT_EQ(lb.copy_of(client(2).tcp(kTcpSyn))->state, ConnectionState::kSynAck) << "input only: its SYN is answered";
  lb.send(client(2).tcp(kTcpAck));
  EXPECT_EQ(lb.copy_of(client(2).tcp(kTcpSyn))->state, ConnectionState::kEstablished);
  set([](Sysctls& sysctls) { sysctls.secure_tcp = Defence::kWhenScarce; });
  open(3, 1);
  EXPECT_EQ(lb.copy_of(client(3).tcp(kTcpSyn))->state, ConnectionState::kSynRecv);
}

TEST_P(Defending, UnderSecureTcpAClientsAckAloneEstablishesNothing) {
  const ServiceId nat = lb.add_service(Protocol::kTcp, at("203.0.113.11"), 80, Method::kNat);
  lb.add_real(nat, at("10.0.0.2"), 80);
  set([](Sysctls& sysctls) { sysctls.secure_tcp = Defence::kAlways; });
  const auto request = [](uint8_t flags) { return client(5).to(at("203.0.113.11"), 80).tcp(flags); };
  lb.send(request(kTcpSyn));
  lb.send(request(kTcpAck));
  EXPECT_EQ(lb.copy_of(request(kTcpSyn))->state, ConnectionState::kSynRecv);
  const auto reply = [](uint8_t flags) {
    return a_packet().from(at("10.0.0.2"), 80).to(at("198.51.100.7"), 5).to_mac(kInsideMac).tcp(flags);
  };
  lb.send(reply(kTcpSyn | kTcpAck), kInside);
  EXPECT_EQ(lb.copy_of(request(kTcpSyn))->state, ConnectionState::kSynAck);
  lb.send(request(kTcpAck));
  EXPECT_EQ(lb.copy_of(request(kTcpSyn))->state, ConnectionState::kSynAck);
  lb.send(reply(kTcpAck), kInside);
  EXPECT_EQ(lb.copy_of(request(kTcpSyn))->state, ConnectionState::kEstablished);
}

INSTANTIATE_TEST_SUITE_P(Families, Defending, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
