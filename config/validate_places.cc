#include "config/validate_places.h"

#include <algorithm>
#include <set>

#include "config/defaults.h"
#include "config/words.h"
#include "dataplane/types.h"

namespace shunt::config {
namespace {

using control::PortRange;

std::string text_of(const PortRange& ports) {
  if (ports == control::kAllPorts) return "all ports";
  if (ports.is_one()) return "port " + std::to_string(ports.first);
  return "ports " + std::to_string(ports.first) + "-" + std::to_string(ports.last);
}

bool overlap(const PortRange& a, const PortRange& b) { return a.first <= b.last && b.first <= a.last; }

}  // namespace

std::string service_called(const v1::Service& service) {
  return service.name().empty() ? "another service" : "service " + shown(service.name());
}

std::vector<CarriedAddress> carried_addresses(const v1::Service& service, const std::string& at) {
  std::vector<CarriedAddress> carried;
  const auto add_vip = [&carried](const std::string& text, const std::string& field) {
    if (const auto vip = IpAddress::parse(text)) carried.push_back({*vip, field});
  };
  add_vip(service.address(), at + ".address");
  for (int i = 0; i < service.more_vips_size(); ++i) {
    add_vip(service.more_vips(i).address(), at + ".more_vips[" + std::to_string(i) + "].address");
  }
  for (int i = 0; i < service.match().vips_size(); ++i) {
    const auto prefix = Prefix::parse(service.match().vips(i));
    if (!prefix || !prefix->is_one_address()) continue;
    carried.push_back({prefix->address, at + ".match.vips[" + std::to_string(i) + "]"});
  }
  return carried;
}

std::optional<ServiceFamily> PlaceRules::check(const v1::Service& service, const std::string& at) {
  const auto family = service.has_match() ? check_match(service, at) : check_vips(service, at);
  if (service.one_packet()) check_one_packet(service, at);
  if (service.protocol() == v1::PROTOCOL_UDP && method_of(service) == v1::METHOD_NAT) {
    note_reply_ports(service, at);
  }
  return family;
}

void PlaceRules::check_together() {
  if (match_services_ > dataplane::kMaxMatchServices) {
    add(problems_, "services", reason::kOutOfRange,
        std::to_string(match_services_) + " services with a match exceed " +
            std::to_string(dataplane::kMaxMatchServices),
        "join some of them, or give them VIPs of their own");
  }
  if (match_prefixes_ > dataplane::kMaxMatchPrefixes) {
    add(problems_, "services", reason::kOutOfRange,
        std::to_string(match_prefixes_) + " prefixes of matches exceed " + std::to_string(dataplane::kMaxMatchPrefixes),
        "write shorter prefixes that hold several of them");
  }
  for (auto& [vip, claims] : ranges_) check_crossing(std::move(claims));
  for (auto& [real, claims] : reply_ports_) check_replies(std::move(claims));
}

std::optional<ServiceFamily> PlaceRules::check_vips(const v1::Service& service, const std::string& at) {
  const auto vip = check_address(service.address(), at + ".address", "address", Reach::kNetworks, problems_);
  const auto ports = check_ports(service.port(), service.last_port(), service.all_ports(), at);
  if (vip && ports) check_endpoint(service, *vip, *ports, at);
  for (int i = 0; i < service.more_vips_size(); ++i) {
    const v1::Vip& more = service.more_vips(i);
    const std::string field = at + ".more_vips[" + std::to_string(i) + "]";
    const auto other = check_address(more.address(), field + ".address", "address", Reach::kNetworks, problems_);
    const auto its_ports = check_ports(more.port(), more.last_port(), more.all_ports(), field);
    if (other && vip && other->family != vip->family) {
      add(problems_, field + ".address", reason::kConflict,
          "address " + other->to_string() + " is " + family_name(other->family) + " but the first VIP, " +
              vip->to_string() + ", is " + family_name(vip->family),
          "give it a service of its own");
    } else if (other && its_ports) {
      check_endpoint(service, *other, *its_ports, field);
    }
  }
  if (!vip) return std::nullopt;
  return ServiceFamily{vip->family, "the VIP, " + vip->to_string()};
}

// nullopt: found something.
std::optional<PortRange> PlaceRules::check_ports(uint32_t port, uint32_t last_port, bool all_ports,
                                                 const std::string& at) {
  if (all_ports && (port != 0 || last_port != 0)) {
    add(problems_, at + ".all_ports", reason::kConflict,
        std::string("all_ports is given but ") + (port != 0 ? "port" : "last_port") + " is, too",
        "remove one of the two");
    return std::nullopt;
  }
  if (all_ports) return control::kAllPorts;
  if (port == 0) {
    add(problems_, at + ".port", reason::kRequired, "port is missing", "use 1..65535");
    return std::nullopt;
  }
  if (last_port != 0 && last_port < port) {
    add(problems_, at + ".last_port", reason::kOutOfRange,
        "last_port " + std::to_string(last_port) + " is below port, " + std::to_string(port), "exchange the two");
    return std::nullopt;
  }
  if (port > UINT16_MAX || last_port > UINT16_MAX) return std::nullopt;  // said elsewhere
  return ports_of(port, last_port);
}

void PlaceRules::check_endpoint(const v1::Service& service, const IpAddress& vip, const PortRange& ports,
                                const std::string& at) {
  const std::string field = at + (ports == control::kAllPorts ? ".all_ports" : ".port");
  const auto [entry, fresh] = endpoints_.emplace(Endpoint{service.protocol(), vip, ports}, &service);
  if (fresh && !ports.is_one()) ranges_[{service.protocol(), vip}].push_back({ports, &service, field});
  if (fresh) return;
  if (entry->second == &service) {
    add(problems_, field, reason::kDuplicate, "address and port are the service's already", "list each once");
    return;
  }
  add(problems_, field, reason::kDuplicate, "protocol, address and port are those of " + service_called(*entry->second),
      "change one of them or join the two services");
}

// Of one VIP. Sorted by where they begin, a range lies in all those that are still open, or crosses one of them.
void PlaceRules::check_crossing(std::vector<Claim> claims) {
  std::stable_sort(claims.begin(), claims.end(), [](const Claim& a, const Claim& b) {
    return a.ports.first != b.ports.first ? a.ports.first < b.ports.first : a.ports.last > b.ports.last;
  });
  std::vector<const Claim*> open;
  for (const Claim& claim : claims) {
    while (!open.empty() && open.back()->ports.last < claim.ports.first) open.pop_back();
    if (!open.empty() && !open.back()->ports.contains(claim.ports)) {
      add(problems_, claim.field, reason::kConflict,
          text_of(claim.ports) + " cross " + text_of(open.back()->ports) + " of " +
              service_called(*open.back()->service),
          "let one lie in the other, or begin behind it");
      continue;
    }
    open.push_back(&claim);
  }
}

std::optional<ServiceFamily> PlaceRules::check_match(const v1::Service& service, const std::string& at) {
  const v1::Match& match = service.match();
  ++match_services_;
  match_prefixes_ += static_cast<size_t>(match.clients_size() + match.vips_size());
  check_nothing_beside_match(service, at);
  if (match.clients().empty() && match.vips().empty()) {
    add(problems_, at + ".match", reason::kRequired, "match has neither clients nor vips",
        "give prefixes of one family; 0.0.0.0/0 or ::/0 are any address");
  }
  std::optional<Prefix> first;
  const auto check_list = [&](const auto& list, const std::string& name) {
    std::set<Prefix> seen;
    for (int i = 0; i < list.size(); ++i) {
      const std::string field = at + ".match." + name + "[" + std::to_string(i) + "]";
      const auto prefix = check_prefix(list.Get(i), field, problems_);
      if (!prefix) continue;
      if (!first) first = prefix;
      if (prefix->address.family != first->address.family) {
        add(problems_, field, reason::kConflict,
            "prefix " + prefix->to_string() + " is " + family_name(prefix->address.family) +
                " but the match's first, " + first->to_string() + ", is " + family_name(first->address.family),
            "give each family a service of its own");
      } else if (!seen.insert(*prefix).second) {
        add(problems_, field, reason::kDuplicate, "prefix " + prefix->to_string() + " is there already",
            "list each prefix once");
      }
    }
  };
  check_list(match.vips(), "vips");
  check_list(match.clients(), "clients");
  for (const CarriedAddress& carried : carried_addresses(service, at)) {
    check_address(carried.address.to_string(), carried.field, "address", Reach::kNetworks, problems_);
  }
  check_match_ports(match, at + ".match");
  check_ingress_port(match.ingress_port(), at + ".match.ingress_port");
  check_same_match(service, at);
  if (!first) return std::nullopt;
  return ServiceFamily{first->address.family, "the match, " + first->to_string()};
}

void PlaceRules::check_nothing_beside_match(const v1::Service& service, const std::string& at) {
  const auto refuse = [&](const char* name, bool given) {
    if (!given) return;
    add(problems_, at + "." + name, reason::kConflict, std::string(name) + " is given but the service has a match",
        "remove one of the two");
  };
  refuse("address", !service.address().empty());
  refuse("port", service.port() != 0);
  refuse("last_port", service.last_port() != 0);
  refuse("all_ports", service.all_ports());
  refuse("more_vips", service.more_vips_size() > 0);
  if (!service.vip_port().empty() && carried_addresses(service, at).empty()) {
    add(problems_, at + ".vip_port", reason::kConflict,
        "vip_port is given but match.vips has no single address to put there",
        "remove the line, or add a prefix of one address");
  }
}

void PlaceRules::check_match_ports(const v1::Match& match, const std::string& at) {
  if (match.first_port() == 0 && match.last_port() != 0) {
    add(problems_, at + ".first_port", reason::kRequired, "last_port is given but first_port is not",
        "use 1..65535, or remove last_port for all ports");
  } else if (match.last_port() != 0 && match.last_port() < match.first_port()) {
    add(problems_, at + ".last_port", reason::kOutOfRange,
        "last_port " + std::to_string(match.last_port()) + " is below first_port, " +
            std::to_string(match.first_port()),
        "exchange the two");
  }
}

void PlaceRules::check_ingress_port(const std::string& name, const std::string& field) {
  if (name.empty() || names_ == nullptr || names_->ports.count(name) != 0) return;
  const std::vector<std::string> ports(names_->ports.begin(), names_->ports.end());
  add(problems_, field, reason::kUnknownReference, "ingress_port " + in_quotes(name) + " is not a port",
      ports.empty() ? "remove the line" : "name one of: " + listed(ports, "or"));
}

// Only equal ones: a wide match behind a narrow one is what order is for, and that behind a wider one may be a
// matter of weeks.
void PlaceRules::check_same_match(const v1::Service& service, const std::string& at) {
  v1::Match sorted = service.match();
  std::sort(sorted.mutable_clients()->begin(), sorted.mutable_clients()->end());
  std::sort(sorted.mutable_vips()->begin(), sorted.mutable_vips()->end());
  const std::string key = std::to_string(service.protocol()) + sorted.SerializeAsString();
  const auto [entry, fresh] = matches_.emplace(key, &service);
  if (fresh) return;
  add(problems_, at + ".match", reason::kDuplicate,
      "protocol and match are those of " + service_called(*entry->second) + ", which is asked first",
      "change one of them or join the two services");
}

void PlaceRules::check_one_packet(const v1::Service& service, const std::string& at) {
  const std::string field = at + ".one_packet";
  if (service.protocol() != v1::PROTOCOL_UDP) {
    add(problems_, field, reason::kConflict, "one_packet is given but the protocol is not udp",
        "remove the line: other protocols need their connections");
    return;
  }
  const v1::Method method = method_of(service);
  if (method == v1::METHOD_FULLNAT) {
    add(problems_, field, reason::kConflict,
        "one_packet is given but the method is fullnat, whose replies find their client by its "
        "connection",
        "remove the line, or use method nat, direct or tunnel");
  }
  if (method != v1::METHOD_NAT) return;
  if (service.has_match() || service.more_vips_size() > 0) {
    add(problems_, field, reason::kConflict,
        "one_packet is given under nat, where replies get the service's VIP, and it has not one "
        "alone",
        "give each VIP a service of its own, or use method direct or tunnel");
    return;
  }
  if (has_one_port(service)) return;
  for (int i = 0; i < service.reals_size(); ++i) {
    if (service.reals(i).port() == 0) continue;
    add(problems_, at + ".reals[" + std::to_string(i) + "].port", reason::kConflict,
        "port " + std::to_string(service.reals(i).port()) +
            " is given but the service is one_packet and has several ports, one of which replies "
            "must leave from",
        "remove the line: the packet's port is kept");
  }
}

void PlaceRules::note_reply_ports(const v1::Service& service, const std::string& at) {
  const bool has_many = service.has_match() || service.more_vips_size() > 0;
  for (int i = 0; i < service.reals_size(); ++i) {
    const v1::Real& real = service.reals(i);
    const auto address = IpAddress::parse(real.address());
    if (!address) continue;
    const uint32_t port = port_of(real, service);
    const PortRange kept = has_many ? control::kAllPorts : ports_of(service.port(), service.last_port());
    reply_ports_[{service.protocol(), *address}].push_back(
        {port == 0 ? kept : ports_of(port, 0), &service, at + ".reals[" + std::to_string(i) + "]"});
  }
}

// Of one real's address: what a one-packet service's real sends from a port must be nobody else's replies.
void PlaceRules::check_replies(std::vector<Claim> claims) {
  std::stable_sort(claims.begin(), claims.end(),
                   [](const Claim& a, const Claim& b) { return a.ports.first < b.ports.first; });
  for (size_t i = 1, widest = 0; i < claims.size(); ++i) {
    const Claim& before = claims[widest];
    const Claim& claim = claims[i];
    const bool matters = before.service->one_packet() || claim.service->one_packet();
    if (matters && before.service != claim.service && overlap(before.ports, claim.ports)) {
      add(problems_, claim.field, reason::kConflict,
          "its replies from " + text_of(claim.ports) + " could not be told from those of " +
              service_called(*before.service) + ", which has it, too",
          "let the real answer each service on a port of its own");
    }
    if (claim.ports.last > before.ports.last) widest = i;
  }
}

}  // namespace shunt::config
