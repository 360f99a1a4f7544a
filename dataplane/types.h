// The words that both planes share: what a service, a real and a worker can be. Values only; any thread.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace shunt::dataplane {

// IANA protocol numbers. ICMP, of either family, is snat's alone.
enum class Protocol : uint8_t { kIcmp = 1, kTcp = 6, kUdp = 17, kIcmpv6 = 58, kSctp = 132 };

// How a packet reaches its real. kSnat: it is no real's, but one of those that a rule of snat lets reach out (snat.h).
enum class Method : uint8_t { kDirect, kTunnel, kNat, kFullnat, kSnat };
inline constexpr size_t kMethods = 5;
// Both ends' addresses and ports are the connection's: packets leave as mirror images of the other direction's.
constexpr bool is_mirrored(Method method) noexcept { return method >= Method::kFullnat; }

// What a tunnel puts between its own IP header and the packet (IPVS's tun types and flags, ip_vs_xmit.c): nothing (RFC
// 2003, RFC 2473, RFC 4213), GRE (RFC 2784), or UDP and Generic UDP Encapsulation (draft-ietf-intarea-gue), each of the
// latter two without or with a checksum over all that it carries.
enum class TunnelKind : uint8_t { kIpip, kGre, kGreChecksum, kGue, kGueChecksum };
// IANA's port for GUE, Linux's in its examples, too.
inline constexpr uint16_t kGuePort = 6080;

// How a real's tunnel is made.
struct Tunnel {
  TunnelKind kind = TunnelKind::kIpip;
  // GUE's, where the real listens; of the other kinds 0.
  uint16_t port = 0;

  bool operator==(const Tunnel&) const noexcept = default;
};

enum class SchedulerKind : uint8_t {
  kRr, kWrr, kLc, kWlc, kMh, kSed, kNq, kSh, kDh, kFo, kOvf, kTwos, kLblc, kLblcr, kConhash
};

// What a client is told when there is no real for its new connection.
enum class NoReal : uint8_t {
  kUnreachable,  // ICMP port unreachable, as IPVS (ip_vs_core.c ip_vs_leave)
  kDrop,         // nothing
  kReset,        // TCP: a reset; other protocols as kUnreachable
};

// What a client is told whom a service does not take.
enum class Refusal : uint8_t {
  kDrop,        // nothing
  kReset,       // TCP: a reset; other protocols as kProhibited
  kProhibited,  // ICMP: administratively prohibited (RFC 1812 section 5.2.7.1, RFC 4443 section 3.1)
};

// How a fullnat service's reals, which see a local address as their client's, are told who the client is.
enum class ClientAddressKind : uint8_t {
  kNone,
  kToa,      // a TCP option of LVS's and DPVS's (DPVS ip_vs_proto_tcp.c), read by a module of the real's kernel
  kUoa,      // the like for UDP (DPVS ip_vs_proto_udp.c)
  kProxyV1,  // the PROXY protocol's line in front of all that a TCP client says, read by the real's program
  kProxyV2,  // its binary form; in front of every datagram of UDP
};

// Where UOA stands.
enum class UoaForm : uint8_t {
  kProtocol,  // in a header of its own in front of UDP's, IP protocol 248 (DPVS's uoa_mode opp)
  kOption,    // among IPv4's options (ipo)
};

struct ClientAddress {
  ClientAddressKind kind = ClientAddressKind::kNone;
  // The option's kind: DPVS's; others have 200 and 252. At least kLeastToaOption of client_address/carrying.h.
  uint8_t toa_option = 254;
  UoaForm uoa_form = UoaForm::kProtocol;
  // First packets of a connection with UOA, 1..255.
  uint8_t uoa_packets = 3;

  bool operator==(const ClientAddress&) const noexcept = default;
};

// What a service speaks that names addresses and ports of other connections.
enum class Application : uint8_t {
  kNone,
  kFtp,  // ftp/
};

enum class PollMode : uint8_t { kBusy, kAdaptive };

// Linux IPVS's TCP states (ip_vs_proto_tcp.c), in its order, UDP's one, and SCTP's (ip_vs_proto_sctp.c) in its order.
enum class ConnectionState : uint8_t {
  kNone,
  kEstablished,
  kSynSent,
  kSynRecv,
  kFinWait,
  kTimeWait,
  kClose,
  kCloseWait,
  kLastAck,
  kListen,
  kSynAck,
  kUdp,
  kSctpNone,
  kSctpInit1,             // first INIT of the client seen
  kSctpInit,              // another one
  kSctpCookieSent,        // INIT ACK of the real
  kSctpCookieReplied,     // COOKIE ECHO of the client
  kSctpCookieWait,        // INIT of the real, which opens towards the client
  kSctpCookie,            // INIT ACK of the client
  kSctpCookieEchoed,      // COOKIE ECHO of the real
  kSctpEstablished,
  kSctpShutdownSent,      // by the real
  kSctpShutdownReceived,  // by the real
  kSctpShutdownAckSent,   // by the real
  kSctpRejected,          // INIT answered by an ABORT
  kSctpClosed,
  kIcmp,  // an echo's, of snat
};
inline constexpr size_t kConnectionStates = 27;
// A state's timeout has the state's index.
inline constexpr size_t kTimeoutKinds = kConnectionStates;

// IPVS's defaults, in milliseconds, indexed by ConnectionState (ip_vs_proto_tcp.c tcp_timeouts,
// ip_vs_proto_udp.c udp_timeouts, ip_vs_proto_sctp.c sctp_timeouts).
inline constexpr std::array<uint32_t, kTimeoutKinds> kDefaultTimeoutsMs = {
    2000,  900000, 120000, 60000, 120000, 120000, 10000,  60000, 30000, 120000, 120000, 300000,  // TCP, UDP
    2000,  4000,   61000,  61000, 61000,  61000,  61000,  61000,                                 // SCTP, as it opens
    900000, 61000, 61000,  61000, 4000,   61000,
    60000};  // ICMP: RFC 5508 section 3.2

// Names as the CLI, API and YAML show them.
std::string_view name_of(Protocol protocol) noexcept;        // "tcp"
std::string_view name_of(Method method) noexcept;            // "nat"
std::string_view name_of(SchedulerKind scheduler) noexcept;  // "wlc"
std::string_view name_of(ConnectionState state) noexcept;    // "SYN_RECV"
std::string_view name_of(NoReal no_real) noexcept;           // "unreachable"
std::string_view name_of(Refusal refusal) noexcept;          // "prohibited"
std::string_view name_of(ClientAddressKind kind) noexcept;   // "toa", "proxy_v1"
std::string_view name_of(Application application) noexcept;   // "ftp"

// Slots in the snapshot's tables, stable through snapshots. A slot is reused only after the last
// connection on it is gone.
struct RealId {
  uint32_t index = 0;
  constexpr auto operator<=>(const RealId&) const noexcept = default;
};
struct ServiceId {
  uint32_t index = 0;
  constexpr auto operator<=>(const ServiceId&) const noexcept = default;
};
struct NextHopId {
  uint16_t index = 0;
  constexpr auto operator<=>(const NextHopId&) const noexcept = default;
};
// A place in the node's table of templates (templates.h).
struct TemplateId {
  uint32_t index = 0;
  constexpr auto operator<=>(const TemplateId&) const noexcept = default;
};
inline constexpr RealId kNoReal{UINT32_MAX};
inline constexpr TemplateId kNoTemplate{UINT32_MAX};
inline constexpr ServiceId kNoService{UINT32_MAX};

// How many slots of each there are. Fixed memory of each worker follows from them.
inline constexpr uint32_t kMaxReals = 131072;
inline constexpr uint32_t kMaxServices = 16384;
// Services with a match, and prefixes of theirs: a bit a service in each set, at most two sets a prefix
// (match_table.h).
inline constexpr uint32_t kMaxMatchServices = 1024;
inline constexpr uint32_t kMaxMatchPrefixes = 16384;
// Rules of snat, and what all of them together may have of addresses and prefixes.
inline constexpr uint32_t kMaxSnatRules = 256;
inline constexpr uint32_t kMaxSnatAddresses = 4096;
inline constexpr uint32_t kMaxSnatPrefixes = 4096;
inline constexpr uint32_t kMaxNextHops = 65535;
inline constexpr uint32_t kMaxPorts = 32;
inline constexpr uint32_t kMaxWorkers = 64;

}  // namespace shunt::dataplane
