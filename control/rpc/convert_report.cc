#include "control/rpc/convert_report.h"

#include <chrono>
#include <string>

#include "config/convert.h"
#include "config/convert_access.h"
#include "config/convert_limits.h"
#include "config/convert_policies.h"
#include "config/convert_snat.h"
#include "config/duration.h"
#include "control/rpc/override_requests.h"

namespace shunt::control::rpc {
namespace {

// A time that was never set stays unset.
bool is_set(WallClock::time_point time) { return time != WallClock::time_point{}; }

v1::Change::Kind kind_of(Change::Kind kind) {
  switch (kind) {
    case Change::Kind::kAdded: return v1::Change::KIND_ADDED;
    case Change::Kind::kRemoved: return v1::Change::KIND_REMOVED;
    case Change::Kind::kChanged: return v1::Change::KIND_CHANGED;
  }
  return v1::Change::KIND_UNSPECIFIED;
}

void put(const Traffic& traffic, v1::Traffic& out) {
  out.set_connections(traffic.connections);
  out.set_in_packets(traffic.in_packets);
  out.set_out_packets(traffic.out_packets);
  out.set_in_bytes(traffic.in_bytes);
  out.set_out_bytes(traffic.out_bytes);
}

void put(const FtpCounts& counts, v1::FtpCounters& out) {
  out.set_expected(counts.expected);
  out.set_unexpected(counts.unexpected);
  out.set_opened(counts.opened);
  out.set_refused(counts.refused);
  out.set_unread(counts.unread);
}

void put(const Rates& rates, v1::Rates& out) {
  out.set_connections(rates.connections);
  out.set_in_packets(rates.in_packets);
  out.set_out_packets(rates.out_packets);
  out.set_in_bytes(rates.in_bytes);
  out.set_out_bytes(rates.out_bytes);
}

void put(const RealState& real, v1::RealState& out) {
  out.set_name(real.name);
  out.set_address(real.address.to_string());
  out.set_port(real.port);
  out.set_method(config::to_proto(real.method));
  out.set_weight(real.weight);
  out.set_effective_weight(real.effective_weight);
  out.set_draining(real.draining);
  out.set_health(to_proto(real.health));
  if (is_set(real.health_since)) *out.mutable_health_since() = to_proto(real.health_since);
  out.set_last_check(real.last_check);
  out.set_active_connections(real.active_connections);
  out.set_inactive_connections(real.inactive_connections);
  put(real.traffic, *out.mutable_traffic());
  put(real.rates, *out.mutable_rates());
  out.set_removed(real.removed);
  out.set_next_hop(real.next_hop);
  out.set_sorry(real.sorry);
  out.set_upper_threshold(real.upper_threshold);
  out.set_lower_threshold(real.lower_threshold);
  out.set_check(real.check);
  out.set_configured_weight(real.configured_weight);
  if (real.override_of && real.override_of->weight) {
    *out.mutable_weight_override() = to_proto(*real.override_of->weight);
  }
  if (real.override_of && real.override_of->drain) *out.mutable_drain_override() = to_proto(*real.override_of->drain);
  out.set_slow_start_percent(real.slow_start_percent);
  out.set_went_up(real.went_up);
  out.set_went_down(real.went_down);
  if (real.inhibition) {
    v1::InhibitionState& inhibition = *out.mutable_inhibition();
    *inhibition.mutable_since() = to_proto(real.inhibition->since);
    *inhibition.mutable_until() = to_proto(real.inhibition->until);
    inhibition.set_why(real.inhibition->why);
  }
  if (real.passive) {
    v1::PassiveState& passive = *out.mutable_passive();
    passive.set_answered(real.passive->outcomes.answered);
    passive.set_unanswered(real.passive->outcomes.unanswered);
    passive.set_refused(real.passive->outcomes.refused);
    passive.set_reset(real.passive->outcomes.reset);
    passive.set_inhibited(real.passive->inhibited);
  }
  if (real.tunnel) *out.mutable_tunnel() = config::to_proto(*real.tunnel);
}

// By dataplane::Limit.
void put(const std::array<uint64_t, 4>& packets, v1::LimitedPackets& out) {
  out.set_new_connections(packets[0]);
  out.set_packets(packets[1]);
  out.set_bits(packets[2]);
  out.set_connections(packets[3]);
}

// As in the desired state: the first VIP in the service's own fields.
void put_places(const ServiceState& service, v1::ServiceState& out) {
  if (service.match) *out.mutable_match() = config::to_proto(*service.match);
  for (size_t i = 0; i < service.vips.size(); ++i) {
    const v1::Vip vip = config::to_proto(service.vips[i]);
    if (i > 0) {
      *out.add_more_vips() = vip;
      continue;
    }
    out.set_address(vip.address());
    out.set_port(vip.port());
    out.set_last_port(vip.last_port());
    out.set_all_ports(vip.all_ports());
  }
}

void put(const ServiceState& service, v1::ServiceState& out) {
  out.set_name(service.name);
  out.set_protocol(config::to_proto(service.protocol));
  put_places(service, out);
  out.set_one_packet(service.one_packet);
  out.set_scheduler(config::to_proto(service.scheduler));
  if (has_flags(service.scheduler)) {
    *out.mutable_scheduler_flags() = config::to_proto(service.scheduler_flags, service.scheduler);
  }
  if (service.persistence) {
    *out.mutable_persistence() = config::to_proto(*service.persistence, service.family);
  }
  out.set_no_real(config::to_proto(service.no_real));
  if (service.quorum) *out.mutable_quorum() = config::to_proto(*service.quorum);
  if (service.slow_start.count() > 0) *out.mutable_slow_start() = config::to_duration(service.slow_start.count());
  out.set_panic_threshold(service.panic_threshold);
  out.set_is_quorate(service.standing.has_quorum);
  out.set_withdrawn(service.withdrawn);
  out.set_panics(service.standing.panics);
  out.set_weight_up(service.standing.reals.weight_up);
  if (service.access) {
    v1::AccessState& access = *out.mutable_access();
    access.set_allowed_prefixes(static_cast<uint32_t>(service.access->allowed));
    access.set_denied_prefixes(static_cast<uint32_t>(service.access->denied));
    access.set_on_denied(config::to_proto(service.access->on_denied));
    access.set_denied_packets(service.refused.denied);
  }
  if (service.limits) {
    *out.mutable_limits() = config::to_proto(*service.limits, service.family);
    put(service.refused.limited, *out.mutable_limited());
    put(service.refused.client_limited, *out.mutable_client_limited());
  }
  for (const RealState& real : service.reals) put(real, *out.add_reals());
  out.set_active_connections(service.active_connections);
  out.set_inactive_connections(service.inactive_connections);
  put(service.traffic, *out.mutable_traffic());
  put(service.rates, *out.mutable_rates());
}

}  // namespace

google::protobuf::Timestamp to_proto(WallClock::time_point time) {
  const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  google::protobuf::Timestamp out;
  out.set_seconds(nanoseconds / 1'000'000'000);
  out.set_nanos(static_cast<int32_t>(nanoseconds % 1'000'000'000));
  return out;
}

v1::Health to_proto(Health health) {
  switch (health) {
    case Health::kUnknown: return v1::HEALTH_UNKNOWN;
    case Health::kUp: return v1::HEALTH_UP;
    case Health::kDown: return v1::HEALTH_DOWN;
    case Health::kUnchecked: return v1::HEALTH_UNCHECKED;
  }
  return v1::HEALTH_UNSPECIFIED;
}

v1::ApplyResponse to_proto(const ApplyOutcome& outcome) {
  v1::ApplyResponse out;
  out.set_revision(outcome.revision);
  for (const Change& change : outcome.changes) {
    v1::Change& to = *out.add_changes();
    to.set_kind(kind_of(change.kind));
    to.set_subject(change.subject);
    for (const std::string& detail : change.details) to.add_details(detail);
  }
  return out;
}

v1::Status to_proto(const StatusReport& report) {
  v1::Status out;
  out.set_version(report.version);
  out.set_dpdk_version(report.dpdk_version);
  if (is_set(report.started)) *out.mutable_started() = to_proto(report.started);
  out.set_revision(report.revision);
  if (is_set(report.applied)) *out.mutable_applied() = to_proto(report.applied);
  out.set_services(report.services);
  out.set_reals(report.reals);
  out.set_reals_up(report.reals_up);
  out.set_workers(report.workers);
  out.set_connections(report.connections);
  out.set_connection_capacity(report.connection_capacity);
  for (const std::string& problem : report.problems) out.add_problems(problem);
  out.set_hostname(report.hostname);
  out.set_connection_table_bytes(report.connection_table_bytes);
  out.set_ipv6_connections(report.ipv6_connections);
  out.set_ipv6_connection_capacity(report.ipv6_connection_capacity);
  out.set_templates(report.templates);
  out.set_template_capacity(report.template_capacity);
  out.set_unremembered_connections(report.unremembered_connections);
  out.set_uncarried_client_addresses(report.uncarried_client_addresses);
  put(report.ftp, *out.mutable_ftp());
  put(report.rates, *out.mutable_rates());
  return out;
}

v1::ListServicesResponse to_proto(const ServicePage& page) {
  v1::ListServicesResponse out;
  for (const ServiceState& service : page.services) put(service, *out.add_services());
  out.set_next_page_token(page.next);
  *out.mutable_position() = to_proto(page.position);
  return out;
}

void put(const ServiceState& service, bool with_reals, v1::ServiceStats& out) {
  out.set_name(service.name);
  out.set_active_connections(service.active_connections);
  out.set_inactive_connections(service.inactive_connections);
  put(service.traffic, *out.mutable_traffic());
  put(service.rates, *out.mutable_rates());
  uint32_t reals = 0;
  uint32_t up = 0;
  for (const RealState& real : service.reals) {
    reals += real.removed ? 0 : 1;
    up += real.removed || real.health == Health::kDown || real.inhibition ? 0 : 1;
    if (!with_reals) continue;
    v1::RealStats& to = *out.add_real_stats();
    to.set_name(real.name);
    to.set_health(to_proto(real.health));
    to.set_effective_weight(real.effective_weight);
    to.set_active_connections(real.active_connections);
    to.set_inactive_connections(real.inactive_connections);
    put(real.traffic, *to.mutable_traffic());
    put(real.rates, *to.mutable_rates());
    to.set_draining(real.draining);
    to.set_removed(real.removed);
  }
  out.set_reals(reals);
  out.set_reals_up(up);
}

v1::Connection to_proto(const ConnectionReport& connection) {
  v1::Connection out;
  out.set_protocol(config::to_proto(connection.protocol));
  out.set_client(connection.client.to_string());
  out.set_client_port(connection.client_port);
  out.set_virtual_(connection.virtual_address.to_string());
  out.set_virtual_port(connection.virtual_port);
  out.set_real(connection.real.to_string());
  out.set_real_port(connection.real_port);
  if (connection.local) {
    out.set_local(connection.local->to_string());
    out.set_local_port(connection.local_port);
  }
  out.set_method(config::to_proto(connection.method));
  out.set_state(std::string(dataplane::name_of(connection.state)));
  *out.mutable_expires_in() = config::to_duration(connection.expires_in.count());
  out.set_service(connection.service);
  out.set_worker(connection.worker);
  out.set_in_packets(connection.in_packets);
  out.set_out_packets(connection.out_packets);
  if (connection.is_template) {
    // ip_vs_conn.c ip_vs_state_name
    out.set_state(connection.is_template->assured ? "ASSURED" : "NONE");
    out.set_template_(true);
    out.set_client_prefix(connection.is_template->prefix);
    out.set_connections(connection.is_template->connections);
  }
  return out;
}

v1::WorkerState to_proto(const WorkerState& worker) {
  v1::WorkerState out;
  out.set_worker(worker.worker);
  out.set_lcore(worker.lcore);
  out.set_busy_ratio(worker.busy_ratio);
  out.set_cycles_per_packet(worker.cycles_per_packet);
  out.set_packets_per_burst(worker.packets_per_burst);
  out.set_rx_packets(worker.rx_packets);
  out.set_tx_packets(worker.tx_packets);
  out.set_dropped_packets(worker.dropped_packets);
  out.set_kernel_packets(worker.kernel_packets);
  out.set_handed_off_packets(worker.handed_off_packets);
  out.set_connections(worker.connections);
  out.set_connection_capacity(worker.connection_capacity);
  out.set_snapshot(worker.snapshot);
  out.set_ipv6_connections(worker.ipv6_connections);
  out.set_ipv6_connection_capacity(worker.ipv6_connection_capacity);
  out.set_untracked_packets(worker.untracked_packets);
  out.set_half_open_evicted(worker.half_open_evicted);
  out.set_entries_dropped(worker.entries_dropped);
  out.set_uncarried_client_addresses(worker.uncarried_client_addresses);
  put(worker.ftp, *out.mutable_ftp());
  out.set_translated_to_ipv6_packets(worker.translated_to_ipv6_packets);
  out.set_translated_to_ipv4_packets(worker.translated_to_ipv4_packets);
  out.set_stalled(worker.stalled);
  return out;
}

v1::PortState to_proto(const PortState& port) {
  v1::PortState out;
  out.set_name(port.name);
  out.set_device(port.device);
  out.set_driver(port.driver);
  out.set_mac(port.mac.to_string());
  out.set_mtu(port.mtu);
  out.set_link_up(port.link_up);
  out.set_queues(port.queues);
  out.set_rx_packets(port.rx_packets);
  out.set_tx_packets(port.tx_packets);
  out.set_rx_bytes(port.rx_bytes);
  out.set_tx_bytes(port.tx_bytes);
  out.set_rx_missed(port.rx_missed);
  out.set_rx_errors(port.rx_errors);
  out.set_tx_errors(port.tx_errors);
  out.set_rx_no_mbuf(port.rx_no_mbuf);
  out.set_kernel_port(port.kernel_port);
  out.set_rss(port.rss);
  out.set_steered(port.steered);
  out.set_rx_checksum_offload(port.rx_checksum_offload);
  out.set_tx_checksum_offload(port.tx_checksum_offload);
  out.set_vlan(port.vlan);
  out.set_strips_vlan_tags(port.strips_tags);
  out.set_inserts_vlan_tags(port.inserts_tags);
  return out;
}

v1::Drop to_proto(const DropState& drop) {
  v1::Drop out;
  out.set_reason(drop.reason);
  out.set_packets(drop.packets);
  out.set_rate(drop.rate);
  out.set_meaning(drop.meaning);
  return out;
}

v1::EventPosition to_proto(const EventPosition& position) {
  v1::EventPosition out;
  out.set_life(position.life);
  out.set_sequence(position.sequence);
  return out;
}

v1::SnatState to_proto(const SnatState& state) {
  v1::SnatState out;
  *out.mutable_rule() = config::to_proto(state.rule);
  out.set_addresses(state.addresses);
  out.set_connections(state.connections);
  put(state.traffic, *out.mutable_traffic());
  put(state.rates, *out.mutable_rates());
  out.set_exhausted(state.exhausted);
  return out;
}

v1::Event to_proto(const Event& event, const std::string& life) {
  v1::Event out;
  out.set_life(life);
  out.set_sequence(event.sequence);
  if (is_set(event.time)) *out.mutable_time() = to_proto(event.time);
  out.set_kind(event.kind);
  out.set_subject(event.subject);
  out.set_text(event.text);
  out.set_revision(event.revision);
  return out;
}

}  // namespace shunt::control::rpc
