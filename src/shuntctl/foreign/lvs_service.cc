#include "src/shuntctl/foreign/lvs_service.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <bit>
#include <map>

#include "config/words.h"
#include "src/shuntctl/foreign/names.h"
#include "src/shuntctl/output/text.h"

namespace shunt::shuntctl {
namespace {

using google::protobuf::util::MessageDifferencer;

constexpr uint32_t kMostWeight = 65535;
constexpr uint32_t kMostPersistence_s = 24 * 86400;

// How many bits a client's address has of the mask; nullopt: it is none.
std::optional<uint32_t> prefix_of(const std::string& netmask, bool is_v4) {
  if (!is_v4) {
    const auto length = number(netmask, 128);
    return length && *length > 0 ? length : std::nullopt;
  }
  const auto mask = IpAddress::parse(netmask);
  if (!mask || !mask->is_v4()) return std::nullopt;
  const uint32_t bits = mask->v4().host();
  const int length = std::countl_one(bits);
  const bool is_prefix = length > 0 && std::popcount(bits) == length;
  return is_prefix ? std::optional(static_cast<uint32_t>(length)) : std::nullopt;
}

class CarryingOver {
 public:
  CarryingOver(const LvsService& from, const Draft& draft) : from_(from) {
    draft_.from = from.from;
    draft_.subject = subject_of(from);
    draft_.notes = from.notes;
    place(draft);
    scheduler();
    persistence();
    forwarding();
    reals();
  }

  DraftService result() { return std::move(draft_); }

 private:
  void place(const Draft& draft) {
    v1::Service& service = draft_.service;
    service.set_protocol(from_.protocol);
    service.set_one_packet(from_.one_packet);
    if (from_.mark != 0) {
      service.set_name(unused_name(draft, "mark-" + std::to_string(from_.mark)));
      service.mutable_match()->add_vips(from_.address.is_v4() ? "0.0.0.0/0" : "::/0");
      draft_.is_left_out = true;
      note("which packets have the mark is known to the firewall alone",
           "write as `match` what its rules mark, once for each protocol, and take the comment signs away");
      return;
    }
    service.set_name(unused_name(draft, word(from_.protocol) + "-" + from_.address.to_string() + "-" +
                                            (from_.port == 0 ? "all" : std::to_string(from_.port))));
    service.set_address(from_.address.to_string());
    if (from_.port != 0) {
      service.set_port(from_.port);
      return;
    }
    service.set_all_ports(true);
    // Nobody could say which port to ask.
    if (from_.protocol == v1::PROTOCOL_TCP) service.mutable_health_check()->set_disabled(true);
  }

  void scheduler() {
    v1::Service& service = draft_.service;
    v1::Scheduler kind = v1::SCHEDULER_WLC;
    std::string name = "SCHEDULER_" + from_.scheduler;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
    if (!v1::Scheduler_Parse(name, &kind) || kind == v1::SCHEDULER_UNSPECIFIED) {
      kind = v1::SCHEDULER_WLC;
      note("there is no scheduler " + config::in_quotes(from_.scheduler), "wlc is written in its place; choose another if need be");
    }
    service.set_scheduler(kind);
    const bool has_flags = kind == v1::SCHEDULER_SH || kind == v1::SCHEDULER_MH;
    bool has_fallback = false;
    for (const std::string& flag : from_.flags) {
      if (has_flags && (flag == "sh-port" || flag == "mh-port" || flag == "flag-2")) {
        service.mutable_scheduler_flags()->set_port(true);
      } else if (has_flags && (flag == "sh-fallback" || flag == "mh-fallback" || flag == "flag-1")) {
        has_fallback = true;
      } else {
        note("scheduler " + from_.scheduler + " has no flag " + config::in_quotes(flag), "nothing is lost: IPVS ignores it, too");
      }
    }
    // Shunt's default is to fall back.
    if (has_flags && !has_fallback) service.mutable_scheduler_flags()->set_fallback(false);
  }

  void persistence() {
    const bool is_sip = from_.persistence_engine == "sip" && from_.protocol == v1::PROTOCOL_UDP && from_.persistence_s;
    if (is_sip) {
      draft_.service.mutable_persistence()->set_engine(v1::PERSISTENCE_ENGINE_SIP);
    } else if (!from_.persistence_engine.empty()) {
      note("persistence engine " + config::in_quotes(from_.persistence_engine) + " is not carried over",
           "the client's address decides in its place; `persistence` says how long");
    }
    if (!from_.persistence_s) return;
    v1::Persistence& persistence = *draft_.service.mutable_persistence();
    const uint32_t seconds = std::min(*from_.persistence_s, kMostPersistence_s);
    if (seconds != *from_.persistence_s) {
      note("persistence of " + std::to_string(*from_.persistence_s) + " s is more than 24 days", "24d is written in its place");
    }
    persistence.mutable_timeout()->set_seconds(seconds);
    if (from_.netmask.empty()) return;
    const bool is_v4 = from_.address.is_v4();
    const auto length = prefix_of(from_.netmask, is_v4);
    if (!length) {
      note("netmask " + config::in_quotes(from_.netmask) + " is no prefix of an address",
           std::string("each client counts by itself; set ") + (is_v4 ? "ipv4_prefix" : "ipv6_prefix"));
    } else if (is_v4 && *length != 32) {
      persistence.set_ipv4_prefix(*length);
    } else if (!is_v4 && *length != 128) {
      persistence.set_ipv6_prefix(*length);
    }
  }

  // A service of Shunt's has one method, and IPVS's reals have each their own: that of most of them.
  void forwarding() {
    std::map<v1::Method, int> reals;
    int most = 0;
    for (const LvsReal& real : from_.reals) most = std::max(most, ++reals[real.method]);
    v1::Method method = v1::METHOD_NAT;
    for (const LvsReal& real : from_.reals) {
      if (reals[real.method] != most) continue;
      method = real.method;
      break;
    }
    draft_.service.set_method(method);
    if (method != v1::METHOD_TUNNEL || from_.reals.empty()) return;
    const auto first = std::find_if(from_.reals.begin(), from_.reals.end(),
                                    [](const LvsReal& real) { return real.method == v1::METHOD_TUNNEL; });
    is_one_tunnel_ = std::all_of(from_.reals.begin(), from_.reals.end(), [&first](const LvsReal& real) {
      return real.method != v1::METHOD_TUNNEL || MessageDifferencer::Equals(real.tunnel, first->tunnel);
    });
    if (is_one_tunnel_ && first->tunnel.ByteSizeLong() > 0) *draft_.service.mutable_tunnel() = first->tunnel;
  }

  void reals() {
    uint32_t heaviest = 0;
    for (const LvsReal& real : from_.reals) heaviest = std::max(heaviest, real.weight);
    const uint32_t divisor = heaviest / (kMostWeight + 1) + 1;
    if (divisor > 1) {
      note("weight " + std::to_string(heaviest) + " exceeds 65535",
           "all weights of the service are divided by " + std::to_string(divisor), false);
    }
    for (const LvsReal& real : from_.reals) draft_.reals.push_back(carry_over_real(real, divisor));
    for (const LvsReal& real : from_.sorry_reals) draft_.sorry_reals.push_back(carry_over_real(real, 1));
  }

  DraftReal carry_over_real(const LvsReal& from, uint32_t divisor) const {
    DraftReal draft{{}, from.from, from.notes};
    v1::Real& real = draft.real;
    const v1::Method method = draft_.service.method();
    real.set_address(from.address.to_string());
    // Direct and tunnel keep the packets' port, whatever is written, here and there.
    const bool rewrites = method == v1::METHOD_NAT || method == v1::METHOD_FULLNAT;
    if (rewrites && from.port != 0 && from.port != draft_.service.port()) real.set_port(from.port);
    const uint32_t weight = from.weight == 0 ? 0 : std::max(from.weight / divisor, 1U);
    if (weight != 1) real.set_weight(weight);
    real.set_upper_threshold(from.upper_threshold);
    real.set_lower_threshold(from.lower_threshold);
    if (method == v1::METHOD_TUNNEL && !is_one_tunnel_) {
      *real.mutable_tunnel() = from.tunnel;
      if (from.tunnel.kind() == v1::TUNNEL_KIND_UNSPECIFIED) real.mutable_tunnel()->set_kind(v1::TUNNEL_KIND_IPIP);
    }
    if (from.method == method) return draft;
    draft.is_left_out = true;
    draft.notes.push_back({from.from, subject_of(from, from_),
                           "its forwarding method is " + word(from.method) + ", and the service's is " + word(method),
                           "set it up for " + word(method) + ", or give it a service of its own"});
    return draft;
  }

  void note(std::string cause, std::string remedy, bool is_left_out = true) {
    draft_.notes.push_back({from_.from, draft_.subject, std::move(cause), std::move(remedy), is_left_out});
  }

  const LvsService& from_;
  DraftService draft_;
  bool is_one_tunnel_ = true;
};

}  // namespace

std::string subject_of(const LvsService& service) {
  if (service.mark != 0) return "service firewall mark " + std::to_string(service.mark);
  return "service " + word(service.protocol) + " " + endpoint(service.address.to_string(), service.port);
}

std::string subject_of(const LvsReal& real, const LvsService& service) {
  return "real " + endpoint(real.address.to_string(), real.port) + " of " + subject_of(service);
}

DraftService carry_over(const LvsService& from, const Draft& draft) { return CarryingOver(from, draft).result(); }

}  // namespace shunt::shuntctl
