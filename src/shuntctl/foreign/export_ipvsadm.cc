#include "src/shuntctl/foreign/export_ipvsadm.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "config/defaults.h"
#include "config/duration.h"
#include "src/base/address.h"
#include "src/shuntctl/output/text.h"

namespace shunt::shuntctl {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr uint32_t kMostThreshold = 65535;
constexpr uint32_t kGuePort = 6080;
constexpr int64_t kDefaultPersistence_s = 300;

const char* option_of(v1::Protocol protocol) {
  return protocol == v1::PROTOCOL_UDP ? "-u " : protocol == v1::PROTOCOL_SCTP ? "--sctp-service " : "-t ";
}

// Whole seconds, none of them lost to rounding.
int64_t seconds_of(const google::protobuf::Duration& duration) { return (config::to_ms(duration).value_or(0) + 999) / 1000; }

// IPVS has no conhash: mh is next to it, and passes over a drained real, too, by its fallback.
v1::Scheduler scheduler_of(const v1::Service& service) {
  if (service.scheduler() == v1::SCHEDULER_UNSPECIFIED) return v1::SCHEDULER_WLC;
  return service.scheduler() == v1::SCHEDULER_CONHASH ? v1::SCHEDULER_MH : service.scheduler();
}

bool is_v4(const v1::Service& service) {
  const std::string& first = service.has_match() ? (service.match().vips_size() > 0 ? service.match().vips(0)
                                                                                    : service.match().clients(0))
                                                 : service.address();
  return first.find(':') == std::string::npos;
}

std::string netmask_of(uint32_t length) {
  return IpAddress::from_v4(Be32::from_host(~uint32_t{0} << (32 - length))).to_string();
}

std::vector<v1::Vip> vips_of(const v1::Service& service) {
  if (service.has_match()) return {};
  v1::Vip first;
  first.set_address(service.address());
  first.set_port(service.port());
  first.set_last_port(service.last_port());
  first.set_all_ports(service.all_ports());
  std::vector<v1::Vip> vips = {first};
  vips.insert(vips.end(), service.more_vips().begin(), service.more_vips().end());
  return vips;
}

// What one of the service's places is for ipvsadm: "-t 192.0.2.10:80", and the port that its reals have without one.
struct Place {
  std::string argument;
  uint32_t port = 0;
};

class Export {
 public:
  explicit Export(const v1::DesiredState& state) : state_(state) {
    timeouts();
    for (const v1::Service& service : state.services()) add_service(service);
    if (std::any_of(state.services().begin(), state.services().end(), [](const v1::Service& service) {
          return service.reals_size() > 0 && config::checked_by_default(service) && !service.health_check().disabled();
        })) {
      note("", "IPVS checks no real", "keepalived does, and takes a real out that does not answer");
    }
    sysctls();
  }

  Exported result() { return std::move(exported_); }

 private:
  void timeouts() {
    const v1::Timeouts& timeouts = state_.timeouts();
    const bool has_any = timeouts.has_tcp_established() || timeouts.has_tcp_fin_wait() || timeouts.has_udp();
    if (has_any) {
      exported_.text += "--set " + std::to_string(seconds_of(timeouts.tcp_established())) + " " +
                        std::to_string(seconds_of(timeouts.tcp_fin_wait())) + " " +
                        std::to_string(seconds_of(timeouts.udp())) + "\n";
    }
    rest("", timeouts, {"tcp_established", "tcp_fin_wait", "udp"}, "timeouts.");
  }

  void sysctls() {
    const v1::Sysctls& sysctls = state_.sysctls();
    std::vector<const FieldDescriptor*> fields;
    sysctls.GetReflection()->ListFields(sysctls, &fields);
    for (const FieldDescriptor* field : fields) {
      const bool is_flag = field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL;
      if (!is_flag && field->cpp_type() != FieldDescriptor::CPPTYPE_UINT32) continue;
      const uint32_t value = is_flag ? sysctls.GetReflection()->GetBool(sysctls, field)
                                     : sysctls.GetReflection()->GetUInt32(sysctls, field);
      note("", "sysctl " + std::string(field->name()) + " is not ipvsadm's to set",
           "sysctl -w net.ipv4.vs." + std::string(field->name()) + "=" + std::to_string(value));
    }
  }

  void add_service(const v1::Service& service) {
    subject_ = "service " + service.name();
    const std::vector<Place> places = places_of(service);
    for (const Place& place : places) {
      exported_.text += "-A " + place.argument + definition(service) + "\n";
      for (const v1::Real& real : service.reals()) {
        exported_.text += "-a " + place.argument + " -r " + real_text(real, service, place) + "\n";
      }
    }
    if (places.size() > 1) {
      note(subject_, "IPVS has a service for each VIP", "they count connections, and remember clients, each by itself", false);
    }
    if (config::method_of(service) == v1::METHOD_FULLNAT) {
      note(subject_, "IPVS has no fullnat; -m is written in its place",
           "lead the reals' default route to the director, and leave local_addresses away");
    }
    if (service.sorry_reals_size() > 0) note(subject_, "IPVS has no sorry_reals", "keepalived has them (sorry_server)");
    if (service.max_segment_size() != 0) {
      note(subject_, "IPVS does not lower the MSS",
           "nft add rule inet filter forward tcp flags syn tcp option maxseg size set " + std::to_string(service.max_segment_size()));
    }
    if (service.scheduler() == v1::SCHEDULER_CONHASH) {
      note(subject_, "IPVS has no scheduler conhash, and none with a load_bound",
           "mh is written in its place; upper_threshold of reals bounds their connections");
    }
    if (service.sloppy_tcp() || service.sloppy_sctp()) {
      const std::string name = service.sloppy_tcp() ? "sloppy_tcp" : "sloppy_sctp";
      note(subject_, name + " is for all services of IPVS, or none", "sysctl -w net.ipv4.vs." + name + "=1");
    }
    rest(subject_, service,
         {"name", "protocol", "address", "port", "scheduler", "method", "reals", "health_check", "local_addresses", "vip_port",
          "sloppy_tcp", "scheduler_flags", "one_packet", "last_port", "all_ports", "more_vips", "match", "persistence",
          "sorry_reals", "tunnel", "max_segment_size", "sloppy_sctp"}, "");
  }

  std::vector<Place> places_of(const v1::Service& service) {
    const std::vector<v1::Vip> vips = vips_of(service);
    // ipvsadm takes all ports of an address only with persistence, and no range.
    const bool is_plain = std::all_of(vips.begin(), vips.end(), [&service](const v1::Vip& vip) {
      return vip.all_ports() ? service.has_persistence() : vip.last_port() == 0 || vip.last_port() == vip.port();
    });
    std::vector<Place> places;
    if (!is_plain || vips.empty()) {
      places.push_back({"-f " + std::to_string(++mark_) + (is_v4(service) ? "" : " -6"), 0});
      mark(service, vips);
      return places;
    }
    for (const v1::Vip& vip : vips) {
      places.push_back({option_of(service.protocol()) + endpoint(vip.address(), vip.port()), vip.port()});
    }
    return places;
  }

  // Ports of the VIP that another service has by itself, or within a narrower range: they come first here, and marks come
  // first there. "!= { 80, 8000-8099 } "
  std::string ports_of_others(v1::Protocol protocol, const v1::Vip& vip) const {
    const auto width = [](const v1::Vip& of) { return of.all_ports() ? 65536 : std::max(of.last_port(), of.port()) - of.port(); };
    std::string ports;
    for (const v1::Service& service : state_.services()) {
      if (service.protocol() != protocol || service.has_match()) continue;
      for (const v1::Vip& other : vips_of(service)) {
        const bool is_within = vip.all_ports() || (other.port() >= vip.port() && other.port() <= vip.last_port());
        if (other.address() != vip.address() || other.all_ports() || width(other) >= width(vip) || !is_within) continue;
        ports += (ports.empty() ? "" : ", ") + std::to_string(other.port());
        if (other.last_port() > other.port()) ports += "-" + std::to_string(other.last_port());
      }
    }
    return ports.empty() ? "" : " " + word(protocol) + " dport != { " + ports + " }";
  }

  // The firewall's rules that set the mark.
  void mark(const v1::Service& service, const std::vector<v1::Vip>& vips) {
    const std::string family = is_v4(service) ? "ip" : "ip6";
    const std::string set = " meta mark set " + std::to_string(mark_) + " accept";
    const std::string begin = "nft add rule inet mangle prerouting ";
    std::string rules;
    const auto add = [&](const std::string& rule) { rules += (rules.empty() ? "" : " && ") + begin + rule + set; };
    const auto ports = [&](uint32_t first, uint32_t last) {
      const std::string protocol = word(service.protocol());
      if (first == 0) return "meta l4proto " + protocol;
      return protocol + " dport " + std::to_string(first) + (last > first ? "-" + std::to_string(last) : "");
    };
    for (const v1::Vip& vip : vips) {
      add(family + " daddr " + vip.address() + " " + ports(vip.port(), vip.last_port()) +
          ports_of_others(service.protocol(), vip));
    }
    if (service.has_match()) {
      const v1::Match& match = service.match();
      const std::string in = match.ingress_port().empty() ? "" : "iifname " + match.ingress_port() + " ";
      add(in + set_of(family + " saddr ", match.clients()) + set_of(family + " daddr ", match.vips()) +
          ports(match.first_port(), match.last_port()));
    }
    note(subject_, "ipvsadm has no match, no ranges of ports, and all ports only with -p; firewall mark " +
         std::to_string(mark_) + " is written in their place", rules, false);
  }

  template <typename List>
  static std::string set_of(const std::string& what, const List& prefixes) {
    if (prefixes.empty()) return "";
    std::string text = what + "{ ";
    for (int i = 0; i < prefixes.size(); ++i) text += (i == 0 ? "" : ", ") + prefixes.Get(i);
    return text + " } ";
  }

  static std::string definition(const v1::Service& service) {
    const v1::Scheduler scheduler = scheduler_of(service);
    std::string text = " -s " + word(scheduler);
    if (service.has_persistence()) {
      const v1::Persistence& persistence = service.persistence();
      const int64_t seconds = persistence.has_timeout() ? seconds_of(persistence.timeout()) : kDefaultPersistence_s;
      text += " -p " + std::to_string(seconds);
      if (persistence.ipv4_prefix() != 0) text += " -M " + netmask_of(persistence.ipv4_prefix());
      if (persistence.ipv6_prefix() != 0) text += " -M " + std::to_string(persistence.ipv6_prefix());
      if (persistence.engine() == v1::PERSISTENCE_ENGINE_SIP) text += " --pe sip";
    }
    if (service.one_packet()) text += " -o";
    if (scheduler != v1::SCHEDULER_SH && scheduler != v1::SCHEDULER_MH) return text;
    const v1::SchedulerFlags& flags = service.scheduler_flags();
    std::string words;
    if (!flags.has_fallback() || flags.fallback()) words += word(scheduler) + "-fallback";
    if (flags.port()) words += (words.empty() ? "" : ",") + word(scheduler) + "-port";
    return words.empty() ? text : text + " -b " + words;
  }

  std::string real_text(const v1::Real& real, const v1::Service& service, const Place& place) {
    const v1::Method method = config::method_of(service);
    const uint32_t own = config::port_of(real, service);
    const bool rewrites = method == v1::METHOD_NAT || method == v1::METHOD_FULLNAT;
    std::string text = endpoint(real.address(), rewrites && own != 0 ? own : place.port);
    text += method == v1::METHOD_DIRECT ? " -g" : method == v1::METHOD_TUNNEL ? " -i" : " -m";
    text += " -w " + std::to_string(real.has_weight() ? real.weight() : 1);
    text += threshold(" -x ", real.upper_threshold()) + threshold(" -y ", real.lower_threshold());
    rest(subject_ + ", real " + endpoint(real.address(), own), real,
         {"name", "address", "port", "weight", "weight_before_drain", "upper_threshold", "lower_threshold", "tunnel"}, "");
    return method == v1::METHOD_TUNNEL ? text + tunnel_text(real.has_tunnel() ? real.tunnel() : service.tunnel()) : text;
  }

  std::string threshold(const char* option, uint32_t value) {
    if (value == 0) return "";
    if (value > kMostThreshold) {
      note(subject_, "threshold " + std::to_string(value) + " exceeds what ipvsadm takes", "65535 is written in its place");
    }
    return option + std::to_string(std::min(value, kMostThreshold));
  }

  static std::string tunnel_text(const v1::Tunnel& tunnel) {
    if (tunnel.kind() != v1::TUNNEL_KIND_GRE && tunnel.kind() != v1::TUNNEL_KIND_GUE) return " --tun-type ipip";
    const bool is_gue = tunnel.kind() == v1::TUNNEL_KIND_GUE;
    std::string text = is_gue ? " --tun-type gue --tun-port " + std::to_string(tunnel.port() == 0 ? kGuePort : tunnel.port())
                              : " --tun-type gre";
    if (tunnel.checksum() == v1::TUNNEL_CHECKSUM_REMOTE) return text + " --tun-remcsum";
    return text + (tunnel.checksum() == v1::TUNNEL_CHECKSUM_FULL ? " --tun-csum" : " --tun-nocsum");
  }

  // What else is set of the message: whatever the schema will have is named here by itself.
  void rest(const std::string& subject, const Message& message, const std::set<std::string_view>& known,
            const std::string& before) {
    std::vector<const FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      if (known.contains(field->name())) continue;
      note(subject, "IPVS has no " + before + std::string(field->name()), "nothing is written for it");
    }
  }

  // The same is said once, however many VIPs a service has.
  void note(const std::string& subject, std::string cause, std::string remedy, bool is_left_out = true) {
    Note note{{}, subject, std::move(cause), std::move(remedy), is_left_out};
    if (said_.insert(to_string(note)).second) exported_.notes.push_back(std::move(note));
  }

  const v1::DesiredState& state_;
  std::string subject_;
  uint32_t mark_ = 0;
  Exported exported_;
  std::set<std::string> said_;
};

}  // namespace

Exported export_ipvsadm(const v1::DesiredState& state) { return Export(state).result(); }

}  // namespace shunt::shuntctl
