// A packet that is looked at goes where it would have gone, and what is told of it is true.
#include <gmock/gmock.h>

#include <memory>

#include "dataplane/frame_flow.h"
#include "dataplane/journey.h"
#include "dataplane/tap.h"
#include "tests/support/eal.h"
#include "tests/support/worker_fixture.h"

namespace shunt::dataplane {
namespace {

using namespace test;

constexpr uint32_t kRecords = 64;

// A tap of the test's own on the fixture's worker.
struct OwnTap {
  OwnTap() { tap.ring.attach(records.get(), kRecords); }
  std::vector<TapRecord> taken() {
    std::vector<TapRecord> all;
    for (const TapRecord* record = tap.ring.front(); record != nullptr; record = tap.ring.front()) {
      all.push_back(*record);
      tap.ring.pop();
    }
    return all;
  }

  std::unique_ptr<TapRecord[]> records{new TapRecord[kRecords]};
  Tap tap;
};

class WatchedPath : public testing::Test {
 protected:
  WatchedPath() {
    service = lb.add_service(Protocol::kTcp, "203.0.113.10", 80, Method::kNat, SchedulerKind::kRr);
    for (const char* address : {"10.0.0.1", "10.0.0.2"}) reals.push_back(lb.add_real(service, address, 8080));
    lb.publish();
    // No devices: what leaves is dropped once it was looked at.
    for (const uint16_t port : {kOutside, kInside}) lb.worker().ports[port].present = false;
    trace.tap.is_trace = true;
    trace.tap.most = capture.tap.most = UINT64_MAX;
  }
  // Each packet's way, told to those; where it went is read before its ports are emptied.
  std::vector<TapRecord> send(const PacketBuilder& packet, OwnTap& tap, uint16_t port = kOutside) {
    taps.count = 1;
    taps.taps[0] = &tap.tap;
    lb.worker().taps = &taps;
    rte_mbuf* mbuf = packet.build(mbuf_pool(), port);
    Burst& burst = lb.worker().burst;
    burst.count = 1;
    burst.packets[0].mbuf = mbuf;
    burst.packets[0].in_port = port;
    burst.packets[0].handed_off = false;
    journey(lb.worker(), lb.snapshot(), burst);
    lb.worker().taps = nullptr;
    return tap.taken();
  }
  static PacketBuilder from_client(uint16_t port = 40000) {
    return a_packet().from("198.51.100.7", port).to("203.0.113.10", 80);
  }

  TapSet taps;
  OwnTap trace;
  OwnTap capture;
  WorkerFixture lb;
  ServiceId service;
  std::vector<RealId> reals;
};

TEST_F(WatchedPath, ANewConnectionIsToldWithBeforeAndAfter) {
  const auto told = send(from_client().tcp(kTcpSyn), trace);
  ASSERT_EQ(told.size(), 1u);
  const TapRecord& record = told[0];
  EXPECT_EQ(record.kind, TapRecord::Kind::kJourney);
  EXPECT_FALSE(record.told.connection);
  EXPECT_EQ(record.told.service, service);
  ASSERT_TRUE(record.after);
  EXPECT_EQ(record.after->state, ConnectionState::kSynRecv);
  EXPECT_EQ(record.after->real, record.told.choice.real);
  EXPECT_EQ(record.real, record.after->real);
  EXPECT_EQ(record.frames_out, 1);
  EXPECT_EQ(record.out_port, kInside);
  const FrameFlow out = flow_of_frame({record.out_head.data(), record.out_kept});
  EXPECT_EQ(out.flow.destination_port.host(), 8080);
  EXPECT_EQ(lb.connections(AddressFamily::kIpv4), 1u);
}

TEST_F(WatchedPath, AKnownConnectionsChangeOfStateIsTold) {
  lb.send(from_client().tcp(kTcpSyn));
  const auto told = send(from_client().tcp(kTcpAck), trace);
  ASSERT_EQ(told.size(), 1u);
  ASSERT_TRUE(told[0].told.connection && told[0].after);
  EXPECT_EQ(told[0].told.connection->state, ConnectionState::kSynRecv);
  EXPECT_EQ(told[0].after->state, ConnectionState::kEstablished);
}

TEST_F(WatchedPath, ADropIsToldWithItsReason) {
  for (const RealId real : reals) lb.remove_real(real);
  lb.set_no_real(service, NoReal::kDrop);
  lb.publish();
  const auto told = send(from_client().tcp(kTcpSyn), trace);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(told[0].is_dropped);
  EXPECT_EQ(told[0].reason, DropReason::kNoRealLeft);
  EXPECT_EQ(told[0].frames_out, 0);
  EXPECT_EQ(lb.drops(DropReason::kNoRealLeft), 1u);
}

TEST_F(WatchedPath, ATraceTakesBothDirectionsOfWhatItIsFor) {
  trace.tap.vip = ip("203.0.113.10");
  trace.tap.client = ip("198.51.100.7");
  const auto request = send(from_client().tcp(kTcpSyn), trace);
  ASSERT_EQ(request.size(), 1u);
  const RealId real = request[0].real;
  const std::string address = real == reals[0] ? "10.0.0.1" : "10.0.0.2";
  const auto reply =
      send(a_packet().from(address, 8080).to("198.51.100.7", 40000).tcp(kTcpSyn | kTcpAck).to_mac(kInsideMac), trace,
           kInside);
  ASSERT_EQ(reply.size(), 1u);
  EXPECT_EQ(reply[0].told.direction, Direction::kReply);
  const PacketBuilder stranger = a_packet().from("198.51.100.8", 40000).to("203.0.113.10", 80).tcp(kTcpSyn);
  EXPECT_TRUE(send(stranger, trace).empty());
  EXPECT_EQ(lb.connections(AddressFamily::kIpv4), 2u) << "nobody looked, and it went on as ever";
}

TEST_F(WatchedPath, ACaptureHasTheFrameAsItCameAndAsItLeft) {
  const PacketBuilder syn = from_client().tcp(kTcpSyn).payload("hello");
  const auto frames = send(syn, capture);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].kind, TapRecord::Kind::kFrameIn);
  EXPECT_EQ(Bytes(frames[0].bytes.begin(), frames[0].bytes.begin() + frames[0].kept_bytes), syn.bytes());
  EXPECT_EQ(frames[1].kind, TapRecord::Kind::kFrameOut);
  EXPECT_EQ(frames[1].port, kInside);
  const Bytes out(frames[1].bytes.begin(), frames[1].bytes.begin() + frames[1].kept_bytes);
  EXPECT_EQ(checksum_errors(out), "");
  EXPECT_EQ(frames[0].real, frames[1].real);
  EXPECT_NE(frames[1].real, kNoReal);
}

TEST_F(WatchedPath, ACaptureIsOfOneDirectionAndPortWhereItIsToldSo) {
  capture.tap.takes_in = false;
  EXPECT_EQ(send(from_client().tcp(kTcpSyn), capture).size(), 1u);
  capture.tap.port = kOutside;
  EXPECT_TRUE(send(from_client(40001).tcp(kTcpSyn), capture).empty()) << "it leaves by the other one";
  capture.tap.takes_in = true;
  EXPECT_EQ(send(from_client(40002).tcp(kTcpSyn), capture).size(), 1u);
}

TEST_F(WatchedPath, OfALongFrameTheBeginIsKept) {
  capture.tap.snap_bytes = 60;
  const auto frames = send(from_client().tcp(kTcpSyn).payload_of(400), capture);
  ASSERT_EQ(frames.size(), 2u);
  for (const TapRecord& frame : frames) {
    EXPECT_EQ(frame.kept_bytes, 60);
    EXPECT_GT(frame.frame_bytes, 400);
  }
}

TEST_F(WatchedPath, WhatFindsNoPlaceIsCountedAndForwardedAllTheSame) {
  taps.count = 1;
  taps.taps[0] = &trace.tap;
  lb.worker().taps = &taps;
  for (uint32_t i = 0; i < kRecords + 6; ++i) {
    Burst& burst = lb.worker().burst;
    burst.count = 1;
    burst.packets[0].mbuf = from_client(static_cast<uint16_t>(2000 + i)).tcp(kTcpSyn).build(mbuf_pool(), kOutside);
    burst.packets[0].in_port = kOutside;
    burst.packets[0].handed_off = false;
    journey(lb.worker(), lb.snapshot(), burst);
  }
  lb.worker().taps = nullptr;
  EXPECT_EQ(trace.tap.lost.read(), 6u);
  EXPECT_EQ(trace.taken().size(), kRecords);
  EXPECT_EQ(lb.connections(AddressFamily::kIpv4), kRecords + 6);
}

TEST_F(WatchedPath, NoMoreThanWantedIsWritten) {
  trace.tap.most = 3;
  size_t told = 0;
  for (uint16_t port = 1; port < 10; ++port) told += send(from_client(port).tcp(kTcpSyn), trace).size();
  EXPECT_EQ(told, 3u);
  EXPECT_EQ(trace.tap.lost.read(), 0u);
}

TEST_F(WatchedPath, ABurstThatIsWatchedEndsAsOneThatIsNot) {
  WorkerFixture twin;
  const ServiceId same = twin.add_service(Protocol::kTcp, "203.0.113.10", 80, Method::kNat, SchedulerKind::kRr);
  for (const char* address : {"10.0.0.1", "10.0.0.2"}) twin.add_real(same, address, 8080);
  twin.publish();
  std::vector<PacketBuilder> packets;
  for (uint16_t port = 1; port <= 8; ++port) {
    packets.push_back(from_client(port).tcp(kTcpSyn));
    packets.push_back(from_client(port).tcp(kTcpAck));
    packets.push_back(from_client(port).tcp(kTcpRst));
  }
  twin.send_burst(packets);
  taps.count = 2;
  taps.taps = {&trace.tap, &capture.tap};
  lb.worker().taps = &taps;
  Burst& burst = lb.worker().burst;
  burst.count = static_cast<uint32_t>(packets.size());
  for (uint32_t i = 0; i < burst.count; ++i) {
    burst.packets[i].mbuf = packets[i].build(mbuf_pool(), kOutside);
    burst.packets[i].in_port = kOutside;
    burst.packets[i].handed_off = false;
  }
  journey(lb.worker(), lb.snapshot(), burst);
  lb.worker().taps = nullptr;
  for (const PacketBuilder& packet : packets) {
    const auto watched = lb.copy_of(packet);
    const auto unwatched = twin.copy_of(packet);
    ASSERT_TRUE(watched && unwatched);
    EXPECT_EQ(watched->real, unwatched->real);
    EXPECT_EQ(watched->state, unwatched->state);
    EXPECT_EQ(watched->in_packets, unwatched->in_packets);
  }
  EXPECT_EQ(trace.taken().size(), packets.size());
}

TEST(FrameFlow, ReadsBothFamiliesAndLeavesWhatIsCutShort) {
  const Bytes v4 =
      a_packet().from("198.51.100.7", 40000).to("203.0.113.10", 80).tcp(kTcpSyn).ip_options({1, 1, 1, 0}).bytes();
  const FrameFlow flow = flow_of_frame(v4);
  EXPECT_TRUE(flow.has_ports);
  EXPECT_EQ(flow.flow.destination_port.host(), 80);
  EXPECT_EQ(flow.tcp_flags, kTcpSyn);
  const Bytes v6 = a_packet().from("2001:db8::7", 40000).to("2001:db8::10", 53).udp().extension(60).bytes();
  EXPECT_EQ(flow_of_frame(v6).flow.source_port.host(), 40000);
  EXPECT_EQ(flow_of_frame(v6).flow.protocol, kIpProtocolUdp);
  for (size_t bytes = 0; bytes < v4.size(); ++bytes) flow_of_frame(std::span(v4).first(bytes));
  for (size_t bytes = 0; bytes < v6.size(); ++bytes) flow_of_frame(std::span(v6).first(bytes));
  EXPECT_FALSE(flow_of_frame(std::span(v4).first(30)).is_ip);
}

}  // namespace
}  // namespace shunt::dataplane
