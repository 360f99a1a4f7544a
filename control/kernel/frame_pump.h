// Moves frames between the kernel ports and the dataplane: what Linux sends goes out of the DPDK
// port, what is not ours goes into Linux. One thread of its own does all ports; it sleeps longer
// the longer nothing moves, so that an idle machine pays next to nothing and a busy one waits some
// tens of microseconds.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace shunt::control {

// The dataplane's end, as Dataplane::send_frame and Dataplane::take_kernel_frames. Called from the
// pump's thread.
struct FrameRings {
  std::function<bool(uint16_t port, const uint8_t* frame, size_t bytes)> send;
  std::function<size_t(uint16_t port, const std::function<void(const uint8_t*, size_t)>& sink)>
      take;
};

// A kernel port's descriptor; stays the caller's.
struct PumpedPort {
  uint16_t port = 0;
  int tap_fd = -1;
};

// Frames since the start.
struct PumpCounters {
  uint64_t from_kernel = 0;
  uint64_t to_kernel = 0;
  // The dataplane had no buffer or room.
  uint64_t from_kernel_dropped = 0;
  // The interface is down, gone, or takes no more.
  uint64_t to_kernel_dropped = 0;
};

class ProbeGate;

class FramePump {
 public:
  // Starts the thread. The descriptors, what the functions use and `gate` must outlive the pump. `gate`: who takes probes
  // and their answers, once there is somebody.
  FramePump(std::vector<PumpedPort> ports, FrameRings rings, const std::atomic<ProbeGate*>* gate = nullptr);
  // Stops the thread; takes some milliseconds.
  ~FramePump();
  FramePump(const FramePump&) = delete;
  FramePump& operator=(const FramePump&) = delete;

  // Any thread.
  PumpCounters counters() const noexcept;

 private:
  struct Channel;
  void run();
  bool move_from_kernel(Channel& channel);
  bool move_to_kernel(Channel& channel);

  std::vector<Channel> channels_;
  FrameRings rings_;
  const std::atomic<ProbeGate*>* const gate_of_;
  // As this turn found it.
  ProbeGate* gate_ = nullptr;
  std::vector<uint8_t> frame_;
  std::atomic<uint64_t> from_kernel_{0}, to_kernel_{0};
  std::atomic<uint64_t> from_kernel_dropped_{0}, to_kernel_dropped_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace shunt::control
