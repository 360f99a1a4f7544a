#include "dataplane/client_address/proxy_stream.h"

#include <functional>

#include "tests/dataplane/client_address/rig.h"
#include "tests/dataplane/icmp/errors.h"
#include "tests/support/fragmentation.h"

namespace shunt::dataplane {
namespace {

using namespace test;

// A service's way, and its header as the specification writes it.
class ProxyStream : public ClientAddressRig {
 protected:
  void serve_proxy(ClientAddressKind kind) {
    serve(Protocol::kTcp, {.kind = kind});
    header = kind == ClientAddressKind::kProxyV1 ? line() : binary(false);
    bytes = static_cast<uint32_t>(header.size());
  }
  // The client's packets as the real gets them, behind the header.
  PacketBuilder behind(uint8_t flags, uint32_t at, uint32_t acknowledges = kAnswers) const {
    return to_real().tcp(flags, kFirst + bytes + at, acknowledges);
  }
  static PacketBuilder said(PacketBuilder packet, uint8_t flags, uint32_t at, uint32_t acknowledges = kAnswers) {
    return packet.tcp(flags, kFirst + at, acknowledges);
  }
  // The segment that has the header alone.
  PacketBuilder told(uint8_t flags = kTcpAck | kTcpPsh, uint32_t acknowledges = kAnswers) const {
    return to_real().tcp(flags, kFirst, acknowledges).payload(header);
  }
  Outcome ack() { return send(said(client(), kTcpAck, 0)); }
  PacketBuilder heard(uint32_t header_and_data, uint8_t flags = kTcpAck, uint32_t at = kAnswers) const {
    return from_real().tcp(flags, at, kFirst + header_and_data);
  }
  PacketBuilder passed_on(uint32_t data, uint8_t flags = kTcpAck, uint32_t at = kAnswers) const {
    return to_client().tcp(flags, at, kFirst + data);
  }
  static PacketBuilder stamped(PacketBuilder packet) { return packet.tcp_options(stamps()); }
  // A frame of two, in the order in which they left.
  static void expect_both(const Outcome& outcome, const PacketBuilder& first, const PacketBuilder& second) {
    ASSERT_EQ(outcome.summary(), "sent 1, sent 1");
    for (const auto& [frame, expected] : {std::pair{outcome.sent[0], first}, std::pair{outcome.sent[1], second}}) {
      EXPECT_EQ(checksum_errors(frame.bytes), "") << describe(frame.bytes);
      EXPECT_EQ(describe(frame.bytes), describe(expected.bytes()));
      EXPECT_EQ(frame.bytes, expected.bytes());
    }
  }
  // A segment of our own has an identification of ours, and is not to be cut.
  PacketBuilder own(PacketBuilder packet) { return is_v6() ? packet : packet.id(next_id++).df(); }

  Bytes header;
  uint32_t bytes = 0;
  uint16_t next_id = 0;
};

class EitherVersion : public ProxyStream {
 protected:
  void in_both(const std::function<void()>& body) {
    for (const auto kind : {ClientAddressKind::kProxyV1, ClientAddressKind::kProxyV2}) {
      SCOPED_TRACE(name_of(kind));
      if (bytes == 0) {
        serve_proxy(kind);
      } else {
        lb.service(service).client_address.kind = kind;
        lb.publish();
        lb.advance(3600'000);  // the connection before is over
        header = binary(false);
        bytes = static_cast<uint32_t>(header.size());
      }
      body();
    }
  }
};

TEST_P(EitherVersion, HandshakesEndBecomesTheHeader) {
  in_both([&] {
    shake_hands();
    expect_sent(send(stamped(said(client(), kTcpAck, 0)).padded_to(80)), kInside, stamped(told()));
    // The real acknowledges it, of which the client hears nothing new.
    expect_sent(answer(stamped(heard(bytes))), kOutside, stamped(passed_on(0)));
    for (uint32_t at = 0; at < 40; at += 10) {
      expect_sent(send(stamped(said(client(), kTcpAck | kTcpPsh, at).payload("0123456789"))), kInside,
                  stamped(behind(kTcpAck | kTcpPsh, at).payload("0123456789")));
      expect_sent(answer(stamped(heard(bytes + at + 10).payload("answer"))), kOutside,
                  stamped(passed_on(at + 10).payload("answer")));
    }
  });
}

TEST_P(EitherVersion, DataComesBehindTheHeaderAtOnce) {
  in_both([&] {
    shake_hands();
    expect_sent(ack(), kInside, told());
    // Nobody missed anything: the header was sent a moment ago.
    expect_sent(send(said(client(), kTcpAck, 0).payload("GET")), kInside, behind(kTcpAck, 0).payload("GET"));
    expect_sent(send(said(client(), kTcpAck, 3).payload("more")), kInside, behind(kTcpAck, 3).payload("more"));
    expect_sent(answer(heard(bytes + 7)), kOutside, passed_on(7));
  });
}

TEST_P(EitherVersion, RealThatSpeaksFirstHasTheHeaderBefore) {
  in_both([&] {
    shake_hands();
    expect_sent(ack(), kInside, told());
    expect_sent(answer(heard(bytes).payload("220 ready")), kOutside, passed_on(0).payload("220 ready"));
    expect_sent(send(said(client(), kTcpAck, 0, kAnswers + 9)), kInside, behind(kTcpAck, 0, kAnswers + 9));
  });
}

TEST_P(EitherVersion, AcknowledgementThatWasLostIsSaidAgainByTheNext) {
  in_both([&] {
    shake_hands();
    for (int i = 0; i < 3; ++i) {
      expect_sent(ack(), kInside, told());
      // The real asks again, having heard nothing.
      expect_sent(answer(syn_ack()), kOutside, to_client().tcp(kTcpSyn | kTcpAck, kRealBegins, kFirst));
    }
    expect_sent(answer(heard(bytes)), kOutside, passed_on(0));
    expect_sent(send(said(client(), kTcpAck, 0)), kInside, behind(kTcpAck, 0));
  });
}

TEST_P(EitherVersion, DataThatIsSentAgainHasTheHeaderInFront) {
  in_both([&] {
    shake_hands();
    expect_sent(ack(), kInside, told());
    const auto data = [&] { return stamped(said(client(), kTcpAck | kTcpPsh, 0).payload("GET")); };
    const auto data_behind = [&] { return stamped(behind(kTcpAck | kTcpPsh, 0).payload("GET")); };
    expect_sent(send(data()), kInside, data_behind());
    // Both were lost: what the real says is what it said.
    expect_sent(answer(heard(0)), kOutside, passed_on(0));
    next_id = lb.worker().next_ip_id;
    for (int i = 0; i < 2; ++i) expect_both(send(data()), own(stamped(told())), data_behind());
    // The real has the header, but not what follows; then all.
    expect_sent(answer(heard(bytes)), kOutside, passed_on(0));
    expect_sent(send(data()), kInside, data_behind());
    expect_sent(answer(heard(bytes + 3)), kOutside, passed_on(3));
  });
}

TEST_P(EitherVersion, DataThatEndsTheHandshakeHasTheHeaderInFront) {
  in_both([&] {
    shake_hands();
    next_id = lb.worker().next_ip_id;
    // As after an acknowledgement that was lost before it came here; its FIN stays behind the data.
    const uint8_t flags = kTcpAck | kTcpPsh | kTcpFin;
    expect_both(send(said(client(), flags, 0).payload("bye")), own(told()), behind(flags, 0).payload("bye"));
    expect_sent(answer(heard(bytes + 4, kTcpAck | kTcpFin)), kOutside, passed_on(4, kTcpAck | kTcpFin));
    expect_sent(send(said(client(), kTcpAck, 4, kAnswers + 1)), kInside, behind(kTcpAck, 4, kAnswers + 1));
  });
}

TEST_P(EitherVersion, ClientThatHangsUpAtOnceSaysSoBehindTheHeader) {
  in_both([&] {
    shake_hands();
    expect_sent(ack(), kInside, told());
    expect_sent(send(said(client(), kTcpAck | kTcpFin, 0)), kInside, told(kTcpAck | kTcpPsh | kTcpFin));
    expect_sent(answer(heard(bytes + 1)), kOutside, passed_on(1));
  });
}

TEST_P(EitherVersion, LaterDataIsNotTakenForTheFirst) {
  in_both([&] {
    shake_hands();
    // Its beginning was lost, with the acknowledgement; it comes again, and the header with it.
    expect_sent(send(said(client(), kTcpAck, 3).payload("more")), kInside, behind(kTcpAck, 3).payload("more"));
    expect_sent(answer(heard(0)), kOutside, passed_on(0));
    next_id = lb.worker().next_ip_id;
    expect_both(send(said(client(), kTcpAck, 0).payload("GET")), own(told()), behind(kTcpAck, 0).payload("GET"));
  });
}

TEST_P(EitherVersion, PartOfTheHeaderIsNoDataOfTheClients) {
  in_both([&] {
    shake_hands();
    ack();
    for (uint32_t heard_of : {1u, bytes / 2, bytes - 1}) expect_sent(answer(heard(heard_of)), kOutside, passed_on(0));
    expect_sent(ack(), kInside, told());
  });
}

TEST_P(EitherVersion, SelectiveAcknowledgementsAreTheClients) {
  in_both([&] {
    shake_hands();
    ack();
    const auto blocks = [&](uint32_t add) {
      Bytes option = {1, 1, 5, 18};
      for (const uint32_t number : {kFirst + add + 10, kFirst + add + 20, kFirst + add + 30, kFirst + add + 0x7fff0000}) {
        for (int shift = 24; shift >= 0; shift -= 8) option.push_back(static_cast<uint8_t>(number >> shift));
      }
      return joined({stamps(), option});
    };
    // While the header is on its way, and afterwards; blocks cut off by a lie about their length are left.
    expect_sent(answer(heard(0).tcp_options(blocks(bytes))), kOutside, passed_on(0).tcp_options(blocks(0)));
    expect_sent(answer(heard(bytes + 5).tcp_options(blocks(bytes))), kOutside, passed_on(5).tcp_options(blocks(0)));
    const Bytes odd = {1, 5, 9, 0xff, 0xff, 0xff, 0xf5, 0, 0, 0, 1, 1};
    expect_sent(answer(heard(bytes + 5).tcp_options(odd)), kOutside, passed_on(5).tcp_options(odd));
    for (const Bytes& malformed : {Bytes{5, 1, 0, 0}, Bytes{5, 40, 0, 0}, Bytes{1, 1, 1, 5}, Bytes{0, 5, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0}}) {
      expect_sent(answer(heard(bytes + 5).tcp_options(malformed)), kOutside, passed_on(5).tcp_options(malformed));
    }
    // The real's data is numbered as it was: what the client says of it stays.
    expect_sent(send(said(client(), kTcpAck, 5).tcp_options(blocks(0))), kInside, behind(kTcpAck, 5).tcp_options(blocks(0)));
  });
}

TEST_P(EitherVersion, ResetsAreNumberedAsTheReceiverCounts) {
  in_both([&] {
    shake_hands();
    // The real has heard of nothing but the SYN.
    const auto reset = [&](PacketBuilder packet) { return packet.tcp(kTcpRst, kFirst, 0); };
    expect_sent(send(reset(client())), kInside, reset(to_real()));
  });
  lb.advance(3600'000);
  shake_hands();
  ack();
  expect_sent(answer(heard(bytes)), kOutside, passed_on(0));
  expect_sent(answer(from_real().tcp(kTcpRst, kAnswers, 0)), kOutside, to_client().tcp(kTcpRst, kAnswers, 0));
  expect_sent(send(client().tcp(kTcpRst, kFirst, 0)), kInside, to_real().tcp(kTcpRst, kFirst + bytes, 0));
}

TEST_P(EitherVersion, SynHasNoDataAndOpensNoOther) {
  in_both([&] {
    const Bytes mss = size_option(1460);
    const Bytes fast = {34, 10, 1, 2, 3, 4, 5, 6, 7, 8};
    const Bytes multi = {30, 4, 1, 0};
    const Bytes old_fast = {254, 4, 0xf9, 0x89};
    const auto options = joined({mss, fast, multi, {1, 1}, old_fast});
    const auto begun = client().tcp(kTcpSyn, kClientBegins).tcp_options(options).payload("GET early, and more");
    const Outcome outcome = send(begun);
    learn_local();
    expect_sent(outcome, kInside,
                to_real().tcp(kTcpSyn, kClientBegins).tcp_options(joined({mss, no_operations(20)})));
    EXPECT_EQ(answer(syn_ack()).summary(), "sent 0");
    // What it sent too early it sends again.
    next_id = lb.worker().next_ip_id;
    expect_both(send(said(client(), kTcpAck, 0).payload("GET early")), own(told()), behind(kTcpAck, 0).payload("GET early"));
  });
}

TEST_P(EitherVersion, FragmentedSynIsDropped) {
  serve_proxy(ClientAddressKind::kProxyV2);
  const auto fragments = fragments_of(client().tcp(kTcpSyn, kClientBegins).payload_of(800).bytes(), 600);
  EXPECT_EQ(lb.send_frame(fragments[0]).summary(), "dropped client_untold");
}

TEST_P(EitherVersion, FragmentsOfDataAreNumberedToo) {
  in_both([&] {
    shake_hands();
    ack();
    const auto long_one = [](PacketBuilder packet, uint32_t at) {
      return packet.tcp(kTcpAck, kFirst + at, kAnswers).payload_of(1400);
    };
    std::vector<Bytes> sent;
    for (const Bytes& fragment : fragments_of(long_one(client(), 0).bytes(), 1000)) {
      const Outcome outcome = lb.send_frame(fragment);
      ASSERT_EQ(outcome.summary(), "sent 1");
      sent.push_back(outcome.sent[0].bytes);
    }
    std::string trouble;
    EXPECT_EQ(put_together(sent, trouble), long_one(to_real(), bytes).bytes());
    EXPECT_EQ(trouble, "");
  });
}

TEST_P(EitherVersion, BrokenSegmentTellsNothingOfItsOwn) {
  in_both([&] {
    shake_hands();
    const auto place = l4_place() + 16;
    const auto broken = [&](PacketBuilder packet) {
      return packet.then([place](Bytes& frame) { frame[place] ^= 0x55; });
    };
    const Outcome alone = send(broken(said(client(), kTcpAck, 0).payload("GET")));
    ASSERT_EQ(alone.summary(), "sent 1");
    EXPECT_NE(checksum_errors(alone.sent[0].bytes), "");
    const Outcome became = send(broken(said(client(), kTcpAck, 0)));
    ASSERT_EQ(became.summary(), "sent 1");
    EXPECT_NE(checksum_errors(became.sent[0].bytes), "");
    next_id = lb.worker().next_ip_id;
    expect_both(send(said(client(), kTcpAck, 0).payload("GET")), own(told()), behind(kTcpAck, 0).payload("GET"));
  });
}

TEST_P(EitherVersion, ClientsOwnHeaderIsData) {
  in_both([&] {
    shake_hands();
    ack();
    const std::string forged = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n";
    expect_sent(send(said(client(), kTcpAck, 0).payload(forged)), kInside, behind(kTcpAck, 0).payload(forged));
  });
}

TEST_P(EitherVersion, ConnectionThatBeginsAnewHasAHeaderAgain) {
  serve_proxy(ClientAddressKind::kProxyV1);
  shake_hands();
  ack();
  answer(heard(bytes));
  // Client and real forgot the connection, which is established here.
  const uint32_t anew = kFirst + 100000;
  expect_sent(send(client().tcp(kTcpSyn, anew - 1)), kInside, to_real().tcp(kTcpSyn, anew - 1));
  expect_sent(answer(from_real().tcp(kTcpSyn | kTcpAck, 50, anew)), kOutside, to_client().tcp(kTcpSyn | kTcpAck, 50, anew));
  expect_sent(send(client().tcp(kTcpAck, anew, 51)), kInside, to_real().tcp(kTcpAck | kTcpPsh, anew, 51).payload(header));
  expect_sent(answer(from_real().tcp(kTcpAck, 51, anew + bytes)), kOutside, to_client().tcp(kTcpAck, 51, anew));
}

TEST_P(EitherVersion, SettledConnectionKeepsItsShiftWhateverTheServiceSays) {
  serve_proxy(ClientAddressKind::kProxyV1);
  shake_hands();
  ack();
  answer(heard(bytes));
  lb.service(service).client_address = {};
  lb.publish();
  expect_sent(send(said(client(), kTcpAck, 0).payload("x")), kInside, behind(kTcpAck, 0).payload("x"));
  expect_sent(answer(heard(bytes + 1)), kOutside, passed_on(1));
}

TEST_P(EitherVersion, ErrorsQuoteWhatTheClientSent) {
  in_both([&] {
    shake_hands();
    ack();
    const auto quoted_as = [&](const PacketBuilder& packet, size_t most) {
      return icmp_error(unreachable(is_v6()), quoted(packet, most));
    };
    for (const bool is_settled : {false, true}) {
      if (is_settled) answer(heard(bytes));
      for (const size_t most : {SIZE_MAX, size_t{is_v6() ? 48u : 28u}}) {
        const auto error = quoted_as(behind(kTcpAck, 0).payload("GET"), most).from(at("10.0.0.9")).to(at("10.0.0.100"));
        expect_sent(answer(PacketBuilder(error).to_mac(kInsideMac)), kOutside,
                    quoted_as(said(client(), kTcpAck, 0).payload("GET").ttl(63), most)
                        .from(at("203.0.113.10"))
                        .to(at("198.51.100.7"))
                        .ttl(63)
                        .from_mac(kOutsideMac)
                        .to_mac(kGatewayMac));
      }
    }
  });
}

TEST_P(EitherVersion, ConnectionWithoutAHandshakeIsNotTold) {
  serve_proxy(ClientAddressKind::kProxyV2);
  lb.set_sloppy_tcp(service);
  lb.publish();
  const Outcome outcome = send(said(client(), kTcpAck, 0).payload("x"));
  learn_local();
  expect_sent(outcome, kInside, said(to_real(), kTcpAck, 0).payload("x"));
  EXPECT_EQ(uncarried(), 1u);
}

TEST_P(EitherVersion, NoBufferIsADropThatTheClientRepairs) {
  serve_proxy(ClientAddressKind::kProxyV2);
  shake_hands();
  rte_mempool* const pool = lb.worker().pool;
  rte_mempool* const small = rte_pktmbuf_pool_create("no_buffers", 1, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  ASSERT_NE(small, nullptr);
  rte_mbuf* const last = rte_pktmbuf_alloc(small);
  lb.worker().pool = small;
  const auto data = said(client(), kTcpAck, 0).payload("GET");
  EXPECT_EQ(send(data).summary(), "dropped no_mbuf");
  lb.worker().pool = pool;
  rte_pktmbuf_free(last);
  rte_mempool_free(small);
  next_id = lb.worker().next_ip_id;
  const auto again = own(told());
  expect_both(send(data), again, behind(kTcpAck, 0).payload("GET"));
}

INSTANTIATE_TEST_SUITE_P(Families, EitherVersion, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
