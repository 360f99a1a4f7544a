#include "dataplane/segment_size.h"

#include <gmock/gmock.h>

#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

constexpr uint16_t kMost = 1300;

class SegmentSize : public InBothFamilies {
 protected:
  void serve(Method method) {
    const ServiceId service = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, method);
    lb.add_local_address(service, at("10.0.0.100"));
    real = lb.add_real(service, at("10.0.0.1"), 8080);
    lb.limit_segment_size(kMost);
    lb.publish();
  }
  PacketBuilder syn(const Bytes& options) {
    return a_packet().from(at("198.51.100.7"), ++port).to(at("203.0.113.10"), 80).tcp(kTcpSyn).tcp_options(options);
  }
  PacketBuilder to_real(PacketBuilder packet) { return packet.ttl(63).from_mac(kInsideMac).to_mac(real_mac(real)); }
  static Bytes size_option(uint16_t size) {
    return {2, 4, static_cast<uint8_t>(size >> 8), static_cast<uint8_t>(size)};
  }
  static Bytes joined(std::vector<Bytes> parts) {
    Bytes all;
    for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  }

  WorkerFixture lb;
  RealId real;
  uint16_t port = 40000;
};

TEST_P(SegmentSize, LargerOnesAreLowered) {
  serve(Method::kDirect);
  const Bytes sack_allowed = {4, 2};
  const Bytes stamps = {8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
  // In front, behind others, at odd places, last, with nothing between.
  const auto around = [&](uint16_t size) {
    return std::vector<Bytes>{
        size_option(size),
        joined({size_option(size), {1, 1}, sack_allowed}),
        joined({sack_allowed, stamps, size_option(size)}),
        joined({{1}, size_option(size), {1, 1, 1}}),
        joined({{3, 3, 7}, size_option(size), {0}}),
        joined({{1, 1, 1}, size_option(size), {1}}),
    };
  };
  for (const uint16_t size : {kMost + 1, 1460, 8960, 65495, 65535}) {
    const auto before = around(size);
    const auto after = around(kMost);
    for (size_t i = 0; i < before.size(); ++i) {
      SCOPED_TRACE(testing::Message() << size << ", options " << i);
      const auto packet = syn(before[i]);
      expect_sent(lb.send(packet), kInside, to_real(PacketBuilder(packet).tcp_options(after[i])));
    }
  }
}

TEST_P(SegmentSize, SmallerOnesStay) {
  serve(Method::kDirect);
  for (const uint16_t size : {uint16_t{0}, uint16_t{1}, uint16_t{536}, kMost}) {
    const auto packet = syn(size_option(size));
    expect_sent(lb.send(packet), kInside, to_real(packet));
  }
}

TEST_P(SegmentSize, OddOptionsStayAsTheyAre) {
  serve(Method::kDirect);
  const std::vector<Bytes> odd = {
      {},
      {1, 1, 1, 1},
      {0, 2, 4, 0xff, 0xff, 0, 0, 0},  // behind the end
      {2, 3, 0xff, 1},                 // another length than its own
      {2, 5, 0xff, 0xff, 0xff, 1, 1, 1},
      {1, 1, 2, 4},  // cut off
      {1, 1, 1, 2},
      {5, 0, 2, 4, 0xff, 0xff, 1, 1},  // lengths that lead nowhere
      {5, 1, 2, 4, 0xff, 0xff, 1, 1},
      {5, 200, 2, 4, 0xff, 0xff, 1, 1},
  };
  for (const Bytes& options : odd) {
    SCOPED_TRACE(testing::PrintToString(options));
    const auto packet = syn(options).payload({0xff, 0xff, 0xff, 0xff});
    expect_sent(lb.send(packet), kInside, to_real(packet));
  }
}

TEST_P(SegmentSize, AnswersOfRealsAreLoweredUnderNatAndFullnat) {
  for (const Method method : {Method::kNat, Method::kFullnat}) {
    WorkerFixture own;
    const ServiceId service = own.add_service(Protocol::kTcp, at("203.0.113.10"), 80, method);
    own.add_local_address(service, at("10.0.0.100"));
    own.add_real(service, at("10.0.0.1"), 8080);
    own.limit_segment_size(kMost);
    own.publish();
    const auto packet = syn(size_option(1460));
    const Outcome request = own.send(packet);
    ASSERT_EQ(request.summary(), "sent 1");
    EXPECT_EQ(checksum_errors(request.sent[0].bytes), "");
    const auto copy = own.copy_of(packet);
    ASSERT_TRUE(copy);
    const auto answer = a_packet()
                            .from(at("10.0.0.1"), 8080)
                            .to(copy->reply.destination.to_string(), copy->reply.destination_port.host())
                            .to_mac(kInsideMac)
                            .tcp(kTcpSyn | kTcpAck)
                            .tcp_options(size_option(8960));
    expect_sent(own.send(answer, kInside), kOutside,
                a_packet()
                    .from(at("203.0.113.10"), 80)
                    .to(at("198.51.100.7"), port)
                    .tcp(kTcpSyn | kTcpAck)
                    .tcp_options(size_option(kMost))
                    .ttl(63)
                    .from_mac(kOutsideMac)
                    .to_mac(kGatewayMac));
  }
}

TEST_P(SegmentSize, OnlySynsAreLookedAt) {
  serve(Method::kDirect);
  lb.send(syn({}));
  const auto packet =
      a_packet().from(at("198.51.100.7"), port).to(at("203.0.113.10"), 80).tcp(kTcpAck).tcp_options(size_option(1460));
  expect_sent(lb.send(packet), kInside, to_real(packet));
}

TEST_P(SegmentSize, IsLeftAloneWhereNoneIsSet) {
  serve(Method::kDirect);
  lb.limit_segment_size(0);
  lb.publish();
  const auto packet = syn(size_option(8960));
  expect_sent(lb.send(packet), kInside, to_real(packet));
}

INSTANTIATE_TEST_SUITE_P(Families, SegmentSize, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
