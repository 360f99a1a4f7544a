#include "control/diff.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "control/health/words.h"
#include "control/identity.h"

namespace shunt::control {
namespace {

// Reals of an added or removed service that are shown one by one.
constexpr size_t kRealsShown = 16;
// Prefixes of a list that came or went, the same way.
constexpr size_t kPrefixesShown = 16;

// The schema's field names, by timeout kind.
constexpr std::array<std::string_view, dataplane::kTimeoutKinds> kTimeoutNames = {
    "tcp_none",       "tcp_established", "tcp_syn_sent", "tcp_syn_recv", "tcp_fin_wait", "tcp_time_wait",
    "tcp_close",      "tcp_close_wait",  "tcp_last_ack", "tcp_listen",   "tcp_synack",   "udp",
    "sctp_none",      "sctp_init1",      "sctp_init",    "sctp_cookie_sent", "sctp_cookie_replied",
    "sctp_cookie_wait", "sctp_cookie", "sctp_cookie_echoed", "sctp_established", "sctp_shutdown_sent",
    "sctp_shutdown_received", "sctp_shutdown_ack_sent", "sctp_rejected", "sctp_closed", "icmp"};

std::string text_of(Milliseconds duration) {
  const auto ms = duration.count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + "s" : std::to_string(ms) + "ms";
}
std::string text_of(const std::optional<Milliseconds>& duration) {
  return duration ? text_of(*duration) : std::string("default");
}
std::string text_of(const std::string& text) { return text.empty() ? "default" : text; }
std::string text_of(bool value) { return value ? "yes" : "no"; }
std::string text_of(uint32_t value) { return std::to_string(value); }
std::string text_of(SchedulerKind scheduler) { return std::string(name_of(scheduler)); }
std::string bound_text(uint16_t bound) { return bound == 0 ? "no bound" : "bound " + std::to_string(bound) + "%"; }
// As ipvsadm shows them: "mh (fallback,port)"; "conhash (port,bound 125%)".
std::string text_of(SchedulerKind scheduler, const SchedulerFlags& flags) {
  if (!has_flags(scheduler)) return text_of(scheduler);
  std::string set = flags.fallback && !has_load_bound(scheduler) ? "fallback" : "";
  if (flags.port) set += set.empty() ? "port" : ",port";
  if (has_load_bound(scheduler)) set += (set.empty() ? "" : ",") + bound_text(flags.load_bound);
  return text_of(scheduler) + (set.empty() ? "" : " (" + set + ")");
}
std::string text_of(Method method) { return std::string(name_of(method)); }
std::string text_of(const PortRange& ports) {
  if (ports == kAllPorts) return "all";
  return std::to_string(ports.first) + (ports.is_one() ? "" : "-" + std::to_string(ports.last));
}
std::string text_of(const Vip& vip) { return address_and_ports(vip); }
std::string text_of(const Prefix& prefix) { return prefix.to_string(); }
std::string text_of(const IpAddress& address) { return address.to_string(); }
std::string text_of(const AddressRange& range) { return range.to_string(); }
std::string text_of(Protocol protocol) { return std::string(name_of(protocol)); }
std::string text_of(NoReal no_real) { return std::string(name_of(no_real)); }
std::string text_of(Application application) { return std::string(name_of(application)); }
std::string text_of(Refusal refusal) { return std::string(name_of(refusal)); }
// "toa by option 254"
std::string text_of(const ClientAddress& how) {
  std::string text(name_of(how.kind));
  if (how.kind == ClientAddressKind::kToa) text += " by option " + std::to_string(how.toa_option);
  if (how.kind != ClientAddressKind::kUoa) return text;
  text += how.uoa_form == dataplane::UoaForm::kOption ? " by option" : " by protocol";
  return text + " in " + std::to_string(how.uoa_packets) + " packets";
}
// "weight 3 hysteresis 1 withdraw"
std::string text_of(const std::optional<Quorum>& quorum) {
  if (!quorum) return "none";
  return "weight " + std::to_string(quorum->weight) + " hysteresis " + std::to_string(quorum->hysteresis) +
         (quorum->on_loss == OnQuorumLoss::kSorry ? " sorry" : " withdraw");
}
// "50 % of 20 within 10s or 5 in a row: inhibited 30s to 300s, at most 50 % of the reals"
std::string text_of(const std::optional<PassiveCheck>& passive) {
  if (!passive) return "none";
  return std::to_string(passive->failure_percent) + " % of " + std::to_string(passive->min_connections) + " within " +
         text_of(passive->interval) + " or " + std::to_string(passive->consecutive) + " in a row: inhibited " +
         text_of(passive->inhibit) + " to " + text_of(passive->max_inhibit) + ", at most " +
         std::to_string(passive->max_inhibited_percent) + " % of the reals";
}
std::string text_of(const LimitValues& values) {
  std::string text;
  const auto add = [&text](const char* what, uint64_t value) {
    if (value > 0) text += (text.empty() ? "" : ", ") + std::to_string(value) + what;
  };
  add(" new connections/s", values.new_connections);
  add(" packets/s", values.packets);
  add(" kbit/s", values.kilobits);
  if (!text.empty()) text += " (burst " + text_of(values.burst) + ")";
  add(" connections", values.connections);
  return text;
}
// "1000 new connections/s (burst 1s), reset; each of 65536 clients /32,/64: 10 new connections/s (burst 1s)"
std::string text_of(const std::optional<Limits>& limits) {
  if (!limits) return "none";
  std::string text = text_of(limits->all);
  if (limits->on_excess != Refusal::kDrop) text += (text.empty() ? "" : ", ") + text_of(limits->on_excess);
  if (!limits->per_client) return text;
  const PerClient& each = *limits->per_client;
  return text + (text.empty() ? "" : "; ") + "each of " + std::to_string(each.clients) + " clients /" +
         std::to_string(each.ipv4_prefix) + ",/" + std::to_string(each.ipv6_prefix) + ": " + text_of(each.values);
}
// Without the prefix of the other family, which says nothing: "300s by /24".
std::string text_of(const std::optional<Persistence>& persistence, AddressFamily family) {
  if (!persistence) return "no";
  const uint8_t prefix = family == AddressFamily::kIpv4 ? persistence->ipv4_prefix : persistence->ipv6_prefix;
  return text_of(persistence->timeout) + " by /" + std::to_string(prefix) + (persistence->by_call ? " and Call-ID" : "");
}

// IPVS's numbers, as the schema has them.
std::string text_of(dataplane::Defence defence) {
  switch (defence) {
    case dataplane::Defence::kOff: return "0";
    case dataplane::Defence::kWhenScarce: return "1";
    case dataplane::Defence::kAlways: return "3";
  }
  return "?";
}
// "gre", "gue:6080,checksum"
std::string text_of(const Tunnel& tunnel) {
  switch (tunnel.kind) {
    case TunnelKind::kIpip: return "ipip";
    case TunnelKind::kGre: return "gre";
    case TunnelKind::kGreChecksum: return "gre,checksum";
    case TunnelKind::kGue: return "gue:" + std::to_string(tunnel.port);
    case TunnelKind::kGueChecksum: return "gue:" + std::to_string(tunnel.port) + ",checksum";
  }
  return "";
}
std::string text_of(const std::optional<Tunnel>& tunnel) {
  return tunnel ? text_of(*tunnel) : std::string("the service's");
}

// Collects the changed fields of one subject.
class Details {
 public:
  template <typename T>
  void field(std::string_view name, const T& before, const T& after) {
    if (before == after) return;
    lines.push_back(std::string(name) + ": " + text_of(before) + " -> " + text_of(after));
  }
  void timeouts(std::string_view prefix, const Timeouts& before, const Timeouts& after) {
    for (size_t i = 0; i < kTimeoutNames.size(); ++i) {
      field(std::string(prefix) + std::string(kTimeoutNames[i]), before.values[i], after.values[i]);
    }
  }
  // "more_vips: +192.0.2.2:80"
  template <typename T>
  void list(std::string_view name, std::vector<T> before, std::vector<T> after) {
    std::sort(before.begin(), before.end());
    std::sort(after.begin(), after.end());
    std::vector<T> only;
    std::set_difference(after.begin(), after.end(), before.begin(), before.end(), std::back_inserter(only));
    for (const T& each : only) lines.push_back(std::string(name) + ": +" + text_of(each));
    only.clear();
    std::set_difference(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(only));
    for (const T& each : only) lines.push_back(std::string(name) + ": -" + text_of(each));
  }
  // The same of lists that may be long: the first of them, and how many more.
  template <typename T>
  void long_list(std::string_view name, const std::vector<T>& before, const std::vector<T>& after) {
    if (before == after) return;
    Details all;
    all.list(name, before, after);
    const size_t shown = std::min(all.lines.size(), kPrefixesShown);
    lines.insert(lines.end(), all.lines.begin(), all.lines.begin() + static_cast<ptrdiff_t>(shown));
    if (shown == all.lines.size()) return;
    lines.push_back(std::string(name) + ": and " + std::to_string(all.lines.size() - shown) + " more");
  }
  void access(const std::optional<Access>& before, const std::optional<Access>& after) {
    static const Access kNone;
    const Access& old_access = before ? *before : kNone;
    const Access& new_access = after ? *after : kNone;
    long_list("access.allow", old_access.allow, new_access.allow);
    long_list("access.deny", old_access.deny, new_access.deny);
    list("access.allow_lists", old_access.allow_lists, new_access.allow_lists);
    list("access.deny_lists", old_access.deny_lists, new_access.deny_lists);
    field("access.on_denied", old_access.on_denied, new_access.on_denied);
  }
  void persistence(const Service& before, const Service& after) {
    if (before.persistence == after.persistence) return;
    lines.push_back("persistence: " + text_of(before.persistence, family_of(before)) + " -> " +
                    text_of(after.persistence, family_of(after)));
  }
  std::vector<std::string> lines;
};

void add_if_any(std::vector<Change>& changes, std::string subject, Details details) {
  if (details.lines.empty()) return;
  changes.push_back({Change::Kind::kChanged, std::move(subject), std::move(details.lines)});
}

std::string describe(const Real& real) {
  const std::string place = address_and_port(real.address, real.port);
  return (real.name == place ? place : real.name + " " + place) + " weight " + std::to_string(real.weight) +
         (real.sorry ? " sorry" : "") + (real.tunnel ? " tunnel " + text_of(*real.tunnel) : "");
}

std::string subject_of(const Service& service) { return "service " + service.name; }
std::string subject_of(const Service& service, const Real& real) {
  return "real " + service.name + "/" + real.name;
}

// "match vips 192.0.2.0/24 clients 10.0.0.0/8,10.1.0.0/16 ports 80-90 ingress_port outside"
std::string text_of(const Match& match) {
  std::string text = "match";
  const auto add = [&text](const char* what, const std::vector<Prefix>& prefixes) {
    for (size_t i = 0; i < prefixes.size(); ++i) {
      text += (i == 0 ? std::string(" ") + what + " " : ",") + prefixes[i].to_string();
    }
  };
  add("vips", match.vips);
  add("clients", match.clients);
  if (match.ports != kAllPorts) text += " ports " + text_of(match.ports);
  if (!match.ingress_port.empty()) text += " ingress_port " + match.ingress_port;
  return text;
}

// What it is found by: its match, or its VIPs.
std::string places_of(const Service& service) {
  if (service.match) return text_of(*service.match);
  std::string text;
  for (const Vip& vip : vips_of(service)) text += (text.empty() ? "" : ",") + text_of(vip);
  return text;
}

Change whole_service(Change::Kind kind, const Service& service) {
  Change change{kind, subject_of(service), {}};
  change.details.push_back(std::string(name_of(service.protocol)) + " " + places_of(service) + " " +
                           text_of(service.scheduler, service.scheduler_flags) + " " + text_of(service.method) +
                           (service.method == Method::kTunnel ? " " + text_of(service.tunnel) : "") +
                           (service.one_packet ? " one_packet" : ""));
  for (size_t i = 0; i < std::min(service.reals.size(), kRealsShown); ++i) {
    change.details.push_back("real " + describe(service.reals[i]));
  }
  if (service.reals.size() > kRealsShown) {
    change.details.push_back("and " + std::to_string(service.reals.size() - kRealsShown) + " more reals");
  }
  return change;
}

Details fields_of(const Service& before, const Service& after) {
  Details details;
  details.field("name", before.name, after.name);
  details.list("more_vips", before.more_vips, after.more_vips);
  if (before.match && after.match) {
    details.list("match.clients", before.match->clients, after.match->clients);
    details.list("match.vips", before.match->vips, after.match->vips);
    details.field("match.ports", before.match->ports, after.match->ports);
    details.field("match.ingress_port", before.match->ingress_port, after.match->ingress_port);
  }
  details.field("scheduler", before.scheduler, after.scheduler);
  // Those of a scheduler that has none are gone with it.
  if (has_flags(after.scheduler)) {
    details.field("scheduler_flags.port", before.scheduler_flags.port, after.scheduler_flags.port);
    if (!has_load_bound(after.scheduler)) {
      details.field("scheduler_flags.fallback", before.scheduler_flags.fallback, after.scheduler_flags.fallback);
    } else if (has_load_bound(before.scheduler)) {
      details.field("scheduler_flags.load_bound", uint32_t{before.scheduler_flags.load_bound},
                    uint32_t{after.scheduler_flags.load_bound});
    }
  }
  details.field("method", before.method, after.method);
  // Those of another method are gone with it.
  if (after.method == Method::kTunnel) details.field("tunnel", before.tunnel, after.tunnel);
  details.field("local_addresses", before.local_addresses, after.local_addresses);
  details.field("vip_port", before.vip_port, after.vip_port);
  details.field("sloppy_tcp", before.sloppy_tcp, after.sloppy_tcp);
  details.field("max_segment_size", uint32_t{before.max_segment_size}, uint32_t{after.max_segment_size});
  details.field("one_packet", before.one_packet, after.one_packet);
  details.persistence(before, after);
  details.field("no_real", before.no_real, after.no_real);
  details.field("sloppy_sctp", before.sloppy_sctp, after.sloppy_sctp);
  details.field("quorum", before.quorum, after.quorum);
  details.field("slow_start", before.slow_start, after.slow_start);
  details.field("panic_threshold", before.panic_threshold, after.panic_threshold);
  details.access(before.access, after.access);
  details.field("limits", before.limits, after.limits);
  details.field("client_address", before.client_address, after.client_address);
  details.field("application", before.application, after.application);
  const HealthCheck& old_check = before.health_check;
  const HealthCheck& new_check = after.health_check;
  details.field("health_check.enabled", old_check.enabled, new_check.enabled);
  details.field("health_check.interval", old_check.interval, new_check.interval);
  details.field("health_check.timeout", old_check.timeout, new_check.timeout);
  details.field("health_check.rise", old_check.rise, new_check.rise);
  details.field("health_check.fall", old_check.fall, new_check.fall);
  details.field("health_check.port", uint32_t{old_check.port}, uint32_t{new_check.port});
  details.field("health_check", old_check.kind, new_check.kind);
  details.field("health_check.jitter", old_check.jitter, new_check.jitter);
  details.field("health_check.down_interval", old_check.down_interval, new_check.down_interval);
  details.field("health_check.through", std::string(old_check.through_vip ? "vip" : "real"),
                std::string(new_check.through_vip ? "vip" : "real"));
  details.field("health_check.passive", old_check.passive, new_check.passive);
  details.timeouts("timeouts.", before.timeouts, after.timeouts);
  return details;
}

Details fields_of(const Real& before, const Real& after) {
  Details details;
  details.field("name", before.name, after.name);
  details.field("weight", before.weight, after.weight);
  details.field("tunnel", before.tunnel, after.tunnel);
  details.field("upper_threshold", before.upper_threshold, after.upper_threshold);
  details.field("lower_threshold", before.lower_threshold, after.lower_threshold);
  details.field("sorry", before.sorry, after.sorry);
  return details;
}

Details fields_of(const Sysctls& before, const Sysctls& after) {
  Details details;
  details.field("conn_reuse_mode", uint32_t{before.conn_reuse_mode}, uint32_t{after.conn_reuse_mode});
  details.field("expire_nodest_conn", before.expire_nodest_conn, after.expire_nodest_conn);
  details.field("expire_quiescent_template", before.expire_quiescent_template, after.expire_quiescent_template);
  details.field("sloppy_tcp", before.sloppy_tcp, after.sloppy_tcp);
  details.field("sloppy_sctp", before.sloppy_sctp, after.sloppy_sctp);
  details.field("secure_tcp", before.secure_tcp, after.secure_tcp);
  details.field("drop_entry", before.drop_entry, after.drop_entry);
  details.field("drop_packet", before.drop_packet, after.drop_packet);
  details.field("nat_icmp_send", before.nat_icmp_send, after.nat_icmp_send);
  details.field("schedule_icmp", before.schedule_icmp, after.schedule_icmp);
  details.field("pmtu_disc", before.pmtu_disc, after.pmtu_disc);
  details.field("am_droprate", before.am_droprate, after.am_droprate);
  details.field("amemthresh", before.amemthresh, after.amemthresh);
  return details;
}

struct Place {
  IpAddress address;
  uint16_t port;
  bool operator==(const Place&) const = default;
};
struct PlaceHash {
  size_t operator()(const Place& place) const noexcept { return hash_of(place.address, place.port); }
};

void compare_reals(const Service& before, const Service& after, std::vector<Change>& changes) {
  if (before.reals == after.reals) return;
  std::unordered_map<Place, const Real*, PlaceHash> old_reals;
  for (const Real& real : before.reals) old_reals.emplace(Place{real.address, real.port}, &real);
  std::vector<const Real*> added;
  for (const Real& real : after.reals) {
    const auto found = old_reals.find({real.address, real.port});
    if (found == old_reals.end()) {
      added.push_back(&real);
      continue;
    }
    add_if_any(changes, subject_of(after, real), fields_of(*found->second, real));
    old_reals.erase(found);
  }
  for (const Real* real : added) {
    changes.push_back({Change::Kind::kAdded, subject_of(after, *real), {describe(*real)}});
  }
  for (const Real& real : before.reals) {
    if (!old_reals.contains({real.address, real.port})) continue;
    changes.push_back({Change::Kind::kRemoved, subject_of(before, real), {describe(real)}});
  }
}

void compare_services(const DesiredState& before, const DesiredState& after, std::vector<Change>& changes) {
  std::unordered_map<ServiceKey, const Service*, KeyHash> old_services;
  for (const Service& service : before.services) old_services.emplace(key_of(service), &service);
  for (const Service& service : after.services) {
    const auto found = old_services.find(key_of(service));
    if (found == old_services.end()) {
      changes.push_back(whole_service(Change::Kind::kAdded, service));
      continue;
    }
    if (*found->second != service) {
      add_if_any(changes, subject_of(service), fields_of(*found->second, service));
      compare_reals(*found->second, service, changes);
    }
    old_services.erase(found);
  }
  for (const Service& service : before.services) {
    if (old_services.contains(key_of(service))) {
      changes.push_back(whole_service(Change::Kind::kRemoved, service));
    }
  }
}

// Names of the services with a match, in the order in which they are asked, of those that are in `known`.
std::vector<std::string> match_order(const DesiredState& state, const std::unordered_set<std::string>& known) {
  std::vector<std::string> names;
  for (const Service& service : state.services) {
    if (service.match && known.contains(service.name)) names.push_back(service.name);
  }
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kRealsShown); ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() > kRealsShown ? text + ", ..." : text;
}

// The first match that fits wins, so their order says something.
void compare_match_order(const DesiredState& before, const DesiredState& after, std::vector<Change>& changes) {
  std::unordered_set<std::string> old_names, names;
  for (const Service& service : before.services) {
    if (service.match) old_names.insert(service.name);
  }
  for (const Service& service : after.services) {
    if (service.match) names.insert(service.name);
  }
  const auto old_order = match_order(before, names);
  const auto order = match_order(after, old_names);
  if (old_order == order) return;
  const std::string detail = "order of matches: " + joined(old_order) + " -> " + joined(order);
  changes.push_back({Change::Kind::kChanged, "services", {detail}});
}

Details fields_of(const LocalAddressPool& before, const LocalAddressPool& after) {
  Details details;
  details.list("addresses", before.addresses, after.addresses);
  details.field("port", before.port, after.port);
  return details;
}

Details fields_of(const AccessList& before, const AccessList& after) {
  Details details;
  details.long_list("prefixes", before.prefixes, after.prefixes);
  return details;
}

Details fields_of(const SnatRule& before, const SnatRule& after) {
  Details details;
  details.list("sources", before.sources, after.sources);
  details.list("destinations", before.destinations, after.destinations);
  details.list("protocols", before.protocols, after.protocols);
  details.field("ingress_port", before.ingress_port, after.ingress_port);
  details.field("egress_port", before.egress_port, after.egress_port);
  details.list("addresses", before.addresses, after.addresses);
  details.field("ports", before.ports, after.ports);
  details.field("kernel_port", before.kernel_port, after.kernel_port);
  details.timeouts("timeouts.", before.timeouts, after.timeouts);
  return details;
}

// Of things that are known by their names: what came, changed and went.
template <typename Item>
void compare_named(const std::string& kind, const std::vector<Item>& before, const std::vector<Item>& after,
                   std::vector<Change>& changes) {
  static const Item kNone{};
  std::unordered_map<std::string_view, const Item*> old_items;
  for (const Item& item : before) old_items.emplace(item.name, &item);
  for (const Item& item : after) {
    const auto found = old_items.find(item.name);
    const bool is_new = found == old_items.end();
    Details details = fields_of(is_new ? kNone : *found->second, item);
    const std::string subject = kind + " " + item.name;
    if (is_new) {
      changes.push_back({Change::Kind::kAdded, subject, std::move(details.lines)});
      continue;
    }
    add_if_any(changes, subject, std::move(details));
    old_items.erase(found);
  }
  for (const Item& item : before) {
    if (old_items.contains(item.name)) changes.push_back({Change::Kind::kRemoved, kind + " " + item.name, {}});
  }
}

// The names that others have, too, in order.
std::vector<std::string> shared_names(const std::vector<SnatRule>& rules, const std::vector<SnatRule>& others) {
  std::unordered_set<std::string_view> known;
  for (const SnatRule& rule : others) known.insert(rule.name);
  std::vector<std::string> names;
  for (const SnatRule& rule : rules) {
    if (known.contains(rule.name)) names.push_back(rule.name);
  }
  return names;
}

// The first rule that fits is taken, so their order says something.
void compare_snat_order(const DesiredState& before, const DesiredState& after, std::vector<Change>& changes) {
  const auto old_order = shared_names(before.snat, after.snat);
  const auto order = shared_names(after.snat, before.snat);
  if (old_order == order) return;
  changes.push_back({Change::Kind::kChanged, "snat", {"order: " + joined(old_order) + " -> " + joined(order)}});
}

}  // namespace

std::vector<Change> differences(const DesiredState& before, const DesiredState& after) {
  std::vector<Change> changes;
  Details timeouts;
  timeouts.timeouts("", before.timeouts, after.timeouts);
  add_if_any(changes, "timeouts", std::move(timeouts));
  add_if_any(changes, "sysctls", fields_of(before.sysctls, after.sysctls));
  compare_named("local_addresses", before.local_addresses, after.local_addresses, changes);
  compare_named("access_lists", before.access_lists, after.access_lists, changes);
  compare_named("snat", before.snat, after.snat, changes);
  compare_snat_order(before, after, changes);
  compare_services(before, after, changes);
  compare_match_order(before, after, changes);
  return changes;
}

}  // namespace shunt::control
