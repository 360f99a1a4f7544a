#include "dataplane/client_address/datagrams.h"

#include "tests/dataplane/answers.h"
#include "tests/dataplane/client_address/rig.h"
#include "tests/dataplane/icmp/errors.h"
#include "tests/support/fragmentation.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class Datagrams : public ClientAddressRig {
 protected:
  void serve_uoa(UoaForm form, uint8_t packets = 3) {
    serve(Protocol::kUdp, {.kind = ClientAddressKind::kUoa, .uoa_form = form, .uoa_packets = packets});
  }
  void serve_proxy() { serve(Protocol::kUdp, {.kind = ClientAddressKind::kProxyV2}); }

  static PacketBuilder query(PacketBuilder packet) { return packet.udp().payload("query"); }
  Outcome first(const PacketBuilder& packet) {
    const Outcome outcome = send(packet);
    learn_local();
    return outcome;
  }
  // As DPVS's example reads it: protocol 248, whose header says that UDP follows behind the option. The datagram's checksum
  // is that of the datagram without it.
  PacketBuilder by_protocol(const PacketBuilder& datagram) const {
    const auto length = static_cast<uint8_t>(4 + uoa().size());
    const Bytes header = {static_cast<uint8_t>(is_v6() ? 0x20 : 0x10), 17, 0, length};
    const Bytes whole = datagram.ip_bytes();
    const Bytes udp(whole.begin() + (is_v6() ? 40 : 20), whole.end());
    return to_real().protocol(248).payload(joined({header, uoa(), udp}));
  }
  static Bytes uoa() {
    Bytes option = toa();
    option[0] = 0x1f;
    return option;
  }
  void expect_plain(const PacketBuilder& packet, const PacketBuilder& expected) { expect_sent(send(packet), kInside, expected); }
};

TEST_P(Datagrams, FirstPacketsTellInAHeaderOfTheirOwn) {
  serve_uoa(UoaForm::kProtocol);
  const Outcome outcome = first(query(client()));
  expect_sent(outcome, kInside, by_protocol(query(to_real())));
  for (int i = 0; i < 2; ++i) {
    const auto reply = [](PacketBuilder packet) { return packet.udp().payload("answer"); };
    expect_sent(answer(reply(from_real())), kOutside, reply(to_client()));
    expect_sent(send(query(client()).no_udp_checksum()), kInside, by_protocol(query(to_real()).no_udp_checksum()));
  }
  expect_plain(query(client()), query(to_real()));
  expect_sent(answer(from_real().udp().payload("later")), kOutside, to_client().udp().payload("later"));
  EXPECT_EQ(uncarried(), 0u);
}

TEST_P(Datagrams, AsManyPacketsTellAsTheServiceSays) {
  serve_uoa(UoaForm::kProtocol, 255);
  first(query(client()));
  for (int i = 1; i < 255; ++i) expect_sent(send(query(client())), kInside, by_protocol(query(to_real())));
  expect_plain(query(client()), query(to_real()));
}

TEST_P(Datagrams, FragmentsGoWithoutUoaAndAreCounted) {
  serve_uoa(UoaForm::kProtocol);
  first(query(client()));
  const auto long_one = [](PacketBuilder packet) { return packet.udp().payload_of(1400); };
  std::vector<Bytes> sent;
  for (const Bytes& fragment : fragments_of(long_one(client()).bytes(), 1000)) sent.push_back(lb.send_frame(fragment).sent.at(0).bytes);
  std::string trouble;
  EXPECT_EQ(put_together(sent, trouble), long_one(to_real()).bytes());
  EXPECT_EQ(uncarried(), 1u);
  // They were none of the three.
  expect_sent(send(query(client())), kInside, by_protocol(query(to_real())));
  expect_sent(send(query(client())), kInside, by_protocol(query(to_real())));
  expect_plain(query(client()), query(to_real()));
}

TEST_P(Datagrams, LargestDatagramFits) {
  for (const bool is_proxy : {false, true}) {
    SCOPED_TRACE(is_proxy);
    WorkerFixture own;
    const ServiceId id = own.add_service(Protocol::kUdp, at("203.0.113.10"), 80, Method::kFullnat);
    own.add_local_address(id, at("10.0.0.100"));
    own.add_real(id, at("10.0.0.1"), 8080);
    own.service(id).client_address.kind = is_proxy ? ClientAddressKind::kProxyV2 : ClientAddressKind::kUoa;
    own.publish();
    const size_t headers = is_v6() ? 48 : 28;
    const size_t added = is_proxy ? (is_v6() ? 52 : 28) : (is_v6() ? 24 : 12);
    const auto sized = [&](size_t ip_bytes) { return client().udp().payload_of(ip_bytes - headers).df(); };
    const Outcome outcome = own.send(sized(1500 - added));
    ASSERT_EQ(outcome.summary(), "sent 1");
    EXPECT_EQ(outcome.sent[0].bytes.size(), 14 + 1500u);
    const auto refused = answer_to(sized(1501 - added), Answer::kTooBig, static_cast<uint32_t>(1500 - added));
    expect_refused(own.send(sized(1501 - added)), refused);
  }
}

TEST_P(Datagrams, EveryDatagramHasAProxyHeader) {
  serve_proxy();
  const auto told = [&](PacketBuilder packet) {
    return packet.udp().payload(joined({binary(true), {'q', 'u', 'e', 'r', 'y'}}));
  };
  const Outcome outcome = first(query(client()));
  expect_sent(outcome, kInside, told(to_real()));
  for (int i = 0; i < 5; ++i) {
    expect_sent(answer(from_real().udp().payload("answer")), kOutside, to_client().udp().payload("answer"));
    expect_sent(send(query(client()).padded_to(90)), kInside, told(to_real()).padded_to(is_v6() ? 90 + 52 : 90 + 28));
  }
  expect_sent(send(query(client()).no_udp_checksum()), kInside, told(to_real()).no_udp_checksum());
  expect_sent(send(client().udp()), kInside, to_real().udp().payload(binary(true)));
}

TEST_P(Datagrams, FragmentsWithoutAProxyHeaderAreDropped) {
  serve_proxy();
  first(query(client()));
  for (const Bytes& fragment : fragments_of(client().udp().payload_of(2000).bytes(), 1000)) {
    EXPECT_EQ(lb.send_frame(fragment).summary(), "dropped client_untold");
  }
}

TEST_P(Datagrams, RoutersAreBelievedWithWhatTheHeaderTakes) {
  serve_proxy();
  first(query(client()));
  const auto told = to_real().udp().payload(joined({binary(true), Bytes(5)}));
  const auto error = icmp_error(too_big(is_v6()), quoted(told), 1400).from(at("10.0.0.9")).to(at("10.0.0.100")).to_mac(kInsideMac);
  const Outcome outcome = answer(error);
  ASSERT_EQ(outcome.summary(), "sent 0");
  EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
  const size_t rest = l4_place() + 4;
  EXPECT_EQ(outcome.sent[0].bytes.at(rest + 2) << 8 | outcome.sent[0].bytes.at(rest + 3), 1400 - (is_v6() ? 52 : 28));
}

INSTANTIATE_TEST_SUITE_P(Families, Datagrams, kBothFamilies, family_name);

using Ipv4Options = Datagrams;

TEST_P(Ipv4Options, FirstPacketsTellAmongThem) {
  serve_uoa(UoaForm::kOption);
  const Outcome outcome = first(query(client()));
  expect_sent(outcome, kInside, query(to_real()).ip_options(uoa()));
  const Bytes alert = {0x94, 4, 0, 0};
  expect_sent(send(query(client()).ip_options(alert)), kInside, query(to_real()).ip_options(joined({uoa(), alert})));
  expect_sent(send(query(client())), kInside, query(to_real()).ip_options(uoa()));
  expect_sent(send(query(client()).ip_options(alert)), kInside, query(to_real()).ip_options(alert));
  expect_sent(answer(from_real().udp().payload("answer")), kOutside, to_client().udp().payload("answer"));
}

TEST_P(Ipv4Options, FullHeaderGoesWithoutAndIsCounted) {
  serve_uoa(UoaForm::kOption);
  first(query(client()));
  expect_sent(send(query(client()).ip_options(no_operations(32))), kInside,
              query(to_real()).ip_options(joined({uoa(), no_operations(32)})));
  expect_sent(send(query(client()).ip_options(no_operations(36))), kInside, query(to_real()).ip_options(no_operations(36)));
  EXPECT_EQ(uncarried(), 1u);
}

TEST_P(Ipv4Options, WhatClientsForgeIsBlanked) {
  serve_uoa(UoaForm::kOption, 1);
  const Bytes forged = {0x1f, 8, 0, 80, 192, 0, 2, 1};
  const Bytes alert = {0x94, 4, 0, 0};
  const auto forging = [&](PacketBuilder packet) { return packet.ip_options(joined({{1}, forged, alert, {1, 1, 1}})); };
  const Bytes blanked = joined({no_operations(9), alert, {1, 1, 1}});
  const Outcome outcome = first(forging(query(client())));
  expect_sent(outcome, kInside, query(to_real()).ip_options(joined({uoa(), blanked})));
  for (int i = 0; i < 3; ++i) expect_sent(send(forging(query(client()))), kInside, query(to_real()).ip_options(blanked));
}

TEST_P(Ipv4Options, WhatClientsForgeIsBlankedBehindAHeaderOfItsOwn) {
  serve_uoa(UoaForm::kProtocol, 1);
  first(query(client()));
  const Bytes forged = {0x1f, 8, 0, 80, 192, 0, 2, 1};
  for (int i = 0; i < 3; ++i) {
    expect_sent(send(query(client()).ip_options(forged)), kInside, query(to_real()).ip_options(no_operations(8)));
  }
}

INSTANTIATE_TEST_SUITE_P(Families, Ipv4Options, testing::Values(AddressFamily::kIpv4), family_name);

}  // namespace
}  // namespace shunt::dataplane
