// explain: what the workers said of a packet (dataplane/explain.h), put together with what control knows of reals,
// checks and next hops.
#include <algorithm>

#include "control/controller_state.h"
#include "control/debug/words.h"
#include "control/identity.h"
#include "dataplane/schedulers/overload.h"

namespace shunt::control {
namespace {

using dataplane::AddressSlot;
using dataplane::ChosenBy;
using dataplane::DropReason;
using dataplane::Explanation;

bool goes_with_connection(const Explanation& told) { return told.connection && !told.begins_anew; }

// The slot of the rule of snat that the packet is of; kNoReal: none.
RealId snat_of(const Explanation& told) {
  return goes_with_connection(told) && told.connection->method == Method::kSnat ? told.connection->real : told.snat;
}

// Which of the workers the packet is for, and why; why_handles is set for those alone.
void tell_handling(const std::vector<Explanation>& told, std::vector<ExplainedWorker>& workers) {
  const auto is_handled_by = [&](uint32_t worker, const std::string& why) {
    workers[worker].handles = true;
    workers[worker].why_handles = why;
  };
  for (uint32_t i = 0; i < told.size(); ++i) {
    if (told[i].connection) return is_handled_by(i, "it has the connection");
  }
  if (told.size() == 1) return is_handled_by(0, "it is the only one");
  const bool is_named =
      std::all_of(told.begin(), told.end(), [&](const Explanation& each) { return each.owner == told[0].owner; });
  if (is_named) return is_handled_by(told[0].owner, "under nat the client's address and port name it");
  if (told[0].steered_to) return is_handled_by(*told[0].steered_to, "the ports' RSS brings the packet there");
  const char* unknown = "whichever receives the packet keeps it; ports do not say which";
  for (uint32_t i = 0; i < told.size(); ++i) is_handled_by(i, unknown);
}

// What becomes of a packet that the service's access lists deny.
std::string then_of(const Service& service) {
  const Refusal refusal = service.access ? service.access->on_denied : Refusal::kDrop;
  if (refusal == Refusal::kDrop) return "it is dropped";
  if (refusal == Refusal::kReset && service.protocol == Protocol::kTcp) return "it is answered with a reset";
  return "it is answered with ICMP administratively prohibited";
}

bool is_of_client(DropReason limit) { return limit >= DropReason::kClientNewConnectionLimit; }

std::string words_of(const ExplainedNextHop& hop) {
  switch (hop.state) {
    case ExplainedNextHop::State::kReachable: return "by MAC " + hop.mac.to_string() + " on port " + hop.port;
    case ExplainedNextHop::State::kLinkDown: return "port " + hop.port + " has no link";
    case ExplainedNextHop::State::kUnresolved:
      return "the MAC address of " + hop.neighbour->to_string() + " is asked for on port " + hop.port;
    case ExplainedNextHop::State::kNoRoute: return "there is no route to it";
  }
  return "";
}

}  // namespace

Result<uint16_t> Controller::State::ingress_of(const ExplainQuery& query) const {
  if (query.ingress_port.empty()) {
    const dataplane::Route route = next_hops.tables()->view().route_to(query.client);
    if (route.kind != dataplane::Route::Kind::kNoRoute) return route.port;
    return dataplane.ports().front().id;
  }
  for (const auto& info : dataplane.ports()) {
    if (info.name == query.ingress_port) return info.id;
  }
  return Error{ErrorCode::kNotFound, "port " + query.ingress_port + ": there is none of this name; see shuntctl ports"};
}

ExplainedNextHop Controller::State::explained_next_hop(const dataplane::RealEntry& real) const {
  ExplainedNextHop out;
  if (real.next_hop == dataplane::kNoNextHop) {
    const dataplane::Route route = next_hops.tables()->view().route_to(real.address);
    const bool is_unresolved = route.kind != dataplane::Route::Kind::kNoRoute;
    out.state = is_unresolved ? ExplainedNextHop::State::kUnresolved : ExplainedNextHop::State::kNoRoute;
    if (is_unresolved) {
      out.port = port_name(route.port);
      out.neighbour = route.neighbour;
    }
    return out;
  }
  const dataplane::NextHop& hop = next_hops.tables()->hops[real.next_hop.index];
  out.state = links[hop.port].up() ? ExplainedNextHop::State::kReachable : ExplainedNextHop::State::kLinkDown;
  out.port = port_name(hop.port);
  out.mac = hop.destination_mac;
  out.neighbour = hop.address;
  out.mtu = real.way_out.mtu;
  return out;
}

// Why the scheduler may not choose the real; empty: it may.
std::string Controller::State::why_not(RealPlace place) const {
  const Real& real = live.real(place);
  const LiveReal& at_work = live.live(place);
  if (at_work.health.health == Health::kDown && !live.may_serve(place)) {
    return "down" + (at_work.health.last_check.empty() ? "" : ": " + at_work.health.last_check);
  }
  if (at_work.inhibition && !live.may_serve(place)) {
    return "inhibited until " + text_of(at_work.inhibition->until) + ": " + at_work.inhibition->why;
  }
  if (real.sorry) return "sorry: only for connections that no other real may take";
  if (!live.may_serve(place)) return "its service lost its quorum, so that only sorry reals get new connections";
  const Override* held = at_work.override_of.get();
  if (live.is_drained(place)) {
    return "drained (its weight was " + std::to_string(undrained_weight(real.weight, held)) +
           "); real drain --undo brings it back";
  }
  if (live.wanted_weight(place) == 0) {
    return held == nullptr ? "its weight is 0" : "its weight was set to 0; real clear brings back the configured one";
  }
  if (real.upper_threshold == 0) return "";
  // Each worker judges by itself, by all workers' connections.
  const Load load = meters.load_of(at_work.id);
  for (const auto& worker : dataplane.workers()) {
    const dataplane::RealCounters& counters = dataplane.real_counters(worker.index, at_work.id);
    if (!exceeds(counters, {real.upper_threshold, real.lower_threshold}, {load.active, load.inactive})) continue;
    const std::string below =
        real.lower_threshold == 0 ? "three quarters of that" : std::to_string(real.lower_threshold);
    return "overloaded: " + std::to_string(load.all()) + " connections, upper_threshold " +
           std::to_string(real.upper_threshold) + "; it takes new ones again below " + below;
  }
  return "";
}

ExplainedReal Controller::State::explained_real(RealPlace place) const {
  const Real& real = live.real(place);
  const LiveReal& at_work = live.live(place);
  ExplainedReal out;
  out.name = real.name;
  out.address = real.address;
  out.port = real.port;
  out.weight = live.wanted_weight(place);
  out.sorry = real.sorry;
  out.health = at_work.health.health;
  out.health_since = at_work.health.since;
  out.last_check = at_work.health.last_check;
  const Load load = meters.load_of(at_work.id);
  out.active_connections = load.active;
  out.inactive_connections = load.inactive;
  out.reason = why_not(place);
  out.may_be_chosen = out.reason.empty();
  out.next_hop = explained_next_hop(builder.real(at_work.id));
  return out;
}

void Controller::State::tell_choice(uint32_t index, const dataplane::Choice& choice, ExplainedWorker& out) const {
  const Service& service = live.desired().services[index];
  switch (choice.by) {
    case ChosenBy::kNobody: break;
    case ChosenBy::kTemplate:
      out.chosen_by = "template";
      out.why = "persistence: the client's earlier connections went there";
      break;
    case ChosenBy::kScheduler: {
      out.chosen_by = "scheduler";
      const auto load = load_text(service.scheduler, meters.load_of(choice.real), weight_of(choice.real, index));
      out.why = rule_of(service) + (load.empty() ? "" : "; " + load);
      if (service.persistence && service.persistence->by_call) out.why += "; a call that has a real keeps it (Call-ID)";
      break;
    }
    case ChosenBy::kSorry:
      out.chosen_by = "sorry";
      out.why = "no other real may take it: the least loaded of those that say sorry";
      break;
  }
  if (choice.had != dataplane::kNoReal && choice.had != choice.real) {
    out.why += "; the client's template names " + slots.real(choice.had).name + ", which may not take it now";
  }
}

// What a worker said, of the service at `index` (UINT32_MAX: one that is gone).
ExplainedWorker Controller::State::explained_worker(const ExplainQuery& query, uint32_t index,
                                                    const Explanation& told) const {
  ExplainedWorker out;
  const auto connections = connection_query({});
  if (told.connection) out.connection = control::report_of(*connections, *told.connection);
  out.is_reply = told.direction == dataplane::Direction::kReply;
  out.begins_anew = told.begins_anew;
  const RealId snat = snat_of(told);
  const RealId id = snat != dataplane::kNoReal ? snat : goes_with_connection(told) ? told.connection->real : told.choice.real;
  if (told.is_denied) {
    out.drop_reason = name_of(DropReason::kAccessDenied);
    return out;
  }
  if (!told.real) {
    if (told.service != dataplane::kNoService) out.drop_reason = name_of(DropReason::kNoRealLeft);
    return out;
  }
  out.real = slots.real(id).name;
  if (goes_with_connection(told)) {
    out.chosen_by = "connection";
    out.why = "the packet is of a connection, which keeps its real";
    tell_rewrite(query, *told.real, told.connection->reply, out);
    if (out.is_reply) {
      const dataplane::IpFlow& request = told.connection->request;
      out.reply_rewrite.clear();
      if (snat != dataplane::kNoReal) {
        out.rewrite = {"destination " + address_and_port(query.address, query.port) + " -> " +
                       address_and_port(request.source, request.source_port.host())};
        return out;
      }
      out.rewrite = {"source " + address_and_port(query.client, query.client_port) + " -> " +
                     address_and_port(request.destination, request.destination_port.host())};
      return out;
    }
  } else if (snat != dataplane::kNoReal) {
    out.chosen_by = "snat";
    out.why = "the first rule of snat that fits; a source keeps its address of the pool where it can";
    if (told.has_reply) tell_rewrite(query, *told.real, told.reply, out);
    else out.drop_reason = name_of(DropReason::kSnatExhausted);
  } else if (index != UINT32_MAX) {
    tell_choice(index, told.choice, out);
    if (told.has_reply) {
      tell_rewrite(query, *told.real, told.reply, out);
      const auto how = live.desired().services[index].client_address.kind;
      if (how != ClientAddressKind::kNone) out.rewrite.push_back("the real is told the client by " + std::string(name_of(how)));
    } else {
      out.drop_reason = name_of(DropReason::kLocalPortsExhausted);
    }
  }
  if (told.real->next_hop == dataplane::kNoNextHop) {
    const bool is_lost = told.route.kind == dataplane::Route::Kind::kNoRoute;
    out.drop_reason = name_of(is_lost ? DropReason::kNoRoute : DropReason::kNoNeighbour);
  } else if (!told.link_up) {
    out.drop_reason = name_of(DropReason::kPortDown);
  } else if (told.real->method == Method::kTunnel && told.real->local_address.is_unspecified()) {
    out.drop_reason = name_of(DropReason::kNoLocalAddress);
  }
  return out;
}

uint32_t Controller::State::weight_of(RealId id, uint32_t service) const {
  const LiveService& at_work = live.live(service);
  for (uint32_t i = 0; i < at_work.reals.size(); ++i) {
    if (at_work.reals[i].id == id) return live.wanted_weight({service, i});
  }
  return 0;
}

std::string Controller::State::verdict_without_service(const ExplainQuery& query, const Explanation& told) const {
  const std::string port = port_name(told.in_port);
  const std::string to_linux = "; the packet goes to Linux by the kernel port of " + port;
  const std::string what = std::string(name_of(query.protocol)) + " port " + std::to_string(query.port);
  const auto is = [&](AddressSlot::Kind kind) { return (told.destination_kinds & bit(kind)) != 0; };
  const std::string address = query.address.to_string();
  if (is(AddressSlot::Kind::kVip)) return address + " is a VIP, but no service has " + what + " of it" + to_linux;
  if (is(AddressSlot::Kind::kLocal))
    return address + " is a local address of a pool, fullnat's or snat's, and no connection has this end" + to_linux;
  if (is(AddressSlot::Kind::kOwn)) return address + " is this machine's own, of no service" + to_linux;
  return address + " is of no service and not this machine's" + to_linux;
}

std::string Controller::State::verdict_of(const ExplainReport& report, const std::vector<Explanation>& told) const {
  // Of the first worker that may get it; those that say otherwise are listed.
  const auto handling = std::find_if(report.workers.begin(), report.workers.end(),
                                     [](const ExplainedWorker& worker) { return worker.handles; });
  const ExplainedWorker& worker = *handling;
  const Explanation& said = told[worker.worker];
  const bool is_alike = std::all_of(report.workers.begin(), report.workers.end(), [&](const ExplainedWorker& each) {
    return !each.handles || each.real == worker.real;
  });
  if (!is_alike) return "a new connection; which real it gets depends on the worker that receives it";
  const std::string name = report.service ? report.service->name + "/" + worker.real : worker.real;
  if (worker.is_reply) return "a reply of real " + name + " on its way to the client";
  if (said.is_denied) {
    std::string then = "it is dropped";
    if (const auto index = live.find_service(report.service->name)) then = then_of(live.desired().services[*index]);
    return "service " + report.service->name + " does not take the client: " + report.service->access + "; " + then;
  }
  if (worker.real.empty()) {
    std::string then = "it is answered with port unreachable";
    if (const auto index = live.find_service(report.service->name)) {
      const Service& service = live.desired().services[*index];
      const bool is_reset = service.no_real == NoReal::kReset && service.protocol == Protocol::kTcp;
      if (service.no_real == NoReal::kDrop) then = "it is dropped";
      else if (is_reset) then = "it is answered with a reset";
    }
    return "no real of service " + report.service->name + " may take it; " + then;
  }
  std::string text =
      goes_with_connection(said) ? "a packet of a connection to real " + name : "begins a connection to real " + name;
  if (!worker.drop_reason.empty()) {
    text += ", but is dropped (" + worker.drop_reason + ")";
    const auto hop = explained_next_hop(*said.real);
    if (worker.drop_reason != name_of(DropReason::kLocalPortsExhausted)) text += ": " + words_of(hop);
    else if (said.real->method == Method::kNat) text += ": another connection has this client's port to that real";
  } else {
    text += ", sent " + words_of(explained_next_hop(*said.real));
  }
  if (said.over_limit && !goes_with_connection(said)) {
    text += "; now it would be refused: the " + std::string(is_of_client(*said.over_limit) ? "client" : "service") +
            " is at its limit (" + std::string(name_of(*said.over_limit)) + ")";
  }
  if (said.drop_rate > 0 && !goes_with_connection(said)) {
    text += "; sysctl drop_packet now drops one in " + std::to_string(said.drop_rate) + " that would open a connection";
  }
  if (said.is_table_full && !goes_with_connection(said))
    text += "; the worker's connection table is full: a half-open one must give way";
  return text;
}

std::string Controller::State::verdict_of_snat(const ExplainReport& report,
                                               const std::vector<Explanation>& told) const {
  const auto handling = std::find_if(report.workers.begin(), report.workers.end(),
                                     [](const ExplainedWorker& worker) { return worker.handles; });
  const ExplainedWorker& worker = *handling;
  const Explanation& said = told[worker.worker];
  const std::string rule = "rule " + report.snat_rule + " of snat";
  std::string text = worker.is_reply              ? "a reply to a connection of " + rule
                     : goes_with_connection(said) ? "a packet of a connection of " + rule
                                                  : "reaches out by " + rule;
  if (worker.drop_reason.empty()) return text + ", sent " + words_of(explained_next_hop(*said.real));
  text += ", but is dropped (" + worker.drop_reason + ")";
  const bool is_exhausted = worker.drop_reason == name_of(DropReason::kSnatExhausted);
  return text + ": " + (is_exhausted ? "its pool has no free address and port" : words_of(explained_next_hop(*said.real)));
}

// The service at `index`, and those that have the address and port, too.
ExplainedService Controller::State::explained_service(const ExplainQuery& query, uint32_t index,
                                                      const Explanation& told) const {
  ExplainedService out;
  out.name = slots.service(told.service).name;
  if (index == UINT32_MAX) {
    out.found_by = "its connection; the service was removed since";
    return out;
  }
  const std::vector<Service>& services = live.desired().services;
  const Service& service = services[index];
  out.found_by = told.direction == dataplane::Direction::kReply ? "its connection" : found_by(service, query);
  out.scheduler = service.scheduler;
  out.method = service.method;
  const bool is_reply = told.direction == dataplane::Direction::kReply;
  if (service.access && !is_reply) out.access = text_of(decide(*service.access, live.desired(), query.client));
  for (uint32_t i = 0; i < services.size(); ++i) {
    if (i == index || !range_for(services[i], query)) continue;
    const char* why = service.match ? "; a match goes first" : "; the narrower range goes first";
    out.passed_over.push_back(services[i].name + ": " + found_by(services[i], query) + why);
  }
  return out;
}

// All of the service's, each with the reason why it is chosen or not.
std::vector<ExplainedReal> Controller::State::explained_reals(uint32_t index,
                                                              const std::vector<ExplainedWorker>& workers) const {
  const Service& service = live.desired().services[index];
  std::vector<ExplainedReal> reals;
  for (uint32_t i = 0; i < service.reals.size(); ++i) {
    ExplainedReal& real = reals.emplace_back(explained_real({index, i}));
    const auto by = std::find_if(workers.begin(), workers.end(), [&](const ExplainedWorker& worker) {
      return worker.handles && worker.real == real.name;
    });
    real.chosen = by != workers.end();
    if (real.chosen) {
      real.reason = by->why;
    } else if (real.may_be_chosen) {
      const Load load{real.active_connections, real.inactive_connections};
      const std::string text = load_text(service.scheduler, load, real.weight);
      real.reason = why_not_now(service.scheduler) + (text.empty() ? "" : "; " + text);
    }
  }
  return reals;
}

ExplainReport Controller::State::explain(const ExplainQuery& query, const std::vector<Explanation>& told) const {
  ExplainReport report;
  report.ingress_port = port_name(told[0].in_port);
  report.ingress_assumed = query.ingress_port.empty();
  const auto with =
      std::find_if(told.begin(), told.end(), [](const Explanation& each) { return each.connection.has_value(); });
  const Explanation& first = with == told.end() ? told[0] : *with;
  uint32_t index = UINT32_MAX;
  if (const RealId snat = snat_of(first); snat != dataplane::kNoReal) {
    report.snat_rule = slots.service(slots.real(snat).service).name;
  } else if (first.service != dataplane::kNoService) {
    index = live.find_service(slots.service(first.service).name).value_or(UINT32_MAX);
    report.service = explained_service(query, index, first);
  }
  for (const Explanation& each : told) {
    report.workers.push_back(explained_worker(query, index, each));
    report.workers.back().worker = static_cast<uint32_t>(report.workers.size() - 1);
  }
  tell_handling(told, report.workers);
  if (index != UINT32_MAX && !first.is_denied) report.reals = explained_reals(index, report.workers);
  report.verdict = !report.snat_rule.empty() ? verdict_of_snat(report, told)
                   : report.service          ? verdict_of(report, told)
                                             : verdict_without_service(query, told[0]);
  return report;
}

}  // namespace shunt::control
