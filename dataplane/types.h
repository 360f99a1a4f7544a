// The words that both planes share: what a service, a real and a worker can be. Values only; any thread.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace shunt::dataplane {

enum class Protocol : uint8_t { kTcp = 6, kUdp = 17 };  // IANA protocol numbers

// How a packet reaches its real.
enum class Method : uint8_t { kDirect, kTunnel, kNat, kFullnat };
inline constexpr size_t kMethods = 4;

enum class SchedulerKind : uint8_t { kRr, kWrr, kLc, kWlc, kMh, kSed, kNq, kSh, kDh, kFo, kOvf, kTwos };

enum class PollMode : uint8_t { kBusy, kAdaptive };

// Linux IPVS's TCP states (ip_vs_proto_tcp.c), in its order, and UDP's one.
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
};
inline constexpr size_t kConnectionStates = 12;
// A state's timeout has the state's index.
inline constexpr size_t kTimeoutKinds = kConnectionStates;

// IPVS's defaults, in milliseconds, indexed by ConnectionState (ip_vs_proto_tcp.c tcp_timeouts,
// ip_vs_proto_udp.c udp_timeouts).
inline constexpr std::array<uint32_t, kTimeoutKinds> kDefaultTimeoutsMs = {
    2000, 900000, 120000, 60000, 120000, 120000, 10000, 60000, 30000, 120000, 120000, 300000};

// Names as the CLI, API and YAML show them.
std::string_view name_of(Protocol protocol) noexcept;        // "tcp"
std::string_view name_of(Method method) noexcept;            // "nat"
std::string_view name_of(SchedulerKind scheduler) noexcept;  // "wlc"
std::string_view name_of(ConnectionState state) noexcept;    // "SYN_RECV"

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
inline constexpr RealId kNoReal{UINT32_MAX};
inline constexpr ServiceId kNoService{UINT32_MAX};

// How many slots of each there are. Fixed memory of each worker follows from them.
inline constexpr uint32_t kMaxReals = 131072;
inline constexpr uint32_t kMaxServices = 16384;
inline constexpr uint32_t kMaxNextHops = 65535;
inline constexpr uint32_t kMaxPorts = 32;
inline constexpr uint32_t kMaxWorkers = 64;

}  // namespace shunt::dataplane
