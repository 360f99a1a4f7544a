#include "control/rpc/convert_debug.h"

#include <string>

#include "config/convert.h"
#include "config/words.h"
#include "control/rpc/convert_report.h"

namespace shunt::control::rpc {
namespace {

Error invalid(const std::string& what) { return {ErrorCode::kInvalid, what}; }

Result<IpAddress> address_of(const char* subject, const std::string& text) {
  const auto address = IpAddress::parse(text);
  if (address) return *address;
  return invalid(std::string(subject) + " " + config::in_quotes(text) +
                 ": not an IP address; give one like 192.0.2.7 or 2001:db8::7");
}

v1::ExplainedNextHop::State state_of(ExplainedNextHop::State state) {
  switch (state) {
    case ExplainedNextHop::State::kReachable: return v1::ExplainedNextHop::STATE_REACHABLE;
    case ExplainedNextHop::State::kLinkDown: return v1::ExplainedNextHop::STATE_LINK_DOWN;
    case ExplainedNextHop::State::kUnresolved: return v1::ExplainedNextHop::STATE_UNRESOLVED;
    case ExplainedNextHop::State::kNoRoute: return v1::ExplainedNextHop::STATE_NO_ROUTE;
  }
  return v1::ExplainedNextHop::STATE_UNSPECIFIED;
}

void put(const ExplainedNextHop& hop, v1::ExplainedNextHop& out) {
  out.set_state(state_of(hop.state));
  out.set_port(hop.port);
  if (!hop.mac.is_zero()) out.set_mac(hop.mac.to_string());
  if (hop.neighbour) out.set_neighbour(hop.neighbour->to_string());
  out.set_mtu(hop.mtu);
}

void put(const ExplainedReal& real, v1::ExplainedReal& out) {
  out.set_name(real.name);
  out.set_address(real.address.to_string());
  out.set_port(real.port);
  out.set_weight(real.weight);
  out.set_sorry(real.sorry);
  out.set_health(to_proto(real.health));
  if (real.health_since != WallClock::time_point{}) *out.mutable_health_since() = to_proto(real.health_since);
  out.set_last_check(real.last_check);
  out.set_active_connections(real.active_connections);
  out.set_inactive_connections(real.inactive_connections);
  out.set_may_be_chosen(real.may_be_chosen);
  out.set_chosen(real.chosen);
  out.set_reason(real.reason);
  put(real.next_hop, *out.mutable_next_hop());
}

void put(const ExplainedWorker& worker, v1::ExplainedWorker& out) {
  out.set_worker(worker.worker);
  out.set_handles(worker.handles);
  out.set_why_handles(worker.why_handles);
  if (worker.connection) *out.mutable_connection() = to_proto(*worker.connection);
  out.set_is_reply(worker.is_reply);
  out.set_begins_anew(worker.begins_anew);
  out.set_real(worker.real);
  out.set_chosen_by(worker.chosen_by);
  out.set_why(worker.why);
  for (const std::string& line : worker.rewrite) out.add_rewrite(line);
  for (const std::string& line : worker.reply_rewrite) out.add_reply_rewrite(line);
  out.set_drop_reason(worker.drop_reason);
}

}  // namespace

Result<ExplainQuery> to_query(const v1::ExplainRequest& request) {
  ExplainQuery query;
  if (request.protocol() == v1::PROTOCOL_TCP) query.protocol = Protocol::kTcp;
  else if (request.protocol() == v1::PROTOCOL_UDP) query.protocol = Protocol::kUdp;
  else if (request.protocol() == v1::PROTOCOL_SCTP) query.protocol = Protocol::kSctp;
  else return invalid("protocol: is none of tcp, udp and sctp; give one of them");
  const auto client = address_of("client", request.client());
  if (!client) return client.error();
  const auto address = address_of("virtual", request.virtual_());
  if (!address) return address.error();
  if (client->family != address->family) {
    return invalid("client " + client->to_string() + " and virtual " + address->to_string() +
                   ": are of two families; a packet is of one");
  }
  const auto has_port = [](uint32_t port) { return port >= 1 && port <= 65535; };
  if (!has_port(request.client_port()) || !has_port(request.virtual_port())) {
    return invalid("ports " + std::to_string(request.client_port()) + " and " + std::to_string(request.virtual_port()) +
                   ": must be 1..65535 both; any port will do as the client's");
  }
  query.client = *client;
  query.client_port = static_cast<uint16_t>(request.client_port());
  query.address = *address;
  query.port = static_cast<uint16_t>(request.virtual_port());
  query.ingress_port = request.ingress_port();
  return query;
}

v1::ExplainResponse to_proto(const ExplainReport& report) {
  v1::ExplainResponse out;
  out.set_verdict(report.verdict);
  out.set_ingress_port(report.ingress_port);
  out.set_ingress_assumed(report.ingress_assumed);
  out.set_snat_rule(report.snat_rule);
  if (report.service) {
    v1::ExplainedService& service = *out.mutable_service();
    service.set_name(report.service->name);
    service.set_found_by(report.service->found_by);
    service.set_scheduler(config::to_proto(report.service->scheduler));
    service.set_method(config::to_proto(report.service->method));
    for (const std::string& line : report.service->passed_over) service.add_passed_over(line);
    service.set_access(report.service->access);
  }
  for (const ExplainedWorker& worker : report.workers) put(worker, *out.add_workers());
  for (const ExplainedReal& real : report.reals) put(real, *out.add_reals());
  return out;
}

Result<TraceQuery> to_query(const v1::TraceRequest& request) {
  TraceQuery query;
  if (!request.vip().empty()) {
    const auto vip = address_of("vip", request.vip());
    if (!vip) return vip.error();
    query.vip = *vip;
  }
  if (!request.client().empty()) {
    const auto client = address_of("client", request.client());
    if (!client) return client.error();
    query.client = *client;
  }
  if (request.vip_port() > 65535) {
    return invalid("port " + std::to_string(request.vip_port()) + ": must be 1..65535, or 0 for any");
  }
  if (request.vip_port() != 0) query.vip_port = static_cast<uint16_t>(request.vip_port());
  if (request.count() != 0) query.count = request.count();
  return query;
}

v1::TracedPacket to_proto(const TraceReport& report) {
  v1::TracedPacket out;
  *out.mutable_time() = to_proto(report.time);
  out.set_worker(report.worker);
  out.set_port(report.port);
  out.set_packet(report.packet);
  out.set_service(report.service);
  out.set_real(report.real);
  for (const TraceStep& step : report.steps) {
    v1::TraceStep& to = *out.add_steps();
    to.set_name(step.name);
    to.set_text(step.text);
  }
  out.set_outcome(report.outcome);
  out.set_drop_reason(report.drop_reason);
  return out;
}

Result<CaptureQuery> to_query(const v1::CaptureRequest& request) {
  if (request.snap_bytes() > kMostSnapBytes) {
    return invalid("snap length " + std::to_string(request.snap_bytes()) + ": at most " +
                   std::to_string(kMostSnapBytes) + " bytes of a frame are kept; ask for no more");
  }
  CaptureQuery query;
  query.filter = request.filter();
  query.port = request.port();
  query.in = request.direction() != v1::CaptureRequest::DIRECTION_OUT;
  query.out = request.direction() != v1::CaptureRequest::DIRECTION_IN;
  query.snap_bytes = request.snap_bytes() == 0 ? kMostSnapBytes : request.snap_bytes();
  if (request.count() != 0) query.count = request.count();
  return query;
}

void put(const WatchEnd& end, v1::WatchEnd& out) {
  out.set_packets(end.told);
  out.set_lost(end.lost);
}

void put(const Finding& finding, v1::DoctorFinding& out) {
  switch (finding.grade) {
    case Finding::Grade::kGood: out.set_grade(v1::DoctorFinding::GRADE_GOOD); break;
    case Finding::Grade::kHint: out.set_grade(v1::DoctorFinding::GRADE_HINT); break;
    case Finding::Grade::kBad: out.set_grade(v1::DoctorFinding::GRADE_BAD); break;
  }
  out.set_check(finding.check);
  out.set_subject(finding.subject);
  out.set_text(finding.text);
  out.set_remedy(finding.remedy);
}

}  // namespace shunt::control::rpc
