#include "src/shuntctl/foreign/keepalived_server.h"

#include <strings.h>

#include <algorithm>
#include <string_view>

#include "config/words.h"
#include "src/shuntctl/foreign/keepalived_check.h"
#include "src/shuntctl/foreign/lvs_service.h"

namespace shunt::shuntctl {
namespace {

constexpr uint32_t kMostWeight = 2147483647;
constexpr uint32_t kMostTimeout_s = 31 * 86400;
// keepalived's persistence_timeout without a number.
constexpr uint32_t kDefaultPersistence_s = 360;

// What keepalived does beside forwarding, and by what it is had with Shunt. Null: nothing need be said.
struct Elsewhere {
  std::string_view keyword;
  const char* remedy;
};
constexpr Elsewhere kElsewhere[] = {
    {"quorum_up", "start it from what `shuntctl events --watch -o json` tells"},
    {"quorum_down", "start it from what `shuntctl events --watch -o json` tells"},
    {"notify_up", "start it from what `shuntctl events --watch -o json` tells"},
    {"notify_down", "start it from what `shuntctl events --watch -o json` tells"},
    {"smtp_alert", "let Prometheus send alerts: config/prometheus/alerts.yaml"},
    {"ha_suspend", "reals are checked always, on every load balancer"},
    {"alpha", "a real is up until its check has failed"},
    {"omega", "scripts are not Shunt's to start"},
    {"syn_proxy", "the sysctls secure_tcp, drop_entry and drop_packet are Shunt's defence against SYN floods"},
    {"proxy_protocol", "write client_address: proxy_v1 or proxy_v2 to the service, with method fullnat"},
    {"blklst_addr_gname", "drop these clients before Shunt, or give them a service by `match` without reals"},
    {"whtlst_addr_gname", "let others be dropped before Shunt, or serve these clients by `match`"},
    {"vip_bind_dev", "vip_port names the kernel port that carries the VIP"},
    {"quic", "Shunt keeps a client by its address and port"},
    {"hash_target", "Shunt goes by the client's address and port"},
    {"bps_limit", "limit it before Shunt"},
    {"cps_limit", "limit it before Shunt"},
    {"limit_proportion", "limit it before Shunt"},
    // Shunt's own ways; nothing is lost.
    {"inhibit_on_failure", nullptr},
    {"sorry_server_inhibit", nullptr},
    {"delay_before_retry", nullptr},
    {"warmup", nullptr},
    {"snmp_name", nullptr},
    {"ip_family", nullptr},
    {"hashed", nullptr},
};

class VirtualServer {
 public:
  VirtualServer(const Directive& server, const KeepalivedContext& context, KeepalivedReport& report)
      : server_(server), context_(context), report_(report) {
    places_ = places_of(server, context.groups, report);
    service_.from = server.from;
    service_.notes = places_.notes;
    if (!places_.vips.empty()) {
      service_.address = places_.vips[0].address;
      service_.port = places_.vips[0].port;
    } else if (!places_.marks.empty()) {
      service_.mark = places_.marks[0];
    }
    // What reals take over may stand behind them.
    for (const Directive& each : server.block) read_first(each);
    if (!has_protocol_ && service_.mark == 0) {
      service_.protocol = v1::PROTOCOL_UDP;
      service_.notes.push_back({server.from, subject_of(service_), "no protocol is set, which keepalived takes for UDP",
                                "write protocol: tcp if that is meant", false});
    }
    for (const Directive& each : server.block) read(each);
    if (!places_.vips.empty() && service_.port == 0 && !service_.persistence_s) {
      report_.faults.push_back({server.from, "the virtual server has no port, which keepalived takes with persistence_timeout alone",
                                "name a port, or add persistence_timeout"});
    }
  }

  void add_to(Draft& draft) {
    DraftService service = carry_over(service_, draft);
    if (!places_.name.empty()) service.service.set_name(unused_name(draft, places_.name));
    add_places(service);
    if (service_.port != 0 || service_.mark != 0) {
      set_check(checks_, service);
    } else if (!service_.reals.empty()) {
      service.service.mutable_health_check()->set_disabled(true);
    }
    if (!service.service.more_vips().empty()) keep_ports(service);
    for (const CheckOfReal& check : checks_) service.notes.insert(service.notes.end(), check.notes.begin(), check.notes.end());
    add_quorum(service);
    if (service.service.method() == v1::METHOD_FULLNAT) service.service.set_local_addresses(pool_);
    if (established_ms_ > 0) {
      *service.service.mutable_timeouts()->mutable_tcp_established() = duration(established_ms_);
    }
    draft.services.push_back(std::move(service));
  }

 private:
  static google::protobuf::Duration duration(int64_t ms) {
    google::protobuf::Duration result;
    result.set_seconds(ms / 1000);
    result.set_nanos(static_cast<int32_t>(ms % 1000 * 1000000));
    return result;
  }

  void add_places(DraftService& service) {
    const size_t others = places_.marks.size() - (service_.mark != 0 ? 1 : 0);
    if (others > 0) {
      note(server_.from, service, "firewall marks of the group are not carried over",
           "write what the firewall marks as a service with `match`");
    }
    for (size_t i = 1; i < places_.vips.size(); ++i) {
      const KeepalivedPlace& place = places_.vips[i];
      v1::Vip& vip = *service.service.add_more_vips();
      vip.set_address(place.address.to_string());
      vip.set_port(place.port);
      vip.set_all_ports(place.port == 0);
    }
  }

  // With VIPs of several ports a real without a port would get each packet at the VIP's; keepalived's has one.
  void keep_ports(DraftService& service) {
    const auto differs = [this](const v1::Vip& vip) { return vip.port() != service_.port; };
    if (std::none_of(service.service.more_vips().begin(), service.service.more_vips().end(), differs)) return;
    const v1::Method method = service.service.method();
    const bool rewrites = method == v1::METHOD_NAT || method == v1::METHOD_FULLNAT;
    for (size_t i = 0; rewrites && i < service.reals.size(); ++i) service.reals[i].real.set_port(service_.reals[i].port);
    for (size_t i = 0; rewrites && i < service.sorry_reals.size(); ++i) {
      service.sorry_reals[i].real.set_port(service_.sorry_reals[i].port);
    }
    v1::HealthCheck& check = *service.service.mutable_health_check();
    if (!rewrites && !check.disabled() && check.port() == 0 && !service_.reals.empty()) check.set_port(service_.reals[0].port);
  }

  // Without a sorry server keepalived leaves the reals where they are, and only starts its scripts.
  void add_quorum(DraftService& service) {
    if (quorum_ <= 1 && hysteresis_ == 0) return;
    if (service.sorry_reals.empty()) {
      return note(quorum_from_, service, "quorum is not carried over: there is no sorry_server, so it only started scripts",
                  "set quorum with on_loss: withdraw if they took the address away");
    }
    if (hysteresis_ >= quorum_) {
      return note(quorum_from_, service, "hysteresis is not below quorum, so that the service would never be down", "set quorum.weight and quorum.hysteresis");
    }
    service.service.mutable_quorum()->set_weight(quorum_);
    if (hysteresis_ != 0) service.service.mutable_quorum()->set_hysteresis(hysteresis_);
  }

  static void note(const Source& from, DraftService& service, std::string cause, std::string remedy) {
    service.notes.push_back({from, service.subject, std::move(cause), std::move(remedy)});
  }

  // What reals and checkers take over.
  void read_first(const Directive& each) {
    const std::string& keyword = each.keyword();
    if (settings_.take(each, report_)) return;
    if (keyword == "lvs_method" || keyword == "lb_kind") {
      method_ = keepalived_method(each, report_).value_or(KeepalivedMethod{});
      if (strcasecmp(each.word(1).c_str(), "SNAT") == 0) {
        service_.notes.push_back({each.from, subject_of(service_), "method SNAT is not carried over", "nat is written in its place"});
      }
    } else if (keyword == "protocol") {
      has_protocol_ = true;
      const std::string word = each.word(1);
      const auto is = [&word](const char* other) { return strcasecmp(word.c_str(), other) == 0; };
      if (is("UDP")) service_.protocol = v1::PROTOCOL_UDP;
      else if (is("SCTP")) service_.protocol = v1::PROTOCOL_SCTP;
      else if (!is("TCP")) report_.faults.push_back({each.from, "protocol: " + config::in_quotes(word) + " is no protocol", "use TCP, UDP or SCTP"});
    } else if (keyword == "ip_family" && service_.mark != 0 && each.word(1) == "inet6") {
      service_.address.family = AddressFamily::kIpv6;
    }
  }

  void read(const Directive& each) {
    const std::string& keyword = each.keyword();
    CheckSettings ignored;
    KeepalivedReport heard;
    if (keyword == "real_server") return read_real(each);
    if (keyword == "sorry_server") return read_sorry(each);
    if (keyword == "lvs_sched" || keyword == "lb_algo") {
      service_.scheduler = each.word(1);
    } else if (is_flag(keyword)) {
      service_.flags.push_back(keyword);
    } else if (keyword == "ops") {
      service_.one_packet = true;
    } else if (keyword == "persistence_timeout") {
      service_.persistence_s = each.words.size() < 2 ? kDefaultPersistence_s
                                                     : keepalived_number(each, 1, kMostTimeout_s, kDefaultPersistence_s, report_);
    } else if (keyword == "persistence_granularity") {
      service_.netmask = each.word(1);
      if (!service_.persistence_s) service_.persistence_s = kDefaultPersistence_s;
    } else if (keyword == "persistence_engine") {
      service_.persistence_engine = each.word(1);
    } else if (keyword == "sorry_server_lvs_method") {
      sorry_method_ = keepalived_method(each, report_);
      for (LvsReal& real : service_.sorry_reals) set_method(real, sorry_method_.value_or(method_));
    } else if (keyword == "laddr_group_name") {
      read_pool(each);
    } else if (keyword == "est_timeout" || keyword == "establish_timeout" || keyword == "conn_timeout") {
      established_ms_ = keepalived_time_ms(each, 0, report_);
    } else if (keyword == "quorum") {
      quorum_from_ = each.from;
      quorum_ = keepalived_number(each, 1, kMostWeight, 1, report_);
    } else if (keyword == "hysteresis") {
      if (quorum_ == 1) quorum_from_ = each.from;
      hysteresis_ = keepalived_number(each, 1, kMostWeight, 0, report_);
    } else if (keyword == "lvs_method" || keyword == "lb_kind" || keyword == "protocol" ||
               ignored.take(each, heard)) {
      return;
    } else {
      leave_out(each, service_.notes, subject_of(service_));
    }
  }

  static bool is_flag(const std::string& keyword) {
    static const char* const kFlags[] = {"flag-1", "flag-2", "flag-3", "sh-port", "sh-fallback", "mh-port", "mh-fallback"};
    return std::find(std::begin(kFlags), std::end(kFlags), keyword) != std::end(kFlags);
  }

  static void leave_out(const Directive& each, std::vector<Note>& notes, const std::string& subject) {
    for (const Elsewhere& known : kElsewhere) {
      if (known.keyword != each.keyword()) continue;
      if (known.remedy == nullptr) return;
      notes.push_back({each.from, subject, each.keyword() + " is not carried over", known.remedy});
      return;
    }
    notes.push_back({each.from, subject, "unknown keyword " + config::in_quotes(each.keyword()), "look it up in keepalived.conf(5)"});
  }

  void read_pool(const Directive& each) {
    pool_ = each.word(1);
    if (std::find(context_.pools.begin(), context_.pools.end(), pool_) != context_.pools.end()) return;
    report_.faults.push_back({each.from, "there is no local_address_group " + config::in_quotes(pool_), "add it, or name another"});
  }

  std::optional<LvsReal> real_of(const Directive& each) {
    const auto address = keepalived_address(each, 1, report_);
    if (!address) return std::nullopt;
    LvsReal real;
    real.from = each.from;
    real.address = *address;
    real.port = each.words.size() > 2 ? keepalived_number(each, 2, 65535, 0, report_) : service_.port;
    set_method(real, method_);
    return real;
  }

  static void set_method(LvsReal& real, const KeepalivedMethod& method) {
    real.method = method.method;
    real.tunnel = method.tunnel;
  }

  void read_sorry(const Directive& each) {
    auto real = real_of(each);
    if (!real) return;
    if (sorry_method_) set_method(*real, *sorry_method_);
    service_.sorry_reals.push_back(std::move(*real));
  }

  void read_real(const Directive& each) {
    auto real = real_of(each);
    if (!real) return;
    CheckSettings settings = settings_;
    std::vector<const Directive*> checkers;
    const std::string subject = subject_of(*real, service_);
    for (const Directive& option : each.block) {
      const std::string& keyword = option.keyword();
      if (settings.take(option, report_)) continue;
      if (is_checker(keyword)) {
        checkers.push_back(&option);
      } else if (keyword == "weight") {
        real->weight = keepalived_number(option, 1, kMostWeight, 1, report_);
      } else if (keyword == "uthreshold") {
        real->upper_threshold = keepalived_number(option, 1, kMostWeight, 0, report_);
      } else if (keyword == "lthreshold") {
        real->lower_threshold = keepalived_number(option, 1, kMostWeight, 0, report_);
      } else if (keyword == "lvs_method" || keyword == "lb_kind") {
        if (const auto method = keepalived_method(option, report_)) set_method(*real, *method);
      } else if (keyword == "inhibit_on_failure" || keyword == "alpha") {
        keepalived_switch(option, report_);
      } else {
        leave_out(option, real->notes, subject);
      }
    }
    checks_.push_back(check_of(checkers, settings, {each.from, subject, service_.protocol, real->port}, report_));
    service_.reals.push_back(std::move(*real));
  }

  const Directive& server_;
  const KeepalivedContext& context_;
  KeepalivedReport& report_;
  KeepalivedPlaces places_;
  LvsService service_;
  bool has_protocol_ = false;
  CheckSettings settings_;
  KeepalivedMethod method_;
  std::optional<KeepalivedMethod> sorry_method_;
  std::vector<CheckOfReal> checks_;
  std::string pool_;
  int64_t established_ms_ = 0;
  uint32_t quorum_ = 1;
  uint32_t hysteresis_ = 0;
  Source quorum_from_;
};

}  // namespace

void import_virtual_server(const Directive& server, const KeepalivedContext& context, Draft& draft, KeepalivedReport& report) {
  const size_t before = report.faults.size();
  VirtualServer virtual_server(server, context, report);
  if (report.faults.size() == before) virtual_server.add_to(draft);
}

}  // namespace shunt::shuntctl
