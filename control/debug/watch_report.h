// What trace and capture ask and tell, as plain values: the control side's form of their messages in
// proto/shunt/v1/debug.proto, whose comments hold here too. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/report.h"

namespace shunt::control {

struct TraceQuery {
  std::optional<IpAddress> vip;
  std::optional<uint16_t> vip_port;
  std::optional<IpAddress> client;
  uint64_t count = UINT64_MAX;
};

// Of a frame, that a capture may keep: dataplane::TapRecord::kMostBytes.
inline constexpr uint32_t kMostSnapBytes = 1664;

struct CaptureQuery {
  std::string filter;
  std::string port;
  bool in = true;
  bool out = true;
  uint32_t snap_bytes = 0;
  uint64_t count = UINT64_MAX;
};

struct TraceStep {
  std::string name;
  std::string text;
};

struct TraceReport {
  WallClock::time_point time;
  uint32_t worker = 0;
  std::string port;
  std::string packet;
  std::string service;
  std::string real;
  std::vector<TraceStep> steps;
  // "sent", "dropped", "kernel", "handed off", "waits", "answered"
  std::string outcome;
  std::string drop_reason;
};

// A frame as a capture shows it.
struct CapturedFrame {
  WallClock::time_point time;
  uint16_t port = 0;  // DPDK id
  bool is_in = false;
  uint32_t frame_bytes = 0;
  std::vector<uint8_t> bytes;
  std::string comment;
};

// How a trace or capture ended.
struct WatchEnd {
  uint64_t told = 0;
  // Found no place on the way here.
  uint64_t lost = 0;
};

// Where it goes, on the calling thread. `begun`: the workers look from now on. Each says whether to go on; `idle` is
// asked every few milliseconds.
template <typename Value>
struct WatchSink {
  std::function<bool()> begun;
  std::function<bool(const Value&)> take;
  std::function<bool()> idle;
};

}  // namespace shunt::control
