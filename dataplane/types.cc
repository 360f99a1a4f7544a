#include "dataplane/types.h"

namespace shunt::dataplane {

std::string_view name_of(Protocol protocol) noexcept {
  switch (protocol) {
    case Protocol::kTcp: return "tcp";
    case Protocol::kUdp: return "udp";
  }
  return "?";
}

std::string_view name_of(Method method) noexcept {
  switch (method) {
    case Method::kDirect: return "direct";
    case Method::kTunnel: return "tunnel";
    case Method::kNat: return "nat";
    case Method::kFullnat: return "fullnat";
  }
  return "?";
}

std::string_view name_of(SchedulerKind scheduler) noexcept {
  switch (scheduler) {
    case SchedulerKind::kRr: return "rr";
    case SchedulerKind::kWrr: return "wrr";
    case SchedulerKind::kLc: return "lc";
    case SchedulerKind::kWlc: return "wlc";
    case SchedulerKind::kMh: return "mh";
    case SchedulerKind::kSed: return "sed";
    case SchedulerKind::kNq: return "nq";
    case SchedulerKind::kSh: return "sh";
    case SchedulerKind::kDh: return "dh";
    case SchedulerKind::kFo: return "fo";
    case SchedulerKind::kOvf: return "ovf";
    case SchedulerKind::kTwos: return "twos";
  }
  return "?";
}

std::string_view name_of(ConnectionState state) noexcept {
  switch (state) {
    case ConnectionState::kNone: return "NONE";
    case ConnectionState::kEstablished: return "ESTABLISHED";
    case ConnectionState::kSynSent: return "SYN_SENT";
    case ConnectionState::kSynRecv: return "SYN_RECV";
    case ConnectionState::kFinWait: return "FIN_WAIT";
    case ConnectionState::kTimeWait: return "TIME_WAIT";
    case ConnectionState::kClose: return "CLOSE";
    case ConnectionState::kCloseWait: return "CLOSE_WAIT";
    case ConnectionState::kLastAck: return "LAST_ACK";
    case ConnectionState::kListen: return "LISTEN";
    case ConnectionState::kSynAck: return "SYNACK";
    case ConnectionState::kUdp: return "UDP";
  }
  return "?";
}

}  // namespace shunt::dataplane
