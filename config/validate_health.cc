#include "config/validate_health.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "config/check_text.h"
#include "config/defaults.h"
#include "config/duration.h"
#include "config/real_name.h"
#include "config/words.h"

namespace shunt::config {
namespace {

constexpr control::Milliseconds kDefaultInterval = control::HealthCheck{}.interval;
constexpr int kMaxHeaders = 32;
constexpr int kMaxArguments = 64;
constexpr size_t kMaxText = 1024;

class HealthRules {
 public:
  HealthRules(const v1::Service& service, std::string at, Problems& problems)
      : service_(service), check_(service.health_check()), at_(std::move(at)), problems_(problems) {}

  void check() {
    check_kinds();
    check_sctp_port();
    check_port();
    check_timeout();
    check_down_interval();
    if (check_.through() == v1::CHECK_THROUGH_VIP) check_through_vip(at_ + ".through");
    if (check_.has_passive()) check_passive(check_.passive(), at_ + ".passive");
    if (check_.has_http()) check_http(check_.http(), at_ + ".http");
    if (check_.has_http() && check_.http().has_tls()) {
      refuse(at_ + ".http.tls", reason::kConflict, "tls is given but http goes without TLS",
             "remove the lines, or write https in place of http");
    }
    if (check_.has_https()) check_http(check_.https(), at_ + ".https");
    if (check_.has_https()) check_tls(check_.https().tls(), at_ + ".https.tls");
    if (check_.has_udp()) check_udp(check_.udp(), at_ + ".udp");
    if (check_.has_dns()) check_dns(check_.dns(), at_ + ".dns");
    if (check_.has_grpc()) check_grpc(check_.grpc(), at_ + ".grpc");
    if (check_.has_exec()) check_exec(check_.exec(), at_ + ".exec");
  }

 private:
  void refuse(const std::string& field, const char* why, std::string cause, std::string remedy) {
    add(problems_, field, why, std::move(cause), std::move(remedy));
  }

  std::vector<std::string> kinds() const {
    std::vector<std::string> given;
    if (check_.has_tcp()) given.push_back("tcp");
    if (check_.has_http()) given.push_back("http");
    if (check_.has_https()) given.push_back("https");
    if (check_.has_udp()) given.push_back("udp");
    if (check_.has_dns()) given.push_back("dns");
    if (check_.has_icmp()) given.push_back("icmp");
    if (check_.has_grpc()) given.push_back("grpc");
    if (check_.has_exec()) given.push_back("exec");
    return given;
  }

  void check_kinds() {
    const std::vector<std::string> given = kinds();
    if (given.size() < 2) return;
    refuse(at_ + "." + given[1], reason::kConflict,
           listed(given, "and") + " are given, and a check does one thing",
           "keep one of them; a second service may check the same reals in another way");
  }

  bool asks_a_port() const { return !check_.has_icmp() && !check_.has_exec(); }

  void check_sctp_port() {
    if (service_.protocol() != v1::PROTOCOL_SCTP || !service_.has_health_check()) return;
    if (check_.disabled() || check_.port() != 0 || !asks_a_port()) return;
    if (kinds().empty() || check_.has_tcp()) {
      refuse(at_ + ".port", reason::kRequired,
             "the check is a TCP connect, which an SCTP port does not answer, and port is missing",
             "name a port where the reals answer TCP, or remove the health_check");
    } else {
      refuse(at_ + ".port", reason::kRequired,
             "an SCTP port does not answer a check by " + kinds().front() + ", and port is missing",
             "name a port where the reals answer it, or remove the health_check");
    }
  }

  // A check needs a port where reals have none of their own.
  void check_port() {
    if (check_.disabled() || check_.port() != 0 || !checked_by_default(service_)) return;
    if (!has_ports(service_) || !asks_a_port()) return;
    for (const auto* reals : {&service_.reals(), &service_.sorry_reals()}) {
      for (const v1::Real& real : *reals) {
        if (real.address().empty() || port_of(real, service_) != 0) continue;
        refuse(at_ + ".port", reason::kRequired,
               "health_check.port is missing, and real " + shown(name_of(real, service_)) +
                   " keeps the packets' ports",
               "name the port to check, or set health_check.disabled: true");
        return;
      }
    }
  }

  // `other` where it cannot be read, which is told elsewhere.
  int64_t interval_or(int64_t other) const {
    return check_.has_interval() ? to_ms(check_.interval()).value_or(other) : kDefaultInterval.count();
  }

  void check_down_interval() {
    if (!check_.has_down_interval()) return;
    const int64_t down_interval = to_ms(check_.down_interval()).value_or(0);
    const int64_t interval = interval_or(down_interval);
    if (down_interval == 0 || down_interval >= interval) return;
    refuse(at_ + ".down_interval", reason::kConflict,
           "down_interval " + format_duration_ms(down_interval) + " is less than the interval, " +
               format_duration_ms(interval),
           "raise it, or remove the line");
  }

  void check_timeout() {
    if (!check_.has_timeout()) return;
    const int64_t timeout = to_ms(check_.timeout()).value_or(0);
    const int64_t interval = interval_or(timeout);
    if (timeout <= interval) return;
    refuse(at_ + ".timeout", reason::kConflict,
           "timeout " + format_duration_ms(timeout) + " exceeds the interval, " +
               format_duration_ms(interval),
           "lower the timeout or raise the interval");
  }

  void check_through_vip(const std::string& at) {
    if (service_.method() != v1::METHOD_DIRECT && service_.method() != v1::METHOD_TUNNEL) {
      refuse(at, reason::kConflict,
             std::string("through is vip but the method is ") + (service_.method() == v1::METHOD_FULLNAT ? "fullnat" : "nat") +
                 ", under which clients' packets go to the real's own address, too",
             "remove the line");
    }
    if (service_.address().empty()) {
      refuse(at, reason::kConflict, "through is vip but the service has none: it is found by its match", "remove the line");
    }
    if (check_.has_icmp() || check_.has_exec()) {
      refuse(at, reason::kConflict,
             std::string("through is vip but the check is by ") + (check_.has_icmp() ? "icmp" : "exec"),
             "take tcp, http, https, grpc, dns or udp, or remove the line");
    }
    const bool waits = check_.udp().needs_answer() || !check_.udp().expect().empty() || !check_.udp().expect_hex().empty();
    if (check_.has_udp() && !waits) {
      refuse(at, reason::kConflict,
             "through is vip but the udp check takes silence for success, and what a real without the VIP sends is silence",
             "set udp.needs_answer: true, or remove the line");
    }
    check_family_through_vip(at);
  }

  // The source of a probe is an address by which Linux speaks to the real.
  void check_family_through_vip(const std::string& at) {
    const auto vip = IpAddress::parse(service_.address());
    if (!vip) return;
    for (const auto* reals : {&service_.reals(), &service_.sorry_reals()}) {
      for (const v1::Real& real : *reals) {
        const auto address = IpAddress::parse(real.address());
        if (!address || address->family == vip->family) continue;
        refuse(at, reason::kConflict,
               "through is vip but real " + shown(name_of(real, service_)) + " is not of the VIP's family",
               "remove the line, or make a service of the other reals");
        return;
      }
    }
  }

  void check_passive(const v1::PassiveCheck& passive, const std::string& at) {
    if (service_.method() == v1::METHOD_DIRECT || service_.method() == v1::METHOD_TUNNEL) {
      refuse(at, reason::kConflict,
             std::string("passive is given but the method is ") +
                 (service_.method() == v1::METHOD_DIRECT ? "direct" : "tunnel") +
                 ", under which reals answer clients past us",
             "remove the lines, or set method: nat or fullnat");
    }
    if (service_.protocol() != v1::PROTOCOL_TCP && service_.protocol() != v1::PROTOCOL_UNSPECIFIED) {
      refuse(at, reason::kConflict,
             std::string("passive is given but the protocol is ") +
                 (service_.protocol() == v1::PROTOCOL_UDP ? "udp" : "sctp") + ", and only connections of TCP tell whether they were answered",
             "remove the lines, and let a check say whether reals are well");
    }
    if (!passive.has_max_inhibit()) return;
    const int64_t first = passive.has_inhibit() ? to_ms(passive.inhibit()).value_or(0) : control::PassiveCheck{}.inhibit.count();
    const int64_t most = to_ms(passive.max_inhibit()).value_or(first);
    if (most >= first) return;
    refuse(at + ".max_inhibit", reason::kConflict,
           "max_inhibit " + format_duration_ms(most) + " is less than inhibit, " + format_duration_ms(first),
           "raise it, or lower inhibit");
  }

  // What goes into a request as it is.
  void check_text(const std::string& text, const std::string& field, const char* what) {
    if (text.size() > kMaxText) {
      refuse(field, reason::kOutOfRange,
             std::string(what) + " has " + std::to_string(text.size()) + " bytes, which exceeds " +
                 std::to_string(kMaxText),
             "shorten it");
    } else if (!is_printable(text)) {
      refuse(field, reason::kMalformed,
             std::string(what) + " " + in_quotes(text) + " has bytes that are not printable ASCII",
             "leave them out");
    }
  }

  void check_authority(const std::string& text, const std::string& field, const char* what) {
    if (is_authority(text)) return check_text(text, field, what);
    refuse(field, reason::kMalformed,
           std::string(what) + " " + in_quotes(text) + " is not NAME or NAME:PORT",
           "write the name alone, without scheme and path");
  }

  void check_http(const v1::HttpCheck& http, const std::string& at) {
    const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (!std::all_of(http.method().begin(), http.method().end(), is_capital)) {
      refuse(at + ".method", reason::kMalformed,
             "method " + in_quotes(http.method()) + " is not a word of capital letters",
             "write GET, HEAD or another method");
    }
    if (!http.path().empty() &&
        (http.path()[0] != '/' || http.path().find(' ') != std::string::npos)) {
      refuse(at + ".path", reason::kMalformed,
             "path " + in_quotes(http.path()) +
                 (http.path()[0] != '/' ? " does not begin with /" : " has a space in it"),
             http.path()[0] != '/' ? "write the path alone, without scheme and host; the host is in host"
                                   : "write it as %20");
    } else {
      check_text(http.path(), at + ".path", "path");
    }
    check_authority(http.host(), at + ".host", "host");
    if (!http.status().empty() && !parse_statuses(http.status())) {
      refuse(at + ".status", reason::kMalformed,
             "status " + in_quotes(http.status()) + " is not a list of statuses within 100..599",
             "write it as 200, 200-299 or 200-299,401");
    }
    check_body(http, at);
    check_headers(http, at);
  }

  void check_body(const v1::HttpCheck& http, const std::string& at) {
    if (http.body().size() > kMaxText) check_text(http.body(), at + ".body", "body");
    if (!http.body().empty() && http.method() == "HEAD") {
      refuse(at + ".body", reason::kConflict,
             "body is given but the method is HEAD, whose answers have none",
             "remove the line, or set method: GET");
    }
  }

  void check_headers(const v1::HttpCheck& http, const std::string& at) {
    if (http.headers_size() > kMaxHeaders) {
      refuse(at + ".headers", reason::kOutOfRange,
             std::to_string(http.headers_size()) + " headers exceed " + std::to_string(kMaxHeaders),
             "leave some out");
      return;
    }
    for (int i = 0; i < http.headers_size(); ++i) {
      const std::string& header = http.headers(i);
      const std::string field = at + ".headers[" + std::to_string(i) + "]";
      const size_t colon = header.find(':');
      if (colon == 0 || colon == std::string::npos || header.find(' ') < colon) {
        refuse(field, reason::kMalformed, "header " + in_quotes(header) + " is not of the form NAME: VALUE",
               "write it as \"X-Check: yes\"");
      } else if (is_host(header.substr(0, colon))) {
        refuse(field, reason::kConflict, "header " + in_quotes(header) + " is given in headers",
               "write it as host");
      } else {
        check_text(header, field, "header");
      }
    }
  }

  static bool is_host(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return name == "host";
  }

  void check_tls(const v1::CheckTls& tls, const std::string& at) {
    check_authority(tls.server_name(), at + ".server_name", "server_name");
    if (tls.server_name().find(':') != std::string::npos && is_authority(tls.server_name())) {
      refuse(at + ".server_name", reason::kMalformed,
             "server_name " + in_quotes(tls.server_name()) + " has a colon in it",
             "write the name alone, without a port");
    }
    if (!tls.ca_file().empty() && tls.ca_file()[0] != '/') {
      refuse(at + ".ca_file", reason::kMalformed,
             "ca_file " + in_quotes(tls.ca_file()) + " is not an absolute path",
             "write it with the folders from / on");
    }
    if (!tls.ca_file().empty() && tls.no_verify()) {
      refuse(at + ".ca_file", reason::kConflict, "ca_file is given but no_verify is true",
             "remove one of the two lines");
    }
  }

  void check_bytes(const std::string& text, const std::string& hex, const char* name,
                   const std::string& at) {
    const std::string field = at + "." + name + (hex.empty() ? "" : "_hex");
    const std::string called = std::string(name) + (hex.empty() ? "" : "_hex");
    if (!text.empty() && !hex.empty()) {
      refuse(field, reason::kConflict, std::string(name) + " and " + called + " are given",
             "keep one of the two");
    }
    const auto bytes = hex.empty() ? std::optional(text) : parse_hex(hex);
    if (!bytes) {
      refuse(field, reason::kMalformed, called + " " + in_quotes(hex) + " is not pairs of hexadecimal digits",
             "write two digits a byte, as in 00ff10");
    } else if (bytes->size() > kMaxText) {
      refuse(field, reason::kOutOfRange,
             called + " is of " + std::to_string(bytes->size()) + " bytes, which exceeds " +
                 std::to_string(kMaxText),
             "shorten it");
    }
  }

  void check_udp(const v1::UdpCheck& udp, const std::string& at) {
    check_bytes(udp.send(), udp.send_hex(), "send", at);
    check_bytes(udp.expect(), udp.expect_hex(), "expect", at);
  }

  void check_dns(const v1::DnsCheck& dns, const std::string& at) {
    if (dns.name().empty() || is_domain_name(dns.name())) return;
    refuse(at + ".name", reason::kMalformed, "name " + in_quotes(dns.name()) + " is not a domain name",
           "write labels of 1 to 63 bytes with points between them, 253 bytes in all");
  }

  void check_grpc(const v1::GrpcCheck& grpc, const std::string& at) {
    check_text(grpc.service(), at + ".service", "service");
    check_authority(grpc.host(), at + ".host", "host");
    check_tls(grpc.tls(), at + ".tls");
  }

  void check_exec(const v1::ExecCheck& exec, const std::string& at) {
    if (exec.command().empty()) {
      refuse(at + ".command", reason::kRequired, "command is missing",
             "write the program's name and its arguments: [web-check, --quick]");
      return;
    }
    const std::string& program = exec.command(0);
    if (program.find('/') != std::string::npos || program.empty() || program[0] == '.') {
      refuse(at + ".command[0]", reason::kMalformed,
             "the program " + in_quotes(program) + " is not a plain name",
             "put it into the folder of check programs (shuntd --check-programs, /etc/shunt/checks), and "
             "write its name alone");
    }
    if (exec.command_size() > kMaxArguments) {
      refuse(at + ".command", reason::kOutOfRange,
             std::to_string(exec.command_size()) + " arguments exceed " +
                 std::to_string(kMaxArguments),
             "leave some out");
    }
    for (int i = 0; i < std::min(exec.command_size(), kMaxArguments); ++i)
      check_text(exec.command(i), at + ".command[" + std::to_string(i) + "]", "argument");
  }

  const v1::Service& service_;
  const v1::HealthCheck& check_;
  const std::string at_;
  Problems& problems_;
};

}  // namespace

void check_health_check(const v1::Service& service, const std::string& at, Problems& problems) {
  HealthRules(service, at + ".health_check", problems).check();
}

}  // namespace shunt::config
