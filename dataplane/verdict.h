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
  kIcmpErrorIpv4,  // says what became of a packet, perhaps of a connection's: relay_error() decides
  kIcmpErrorIpv6,
  kAnswer,         // became an answer of ours: back out of the port that it came from
  kKernel,         // not ours: to the kernel port of the port it came from
  kHandOff,        // another worker owns the connection: Packet::owner
  kWait,           // next hop unresolved: into the waiting room
  kHold,           // a fragment before its datagram's first one: Packet::datagram
  kPieces,         // larger than its way takes, and it may be cut: the pieces went, this is freed
  kDrop,           // Packet::reason says why
};

enum class DropReason : uint8_t {
  kTruncated,            // shorter than its headers say
  kNotOurMac,            // unicast to another machine's MAC address
  kBadIpHeader,          // version, header length, total length
  kBadIpChecksum,        // IPv4; IPv6 has none
  kBadExtensionHeader,   // IPv6: malformed, or more of them than anybody needs
  kBadL4Header,          // TCP data offset, UDP length or SCTP chunk length impossible
  kNoRealLeft,           // the service has no real that may take it
  kNotSchedulable,       // TCP without SYN, SCTP without INIT, and no connection
  kTableFull,            // no room, and the scheduler cannot forward without a connection
  kLocalPortsExhausted,  // fullnat: no free local address and port for this real
  kNoLocalAddress,       // fullnat: the pool is empty; tunnel: the port has no address of the outer family
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
  kBadIcmpChecksum,      // of an ICMP error about a connection
  kBadIcmpError,         // quotes no packet that its receiver can have sent
  kIcmpNoConnection,     // an ICMP error about no connection of a service
  kImpossibleMtu,        // a packet-too-big with an MTU that no path has
  kTunnelError,          // an ICMP error about a packet of our own to a tunnel's real
  kFragmentTiny,         // a first fragment without the whole L4 header, or one that would lie over it
  kFragmentBadLength,    // a fragment's length or place that no sender makes
  kFragmentOverlap,      // fragments that contradict each other, and all others of their datagram
  kFragmentDuplicate,    // a fragment that came twice
  kFragmentTimeout,      // a fragment whose datagram's first one did not come
  kFragmentFlood,        // more fragments than there is room for
  kNoCallId,             // would open a connection of a service with persistence by Call-ID, and has none
  kReplyOfNone,          // a nat real's, of no connection: sysctl nat_icmp_send has it told so
  kDropPacket,           // would open a connection, which sysctl drop_packet forbade it
  kNotOurVlan,           // a tagged port: without its tag
  kClientUntold,         // a fragment that must not reach its real without word of the client, and has no room for it
  kConnectionFlushed,    // its connection was cut by the operator
  kAccessDenied,         // its client is on the service's deny list, or not on its allow list
  kNewConnectionLimit,   // more than the service's limits allow: of all its clients ...
  kPacketLimit,
  kBitLimit,
  kConnectionLimit,
  kClientNewConnectionLimit,  // ... and of this one
  kClientPacketLimit,
  kClientBitLimit,
  kClientConnectionLimit,
  kSnatExhausted,        // snat: no free address and port of the rule's toward its destination
  kMappedAddress,        // IPv6 with an address that stands for an IPv4 one
  kUntranslatable,       // of a connection whose ends are of two families, and the other one has nothing like it
  kFtpUnread,            // of an FTP control connection, and not to be read: out of order, a fragment, damaged
};
inline constexpr size_t kDropReasons = static_cast<size_t>(DropReason::kFtpUnread) + 1;

// "no_neighbour": the reason's stable name. Any thread.
std::string_view name_of(DropReason reason) noexcept;
// One sentence for people: what it means and what to look at. Any thread.
std::string_view meaning_of(DropReason reason) noexcept;

}  // namespace shunt::dataplane
