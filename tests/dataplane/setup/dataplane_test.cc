// The whole dataplane on virtual devices, each test in a process of its own. net_ring0 is a wire whose both ends are
// one port: what leaves it comes back.
#include "dataplane/setup/dataplane.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <thread>

#include "dataplane/headers.h"
#include "dataplane/setup/instance.h"
#include "dataplane/setup/memory_needs.h"
#include "tests/support/dataplane_options.h"
#include "tests/support/own_process.h"

namespace shunt::dataplane {
namespace {

using testing::HasSubstr;
using Frame = std::vector<uint8_t>;

const MacAddress kOurs{{2, 0, 0, 0, 0, 1}};
// A group address, so that what is sent there comes back over the wire as Linux's.
const MacAddress kGroup{{3, 0, 0, 0, 0, 9}};

DataplaneOptions options_on(const std::vector<std::string>& devices, unsigned workers = 1) {
  DataplaneOptions options = test::options_on(devices, workers);
  for (PortOptions& port : options.ports) port.mac = kOurs;
  return options;
}

// Polls until `wanted` or two seconds have passed.
bool within_two_seconds(const std::function<bool()>& wanted) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (std::chrono::steady_clock::now() < end) {
    if (wanted()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return wanted();
}

std::vector<Frame> take(Dataplane& dataplane, size_t count) {
  std::vector<Frame> frames;
  within_two_seconds([&] {
    dataplane.take_kernel_frames(0, [&](const uint8_t* data, size_t bytes) { frames.emplace_back(data, data + bytes); });
    return frames.size() >= count;
  });
  return frames;
}

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

uint16_t ipv4_checksum(const Ipv4Header& header) {
  uint32_t sum = 0;
  for (size_t i = 0; i < sizeof(header); i += 2) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&header) + i;
    sum += static_cast<uint32_t>(bytes[0] << 8 | bytes[1]);
  }
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

// A UDP packet for 10.9.9.9:53 from a client's port, without a UDP checksum.
Frame datagram(uint16_t client_port) {
  Frame frame(sizeof(EthernetHeader) + sizeof(Ipv4Header) + sizeof(UdpHeader) + 4);
  auto* ethernet = reinterpret_cast<EthernetHeader*>(frame.data());
  ethernet->destination = kOurs;
  ethernet->type = kEtherTypeIpv4;
  auto* header = reinterpret_cast<Ipv4Header*>(ethernet + 1);
  frame[sizeof(EthernetHeader)] = 0x45;
  header->total_length = Be16::from_host(static_cast<uint16_t>(frame.size() - sizeof(EthernetHeader)));
  header->ttl = 64;
  header->protocol = kIpProtocolUdp;
  header->source = ip("192.0.2.7").v4();
  header->destination = ip("10.9.9.9").v4();
  header->checksum = Be16::from_host(ipv4_checksum(*header));
  auto* udp = reinterpret_cast<UdpHeader*>(header + 1);
  udp->source_port = Be16::from_host(client_port);
  udp->destination_port = Be16::from_host(53);
  udp->length = Be16::from_host(12);
  return frame;
}

// The same for [2001:db8:9::9]:53. IPv6's UDP may be without a checksum in tunnels alone; nobody here looks at it.
Frame datagram6(uint16_t client_port) {
  Frame frame(sizeof(EthernetHeader) + sizeof(Ipv6Header) + sizeof(UdpHeader) + 4);
  auto* ethernet = reinterpret_cast<EthernetHeader*>(frame.data());
  ethernet->destination = kOurs;
  ethernet->type = kEtherTypeIpv6;
  auto* header = reinterpret_cast<Ipv6Header*>(ethernet + 1);
  *header = {Be32::from_host(0x60000000), Be16::from_host(12), kIpProtocolUdp, 64, ip("2001:db8:2::7").bytes,
             ip("2001:db8:9::9").bytes};
  *reinterpret_cast<UdpHeader*>(header + 1) = {Be16::from_host(client_port), Be16::from_host(53), Be16::from_host(12),
                                               {}};
  return frame;
}

// A UDP service on 10.9.9.9:53 with one real, 10.1.0.5:5353, by nat, and its like of IPv6.
struct Tables {
  std::vector<RealEntry> reals{2};
  std::vector<Candidate> candidates{{.id = {0}, .weight = 1}, {.id = {1}, .weight = 1}};
  std::vector<ServiceEntry> services{2};
  std::vector<ServiceSlot> slots{4};
  std::vector<TimeoutSet> timeouts{kDefaultTimeoutsMs};
  std::vector<NextHop> hops{1};
  int* freed = nullptr;
  ~Tables() {
    if (freed != nullptr) ++*freed;
  }
};

std::unique_ptr<const Snapshot> snapshot(uint64_t version, int* freed = nullptr) {
  auto tables = std::make_shared<Tables>();
  tables->freed = freed;
  tables->hops[0] = {{kGroup, kOurs, 0, 1500}, ip("10.1.0.254"), ip("10.1.0.1"), true};
  tables->reals[0] = RealEntry{.address = ip("10.1.0.5"), .port = Be16::from_host(5353), .next_hop = {0}, .service = {0}};
  tables->reals[1] = tables->reals[0];
  tables->reals[1].address = ip("2001:db8:3::5");
  tables->reals[1].service = {1};
  const IpAddress vips[] = {ip("10.9.9.9"), ip("2001:db8:9::9")};
  for (uint32_t i = 0; i < 2; ++i) {
    tables->reals[i].take_way_out(tables->hops[0], true);
    tables->services[i] = {.id = {i}, .address = vips[i], .port = Be16::from_host(53), .protocol = kIpProtocolUdp,
                           .scheduler = SchedulerKind::kRr,
                           .candidates = std::span(tables->candidates).subspan(i, 1)};
    uint32_t slot = service_hash(kIpProtocolUdp, vips[i], Be16::from_host(53)) & 3;
    while (tables->slots[slot].protocol != 0) slot = (slot + 1) & 3;
    tables->slots[slot] = {vips[i], Be16::from_host(53), kIpProtocolUdp, i};
  }
  auto made = std::make_unique<Snapshot>();
  made->version = version;
  made->reals = tables->reals;
  made->services = tables->services;
  made->service_slots = tables->slots;
  made->timeouts = tables->timeouts;
  made->next_hops.hops = tables->hops;
  made->link_up.fill(true);
  made->storage.push_back(tables);
  return made;
}

std::unique_ptr<Dataplane> started(const DataplaneOptions& options) {
  auto dataplane = Dataplane::start(options);
  EXPECT_TRUE(dataplane) << dataplane.error().message;
  return dataplane ? std::move(*dataplane) : nullptr;
}

TEST(Dataplane, StartsPollsAndLeavesNothing) {
  if (test::ran_in_own_process()) return;
  const DataplaneOptions options = options_on({"net_null0,no-rx=1", "net_null1,no-rx=1"}, 2);
  {
    const auto dataplane = started(options);
    ASSERT_EQ(dataplane->ports().size(), 2u);
    EXPECT_EQ(dataplane->ports()[1].name, "p1");
    EXPECT_EQ(dataplane->ports()[1].driver, "net_null");
    EXPECT_EQ(dataplane->ports()[1].queues, 2);
    ASSERT_EQ(dataplane->workers().size(), 2u);
    EXPECT_EQ(dataplane->workers()[1].lcore, 2u);
    EXPECT_EQ(dataplane->workers()[1].connection_capacity, 4096u);
    EXPECT_EQ(dataplane->workers()[1].ipv6_connection_capacity, 2048u);
    EXPECT_EQ(dataplane->workers()[1].table_bytes, table_bytes(options));
    for (uint32_t worker : {0u, 1u}) {
      EXPECT_TRUE(within_two_seconds([&] { return dataplane->worker_counters(worker).polls.read() > 10; }));
    }
    EXPECT_TRUE(std::filesystem::exists(runtime_folder(options.file_prefix)));
  }
  EXPECT_FALSE(std::filesystem::exists(runtime_folder(options.file_prefix)));
}

TEST(Dataplane, EveryReplacedSnapshotIsFreedAndTheLastAtTheEnd) {
  if (test::ran_in_own_process()) return;
  int freed = 0;
  {
    const auto dataplane = started(options_on({"net_null0,no-rx=1"}, 2));
    for (int version = 1; version <= 200; ++version) {
      dataplane->publish(snapshot(static_cast<uint64_t>(version), &freed));
      EXPECT_EQ(freed, version - 1);
    }
    for (uint32_t worker : {0u, 1u}) {
      EXPECT_TRUE(within_two_seconds([&] { return dataplane->worker_counters(worker).snapshot_version.read() == 200; }));
    }
  }
  EXPECT_EQ(freed, 200);
}

TEST(Dataplane, KernelFramesGoOutAndComeIn) {
  if (test::ran_in_own_process()) return;
  const auto dataplane = started(options_on({"net_ring0"}, 2));
  Frame arp(60, 0xab);
  std::fill_n(arp.begin(), 6, 0xff);
  arp[12] = 0x08;
  arp[13] = 0x06;
  ASSERT_TRUE(dataplane->send_frame(0, arp.data(), arp.size()));
  EXPECT_THAT(take(*dataplane, 1), testing::ElementsAre(arp));
  EXPECT_FALSE(dataplane->send_frame(1, arp.data(), arp.size())) << "there is no such port";
  const Frame giant(20000, 0xff);
  EXPECT_FALSE(dataplane->send_frame(0, giant.data(), giant.size())) << "larger than an mbuf";
}

TEST(Dataplane, APortWithoutAKernelPortDropsWhatIsNotOurs) {
  if (test::ran_in_own_process()) return;
  DataplaneOptions options = options_on({"net_null0"});
  options.ports[0].kernel_port = false;
  const auto dataplane = started(options);
  const Counter& dropped = dataplane->worker_counters(0).drops[static_cast<size_t>(DropReason::kNoKernelPort)];
  EXPECT_TRUE(within_two_seconds([&] { return dropped.read() > 0; }));
  const Frame frame(60, 0xff);
  EXPECT_FALSE(dataplane->send_frame(0, frame.data(), frame.size()));
  EXPECT_EQ(dataplane->take_kernel_frames(0, [](const uint8_t*, size_t) { FAIL(); }), 0u);
}

TEST(Dataplane, ConnectionsAreCopiedCountedAndFlushed) {
  if (test::ran_in_own_process()) return;
  constexpr size_t kConnections = 1500;  // more than one mailbox turn copies
  const auto dataplane = started(options_on({"net_ring0"}, 1));
  dataplane->publish(snapshot(1));
  std::vector<Frame> left;
  for (uint16_t i = 0; i < kConnections; ++i) {
    const Frame frame = datagram(static_cast<uint16_t>(1024 + i));
    ASSERT_TRUE(within_two_seconds([&] { return dataplane->send_frame(0, frame.data(), frame.size()); }));
    if (i % 100 == 99) {
      for (Frame& each : take(*dataplane, 100)) left.push_back(std::move(each));
    }
  }
  ASSERT_EQ(left.size(), kConnections);
  const auto* header = reinterpret_cast<const Ipv4Header*>(left[0].data() + sizeof(EthernetHeader));
  EXPECT_EQ(header->destination, ip("10.1.0.5").v4());
  EXPECT_EQ(dataplane->real_counters(0, {0}).in_packets.read(), kConnections);
  EXPECT_EQ(dataplane->real_counters(0, {0}).inactive.load(), kConnections);

  std::vector<bool> seen(kConnections);
  dataplane->for_each_connection([&](const ConnectionCopy& copy) {
    const size_t index = copy.request.source_port.host() - 1024u;
    EXPECT_FALSE(seen.at(index)) << "copied twice";
    seen.at(index) = true;
    EXPECT_EQ(copy.worker, 0u);
    EXPECT_GT(copy.expires_in_ms, 290000);
    EXPECT_LE(copy.expires_in_ms, 300000);
    return true;
  });
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), static_cast<long>(kConnections));
  int calls = 0;
  dataplane->for_each_connection([&](const ConnectionCopy&) { return ++calls < 3; });
  EXPECT_EQ(calls, 3) << "the sink stops it";

  EXPECT_EQ(dataplane->flush_connections({7}), 0u);
  EXPECT_EQ(dataplane->flush_connections({0}), kConnections);
  EXPECT_EQ(dataplane->real_counters(0, {0}).inactive.load(), 0u);
  dataplane->for_each_connection([](const ConnectionCopy&) {
    ADD_FAILURE() << "a connection is left";
    return false;
  });
}

// Copies and flushes walk both tables.
TEST(Dataplane, ConnectionsOfBothFamiliesAreCopiedCountedAndFlushed) {
  if (test::ran_in_own_process()) return;
  constexpr uint16_t kOfEach = 700;
  const auto dataplane = started(options_on({"net_ring0"}, 1));
  dataplane->publish(snapshot(1));
  size_t left = 0;
  for (uint16_t i = 0; i < kOfEach; ++i) {
    for (const Frame& frame : {datagram(static_cast<uint16_t>(1024 + i)), datagram6(static_cast<uint16_t>(1024 + i))}) {
      ASSERT_TRUE(within_two_seconds([&] { return dataplane->send_frame(0, frame.data(), frame.size()); }));
    }
    if (i % 50 == 49) left += take(*dataplane, 100).size();
  }
  ASSERT_EQ(left, size_t{2} * kOfEach);
  EXPECT_TRUE(within_two_seconds([&] { return dataplane->worker_counters(0).ipv6_connections.read() == kOfEach; }));
  EXPECT_EQ(dataplane->worker_counters(0).connections.read(), kOfEach);

  std::set<std::pair<std::string, uint16_t>> seen;
  dataplane->for_each_connection([&](const ConnectionCopy& copy) {
    EXPECT_EQ(copy.real, RealId{copy.request.source.is_v4() ? 0u : 1u});
    EXPECT_TRUE(seen.emplace(copy.request.source.to_string(), copy.request.source_port.host()).second);
    return true;
  });
  EXPECT_EQ(seen.size(), size_t{2} * kOfEach);
  EXPECT_TRUE(seen.contains({"2001:db8:2::7", 1024 + kOfEach - 1}));

  EXPECT_EQ(dataplane->flush_connections({1}), kOfEach);
  dataplane->for_each_connection([&](const ConnectionCopy& copy) {
    EXPECT_TRUE(copy.request.source.is_v4());
    return true;
  });
  EXPECT_EQ(dataplane->flush_connections({0}), kOfEach);
  EXPECT_EQ(dataplane->flush_connections({1}), 0u);
}

TEST(Dataplane, UnknownNeighboursAreAskedFor) {
  if (test::ran_in_own_process()) return;
  const auto dataplane = started(options_on({"net_ring0"}));
  struct Unresolved {
    std::vector<RealEntry> reals{1};
    std::vector<NextHop> hops{1};
    std::vector<RouteInterval> routes{{0, NextHopId{0}, 0}};
  };
  auto tables = std::make_shared<Unresolved>();
  tables->reals[0] = RealEntry{.address = ip("10.1.0.5"), .port = Be16::from_host(5353), .service = {0}};
  tables->hops[0].address = ip("10.1.0.1");
  auto unresolved = std::make_unique<Snapshot>(*snapshot(1));
  unresolved->reals = tables->reals;
  unresolved->next_hops.hops = tables->hops;
  unresolved->next_hops.routes = tables->routes;
  unresolved->storage.push_back(tables);
  dataplane->publish(std::move(unresolved));
  const Frame frame = datagram(2000);
  ASSERT_TRUE(dataplane->send_frame(0, frame.data(), frame.size()));
  ResolveRequest requests[4];
  size_t count = 0;
  EXPECT_TRUE(within_two_seconds([&] { return (count = dataplane->take_resolve_requests(requests, 4)) > 0; }));
  EXPECT_EQ(requests[0].address, ip("10.1.0.1"));
  EXPECT_EQ(requests[0].port, 0);
  // Resolved in time, the packet leaves after all.
  dataplane->publish(snapshot(2));
  EXPECT_EQ(take(*dataplane, 1).size(), 1u);
}

// What Dataplane::start answers.
std::string refusal(const DataplaneOptions& options, ErrorCode code) {
  const auto dataplane = Dataplane::start(options);
  if (dataplane) return "started";
  EXPECT_EQ(dataplane.error().code, code) << dataplane.error().message;
  return dataplane.error().message;
}

TEST(Dataplane, WhatCannotWorkIsRefusedBeforeEalStarts) {
  if (test::ran_in_own_process()) return;
  DataplaneOptions options = options_on({"net_null0"});
  options.connections_per_worker = 64000000;
  EXPECT_THAT(refusal(options, ErrorCode::kNoMemory), HasSubstr("dpdk.memory_mb is 256"));
  options = options_on({"net_null0"});
  options.ipv6_connections_per_worker = 32000000;
  EXPECT_THAT(refusal(options, ErrorCode::kNoMemory), HasSubstr("dpdk.memory_mb is 256"));
  options = options_on({"net_null0"});
  options.lcores = "0,1@999";
  EXPECT_THAT(refusal(options, ErrorCode::kInvalid), HasSubstr("CPU 999"));
  EXPECT_THAT(refusal(options_on({"net_af_packet0,iface=nowhere0"}), ErrorCode::kNotFound), HasSubstr("nowhere0"));
  EXPECT_THAT(refusal(options_on({"ffff:01:00.0"}), ErrorCode::kNotFound), HasSubstr("no PCI device ffff:01:00.0"));
  EXPECT_THAT(refusal(options_on({}), ErrorCode::kInvalid), HasSubstr("ports"));
  auto other = Instance::take(options_on({}).file_prefix);
  ASSERT_TRUE(other);
  EXPECT_THAT(refusal(options_on({"net_null0"}), ErrorCode::kConflict), HasSubstr("in use by another shuntd"));
  // None of them used up the one start.
  { const Instance released = std::move(*other); }
  EXPECT_NE(started(options_on({"net_null0,no-rx=1"})), nullptr);
}

TEST(Dataplane, TheMemoryThatItAsksForIsEnough) {
  if (test::ran_in_own_process()) return;
  DataplaneOptions options = options_on({"net_ring0", "net_null1", "net_null2"}, 3);
  options.connections_per_worker = 200000;
  options.ipv6_connections_per_worker = 100000;
  options.mbufs = 32768;
  options.memory_mb = static_cast<uint32_t>((memory_needs(options, 3).total() + (1 << 20) - 1) >> 20);
  EXPECT_NE(started(options), nullptr);
}

TEST(Dataplane, ADriverThatIsNotThereIsNamed) {
  if (test::ran_in_own_process()) return;
  EXPECT_THAT(refusal(options_on({"net_nonesuch0"}), ErrorCode::kNotFound), HasSubstr("port p0 (net_nonesuch0)"));
}

TEST(Dataplane, TooFewQueuesForTheWorkersAreRefusedWithTheRemedy) {
  if (test::ran_in_own_process()) return;
  const std::string capture = testing::TempDir() + "out" + std::to_string(getpid()) + ".pcap";
  const std::string said = refusal(options_on({"net_pcap0,tx_pcap=" + capture}, 2), ErrorCode::kInvalid);
  EXPECT_THAT(said, HasSubstr("queues for 2 workers"));
  EXPECT_THAT(said, HasSubstr("give rx_pcap and tx_pcap 2 times each"));
  std::filesystem::remove(capture);
}

TEST(Dataplane, ASecondStartInAProcessIsRefused) {
  if (test::ran_in_own_process()) return;
  started(options_on({"net_null0,no-rx=1"}));
  EXPECT_THAT(refusal(options_on({"net_null0,no-rx=1"}), ErrorCode::kInternal), HasSubstr("started once"));
}

}  // namespace
}  // namespace shunt::dataplane
