// Taps on all workers at once: their memory, their filter, and the way of their records to control.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/tap.h"
#include "src/base/address.h"
#include "src/base/result.h"

namespace shunt::dataplane {

class Workers;

struct TapOptions {
  // Journeys, or frames.
  bool is_trace = false;
  // Of a capture.
  bool takes_in = true;
  bool takes_out = true;
  std::optional<uint16_t> port;                 // DPDK id
  std::string filter;                           // pcap's syntax; empty: all
  uint32_t snap_bytes = TapRecord::kMostBytes;  // 1..kMostBytes
  // Of a trace.
  std::optional<IpAddress> vip;
  std::optional<uint16_t> vip_port;
  std::optional<IpAddress> client;
  // Records at most, in all.
  uint64_t most = UINT64_MAX;
};

class TapSession {
 public:
  // Hands a tap to every worker. kInvalid: the filter is none, with pcap's words; kConflict: kMostTaps are there;
  // kNoMemory. `workers` outlives this.
  static Result<std::unique_ptr<TapSession>> open(Workers& workers, const TapOptions& options);
  // Takes them back.
  ~TapSession();
  TapSession(const TapSession&) = delete;

  // Hands what has been recorded since the last call to `sink`, worker by worker, and in all not more than the options
  // say. Returns how many. One thread at a time.
  size_t take(const std::function<void(const TapRecord&)>& sink);
  // As many as were wanted are taken.
  bool is_full() const noexcept { return taken_ >= most_; }
  // What found no place in the rings, until now.
  uint64_t lost() const noexcept;

 private:
  struct Program;
  explicit TapSession(Workers& workers);

  Workers& workers_;
  std::unique_ptr<Program> program_;
  std::vector<std::unique_ptr<TapRecord[]>> records_;
  std::vector<std::unique_ptr<Tap>> taps_;  // by worker
  bool is_handed_over_ = false;
  uint64_t most_ = 0;
  uint64_t taken_ = 0;
};

}  // namespace shunt::dataplane
