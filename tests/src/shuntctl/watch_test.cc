// shuntctl trace and capture: what they ask, and where the answers go.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/src/shuntctl/fake_daemon.h"

namespace shunt::shuntctl {
namespace {

using testing::HasSubstr;

void answer_trace(FakeDaemon& daemon) {
  daemon.debug.traced.resize(3);
  daemon.debug.traced[0].set_begun(true);
  v1::TracedPacket& packet = *daemon.debug.traced[1].mutable_packet();
  packet.set_worker(2);
  packet.set_packet("tcp 198.51.100.7:40000 -> 192.0.2.10:80 [SYN]");
  packet.set_outcome("dropped");
  packet.set_drop_reason("no_route");
  packet.mutable_time()->set_seconds(1'700'000'000);
  packet.mutable_time()->set_nanos(123456789);
  v1::TraceStep& step = *packet.add_steps();
  step.set_name("next hop");
  step.set_text("no\x1b[31m route");
  daemon.debug.traced[2].mutable_end()->set_packets(1);
  daemon.debug.traced[2].mutable_end()->set_lost(3);
}

TEST(TraceVerb, ShowsEachPacketsSteps) {
  FakeDaemon daemon;
  answer_trace(daemon);
  const Ended ended = daemon.ctl({"trace", "--vip", "192.0.2.10:80", "--client", "198.51.100.7", "--count", "5"});
  EXPECT_EQ(ended.exit, 0);
  EXPECT_EQ(daemon.debug.asked_trace.vip(), "192.0.2.10");
  EXPECT_EQ(daemon.debug.asked_trace.vip_port(), 80u);
  EXPECT_EQ(daemon.debug.asked_trace.client(), "198.51.100.7");
  EXPECT_EQ(daemon.debug.asked_trace.count(), 5u);
  EXPECT_THAT(ended.out,
              HasSubstr(".123456 worker 2: tcp 198.51.100.7:40000 -> 192.0.2.10:80 [SYN]: dropped (no_route)"));
  EXPECT_THAT(ended.out, HasSubstr("  next hop    no"));
  EXPECT_EQ(ended.out.find('\x1b'), std::string::npos) << "what comes from outside does not drive the terminal";
  EXPECT_THAT(ended.err, HasSubstr("1 packet, 3 lost on the way here"));
}

TEST(TraceVerb, AnAddressAloneMeansAllItsPorts) {
  FakeDaemon daemon;
  daemon.ctl({"trace", "--vip", "2001:db8::10"});
  EXPECT_EQ(daemon.debug.asked_trace.vip(), "2001:db8::10");
  EXPECT_EQ(daemon.debug.asked_trace.vip_port(), 0u);
  EXPECT_EQ(daemon.debug.asked_trace.count(), 20u);
}

TEST(TraceVerb, InJsonEachPacketIsALine) {
  FakeDaemon daemon;
  answer_trace(daemon);
  const Ended ended = daemon.ctl({"-o", "json", "trace"});
  EXPECT_EQ(nlohmann::json::parse(ended.out)["drop_reason"], "no_route");
}

TEST(CaptureVerb, WritesTheBytesAsTheyCome) {
  FakeDaemon daemon;
  daemon.debug.captured.resize(3);
  daemon.debug.captured[0].set_pcapng(std::string("\x0a\x0d\x0d\x0a", 4));
  daemon.debug.captured[1].set_pcapng(std::string("a\0b", 3));
  daemon.debug.captured[2].mutable_end()->set_packets(1);
  const ScratchFolder folder;
  const Ended ended = daemon.ctl({"capture", "--filter", "tcp port 80", "--port", "outside", "--direction", "in",
                                  "--count", "7", "--duration", "2m", "--snap-length", "96", "-w", folder.path("f")});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(folder.read("f"), std::string("\x0a\x0d\x0d\x0a"
                                          "a\0b",
                                          7));
  EXPECT_EQ(daemon.debug.asked_capture.filter(), "tcp port 80");
  EXPECT_EQ(daemon.debug.asked_capture.port(), "outside");
  EXPECT_EQ(daemon.debug.asked_capture.direction(), v1::CaptureRequest::DIRECTION_IN);
  EXPECT_EQ(daemon.debug.asked_capture.count(), 7u);
  EXPECT_EQ(daemon.debug.asked_capture.duration_ms(), 120'000u);
  EXPECT_EQ(daemon.debug.asked_capture.snap_bytes(), 96u);
  EXPECT_EQ(daemon.ctl({"capture", "-w", "-"}).out, std::string("\x0a\x0d\x0d\x0a"
                                                                "a\0b",
                                                                7));
}

TEST(CaptureVerb, AFileThatCannotBeWrittenIsSaidSo) {
  FakeDaemon daemon;
  const Ended ended = daemon.ctl({"capture", "-w", "/nowhere/f"});
  EXPECT_EQ(ended.exit, 1);
  EXPECT_THAT(ended.err, HasSubstr("/nowhere/f: No such file"));
  EXPECT_EQ(daemon.ctl({"capture", "-w", "-", "--duration", "soon"}).exit, 2);
  EXPECT_EQ(daemon.ctl({"capture"}).exit, 2) << "where to?";
}

}  // namespace
}  // namespace shunt::shuntctl
