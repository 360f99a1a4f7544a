#include "dataplane/track.h"

#include "dataplane/tcp_state.h"

namespace shunt::dataplane {
namespace {

// Moves the connection between its real's active and inactive counts (ip_vs_proto_tcp.c set_tcp_state).
void count_state(Connection& connection, RealCounters& real) noexcept {
  const bool counted_active = connection.flags & kConnectionActive;
  if (counted_active == is_active(connection.state)) return;
  auto& from = counted_active ? real.active : real.inactive;
  auto& to = counted_active ? real.inactive : real.active;
  from.store(from.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  to.store(to.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  connection.flags ^= kConnectionActive;
}

void track_tcp(Connection& connection, const Packet& packet, RealCounters& real) noexcept {
  if (packet.direction == Direction::kReply) connection.flags &= static_cast<uint8_t>(~kConnectionNoOutput);
  const ConnectionState before = connection.state;
  connection.state =
      next_tcp_state(before, packet.direction, connection.flags & kConnectionNoOutput, packet.tcp_flags);
  if (connection.state != before) count_state(connection, real);
}

void count_traffic(const Packet& packet, Connection* connection, RealCounters& real) noexcept {
  if (packet.direction == Direction::kRequest) {
    real.in_packets.add(1);
    real.in_bytes.add(packet.ip_bytes);
    if (connection) ++connection->in_packets;
  } else {
    real.out_packets.add(1);
    real.out_bytes.add(packet.ip_bytes);
    if (connection) ++connection->out_packets;
  }
}

}  // namespace

void track(Worker& worker, const Snapshot& snapshot, Burst& burst) noexcept {
  for (Packet& packet : burst.all()) {
    if (!packet.undecided()) continue;
    RealCounters& real = worker.real_counters[packet.real.index];
    Connection* connection = packet.connection;
    count_traffic(packet, connection, real);
    if (connection == nullptr) continue;
    if (packet.protocol == kIpProtocolTcp) track_tcp(*connection, packet, real);
    connection->expires =
        worker.now + snapshot.timeouts[connection->timeouts][static_cast<size_t>(connection->state)];
  }
}

}  // namespace shunt::dataplane
