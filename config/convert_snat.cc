#include "config/convert_snat.h"

#include <algorithm>

#include "config/convert.h"
#include "config/convert_prefixes.h"

namespace shunt::config {
namespace {

// In one order, so that equal rules are equal.
std::vector<control::Protocol> to_protocols(const google::protobuf::RepeatedField<int>& protocols) {
  std::vector<control::Protocol> result;
  const auto add = [&](v1::Protocol wanted, control::Protocol protocol) {
    const bool is_named = std::find(protocols.begin(), protocols.end(), wanted) != protocols.end();
    if (protocols.empty() || is_named) result.push_back(protocol);
  };
  add(v1::PROTOCOL_TCP, control::Protocol::kTcp);
  add(v1::PROTOCOL_UDP, control::Protocol::kUdp);
  add(v1::PROTOCOL_ICMP, control::Protocol::kIcmp);
  return result;
}

}  // namespace

control::SnatRule to_snat_rule(const v1::SnatRule& rule) {
  control::SnatRule result;
  result.name = rule.name();
  result.sources = to_prefixes(rule.sources());
  result.destinations = to_prefixes(rule.destinations());
  result.protocols = to_protocols(rule.protocols());
  result.ingress_port = rule.ingress_port();
  result.egress_port = rule.egress_port();
  for (const std::string& text : rule.addresses()) {
    result.addresses.push_back(AddressRange::parse(text).value());
  }
  if (rule.first_port() != 0) result.ports.first = static_cast<uint16_t>(rule.first_port());
  if (rule.last_port() != 0) result.ports.last = static_cast<uint16_t>(rule.last_port());
  result.kernel_port = rule.kernel_port();
  result.timeouts = to_timeouts(rule.timeouts());
  return result;
}

v1::SnatRule to_proto(const control::SnatRule& rule) {
  v1::SnatRule out;
  out.set_name(rule.name);
  put_prefixes(rule.sources, *out.mutable_sources());
  put_prefixes(rule.destinations, *out.mutable_destinations());
  for (const control::Protocol protocol : rule.protocols) out.add_protocols(to_proto(protocol));
  out.set_ingress_port(rule.ingress_port);
  out.set_egress_port(rule.egress_port);
  for (const AddressRange& range : rule.addresses) out.add_addresses(range.to_string());
  out.set_first_port(rule.ports.first);
  out.set_last_port(rule.ports.last);
  out.set_kernel_port(rule.kernel_port);
  if (rule.timeouts != control::Timeouts{}) put_timeouts(rule.timeouts, *out.mutable_timeouts());
  return out;
}

}  // namespace shunt::config
