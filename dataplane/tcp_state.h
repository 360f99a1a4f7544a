// What a TCP packet makes of its connection's state: Linux IPVS's tables (ip_vs_proto_tcp.c tcp_states, and for
// times of attack tcp_states_dos) as data. The load balancer sees flags only, never whether a segment was accepted,
// so these are guesses that fail towards shorter timeouts. Pure functions; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/connection.h"
#include "dataplane/headers.h"
#include "dataplane/types.h"

namespace shunt::dataplane {
namespace tcp_state {

// Which table applies: what was seen of the connection.
enum class View : uint8_t { kInput, kOutput, kInputOnly };
// The flag that counts, in the order rst > syn > fin > ack.
enum class Flag : uint8_t { kSyn, kFin, kAck, kRst, kNone };

inline constexpr size_t kViews = 3;
inline constexpr size_t kFlags = 5;
// TCP's, and UDP's one.
inline constexpr size_t kStates = static_cast<size_t>(ConnectionState::kUdp) + 1;
using Row = std::array<ConnectionState, kStates>;
using Table = std::array<std::array<Row, kFlags>, kViews>;

inline constexpr auto kNo = ConnectionState::kNone;
inline constexpr auto kEs = ConnectionState::kEstablished;
inline constexpr auto kSs = ConnectionState::kSynSent;
inline constexpr auto kSr = ConnectionState::kSynRecv;
inline constexpr auto kFw = ConnectionState::kFinWait;
inline constexpr auto kTw = ConnectionState::kTimeWait;
inline constexpr auto kCl = ConnectionState::kClose;
inline constexpr auto kCw = ConnectionState::kCloseWait;
inline constexpr auto kLa = ConnectionState::kLastAck;
inline constexpr auto kLi = ConnectionState::kListen;
inline constexpr auto kSa = ConnectionState::kSynAck;
inline constexpr auto kUd = ConnectionState::kUdp;

// A packet with none of the four flags keeps the state. IPVS moves it to CLOSE, which lets whoever
// guesses the ports cut a connection with one bare packet; deviation on purpose.
inline constexpr Row kKeep{kNo, kEs, kSs, kSr, kFw, kTw, kCl, kCw, kLa, kLi, kSa, kUd};

// Columns by the state now; UDP's never changes. An RST in SYN_RECV stays there on input: a spoofed
// one frees nothing.
inline constexpr Table kTransitions{{
    {{
        // Input: client to real, replies come through us (nat, fullnat).
        //    no   es   ss   sr   fw   tw   cl   cw   la   li   sa
        Row{kSr, kEs, kEs, kSr, kSr, kSr, kSr, kSr, kSr, kSr, kSr, kUd},  // syn
        Row{kCl, kCw, kSs, kTw, kTw, kTw, kCl, kCw, kLa, kLi, kTw, kUd},  // fin
        Row{kEs, kEs, kSs, kEs, kFw, kTw, kCl, kCw, kCl, kLi, kEs, kUd},  // ack
        Row{kCl, kCl, kCl, kSr, kCl, kCl, kCl, kCl, kLa, kLi, kSr, kUd},  // rst
        kKeep,
    }},
    {{
        // Output: real to client.
        Row{kSs, kEs, kSs, kSr, kSs, kSs, kSs, kSs, kSs, kLi, kSr, kUd},  // syn
        Row{kTw, kFw, kSs, kTw, kFw, kTw, kCl, kTw, kLa, kLi, kTw, kUd},  // fin
        Row{kEs, kEs, kSs, kEs, kFw, kTw, kCl, kCw, kLa, kEs, kEs, kUd},  // ack
        Row{kCl, kCl, kSs, kCl, kCl, kTw, kCl, kCl, kCl, kCl, kCl, kUd},  // rst
        kKeep,
    }},
    {{
        // Input only: replies pass us by (direct, tunnel).
        Row{kSr, kEs, kEs, kSr, kSr, kSr, kSr, kSr, kSr, kSr, kSr, kUd},  // syn
        Row{kCl, kFw, kSs, kTw, kFw, kTw, kCl, kCw, kLa, kLi, kTw, kUd},  // fin
        Row{kEs, kEs, kSs, kEs, kFw, kTw, kCl, kCw, kCl, kLi, kEs, kUd},  // ack
        Row{kCl, kCl, kCl, kSr, kCl, kCl, kCl, kCl, kLa, kLi, kCl, kUd},  // rst
        kKeep,
    }},
}};

// For times of attack (sysctl secure_tcp): where replies are seen, a client's ACK alone establishes nothing, and a
// real's SYN ACK is remembered; where they are not, its SYN is taken for answered.
inline constexpr Table kSecureTransitions{{
    {{
        // Input.
        //    no   es   ss   sr   fw   tw   cl   cw   la   li   sa
        Row{kSr, kEs, kEs, kSr, kSr, kSr, kSr, kSr, kSr, kSr, kSa, kUd},  // syn
        Row{kCl, kCw, kSs, kTw, kTw, kTw, kCl, kCw, kLa, kLi, kSa, kUd},  // fin
        Row{kEs, kEs, kSs, kSr, kFw, kTw, kCl, kCw, kCl, kLi, kSa, kUd},  // ack
        Row{kCl, kCl, kCl, kSr, kCl, kCl, kCl, kCl, kLa, kLi, kCl, kUd},  // rst
        kKeep,
    }},
    {{
        // Output.
        Row{kSs, kEs, kSs, kSa, kSs, kSs, kSs, kSs, kSs, kLi, kSa, kUd},  // syn
        Row{kTw, kFw, kSs, kTw, kFw, kTw, kCl, kTw, kLa, kLi, kTw, kUd},  // fin
        Row{kEs, kEs, kSs, kEs, kFw, kTw, kCl, kCw, kLa, kEs, kEs, kUd},  // ack
        Row{kCl, kCl, kSs, kCl, kCl, kTw, kCl, kCl, kCl, kCl, kCl, kUd},  // rst
        kKeep,
    }},
    {{
        // Input only.
        Row{kSa, kEs, kEs, kSr, kSa, kSa, kSa, kSa, kSa, kSa, kSa, kUd},  // syn
        Row{kCl, kFw, kSs, kTw, kFw, kTw, kCl, kCw, kLa, kLi, kTw, kUd},  // fin
        Row{kEs, kEs, kSs, kEs, kFw, kTw, kCl, kCw, kCl, kLi, kEs, kUd},  // ack
        Row{kCl, kCl, kCl, kSr, kCl, kCl, kCl, kCl, kLa, kLi, kCl, kUd},  // rst
        kKeep,
    }},
}};

constexpr Flag deciding_flag(uint8_t tcp_flags) noexcept {
  if (tcp_flags & kTcpRst) return Flag::kRst;
  if (tcp_flags & kTcpSyn) return Flag::kSyn;
  if (tcp_flags & kTcpFin) return Flag::kFin;
  if (tcp_flags & kTcpAck) return Flag::kAck;
  return Flag::kNone;
}

// The same tables by (view, state, five low flag bits), so that the packet path takes one load and does not branch on
// what clients send.
inline constexpr size_t kFlagBits = 32;
inline constexpr size_t kStateRows = 16;  // a power of two, so that an index is put together by shifts
static_assert(kStates <= kStateRows);
using After = std::array<ConnectionState, (kViews + 1) * kStateRows * kFlagBits>;
// Behind the three views lies output once more: it applies whatever was seen before it.
constexpr After after_of(const Table& transitions) noexcept {
  After after{};
  for (size_t view = 0; view <= kViews; ++view) {
    const size_t table = view == kViews ? static_cast<size_t>(View::kOutput) : view;
    for (size_t state = 0; state < kStates; ++state) {
      for (size_t bits = 0; bits < kFlagBits; ++bits) {
        const auto flag = static_cast<size_t>(deciding_flag(static_cast<uint8_t>(bits)));
        after[(view * kStateRows + state) * kFlagBits + bits] = transitions[table][flag][state];
      }
    }
  }
  return after;
}
inline constexpr After kAfter = after_of(kTransitions);
inline constexpr After kSecureAfter = after_of(kSecureTransitions);

}  // namespace tcp_state

// The state after a packet with `tcp_flags`. `no_output`: kConnectionNoOutput under direct and tunnel, whose
// replies are never seen (IPVS's NOOUTPUT), or 0; a reply's own table applies whatever it says. `after`: the
// tables, or those for times of attack. REQUIRES a state of TCP or UDP.
constexpr ConnectionState next_tcp_state(ConnectionState state, Direction direction, uint8_t no_output,
                                         uint8_t tcp_flags,
                                         const tcp_state::After& after = tcp_state::kAfter) noexcept {
  using tcp_state::View;
  static_assert(kConnectionNoOutput == static_cast<size_t>(View::kInputOnly) * tcp_state::kStateRows);
  // The view's first row, put together without a branch.
  static_assert(static_cast<size_t>(View::kInput) == 0 &&
                (static_cast<size_t>(View::kInputOnly) | static_cast<size_t>(View::kOutput)) == tcp_state::kViews);
  const size_t reply_row = static_cast<size_t>(direction) * static_cast<size_t>(View::kOutput) * tcp_state::kStateRows;
  const size_t rows = reply_row | no_output | static_cast<size_t>(state);
  return after[rows * tcp_state::kFlagBits + tcp_flags % tcp_state::kFlagBits];
}

// Nearly every packet: without SYN, FIN and RST, of an established TCP connection or of UDP or ICMP, whose one state is
// kept by all; data of an established SCTP connection (sctp_state.h). next_tcp_state() and next_sctp_state() say
// the same of it, whatever the direction.
constexpr bool keeps_state(ConnectionState state, uint8_t tcp_flags) noexcept {
  constexpr uint32_t kSteady = 1u << static_cast<uint32_t>(ConnectionState::kEstablished) |
                               1u << static_cast<uint32_t>(ConnectionState::kUdp) |
                               1u << static_cast<uint32_t>(ConnectionState::kIcmp) |
                               1u << static_cast<uint32_t>(ConnectionState::kSctpEstablished);
  static_assert(kConnectionStates <= 32);
  return (tcp_flags & (kTcpSyn | kTcpFin | kTcpRst)) == 0 && (kSteady >> static_cast<uint32_t>(state) & 1) != 0;
}

// Counts as an active connection of its real, 256 times an inactive one's load (ip_vs_proto_tcp.c
// tcp_state_active_table; of SCTP's states the established one, ip_vs_proto_sctp.c set_sctp_state). IPVS's connections
// begin inactive and only these states change that, so UDP's are inactive.
constexpr bool is_active(ConnectionState state) noexcept {
  return state == ConnectionState::kEstablished || state == ConnectionState::kSynSent ||
         state == ConnectionState::kSynRecv || state == ConnectionState::kSynAck ||
         state == ConnectionState::kSctpEstablished;
}

}  // namespace shunt::dataplane
