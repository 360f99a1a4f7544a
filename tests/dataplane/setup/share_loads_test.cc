// Several workers, each with its own packets, connections and counts, told of each other as the control thread does.
#include "dataplane/setup/share_loads.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using test::a_packet;
using test::kOutside;
using test::PacketBuilder;
using test::WorkerFixture;

constexpr uint32_t kConnections = 10000;

class Node {
 public:
  Node(uint32_t workers, SchedulerKind scheduler, const std::vector<uint32_t>& weights)
      : workers_(workers), lb_(workers, 16384), told_(workers) {
    const ServiceId service = lb_.add_service(Protocol::kTcp, "203.0.113.10", 80, Method::kDirect, scheduler);
    for (size_t i = 0; i < weights.size(); ++i) {
      reals_.push_back(lb_.add_real(service, "10.0.0." + std::to_string(i + 1), 80, weights[i]));
    }
    for (uint32_t i = 0; i < workers; ++i) {
      told_[i] = std::vector<SharedLoad>(weights.size());
      lb_.worker(i).shared_loads = {told_[i].data(), workers, load_phase_of(i, workers)};
      sharers_.push_back({&lb_.worker(i), told_[i].data()});
    }
    lb_.publish();
  }

  void share() { share_loads(sharers_, reals_.back()); }
  // A new connection on a worker.
  void open(uint32_t worker) {
    const uint32_t client = clients_++;
    const std::string address = "198.51." + std::to_string(100 + client / 50000) + ".7";
    const PacketBuilder syn =
        a_packet().from(address, static_cast<uint16_t>(1024 + client % 50000)).to("203.0.113.10", 80).tcp(kTcpSyn);
    EXPECT_EQ(lb_.send(syn, kOutside, worker).summary(), "sent 1");
  }
  uint32_t workers() const { return workers_; }
  Worker& worker(uint32_t index) { return lb_.worker(index); }
  RealId real(size_t index) const { return reals_[index]; }
  // Connections that each real has got.
  std::vector<uint64_t> got() {
    std::vector<uint64_t> got(reals_.size());
    for (size_t real = 0; real < reals_.size(); ++real) {
      for (uint32_t i = 0; i < workers_; ++i) got[real] += lb_.counters(reals_[real], i).connections.read();
    }
    return got;
  }

 private:
  uint32_t workers_;
  WorkerFixture lb_;
  std::vector<std::vector<SharedLoad>> told_;
  std::vector<RealId> reals_;
  std::vector<Sharer> sharers_;
  uint32_t clients_ = 0;
};

// The largest distance from a weighted share, in percent of that share.
double worst_percent(const std::vector<uint64_t>& got, const std::vector<uint32_t>& weights) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  double worst = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double share = kConnections * weights[i] / sum;
    worst = std::max(worst, std::abs(static_cast<double>(got[i]) - share) / share * 100);
  }
  return worst;
}

TEST(ShareLoads, WorkersSpreadTenThousandConnectionsWithinTwoPercentOfTheWeights) {
  const std::vector<std::vector<uint32_t>> settings = {std::vector<uint32_t>(50, 1), {50, 1, 1}, {3, 2, 1}};
  for (const uint32_t workers : {2u, 4u, 8u}) {
    for (const std::vector<uint32_t>& weights : settings) {
      Node node(workers, SchedulerKind::kWlc, weights);
      std::mt19937 random(workers);
      for (uint32_t i = 0; i < kConnections; ++i) {
        // As often as the control thread does at a hundred thousand new connections a second.
        if (i % 1000 == 0) node.share();
        node.open(random() % workers);
      }
      EXPECT_LE(worst_percent(node.got(), weights), 2.0) << workers << " workers, " << weights.size() << " reals";
    }
  }
}

// Nearly all of the traffic comes to one worker, as with few clients behind one address.
TEST(ShareLoads, WorkersThatAreNotEquallyBusySpreadAsWell) {
  const std::vector<uint32_t> weights{5, 1, 1, 1};
  Node node(4, SchedulerKind::kWlc, weights);
  std::mt19937 random(3);
  for (uint32_t i = 0; i < kConnections; ++i) {
    if (i % 1000 == 0) node.share();
    node.open(random() % 10 == 0 ? random() % 4 : 2);
  }
  EXPECT_LE(worst_percent(node.got(), weights), 2.0);
}

TEST(ShareLoads, AWorkerIsToldWhatAllOthersHaveAndWhatItselfHad) {
  Node node(3, SchedulerKind::kLc, {1});
  const RealId real = node.real(0);
  for (const uint32_t worker : {0u, 1u, 1u, 2u, 2u, 2u}) node.open(worker);
  EXPECT_EQ(node.worker(0).loads().counts(real).active + node.worker(0).loads().counts(real).inactive, 1u);
  const uint32_t before = node.worker(0).loads_epoch;
  node.share();
  EXPECT_NE(node.worker(0).loads_epoch, before);
  for (uint32_t i = 0; i < 3; ++i) {
    const Counts known = node.worker(i).loads().counts(real);
    EXPECT_EQ(known.active + known.inactive, 6u);
    const Counts expected = node.worker(i).loads().expected(real);
    EXPECT_EQ(expected.active + expected.inactive, 6u);
  }
  // One more counts for one, and is taken for the third of three.
  node.open(0);
  const Counts known = node.worker(0).loads().counts(real);
  const Counts expected = node.worker(0).loads().expected(real);
  EXPECT_EQ(known.active + known.inactive, 7u);
  EXPECT_EQ(expected.active + expected.inactive, 9u);
}

TEST(ShareLoads, LagsOfARealsWorkersAreAllDifferent) {
  for (uint32_t workers = 2; workers <= kMaxWorkers; ++workers) {
    std::vector<SharedLoad> told(100);
    std::vector<RealCounters> own(100);
    for (uint32_t real = 0; real < 100; ++real) {
      std::vector<bool> seen(workers);
      for (uint32_t i = 0; i < workers; ++i) {
        const Loads loads(own.data(), {told.data(), workers, load_phase_of(i, workers)});
        const uint64_t lag = loads.expected({real}).lag;
        ASSERT_LT(lag, workers);
        EXPECT_FALSE(seen[lag]) << workers << " workers, real " << real;
        seen[lag] = true;
      }
    }
  }
}

// What a worker has is there, whatever it makes of the others.
TEST(ShareLoads, ExpectedIsNeverLessThanTheWorkersOwn) {
  std::vector<SharedLoad> told(1);
  std::vector<RealCounters> own(1);
  told[0].others = Counts{1, 0}.packed();
  told[0].own = Counts{10, 0}.packed();
  own[0].active = 4;
  const Loads loads(own.data(), {told.data(), 4, 0});
  EXPECT_EQ(loads.expected({0}).active, 4u);
  EXPECT_EQ(loads.counts({0}).active, 5u);
}

}  // namespace
}  // namespace shunt::dataplane
