// A worker's defences against floods (Sysctls: drop_entry, drop_packet, secure_tcp) of one connection table, as
// they stand now. Linux IPVS's, which goes by the machine's free memory (ip_vs_ctl.c update_defense_level,
// ip_vs_conn.c ip_vs_random_dropentry); a worker's memory is its tables. Owner: the worker.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/connection.h"
#include "dataplane/tcp_state.h"

namespace shunt::dataplane {

struct Worker;
struct Snapshot;

class Defences {
 public:
  // Whether a packet that would open a connection is dropped: one in drop_packet's rate.
  bool turns_away() noexcept {
    if (drop_rate_ == 0 || --drop_countdown_ > 0) return false;
    drop_countdown_ = drop_rate_;
    return true;
  }
  // That rate; 0: none is dropped.
  uint32_t drop_rate() const noexcept { return drop_rate_; }
  // What TCP goes by.
  const tcp_state::After& tcp_after() const noexcept { return *tcp_after_; }

 private:
  template <typename Ip>
  friend void defend(Worker& worker, const Snapshot& snapshot, Defences& defences) noexcept;
  friend void defend(Worker& worker, const Snapshot& snapshot) noexcept;
  template <typename Table>
  void judge(const Snapshot& snapshot, const Table& table) noexcept;
  template <typename Entry>
  bool gives_way(const Snapshot& snapshot, const Entry& connection, Tick now) noexcept;

  const tcp_state::After* tcp_after_ = &tcp_state::kAfter;
  uint32_t drop_rate_ = 0;  // 0: none
  uint32_t drop_countdown_ = 0;
  bool drops_entries_ = false;
  uint32_t position_ = 0;  // the next entry that drop_entry looks at
  uint32_t owed_ = 0;      // entries that it should have looked at by now
  // Of established connections with so many packets (1..8), those that were spared since the last one that was not.
  std::array<uint8_t, 8> spared_{};
};

// Looks once a second, and at once when the sysctls change, whether the defences are wanted; ends what drop_entry
// says, a 32nd of each table in a second, a few entries at a time. Worker only, once a millisecond.
void defend(Worker& worker, const Snapshot& snapshot) noexcept;

}  // namespace shunt::dataplane
