// A datagram that passes in fragments: whose it is, and which of its bytes came. Owner: the worker in whose table it
// lies (fragment_table.h).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "dataplane/connection.h"
#include "dataplane/verdict.h"
#include "src/base/address.h"

namespace shunt::dataplane {

// What all fragments of a datagram have in common: RFC 791 section 3.2; RFC 8200 section 4.5, where `protocol` is no
// part of it and 0.
struct DatagramKey {
  IpAddress source;
  IpAddress destination;
  uint8_t protocol = 0;
  uint32_t id = 0;
  bool operator==(const DatagramKey& other) const noexcept = default;
};

// The L4 protocol and both ports as they lie in a packet; protocol 0: not known yet.
struct L4Flow {
  uint32_t ports = 0;
  uint8_t protocol = 0;
  uint16_t sctp_bytes = 0;  // SCTP: of the whole datagram
};
static_assert(sizeof(L4Flow) == 8);

// Some of a datagram's bytes: from `begin` up to, and without, `end`.
struct Stretch {
  uint16_t begin;
  uint16_t end;
};

struct alignas(64) Datagram {
  // More pieces with holes between them than this is nothing that a network does.
  static constexpr uint8_t kMostStretches = 15;

  enum class State : uint8_t {
    kFree,
    kAwaitsFirst,  // its fragments wait for the one with the ports
    kAwaitsLast,   // SCTP: all of them, the first one too, wait for the one that tells the length
    kKnown,
    kLinux,     // its first fragment is of a protocol that goes to the kernel port
    kPoisoned,  // one of its fragments could not be true: the others are dropped for the same reason
  };
  enum class Arrival : uint8_t { kNew, kDuplicate, kContradicts, kTooScattered };

  DatagramKey key;
  L4Flow flow;
  RealId real = kNoReal;  // of a one-packet service's: who got the first fragment
  Tick expires;
  uint32_t serial;  // how old it is, and which of those that were in its place
  State state;
  uint8_t waiting;                           // fragments that wait for the first or last one
  DropReason poison;                         // under kPoisoned
  uint8_t count;                             // of stretches
  uint16_t total;                            // bytes in all; 0 until a last fragment came
  std::array<Stretch, kMostStretches> came;  // in order, neither overlapping nor touching

  // Notes a fragment's bytes. What lies within a stretch that came is a duplicate, what reaches beyond it contradicts,
  // as does a second end (Linux, inet_fragment.c inet_frag_queue_insert and ip_fragment.c ip_frag_queue; RFC 5722).
  Arrival note(Stretch piece, bool is_last) noexcept {
    if (contradicts_the_end(piece, is_last)) return Arrival::kContradicts;
    // The first that touches it or lies behind it.
    uint8_t at = 0;
    while (at < count && came[at].end < piece.begin) ++at;
    if (at < count && came[at].begin <= piece.begin && piece.end <= came[at].end) return Arrival::kDuplicate;
    const bool joins = at < count && came[at].end == piece.begin;  // one in front of it
    const uint8_t behind = joins ? at + 1 : at;
    if (behind < count && came[behind].begin < piece.end) return Arrival::kContradicts;
    const bool leads = behind < count && came[behind].begin == piece.end;  // one behind it
    if (!joins && !leads && count == kMostStretches) return Arrival::kTooScattered;
    if (joins && leads) {
      came[at].end = came[behind].end;
      remove(behind);
    } else if (joins) {
      came[at].end = piece.end;
    } else if (leads) {
      came[behind].begin = piece.begin;
    } else {
      insert(at, piece);
    }
    if (is_last) total = piece.end;
    return Arrival::kNew;
  }

  bool is_whole() const noexcept { return total != 0 && count == 1 && came[0].begin == 0 && came[0].end == total; }

 private:
  bool contradicts_the_end(Stretch piece, bool is_last) const noexcept {
    if (total != 0 && (is_last ? piece.end != total : piece.end > total)) return true;
    return is_last && count > 0 && came[count - 1].end > piece.end;
  }
  void insert(uint8_t at, Stretch piece) noexcept {
    std::memmove(&came[at + 1], &came[at], (count - at) * sizeof(Stretch));
    came[at] = piece;
    ++count;
  }
  void remove(uint8_t at) noexcept {
    --count;
    std::memmove(&came[at], &came[at + 1], (count - at) * sizeof(Stretch));
  }
};
static_assert(sizeof(Datagram) == 128);

}  // namespace shunt::dataplane
