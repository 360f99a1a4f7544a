// The desired state, both ways. The machine part, which goes one way only, is in
// convert_machine.cc.
#include "config/convert.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>

#include "config/convert_access.h"
#include "config/convert_client_address.h"
#include "config/convert_health.h"
#include "config/convert_limits.h"
#include "config/convert_policies.h"
#include "config/convert_prefixes.h"
#include "config/convert_snat.h"
#include "config/defaults.h"
#include "config/duration.h"
#include "config/real_name.h"

namespace shunt::config {
namespace {

using control::Milliseconds;

// Timeouts are numbered from 1 in ConnectionState's order.
const google::protobuf::FieldDescriptor* timeout_field(size_t kind) {
  return v1::Timeouts::descriptor()->FindFieldByNumber(static_cast<int>(kind) + 1);
}

Milliseconds to_milliseconds(const google::protobuf::Duration& duration) {
  return Milliseconds(to_ms(duration).value());
}

}  // namespace

control::Timeouts to_timeouts(const v1::Timeouts& timeouts) {
  control::Timeouts result;
  const auto* reflection = timeouts.GetReflection();
  for (size_t kind = 0; kind < result.values.size(); ++kind) {
    const auto* field = timeout_field(kind);
    if (!reflection->HasField(timeouts, field)) continue;
    const auto& duration = reflection->GetMessage(timeouts, field);
    result.values[kind] = to_milliseconds(static_cast<const google::protobuf::Duration&>(duration));
  }
  return result;
}

void put_timeouts(const control::Timeouts& timeouts, v1::Timeouts& out) {
  for (size_t kind = 0; kind < timeouts.values.size(); ++kind) {
    if (!timeouts.values[kind]) continue;
    auto* duration = out.GetReflection()->MutableMessage(&out, timeout_field(kind));
    *static_cast<google::protobuf::Duration*>(duration) =
        to_duration(timeouts.values[kind]->count());
  }
}

namespace {

control::Protocol to_protocol(v1::Protocol protocol) {
  if (protocol == v1::PROTOCOL_UDP) return control::Protocol::kUdp;
  return protocol == v1::PROTOCOL_SCTP ? control::Protocol::kSctp : control::Protocol::kTcp;
}

control::SchedulerKind to_scheduler(v1::Scheduler scheduler) {
  if (scheduler == v1::SCHEDULER_RR) return control::SchedulerKind::kRr;
  if (scheduler == v1::SCHEDULER_WRR) return control::SchedulerKind::kWrr;
  if (scheduler == v1::SCHEDULER_LC) return control::SchedulerKind::kLc;
  if (scheduler == v1::SCHEDULER_MH) return control::SchedulerKind::kMh;
  if (scheduler == v1::SCHEDULER_SED) return control::SchedulerKind::kSed;
  if (scheduler == v1::SCHEDULER_NQ) return control::SchedulerKind::kNq;
  if (scheduler == v1::SCHEDULER_SH) return control::SchedulerKind::kSh;
  if (scheduler == v1::SCHEDULER_DH) return control::SchedulerKind::kDh;
  if (scheduler == v1::SCHEDULER_FO) return control::SchedulerKind::kFo;
  if (scheduler == v1::SCHEDULER_OVF) return control::SchedulerKind::kOvf;
  if (scheduler == v1::SCHEDULER_TWOS) return control::SchedulerKind::kTwos;
  if (scheduler == v1::SCHEDULER_LBLC) return control::SchedulerKind::kLblc;
  if (scheduler == v1::SCHEDULER_LBLCR) return control::SchedulerKind::kLblcr;
  if (scheduler == v1::SCHEDULER_CONHASH) return control::SchedulerKind::kConhash;
  return control::SchedulerKind::kWlc;
}

control::SchedulerFlags to_scheduler_flags(const v1::SchedulerFlags& flags) {
  control::SchedulerFlags result;
  result.port = flags.port();
  if (flags.has_fallback()) result.fallback = flags.fallback();
  if (flags.has_load_bound()) result.load_bound = static_cast<uint16_t>(flags.load_bound());
  return result;
}

control::Method to_method(v1::Method method) {
  if (method == v1::METHOD_DIRECT) return control::Method::kDirect;
  if (method == v1::METHOD_TUNNEL) return control::Method::kTunnel;
  if (method == v1::METHOD_FULLNAT) return control::Method::kFullnat;
  return control::Method::kNat;
}

control::NoReal to_no_real(v1::NoReal no_real) {
  if (no_real == v1::NO_REAL_DROP) return control::NoReal::kDrop;
  if (no_real == v1::NO_REAL_RESET) return control::NoReal::kReset;
  return control::NoReal::kUnreachable;
}

control::Persistence to_persistence(const v1::Persistence& persistence) {
  control::Persistence result;
  if (persistence.has_timeout()) result.timeout = to_milliseconds(persistence.timeout());
  if (persistence.ipv4_prefix() != 0)
    result.ipv4_prefix = static_cast<uint8_t>(persistence.ipv4_prefix());
  if (persistence.ipv6_prefix() != 0)
    result.ipv6_prefix = static_cast<uint8_t>(persistence.ipv6_prefix());
  result.by_call = persistence.engine() == v1::PERSISTENCE_ENGINE_SIP;
  return result;
}

control::TunnelKind to_kind(const v1::Tunnel& tunnel) {
  using Kind = control::TunnelKind;
  const bool has_checksum =
      tunnel.checksum() == v1::TUNNEL_CHECKSUM_FULL || tunnel.checksum() == v1::TUNNEL_CHECKSUM_REMOTE;
  if (tunnel.kind() == v1::TUNNEL_KIND_GRE) return has_checksum ? Kind::kGreChecksum : Kind::kGre;
  if (tunnel.kind() == v1::TUNNEL_KIND_GUE) return has_checksum ? Kind::kGueChecksum : Kind::kGue;
  return Kind::kIpip;
}

control::Tunnel to_tunnel(const v1::Tunnel& tunnel) {
  control::Tunnel result{to_kind(tunnel), 0};
  if (tunnel.kind() != v1::TUNNEL_KIND_GUE) return result;
  result.port = tunnel.port() == 0 ? dataplane::kGuePort : static_cast<uint16_t>(tunnel.port());
  return result;
}

control::Real to_real(const v1::Real& real, const v1::Service& service, bool sorry) {
  control::Real result;
  result.sorry = sorry;
  result.name = name_of(real, service);
  result.address = IpAddress::parse(real.address()).value();
  result.port = static_cast<uint16_t>(port_of(real, service));
  if (real.has_weight()) result.weight = real.weight();
  if (real.has_weight_before_drain()) result.weight_before_drain = real.weight_before_drain();
  result.upper_threshold = real.upper_threshold();
  result.lower_threshold = real.lower_threshold();
  if (real.has_tunnel()) result.tunnel = to_tunnel(real.tunnel());
  return result;
}

void put_real(const control::Real& real, v1::Real& out) {
  out.set_name(real.name);
  out.set_address(real.address.to_string());
  out.set_port(real.port);
  out.set_weight(real.weight);
  if (real.weight_before_drain) out.set_weight_before_drain(*real.weight_before_drain);
  out.set_upper_threshold(real.upper_threshold);
  out.set_lower_threshold(real.lower_threshold);
  if (real.tunnel) *out.mutable_tunnel() = to_proto(*real.tunnel);
}

control::Vip to_vip(const v1::Vip& vip) {
  return {IpAddress::parse(vip.address()).value(), ports_of(vip.port(), vip.last_port())};
}

void put_vip(const control::Vip& vip, v1::Vip& out) {
  out.set_address(vip.address.to_string());
  if (vip.ports == control::kAllPorts) return out.set_all_ports(true);
  out.set_port(vip.ports.first);
  if (!vip.ports.is_one()) out.set_last_port(vip.ports.last);
}

control::Match to_match(const v1::Match& match) {
  control::Match result;
  result.clients = to_prefixes(match.clients());
  result.vips = to_prefixes(match.vips());
  result.ports = ports_of(match.first_port(), match.last_port());
  result.ingress_port = match.ingress_port();
  return result;
}

control::Service to_service(const v1::Service& service) {
  control::Service result;
  result.name = service.name();
  result.protocol = to_protocol(service.protocol());
  if (service.has_match()) {
    result.match = to_match(service.match());
  } else {
    result.address = IpAddress::parse(service.address()).value();
    result.port = static_cast<uint16_t>(service.port());
    // One that is the first, too, says nothing.
    if (service.last_port() != service.port()) result.last_port = static_cast<uint16_t>(service.last_port());
  }
  for (const v1::Vip& vip : service.more_vips()) result.more_vips.push_back(to_vip(vip));
  result.scheduler = to_scheduler(service.scheduler());
  result.scheduler_flags = to_scheduler_flags(service.scheduler_flags());
  result.method = to_method(service.method());
  result.reals.reserve(static_cast<size_t>(service.reals_size() + service.sorry_reals_size()));
  for (const v1::Real& real : service.reals())
    result.reals.push_back(to_real(real, service, false));
  for (const v1::Real& real : service.sorry_reals())
    result.reals.push_back(to_real(real, service, true));
  result.health_check = to_health_check(service);
  result.local_addresses = service.local_addresses();
  result.timeouts = to_timeouts(service.timeouts());
  result.vip_port = service.vip_port();
  result.sloppy_tcp = service.sloppy_tcp();
  result.max_segment_size = static_cast<uint16_t>(service.max_segment_size());
  result.one_packet = service.one_packet();
  if (service.has_persistence()) result.persistence = to_persistence(service.persistence());
  result.no_real = to_no_real(service.no_real());
  result.sloppy_sctp = service.sloppy_sctp();
  result.tunnel = to_tunnel(service.tunnel());
  to_client_address(service, result);
  if (service.application() == v1::APPLICATION_FTP) result.application = control::Application::kFtp;
  to_policies(service, result);
  if (service.has_access()) result.access = to_access(service.access());
  if (service.has_limits()) result.limits = to_limits(service.limits());
  return result;
}

// What it is found by.
void put_places(const control::Service& service, v1::Service& out) {
  for (const control::Vip& vip : service.more_vips) put_vip(vip, *out.add_more_vips());
  if (service.match) {
    *out.mutable_match() = to_proto(*service.match);
    return;
  }
  v1::Vip first;
  put_vip(control::vips_of(service).front(), first);
  out.set_address(first.address());
  out.set_port(first.port());
  out.set_last_port(first.last_port());
  out.set_all_ports(first.all_ports());
}

void put_service(const control::Service& service, v1::Service& out) {
  out.set_name(service.name);
  out.set_protocol(to_proto(service.protocol));
  put_places(service, out);
  out.set_scheduler(to_proto(service.scheduler));
  if (control::has_flags(service.scheduler))
    *out.mutable_scheduler_flags() = to_proto(service.scheduler_flags, service.scheduler);
  out.set_method(to_proto(service.method));
  for (const control::Real& real : service.reals)
    put_real(real, real.sorry ? *out.add_sorry_reals() : *out.add_reals());
  put_health_check(service.health_check, *out.mutable_health_check());
  out.set_local_addresses(service.local_addresses);
  if (service.timeouts != control::Timeouts{})
    put_timeouts(service.timeouts, *out.mutable_timeouts());
  out.set_vip_port(service.vip_port);
  out.set_sloppy_tcp(service.sloppy_tcp);
  out.set_max_segment_size(service.max_segment_size);
  out.set_one_packet(service.one_packet);
  if (service.persistence)
    *out.mutable_persistence() = to_proto(*service.persistence, family_of(service));
  if (service.no_real != control::NoReal::kUnreachable) out.set_no_real(to_proto(service.no_real));
  out.set_sloppy_sctp(service.sloppy_sctp);
  if (service.method == control::Method::kTunnel) *out.mutable_tunnel() = to_proto(service.tunnel);
  put_client_address(service, out);
  if (service.application == control::Application::kFtp) out.set_application(v1::APPLICATION_FTP);
  put_policies(service, out);
  if (service.access) *out.mutable_access() = to_proto(*service.access);
  if (service.limits) *out.mutable_limits() = to_proto(*service.limits, family_of(service));
}

}  // namespace

v1::Match to_proto(const control::Match& match) {
  v1::Match out;
  put_prefixes(match.clients, *out.mutable_clients());
  put_prefixes(match.vips, *out.mutable_vips());
  if (match.ports != control::kAllPorts) out.set_first_port(match.ports.first);
  if (match.ports != control::kAllPorts && !match.ports.is_one()) out.set_last_port(match.ports.last);
  out.set_ingress_port(match.ingress_port);
  return out;
}

v1::Vip to_proto(const control::Vip& vip) {
  v1::Vip out;
  put_vip(vip, out);
  return out;
}

v1::Protocol to_proto(control::Protocol protocol) {
  switch (protocol) {
    case control::Protocol::kTcp:
      return v1::PROTOCOL_TCP;
    case control::Protocol::kUdp:
      return v1::PROTOCOL_UDP;
    case control::Protocol::kSctp:
      return v1::PROTOCOL_SCTP;
    case control::Protocol::kIcmp:
    case control::Protocol::kIcmpv6:
      return v1::PROTOCOL_ICMP;
  }
  return v1::PROTOCOL_UNSPECIFIED;
}

v1::Scheduler to_proto(control::SchedulerKind scheduler) {
  switch (scheduler) {
    case control::SchedulerKind::kRr:
      return v1::SCHEDULER_RR;
    case control::SchedulerKind::kWrr:
      return v1::SCHEDULER_WRR;
    case control::SchedulerKind::kLc:
      return v1::SCHEDULER_LC;
    case control::SchedulerKind::kWlc:
      return v1::SCHEDULER_WLC;
    case control::SchedulerKind::kMh:
      return v1::SCHEDULER_MH;
    case control::SchedulerKind::kSed:
      return v1::SCHEDULER_SED;
    case control::SchedulerKind::kNq:
      return v1::SCHEDULER_NQ;
    case control::SchedulerKind::kSh:
      return v1::SCHEDULER_SH;
    case control::SchedulerKind::kDh:
      return v1::SCHEDULER_DH;
    case control::SchedulerKind::kFo:
      return v1::SCHEDULER_FO;
    case control::SchedulerKind::kOvf:
      return v1::SCHEDULER_OVF;
    case control::SchedulerKind::kTwos:
      return v1::SCHEDULER_TWOS;
    case control::SchedulerKind::kLblc:
      return v1::SCHEDULER_LBLC;
    case control::SchedulerKind::kLblcr:
      return v1::SCHEDULER_LBLCR;
    case control::SchedulerKind::kConhash:
      return v1::SCHEDULER_CONHASH;
  }
  return v1::SCHEDULER_UNSPECIFIED;
}

v1::SchedulerFlags to_proto(const control::SchedulerFlags& flags, control::SchedulerKind scheduler) {
  v1::SchedulerFlags out;
  out.set_port(flags.port);
  if (control::has_load_bound(scheduler)) out.set_load_bound(flags.load_bound);
  else out.set_fallback(flags.fallback);
  return out;
}

v1::Persistence to_proto(const control::Persistence& persistence, AddressFamily family) {
  v1::Persistence out;
  *out.mutable_timeout() = to_duration(persistence.timeout.count());
  if (family == AddressFamily::kIpv4) out.set_ipv4_prefix(persistence.ipv4_prefix);
  else out.set_ipv6_prefix(persistence.ipv6_prefix);
  if (persistence.by_call) out.set_engine(v1::PERSISTENCE_ENGINE_SIP);
  return out;
}

v1::NoReal to_proto(control::NoReal no_real) {
  switch (no_real) {
    case control::NoReal::kUnreachable:
      return v1::NO_REAL_UNREACHABLE;
    case control::NoReal::kDrop:
      return v1::NO_REAL_DROP;
    case control::NoReal::kReset:
      return v1::NO_REAL_RESET;
  }
  return v1::NO_REAL_UNSPECIFIED;
}

v1::Method to_proto(control::Method method) {
  switch (method) {
    case control::Method::kDirect:
      return v1::METHOD_DIRECT;
    case control::Method::kTunnel:
      return v1::METHOD_TUNNEL;
    case control::Method::kNat:
      return v1::METHOD_NAT;
    case control::Method::kFullnat:
      return v1::METHOD_FULLNAT;
    case control::Method::kSnat:
      return v1::METHOD_SNAT;
  }
  return v1::METHOD_UNSPECIFIED;
}

v1::Tunnel to_proto(const control::Tunnel& tunnel) {
  v1::Tunnel out;
  const auto say = [&out](v1::TunnelKind kind, v1::TunnelChecksum checksum) {
    out.set_kind(kind);
    if (checksum != v1::TUNNEL_CHECKSUM_UNSPECIFIED) out.set_checksum(checksum);
  };
  switch (tunnel.kind) {
    case control::TunnelKind::kIpip:
      say(v1::TUNNEL_KIND_IPIP, v1::TUNNEL_CHECKSUM_UNSPECIFIED);
      break;
    case control::TunnelKind::kGre:
      say(v1::TUNNEL_KIND_GRE, v1::TUNNEL_CHECKSUM_NONE);
      break;
    case control::TunnelKind::kGreChecksum:
      say(v1::TUNNEL_KIND_GRE, v1::TUNNEL_CHECKSUM_FULL);
      break;
    case control::TunnelKind::kGue:
      say(v1::TUNNEL_KIND_GUE, v1::TUNNEL_CHECKSUM_NONE);
      break;
    case control::TunnelKind::kGueChecksum:
      say(v1::TUNNEL_KIND_GUE, v1::TUNNEL_CHECKSUM_FULL);
      break;
  }
  out.set_port(tunnel.port);
  return out;
}

control::DesiredState to_desired_state(const v1::DesiredState& state) {
  control::DesiredState result;
  result.timeouts = to_timeouts(state.timeouts());
  for (const v1::LocalAddressPool& pool : state.local_addresses()) {
    control::LocalAddressPool& out = result.local_addresses.emplace_back();
    out.name = pool.name();
    out.port = pool.port();
    for (const std::string& address : pool.addresses())
      out.addresses.push_back(IpAddress::parse(address).value());
  }
  result.services.reserve(static_cast<size_t>(state.services_size()));
  for (const v1::Service& service : state.services())
    result.services.push_back(to_service(service));
  result.sysctls = to_sysctls(state.sysctls());
  for (const v1::AccessList& list : state.access_lists()) result.access_lists.push_back(to_access_list(list));
  for (const v1::SnatRule& rule : state.snat()) result.snat.push_back(to_snat_rule(rule));
  return result;
}

control::DesiredState to_desired_state(const v1::Config& config) {
  return to_desired_state(desired_part(config));
}

v1::DesiredState to_proto(const control::DesiredState& state) {
  v1::DesiredState out;
  if (state.timeouts != control::Timeouts{}) put_timeouts(state.timeouts, *out.mutable_timeouts());
  for (const control::LocalAddressPool& pool : state.local_addresses) {
    v1::LocalAddressPool& to = *out.add_local_addresses();
    to.set_name(pool.name);
    to.set_port(pool.port);
    for (const IpAddress& address : pool.addresses) to.add_addresses(address.to_string());
  }
  for (const control::Service& service : state.services) put_service(service, *out.add_services());
  if (state.sysctls != control::Sysctls{}) *out.mutable_sysctls() = to_proto(state.sysctls);
  for (const control::AccessList& list : state.access_lists) *out.add_access_lists() = to_proto(list);
  for (const control::SnatRule& rule : state.snat) *out.add_snat() = to_proto(rule);
  return out;
}

v1::DesiredState desired_part(const v1::Config& config) {
  v1::DesiredState state;
  if (config.has_timeouts()) *state.mutable_timeouts() = config.timeouts();
  *state.mutable_local_addresses() = config.local_addresses();
  *state.mutable_services() = config.services();
  if (config.has_sysctls()) *state.mutable_sysctls() = config.sysctls();
  *state.mutable_access_lists() = config.access_lists();
  *state.mutable_snat() = config.snat();
  return state;
}

}  // namespace shunt::config
