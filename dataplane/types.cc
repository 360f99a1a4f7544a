#include "dataplane/types.h"

namespace shunt::dataplane {

std::string_view name_of(Protocol protocol) noexcept {
  switch (protocol) {
    case Protocol::kTcp: return "tcp";
    case Protocol::kUdp: return "udp";
    case Protocol::kSctp: return "sctp";
    case Protocol::kIcmp:
    case Protocol::kIcmpv6: return "icmp";
  }
  return "?";
}

std::string_view name_of(Method method) noexcept {
  switch (method) {
    case Method::kDirect: return "direct";
    case Method::kTunnel: return "tunnel";
    case Method::kNat: return "nat";
    case Method::kFullnat: return "fullnat";
    case Method::kSnat: return "snat";
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
    case SchedulerKind::kLblc: return "lblc";
    case SchedulerKind::kLblcr: return "lblcr";
    case SchedulerKind::kConhash: return "conhash";
  }
  return "?";
}

std::string_view name_of(ClientAddressKind kind) noexcept {
  switch (kind) {
    case ClientAddressKind::kNone: return "none";
    case ClientAddressKind::kToa: return "toa";
    case ClientAddressKind::kUoa: return "uoa";
    case ClientAddressKind::kProxyV1: return "proxy_v1";
    case ClientAddressKind::kProxyV2: return "proxy_v2";
  }
  return "";
}

std::string_view name_of(Application application) noexcept {
  switch (application) {
    case Application::kNone: return "none";
    case Application::kFtp: return "ftp";
  }
  return "";
}

std::string_view name_of(NoReal no_real) noexcept {
  switch (no_real) {
    case NoReal::kUnreachable: return "unreachable";
    case NoReal::kDrop: return "drop";
    case NoReal::kReset: return "reset";
  }
  return "?";
}

std::string_view name_of(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::kDrop: return "drop";
    case Refusal::kReset: return "reset";
    case Refusal::kProhibited: return "prohibited";
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
    // As ipvsadm shows them (ip_vs_proto_sctp.c sctp_state_name_table): two are named as TCP's.
    case ConnectionState::kSctpNone: return "NONE";
    case ConnectionState::kSctpInit1: return "INIT1";
    case ConnectionState::kSctpInit: return "INIT";
    case ConnectionState::kSctpCookieSent: return "C-SENT";
    case ConnectionState::kSctpCookieReplied: return "C-REPLIED";
    case ConnectionState::kSctpCookieWait: return "C-WAIT";
    case ConnectionState::kSctpCookie: return "COOKIE";
    case ConnectionState::kSctpCookieEchoed: return "C-ECHOED";
    case ConnectionState::kSctpEstablished: return "ESTABLISHED";
    case ConnectionState::kSctpShutdownSent: return "S-SENT";
    case ConnectionState::kSctpShutdownReceived: return "S-RECEIVED";
    case ConnectionState::kSctpShutdownAckSent: return "S-ACK-SENT";
    case ConnectionState::kSctpRejected: return "REJECTED";
    case ConnectionState::kSctpClosed: return "CLOSED";
    case ConnectionState::kIcmp: return "ICMP";
  }
  return "?";
}

}  // namespace shunt::dataplane
