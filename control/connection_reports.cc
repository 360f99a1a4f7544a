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
  report.real = connection.reply.source;
  report.real_port = connection.reply.source_port.host();
  report.method = connection.method;
  if (connection.method == Method::kFullnat) {
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

Result<ConnectionQuery> Controller::State::connection_query(const ConnectionFilter& filter) const {
  ConnectionQuery query;
  auto names = std::make_shared<std::vector<std::string>>(slots.service_slots());
  for (uint32_t i = 0; i < slots.service_slots(); ++i) (*names)[i] = slots.service({i}).name;
  query.service_names = std::move(names);

  if (!filter.service.empty()) {
    const auto index = live.find_service(filter.service);
    if (!index) {
      return Error{ErrorCode::kNotFound,
                   "service " + filter.service + ": there is none of this name; see the list of services"};
    }
    query.service = live.live(*index).id;
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
