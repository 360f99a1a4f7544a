// Services, reals and local address pools: what each must have, and how they may not contradict
// each other.
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "config/defaults.h"
#include "config/real_name.h"
#include "config/validate_access.h"
#include "config/validate_health.h"
#include "config/validate_limits.h"
#include "config/validate_parts.h"
#include "config/validate_places.h"
#include "config/validate_policies.h"
#include "config/words.h"
#include "control/model/desired_state.h"
#include "dataplane/types.h"

namespace shunt::config {
namespace {

// Of which families a pool has addresses; one that cannot be read may be of either.
struct PoolFamilies {
  bool ipv4 = false;
  bool ipv6 = false;
  bool operator==(const PoolFamilies&) const = default;
};

class StateRules {
 public:
  StateRules(const v1::DesiredState& state, const MachineNames* names, Problems& problems)
      : state_(state), names_(names), problems_(problems), places_(names, problems), access_(problems) {}

  void check() {
    collect_addresses();
    for (int i = 0; i < state_.local_addresses_size(); ++i) check_pool(i);
    access_.check_lists(state_);
    int64_t reals = 0;
    for (int i = 0; i < state_.services_size(); ++i) {
      check_service(i);
      reals += state_.services(i).reals_size() + state_.services(i).sorry_reals_size();
    }
    places_.check_together();
    check_snat(state_, names_, problems_);
    check_sysctls(state_.sysctls(), problems_);
    check_count("services", state_.services_size(), dataplane::kMaxServices);
    check_count("reals", reals, dataplane::kMaxReals);
  }

 private:
  // Both sides of "no real is a VIP" and "no local address is a VIP or a real" must be known before
  // either is judged. Malformed ones are told where they stand.
  void collect_addresses() {
    for (const v1::Service& service : state_.services()) {
      for (const CarriedAddress& vip : carried_addresses(service, "")) {
        vips_.emplace(vip.address, &service);
      }
      for (const auto* reals : {&service.reals(), &service.sorry_reals()}) {
        for (const v1::Real& real : *reals) {
          if (const auto address = IpAddress::parse(real.address()))
            real_addresses_.emplace(*address, &service);
        }
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
      if (!pools_.emplace(pool.name(), families_of(pool)).second) {
        add(problems_, at + ".name", reason::kDuplicate,
            "name " + in_quotes(pool.name()) + " is another pool's", "give each pool its own name");
      }
    }
    check_kernel_port(pool.port(), at + ".port", "port");
    for (int i = 0; i < pool.addresses_size(); ++i) {
      check_local_address(pool.addresses(i), pool.port(),
                          at + ".addresses[" + std::to_string(i) + "]");
    }
  }

  static PoolFamilies families_of(const v1::LocalAddressPool& pool) {
    PoolFamilies families;
    for (const std::string& text : pool.addresses()) {
      const auto address = IpAddress::parse(text);
      families.ipv4 |= !address || address->is_v4();
      families.ipv6 |= !address || !address->is_v4();
    }
    return families;
  }

  void check_local_address(const std::string& written, const std::string& port,
                           const std::string& field) {
    const auto address = check_address(written, field, "address", Reach::kNetworks, problems_);
    if (!address) return;
    const std::string text = address->to_string();
    check_mtu(*address, "address " + text, port, field,
              "raise the port's mtu, or set port to another");
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

  // `port` carries the address on its kernel port.
  void check_mtu(const IpAddress& address, const std::string& subject, const std::string& port,
                 const std::string& field, const char* remedy) {
    if (address.is_v4() || names_ == nullptr) return;
    const std::string& carrier = port.empty() ? names_->first_kernel_port : port;
    const auto narrow = names_->narrow_ports.find(carrier);
    if (narrow == names_->narrow_ports.end()) return;
    add(problems_, field, reason::kConflict,
        subject + " is IPv6 but " + too_narrow(carrier, ", which carries it,", narrow->second),
        remedy);
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
      add(problems_, at + ".protocol", reason::kRequired, "protocol is missing", "use tcp, udp or sctp");
    }
    if (service.protocol() == v1::PROTOCOL_ICMP) {
      add(problems_, at + ".protocol", reason::kUnsupported, "protocol icmp is of rules of snat alone",
          "use tcp, udp or sctp");
    }
    if (service.method() == v1::METHOD_SNAT) {
      add(problems_, at + ".method", reason::kUnsupported, "method snat is no service's",
          "use direct, tunnel, nat or fullnat, or write a rule under the top-level snat");
    }
    const auto family = places_.check(service, at);
    check_kernel_port(service.vip_port(), at + ".vip_port", "vip_port");
    for (const CarriedAddress& vip : carried_addresses(service, at)) {
      if (unfit(vip.address, Reach::kNetworks)) continue;
      check_mtu(vip.address, "address " + vip.address.to_string(), service.vip_port(), vip.field,
                "raise the port's mtu, or set vip_port to another");
    }
    check_local_addresses(service, at);
    const v1::Scheduler scheduler = service.scheduler();
    if (service.has_scheduler_flags() && scheduler != v1::SCHEDULER_SH &&
        scheduler != v1::SCHEDULER_MH && scheduler != v1::SCHEDULER_CONHASH) {
      add(problems_, at + ".scheduler_flags", reason::kConflict,
          "scheduler_flags is given but the scheduler is none of sh, mh and conhash",
          "remove the lines, or set one of these schedulers");
    } else if (service.has_scheduler_flags()) {
      check_scheduler_flags(service.scheduler_flags(), scheduler, at + ".scheduler_flags");
    }
    check_sloppiness(service, at);
    check_policies(service, at, problems_);
    access_.check(service, family, at);
    check_limits(service, family, at, problems_);
    if (family) check_segment_size(service, family->family, at + ".max_segment_size");
    if (family) check_persistence(service.persistence(), *family, at + ".persistence");
    check_client_address(service, family ? family->family : AddressFamily::kIpv4, at, problems_);
    check_application(service, at, problems_);
    check_ftp_vips(service, at);
    check_engine(service, at + ".persistence.engine", problems_);
    if (service.has_tunnel()) check_tunnel(service.tunnel(), service, at + ".tunnel");
    check_health_check(service, at, problems_);
    check_reals(service, family, at);
  }

  // Which worker a packet to another port of the VIP is for depends on the method (dataplane/ftp/data_connection.h).
  void check_ftp_vips(const v1::Service& service, const std::string& at) {
    if (service.application() != v1::APPLICATION_FTP) return;
    for (const CarriedAddress& vip : carried_addresses(service, at)) {
      const auto [other, is_first] = ftp_services_.emplace(vip.address, &service);
      if (is_first || method_of(*other->second) == method_of(service)) continue;
      add(problems_, at + ".application", reason::kConflict,
          "application is ftp, as is " + service_called(*other->second) + "'s of the same VIP, " + vip.address.to_string() +
              ", with another method",
          "give both the same method, or one of them another VIP");
    }
  }

  void check_scheduler_flags(const v1::SchedulerFlags& flags, v1::Scheduler scheduler, const std::string& at) {
    const bool is_conhash = scheduler == v1::SCHEDULER_CONHASH;
    if (is_conhash && flags.has_fallback()) {
      add(problems_, at + ".fallback", reason::kConflict, "fallback is given but the scheduler is conhash",
          "remove it; clients of a drained real always go on to another one");
    }
    if (!flags.has_load_bound()) return;
    if (!is_conhash) {
      add(problems_, at + ".load_bound", reason::kConflict, "load_bound is given but the scheduler is not conhash",
          "remove it, or set scheduler: conhash");
    }
    const uint32_t bound = flags.load_bound();
    if (bound == 0 || (bound > 100 && bound <= 10000)) return;
    add(problems_, at + ".load_bound", reason::kOutOfRange,
        "load_bound " + std::to_string(bound) + " is not within 101..10000",
        "give a percentage in the range, or 0 for no bound");
  }

  void check_sloppiness(const v1::Service& service, const std::string& at) {
    const auto refuse = [&](const char* field, const char* cause, const char* remedy) {
      add(problems_, at + "." + field, reason::kConflict, std::string(field) + " is given but " + cause,
          std::string("remove the line") + remedy);
    };
    if (service.sloppy_tcp() && service.protocol() == v1::PROTOCOL_UDP)
      refuse("sloppy_tcp", "the protocol is udp", "; any UDP packet opens a connection");
    if (service.sloppy_tcp() && service.protocol() == v1::PROTOCOL_SCTP)
      refuse("sloppy_tcp", "the protocol is sctp", ", or set sloppy_sctp: true");
    if (service.sloppy_sctp() && service.protocol() == v1::PROTOCOL_UDP)
      refuse("sloppy_sctp", "the protocol is udp", "; any UDP packet opens a connection");
    if (service.sloppy_sctp() && service.protocol() == v1::PROTOCOL_TCP)
      refuse("sloppy_sctp", "the protocol is tcp", ", or set sloppy_tcp: true");
  }

  void check_segment_size(const v1::Service& service, AddressFamily family, const std::string& at) {
    const uint32_t size = service.max_segment_size();
    if (size == 0) return;
    if (service.protocol() == v1::PROTOCOL_UDP || service.protocol() == v1::PROTOCOL_SCTP) {
      const bool is_udp = service.protocol() == v1::PROTOCOL_UDP;
      add(problems_, at, reason::kConflict,
          std::string("max_segment_size is given but the protocol is ") + (is_udp ? "udp" : "sctp"),
          std::string("remove the line; ") + (is_udp ? "UDP" : "SCTP") + " has no segments");
    }
    // Every host takes what the least says, so a lower limit could only be a mistake; IP's length ends the range.
    const bool is_v4 = family == AddressFamily::kIpv4;
    const uint32_t least = is_v4 ? 536 : 1220;
    const uint32_t most = is_v4 ? 65495 : 65475;
    if (size >= least && size <= most) return;
    add(problems_, at, reason::kOutOfRange,
        "max_segment_size " + std::to_string(size) + " is not within " + std::to_string(least) + ".." +
            std::to_string(most),
        "give a size in the range, or 0 for none");
  }

  void check_local_addresses(const v1::Service& service,
                             const std::string& at) {
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
    } else if (pool->second == PoolFamilies{}) {
      add(problems_, field, reason::kConflict,
          "local address pool " + in_quotes(name) + " is empty",
          "give the pool at least one address");
    } else {
      check_pool_families(service, name, pool->second, field);
    }
  }

  // Each real is spoken to from an address of its own family.
  void check_pool_families(const v1::Service& service, const std::string& pool, const PoolFamilies& families,
                           const std::string& field) {
    for (const auto* reals : {&service.reals(), &service.sorry_reals()}) {
      for (const v1::Real& real : *reals) {
        const auto address = IpAddress::parse(real.address());
        if (!address || (address->is_v4() ? families.ipv4 : families.ipv6)) continue;
        const std::string family = family_name(address->family);
        add(problems_, field, reason::kConflict,
            "local address pool " + in_quotes(pool) + " has " + (address->is_v4() ? "IPv6" : "IPv4") +
                " addresses only, but real " + address->to_string() + " is " + family,
            "add an " + family + " address to the pool, or name another pool");
        return;
      }
    }
  }

  std::string pool_names() const {
    std::vector<std::string> names;
    for (const auto& [name, families] : pools_) names.emplace_back(name);
    return listed(names, "and");
  }

  // The prefix of the other family would do nothing.
  void check_persistence(const v1::Persistence& persistence, const ServiceFamily& of, const std::string& at) {
    const bool is_v4 = of.family == AddressFamily::kIpv4;
    const bool is_idle = is_v4 ? persistence.ipv6_prefix() != 0 : persistence.ipv4_prefix() != 0;
    if (!is_idle) return;
    const std::string given = is_v4 ? "ipv6_prefix" : "ipv4_prefix";
    add(problems_, at + "." + given, reason::kConflict,
        given + " is given but " + of.by + ", is " + family_name(of.family),
        "remove the line, or write " + std::string(is_v4 ? "ipv4_prefix" : "ipv6_prefix"));
  }

  // A service's, or one of its reals'.
  void check_tunnel(const v1::Tunnel& tunnel, const v1::Service& service, const std::string& at) {
    if (method_of(service) != v1::METHOD_TUNNEL) {
      add(problems_, at, reason::kConflict, "tunnel is given but the method is not tunnel",
          "remove the lines, or set method: tunnel");
      return;
    }
    const bool is_gue = tunnel.kind() == v1::TUNNEL_KIND_GUE;
    if (tunnel.port() != 0 && !is_gue) {
      add(problems_, at + ".port", reason::kConflict, "port is given but the kind is not gue",
          "remove the line, or set kind: gue");
    }
    if (tunnel.checksum() == v1::TUNNEL_CHECKSUM_REMOTE && !is_gue) {
      add(problems_, at + ".checksum", reason::kConflict, "checksum is remote but the kind is not gue",
          "write checksum: full with kind: gre, or set kind: gue");
    }
    if (tunnel.checksum() == v1::TUNNEL_CHECKSUM_FULL && !is_gue &&
        tunnel.kind() != v1::TUNNEL_KIND_GRE) {
      add(problems_, at + ".checksum", reason::kConflict,
          "checksum is full but the kind is ipip, which has none",
          "remove the line, or set kind: gre or kind: gue");
    }
  }

  void check_reals(const v1::Service& service, const std::optional<ServiceFamily>& family,
                   const std::string& at) {
    struct Listed {
      const v1::Real* real;
      std::string field;
    };
    std::vector<Listed> all;
    for (const v1::Real& real : service.reals())
      all.push_back({&real, at + ".reals[" + std::to_string(all.size()) + "]"});
    for (int i = 0; i < service.sorry_reals_size(); ++i)
      all.push_back({&service.sorry_reals(i), at + ".sorry_reals[" + std::to_string(i) + "]"});
    std::set<std::pair<IpAddress, uint32_t>> endpoints;
    // The names that stand for a real, its "ADDRESS:PORT" included, and the real's index.
    std::map<std::string, size_t> names;
    for (size_t i = 0; i < all.size(); ++i) {
      const v1::Real& real = *all[i].real;
      if (!real.address().empty())
        names.emplace(endpoint(real.address(), port_of(real, service)), i);
    }
    for (size_t i = 0; i < all.size(); ++i) {
      const v1::Real& real = *all[i].real;
      const std::string& field = all[i].field;
      check_real(real, service, family, field);
      check_thresholds(real, field);
      const auto address = IpAddress::parse(real.address());
      if (address && !endpoints.emplace(*address, port_of(real, service)).second) {
        add(problems_, field + ".address", reason::kDuplicate,
            "address and port are those of another real of the service",
            "list each real once; raise its weight instead");
      }
      if (real.name().empty() ||
          !check_name(real.name(), kRealName, field + ".name", "name", problems_))
        continue;
      const auto [entry, fresh] = names.emplace(canonical_real_name(real.name()), i);
      if (fresh || entry->second == i) continue;
      add(problems_, field + ".name", reason::kDuplicate,
          "name " + in_quotes(real.name()) + " is another real's",
          "give each real of the service its own name");
    }
  }

  void check_real(const v1::Real& real, const v1::Service& service,
                  const std::optional<ServiceFamily>& family, const std::string& at) {
    const auto address =
        check_address(real.address(), at + ".address", "address", Reach::kNetworks, problems_);
    if (address) check_real_address(*address, at + ".address");
    const v1::Method method = method_of(service);
    if (address && family && method != v1::METHOD_TUNNEL)
      check_real_family(*address, *family, service, at + ".address");
    if (real.has_tunnel()) check_tunnel(real.tunnel(), service, at + ".tunnel");
    const bool keeps_port =
        has_ports(service) && (method == v1::METHOD_DIRECT || method == v1::METHOD_TUNNEL);
    if (keeps_port && real.port() != 0 && !has_one_port(service)) {
      add(problems_, at + ".port", reason::kConflict,
          "port " + std::to_string(real.port()) +
              " is given but the service has several ports, and this method does not rewrite them",
          "remove the line, or use method nat or fullnat");
    } else if (keeps_port && real.port() != 0 && real.port() != service.port()) {
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

  void check_thresholds(const v1::Real& real, const std::string& at) {
    const uint32_t lower = real.lower_threshold();
    const uint32_t upper = real.upper_threshold();
    if (lower == 0 || lower <= upper) return;
    const std::string given = "lower_threshold " + std::to_string(lower);
    if (upper == 0) {
      add(problems_, at + ".lower_threshold", reason::kConflict,
          given + " is given without upper_threshold", "set upper_threshold, or remove the line");
    } else {
      add(problems_, at + ".lower_threshold", reason::kConflict,
          given + " exceeds upper_threshold, " + std::to_string(upper),
          "lower it, or raise upper_threshold");
    }
  }

  void check_real_family(const IpAddress& address, const ServiceFamily& of, const v1::Service& service,
                         const std::string& field) {
    if (address.family == of.family) return;
    const std::string wanted = family_name(of.family);
    const std::string given = family_name(address.family);
    const std::string cause = "address " + address.to_string() + " is " + given + " but " + of.by + ", is " + wanted;
    if (method_of(service) != v1::METHOD_FULLNAT) {
      add(problems_, field, reason::kConflict, cause,
          "use an " + wanted + " address, method fullnat or tunnel, or a service with an " + given + " VIP");
    } else if (service.application() == v1::APPLICATION_FTP) {
      add(problems_, field, reason::kConflict, cause + ", and the lines of ftp are not translated",
          "use an " + wanted + " address, or remove the application");
    } else if (service.uoa_form() == v1::UOA_FORM_OPTION) {
      add(problems_, field, reason::kConflict, cause + ", and uoa_form is option, which packets between the two cannot carry",
          "use an " + wanted + " address, or set uoa_form: protocol");
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
  PlaceRules places_;
  AccessRules access_;
  // Each with the first service that has it.
  std::map<IpAddress, const v1::Service*> vips_;
  std::map<IpAddress, const v1::Service*> real_addresses_;
  std::map<std::string_view, PoolFamilies> pools_;
  // With application ftp.
  std::map<IpAddress, const v1::Service*> ftp_services_;
  std::set<IpAddress> local_addresses_;
  std::set<std::string_view> service_names_;
};

}  // namespace

void check_state(const v1::DesiredState& state, const MachineNames* names, Problems& problems) {
  StateRules(state, names, problems).check();
}

}  // namespace shunt::config
