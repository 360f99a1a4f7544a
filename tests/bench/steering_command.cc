// What it costs to choose fullnat's local port, by how full the real's ends are; what a search without success takes at
// most; and what a reply costs that came to another worker and is handed off, beside one that came to its own: the
// price of a port without RSS that can be steered.
#include <rte_cycles.h>
#include <rte_ring.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/family.h"
#include "dataplane/local_ports.h"
#include "dataplane/packet_path.h"
#include "dataplane/setup/rss.h"
#include "dataplane/steering.h"
#include "tests/bench/bench_worker.h"
#include "tests/bench/commands.h"
#include "tests/bench/eal.h"
#include "tests/bench/packets.h"
#include "tests/bench/tables.h"

namespace shunt::bench {
namespace {

using namespace dataplane;

constexpr uint32_t kChoices = 1 << 15;

double ns(double cycles) { return cycles * 1e9 / static_cast<double>(rte_get_tsc_hz()); }

// One worker of several (or the only one), a pool and one real.
class Chooser {
 public:
  Chooser(uint32_t workers, uint32_t addresses)
      : steering_(workers > 1 ? std::make_unique<Steering>(make_rss_key({1}), 512, workers) : nullptr),
        ends_(addresses * (workers > 1 ? steering_->ports_of(0) : kLocalPorts)),
        worker_(ends_ + ends_ / 4) {
    worker_->count = workers;
    worker_->steering = steering_.get();
    for (uint32_t i = 0; i < addresses; ++i) addresses_.push_back(IpAddress::from_v4(Be32::from_host(0xc6120001 + i)));
    service_.local_addresses.v4 = addresses_;
  }

  uint32_t ends() const { return ends_; }

  // Takes every end and gives all but `share` of them back, in random order.
  void fill(double share) {
    std::vector<Connection*> open;
    while (open.size() < ends_) {
      Connection* connection = prepared();
      if (!choose_local<Ipv4>(*worker_, {service_.local_addresses.v4}, false, *connection)) give_up("a free local port was not found");
      connection->request.source = Be32::from_host(static_cast<uint32_t>(open.size()));
      connection->flags |= kConnectionTwoWay;
      connection->expires = UINT32_MAX / 2;
      if (!worker_->connections.insert(connection)) give_up("the connection table is too small");
      open.push_back(connection);
    }
    while (open.size() > static_cast<size_t>(share * ends_)) {
      std::swap(open[random_.below(static_cast<uint32_t>(open.size()))], open.back());
      worker_->connections.erase(open.back());
      open.pop_back();
    }
  }

  struct Figures {
    double ns = 0;
    double probes = 0;
    double refused = 0;
  };
  // Of one choice; nothing is opened, so the share of free ends stays.
  Figures choose() {
    Connection* connection = prepared();
    const FlowKey reply = connection->reply;
    const uint32_t turn = real().local_turn;
    Figures figures;
    uint64_t cycles = 0;
    for (uint32_t i = 0; i < kChoices; ++i) {
      if (i % kBurstSize == 0) ++worker_->now;
      connection->reply = reply;
      const uint64_t start = rte_rdtsc();
      const bool chosen = choose_local<Ipv4>(*worker_, {service_.local_addresses.v4}, false, *connection);
      cycles += rte_rdtsc() - start;
      if (!chosen) figures.refused += 1.0 / kChoices;
    }
    worker_->connections.release(connection);
    figures.ns = ns(static_cast<double>(cycles)) / kChoices;
    figures.probes = static_cast<double>(real().local_turn - turn) / kChoices;
    return figures;
  }

  // Microseconds of a burst of SYNs of which none finds an end, in a millisecond that has all its probes left.
  double longest_burst() {
    std::vector<double> bursts;
    Connection* connection = prepared();
    const FlowKey reply = connection->reply;
    for (int i = 0; i < 101; ++i) {
      ++worker_->now;
      const uint64_t start = rte_rdtsc();
      for (uint32_t syn = 0; syn < kBurstSize; ++syn) {
        connection->reply = reply;
        if (choose_local<Ipv4>(*worker_, {service_.local_addresses.v4}, false, *connection)) give_up("a local port was free that was taken");
      }
      bursts.push_back(ns(static_cast<double>(rte_rdtsc() - start)) / 1000);
    }
    worker_->connections.release(connection);
    return median(bursts);
  }

 private:
  RealCounters& real() { return worker_->real_counters[0]; }
  Connection* prepared() {
    Connection* connection = worker_->connections.allocate();
    if (connection == nullptr) give_up("the connection table is too small");
    connection->request.protocol = connection->reply.protocol = kIpProtocolTcp;
    connection->real = RealId{0};
    connection->reply.source = Be32::from_host(0xac100001);
    connection->reply.source_port = Be16::from_host(8080);
    return connection;
  }

  std::unique_ptr<Steering> steering_;
  uint32_t ends_;
  BenchWorker worker_;
  std::vector<IpAddress> addresses_;
  ServiceEntry service_;
  Random random_;
};

void report_choices(uint32_t workers, uint32_t addresses, double occupancy, Results& results) {
  Chooser chooser(workers, addresses);
  chooser.fill(occupancy);
  std::vector<Chooser::Figures> rounds;
  for (int round = 0; round < 6; ++round) rounds.push_back(chooser.choose());
  const auto of = [&](double Chooser::Figures::*figure) {
    std::vector<double> values;
    for (size_t i = 1; i < rounds.size(); ++i) values.push_back(rounds[i].*figure);
    return median(values);
  };
  const double each = of(&Chooser::Figures::ns);
  std::printf("choose a local port: %2u workers, %7u ends, %3.0f %% taken: %7.1f ns, %5.2f looked at, %.4f refused\n",
              workers, chooser.ends(), occupancy * 100, each, of(&Chooser::Figures::probes),
              of(&Chooser::Figures::refused));
  Row row("steering");
  row.add("what", "choose").add("workers", workers).add("ends", chooser.ends()).add("occupancy", occupancy);
  row.add("ns", each).add("probes", of(&Chooser::Figures::probes)).add("refused", of(&Chooser::Figures::refused));
  results.write(row);
}

void report_longest(uint32_t addresses, Results& results) {
  Chooser chooser(16, addresses);
  chooser.fill(1);
  const double us = chooser.longest_burst();
  std::printf("a burst of %u SYNs of which none finds one, %u ends: %.1f us\n", kBurstSize, chooser.ends(), us);
  results.write(Row("steering").add("what", "refused burst").add("ends", chooser.ends()).add("us", us));
}

// Two workers, connections of the first, and its replies, which come to it or to the other.
class HandOffRig {
 public:
  explicit HandOffRig(uint32_t connections)
      : tables_({.method = Method::kFullnat}),
        snapshot_(tables_.snapshot(1)),
        steering_(make_rss_key({1}), 512, 2),
        addresses_(1024),
        owner_(connections + connections / 4),
        other_(64) {
    for (const IpAddress& local : snapshot_.services[0].local_addresses.v4) {
      uint32_t slot = address_hash(local) & 1023;
      while (addresses_[slot].kinds != 0) slot = (slot + 1) & 1023;
      addresses_[slot] = {local, bit(AddressSlot::Kind::kLocal)};
    }
    snapshot_.addresses = addresses_;
    inbox_ = ring("inbox", RING_F_SC_DEQ);
    for (uint32_t i = 0; i < 2; ++i) {
      Worker& worker = i == 0 ? *owner_ : *other_;
      worker.index = i;
      worker.count = 2;
      worker.steering = &steering_;
      worker.inboxes[0] = inbox_;
    }
    open(connections);
  }
  ~HandOffRig() { rte_ring_free(inbox_); }

  // Cycles a packet, medians over bursts: at its own worker; at the other, which hands it off; then at its own.
  struct Cycles {
    double direct = 0;
    double handing = 0;
    double receiving = 0;
  };
  Cycles one_thread(uint32_t bursts) {
    std::vector<double> direct;
    std::vector<double> handing;
    std::vector<double> receiving;
    for (uint32_t i = 0; i < bursts; ++i) {
      put(*owner_, 0);
      direct.push_back(sent(*owner_));
      put(*other_, 0);
      handing.push_back(handed());
      receiving.push_back(received());
    }
    return {median(direct), median(handing), median(receiving)};
  }

  // The other worker on a CPU of its own: packets and ring cross from cache to cache. `direct` stays 0.
  Cycles two_threads(uint32_t bursts, int other_cpu) {
    std::vector<double> handing;
    std::vector<double> receiving;
    std::atomic<uint32_t> done{0};
    std::thread other([&] {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(other_cpu, &one);
      sched_setaffinity(0, sizeof one, &one);
      for (uint32_t i = 0; i < bursts; ++i) {
        // Few on their way, as between workers that keep up; each burst in buffers that came back long ago.
        while (i - done.load(std::memory_order_acquire) >= kOnTheWay) sched_yield();
        put(*other_, i % (2 * kOnTheWay));
        handing.push_back(handed());
      }
    });
    for (uint32_t i = 0; i < bursts; ++i) {
      while (rte_ring_count(inbox_) < kBurstSize) sched_yield();
      receiving.push_back(received());
      done.store(i + 1, std::memory_order_release);
    }
    other.join();
    return {0, median(handing), median(receiving)};
  }

 private:
  static constexpr uint32_t kOnTheWay = 4;

  static rte_ring* ring(const char* name, unsigned flags) {
    rte_ring* made = rte_ring_create(name, 4096, SOCKET_ID_ANY, flags);  // as setup/workers.cc's
    if (made == nullptr) give_up("no memory for a ring");
    return made;
  }

  void open(uint32_t connections) {
    for (uint32_t i = 0; i < connections; ++i) {
      const IpFlow flow = tables_.request(i);
      const FlowKey key{flow.source.v4(), flow.destination.v4(), flow.source_port, flow.destination_port, flow.protocol};
      at(*owner_, 0, buffers_.fill(0, key, kOurMac, kTcpSyn), false);
      owner_->burst.count = 1;
      sent(*owner_);
      const auto found = owner_->connections.find(key);
      if (found.entry == nullptr) give_up("a connection could not be made");
      found.entry->state = ConnectionState::kEstablished;
      replies_.push_back(found.entry->reply);
    }
  }

  static void at(Worker& worker, uint32_t position, rte_mbuf* mbuf, bool handed_off) {
    Packet& packet = worker.burst.packets[position];
    packet.mbuf = mbuf;
    packet.in_port = 0;
    packet.handed_off = handed_off;
  }

  // A burst of replies, in the buffers of that number.
  void put(Worker& worker, uint32_t buffers) {
    for (uint32_t i = 0; i < kBurstSize; ++i) {
      const FlowKey& reply = replies_[random_.below(static_cast<uint32_t>(replies_.size()))];
      at(worker, i, buffers_.fill(buffers * kBurstSize + i, reply, kOurMac, kTcpAck), false);
    }
    worker.burst.count = kBurstSize;
  }

  double sent(Worker& worker) {
    const uint64_t start = rte_rdtsc();
    packet_path(worker, snapshot_, worker.burst);
    const uint64_t cycles = rte_rdtsc() - start;
    if (worker.ports[0].tx_count != worker.burst.count) give_up("a packet did not leave");
    worker.ports[0].tx_count = 0;
    return static_cast<double>(cycles) / worker.burst.count;
  }

  double handed() {
    const uint64_t before = other_->counters.handed_off_packets.read();
    const uint64_t start = rte_rdtsc();
    packet_path(*other_, snapshot_, other_->burst);
    const uint64_t cycles = rte_rdtsc() - start;
    if (other_->counters.handed_off_packets.read() - before != kBurstSize) give_up("a reply was not handed off");
    return static_cast<double>(cycles) / kBurstSize;
  }

  // As worker.cc takes them in.
  double received() {
    rte_mbuf* mbufs[kBurstSize];
    const uint64_t start = rte_rdtsc();
    const uint32_t count = rte_ring_dequeue_burst(inbox_, reinterpret_cast<void**>(mbufs), kBurstSize, nullptr);
    for (uint32_t i = 0; i < count; ++i) rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void*));
    for (uint32_t i = 0; i < count; ++i) at(*owner_, i, mbufs[i], true);
    owner_->burst.count = count;
    const double taking_in = static_cast<double>(rte_rdtsc() - start) / kBurstSize;
    if (count != kBurstSize) give_up("a packet is missing from the inbox");
    return taking_in + sent(*owner_);
  }

  Tables tables_;
  Snapshot snapshot_;
  Steering steering_;
  std::vector<AddressSlot> addresses_;
  BenchWorker owner_;
  BenchWorker other_;
  rte_ring* inbox_ = nullptr;
  std::vector<FlowKey> replies_;
  Buffers buffers_{2 * kOnTheWay * kBurstSize};
  Random random_;
};

void report_hand_off(uint32_t connections, Results& results) {
  constexpr uint32_t kBursts = 20000;
  HandOffRig rig(connections);
  rig.one_thread(kBursts / 4);  // warms up
  const HandOffRig::Cycles one = rig.one_thread(kBursts);
  const auto tell = [&](const char* where, const HandOffRig::Cycles& cycles) {
    const double all = cycles.handing + cycles.receiving;
    std::printf("a handed-off reply, %u connections, %s: %.1f + %.1f ns, %.1f more than at its own worker (%.1f)\n",
                connections, where, ns(cycles.handing), ns(cycles.receiving), ns(all - one.direct), ns(one.direct));
    Row row("steering");
    row.add("what", "hand-off").add("threads", where).add("connections", connections);
    row.add("handing_ns", ns(cycles.handing)).add("receiving_ns", ns(cycles.receiving));
    row.add("direct_ns", ns(one.direct)).add("more_ns", ns(all - one.direct)).add("more_cycles", all - one.direct);
    results.write(row);
  };
  tell("one thread", one);
  const int other_cpu = sched_getcpu() == 0 ? 1 : 0;  // this thread is pinned
  if (std::thread::hardware_concurrency() < 2) return;
  rig.two_threads(kBursts / 4, other_cpu);
  tell("two threads", rig.two_threads(kBursts, other_cpu));
}

void run_steering(Results& results) {
  start_eal();
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // each line as it comes
  for (const uint32_t workers : {1u, 16u}) {
    for (const double occupancy : {0.0, 0.5, 0.9, 0.99}) report_choices(workers, workers == 1 ? 1 : 16, occupancy, results);
  }
  report_choices(1, 16, 0.5, results);  // a million ends: the table is beyond the caches
  report_longest(16, results);
  for (const uint32_t connections : {1000u, 1000000u}) report_hand_off(connections, results);
}

}  // namespace

void add_steering_command(CLI::App& app, Results& results) {
  CLI::App* command = app.add_subcommand("steering", "ns to choose fullnat's local port, and to hand a reply off");
  command->fallthrough();
  command->callback([&results] { run_steering(results); });
}

}  // namespace shunt::bench
