// Fragments that no honest sender makes, and too many of them: what is dropped, as what it is counted, and that others
// are served meanwhile.
#include <gmock/gmock.h>

#include <random>

#include "dataplane/fragments.h"
#include "tests/dataplane/fragment_rig.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class FragmentAttacks : public InBothFamilies {
 protected:
  std::string send(const Bytes& frame) { return rig.lb.send_frame(frame, kOutside).summary(); }
  std::string piece(size_t begin, size_t bytes, bool more, uint16_t id = 7) {
    return send(rig.piece(whole, begin, bytes, more, id));
  }
  static PacketBuilder client() { return a_packet().from(at("198.51.100.7"), 40000).to(at("203.0.113.10"), 80); }
  static Bytes tcp(uint8_t flags, size_t options = 0) {
    return client().tcp(flags).tcp_options(Bytes(options, 1)).payload_of(1200).bytes();
  }
  // From another sender, in order, and whole?
  bool is_served(const std::string& source, uint16_t id = 1) {
    const Bytes datagram = a_packet().from(source, 999).to(at("203.0.113.10"), 80).udp().payload_of(3000).bytes();
    std::vector<Bytes> fragments = rig.cut(datagram, 1280, id);
    bool all = true;
    for (const Bytes& each : fragments) all &= send(each) == "sent 1";
    return all;
  }

  FragmentRig rig{GetParam(), Method::kNat};
  Bytes whole = rig.request(3000).comes;
};

TEST_P(FragmentAttacks, OverlapsPoisonTheDatagram) {
  struct Attack {
    const char* name;
    size_t begin;
    size_t bytes;
    bool more;
  };
  const Attack table[] = {{"over the end of the first", 1192, 800, true},
                          {"over its header", 8, 1400, true},
                          {"longer than it, from the same place", 0, 1408, true},
                          {"an end before what came", 800, 100, false}};
  uint16_t id = 20;
  for (const Attack& attack : table) {
    SCOPED_TRACE(attack.name);
    EXPECT_EQ(piece(0, 1200, true, ++id), "sent 1");
    EXPECT_EQ(piece(attack.begin, attack.bytes, attack.more, id), "dropped fragment_overlap");
    EXPECT_EQ(piece(1200, 1200, true, id), "dropped fragment_overlap") << "the datagram will never be whole";
    EXPECT_EQ(piece(0, 1200, true, id), "dropped fragment_overlap");
    EXPECT_EQ(piece(2400, whole.size() - l4_place() - 2400, false, id), "dropped fragment_overlap");
    EXPECT_EQ(piece(0, 1200, true, static_cast<uint16_t>(id + 100)), "sent 1") << "another datagram";
  }
}

TEST_P(FragmentAttacks, PoisonIsForgottenWithTheDatagram) {
  EXPECT_EQ(piece(0, 1200, true), "sent 1");
  EXPECT_EQ(piece(8, 1200, true), "dropped fragment_overlap");
  rig.lb.advance(FragmentTable::kLifetimeMs - 1);
  EXPECT_EQ(piece(0, 1200, true), "dropped fragment_overlap");
  rig.lb.advance(1);
  EXPECT_EQ(piece(0, 1200, true), "sent 1");
}

TEST_P(FragmentAttacks, OverlapAmongThoseThatWaitIsNoticedWhenTheyGoOn) {
  EXPECT_EQ(piece(1200, 1200, true), "waits");
  EXPECT_EQ(piece(1600, 1200, true), "waits");
  EXPECT_EQ(piece(2400, 800, true), "waits");
  EXPECT_EQ(piece(0, 1200, true), "sent 1, handed to 0, handed to 0, handed to 0");
  EXPECT_EQ(rig.lb.serve_inbox(0).summary(), "sent 1, dropped fragment_overlap, dropped fragment_overlap");
}

TEST_P(FragmentAttacks, DuplicatesAreDroppedAlone) {
  EXPECT_EQ(piece(0, 1200, true), "sent 1");
  EXPECT_EQ(piece(0, 1200, true), "dropped fragment_duplicate");
  EXPECT_EQ(piece(400, 800, true), "dropped fragment_duplicate");
  EXPECT_EQ(piece(1200, 1200, true), "sent 1");
  EXPECT_EQ(piece(400, 1600, true), "dropped fragment_duplicate") << "within what came, whoever brought it";
  EXPECT_EQ(piece(2400, whole.size() - l4_place() - 2400, false), "sent 1");
}

TEST_P(FragmentAttacks, ImpossibleLengths) {
  EXPECT_EQ(piece(0, 1201, true), "dropped fragment_bad_length");
  EXPECT_EQ(piece(1200, 7, true), "dropped fragment_bad_length");
  EXPECT_EQ(piece(1200, 0, true), "dropped fragment_bad_length");
  EXPECT_EQ(piece(1200, 0, false), "dropped fragment_bad_length");
  // The last one of 65,536 bytes, headers that count included.
  const size_t header = is_v6() ? 0 : 20;
  Bytes beyond = rig.piece(whole, 0, 16, false, 9);
  const auto at_offset = [&](size_t begin) {
    const size_t place = is_v6() ? 56 : 20;
    const size_t field = is_v6() ? begin : begin / 8;
    beyond[place] = static_cast<uint8_t>(field >> 8);
    beyond[place + 1] = static_cast<uint8_t>(field);
    return rig.with_id(beyond, 9);
  };
  EXPECT_EQ(send(at_offset(((65535 - header - 16) / 8 + 1) * 8)), "dropped fragment_bad_length") << "one too many";
  EXPECT_EQ(send(at_offset(65528)), "dropped fragment_bad_length") << "the ping of death";
  EXPECT_EQ(send(at_offset((65535 - header - 16) / 8 * 8)), "waits");
}

TEST_P(FragmentAttacks, TinyFirstFragmentsPoisonTheDatagram) {
  whole = tcp(kTcpSyn);
  EXPECT_EQ(piece(0, 8, true, 1), "dropped fragment_tiny") << "ports without flags (RFC 1858)";
  EXPECT_EQ(piece(8, 800, true, 1), "dropped fragment_tiny");
  EXPECT_EQ(piece(0, 16, true, 2), "dropped fragment_tiny");
  EXPECT_EQ(piece(0, 24, true, 3), "sent 1");
  whole = tcp(kTcpSyn, 8);
  EXPECT_EQ(piece(0, 24, true, 4), "dropped fragment_tiny") << "options in the next one";
  EXPECT_EQ(piece(0, 32, true, 5), "sent 1");
  whole = rig.request(3000).comes;
  EXPECT_EQ(piece(0, 8, true, 6), "sent 1") << "UDP's header is whole";
}

// RFC 3128: flags at an offset of 8, before or behind the first one.
TEST_P(FragmentAttacks, FragmentsOverTheTcpHeaderPoisonTheDatagram) {
  whole = tcp(kTcpAck);
  for (const size_t begin : {8, 16}) {
    const auto id = static_cast<uint16_t>(10 + begin);
    EXPECT_EQ(piece(begin, 800, true, id), "dropped fragment_tiny");
    EXPECT_EQ(piece(0, 24, true, id), "dropped fragment_tiny");
  }
  EXPECT_EQ(piece(24, 800, true, 50), "waits");
}

TEST_P(FragmentAttacks, ImpossibleL4HeadersPoisonTheDatagram) {
  Bytes udp = rig.request(3000).comes;
  udp[l4_place() + 4] = 0;
  udp[l4_place() + 5] = 7;
  EXPECT_EQ(send(rig.piece(udp, 0, 1200, true, 1)), "dropped bad_l4_header");
  Bytes offset = tcp(kTcpAck);
  offset[l4_place() + 12] = 0x40;
  EXPECT_EQ(send(rig.piece(offset, 0, 800, true, 2)), "dropped bad_l4_header");
  EXPECT_EQ(send(rig.piece(offset, 800, 80, true, 2)), "dropped bad_l4_header");
}

TEST_P(FragmentAttacks, WithoutTheirFirstOneTheyWaitASecond) {
  EXPECT_EQ(piece(1200, 1200, true), "waits");
  EXPECT_EQ(rig.lb.advance(FragmentTable::kWaitMs - 1).summary(), "");
  EXPECT_EQ(piece(2400, 1200, true), "waits");
  EXPECT_EQ(rig.lb.advance(1).summary(), "dropped fragment_timeout");
  EXPECT_EQ(piece(0, 1200, true), "sent 1, handed to 0");
  EXPECT_EQ(rig.lb.serve_inbox(0).summary(), "sent 1");
}

TEST_P(FragmentAttacks, OneSendersWaitingFragmentsMakeRoomForOneAnother) {
  for (uint16_t id = 1; id <= 500; ++id) {
    for (const DropReason why : rig.lb.send_frame(rig.piece(whole, 1200, 1200, true, id)).dropped) {
      ASSERT_EQ(why, DropReason::kFragmentFlood);
    }
  }
  // The newest still wait.
  EXPECT_EQ(piece(0, 1200, true, 500), "sent 1, handed to 0");
  EXPECT_EQ(rig.lb.serve_inbox(0).summary(), "sent 1");
  const Outcome late = rig.lb.advance(FragmentTable::kWaitMs);
  EXPECT_LT(late.dropped.size(), FragmentTable::kPlacesOfRing);
  EXPECT_GT(late.dropped.size(), FragmentTable::kPlacesOfRing * 3 / 4);
  EXPECT_EQ(rig.lb.drops(DropReason::kFragmentFlood) + rig.lb.drops(DropReason::kFragmentTimeout), 499u);
}

// A flood of one sender's first fragments, whose rest never comes.
TEST_P(FragmentAttacks, OthersAreServedBesideAFlooder) {
  for (uint16_t id = 1; id <= 2000; ++id) ASSERT_EQ(piece(0, 1200, true, id), "sent 1");
  uint32_t served = 0;
  for (int i = 1; i <= 100; ++i) {
    const std::string source = at("198.51.100." + std::to_string(100 + i));
    ASSERT_EQ(send(rig.piece(a_packet().from(source, 999).to(at("203.0.113.10"), 80).udp().payload_of(3000).bytes(), 0,
                             1200, true, 77)),
              "sent 1");
  }
  for (uint16_t id = 3001; id <= 6000; ++id) ASSERT_EQ(piece(0, 1200, true, id), "sent 1");
  for (int i = 1; i <= 100; ++i) {
    const std::string source = at("198.51.100." + std::to_string(100 + i));
    served += send(rig.piece(a_packet().from(source, 999).to(at("203.0.113.10"), 80).udp().payload_of(3000).bytes(),
                             1200, 1200, true, 77)) == "sent 1";
  }
  // One in kGroups shares the flooder's places.
  EXPECT_GE(served, 88u);
  EXPECT_LT(served, 100u) << "nobody shared the flooder's group: the test shows nothing";
  EXPECT_TRUE(is_served(at("198.51.100.250"))) << "in order: even with the flooder";
}

TEST_P(FragmentAttacks, RandomFragmentsAreAllAccountedFor) {
  std::mt19937 random(20261126);
  uint64_t ended = 0;
  for (int i = 0; i < 30000; ++i) {
    const size_t begin = random() % 40 * 64;
    const size_t bytes = 8 + random() % 600;
    Bytes frame = rig.piece(whole, begin, std::min(bytes, whole.size() - l4_place() - begin), random() % 4 != 0,
                            static_cast<uint16_t>(random() % 64));
    for (uint32_t change = random() % 3; change > 0; --change)
      frame[12 + random() % std::min<size_t>(60, frame.size() - 12)] = static_cast<uint8_t>(random());
    Outcome outcome = rig.lb.send_frame(frame, random() % 8 == 0 ? kInside : kOutside);
    for (int turns = 0; turns < 4; ++turns) {
      ended += outcome.sent.size() + outcome.to_kernel.size() + outcome.dropped.size();
      outcome = rig.lb.serve_inbox(0);
    }
    if (i % 16 == 0) ended += rig.lb.advance(1 + random() % 200).dropped.size();
  }
  EXPECT_GT(ended, 29000u);  // the fixture finds those that were lost
}

TEST_P(FragmentAttacks, OfAServiceNobodyHasGoToTheKernelAllOfThem) {
  const auto to_nobody =
      a_packet().from(at("198.51.100.7"), 1).to(at("203.0.113.10"), 81).udp().payload_of(3000).bytes();
  const std::vector<Bytes> fragments = rig.cut(to_nobody, 1280, 3);
  EXPECT_EQ(send(fragments[1]), "waits");
  const Outcome first = rig.lb.send_frame(fragments[0], kOutside);
  EXPECT_EQ(first.summary(), "kernel 0, handed to 0");
  EXPECT_EQ(first.to_kernel[0].bytes, fragments[0]);
  const Outcome second = rig.lb.serve_inbox(0);
  ASSERT_EQ(second.summary(), "kernel 0");
  EXPECT_EQ(second.to_kernel[0].bytes, fragments[1]);
  EXPECT_EQ(send(fragments[2]), "kernel 0");
}

TEST_P(FragmentAttacks, OfStrangersGoToTheKernelAsTheyCome) {
  const auto to_us = a_packet().from(at("198.51.100.7"), 1).to(at("198.18.0.10"), 53).udp().payload_of(3000).bytes();
  for (const Bytes& each : rig.cut(to_us, 1280, 3)) {
    const Outcome outcome = rig.lb.send_frame(each, kOutside);
    ASSERT_EQ(outcome.summary(), "kernel 0");
    EXPECT_EQ(outcome.to_kernel[0].bytes, each);
  }
  // A real that talks to somebody else, its fragments in a row.
  const auto routed =
      a_packet().from(at("10.0.0.1"), 1).to(at("192.0.2.9"), 53).udp().to_mac(kInsideMac).payload_of(3000);
  for (const Bytes& each : rig.cut(routed.bytes(), 1280, 3)) {
    EXPECT_EQ(rig.lb.send_frame(each, kInside).summary(), "kernel 1");
  }
}

// The connection opens by its first fragment alone; what comes behind a first one that was turned away is, too.
TEST_P(FragmentAttacks, LaterFragmentsOpenNoConnection) {
  rig.lb.set_weight({0}, 0);
  rig.lb.set_weight({1}, 0);
  rig.lb.publish();
  EXPECT_THAT(piece(0, 1200, true), "sent 0, dropped no_real") << "answered: port unreachable";
  EXPECT_EQ(piece(1200, 1200, true), "dropped not_schedulable");
  EXPECT_EQ(rig.lb.connections(GetParam()), 0u);
}

INSTANTIATE_TEST_SUITE_P(Families, FragmentAttacks, kBothFamilies, family_name);

TEST(Ipv4Fragments, MayHaveOptions) {
  FragmentRig rig{AddressFamily::kIpv4, Method::kNat};
  const auto packet = [] {
    return a_packet().from("198.51.100.7", 40000).udp().payload_of(3000).ip_options({148, 4, 0, 0}).id(9);
  };
  std::vector<Bytes> left;
  for (const Bytes& each : fragments_of(packet().to("203.0.113.10", 80).bytes(), 1280)) {
    const Outcome outcome = rig.lb.send_frame(each);
    ASSERT_EQ(outcome.summary(), "sent 1");
    left.push_back(outcome.sent[0].bytes);
  }
  std::string trouble;
  const auto expected = packet().to("10.0.0.1", 8080).ttl(63).from_mac(kInsideMac).to_mac(real_mac(rig.real));
  EXPECT_EQ(put_together(left, trouble), expected.bytes()) << trouble;
}

class Ipv6Fragments : public testing::Test {
 protected:
  static PacketBuilder client() {
    return a_packet().from("2001:db8:ff::7", 40000).to(in_family(AddressFamily::kIpv6, "203.0.113.10"), 80);
  }
  static PacketBuilder with_fragment_header(PacketBuilder of, uint16_t field) {
    return of.extension(kIpv6Fragment, {static_cast<uint8_t>(field >> 8), static_cast<uint8_t>(field), 1, 2, 3, 4});
  }
  FragmentRig rig{AddressFamily::kIpv6, Method::kNat};
};

// RFC 6946: a fragment header with nothing missing is no fragment.
TEST_F(Ipv6Fragments, AtomicOnesAreWholePackets) {
  for (int i = 0; i < 3; ++i) {
    const auto packet = with_fragment_header(client().udp().payload("whole"), 0);
    expect_sent(
        rig.lb.send(packet), kInside,
        PacketBuilder(packet).to("2001:db8:1::1", 8080).ttl(63).from_mac(kInsideMac).to_mac(real_mac(rig.real)));
  }
  EXPECT_EQ(rig.lb.send(with_fragment_header(client().tcp(kTcpSyn), 0)).summary(), "sent 1");
  for (const Datagram& each : rig.lb.worker().fragments.datagrams) EXPECT_EQ(each.state, Datagram::State::kFree);
}

TEST_F(Ipv6Fragments, MayHaveHeadersInFrontAndBehind) {
  const auto packet = [&](uint16_t field) {
    return with_fragment_header(client().udp().payload_of(1200).extension(kIpv6HopByHop), field)
        .extension(kIpv6DestinationOptions);
  };
  const Outcome first = rig.lb.send(packet(0x0001));
  ASSERT_EQ(first.summary(), "sent 1");
  // Destination options, UDP's header and 1,200 bytes came; the rest names an extension header that it has not.
  EXPECT_EQ(rig.lb.send(packet(1216)).summary(), "sent 1");
  EXPECT_EQ(rig.lb.send(packet(0x0001)).summary(), "sent 1") << "the datagram was whole: this is another";
}

TEST_F(Ipv6Fragments, FirstOneWithoutAllHeadersIsTiny) {
  const auto cut_to = [](size_t payload) {
    return [payload](Bytes& frame) {
      frame.resize(54 + payload);
      frame[18] = 0;
      frame[19] = static_cast<uint8_t>(payload);
    };
  };
  const auto packet = [&] {
    return with_fragment_header(client().udp().payload_of(100), 1).extension(kIpv6DestinationOptions, Bytes(14, 0));
  };
  EXPECT_EQ(rig.lb.send(packet().then(cut_to(16))).summary(), "dropped fragment_tiny") << "options reach further";
  EXPECT_EQ(rig.lb.send(packet().then(cut_to(24))).summary(), "dropped fragment_tiny") << "options, no UDP";
  const auto other_id = [&](Bytes& frame) { cut_to(32)(frame), frame[60] = 0x77; };
  EXPECT_EQ(rig.lb.send(packet().then(other_id)).summary(), "sent 1");
}

TEST_F(Ipv6Fragments, OfOtherProtocolsGoToTheKernel) {
  EXPECT_EQ(rig.lb.send(with_fragment_header(client().icmp(128, 0).payload_of(1200), 1)).summary(), "kernel 0");
  EXPECT_EQ(rig.lb.send(with_fragment_header(client().icmp(128, 0).payload_of(1200), 1208)).summary(), "kernel 0");
  // Behind destination options: the first one tells.
  const auto hidden = [&](uint16_t field) {
    return with_fragment_header(client().icmp(128, 0).payload_of(1200), field).extension(kIpv6DestinationOptions);
  };
  EXPECT_EQ(rig.lb.send(hidden(1217)).summary(), "waits");
  EXPECT_EQ(rig.lb.send(hidden(1)).summary(), "kernel 0, handed to 0");
  EXPECT_EQ(rig.lb.serve_inbox(0).summary(), "kernel 0");
}

TEST_F(Ipv6Fragments, OfFragmentsAreMalformed) {
  EXPECT_EQ(rig.lb.send(with_fragment_header(with_fragment_header(client().udp(), 1), 1)).summary(),
            "dropped bad_extension_header");
}

}  // namespace
}  // namespace shunt::dataplane
