// When the machine takes the CPU from a loop that never gives it up. A kernel with its interrupts and other threads, and
// a host that runs other guests, do so for 20 us to some milliseconds, in virtual machines hundreds of times a second. A
// loop sees it in the time that work of known bounds took.
//
// What a poll takes has no bound of the benchmark's own: one that takes so long was interrupted, too, or Shunt itself
// was slow. Where the kernel ran another thread, or the host says what it took, the thread's CPU time tells them apart.
// For interrupts and a silent host nothing does but numbers: they do not choose what they hit, so in every second spent
// in polls there are as many as in one spent in the rig's code. What is more is Shunt's.
#pragma once

#include <rte_cycles.h>
#include <time.h>

#include <algorithm>
#include <cstdint>

namespace shunt::bench {

// What was seen, over some time.
struct Pauses {
  uint32_t preempted = 0;   // by what the thread's CPU time does not contain, wherever it was
  uint32_t in_rig = 0;      // others, in the rig's code
  uint32_t slow_polls = 0;  // others, in polls: the machine's or Shunt's
  double rig_seconds = 0;   // without all these
  double poll_seconds = 0;
  double longest_us = 0;

  // Those of which the thread's CPU time says nothing.
  uint32_t unclear() const { return in_rig + slow_polls; }
};

class PauseWatch {
 public:
  enum class Poll { kPlain, kPreempted, kSlow };

  PauseWatch() { look(); }

  // The rig worked on `frames` frames. Cycles for which something else had the CPU; 0 when nothing had.
  uint64_t rig(uint64_t cycles, uint32_t frames) {
    if (cycles <= pause_ + frames * frame_) {
      rig_cycles_ += cycles;
      return 0;
    }
    note(cycles, in_rig_);
    return cycles;
  }

  // The worker polled.
  Poll poll(uint64_t cycles) {
    if (cycles <= pause_) {
      poll_cycles_ += cycles;
      return Poll::kPlain;
    }
    return note(cycles, slow_polls_) ? Poll::kPreempted : Poll::kSlow;
  }

  // Begins anew to compare CPU time with the clock, so that nothing short adds up to a pause. About a microsecond.
  void look() {
    timespec cpu;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    seen_ = rte_rdtsc();
    cpu_ns_ = static_cast<uint64_t>(cpu.tv_sec) * 1000000000 + static_cast<uint64_t>(cpu.tv_nsec);
  }

  Pauses seen() const {
    return {preempted_, in_rig_, slow_polls_, static_cast<double>(rig_cycles_) / hz_,
            static_cast<double>(poll_cycles_) / hz_, static_cast<double>(longest_) * 1e6 / hz_};
  }

 private:
  // True: the kernel or the host says that most of it was somebody else's.
  bool note(uint64_t cycles, uint32_t& count) {
    longest_ = std::max(longest_, cycles);
    const uint64_t seen = seen_;
    const uint64_t cpu_ns = cpu_ns_;
    look();
    const double own = static_cast<double>(cpu_ns_ - cpu_ns) * 1e-9 * hz_;
    const bool preempted = static_cast<double>(seen_ - seen) - own >= 0.75 * static_cast<double>(cycles);
    ++(preempted ? preempted_ : count);
    return preempted;
  }

  double hz_ = static_cast<double>(rte_get_tsc_hz());
  // As long as a swap of a snapshot may take at most; a poll of a full burst takes a tenth of it.
  uint64_t pause_ = static_cast<uint64_t>(hz_ * 20e-6);
  // The most that making a frame or checking it takes, its buffer out of every cache.
  uint64_t frame_ = static_cast<uint64_t>(hz_ * 250e-9);
  uint64_t seen_ = 0;
  uint64_t cpu_ns_ = 0;
  uint64_t rig_cycles_ = 0;
  uint64_t poll_cycles_ = 0;
  uint64_t longest_ = 0;
  uint32_t preempted_ = 0;
  uint32_t in_rig_ = 0;
  uint32_t slow_polls_ = 0;
};

}  // namespace shunt::bench
