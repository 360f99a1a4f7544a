// Static next hops.
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "config/defaults.h"
#include "config/validate_parts.h"
#include "config/words.h"
#include "dataplane/types.h"

namespace shunt::config {
namespace {

class NextHopRules {
 public:
  NextHopRules(const v1::Config& config, Problems& problems)
      : config_(config), problems_(problems) {
    for (const v1::Port& port : config.ports()) {
      ports_.insert(port.name());
      if (const uint32_t mtu = mtu_below_ipv6(port)) narrow_ports_.emplace(port.name(), mtu);
    }
  }

  void check() {
    const v1::StaticNextHops& next_hops = config_.next_hops();
    if (next_hops.neighbours_size() > static_cast<int>(dataplane::kMaxNextHops)) {
      add(problems_, "next_hops.neighbours", reason::kOutOfRange,
          std::to_string(next_hops.neighbours_size()) + " neighbours exceed " +
              std::to_string(dataplane::kMaxNextHops),
          "route to them through a gateway");
    }
    for (int i = 0; i < next_hops.neighbours_size(); ++i) {
      check_neighbour(next_hops.neighbours(i), "next_hops.neighbours[" + std::to_string(i) + "]");
    }
    for (int i = 0; i < next_hops.routes_size(); ++i) {
      check_route(next_hops.routes(i), "next_hops.routes[" + std::to_string(i) + "]");
    }
  }

 private:
  void check_neighbour(const v1::StaticNeighbour& neighbour, const std::string& at) {
    const auto address =
        check_address(neighbour.address(), at + ".address", "address", Reach::kLink, problems_);
    check_mac(neighbour.mac(), at + ".mac", problems_);
    check_port(neighbour.port(), at + ".port");
    if (!address) return;
    check_mtu(*address, "address " + address->to_string(), neighbour.port(), at + ".address");
    if (neighbours_.emplace(*address, neighbour.port()).second) return;
    add(problems_, at + ".address", reason::kDuplicate,
        "address " + address->to_string() + " is already a neighbour on this port",
        "list each neighbour once");
  }

  void check_route(const v1::StaticRoute& route, const std::string& at) {
    check_port(route.port(), at + ".port");
    const auto prefix = check_prefix(route.prefix(), at + ".prefix", problems_);
    if (prefix) {
      check_mtu(prefix->address, "prefix " + prefix->to_string(), route.port(), at + ".prefix");
      if (!prefixes_.insert(*prefix).second) {
        add(problems_, at + ".prefix", reason::kDuplicate,
            "prefix " + prefix->to_string() + " is already routed", "list each prefix once");
      }
    }
    if (route.via().empty()) return;
    const auto via = check_address(route.via(), at + ".via", "via", Reach::kLink, problems_);
    if (!via) return;
    if (prefix && via->family != prefix->address.family) {
      const std::string family = family_name(prefix->address.family);
      add(problems_, at + ".via", reason::kConflict,
          "via " + via->to_string() + " is " + family_name(via->family) + " but the prefix, " +
              prefix->to_string() + ", is " + family,
          "name an " + family + " neighbour");
    } else if (neighbours_.count({*via, route.port()}) == 0) {
      add(problems_, at + ".via", reason::kUnknownReference,
          "via " + via->to_string() + " is not a neighbour on port " + in_quotes(route.port()),
          "add it to next_hops.neighbours with its mac and this port");
    }
  }

  void check_mtu(const IpAddress& address, const std::string& subject, const std::string& port,
                 const std::string& field) {
    const auto narrow = address.is_v4() ? narrow_ports_.end() : narrow_ports_.find(port);
    if (narrow == narrow_ports_.end()) return;
    add(problems_, field, reason::kConflict,
        subject + " is IPv6 but " + too_narrow(port, "", narrow->second), "raise the port's mtu");
  }

  void check_port(const std::string& name, const std::string& field) {
    if (name.empty()) {
      add(problems_, field, reason::kRequired, "port is missing", "name a port");
    } else if (ports_.count(name) == 0) {
      const std::vector<std::string> known(ports_.begin(), ports_.end());
      add(problems_, field, reason::kUnknownReference,
          "port " + in_quotes(name) + " does not exist",
          known.empty() ? "add it to ports" : "name one of " + listed(known, "and"));
    }
  }

  const v1::Config& config_;
  Problems& problems_;
  std::set<std::string> ports_;
  std::map<std::string, uint32_t> narrow_ports_;
  std::set<std::pair<IpAddress, std::string>> neighbours_;
  std::set<Prefix> prefixes_;
};

}  // namespace

void check_next_hops(const v1::Config& config, Problems& problems) {
  NextHopRules(config, problems).check();
}

}  // namespace shunt::config
