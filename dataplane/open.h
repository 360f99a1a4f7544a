// How a packet that was given a real goes on: by a new connection, by one that is forgotten with it, or without any. Who
// gets a real is decided before (admit.h). Worker only.
#pragma once

#include "dataplane/choose.h"
#include "dataplane/family.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// For a packet that was decided.
template <typename Ip>
constexpr Flow<Ip> kNoFlow{nullptr, kNoReal, Direction::kRequest};

// A stateless scheduler gives every packet of a flow the same real, so one-way methods do without a connection.
bool can_go_untracked(const ServiceEntry& service) noexcept;

// Counts it.
template <typename Ip>
Flow<Ip> forward_untracked(Worker& worker, RealId real) noexcept;

// By a connection of its own to the real that it holds; where there is no room for one, without, if it can do so. real
// kNoReal: the packet is dropped, the real let go.
template <typename Ip>
Flow<Ip> open_connection(Worker& worker, const Snapshot& snapshot, const ServiceEntry& service,
                         const typename Ip::Key& request, const Held& held, Packet& packet) noexcept;

// A datagram that gets a real but leaves no connection behind: it goes on by one that is forgotten with it, as under
// Linux (ip_vs_conn.c, IP_VS_CONN_F_ONE_PACKET).
template <typename Ip>
Flow<Ip> forward_alone(Worker& worker, const Snapshot& snapshot, const typename Ip::Key& request, RealId real_id,
                       Direction direction) noexcept;

}  // namespace shunt::dataplane
