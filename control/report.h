// What the controller tells about itself, as plain values: the control side's own form of the messages of
// proto/shunt/v1/api.proto, whose comments hold here too. Any thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/model/desired_state.h"
#include "control/policy/inhibition.h"
#include "control/policy/override.h"
#include "control/policy/service_policy.h"
#include "control/wall_clock.h"
#include "dataplane/counters.h"
#include "src/base/address.h"

namespace shunt::control {

struct Change {
  enum class Kind { kAdded, kRemoved, kChanged };
  Kind kind = Kind::kChanged;
  // "service web", "real web/10.0.0.1:80", "timeouts", "sysctls", "local_addresses pool0", "access_lists abusers"
  std::string subject;
  // One per changed field: "weight: 1 -> 5".
  std::vector<std::string> details;
  bool operator==(const Change&) const = default;
};

struct ApplyOutcome {
  // After the change; unchanged when nothing differs or on a dry run.
  uint64_t revision = 0;
  std::vector<Change> changes;
};

// A place among the events, between two of them.
struct EventPosition {
  // Each start of the daemon begins another one.
  std::string life;
  // Of the last event before the place; 0: before the first.
  uint64_t sequence = 0;
  bool operator==(const EventPosition&) const = default;
};

struct CurrentState {
  uint64_t revision = 0;
  DesiredState state;
  // Events up to it are in the state.
  EventPosition position;
};

struct Traffic {
  uint64_t connections = 0;
  uint64_t in_packets = 0;
  uint64_t out_packets = 0;
  uint64_t in_bytes = 0;
  uint64_t out_bytes = 0;
  bool operator==(const Traffic&) const = default;
};

// Packets of a service that were not forwarded for what it is told to refuse.
struct Refused {
  // By its access lists.
  uint64_t denied = 0;
  // By its limits, of the service and of one client, by dataplane::Limit: new connections, packets, bits, connections.
  std::array<uint64_t, 4> limited{};
  std::array<uint64_t, 4> client_limited{};
  bool operator==(const Refused&) const = default;
};

// Per second, over the last measured interval (about one second).
struct Rates {
  double connections = 0;
  double in_packets = 0;
  double out_packets = 0;
  double in_bytes = 0;
  double out_bytes = 0;
};

// Of services with application ftp, as dataplane::WorkerCounters has it.
struct FtpCounts {
  uint64_t expected = 0;
  uint64_t unexpected = 0;
  uint64_t opened = 0;
  uint64_t refused = 0;
  uint64_t unread = 0;

  void add(const dataplane::WorkerCounters& counters) {
    expected += counters.ftp_expected.read();
    unexpected += counters.ftp_unexpected.read();
    opened += counters.ftp_opened.read();
    refused += counters.ftp_refused.read();
    unread += counters.ftp_unread.read();
  }
};

inline Rates& operator+=(Rates& a, const Rates& b) noexcept {
  a.connections += b.connections;
  a.in_packets += b.in_packets;
  a.out_packets += b.out_packets;
  a.in_bytes += b.in_bytes;
  a.out_bytes += b.out_bytes;
  return a;
}

struct StatusReport {
  std::string version;
  std::string dpdk_version;
  WallClock::time_point started;
  uint64_t revision = 0;
  WallClock::time_point applied;
  uint32_t services = 0;
  uint32_t reals = 0;
  uint32_t reals_up = 0;
  uint32_t workers = 0;
  // IPv4
  uint64_t connections = 0;
  uint64_t connection_capacity = 0;
  uint64_t ipv6_connections = 0;
  uint64_t ipv6_connection_capacity = 0;
  uint64_t templates = 0;
  uint64_t template_capacity = 0;
  uint64_t unremembered_connections = 0;
  uint64_t uncarried_client_addresses = 0;
  FtpCounts ftp;
  // "subject: cause; remedy", one each. Empty: all is well.
  std::vector<std::string> problems;
  std::string hostname;
  // Of both families.
  uint64_t connection_table_bytes = 0;
  // Of all reals together.
  Rates rates;
};

enum class Health {
  kUnknown,    // no check has ended yet; counts as up
  kUp,
  kDown,
  kUnchecked,  // no check configured; counts as up
};

struct RealState {
  std::string name;
  IpAddress address;
  // 0: it keeps the packets' ports.
  uint16_t port = 0;
  Method method = Method::kNat;
  // As wanted: the override's, or the configured one; and as the schedulers see it (0 when down or draining).
  uint32_t weight = 0;
  uint32_t effective_weight = 0;
  uint32_t configured_weight = 0;
  // nullptr: there is none.
  std::shared_ptr<const Override> override_of;
  // While it is in its slow start, how much of its weight it has; 0: it is not.
  uint32_t slow_start_percent = 0;
  bool draining = false;
  // nullptr: it is not inhibited.
  std::shared_ptr<const Inhibition> inhibition;
  // Of a service with a passive check: since the real came, or the check.
  struct Passive {
    Outcomes outcomes;
    uint64_t inhibited = 0;  // times
  };
  std::optional<Passive> passive;
  Health health = Health::kUnknown;
  // When `health` became so.
  WallClock::time_point health_since;
  // "connect: connection refused"
  std::string last_check;
  uint64_t active_connections = 0;
  uint64_t inactive_connections = 0;
  Traffic traffic;
  Rates rates;
  // Not in the desired state any more, kept until its last connection is gone.
  bool removed = false;
  // "reachable via MAC on PORT", "unresolved: ...", "no route"
  std::string next_hop;
  bool sorry = false;
  uint32_t upper_threshold = 0;
  uint32_t lower_threshold = 0;
  // Under method tunnel.
  std::optional<Tunnel> tunnel;
  // How often checks found it up again, and down, since the daemon's start.
  uint64_t went_up = 0;
  uint64_t went_down = 0;
  // "http GET /healthz, status 200-299"; empty: it is not checked.
  std::string check;
};

struct ServiceState {
  std::string name;
  Protocol protocol = Protocol::kTcp;
  // None with a match.
  std::vector<Vip> vips;
  std::optional<Match> match;
  bool one_packet = false;
  SchedulerKind scheduler = SchedulerKind::kWlc;
  SchedulerFlags scheduler_flags;
  AddressFamily family = AddressFamily::kIpv4;
  std::optional<Persistence> persistence;
  NoReal no_real = NoReal::kUnreachable;
  std::optional<Quorum> quorum;
  Milliseconds slow_start{0};
  uint32_t panic_threshold = 0;
  ServiceStanding standing;
  // It lost its quorum, and its VIPs are off their kernel ports.
  bool withdrawn = false;
  std::vector<RealState> reals;
  uint64_t active_connections = 0;
  uint64_t inactive_connections = 0;
  // Of its access lists, as far as they are of its family; unset: it has none.
  struct AccessFigures {
    size_t allowed = 0;
    size_t denied = 0;
    Refusal on_denied = Refusal::kDrop;
  };
  std::optional<AccessFigures> access;
  std::optional<Limits> limits;
  // Since the service came.
  Refused refused;
  // Of its present reals and of those that it had.
  Traffic traffic;
  Rates rates;
};

struct OverrideReport {
  std::string service;
  std::string real;
  IpAddress address;
  uint16_t port = 0;
  uint32_t configured_weight = 0;
  Override value;
  // Of the real, active and inactive.
  uint64_t connections = 0;
};

struct ServiceQuery {
  // Empty: all.
  std::string name;
  // Services a page; 0: all.
  uint32_t page_size = 0;
  // `next` of the page before; empty: from the first. Pages are in the order of names.
  std::string after;
  // A page ends once it has so many reals, whatever its services; 0: never.
  uint32_t page_reals = 0;
};

struct ServicePage {
  std::vector<ServiceState> services;
  // Empty: this was the last page.
  std::string next;
  // Events up to it are in what the page says.
  EventPosition position;
};

struct ConnectionFilter {
  // Every field that is set must match. `real` is a real's name or "ADDRESS:PORT", `client` an address.
  std::string service;
  std::string real;
  std::string client;
  // At most this many; 0: all.
  uint32_t limit = 0;
};

struct ConnectionReport {
  Protocol protocol = Protocol::kTcp;
  IpAddress client;
  uint16_t client_port = 0;
  IpAddress virtual_address;
  uint16_t virtual_port = 0;
  IpAddress real;
  uint16_t real_port = 0;
  // fullnat only.
  std::optional<IpAddress> local;
  uint16_t local_port = 0;
  Method method = Method::kNat;
  dataplane::ConnectionState state = dataplane::ConnectionState::kNone;
  Milliseconds expires_in{0};
  // Empty: of a service that is gone.
  std::string service;
  uint32_t worker = 0;
  uint64_t in_packets = 0;
  uint64_t out_packets = 0;
  // Set of a template; `client` is its network then, and there are no ports, worker and packets of it.
  struct Template {
    uint8_t prefix = 0;
    uint32_t connections = 0;
    bool assured = false;
  };
  std::optional<Template> is_template;
};

struct WorkerState {
  uint32_t worker = 0;
  uint32_t lcore = 0;
  // Over the last measured interval (about one second): share of time spent on packets, 0..1.
  double busy_ratio = 0;
  double cycles_per_packet = 0;
  double packets_per_burst = 0;
  uint64_t rx_packets = 0;
  uint64_t tx_packets = 0;
  uint64_t dropped_packets = 0;
  uint64_t kernel_packets = 0;
  uint64_t handed_off_packets = 0;
  // IPv4
  uint64_t connections = 0;
  uint64_t connection_capacity = 0;
  uint64_t ipv6_connections = 0;
  uint64_t ipv6_connection_capacity = 0;
  // Version of the snapshot last seen.
  uint64_t snapshot = 0;
  // Forwarded without a connection, the table being full.
  uint64_t untracked_packets = 0;
  // Half-open connections that gave way to new ones in a full table.
  uint64_t half_open_evicted = 0;
  // Ended by the sysctl drop_entry.
  uint64_t entries_dropped = 0;
  uint64_t uncarried_client_addresses = 0;
  FtpCounts ftp;
  // Of connections between families.
  uint64_t translated_to_ipv6_packets = 0;
  uint64_t translated_to_ipv4_packets = 0;
  // It did not poll in the last measured interval.
  bool stalled = false;
  // Time spent on packets since the start.
  double busy_seconds = 0;
  // By dataplane::DropReason.
  std::vector<uint64_t> drops;
};

struct PortState {
  std::string name;
  std::string device;
  std::string driver;
  MacAddress mac;
  uint32_t mtu = 0;
  bool link_up = false;
  uint32_t queues = 0;
  uint64_t rx_packets = 0;
  uint64_t tx_packets = 0;
  uint64_t rx_bytes = 0;
  uint64_t tx_bytes = 0;
  uint64_t rx_missed = 0;
  uint64_t rx_errors = 0;
  uint64_t tx_errors = 0;
  uint64_t rx_no_mbuf = 0;
  // Interface name; empty: none.
  std::string kernel_port;
  bool rss = false;
  // dataplane::PortInfo::steered.
  bool steered = false;
  bool rx_checksum_offload = false;
  bool tx_checksum_offload = false;
  // As dataplane::PortInfo's.
  uint16_t vlan = 0;
  bool strips_tags = false;
  bool inserts_tags = false;
};

struct DropState {
  // "no_neighbour"
  std::string reason;
  uint64_t packets = 0;
  // Packets per second over the last measured interval.
  double rate = 0;
  std::string meaning;
};

// A rule of snat at work.
struct SnatState {
  SnatRule rule;
  uint64_t addresses = 0;  // of its pool
  uint64_t connections = 0;
  // Connections that it opened; `out`: what was sent to where they reach out, `in`: replies.
  Traffic traffic;
  Rates rates;
  // New connections that found no free address and port.
  uint64_t exhausted = 0;
};

struct Event {
  // Starts at 1, no gaps but in front of a "resync".
  uint64_t sequence = 0;
  WallClock::time_point time;
  // "applied", "real_up", "real_down", "real_inhibited", "real_released", "real_spared", "drain_started", "drain_progress", "drain_deadline", "drain_ended",
  // "real_inhibited", "real_released", "override_expired", "override_lost", "quorum_lost", "quorum_reached", "panic_began", "panic_ended", "real_freed",
  // "snat_freed", "journal", "neighbour", "port", "path_mtu".
  // "resync" is never in the ring: streams tell by it that events are missing.
  std::string kind;
  std::string subject;
  std::string text;
  uint64_t revision = 0;
  bool operator==(const Event&) const = default;
};

}  // namespace shunt::control
