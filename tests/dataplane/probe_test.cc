#include "dataplane/probe.h"

#include <gmock/gmock.h>

#include "tests/support/eal.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

class Probe : public InBothFamilies {
 protected:
  void serve(Method method) {
    id = lb.add_service(Protocol::kTcp, at("203.0.113.10"), 80, method);
    for (const char* address : {"10.0.0.1", "10.0.0.2", "10.0.0.3"}) reals.push_back(lb.add_real(id, at(address), 80));
    lb.publish();
  }
  // What control makes of Linux's packet: from an own address to the VIP.
  static PacketBuilder probe() { return a_packet().from(at("10.0.0.254"), 50000).to(at("203.0.113.10"), 80).tcp(kTcpSyn); }
  // The frames that leave by the inside port.
  std::vector<Bytes> probe_at(RealId real, const PacketBuilder& packet) {
    rte_mbuf* mbuf = packet.build(mbuf_pool());
    set_probed(mbuf, real);
    send_probe(lb.worker(), lb.snapshot(), kOutside, mbuf);
    WorkerPort& port = lb.worker().ports[kInside];
    std::vector<Bytes> frames;
    for (uint32_t i = 0; i < port.tx_count; ++i) {
      const auto* data = rte_pktmbuf_mtod(port.tx[i], const uint8_t*);
      frames.emplace_back(data, data + rte_pktmbuf_data_len(port.tx[i]));
      rte_pktmbuf_free(port.tx[i]);
    }
    port.tx_count = 0;
    return frames;
  }

  WorkerFixture lb;
  ServiceId id;
  std::vector<RealId> reals;
};

TEST_P(Probe, GoesToTheRealThatItIsFor) {
  serve(Method::kDirect);
  for (const RealId real : reals) {
    const std::vector<Bytes> frames = probe_at(real, probe());
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0], probe().ttl(63).from_mac(kInsideMac).to_mac(real_mac(real)).bytes());
  }
  EXPECT_EQ(lb.connections(GetParam()), 0u);
  EXPECT_EQ(lb.counters(reals[0]).in_packets.read(), 0u) << "it is no client's";
}

TEST_P(Probe, IsWrappedUnderTunnel) {
  serve(Method::kTunnel);
  const std::vector<Bytes> frames = probe_at(reals[1], probe());
  ASSERT_EQ(frames.size(), 1u);
  const Bytes inner = probe().ttl(63).ip_bytes();
  const size_t outer = is_v6() ? 40 : 20;
  ASSERT_EQ(frames[0].size(), 14 + outer + inner.size());
  EXPECT_EQ(Bytes(frames[0].end() - static_cast<ptrdiff_t>(inner.size()), frames[0].end()), inner);
}

TEST_P(Probe, WaitsForNobodyAndGoesToNobodyElse) {
  serve(Method::kDirect);
  lb.unresolve(reals[0]);
  lb.publish();
  EXPECT_TRUE(probe_at(reals[0], probe()).empty());
  EXPECT_EQ(lb.worker().waiting.count, 0u);
  EXPECT_EQ(lb.drops(DropReason::kNoNeighbour), 1u);
  EXPECT_EQ(lb.resolve_requests().size(), 1u);
}

TEST_P(Probe, OfARealThatIsNoneOfThese) {
  serve(Method::kNat);
  EXPECT_TRUE(probe_at(reals[0], probe()).empty());
  EXPECT_TRUE(probe_at({4711}, probe()).empty());
  EXPECT_EQ(lb.drops(DropReason::kNoRealLeft), 2u);
}

TEST_P(Probe, ThatIsBroken) {
  serve(Method::kDirect);
  // Its TCP header says that it is longer than the packet.
  const auto broken = probe().then([](Bytes& frame) { frame[l4_place() + 12] = 0xf0; });
  EXPECT_TRUE(probe_at(reals[0], broken).empty());
}

INSTANTIATE_TEST_SUITE_P(Families, Probe, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
