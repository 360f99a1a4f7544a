#include "control/http/status_json.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "control/identity.h"
#include "dataplane/types.h"

namespace shunt::control::http {
namespace {

using Json = nlohmann::ordered_json;

// Seconds since 1970 to the millisecond; null when unset.
Json seconds_of(WallClock::time_point time) {
  if (time == WallClock::time_point{}) return nullptr;
  return static_cast<double>(
             std::chrono::duration_cast<Milliseconds>(time.time_since_epoch()).count()) /
         1000;
}

// Nobody reads more digits, and they are most of the text.
double rounded(double value) { return std::round(value * 100) / 100; }

const char* word_of(Health health) {
  switch (health) {
    case Health::kUnknown:
      return "UNKNOWN";
    case Health::kUp:
      return "UP";
    case Health::kDown:
      return "DOWN";
    case Health::kUnchecked:
      return "UNCHECKED";
  }
  return "UNKNOWN";
}

Json to_json(const Rates& rates) {
  return {{"connections", rounded(rates.connections)},
          {"in_packets", rounded(rates.in_packets)},
          {"out_packets", rounded(rates.out_packets)},
          {"in_bytes", rounded(rates.in_bytes)},
          {"out_bytes", rounded(rates.out_bytes)}};
}

Json to_json(const Traffic& traffic) {
  return {{"connections", traffic.connections},
          {"in_packets", traffic.in_packets},
          {"out_packets", traffic.out_packets},
          {"in_bytes", traffic.in_bytes},
          {"out_bytes", traffic.out_bytes}};
}

Json time_of(const std::optional<WallClock::time_point>& time) {
  return time ? seconds_of(*time) : Json(nullptr);
}

// null where the operator said nothing of the real.
Json override_json(const std::shared_ptr<const Override>& override_of) {
  if (override_of == nullptr) return nullptr;
  Json out = Json::object();
  if (const auto& weight = override_of->weight) {
    out["weight"] = {{"weight", weight->weight}, {"since", seconds_of(weight->since)}, {"until", time_of(weight->until)},
                     {"by", weight->by}};
  }
  if (const auto& drain = override_of->drain) {
    out["drain"] = {{"since", seconds_of(drain->since)}, {"until", time_of(drain->until)}, {"by", drain->by},
                    {"deadline", time_of(drain->deadline)}, {"then", name_of(drain->then)}};
  }
  return out;
}

// null where the service needs none.
Json quorum_json(const std::optional<Quorum>& quorum) {
  if (!quorum) return nullptr;
  return {{"weight", quorum->weight},
          {"hysteresis", quorum->hysteresis},
          {"on_loss", quorum->on_loss == OnQuorumLoss::kSorry ? "sorry" : "withdraw"}};
}

// null where it is not inhibited.
Json inhibition_json(const std::shared_ptr<const Inhibition>& inhibition) {
  if (!inhibition) return nullptr;
  return {{"since", seconds_of(inhibition->since)}, {"until", seconds_of(inhibition->until)}, {"why", inhibition->why}};
}

// null where its service has no passive check.
Json passive_json(const std::optional<RealState::Passive>& passive) {
  if (!passive) return nullptr;
  return {{"answered", passive->outcomes.answered},
          {"unanswered", passive->outcomes.unanswered},
          {"refused", passive->outcomes.refused},
          {"reset", passive->outcomes.reset},
          {"inhibited", passive->inhibited}};
}

Json to_json(const RealState& real) {
  Json out = {{"name", real.name},
              {"place", address_and_port(real.address, real.port)},
              {"method", std::string(name_of(real.method))},
              {"health", word_of(real.health)},
              {"since", seconds_of(real.health_since)},
              {"last_check", real.last_check},
              {"check", real.check},
              {"weight", real.weight},
              {"effective_weight", real.effective_weight},
              {"configured_weight", real.configured_weight},
              {"override", override_json(real.override_of)},
              {"slow_start_percent", real.slow_start_percent},
              {"inhibition", inhibition_json(real.inhibition)},
              {"passive", passive_json(real.passive)},
              {"draining", real.draining},
              {"removed", real.removed},
              {"sorry", real.sorry},
              {"next_hop", real.next_hop},
              {"active_connections", real.active_connections},
              {"inactive_connections", real.inactive_connections},
              {"traffic", to_json(real.traffic)},
              {"rates", to_json(real.rates)}};
  return out;
}

Json to_json(const ServiceState& service, const StatusQuery& query) {
  size_t up = 0;
  size_t present = 0;
  for (const RealState& real : service.reals) {
    if (real.removed || real.sorry) continue;
    ++present;
    up += real.health != Health::kDown && !real.inhibition && real.weight > 0 ? 1 : 0;
  }
  Json out = {
      {"name", service.name},
      {"protocol", std::string(name_of(service.protocol))},
      {"place", place_of(service.vips, service.match)},
      {"more_vips", Json::array()},
      {"method", service.reals.empty() ? "" : std::string(name_of(service.reals.front().method))},
      {"scheduler", std::string(name_of(service.scheduler))},
      {"reals_up", up},
      {"reals_total", present},
      {"quorum", quorum_json(service.quorum)},
      {"has_quorum", service.standing.has_quorum},
      {"withdrawn", service.withdrawn},
      {"panic_threshold", service.panic_threshold},
      {"panics", service.standing.panics},
      {"weight_up", service.standing.reals.weight_up},
      {"access_denied_packets", service.refused.denied},
      {"limited_packets", service.refused.limited},
      {"client_limited_packets", service.refused.client_limited},
      {"active_connections", service.active_connections},
      {"inactive_connections", service.inactive_connections},
      {"traffic", to_json(service.traffic)},
      {"rates", to_json(service.rates)}};
  for (size_t i = 1; i < service.vips.size(); ++i)
    out["more_vips"].push_back(address_and_ports(service.vips[i]));
  const bool is_open =
      std::find(query.open.begin(), query.open.end(), service.name) != query.open.end();
  const size_t shown = std::min(service.reals.size(), is_open ? kRealsOfOpen : kRealsOfListed);
  Json& reals = out["reals"] = Json::array();
  for (size_t i = 0; i < shown; ++i) reals.push_back(to_json(service.reals[i]));
  out["reals_left_out"] = service.reals.size() - shown;
  return out;
}

Json to_json(const WorkerState& worker) {
  return {{"worker", worker.worker},
          {"lcore", worker.lcore},
          {"stalled", worker.stalled},
          {"busy_ratio", rounded(worker.busy_ratio * 100) / 100},
          {"cycles_per_packet", rounded(worker.cycles_per_packet)},
          {"packets_per_burst", rounded(worker.packets_per_burst)},
          {"rx_packets", worker.rx_packets},
          {"tx_packets", worker.tx_packets},
          {"dropped_packets", worker.dropped_packets},
          {"kernel_packets", worker.kernel_packets},
          {"handed_off_packets", worker.handed_off_packets},
          {"connections", worker.connections},
          {"connection_capacity", worker.connection_capacity},
          {"ipv6_connections", worker.ipv6_connections},
          {"ipv6_connection_capacity", worker.ipv6_connection_capacity},
          {"untracked_packets", worker.untracked_packets},
          {"half_open_evicted", worker.half_open_evicted},
          {"entries_dropped", worker.entries_dropped},
          {"uncarried_client_addresses", worker.uncarried_client_addresses},
          {"translated_to_ipv6_packets", worker.translated_to_ipv6_packets},
          {"translated_to_ipv4_packets", worker.translated_to_ipv4_packets},
          {"ftp",
           {{"expected", worker.ftp.expected},
            {"unexpected", worker.ftp.unexpected},
            {"opened", worker.ftp.opened},
            {"refused", worker.ftp.refused},
            {"unread", worker.ftp.unread}}}};
}

Json to_json(const PortState& port) {
  return {{"name", port.name},
          {"device", port.device},
          {"driver", port.driver},
          {"kernel_port", port.kernel_port},
          {"link_up", port.link_up},
          {"mtu", port.mtu},
          {"rx_packets", port.rx_packets},
          {"tx_packets", port.tx_packets},
          {"rx_bytes", port.rx_bytes},
          {"tx_bytes", port.tx_bytes},
          {"rx_missed", port.rx_missed},
          {"rx_errors", port.rx_errors},
          {"tx_errors", port.tx_errors},
          {"rx_no_mbuf", port.rx_no_mbuf}};
}

Json to_json(const DropState& drop) {
  return {{"reason", drop.reason},
          {"packets", drop.packets},
          {"rate", rounded(drop.rate)},
          {"meaning", drop.meaning}};
}

Json to_json(const Event& event) {
  return {{"sequence", event.sequence}, {"time", seconds_of(event.time)},
          {"kind", event.kind},         {"subject", event.subject},
          {"text", event.text},         {"revision", event.revision}};
}

template <typename Value>
Json list_of(const std::vector<Value>& values) {
  Json list = Json::array();
  for (const Value& each : values) list.push_back(to_json(each));
  return list;
}

}  // namespace

std::string status_json(const Overview& overview, const FoundServices& found,
                        const std::vector<Event>& events, const StatusQuery& query) {
  const StatusReport& status = overview.status;
  Json out = {{"now", seconds_of(WallClock::now())},
              {"hostname", status.hostname},
              {"version", status.version},
              {"dpdk_version", status.dpdk_version},
              {"started", seconds_of(status.started)},
              {"revision", status.revision},
              {"applied", seconds_of(status.applied)},
              {"last_apply_succeeded", overview.last_apply_succeeded},
              {"state", status.problems.empty() ? "READY" : "DEGRADED"},
              {"problems", status.problems},
              {"reals", status.reals},
              {"reals_up", status.reals_up},
              {"connections", status.connections},
              {"connection_capacity", status.connection_capacity},
              {"ipv6_connections", status.ipv6_connections},
              {"ipv6_connection_capacity", status.ipv6_connection_capacity},
              {"connection_table_bytes", status.connection_table_bytes},
              {"templates", status.templates},
              {"template_capacity", status.template_capacity},
              {"mbufs_available", overview.mbufs_available},
              {"mbuf_capacity", overview.mbuf_capacity},
              {"control_lag_seconds", overview.control_lag_seconds},
              {"rates", to_json(status.rates)},
              {"services_total", found.all},
              {"services_matching", found.matching},
              {"services_offset", query.search.offset}};
  Json& services = out["services"] = Json::array();
  for (const ServiceState& service : found.services) services.push_back(to_json(service, query));
  out["workers"] = list_of(overview.workers);
  out["ports"] = list_of(overview.ports);
  out["drops"] = list_of(overview.drops);
  out["events"] = list_of(events);
  // What is no UTF-8 (a driver's or a check's words) must not cost the answer.
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace shunt::control::http
