#include "src/shuntctl/foreign/dpvs_snat.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "config/words.h"
#include "src/base/address.h"

namespace shunt::shuntctl {
namespace {

using Number = unsigned __int128;

int bits_of(AddressFamily family) { return family == AddressFamily::kIpv4 ? 32 : 128; }

Number number_of(const IpAddress& address) {
  Number number = 0;
  for (int i = 0; i < bits_of(address.family) / 8; ++i) number = number << 8 | address.bytes[static_cast<size_t>(i)];
  return number;
}

IpAddress address_of(Number number, AddressFamily family) {
  IpAddress address{family, {}};
  for (int i = bits_of(family) / 8; i-- > 0; number >>= 8) address.bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(number);
  return address;
}

struct Range {
  IpAddress first;
  IpAddress last;
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
  const size_t dash = addresses.find('-');
  const auto first = IpAddress::parse(addresses.substr(0, dash));
  const auto last = dash == std::string::npos ? first : IpAddress::parse(addresses.substr(dash + 1));
  if (!first || !last || first->family != last->family || number_of(*last) < number_of(*first)) return std::nullopt;
  return Range{*first, *last, !ports.empty() && ports != "0" && ports != "0-0" && ports != "0-65535" && ports != "1-65535"};
}

// The fewest that hold those addresses and no other.
std::vector<std::string> prefixes_of(const Range& range) {
  std::vector<std::string> prefixes;
  const int bits = bits_of(range.first.family);
  Number at = number_of(range.first);
  const Number last = number_of(range.last);
  for (;;) {
    int free = 0;
    const auto end_of = [&](int host_bits) { return at | ((Number{1} << host_bits) - 1); };
    while (free < bits - 1 && (at & (Number{1} << free)) == 0 && end_of(free + 1) <= last) ++free;
    prefixes.push_back(address_of(at, range.first.family).to_string() + "/" + std::to_string(bits - free));
    const Number end = end_of(free);
    if (end >= last) return prefixes;
    at = end + 1;
  }
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
    if (range->first.is_unspecified() && range->last.is_unspecified()) return true;
    for (std::string& prefix : prefixes_of(*range)) prefixes.Add(std::move(prefix));
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
