// Lists connections: what is asked for is made into ids on the loop, the tables are read on the caller's thread.
#include <algorithm>

#include "control/controller_state.h"
#include "control/identity.h"

namespace shunt::control {
namespace {

bool matches(const ConnectionQuery& query, const dataplane::ConnectionCopy& connection) {
  if (query.service && connection.service != *query.service) return false;
  if (query.client && connection.request.source != *query.client) return false;
  if (!query.reals) return true;
  return connection.real.index < query.reals->size() && (*query.reals)[connection.real.index];
}

}  // namespace

std::optional<ConnectionReport> report_of(const ConnectionQuery& query,
                                          const dataplane::ConnectionCopy& connection) {
  if (!matches(query, connection)) return std::nullopt;
  ConnectionReport report;
  report.protocol = static_cast<Protocol>(connection.request.protocol);
  report.client = connection.request.source;
  report.client_port = connection.request.source_port.host();
  report.virtual_address = connection.request.destination;
  report.virtual_port = connection.request.destination_port.host();
  const auto far = query.far_reals->find(connection.real.index);
  report.real = far == query.far_reals->end() ? connection.reply.source : far->second;
  report.real_port = connection.reply.source_port.host();
  report.method = connection.method;
  if (is_mirrored(connection.method)) {
    report.local = connection.reply.destination;
    report.local_port = connection.reply.destination_port.host();
  }
  report.state = connection.state;
  report.expires_in = Milliseconds(std::max(connection.expires_in_ms, 0));
  if (connection.service.index < query.service_names->size()) {
    report.service = (*query.service_names)[connection.service.index];
  }
  report.worker = connection.worker;
  report.in_packets = connection.in_packets;
  report.out_packets = connection.out_packets;
  return report;
}

bool matches(const ConnectionQuery& query, const dataplane::TemplateCopy& copy) {
  const dataplane::TemplateKey& key = copy.key;
  if (query.service && key.service != *query.service) return false;
  if (query.client && (query.client->family != key.client.family ||
                       dataplane::TemplateKey::of(*query.client, key.prefix, key.service).client != key.client)) {
    return false;
  }
  return !query.reals || (copy.real.index < query.reals->size() && (*query.reals)[copy.real.index]);
}

std::optional<ConnectionReport> Controller::State::report_of(const dataplane::TemplateCopy& copy) const {
  // What is gone by now, or lost its real, is no template to anybody.
  if (copy.real.index >= slots.real_slots() || copy.key.service.index >= slots.service_slots()) return std::nullopt;
  const RealSlot& real = slots.real(copy.real);
  const ServiceSlot& service = slots.service(copy.key.service);
  if (!real.used || !service.used) return std::nullopt;
  ConnectionReport report;
  report.protocol = service.key.protocol;
  report.client = copy.key.client;
  const bool has_vip = service.key.match.empty();
  report.virtual_address = has_vip ? service.key.address : IpAddress{copy.key.client.family, {}};
  report.virtual_port = has_vip && service.key.ports.is_one() ? service.key.ports.first : uint16_t{0};
  report.real = real.key.address;
  report.real_port = real.key.port;
  report.method = real.key.method;
  report.expires_in = Milliseconds(std::max(copy.expires_in_ms, 0));
  report.service = service.name;
  report.is_template = {copy.key.prefix, copy.connections, copy.assured};
  return report;
}

std::vector<ConnectionReport> Controller::State::reports_of(const std::vector<dataplane::TemplateCopy>& copies) const {
  std::vector<ConnectionReport> reports;
  for (const dataplane::TemplateCopy& copy : copies) {
    if (auto report = report_of(copy)) reports.push_back(std::move(*report));
  }
  return reports;
}

Result<ConnectionQuery> Controller::State::connection_query(const ConnectionFilter& filter) const {
  ConnectionQuery query;
  auto names = std::make_shared<std::vector<std::string>>(slots.service_slots());
  for (uint32_t i = 0; i < slots.service_slots(); ++i) (*names)[i] = slots.service({i}).name;
  query.service_names = std::move(names);
  auto far_reals = std::make_shared<std::unordered_map<uint32_t, IpAddress>>();
  for (uint32_t i = 0; i < slots.real_slots(); ++i) {
    const RealSlot& slot = slots.real({i});
    const bool is_far = slot.key.address.family != slot.key.service.address.family;
    if (slot.used && is_far) far_reals->emplace(i, slot.key.address);
  }
  query.far_reals = std::move(far_reals);

  if (!filter.service.empty()) {
    const auto index = live.find_service(filter.service);
    const auto& rules = live.desired().snat;
    const auto rule = std::find_if(rules.begin(), rules.end(),
                                   [&](const SnatRule& each) { return each.name == filter.service; });
    if (!index && rule != rules.end()) {
      query.service = live.snat()[static_cast<size_t>(rule - rules.begin())].service;
    } else if (!index) {
      return Error{ErrorCode::kNotFound,
                   "service " + filter.service + ": there is none of this name; see the list of services"};
    }
    if (index) query.service = live.live(*index).id;
  }
  if (!filter.client.empty()) {
    const auto client = IpAddress::parse(filter.client);
    if (!client) {
      return Error{ErrorCode::kInvalid,
                   "client " + filter.client + ": not an IP address; give one like 192.0.2.7 or 2001:db8::7"};
    }
    query.client = client;
  }
  if (!filter.real.empty()) {
    // Removed ones with connections left are found, too.
    std::vector<bool> reals(slots.real_slots());
    bool any = false;
    for (uint32_t i = 0; i < slots.real_slots(); ++i) {
      const RealSlot& slot = slots.real({i});
      if (!slot.used || (query.service && slot.service != *query.service)) continue;
      reals[i] = slot.name == filter.real || address_and_port(slot.key.address, slot.key.port) == filter.real;
      any |= reals[i];
    }
    if (!any) {
      return Error{ErrorCode::kNotFound,
                   "real " + filter.real + ": there is none of this name or ADDRESS:PORT; see the list of services"};
    }
    query.reals = std::move(reals);
  }
  return query;
}

}  // namespace shunt::control
