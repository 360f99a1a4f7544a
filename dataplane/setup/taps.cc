#include "dataplane/setup/taps.h"

#include <pcap/pcap.h>
#include <rte_bpf.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#include <algorithm>
#include <new>

#include "dataplane/setup/workers.h"

namespace shunt::dataplane {
namespace {

// Of a worker: some milliseconds at full speed of one, 4.5 MiB.
constexpr uint32_t kRingRecords = 2048;

}  // namespace

// A pcap expression as the workers run it: bounded, since it has no way back.
struct TapSession::Program {
  rte_bpf* code = nullptr;
  ~Program() { rte_bpf_destroy(code); }

  static Result<std::unique_ptr<Program>> compile(const std::string& filter) {
    pcap_t* dead = pcap_open_dead(DLT_EN10MB, 65535);
    bpf_program classic{};
    if (pcap_compile(dead, &classic, filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
      const std::string why = pcap_geterr(dead);
      pcap_close(dead);
      return Error{ErrorCode::kInvalid, "filter \"" + filter + "\": " + why + "; see pcap-filter(7)"};
    }
    pcap_close(dead);
    rte_bpf_prm* converted = rte_bpf_convert(&classic);
    pcap_freecode(&classic);
    auto program = std::make_unique<Program>();
    if (converted != nullptr) program->code = rte_bpf_load(converted);
    const int error = rte_errno;
    rte_free(converted);
    if (program->code != nullptr) return program;
    return Error{ErrorCode::kInvalid, "filter \"" + filter + "\": the packet path cannot run it (" +
                                          std::string(rte_strerror(error)) + "); use a simpler one"};
  }
};

Result<std::unique_ptr<TapSession>> TapSession::open(Workers& workers, const TapOptions& options) {
  std::unique_ptr<TapSession> session(new TapSession(workers));
  session->most_ = options.most;
  if (!options.filter.empty()) {
    auto program = Program::compile(options.filter);
    if (!program) return program.error();
    session->program_ = std::move(*program);
  }
  std::vector<Tap*> handed;
  for (uint32_t i = 0; i < workers.count(); ++i) {
    auto records = std::unique_ptr<TapRecord[]>(new (std::nothrow) TapRecord[kRingRecords]);
    if (!records) return Error{ErrorCode::kNoMemory, "tap: no room for a worker's ring of records"};
    Tap& tap = *session->taps_.emplace_back(std::make_unique<Tap>());
    tap.is_trace = options.is_trace;
    tap.takes_in = options.takes_in;
    tap.takes_out = options.takes_out;
    tap.port = options.port;
    tap.program = session->program_ ? session->program_->code : nullptr;
    tap.snap_bytes = std::clamp<uint32_t>(options.snap_bytes, 1, TapRecord::kMostBytes);
    tap.vip = options.vip;
    if (options.vip_port) tap.vip_port = Be16::from_host(*options.vip_port);
    tap.client = options.client;
    tap.most = options.most;
    tap.ring.attach(records.get(), kRingRecords);
    session->records_.push_back(std::move(records));
    handed.push_back(&tap);
  }
  if (auto added = workers.add_taps(handed); !added) return added.error();
  session->is_handed_over_ = true;
  return session;
}

TapSession::TapSession(Workers& workers) : workers_(workers) {}

TapSession::~TapSession() {
  if (!is_handed_over_) return;
  std::vector<Tap*> handed;
  for (const auto& tap : taps_) handed.push_back(tap.get());
  workers_.remove_taps(handed);
}

size_t TapSession::take(const std::function<void(const TapRecord&)>& sink) {
  size_t count = 0;
  for (const auto& tap : taps_) {
    for (const TapRecord* record = tap->ring.front(); record != nullptr; record = tap->ring.front()) {
      if (!is_full()) {
        sink(*record);
        ++taken_;
        ++count;
      }
      tap->ring.pop();
    }
  }
  return count;
}

uint64_t TapSession::lost() const noexcept {
  uint64_t lost = 0;
  for (const auto& tap : taps_) lost += tap->lost.read();
  return lost;
}

}  // namespace shunt::dataplane
