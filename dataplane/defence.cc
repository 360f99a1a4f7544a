#include "dataplane/defence.h"

#include <algorithm>

#include "dataplane/expiry.h"
#include "dataplane/family.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {
namespace {

constexpr Tick kPeriodMs = 1000;
// drop_entry looks at one entry in so many in a period, in the first half of it.
constexpr uint32_t kShareOfEntries = 32;
constexpr uint32_t kStepsOfShare = kPeriodMs / 2;
// An established connection that was used since may be in the middle of something.
constexpr int32_t kLittleUsedMs = 60000;

bool is_on(Defence defence, bool is_scarce) noexcept {
  switch (defence) {
    case Defence::kOff: return false;
    case Defence::kWhenScarce: return is_scarce;
    case Defence::kAlways: return true;
  }
  return false;
}

template <typename Entry>
int32_t idle_ms(const Snapshot& snapshot, const Entry& connection, Tick now) noexcept {
  const RealEntry& real = snapshot.reals[connection.real.index];
  const uint32_t timeout = snapshot.timeouts[real.timeouts][static_cast<size_t>(connection.state)];
  return static_cast<int32_t>(timeout - (connection.expires - now));
}

}  // namespace

template <typename Table>
void Defences::judge(const Snapshot& snapshot, const Table& table) noexcept {
  const Sysctls& sysctls = snapshot.sysctls;
  const auto wanted = static_cast<uint32_t>(uint64_t{table.capacity()} * sysctls.amemthresh / 100);
  const uint32_t free = table.capacity() - table.used();
  const bool is_scarce = free < wanted;
  drops_entries_ = is_on(sysctls.drop_entry, is_scarce);
  tcp_after_ = is_on(sysctls.secure_tcp, is_scarce) ? &tcp_state::kSecureAfter : &tcp_state::kAfter;
  const uint32_t rate_before = drop_rate_;
  drop_rate_ = 0;
  if (is_on(sysctls.drop_packet, is_scarce)) {
    // The scarcer, the more often: one in ten when a tenth of what is wanted is lacking, each when nothing is free.
    drop_rate_ = sysctls.drop_packet == Defence::kAlways ? sysctls.am_droprate : wanted / (wanted - free);
  }
  if (drop_rate_ != rate_before) drop_countdown_ = drop_rate_;
}

// Half-open connections do, and of those that are established and were not used for a minute, the fewer packets
// they had the likelier: all with one, every eighth with eight (ip_vs_conn.c todrop_entry).
template <typename Entry>
bool Defences::gives_way(const Snapshot& snapshot, const Entry& connection, Tick now) noexcept {
  switch (connection.state) {
    case ConnectionState::kSynRecv:
    case ConnectionState::kSynAck:
    case ConnectionState::kSctpInit1:
    case ConnectionState::kSctpInit:
      return true;
    case ConnectionState::kEstablished:
    case ConnectionState::kSctpEstablished:
    case ConnectionState::kUdp:
    case ConnectionState::kIcmp:
      break;
    case ConnectionState::kNone:
    case ConnectionState::kSynSent:
    case ConnectionState::kFinWait:
    case ConnectionState::kTimeWait:
    case ConnectionState::kClose:
    case ConnectionState::kCloseWait:
    case ConnectionState::kLastAck:
    case ConnectionState::kListen:
    case ConnectionState::kSctpNone:
    case ConnectionState::kSctpCookieSent:
    case ConnectionState::kSctpCookieReplied:
    case ConnectionState::kSctpCookieWait:
    case ConnectionState::kSctpCookie:
    case ConnectionState::kSctpCookieEchoed:
    case ConnectionState::kSctpShutdownSent:
    case ConnectionState::kSctpShutdownReceived:
    case ConnectionState::kSctpShutdownAckSent:
    case ConnectionState::kSctpRejected:
    case ConnectionState::kSctpClosed:
      return false;
  }
  const uint32_t packets = connection.in_packets;
  if (packets < 1 || packets > spared_.size()) return false;
  if (idle_ms(snapshot, connection, now) < kLittleUsedMs) return false;
  uint8_t& spared = spared_[packets - 1];
  if (++spared < packets) return false;
  spared = 0;
  return true;
}

// Of one table.
template <typename Ip>
void defend(Worker& worker, const Snapshot& snapshot, Defences& defences) noexcept {
  if (!defences.drops_entries_) return;
  auto& table = connections_of<Ip>(worker);
  uint32_t budget = std::min(defences.owed_, table.capacity() / kShareOfEntries / kStepsOfShare + 1);
  defences.owed_ -= budget;
  for (; budget > 0; --budget) {
    typename Ip::Entry* connection = table.at(defences.position_);
    if (connection == nullptr) {
      defences.position_ = 0;
      continue;
    }
    ++defences.position_;
    if ((connection->flags & kConnectionUsed) == 0) continue;
    if (!defences.gives_way(snapshot, *connection, worker.now)) continue;
    worker.counters.entries_dropped.add(1);
    end_connection(worker, connection);
  }
}

void defend(Worker& worker, const Snapshot& snapshot) noexcept {
  const bool period_is_over = is_past(worker.next_defence, worker.now);
  if (period_is_over || worker.defended_by != snapshot.sysctls) {
    worker.defences.judge(snapshot, worker.connections);
    worker.defences6.judge(snapshot, worker.connections6);
    worker.defended_by = snapshot.sysctls;
  }
  if (period_is_over) {
    worker.next_defence = worker.now + kPeriodMs;
    worker.defences.owed_ = worker.connections.capacity() / kShareOfEntries;
    worker.defences6.owed_ = worker.connections6.capacity() / kShareOfEntries;
  }
  defend<Ipv4>(worker, snapshot, worker.defences);
  defend<Ipv6>(worker, snapshot, worker.defences6);
}

}  // namespace shunt::dataplane
