#include "control/debug/words.h"

#include <cstdio>

#include "control/identity.h"
#include "dataplane/forwarding/tunnel.h"

namespace shunt::control {
namespace {

std::string quotient(uint64_t amount, const std::string& how, uint32_t weight) {
  if (weight == 0) return how + " = " + std::to_string(amount);
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", static_cast<double>(amount) / weight);
  return how + "/" + std::to_string(weight) + " = " + text;
}

std::string overhead_text(const Load& load) {
  return "(256*" + std::to_string(load.active) + "+" + std::to_string(load.inactive) + ")";
}

const char* hashed(const SchedulerFlags& flags) {
  return flags.port ? "the client's address and port" : "the client's address";
}

std::string with_fallback(const SchedulerFlags& flags) {
  return flags.fallback ? ", or, where that is drained or overloaded, the next that may take it" : "";
}

const char* name_of_tunnel(TunnelKind kind) {
  switch (kind) {
    case TunnelKind::kIpip: return "ipip";
    case TunnelKind::kGre: return "gre";
    case TunnelKind::kGreChecksum: return "gre with checksum";
    case TunnelKind::kGue: return "gue";
    case TunnelKind::kGueChecksum: return "gue with checksum";
  }
  return "";
}

std::string end_of(const IpAddress& address, Be16 port) { return address_and_port(address, port.host()); }

}  // namespace

std::string load_text(SchedulerKind scheduler, const Load& load, uint32_t weight) {
  const uint64_t overhead = load.active * 256 + load.inactive;
  switch (scheduler) {
    case SchedulerKind::kLc: return quotient(overhead, overhead_text(load), 0);
    case SchedulerKind::kWlc:
    case SchedulerKind::kTwos:
    case SchedulerKind::kLblc:
    case SchedulerKind::kLblcr:
    case SchedulerKind::kConhash: return quotient(overhead, overhead_text(load), weight);
    case SchedulerKind::kSed:
    case SchedulerKind::kNq: return quotient(load.active + 1, "(" + std::to_string(load.active) + "+1)", weight);
    case SchedulerKind::kOvf:
      return std::to_string(load.active) + " active connections at weight " + std::to_string(weight);
    case SchedulerKind::kRr:
    case SchedulerKind::kWrr:
    case SchedulerKind::kMh:
    case SchedulerKind::kSh:
    case SchedulerKind::kDh:
    case SchedulerKind::kFo: return "";
  }
  return "";
}

std::string rule_of(const Service& service) {
  const SchedulerFlags& flags = service.scheduler_flags;
  switch (service.scheduler) {
    case SchedulerKind::kRr: return "rr: it is next in turn";
    case SchedulerKind::kWrr: return "wrr: it is next in turn, by weight";
    case SchedulerKind::kLc: return "lc: it has the fewest connections, an active one counting as 256 inactive ones";
    case SchedulerKind::kWlc:
      return "wlc: it has the fewest connections for its weight, an active one counting as 256 inactive ones";
    case SchedulerKind::kSed: return "sed: it would have the fewest active connections for its weight";
    case SchedulerKind::kNq: return "nq: it is the first without an active connection, or as by sed";
    case SchedulerKind::kOvf: return "ovf: it is the heaviest with no more active connections than its weight";
    case SchedulerKind::kFo: return "fo: it is the heaviest";
    case SchedulerKind::kSh:
      return std::string("sh: the hash of ") + hashed(flags) + " names it" + with_fallback(flags);
    case SchedulerKind::kMh:
      return std::string("mh: ") + hashed(flags) + " names it in the Maglev table" + with_fallback(flags);
    case SchedulerKind::kDh: return "dh: the hash of the service's address names it";
    case SchedulerKind::kTwos: return "twos: of two that the worker draws by weight it is the less loaded";
    case SchedulerKind::kLblc: return "lblc: the destination's real, or, where it has none with room, as by wlc";
    case SchedulerKind::kLblcr:
      return "lblcr: the least loaded of the destination's reals, or, where they are full, of all";
    case SchedulerKind::kConhash: {
      const std::string bound = flags.load_bound == 0 ? "" : ", the first with less than " +
                                std::to_string(flags.load_bound) + "% of its share of the connections";
      return std::string("conhash: the hash of ") + hashed(flags) + " names it" + bound;
    }
  }
  return "";
}

std::string why_not_now(SchedulerKind scheduler) {
  switch (scheduler) {
    case SchedulerKind::kRr:
    case SchedulerKind::kWrr: return "may be chosen; it is not its turn";
    case SchedulerKind::kLc:
    case SchedulerKind::kWlc:
    case SchedulerKind::kSed:
    case SchedulerKind::kNq: return "may be chosen; another one is less loaded, or as loaded and before it";
    case SchedulerKind::kOvf:
      return "may be chosen; a heavier one has room, or this one has more connections than its weight";
    case SchedulerKind::kFo: return "may be chosen; another one is heavier, or as heavy and before it";
    case SchedulerKind::kSh:
    case SchedulerKind::kMh:
    case SchedulerKind::kDh: return "may be chosen; the hash names another one";
    case SchedulerKind::kTwos: return "may be chosen; it is not drawn, or the other one drawn is less loaded";
    case SchedulerKind::kLblc:
    case SchedulerKind::kLblcr: return "may be chosen; the destination has another one";
    case SchedulerKind::kConhash: return "may be chosen; the hash names another one, or this one has its share";
  }
  return "";
}

std::optional<PortRange> range_for(const Service& service, const ExplainQuery& query) {
  std::optional<PortRange> narrowest;
  if (service.protocol != query.protocol) return narrowest;
  for (const Vip& vip : vips_of(service)) {
    if (vip.address != query.address || !vip.ports.contains({query.port, query.port})) continue;
    if (!narrowest || narrowest->contains(vip.ports)) narrowest = vip.ports;
  }
  return narrowest;
}

std::string found_by(const Service& service, const ExplainQuery& query) {
  const std::string vip = query.address.to_string();
  if (service.match) {
    const auto list = [](const std::vector<Prefix>& prefixes) {
      std::string text;
      for (const Prefix& prefix : prefixes) text += (text.empty() ? "" : ", ") + prefix.to_string();
      return text.empty() ? std::string("any") : text;
    };
    const PortRange& ports = service.match->ports;
    const std::string port_text = ports == kAllPorts ? "any"
                                  : ports.is_one()   ? std::to_string(ports.first)
                                                     : std::to_string(ports.first) + "-" + std::to_string(ports.last);
    return "the first match that fits: clients " + list(service.match->clients) + ", VIPs " +
           list(service.match->vips) + ", ports " + port_text +
           (service.match->ingress_port.empty() ? "" : ", come in on " + service.match->ingress_port);
  }
  const auto range = range_for(service, query);
  if (!range) return "its VIPs";
  if (*range == kAllPorts) return "all ports of VIP " + vip;
  if (range->is_one()) return "port " + std::to_string(range->first) + " of VIP " + vip;
  return "ports " + std::to_string(range->first) + "-" + std::to_string(range->last) + " of VIP " + vip;
}

void tell_rewrite(const ExplainQuery& query, const dataplane::RealEntry& real, const dataplane::IpFlow& reply,
                  ExplainedWorker& out) {
  const std::string client = address_and_port(query.client, query.client_port);
  const std::string vip = address_and_port(query.address, query.port);
  const std::string mtu = "packets of up to " + std::to_string(real.way_out.mtu) + " bytes fit";
  switch (real.method) {
    case Method::kDirect:
      out.rewrite = {"MAC addresses alone: the real itself has " + query.address.to_string(), mtu};
      out.reply_rewrite = {"do not pass here: the real answers the client from " + vip};
      return;
    case Method::kTunnel: {
      const uint32_t added = dataplane::tunnel_overhead(real.address.family, real.tunnel);
      const bool has_port = real.tunnel_port.raw != 0;
      out.rewrite = {std::string("wrapped (") + name_of_tunnel(real.tunnel) + "): outer " +
                         real.local_address.to_string() + " -> " +
                         (has_port ? end_of(real.address, real.tunnel_port) : real.address.to_string()) + ", " +
                         std::to_string(added) + " bytes more",
                     mtu};
      out.reply_rewrite = {"do not pass here: the real answers the client from " + vip};
      return;
    }
    case Method::kNat:
      out.rewrite = {"destination " + vip + " -> " + end_of(reply.source, reply.source_port), mtu};
      out.reply_rewrite = {"source " + end_of(reply.source, reply.source_port) + " -> " + vip};
      return;
    case Method::kFullnat: {
      const std::string local = end_of(reply.destination, reply.destination_port);
      out.rewrite = {"source " + client + " -> " + local,
                     "destination " + vip + " -> " + end_of(reply.source, reply.source_port), mtu};
      out.reply_rewrite = {"source " + end_of(reply.source, reply.source_port) + " -> " + vip,
                           "destination " + local + " -> " + client};
      return;
    }
    case Method::kSnat: {
      const std::string local = end_of(reply.destination, reply.destination_port);
      out.rewrite = {"source " + client + " -> " + local, mtu};
      out.reply_rewrite = {"destination " + local + " -> " + client};
      return;
    }
  }
}

}  // namespace shunt::control
