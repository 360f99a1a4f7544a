// What becomes of a packet, and why. Every drop has a name here, a meaning for people, and a counter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace shunt::dataplane {

enum class Verdict : uint8_t {
  kUndecidedIpv4,  // on its way through the stages
  kUndecidedIpv6,
  kAnswer,         // became an ICMP error of ours: back out of the port that it came from
  kKernel,         // not ours: to the kernel port of the port it came from
  kHandOff,        // another worker owns the connection: Packet::owner
  kWait,           // next hop unresolved: into the waiting room
  kDrop,           // Packet::reason says why
};

enum class DropReason : uint8_t {
  kTruncated,            // shorter than its headers say
  kNotOurMac,            // unicast to another machine's MAC address
  kBadIpHeader,          // version, header length, total length
  kBadIpChecksum,        // IPv4; IPv6 has none
  kBadExtensionHeader,   // IPv6: malformed, or more of them than anybody needs
  kBadL4Header,          // TCP data offset or UDP length impossible
  kFragment,             // a fragment for a service
  kNoRealLeft,           // the service has no real that may take it
  kNotSchedulable,       // TCP without SYN and no connection
  kTableFull,            // no room, and the scheduler cannot forward without a connection
  kLocalPortsExhausted,  // fullnat: no free local address and port for this real
  kNoLocalAddress,       // fullnat: the pool is empty
  kTtlExpired,           // TTL would reach 0
  kTooBig,               // larger than the path's MTU and not to be fragmented
  kNoRoute,              // no route to the next hop's network
  kNoNeighbour,          // the next hop's MAC address was not learned in time
  kWaitingRoomFull,      // too many packets wait for neighbours
  kPortDown,             // the port that should send has no link
  kTxFull,               // the port took no more
  kHandOffFull,          // the other worker's ring is full
  kKernelPortFull,       // the kernel port's ring is full
  kNoKernelPort,         // not ours, and the port has no kernel port
  kHopLoop,              // a handed-off packet that its owner does not own either
  kNoMbuf,               // no packet buffer left for an answer of ours
  kConnectionFlushed,    // its connection was cut by the operator
};
inline constexpr size_t kDropReasons = static_cast<size_t>(DropReason::kConnectionFlushed) + 1;

// "no_neighbour": the reason's stable name. Any thread.
std::string_view name_of(DropReason reason) noexcept;
// One sentence for people: what it means and what to look at. Any thread.
std::string_view meaning_of(DropReason reason) noexcept;

}  // namespace shunt::dataplane
