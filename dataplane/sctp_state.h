// What an SCTP packet makes of its connection's state: Linux IPVS's tables (ip_vs_proto_sctp.c sctp_states) as
// data. States are as the real sees its association (RFC 9260 section 4), told by the chunk that decides a packet.
// Pure functions; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/connection.h"
#include "dataplane/headers.h"
#include "dataplane/tcp_state.h"
#include "dataplane/types.h"

namespace shunt::dataplane {

// What a packet's deciding chunk says.
enum class SctpEvent : uint8_t {
  kData,  // and SACK, HEARTBEAT, ECN, and all that is not below
  kInit,
  kInitAck,
  kCookieEcho,
  kCookieAck,
  kShutdown,
  kShutdownAck,
  kShutdownComplete,
  kError,
  kAbort,
};
inline constexpr size_t kSctpEvents = 10;

// By chunk type, RFC 9260 section 3.2.
constexpr SctpEvent sctp_event_of(uint8_t chunk_type) noexcept {
  using enum SctpEvent;
  constexpr std::array<SctpEvent, 15> kByType{kData,     kInit,        kInitAck, kData,       kData,
                                              kData,     kAbort,       kShutdown, kShutdownAck, kError,
                                              kCookieEcho, kCookieAck, kData,    kData,       kShutdownComplete};
  return chunk_type < kByType.size() ? kByType[chunk_type] : kData;
}

// An event in Packet::tcp_flags, where every packet's decision is looked for: none for kData, which keeps an
// established connection's state; the bit of a SYN for INIT, which may open a connection; that of a FIN for all
// others.
constexpr uint8_t flags_of(SctpEvent event) noexcept {
  if (event == SctpEvent::kData) return 0;
  return static_cast<uint8_t>(static_cast<uint8_t>(event) << 3 | (event == SctpEvent::kInit ? kTcpSyn : kTcpFin));
}
constexpr SctpEvent sctp_event_in(uint8_t flags) noexcept { return static_cast<SctpEvent>(flags >> 3); }

namespace sctp_state {

inline constexpr auto kFirst = ConnectionState::kSctpNone;
inline constexpr size_t kStates = 14;
using Row = std::array<ConnectionState, kStates>;
using Table = std::array<std::array<Row, kSctpEvents>, tcp_state::kViews>;

inline constexpr auto kNo = ConnectionState::kSctpNone;
inline constexpr auto kI1 = ConnectionState::kSctpInit1;
inline constexpr auto kIn = ConnectionState::kSctpInit;
inline constexpr auto kCs = ConnectionState::kSctpCookieSent;
inline constexpr auto kCr = ConnectionState::kSctpCookieReplied;
inline constexpr auto kCw = ConnectionState::kSctpCookieWait;
inline constexpr auto kCo = ConnectionState::kSctpCookie;
inline constexpr auto kCe = ConnectionState::kSctpCookieEchoed;
inline constexpr auto kEs = ConnectionState::kSctpEstablished;
inline constexpr auto kSs = ConnectionState::kSctpShutdownSent;
inline constexpr auto kSr = ConnectionState::kSctpShutdownReceived;
inline constexpr auto kSa = ConnectionState::kSctpShutdownAckSent;
inline constexpr auto kRj = ConnectionState::kSctpRejected;
inline constexpr auto kCl = ConnectionState::kSctpClosed;

// Columns by the state now.
inline constexpr Table kTransitions{{
    {{
        // Input: client to real, replies come through us (nat, fullnat).
        //  no   i1   in   cs   cr   cw   co   ce   es   ss   sr   sa   rj   cl
        Row{kEs, kI1, kIn, kCs, kCr, kCw, kCo, kCe, kEs, kSs, kSr, kSa, kRj, kCl},  // data
        Row{kI1, kIn, kIn, kCs, kCr, kCw, kCo, kCe, kEs, kSs, kSr, kSa, kIn, kIn},  // init
        Row{kCw, kCw, kCw, kCs, kCr, kCo, kCo, kCe, kEs, kSs, kSr, kSa, kRj, kCl},  // init ack
        Row{kCr, kIn, kIn, kCr, kCr, kCw, kCo, kCe, kEs, kSs, kSr, kSa, kRj, kCl},  // cookie echo
        Row{kEs, kI1, kIn, kCs, kCr, kCw, kCo, kEs, kEs, kSs, kSr, kSa, kRj, kCl},  // cookie ack
        Row{kSr, kI1, kIn, kCs, kCr, kCw, kCo, kCe, kSr, kSs, kSr, kSa, kRj, kCl},  // shutdown
        Row{kCl, kIn, kIn, kCs, kCr, kCw, kCo, kCe, kEs, kCl, kSr, kCl, kRj, kCl},  // shutdown ack
        Row{kCl, kCl, kCl, kCs, kCr, kCw, kCo, kCe, kEs, kSs, kSr, kCl, kRj, kCl},  // shutdown complete
        Row{kCl, kI1, kIn, kCs, kCr, kCw, kCo, kCl, kEs, kSs, kSr, kSa, kRj, kCl},  // error
        Row{kCl, kCl, kCl, kCl, kCl, kRj, kCl, kCl, kCl, kCl, kCl, kCl, kCl, kCl},  // abort
    }},
    {{
        // Output: real to client.
        Row{kEs, kI1, kIn, kCs, kCr, kCw, kCo, kCe, kEs, kSs, kSr, kSa, kRj, kCl},  // data
        Row{kCw, kCw, kCw, kCw, kCw, kCw, kCw, kCw, kEs, kCw, kCw, kCw, kCw, kCw},  // init
        Row{kCs, kCs, kCs, kCs, kCr, kCw, kCo, kCe, kEs, kSs, kSr, kSa, kRj, kCl},  // init ack
        Row{kCe, kCe, kCe, kCe, kCe, kCe, kCe, kCe, kEs, kSs, kSr, kSa, kRj, kCl},  // cookie echo
        Row{kEs, kEs, kEs, kEs, kEs, kEs, kEs, kEs, kEs, kSs, kSr, kSa, kRj, kCl},  // cookie ack
        Row{kSs, kSs, kSs, kSs, kSs, kSs, kSs, kSs, kSs, kSs, kSr, kSa, kRj, kCl},  // shutdown
        Row{kSa, kSa, kSa, kSa, kSa, kCw, kCo, kCe, kEs, kSa, kSa, kSa, kRj, kCl},  // shutdown ack
        Row{kCl, kI1, kIn, kCs, kCr, kCw, kCo, kCe, kEs, kSs, kSr, kSa, kRj, kCl},  // shutdown complete
        Row{kCl, kCl, kCl, kCl, kCl, kCw, kCo, kCe, kEs, kSs, kSr, kSa, kRj, kCl},  // error
        Row{kCl, kRj, kCl, kCl, kCl, kCl, kCl, kCl, kCl, kCl, kCl, kCl, kCl, kCl},  // abort
    }},
    {{
        // Input only: replies pass us by (direct, tunnel).
        Row{kEs, kI1, kIn, kCs, kCr, kEs, kCo, kCe, kEs, kSs, kSr, kSa, kRj, kCl},  // data
        Row{kI1, kIn, kIn, kIn, kIn, kIn, kCo, kCe, kEs, kSs, kSr, kSa, kIn, kIn},  // init
        Row{kCe, kCe, kCe, kCe, kCe, kCe, kCo, kCe, kEs, kSs, kSr, kSa, kRj, kCl},  // init ack
        Row{kEs, kEs, kEs, kEs, kEs, kEs, kCo, kCe, kEs, kSs, kSr, kSa, kRj, kCl},  // cookie echo
        Row{kEs, kI1, kIn, kEs, kEs, kCw, kEs, kEs, kEs, kSs, kSr, kSa, kRj, kCl},  // cookie ack
        Row{kSr, kI1, kIn, kCs, kCr, kCw, kCo, kCe, kSr, kSs, kSr, kSa, kRj, kCl},  // shutdown
        Row{kCl, kIn, kIn, kCs, kCr, kCw, kCo, kCe, kCl, kCl, kSr, kCl, kRj, kCl},  // shutdown ack
        Row{kCl, kCl, kCl, kCl, kCl, kCw, kCo, kCe, kEs, kSs, kCl, kCl, kRj, kCl},  // shutdown complete
        Row{kCl, kI1, kIn, kCs, kCr, kCw, kCo, kCe, kEs, kSs, kSr, kSa, kRj, kCl},  // error
        Row{kCl, kCl, kCl, kCl, kCl, kRj, kCl, kCl, kCl, kCl, kCl, kCl, kCl, kCl},  // abort
    }},
}};

}  // namespace sctp_state

constexpr bool is_sctp(ConnectionState state) noexcept {
  return state >= sctp_state::kFirst && state <= ConnectionState::kSctpClosed;
}

// The state after a packet whose flags are flags_of() its event. REQUIRES is_sctp(state). `no_output` as of
// next_tcp_state().
constexpr ConnectionState next_sctp_state(ConnectionState state, Direction direction, uint8_t no_output,
                                          uint8_t flags) noexcept {
  using tcp_state::View;
  const View view = direction == Direction::kReply ? View::kOutput : no_output ? View::kInputOnly : View::kInput;
  const auto event = static_cast<size_t>(sctp_event_in(flags));
  const auto column = static_cast<size_t>(state) - static_cast<size_t>(sctp_state::kFirst);
  return sctp_state::kTransitions[static_cast<size_t>(view)][event][column];
}

}  // namespace shunt::dataplane
