#include "control/http/machine_metrics.h"

#include <fmt/format.h>

#include <chrono>
#include <string>

#include "dataplane/verdict.h"

namespace shunt::control::http {
namespace {

double seconds_of(WallClock::time_point time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

void tell_daemon(Exposition& out, const Overview& overview) {
  const StatusReport& status = overview.status;
  out.family("shunt_build_info", "gauge", "1; the versions are its labels.");
  out.sample({{"version", status.version}, {"dpdk", status.dpdk_version}}, uint64_t{1});
  out.family("shunt_start_time_seconds", "gauge", "When the daemon started, seconds since 1970.");
  out.sample({}, seconds_of(status.started));
  out.family("shunt_config_revision", "gauge", "Revision of the desired state.");
  out.sample({}, status.revision);
  out.family("shunt_config_last_apply_success", "gauge",
             "1: the last whole desired state that was asked for (apply, reread file) was taken; "
             "0: it was refused.");
  out.sample({}, uint64_t{overview.last_apply_succeeded});
  out.family("shunt_config_last_apply_timestamp_seconds", "gauge",
             "When that was, seconds since 1970.");
  out.sample({}, seconds_of(overview.last_apply));
  out.family("shunt_problems", "gauge",
             "What wants attention now: lines under problems of shuntctl status.");
  out.sample({}, static_cast<uint64_t>(status.problems.size()));
  out.family(
      "shunt_control_lag_seconds", "gauge",
      "How late the control thread's clock was at worst within the last minute: its longest task.");
  out.sample({}, overview.control_lag_seconds);
  out.family("shunt_services", "gauge", "Services of the desired state.");
  out.sample({}, uint64_t{status.services});
  out.family("shunt_reals", "gauge", "Reals of all services, sorry reals included.");
  out.sample({}, uint64_t{status.reals});
  out.family("shunt_reals_up", "gauge", "Those of them that are not down by their check.");
  out.sample({}, uint64_t{status.reals_up});
}

void tell_memory(Exposition& out, const Overview& overview) {
  const StatusReport& status = overview.status;
  out.family("shunt_templates", "gauge", "Clients of persistent services that have a real.");
  out.sample({}, status.templates);
  out.family("shunt_template_capacity", "gauge",
             "Clients of persistent services that can be remembered.");
  out.sample({}, status.template_capacity);
  out.family("shunt_unremembered_connections_total", "counter",
             "Connections whose client found no place among them.");
  out.sample({}, status.unremembered_connections);
  out.family("shunt_mempool_available", "gauge", "Packet buffers that nobody holds.");
  out.sample({}, uint64_t{overview.mbufs_available});
  out.family("shunt_mempool_capacity", "gauge", "Packet buffers in all.");
  out.sample({}, uint64_t{overview.mbuf_capacity});
}

void tell_connection_tables(Exposition& out, const std::vector<WorkerState>& workers) {
  const auto each = [&](const char* name, const char* help, auto ipv4, auto ipv6) {
    out.family(name, "gauge", help);
    for (const WorkerState& worker : workers) {
      const std::string number = std::to_string(worker.worker);
      out.sample({{"worker", number}, {"family", "ipv4"}}, worker.*ipv4);
      out.sample({{"worker", number}, {"family", "ipv6"}}, worker.*ipv6);
    }
  };
  each("shunt_connection_table_entries", "Connections in the worker's table.",
       &WorkerState::connections, &WorkerState::ipv6_connections);
  each("shunt_connection_table_capacity", "Connections that the worker's table can hold.",
       &WorkerState::connection_capacity, &WorkerState::ipv6_connection_capacity);
}

void tell_workers(Exposition& out, const std::vector<WorkerState>& workers) {
  const auto each = [&](const char* name, const char* type, const char* help, auto value) {
    out.family(name, type, help);
    for (const WorkerState& worker : workers)
      out.sample({{"worker", std::to_string(worker.worker)}}, worker.*value);
  };
  each("shunt_worker_busy_ratio", "gauge",
       "Share of its time that the worker spent on packets, over the last second.",
       &WorkerState::busy_ratio);
  each("shunt_worker_busy_seconds_total", "counter", "Time that the worker spent on packets.",
       &WorkerState::busy_seconds);
  each("shunt_worker_cycles_per_packet", "gauge", "CPU cycles a packet, over the last second.",
       &WorkerState::cycles_per_packet);
  each("shunt_worker_packets_per_burst", "gauge",
       "Packets that a poll found, of those that found any, over the last second.",
       &WorkerState::packets_per_burst);
  each("shunt_worker_rx_packets_total", "counter", "Packets that the worker received.",
       &WorkerState::rx_packets);
  each("shunt_worker_tx_packets_total", "counter", "Packets that the worker sent.",
       &WorkerState::tx_packets);
  each("shunt_worker_kernel_packets_total", "counter",
       "Packets that the worker gave to kernel ports.", &WorkerState::kernel_packets);
  each("shunt_worker_handed_off_packets_total", "counter",
       "Packets that the worker gave to another one.", &WorkerState::handed_off_packets);
  each("shunt_untracked_packets_total", "counter",
       "Packets forwarded without a connection, the table being full.",
       &WorkerState::untracked_packets);
  each("shunt_half_open_evicted_total", "counter",
       "Half-open connections that gave way to new ones in a full table.",
       &WorkerState::half_open_evicted);
  each("shunt_entries_dropped_total", "counter", "Connections that the sysctl drop_entry ended.",
       &WorkerState::entries_dropped);
  each("shunt_uncarried_client_addresses_total", "counter",
       "Packets that should have told a real who its client is, and could not.",
       &WorkerState::uncarried_client_addresses);
  each("shunt_translated_to_ipv6_packets_total", "counter",
       "Packets of connections between families that came as IPv4.", &WorkerState::translated_to_ipv6_packets);
  each("shunt_translated_to_ipv4_packets_total", "counter",
       "Packets of connections between families that left as IPv4.", &WorkerState::translated_to_ipv4_packets);
  const auto each_ftp = [&](const char* name, const char* help, auto value) {
    out.family(name, "counter", help);
    for (const WorkerState& worker : workers) out.sample({{"worker", std::to_string(worker.worker)}}, worker.ftp.*value);
  };
  each_ftp("shunt_ftp_expected_total", "FTP data connections that were announced and expected.", &FtpCounts::expected);
  each_ftp("shunt_ftp_unexpected_total", "FTP data connections that were announced and could not be expected.",
           &FtpCounts::unexpected);
  each_ftp("shunt_ftp_opened_total", "FTP data connections that came.", &FtpCounts::opened);
  each_ftp("shunt_ftp_refused_total", "FTP lines that named somebody else's address, or a port below 1024.",
           &FtpCounts::refused);
  each_ftp("shunt_ftp_unread_total", "FTP control connections that are not read, for lack of room or of a beginning.",
           &FtpCounts::unread);
  out.family("shunt_worker_stalled", "gauge", "1: the worker did not poll in the last second.");
  for (const WorkerState& worker : workers) {
    out.sample({{"worker", std::to_string(worker.worker)}}, uint64_t{worker.stalled});
  }
}

// Every reason of every worker, also those that never happened: a rate needs the zero before the
// first one.
void tell_drops(Exposition& out, const std::vector<WorkerState>& workers) {
  out.family("shunt_drops_total", "counter",
             "Packets dropped, by reason: shuntctl drops tells what each means.");
  for (const WorkerState& worker : workers) {
    const std::string number = std::to_string(worker.worker);
    for (size_t i = 0; i < worker.drops.size(); ++i) {
      const auto reason = static_cast<dataplane::DropReason>(i);
      out.sample({{"reason", dataplane::name_of(reason)}, {"worker", number}}, worker.drops[i]);
    }
  }
}

void tell_ports(Exposition& out, const std::vector<PortState>& ports) {
  out.family("shunt_port_link_up", "gauge", "1: the port has a link.");
  for (const PortState& port : ports) out.sample({{"port", port.name}}, uint64_t{port.link_up});
  const auto each = [&](const char* name, const char* help, auto value) {
    out.family(name, "counter", help);
    for (const PortState& port : ports) out.sample({{"port", port.name}}, port.*value);
  };
  each("shunt_port_rx_packets_total", "Packets that the port received.", &PortState::rx_packets);
  each("shunt_port_tx_packets_total", "Packets that the port sent.", &PortState::tx_packets);
  each("shunt_port_rx_bytes_total", "Bytes that the port received.", &PortState::rx_bytes);
  each("shunt_port_tx_bytes_total", "Bytes that the port sent.", &PortState::tx_bytes);
  each("shunt_port_rx_missed_total",
       "Packets lost in the device because no worker took them in time.", &PortState::rx_missed);
  each("shunt_port_rx_errors_total", "Packets that came in damaged.", &PortState::rx_errors);
  each("shunt_port_tx_errors_total", "Packets that the device could not send.",
       &PortState::tx_errors);
  each("shunt_port_rx_nombuf_total", "Receptions that found no packet buffer.",
       &PortState::rx_no_mbuf);
}

// Without the reals: a hundred thousand histograms help nobody.
void tell_checks(Exposition& out, const std::vector<CheckFigures>& checks) {
  if (checks.empty()) return;
  out.family("shunt_real_check_duration_seconds", "histogram", "How long health checks of reals took, by their kind.");
  for (const CheckFigures& figures : checks) {
    uint64_t up_to_here = 0;
    for (size_t i = 0; i < kCheckSeconds.size(); ++i) {
      up_to_here += figures.buckets[i];
      out.part("_bucket", {{"check", figures.check}, {"le", fmt::format("{}", kCheckSeconds[i])}}, up_to_here);
    }
    out.part("_bucket", {{"check", figures.check}, {"le", "+Inf"}}, figures.all());
    out.part("_sum", {{"check", figures.check}}, figures.seconds);
    out.part("_count", {{"check", figures.check}}, figures.all());
  }
  out.family("shunt_real_checks_total", "counter", "Health checks of reals, by their kind and outcome.");
  for (const CheckFigures& figures : checks) {
    out.sample({{"check", figures.check}, {"outcome", "success"}}, figures.successes);
    out.sample({{"check", figures.check}, {"outcome", "failure"}}, figures.failures);
  }
}

void tell_probes(Exposition& out, const ProbeCounters& probes) {
  out.family("shunt_probe_packets_total", "counter",
             "Packets of checks by way of VIPs: out, to reals; in, from them; refused, with a probe address and of no check.");
  out.sample({{"what", "out"}}, probes.out);
  out.sample({{"what", "in"}}, probes.in);
  out.sample({{"what", "refused"}}, probes.refused);
}

void tell_snat(Exposition& out, const std::vector<SnatState>& rules) {
  const auto tell = [&](const char* name, const char* type, const char* help, auto value) {
    out.family(name, type, help);
    for (const SnatState& rule : rules) out.sample({{"rule", rule.rule.name}}, value(rule));
  };
  if (rules.empty()) return;
  tell("shunt_snat_connections", "gauge", "Connections that reach out by the rule of snat now.",
       [](const SnatState& rule) { return rule.connections; });
  tell("shunt_snat_connections_total", "counter", "Connections that the rule opened.",
       [](const SnatState& rule) { return rule.traffic.connections; });
  tell("shunt_snat_exhausted_total", "counter",
       "New connections dropped because the rule's pool had no free address and port.",
       [](const SnatState& rule) { return rule.exhausted; });
  tell("shunt_snat_addresses", "gauge", "Addresses of the rule's pool.",
       [](const SnatState& rule) { return rule.addresses; });
  out.family("shunt_snat_packets_total", "counter", "Packets translated: out, to where they reach out; in, replies.");
  for (const SnatState& rule : rules) {
    out.sample({{"rule", rule.rule.name}, {"direction", "out"}}, rule.traffic.out_packets);
    out.sample({{"rule", rule.rule.name}, {"direction", "in"}}, rule.traffic.in_packets);
  }
  out.family("shunt_snat_bytes_total", "counter", "Bytes of those packets.");
  for (const SnatState& rule : rules) {
    out.sample({{"rule", rule.rule.name}, {"direction", "out"}}, rule.traffic.out_bytes);
    out.sample({{"rule", rule.rule.name}, {"direction", "in"}}, rule.traffic.in_bytes);
  }
}

}  // namespace

void tell_machine(Exposition& out, const Overview& overview) {
  tell_daemon(out, overview);
  tell_memory(out, overview);
  tell_connection_tables(out, overview.workers);
  tell_workers(out, overview.workers);
  tell_drops(out, overview.workers);
  tell_snat(out, overview.snat);
  tell_ports(out, overview.ports);
  tell_checks(out, overview.checks);
  tell_probes(out, overview.probes);
}

}  // namespace shunt::control::http
