#include "control/kernel/frame_pump.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <optional>

#include "control/kernel/tap.h"
#include "tests/control/kernel/tap_frames.h"
#include "tests/support/own_network.h"

namespace shunt::control {
namespace {

using namespace std::chrono_literals;
using shunt::test::arp_frame;
using shunt::test::Frame;
using shunt::test::is_arp;

// The dataplane's rings, in memory.
class MemoryRings {
 public:
  FrameRings rings() {
    return {[this](uint16_t port, const uint8_t* frame, size_t bytes) {
              const std::lock_guard lock(mutex_);
              if (full_) return false;
              sent_[port].emplace_back(frame, frame + bytes);
              return true;
            },
            [this](uint16_t port, const std::function<void(const uint8_t*, size_t)>& sink) {
              const std::lock_guard lock(mutex_);
              ++looks_;
              const size_t taken = for_kernel_[port].size();
              for (const Frame& frame : for_kernel_[port]) sink(frame.data(), frame.size());
              for_kernel_[port].clear();
              return taken;
            }};
  }

  void give(uint16_t port, Frame frame) {
    const std::lock_guard lock(mutex_);
    for_kernel_[port].push_back(std::move(frame));
  }
  void set_full(bool full) {
    const std::lock_guard lock(mutex_);
    full_ = full;
  }
  size_t looks() {
    const std::lock_guard lock(mutex_);
    return looks_;
  }
  // Waits for a frame sent out of `port`.
  std::optional<Frame> sent(uint16_t port, const std::function<bool(const Frame&)>& wanted,
                            int patience_ms = 2000) {
    for (int i = 0; i < patience_ms; ++i) {
      {
        const std::lock_guard lock(mutex_);
        for (const Frame& frame : sent_[port])
          if (wanted(frame)) return frame;
      }
      ::usleep(1000);
    }
    return std::nullopt;
  }

 private:
  std::mutex mutex_;
  std::map<uint16_t, std::vector<Frame>> sent_, for_kernel_;
  bool full_ = false;
  size_t looks_ = 0;
};

class FramePumpTest : public shunt::test::OwnNetwork {
 protected:
  static constexpr uint16_t kInside = 4, kOutside = 7;

  void SetUp() override {
    OwnNetwork::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    // Without its chatter nothing moves by itself.
    set_ipv6(false);
    outside_ = make_tap("sh-p0", "02:00:00:00:00:a0", "10.0.0.1/24");
    inside_ = make_tap("sh-p1", "02:00:00:00:00:a1", "10.0.1.1/24");
  }

  static std::optional<Tap> make_tap(const char* name, const char* mac, const char* address) {
    auto tap =
        Tap::create({name, *MacAddress::parse(mac), 9216, {*InterfaceAddress::parse(address)}});
    if (!tap) ADD_FAILURE() << tap.error().message;
    return tap ? std::optional(std::move(*tap)) : std::nullopt;
  }

  void start() {
    pump_.emplace(std::vector<PumpedPort>{{kOutside, outside_->fd()}, {kInside, inside_->fd()}},
                  rings_.rings());
  }

  bool eventually(const std::function<bool(const PumpCounters&)>& holds) {
    for (int i = 0; i < 2000; ++i) {
      if (holds(pump_->counters())) return true;
      ::usleep(1000);
    }
    return false;
  }

  // How often the pump looked at a ring per millisecond of real time while `meanwhile` ran.
  double looks_per_ms(const std::function<void()>& meanwhile) {
    const auto began = std::chrono::steady_clock::now();
    const size_t before = rings_.looks();
    meanwhile();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
    return static_cast<double>(rings_.looks() - before) / took.count();
  }

  const MacAddress peer_mac_ = *MacAddress::parse("02:00:00:00:00:bb");
  const IpAddress peer_ = *IpAddress::parse("10.0.0.9"), own_ = *IpAddress::parse("10.0.0.1");
  std::optional<Tap> outside_, inside_;
  MemoryRings rings_;
  std::optional<FramePump> pump_;
};

TEST_F(FramePumpTest, LinuxAnswersArpFromTheRingOnTheSamePort) {
  start();
  rings_.give(kOutside, arp_frame(1, peer_mac_, peer_, {}, own_));
  EXPECT_TRUE(rings_.sent(kOutside, is_arp(2, own_, peer_)));
  EXPECT_GE(pump_->counters().to_kernel, 1u);
  EXPECT_GE(pump_->counters().from_kernel, 1u);
}

TEST_F(FramePumpTest, PortsDoNotMix) {
  start();
  rings_.give(kInside, arp_frame(1, peer_mac_, *IpAddress::parse("10.0.1.9"), {},
                                 *IpAddress::parse("10.0.1.1")));
  const auto reply = is_arp(2, *IpAddress::parse("10.0.1.1"), *IpAddress::parse("10.0.1.9"));
  EXPECT_TRUE(rings_.sent(kInside, reply));
  EXPECT_FALSE(rings_.sent(kOutside, reply, 50));
}

TEST_F(FramePumpTest, AJumboFrameArrivesWhole) {
  ip("neigh add 10.0.0.9 lladdr 02:00:00:00:00:bb dev sh-p0");
  start();
  ASSERT_EQ(std::system("ping -q -c 1 -W 1 -s 9188 -M do 10.0.0.9 >/dev/null"), 256);
  EXPECT_TRUE(rings_.sent(kOutside,
                          [](const Frame& frame) { return frame.size() == 14u + 20 + 8 + 9188; }));
}

TEST_F(FramePumpTest, CountsWhatTheDataplaneDoesNotTake) {
  rings_.set_full(true);
  start();
  ASSERT_TRUE(eventually([](const PumpCounters&) { return true; }));
  const uint64_t before = pump_->counters().from_kernel_dropped;
  rings_.give(kOutside, arp_frame(1, peer_mac_, peer_, {}, own_));
  EXPECT_TRUE(
      eventually([&](const PumpCounters& now) { return now.from_kernel_dropped > before; }));
  EXPECT_EQ(pump_->counters().from_kernel, 0u);
}

TEST_F(FramePumpTest, FramesForAnInterfaceThatIsDownAreTakenAndCounted) {
  ip("link set sh-p0 down");
  start();
  rings_.give(kOutside, arp_frame(1, peer_mac_, peer_, {}, own_));
  EXPECT_TRUE(eventually([](const PumpCounters& now) { return now.to_kernel_dropped == 1; }));
  // And flow again once it is up.
  ip("link set sh-p0 up");
  rings_.give(kOutside, arp_frame(1, peer_mac_, peer_, {}, own_));
  EXPECT_TRUE(rings_.sent(kOutside, is_arp(2, own_, peer_)));
}

TEST_F(FramePumpTest, ADeletedInterfaceNeitherSpinsNorStopsTheOtherPort) {
  start();
  ip("link del sh-p0");
  ::usleep(100000);
  EXPECT_LE(looks_per_ms([] { ::usleep(300000); }), 2.0);
  rings_.give(kOutside, arp_frame(1, peer_mac_, peer_, {}, own_));
  EXPECT_TRUE(eventually([](const PumpCounters& now) { return now.to_kernel_dropped == 1; }));
  rings_.give(kInside, arp_frame(1, peer_mac_, *IpAddress::parse("10.0.1.9"), {},
                                 *IpAddress::parse("10.0.1.1")));
  EXPECT_TRUE(rings_.sent(kInside,
                          is_arp(2, *IpAddress::parse("10.0.1.1"), *IpAddress::parse("10.0.1.9"))));
}

TEST_F(FramePumpTest, LooksAtTheRingsRarelyWhenIdleAndOftenAfterTraffic) {
  start();
  ::usleep(100000);
  // Two ports, every 4 ms; more while whatever came before is still remembered. None at all would be wrong, too.
  double idle = 1;
  for (int tries = 0; tries < 10 && idle > 0.7; ++tries) idle = looks_per_ms([] { ::usleep(500000); });
  EXPECT_LE(idle, 0.7);
  EXPECT_GE(idle, 0.05);
  const auto busy = [&] {
    return looks_per_ms([&] {
      for (int i = 0; i < 100; ++i) {
        rings_.give(kOutside, Frame(60, 0));
        ::usleep(1000);
      }
    });
  };
  // 20 at 100 us a look; fewer on a busy machine, which may keep the pump from its CPU for a whole try.
  double most = 0;
  for (int tries = 0; tries < 20 && most < 1.5; ++tries) most = std::max(most, busy());
  EXPECT_GE(most, 1.5);
}

}  // namespace
}  // namespace shunt::control
