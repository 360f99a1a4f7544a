// A burst under the eyes of trace and capture: what each packet is before its journey, the journey, what became of it.
#include <rte_bpf.h>
#include <rte_cycles.h>

#include <algorithm>
#include <cstring>

#include "dataplane/frame_flow.h"
#include "dataplane/journey.h"
#include "dataplane/settle.h"
#include "dataplane/tap.h"

namespace shunt::dataplane {
namespace {

static_assert(kMostTaps <= 8);

// A packet before its journey, which may overwrite or free it.
struct Sight {
  uint64_t cycles;
  uint16_t port;
  bool handed_off;
  uint16_t frame_bytes;
  uint16_t kept_bytes;
  uint8_t wanted = 0;  // a bit for each tap
  FrameFlow frame;
  Explanation told;
  std::array<uint8_t, TapRecord::kMostBytes> bytes;
};

uint16_t copy_frame(const rte_mbuf* mbuf, uint8_t* to, uint32_t most) noexcept {
  const uint32_t bytes = std::min(mbuf->pkt_len, most);
  const void* from = rte_pktmbuf_read(mbuf, 0, bytes, to);
  if (from != nullptr && from != to) std::memcpy(to, from, bytes);
  return static_cast<uint16_t>(bytes);
}

bool has_room_left(const Tap& tap) noexcept { return tap.taken.read() < tap.most; }

bool is_wanted_by_program(const Tap& tap, rte_mbuf* mbuf) noexcept {
  return tap.program == nullptr || rte_bpf_exec(tap.program, mbuf) != 0;
}

bool fits(const Tap& tap, const IpFlow& request) noexcept {
  return (!tap.vip || *tap.vip == request.destination) &&
         (!tap.vip_port || *tap.vip_port == request.destination_port) && (!tap.client || *tap.client == request.source);
}

// Of a connection, by its request; of none, by the packet itself, whichever direction it is of.
bool is_wanted_by_trace(const Tap& tap, const Sight& sight) noexcept {
  if (sight.told.connection) return fits(tap, sight.told.connection->request);
  return sight.frame.is_ip && fits(tap, sight.frame.flow);
}

bool wants(const Tap& tap, const Sight& sight, rte_mbuf* mbuf) noexcept {
  if (!has_room_left(tap)) return false;
  if (tap.is_trace) return is_wanted_by_trace(tap, sight);
  // Handed off, it came in before, at another worker.
  if (sight.handed_off || !tap.takes_in || (tap.port && *tap.port != sight.port)) return false;
  return is_wanted_by_program(tap, mbuf);
}

void look(Worker& worker, const Snapshot& snapshot, const Packet& packet, Sight& sight) noexcept {
  const TapSet& taps = *worker.taps;
  sight.cycles = rte_rdtsc();
  sight.port = packet.in_port;
  sight.handed_off = packet.handed_off;
  sight.frame_bytes = static_cast<uint16_t>(packet.mbuf->pkt_len);
  sight.kept_bytes = copy_frame(packet.mbuf, sight.bytes.data(), TapRecord::kMostBytes);
  sight.frame = flow_of_frame({sight.bytes.data(), sight.kept_bytes});
  sight.told = {};
  sight.told.flow = sight.frame.flow;
  sight.told.in_port = packet.in_port;
  if (sight.frame.has_ports) explain(worker, snapshot, sight.told);
  sight.wanted = 0;
  for (uint32_t i = 0; i < taps.count; ++i) {
    if (wants(*taps.taps[i], sight, packet.mbuf)) sight.wanted |= static_cast<uint8_t>(1u << i);
  }
}

// Of `sight`, in the tap's ring; nullptr: it had no place.
TapRecord* begin_record(Tap& tap, const Worker& worker, TapRecord::Kind kind, uint16_t port, uint64_t cycles) noexcept {
  TapRecord* record = tap.ring.reserve();
  if (record == nullptr) {
    tap.lost.add(1);
    return nullptr;
  }
  record->kind = kind;
  record->cycles = cycles;
  record->worker = static_cast<uint8_t>(worker.index);
  record->port = port;
  record->handed_off = record->is_linux = record->is_dropped = false;
  record->real = kNoReal;
  record->verdict = Verdict::kUndecidedIpv4;
  record->frames_out = 0;
  return record;
}

void end_record(Tap& tap) noexcept {
  tap.taken.add(1);
  tap.ring.commit();
}

// A frame that leaves, for each capture that wants it.
void tell_frame_out(Worker& worker, uint16_t port, rte_mbuf* mbuf, RealId real, bool is_linux) noexcept {
  const TapSet& taps = *worker.taps;
  for (uint32_t i = 0; i < taps.count; ++i) {
    Tap& tap = *taps.taps[i];
    if (tap.is_trace || !tap.takes_out || (tap.port && *tap.port != port) || !has_room_left(tap)) continue;
    if (!is_wanted_by_program(tap, mbuf)) continue;
    TapRecord* record = begin_record(tap, worker, TapRecord::Kind::kFrameOut, port, rte_rdtsc());
    if (record == nullptr) continue;
    record->is_linux = is_linux;
    record->real = real;
    record->frame_bytes = static_cast<uint16_t>(mbuf->pkt_len);
    record->kept_bytes = copy_frame(mbuf, record->bytes.data(), tap.snap_bytes);
    end_record(tap);
  }
}

// What became of a packet.
struct Fate {
  Verdict verdict;
  uint8_t owner;
  bool is_dropped = false;
  DropReason reason{};
  std::optional<ConnectionCopy> after;
  RealId real = kNoReal;
  uint16_t frames_out = 0;
  uint16_t out_port = 0;
  rte_mbuf* first_out = nullptr;
};

using DropCounts = std::array<uint64_t, kDropReasons>;

DropCounts drop_counts(const Worker& worker) noexcept {
  DropCounts counts;
  for (size_t i = 0; i < counts.size(); ++i) counts[i] = worker.counters.drops[i].read();
  return counts;
}

void note_drop(const Worker& worker, const DropCounts& before, Fate& fate) noexcept {
  for (size_t i = 0; i < before.size() && !fate.is_dropped; ++i) {
    if (worker.counters.drops[i].read() == before[i]) continue;
    fate.is_dropped = true;
    fate.reason = static_cast<DropReason>(i);
  }
}

void fill(const Sight& sight, const Fate& fate, const Tap& tap, TapRecord& record) noexcept {
  record.handed_off = sight.handed_off;
  record.frame_bytes = sight.frame_bytes;
  record.kept_bytes = static_cast<uint16_t>(std::min<uint32_t>(sight.kept_bytes, tap.snap_bytes));
  std::memcpy(record.bytes.data(), sight.bytes.data(), record.kept_bytes);
  record.verdict = fate.verdict;
  record.owner = fate.owner;
  record.is_dropped = fate.is_dropped;
  record.reason = fate.reason;
  record.real = fate.real;
  record.frames_out = fate.frames_out;
  if (!tap.is_trace) return;
  record.told = sight.told;
  record.has_flow = sight.frame.has_ports;
  record.tcp_flags = sight.frame.tcp_flags;
  record.after = fate.after;
  record.out_port = fate.out_port;
  record.out_bytes = record.out_kept = 0;
  if (fate.first_out == nullptr) return;
  record.out_bytes = static_cast<uint16_t>(fate.first_out->pkt_len);
  record.out_kept = copy_frame(fate.first_out, record.out_head.data(), TapRecord::kHeadBytes);
}

// All that a packet left on the ports is its own: they were empty before.
void count_frames_out(const Worker& worker, Fate& fate) noexcept {
  for (uint16_t id = 0; id < worker.port_count; ++id) {
    const WorkerPort& port = worker.ports[id];
    if (port.tx_count > 0 && fate.first_out == nullptr) {
      fate.out_port = id;
      fate.first_out = port.tx[0];
    }
    fate.frames_out = static_cast<uint16_t>(fate.frames_out + port.tx_count);
  }
}

void watch_packet(Worker& worker, const Snapshot& snapshot, Burst& burst, Sight& sight) noexcept {
  Packet& packet = burst.packets[0];
  look(worker, snapshot, packet, sight);
  const DropCounts before = drop_counts(worker);
  packet_path(worker, snapshot, burst);
  Fate fate{packet.verdict, packet.owner};
  count_frames_out(worker, fate);
  note_drop(worker, before, fate);
  if (sight.frame.has_ports) fate.after = live_connection(worker, snapshot, sight.told.flow);
  if (fate.after) fate.real = fate.after->real;
  else if (fate.frames_out > 0 && !fate.is_dropped) fate.real = sight.told.choice.real;
  const TapSet& taps = *worker.taps;
  for (uint32_t i = 0; i < taps.count; ++i) {
    Tap& tap = *taps.taps[i];
    if ((sight.wanted >> i & 1) == 0) continue;
    const auto kind = tap.is_trace ? TapRecord::Kind::kJourney : TapRecord::Kind::kFrameIn;
    TapRecord* record = begin_record(tap, worker, kind, sight.port, sight.cycles);
    if (record == nullptr) continue;
    fill(sight, fate, tap, *record);
    end_record(tap);
  }
  for (uint16_t id = 0; id < worker.port_count; ++id) {
    const WorkerPort& port = worker.ports[id];
    for (uint32_t i = 0; i < port.tx_count; ++i) tell_frame_out(worker, id, port.tx[i], fate.real, false);
  }
  flush_ports(worker);
}

}  // namespace

void watched_path(Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept {
  struct Came {
    rte_mbuf* mbuf;
    uint16_t in_port;
    bool handed_off;
  };
  std::array<Came, kBurst> came;
  const uint32_t count = burst.count;
  for (uint32_t i = 0; i < count; ++i) {
    came[i] = {burst.packets[i].mbuf, burst.packets[i].in_port, burst.packets[i].handed_off};
  }
  flush_ports(worker);
  Sight sight;
  for (uint32_t i = 0; i < count; ++i) {
    burst.count = 1;
    burst.packets[0].mbuf = came[i].mbuf;
    burst.packets[0].in_port = came[i].in_port;
    burst.packets[0].handed_off = came[i].handed_off;
    watch_packet(worker, snapshot, burst, sight);
  }
}

void watch_linux_frames(Worker& worker, uint16_t port, rte_mbuf** mbufs, uint32_t count) noexcept {
  for (uint32_t i = 0; i < count; ++i) tell_frame_out(worker, port, mbufs[i], kNoReal, true);
}

}  // namespace shunt::dataplane
