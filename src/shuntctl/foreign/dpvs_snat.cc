#include "src/shuntctl/foreign/dpvs_snat.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "config/words.h"
#include "src/base/address_range.h"

namespace shunt::shuntctl {
namespace {

struct Range {
  AddressRange addresses;
  // Ports are named, too.
  bool has_ports = false;
};

// Splits "A-B:P-Q", "[A-B]:P", or IPv6 without ports into addresses and ports.
std::pair<std::string, std::string> split_ports(const std::string& text) {
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string::npos) return {text, ""};
    return {text.substr(1, end - 1), end + 2 <= text.size() ? text.substr(end + 2) : ""};
  }
  const size_t colon = text.find(':');
  if (colon == std::string::npos || text.find(':', colon + 1) != std::string::npos) return {text, ""};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

std::optional<Range> parse_range(const std::string& text) {
  const auto [addresses, ports] = split_ports(text);
  const auto range = AddressRange::parse(addresses);
  if (!range) return std::nullopt;
  return Range{*range, !ports.empty() && ports != "0" && ports != "0-0" && ports != "0-65535" && ports != "1-65535"};
}

v1::Protocol protocol_of(const std::string& word) {
  if (word == "tcp") return v1::PROTOCOL_TCP;
  if (word == "udp") return v1::PROTOCOL_UDP;
  return word.starts_with("icmp") ? v1::PROTOCOL_ICMP : v1::PROTOCOL_UNSPECIFIED;
}

class Making {
 public:
  Making(const DpvsSnat& snat, Draft& draft) : snat_(snat), draft_(draft), subject_("SNAT of what reals send out") {
    std::string text;
    for (const auto& [key, value] : snat.match) text += (text.empty() ? "" : ",") + key + "=" + value;
    if (!text.empty()) subject_ += " (" + config::shown(text) + ")";
  }

  void make() {
    if (snat_.addresses.empty()) return note("it has no address", "add one with -a -H ... -r ADDRESS:0 -J");
    const v1::Protocol protocol = protocol_of(value_of("proto"));
    if (protocol == v1::PROTOCOL_UNSPECIFIED) {
      return note("its protocol is none of tcp, udp and icmp", "let Linux do so on the kernel port (nft masquerade)");
    }
    rule_.add_protocols(protocol);
    for (const std::string& text : snat_.addresses) {
      const auto address = IpAddress::parse(split_ports(text).first);
      if (!address) return note(config::in_quotes(text) + " is no address", "write it as in 203.0.113.1:0");
      family_ = address->family;
      rule_.add_addresses(address->to_string());
    }
    if (!add_range("src-range", *rule_.mutable_sources()) || !add_range("dst-range", *rule_.mutable_destinations())) return;
    if (rule_.sources().empty()) rule_.add_sources(family_ == AddressFamily::kIpv4 ? "0.0.0.0/0" : "::/0");
    rule_.set_ingress_port(value_of("iif"));
    rule_.set_egress_port(value_of("oif"));
    set_timeout(protocol);
    rule_.set_name("snat-" + value_of("proto") + "-" + std::to_string(draft_.config.snat_size() + 1));
    *draft_.config.add_snat() = rule_;
  }

 private:
  std::string value_of(const std::string& key) const {
    const auto found = snat_.match.find(key);
    return found == snat_.match.end() ? std::string() : found->second;
  }

  bool add_range(const std::string& key, google::protobuf::RepeatedPtrField<std::string>& prefixes) {
    const std::string text = value_of(key);
    if (text.empty()) return true;
    const auto range = parse_range(text);
    if (!range) {
      note(key + " " + config::in_quotes(text) + " is no range of addresses", "write it as in 10.0.0.1-10.0.0.254");
      return false;
    }
    const auto& [first, last] = range->addresses;
    if (first.is_unspecified() && last.is_unspecified()) return true;
    for (const Prefix& prefix : prefixes_of(range->addresses)) *prefixes.Add() = prefix.to_string();
    if (range->has_ports) {
      draft_.notes.push_back({snat_.from, subject_, "its " + key + " names ports, which rules of snat do not ask for",
                              "name networks or ports of the machine that tell it apart: sources, destinations, ingress_port"});
    }
    return true;
  }

  void set_timeout(v1::Protocol protocol) {
    if (snat_.timeout_s == 0) return;
    v1::Timeouts& timeouts = *rule_.mutable_timeouts();
    google::protobuf::Duration& target = protocol == v1::PROTOCOL_TCP   ? *timeouts.mutable_tcp_established()
                                         : protocol == v1::PROTOCOL_UDP ? *timeouts.mutable_udp()
                                                                        : *timeouts.mutable_icmp();
    target.set_seconds(snat_.timeout_s);
  }

  void note(std::string cause, std::string remedy) {
    draft_.notes.push_back({snat_.from, subject_, std::move(cause), std::move(remedy)});
  }

  const DpvsSnat& snat_;
  Draft& draft_;
  std::string subject_;
  v1::SnatRule rule_;
  AddressFamily family_ = AddressFamily::kIpv4;
};

}  // namespace

std::map<std::string, std::string> parse_dpvs_match(const std::string& text) {
  std::map<std::string, std::string> match;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    const size_t equals = part.find('=');
    if (equals != std::string::npos) match[part.substr(0, equals)] = part.substr(equals + 1);
    begin = end + 1;
  }
  return match;
}

void add_snat_rule(const DpvsSnat& snat, Draft& draft) { Making(snat, draft).make(); }

}  // namespace shunt::shuntctl
