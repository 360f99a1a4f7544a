// Rules of snat: what each must have, and how its pool may not contradict what else has addresses.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/rules.h"
#include "config/validate_parts.h"
#include "config/validate_places.h"
#include "config/words.h"
#include "dataplane/types.h"
#include "src/base/address_range.h"

namespace shunt::config {
namespace {

constexpr uint32_t kFirstPort = 1024;
constexpr uint32_t kLastPort = 65535;
// So that each of several workers has some of them whose replies come to it.
constexpr uint32_t kFewestPorts = 1024;

class SnatRules {
 public:
  SnatRules(const v1::DesiredState& state, const MachineNames* names, Problems& problems)
      : state_(state), names_(names), problems_(problems) {}

  void check() {
    if (state_.snat().empty()) return;
    collect_addresses();
    for (int i = 0; i < state_.snat_size(); ++i) check_rule(i);
    const auto check_count = [&](const char* what, uint64_t count, uint32_t max, const char* remedy) {
      if (count <= max) return;
      add(problems_, "snat", reason::kOutOfRange,
          std::to_string(count) + " " + what + " exceed " + std::to_string(max), remedy);
    };
    check_count("rules", static_cast<uint64_t>(state_.snat_size()), dataplane::kMaxSnatRules, "join some of them");
    check_count("prefixes of rules", prefixes_, dataplane::kMaxSnatPrefixes, "write shorter ones that hold several");
    check_count("addresses of pools", addresses_, dataplane::kMaxSnatAddresses, "give the pools fewer");
  }

 private:
  // What stands elsewhere and cannot be read is told there.
  void collect_addresses() {
    const auto take = [this](const std::string& text, const std::string& whose) {
      if (const auto address = IpAddress::parse(text)) taken_.emplace(*address, whose);
    };
    for (const v1::Service& service : state_.services()) {
      for (const CarriedAddress& vip : carried_addresses(service, "")) {
        taken_.emplace(vip.address, "the VIP of " + service_called(service));
      }
      for (const auto* reals : {&service.reals(), &service.sorry_reals()}) {
        for (const v1::Real& real : *reals) take(real.address(), "a real of " + service_called(service));
      }
    }
    for (const v1::LocalAddressPool& pool : state_.local_addresses()) {
      for (const std::string& text : pool.addresses()) take(text, "of local_addresses " + shown(pool.name()));
    }
    if (names_ == nullptr) return;
    for (const IpAddress& address : names_->kernel_addresses) taken_.emplace(address, "a kernel port's own");
  }

  void check_rule(int index) {
    const v1::SnatRule& rule = state_.snat(index);
    const std::string at = "snat[" + std::to_string(index) + "]";
    if (check_name(rule.name(), kObjectName, at + ".name", "name", problems_) && !rule_names_.insert(rule.name()).second) {
      add(problems_, at + ".name", reason::kDuplicate, "name " + in_quotes(rule.name()) + " is another rule's",
          "give each rule its own name");
    }
    if (rule.sources().empty()) {
      add(problems_, at + ".sources", reason::kRequired, "sources is missing",
          "give prefixes of one family, 0.0.0.0/0 or ::/0 for everybody");
    }
    if (rule.addresses().empty()) {
      add(problems_, at + ".addresses", reason::kRequired, "the pool is empty: addresses is missing",
          "give at least one address, range or prefix");
    }
    std::optional<Prefix> first;
    check_prefixes(rule.sources(), at + ".sources", first);
    check_prefixes(rule.destinations(), at + ".destinations", first);
    for (int i = 0; i < rule.addresses_size(); ++i) {
      check_range(rule, i, first, at + ".addresses[" + std::to_string(i) + "]");
    }
    check_protocols(rule, at);
    check_ports(rule, at);
    check_port_name(rule.ingress_port(), at + ".ingress_port", "ingress_port");
    check_port_name(rule.egress_port(), at + ".egress_port", "egress_port");
    check_kernel_port(rule.kernel_port(), at + ".kernel_port");
  }

  // `first`: of the rule, which says its family.
  void check_prefixes(const google::protobuf::RepeatedPtrField<std::string>& list, const std::string& at,
                      std::optional<Prefix>& first) {
    prefixes_ += static_cast<uint64_t>(list.size());
    std::set<Prefix> seen;
    for (int i = 0; i < list.size(); ++i) {
      const std::string field = at + "[" + std::to_string(i) + "]";
      const auto prefix = check_prefix(list.Get(i), field, problems_);
      if (!prefix) continue;
      if (!first) first = prefix;
      if (prefix->address.family != first->address.family) {
        add(problems_, field, reason::kConflict,
            "prefix " + prefix->to_string() + " is " + family_name(prefix->address.family) + " but the rule's first, " +
                first->to_string() + ", is " + family_name(first->address.family),
            "give each family a rule of its own");
      } else if (!seen.insert(*prefix).second) {
        add(problems_, field, reason::kDuplicate, "prefix " + prefix->to_string() + " is there already",
            "list each prefix once");
      }
    }
  }

  void check_range(const v1::SnatRule& rule, int index, const std::optional<Prefix>& source, const std::string& field) {
    const std::string& text = rule.addresses(index);
    const auto range = AddressRange::parse(text);
    if (!range) {
      add(problems_, field, reason::kMalformed, in_quotes(text) + " is no address, range or prefix",
          "write it as in 203.0.113.5, 203.0.113.16-203.0.113.31 or 203.0.113.16/28, the lower address first");
      return;
    }
    if (source && range->first.family != source->address.family) {
      add(problems_, field, reason::kConflict,
          "the pool's " + range->to_string() + " is " + family_name(range->first.family) + " but the rule's source, " +
              source->to_string() + ", is " + family_name(source->address.family),
          "give each family a rule of its own");
      return;
    }
    for (const IpAddress& end : {range->first, range->last}) {
      if (const auto why = unfit(end, Reach::kNetworks)) {
        add(problems_, field, reason::kOutOfRange, "address " + end.to_string() + " " + why->cause, why->remedy);
        return;
      }
    }
    for (int i = 0; i < index; ++i) {
      const auto other = AddressRange::parse(rule.addresses(i));
      if (!other || !other->overlaps(*range)) continue;
      add(problems_, field, reason::kDuplicate, range->to_string() + " overlaps " + other->to_string() + " of the pool",
          "list each address once");
      return;
    }
    addresses_ += range->count() > dataplane::kMaxSnatAddresses ? dataplane::kMaxSnatAddresses + 1 : range->count();
    check_taken(*range, field);
    check_carrier(rule, *range, field);
  }

  void check_taken(const AddressRange& range, const std::string& field) {
    for (auto at = taken_.lower_bound(range.first); at != taken_.end() && range.contains(at->first); ++at) {
      add(problems_, field, reason::kConflict, "the pool's address " + at->first.to_string() + " is " + at->second,
          "leave it out of the pool, or use addresses that serve nothing else");
    }
  }

  // The kernel port that answers for a rule's addresses, as src/shuntd/kernel_side.cc chooses it.
  std::string carrier_of(const v1::SnatRule& rule) const {
    if (!rule.kernel_port().empty() || names_ == nullptr) return rule.kernel_port();
    if (names_->kernel_ports.contains(rule.egress_port())) return rule.egress_port();
    return names_->first_kernel_port;
  }

  // IPv6 needs its MTU there; who shares an address with another rule shares its port.
  void check_carrier(const v1::SnatRule& rule, const AddressRange& range, const std::string& field) {
    if (names_ == nullptr) return;
    const std::string carrier = carrier_of(rule);
    const auto narrow = names_->narrow_ports.find(carrier);
    if (!range.first.is_v4() && narrow != names_->narrow_ports.end()) {
      add(problems_, field, reason::kConflict,
          "address " + range.first.to_string() + " is IPv6 but " +
              too_narrow(carrier, ", which carries it,", narrow->second),
          "raise the port's mtu, or set kernel_port to another");
    }
    for (const Carried& other : carried_) {
      if (other.rule == &rule || other.port == carrier || !other.range.overlaps(range)) continue;
      add(problems_, field, reason::kConflict,
          range.to_string() + " overlaps the pool of rule " + shown(other.rule->name()) + ", for which port " +
              other.port + " answers, and " + carrier + " for this one",
          "set kernel_port of both rules to the same port");
      break;
    }
    carried_.push_back({range, carrier, &rule});
  }

  void check_protocols(const v1::SnatRule& rule, const std::string& at) {
    std::set<int> seen;
    for (int i = 0; i < rule.protocols_size(); ++i) {
      const std::string field = at + ".protocols[" + std::to_string(i) + "]";
      const v1::Protocol protocol = rule.protocols(i);
      if (protocol != v1::PROTOCOL_TCP && protocol != v1::PROTOCOL_UDP && protocol != v1::PROTOCOL_ICMP) {
        add(problems_, field, reason::kUnsupported, "the protocol is none of those that snat translates",
            "use tcp, udp and icmp");
      } else if (!seen.insert(protocol).second) {
        add(problems_, field, reason::kDuplicate, "the protocol is there already", "list each once");
      }
    }
  }

  void check_ports(const v1::SnatRule& rule, const std::string& at) {
    const uint32_t first = rule.first_port() == 0 ? kFirstPort : rule.first_port();
    const uint32_t last = rule.last_port() == 0 ? kLastPort : rule.last_port();
    const std::string field = at + (rule.last_port() == 0 ? ".first_port" : ".last_port");
    if (last < first) {
      add(problems_, field, reason::kOutOfRange,
          "last_port " + std::to_string(last) + " is below first_port, " + std::to_string(first), "exchange the two");
    } else if (first >= kFirstPort && last <= kLastPort && last - first + 1 < kFewestPorts) {
      add(problems_, field, reason::kOutOfRange,
          "ports " + std::to_string(first) + "-" + std::to_string(last) + " are " + std::to_string(last - first + 1) +
              ", fewer than " + std::to_string(kFewestPorts) + ", of which every worker has its share",
          "give at least that many");
    }
  }

  void check_port_name(const std::string& name, const std::string& field, const char* what) {
    if (name.empty() || names_ == nullptr || names_->ports.contains(name)) return;
    const std::vector<std::string> ports(names_->ports.begin(), names_->ports.end());
    add(problems_, field, reason::kUnknownReference, std::string(what) + " " + in_quotes(name) + " is not a port",
        ports.empty() ? "remove the line" : "name one of: " + listed(ports, "or"));
  }

  void check_kernel_port(const std::string& name, const std::string& field) {
    if (name.empty() || names_ == nullptr || names_->kernel_ports.contains(name)) return;
    const std::vector<std::string> usable(names_->kernel_ports.begin(), names_->kernel_ports.end());
    add(problems_, field, reason::kUnknownReference, "kernel_port " + in_quotes(name) + " is no port with a kernel port",
        usable.empty() ? "enable a kernel port, or remove the line" : "name one of: " + listed(usable, "or"));
  }

  struct Carried {
    AddressRange range;
    std::string port;
    const v1::SnatRule* rule;
  };

  const v1::DesiredState& state_;
  const MachineNames* names_;
  Problems& problems_;
  // Addresses that a pool may not have, in order, and what they are.
  std::map<IpAddress, std::string> taken_;
  std::set<std::string> rule_names_;
  std::vector<Carried> carried_;
  uint64_t prefixes_ = 0;
  uint64_t addresses_ = 0;
};

}  // namespace

void check_snat(const v1::DesiredState& state, const MachineNames* names, Problems& problems) {
  SnatRules(state, names, problems).check();
}

}  // namespace shunt::config
