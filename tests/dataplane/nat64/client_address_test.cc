// Reals of the other family are told who their clients are. In binary an IPv4 client is what IPv6 knows it as,
// ::ffff:198.51.100.7.
#include "tests/dataplane/nat64/rig.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class CrossingClientAddress : public CrossingRig {
 protected:
  static Bytes sixteen(std::string_view ipv4) {
    const IpAddress address = ip(at_client(ipv4));
    const auto bytes = address.mapped();
    return {bytes.begin(), bytes.end()};
  }
  static Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  }
};

TEST_P(CrossingClientAddress, ByToa) {
  serve(Protocol::kTcp, carried_by(ClientAddressKind::kToa));
  const Outcome opened = send(client().tcp(kTcpSyn, 100));
  learn_local(client().tcp(0));
  const Bytes option = joined({{254, 20, 40000 >> 8, 40000 & 0xff}, sixteen("198.51.100.7")});
  expect_sent(opened, kInside, to_real().tcp(kTcpSyn, 100));
  answer(from_real().tcp(kTcpSyn | kTcpAck, 500, 101));
  expect_sent(send(client().tcp(kTcpAck, 101, 501)), kInside, to_real().tcp(kTcpAck, 101, 501).tcp_options(option));
}

TEST_P(CrossingClientAddress, ByProxyProtocol) {
  serve(Protocol::kTcp, carried_by(ClientAddressKind::kProxyV1));
  open(client().tcp(kTcpSyn, 100));
  answer(from_real().tcp(kTcpSyn | kTcpAck, 500, 101));
  const std::string family = is_nat64() ? "TCP6" : "TCP4";
  const std::string line = "PROXY " + family + " " + at_client("198.51.100.7") + " " + at_client("203.0.113.10") + " 40000 80\r\n";
  // In a segment of its own, in front of the first data.
  const Outcome outcome = send(client().tcp(kTcpAck | kTcpPsh, 101, 501).payload("GET /"));
  ASSERT_EQ(outcome.summary(), "sent 1, sent 1");
  Outcome each;
  each.sent = {outcome.sent[0]};
  expect_sent(each, kInside, to_real().tcp(kTcpAck | kTcpPsh, 101, 501).payload(line));
  each.sent = {outcome.sent[1]};
  expect_sent(each, kInside, to_real().tcp(kTcpAck | kTcpPsh, 101 + static_cast<uint32_t>(line.size()), 501).payload("GET /"));
  expect_sent(answer(from_real().tcp(kTcpAck, 501, 106 + static_cast<uint32_t>(line.size())).payload("hello")), kOutside,
              to_client().tcp(kTcpAck, 501, 106).payload("hello"));
}

TEST_P(CrossingClientAddress, ByProxyProtocolInDatagrams) {
  serve(Protocol::kUdp, carried_by(ClientAddressKind::kProxyV2));
  const Outcome opened = send(client().udp().payload("query"));
  learn_local(client().udp());
  const Bytes header = joined({{13, 10, 13, 10, 0, 13, 10, 'Q', 'U', 'I', 'T', 10, 0x21, 0x22, 0, 36},
                               sixteen("198.51.100.7"), sixteen("203.0.113.10"), {40000 >> 8, 40000 & 0xff, 0, 80}, {'q', 'u', 'e', 'r', 'y'}});
  expect_sent(opened, kInside, to_real().udp().payload(header));
}

INSTANTIATE_TEST_SUITE_P(Ways, CrossingClientAddress, kBothWays, way_name);

}  // namespace
}  // namespace shunt::dataplane
