// Services, reals and local address pools: what each must have, and how they may not contradict
// each other.
#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "config/defaults.h"
#include "config/duration.h"
#include "config/validate_parts.h"
#include "config/words.h"
#include "control/model/desired_state.h"
#include "dataplane/types.h"

namespace shunt::config {
namespace {

struct Endpoint {
  v1::Protocol protocol;
  IpAddress address;
  uint32_t port;
  auto operator<=>(const Endpoint&) const = default;
};

constexpr control::Milliseconds kDefaultInterval = control::HealthCheck{}.interval;

std::string service_called(const v1::Service& service) {
  return service.name().empty() ? "another service" : "service " + shown(service.name());
}

class StateRules {
 public:
  StateRules(const v1::DesiredState& state, const MachineNames* names, Problems& problems)
      : state_(state), names_(names), problems_(problems) {}

  void check() {
    collect_addresses();
    for (int i = 0; i < state_.local_addresses_size(); ++i) check_pool(i);
    int64_t reals = 0;
    for (int i = 0; i < state_.services_size(); ++i) {
      check_service(i);
      reals += state_.services(i).reals_size();
    }
    check_count("services", state_.services_size(), dataplane::kMaxServices);
    check_count("reals", reals, dataplane::kMaxReals);
  }

 private:
  // Both sides of "no real is a VIP" and "no local address is a VIP or a real" must be known before
  // either is judged. Malformed ones are told where they stand.
  void collect_addresses() {
    for (const v1::Service& service : state_.services()) {
      if (const auto vip = IpAddress::parse(service.address())) vips_.emplace(*vip, &service);
      for (const v1::Real& real : service.reals()) {
        if (const auto address = IpAddress::parse(real.address()))
          real_addresses_.emplace(*address, &service);
      }
    }
  }

  void check_count(const char* what, int64_t count, uint32_t max) {
    if (count <= max) return;
    add(problems_, "services", reason::kOutOfRange,
        std::to_string(count) + " " + what + " exceed " + std::to_string(max),
        "run several load balancers with a part of them each");
  }

  void check_pool(int index) {
    const v1::LocalAddressPool& pool = state_.local_addresses(index);
    const std::string at = "local_addresses[" + std::to_string(index) + "]";
    if (check_name(pool.name(), kObjectName, at + ".name", "name", problems_)) {
      if (!pools_.emplace(pool.name(), &pool).second) {
        add(problems_, at + ".name", reason::kDuplicate,
            "name " + in_quotes(pool.name()) + " is another pool's", "give each pool its own name");
      }
    }
    check_kernel_port(pool.port(), at + ".port", "port");
    for (int i = 0; i < pool.addresses_size(); ++i) {
      check_local_address(pool.addresses(i), at + ".addresses[" + std::to_string(i) + "]");
    }
  }

  void check_local_address(const std::string& text, const std::string& field) {
    const auto address = check_address(text, field, "address", problems_);
    if (!address) return;
    if (!local_addresses_.insert(*address).second) {
      add(problems_, field, reason::kDuplicate, "address " + text + " is already a local address",
          "list each address once, in one pool");
    }
    if (const auto vip = vips_.find(*address); vip != vips_.end()) {
      add(problems_, field, reason::kConflict,
          "address " + text + " is the VIP of " + service_called(*vip->second),
          "use an address that serves nothing else");
    }
    if (const auto real = real_addresses_.find(*address); real != real_addresses_.end()) {
      add(problems_, field, reason::kConflict,
          "address " + text + " is a real of " + service_called(*real->second),
          "use an address that serves nothing else");
    }
    if (names_ != nullptr && names_->kernel_addresses.count(*address) != 0) {
      add(problems_, field, reason::kConflict, "address " + text + " is a kernel port's own",
          "use an address that serves nothing else");
    }
  }

  void check_kernel_port(const std::string& name, const std::string& field, const char* what) {
    if (name.empty() || names_ == nullptr || names_->kernel_ports.count(name) != 0) return;
    const std::string subject = std::string(what) + " " + in_quotes(name);
    const std::vector<std::string> usable(names_->kernel_ports.begin(), names_->kernel_ports.end());
    const std::string remedy = usable.empty()
                                   ? "enable a kernel port, or remove the line"
                                   : "name one with a kernel port: " + listed(usable, "or");
    if (names_->ports.count(name) != 0) {
      add(problems_, field, reason::kUnknownReference, subject + " has no kernel port", remedy);
    } else {
      add(problems_, field, reason::kUnknownReference, subject + " is not a port", remedy);
    }
  }

  void check_service(int index) {
    const v1::Service& service = state_.services(index);
    const std::string at = "services[" + std::to_string(index) + "]";
    if (check_name(service.name(), kObjectName, at + ".name", "name", problems_)) {
      if (!service_names_.insert(service.name()).second) {
        add(problems_, at + ".name", reason::kDuplicate,
            "name " + in_quotes(service.name()) + " is another service's",
            "give each service its own name");
      }
    }
    if (service.protocol() == v1::PROTOCOL_UNSPECIFIED) {
      add(problems_, at + ".protocol", reason::kRequired, "protocol is missing", "use tcp or udp");
    }
    const auto vip = check_address(service.address(), at + ".address", "address", problems_);
    if (service.port() == 0) {
      add(problems_, at + ".port", reason::kRequired, "port is missing", "use 1..65535");
    }
    if (vip && service.port() != 0) check_endpoint(service, *vip, at);
    check_kernel_port(service.vip_port(), at + ".vip_port", "vip_port");
    check_local_addresses(service, at);
    if (service.sloppy_tcp() && service.protocol() == v1::PROTOCOL_UDP) {
      add(problems_, at + ".sloppy_tcp", reason::kConflict,
          "sloppy_tcp is given but the protocol is udp",
          "remove the line; any UDP packet opens a connection");
    }
    check_health_check(service.health_check(), at + ".health_check.timeout");
    check_reals(service, at);
  }

  void check_endpoint(const v1::Service& service, const IpAddress& vip, const std::string& at) {
    const auto [entry, fresh] =
        endpoints_.emplace(Endpoint{service.protocol(), vip, service.port()}, &service);
    if (fresh) return;
    add(problems_, at + ".port", reason::kDuplicate,
        "protocol, address and port are those of " + service_called(*entry->second),
        "change one of them or join the two services");
  }

  void check_local_addresses(const v1::Service& service, const std::string& at) {
    const std::string field = at + ".local_addresses";
    const std::string& name = service.local_addresses();
    if (method_of(service) != v1::METHOD_FULLNAT) {
      if (name.empty()) return;
      add(problems_, field, reason::kConflict,
          "local_addresses is given but the method is not fullnat",
          "remove the line, or set method: fullnat");
      return;
    }
    if (name.empty()) {
      add(problems_, field, reason::kRequired, "method fullnat needs local_addresses",
          "name a pool of the top-level local_addresses");
      return;
    }
    const auto pool = pools_.find(name);
    if (pool == pools_.end()) {
      add(problems_, field, reason::kUnknownReference,
          "local address pool " + in_quotes(name) + " does not exist",
          pools_.empty() ? "add it to the top-level local_addresses"
                         : "name one of " + pool_names());
    } else if (pool->second->addresses().empty()) {
      add(problems_, field, reason::kConflict,
          "local address pool " + in_quotes(name) + " is empty",
          "give the pool at least one address");
    }
  }

  std::string pool_names() const {
    std::vector<std::string> names;
    for (const auto& [name, pool] : pools_) names.emplace_back(name);
    return listed(names, "and");
  }

  void check_health_check(const v1::HealthCheck& check, const std::string& field) {
    if (!check.has_timeout()) return;
    const int64_t timeout = to_ms(check.timeout()).value_or(0);
    const int64_t interval =
        check.has_interval() ? to_ms(check.interval()).value_or(timeout) : kDefaultInterval.count();
    if (timeout <= interval) return;
    add(problems_, field, reason::kConflict,
        "timeout " + format_duration_ms(timeout) + " exceeds the interval, " +
            format_duration_ms(interval),
        "lower the timeout or raise the interval");
  }

  void check_reals(const v1::Service& service, const std::string& at) {
    std::set<std::pair<IpAddress, uint32_t>> endpoints;
    // The names that stand for a real, its "ADDRESS:PORT" included, and the real's index.
    std::map<std::string, int> names;
    for (int i = 0; i < service.reals_size(); ++i) {
      const v1::Real& real = service.reals(i);
      if (!real.address().empty())
        names.emplace(endpoint(real.address(), port_of(real, service)), i);
    }
    for (int i = 0; i < service.reals_size(); ++i) {
      const v1::Real& real = service.reals(i);
      const std::string field = at + ".reals[" + std::to_string(i) + "]";
      check_real(real, service, field);
      const auto address = IpAddress::parse(real.address());
      if (address && !endpoints.emplace(*address, port_of(real, service)).second) {
        add(problems_, field + ".address", reason::kDuplicate,
            "address and port are those of another real of the service",
            "list each real once; raise its weight instead");
      }
      if (real.name().empty() ||
          !check_name(real.name(), kRealName, field + ".name", "name", problems_))
        continue;
      const auto [entry, fresh] = names.emplace(real.name(), i);
      if (fresh || entry->second == i) continue;
      add(problems_, field + ".name", reason::kDuplicate,
          "name " + in_quotes(real.name()) + " is another real's",
          "give each real of the service its own name");
    }
  }

  void check_real(const v1::Real& real, const v1::Service& service, const std::string& at) {
    if (const auto address = check_address(real.address(), at + ".address", "address", problems_)) {
      check_real_address(*address, at + ".address");
    }
    const v1::Method method = method_of(service);
    const bool keeps_port = method == v1::METHOD_DIRECT || method == v1::METHOD_TUNNEL;
    if (keeps_port && real.port() != 0 && service.port() != 0 && real.port() != service.port()) {
      add(problems_, at + ".port", reason::kConflict,
          "port " + std::to_string(real.port()) + " is not the service's, " +
              std::to_string(service.port()) + ", and this method does not rewrite it",
          "remove the line, or use method nat or fullnat");
    }
    if (real.has_weight_before_drain() && (!real.has_weight() || real.weight() != 0)) {
      add(problems_, at + ".weight_before_drain", reason::kConflict,
          "weight_before_drain is given but weight is not 0", "remove the line; draining sets it");
    }
  }

  void check_real_address(const IpAddress& address, const std::string& field) {
    if (const auto vip = vips_.find(address); vip != vips_.end()) {
      add(problems_, field, reason::kConflict,
          "address " + address.to_string() + " is the VIP of " + service_called(*vip->second),
          "use the real's own address");
    }
    if (names_ != nullptr && names_->kernel_addresses.count(address) != 0) {
      add(problems_, field, reason::kConflict,
          "address " + address.to_string() + " is a kernel port's own",
          "use the address of another machine");
    }
  }

  const v1::DesiredState& state_;
  const MachineNames* names_;
  Problems& problems_;
  // Each with the first service that has it.
  std::map<IpAddress, const v1::Service*> vips_;
  std::map<IpAddress, const v1::Service*> real_addresses_;
  std::map<Endpoint, const v1::Service*> endpoints_;
  std::map<std::string_view, const v1::LocalAddressPool*> pools_;
  std::set<IpAddress> local_addresses_;
  std::set<std::string_view> service_names_;
};

}  // namespace

void check_state(const v1::DesiredState& state, const MachineNames* names, Problems& problems) {
  StateRules(state, names, problems).check();
}

}  // namespace shunt::config
