// The controller's plain values as the API's messages. Pure functions; any thread.
#pragma once

#include "control/report.h"
#include "shunt/v1/api.pb.h"

namespace shunt::control::rpc {

google::protobuf::Timestamp to_proto(WallClock::time_point time);
v1::Health to_proto(Health health);
v1::ApplyResponse to_proto(const ApplyOutcome& outcome);
v1::Status to_proto(const StatusReport& report);
v1::ListServicesResponse to_proto(const ServicePage& page);
// For WatchStats.
void put(const ServiceState& service, bool with_reals, v1::ServiceStats& out);
v1::Connection to_proto(const ConnectionReport& connection);
v1::WorkerState to_proto(const WorkerState& worker);
v1::PortState to_proto(const PortState& port);
v1::Drop to_proto(const DropState& drop);
v1::SnatState to_proto(const SnatState& state);
v1::EventPosition to_proto(const EventPosition& position);
v1::Event to_proto(const Event& event, const std::string& life);

}  // namespace shunt::control::rpc
