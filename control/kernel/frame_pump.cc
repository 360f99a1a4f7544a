#include "control/kernel/frame_pump.h"

#include <poll.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "control/kernel/probe_gate.h"

namespace shunt::control {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

// Between looks at the rings the thread sleeps this share of the time since the last frame, within
// these bounds: short within a round trip, long when nothing happens (a wake-up costs up to 30 us
// of a core). A frame from Linux ends any sleep at once; one for Linux waits for its end.
constexpr int kSleepShare = 16;
constexpr microseconds kShortestSleep{50};
constexpr microseconds kLongestSleep{4000};
// Frames read from one port in a row; the rest waits until the others had their turn.
constexpr int kBurst = 64;
// Longer than any frame at the largest MTU.
constexpr size_t kFrameBytes = 16384;

timespec to_timespec(microseconds time) {
  return {time.count() / 1000000, time.count() % 1000000 * 1000};
}

}  // namespace

struct FramePump::Channel {
  PumpedPort ends;
  // Its interface was deleted: the descriptor would wake us for ever.
  bool gone = false;
};

FramePump::FramePump(std::vector<PumpedPort> ports, FrameRings rings, const std::atomic<ProbeGate*>* gate)
    : rings_(std::move(rings)), gate_of_(gate), frame_(kFrameBytes) {
  for (const PumpedPort& port : ports) channels_.push_back({port});
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "shunt-frames");
}

FramePump::~FramePump() {
  stopping_ = true;
  thread_.join();
}

PumpCounters FramePump::counters() const noexcept {
  return {from_kernel_.load(std::memory_order_relaxed), to_kernel_.load(std::memory_order_relaxed),
          from_kernel_dropped_.load(std::memory_order_relaxed),
          to_kernel_dropped_.load(std::memory_order_relaxed)};
}

void FramePump::run() {
  // The last one is the gate's.
  std::vector<pollfd> descriptors(channels_.size() + 1, pollfd{-1, POLLIN, 0});
  Clock::time_point last_traffic = Clock::now();
  while (!stopping_.load(std::memory_order_relaxed)) {
    bool moved = false;
    if (gate_of_ != nullptr) gate_ = gate_of_->load(std::memory_order_acquire);
    if (gate_ != nullptr && descriptors.back().revents != 0) moved |= gate_->move_out();
    descriptors.back() = {gate_ == nullptr ? -1 : gate_->fd(), POLLIN, 0};
    for (size_t i = 0; i < channels_.size(); ++i) {
      // Error states count as readable: reading tells what they are.
      if (descriptors[i].revents != 0) moved |= move_from_kernel(channels_[i]);
      moved |= move_to_kernel(channels_[i]);
      descriptors[i] = {channels_[i].gone ? -1 : channels_[i].ends.tap_fd, POLLIN, 0};
    }
    const Clock::time_point now = Clock::now();
    if (moved) last_traffic = now;
    const auto quiet = std::chrono::duration_cast<microseconds>(now - last_traffic);
    const microseconds sleep = std::clamp(quiet / kSleepShare, kShortestSleep, kLongestSleep);
    // poll(2) with time in nanoseconds; a few descriptors do not need more.
    const timespec timeout = to_timespec(moved ? microseconds(0) : sleep);
    ::ppoll(descriptors.data(), descriptors.size(), &timeout, nullptr);
  }
}

bool FramePump::move_from_kernel(Channel& channel) {
  for (int i = 0; i < kBurst; ++i) {
    const ssize_t bytes = ::read(channel.ends.tap_fd, frame_.data(), frame_.size());
    if (bytes < 0) {
      if (errno == EBADFD) {
        channel.gone = true;
        spdlog::error("kernel port of port {}: its interface was deleted; restart shuntd",
                      channel.ends.port);
      }
      return i > 0;
    }
    const bool sent = rings_.send(channel.ends.port, frame_.data(), static_cast<size_t>(bytes));
    (sent ? from_kernel_ : from_kernel_dropped_).fetch_add(1, std::memory_order_relaxed);
  }
  return true;
}

bool FramePump::move_to_kernel(Channel& channel) {
  const size_t taken = rings_.take(channel.ends.port, [&](const uint8_t* frame, size_t bytes) {
    if (gate_ != nullptr && gate_->take_in(frame, bytes)) return;
    const bool written =
        !channel.gone && ::write(channel.ends.tap_fd, frame, bytes) == static_cast<ssize_t>(bytes);
    (written ? to_kernel_ : to_kernel_dropped_).fetch_add(1, std::memory_order_relaxed);
  });
  return taken > 0;
}

}  // namespace shunt::control
