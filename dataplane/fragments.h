// Fragments of what services and their reals send each other. Each goes on by itself as soon as its datagram's ports
// are known, of SCTP its length, too: parsing gives it the key that the whole datagram would have had, and from there on it is a packet like any
// other, but for the L4 header that only the first one has. Reassembly is the receiver's.
//
// All fragments of a datagram are noted by one worker, the one that the datagram names; from there they are handed,
// ports in the mbuf, to the connection's. Worker only.
#pragma once

#include "dataplane/family.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// A fragment as its headers tell it.
struct Fragment {
  uint32_t id;
  uint32_t begin;  // of its bytes in the datagram, counted from the end of the header that every fragment has
  uint32_t bytes;
  bool is_last;
  uint8_t protocol;   // the first one's: of what `data` begins with, extension headers passed over
  uint32_t overhead;  // what stands in front of its bytes and counts in the datagram's 65,535
  uint8_t* data;      // its bytes, or in the first one what follows extension headers, up to `end`
  const uint8_t* end;
  uint32_t readable;  // of `data`, in the first buffer
};

// Makes the packet one with a key, or decides it: not ours, before the first one's time, impossible, another worker's.
// REQUIRES ip and ip_bytes of the packet.
template <typename Ip>
void take_fragment(Worker& worker, const Snapshot& snapshot, Packet& packet, const Fragment& fragment) noexcept;

// Keeps what take_fragment() let wait (Verdict::kHold); when its first one has come since, or is lost to others, what
// that means.
void hold_fragment(Worker& worker, const Packet& packet) noexcept;

// Drops fragments that waited too long. Steps: one a group and those dropped.
void expire_fragments(Worker& worker) noexcept;

// Tells the worker that takes the mbuf next, here or elsewhere, of what flow the fragment in it is.
void note_flow(rte_mbuf* mbuf, const L4Flow& flow) noexcept;

// The datagram of a fragment that has a key; nullptr: it was noted elsewhere, or its place is another's by now.
Datagram* datagram_of(Worker& worker, const Packet& packet) noexcept;

// Which part of its datagram a packet with a key is. For the rarer steps: IPv6 looks through the extension headers.
enum class Part : uint8_t { kWhole, kFirst, kLater };
Part part_of(const Ipv4Header* ip) noexcept;
Part part_of(const Ipv6Header* ip) noexcept;

}  // namespace shunt::dataplane
