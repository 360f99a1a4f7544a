// What services are found by: VIPs, ports, matches, and one-packet services' replies. A part of config/validate.h, for
// validate_state.cc only: appends problems without subjects.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/rules.h"
#include "config/validate.h"
#include "control/model/desired_state.h"

namespace shunt::config {

// "service web", "another service"
std::string service_called(const v1::Service& service);

// An address of a service's that kernel ports answer for, and where it stands: VIPs, and prefixes of one address of a
// match. Those that cannot be read are left out.
struct CarriedAddress {
  IpAddress address;
  std::string field;
};
std::vector<CarriedAddress> carried_addresses(const v1::Service& service, const std::string& at);

// A service's family, and what says so: "the VIP, 192.0.2.1".
struct ServiceFamily {
  AddressFamily family;
  std::string by;
};

class PlaceRules {
 public:
  // `names` may be null: references to the machine are taken on trust.
  PlaceRules(const MachineNames* names, Problems& problems) : names_(names), problems_(problems) {}

  // Of one service; `at` is its path. nullopt: the family cannot be told.
  std::optional<ServiceFamily> check(const v1::Service& service, const std::string& at);
  // What is seen of all services together, each checked before.
  void check_together();

 private:
  struct Endpoint {
    v1::Protocol protocol;
    IpAddress address;
    control::PortRange ports;
    auto operator<=>(const Endpoint&) const = default;
  };
  // Ports of one address, and whose.
  struct Claim {
    control::PortRange ports;
    const v1::Service* service;
    std::string field;
  };
  using Claims = std::map<std::pair<v1::Protocol, IpAddress>, std::vector<Claim>>;

  std::optional<ServiceFamily> check_vips(const v1::Service& service, const std::string& at);
  std::optional<control::PortRange> check_ports(uint32_t port, uint32_t last_port, bool all_ports,
                                                const std::string& at);
  void check_endpoint(const v1::Service& service, const IpAddress& vip, const control::PortRange& ports,
                      const std::string& at);
  std::optional<ServiceFamily> check_match(const v1::Service& service, const std::string& at);
  void check_nothing_beside_match(const v1::Service& service, const std::string& at);
  void check_match_ports(const v1::Match& match, const std::string& at);
  void check_ingress_port(const std::string& name, const std::string& field);
  void check_same_match(const v1::Service& service, const std::string& at);
  void check_one_packet(const v1::Service& service, const std::string& at);
  void note_reply_ports(const v1::Service& service, const std::string& at);
  void check_crossing(std::vector<Claim> claims);
  void check_replies(std::vector<Claim> claims);

  const MachineNames* names_;
  Problems& problems_;
  // Each with the first service that has it.
  std::map<Endpoint, const v1::Service*> endpoints_;
  std::map<std::string, const v1::Service*> matches_;
  // Ranges by VIP, and ports from which nat reals send UDP replies by their address.
  Claims ranges_;
  Claims reply_ports_;
  size_t match_services_ = 0;
  size_t match_prefixes_ = 0;
};

}  // namespace shunt::config
