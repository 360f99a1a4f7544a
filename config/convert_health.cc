#include "config/convert_health.h"

#include <algorithm>
#include <array>
#include <utility>

#include "config/check_text.h"
#include "config/defaults.h"
#include "config/duration.h"

namespace shunt::config {
namespace {

// Types as on the wire (RFC 1035, 3596, 2782).
constexpr std::array<std::pair<v1::DnsType, uint16_t>, 10> kDnsTypes = {{
    {v1::DNS_TYPE_A, 1},
    {v1::DNS_TYPE_NS, 2},
    {v1::DNS_TYPE_CNAME, 5},
    {v1::DNS_TYPE_SOA, 6},
    {v1::DNS_TYPE_PTR, 12},
    {v1::DNS_TYPE_MX, 15},
    {v1::DNS_TYPE_TXT, 16},
    {v1::DNS_TYPE_AAAA, 28},
    {v1::DNS_TYPE_SRV, 33},
    {v1::DNS_TYPE_ANY, 255},
}};

control::CheckTls to_tls(const v1::CheckTls& tls) {
  return {tls.server_name(), tls.ca_file(), !tls.no_verify()};
}

control::HttpCheck to_http(const v1::HttpCheck& check, bool secure) {
  control::HttpCheck result;
  result.secure = secure;
  if (!check.method().empty()) result.method = check.method();
  if (!check.path().empty()) result.path = check.path();
  result.host = check.host();
  result.headers.assign(check.headers().begin(), check.headers().end());
  if (!check.status().empty()) result.status = parse_statuses(check.status()).value();
  result.body = check.body();
  result.http2 = check.http2();
  result.tls = to_tls(check.tls());
  return result;
}

control::UdpCheck to_udp(const v1::UdpCheck& check) {
  control::UdpCheck result;
  result.send = check.send_hex().empty() ? check.send() : parse_hex(check.send_hex()).value();
  result.expect =
      check.expect_hex().empty() ? check.expect() : parse_hex(check.expect_hex()).value();
  result.needs_answer = check.needs_answer() || !result.expect.empty();
  return result;
}

control::DnsCheck to_dns(const v1::DnsCheck& check) {
  control::DnsCheck result;
  if (!check.name().empty()) result.name = check.name();
  for (const auto& [word, type] : kDnsTypes) {
    if (word == check.type()) result.type = type;
  }
  // Codes are numbered from 1 in the wire's order.
  if (check.code() != v1::DNS_CODE_UNSPECIFIED) result.code = static_cast<uint8_t>(check.code() - 1);
  return result;
}

control::GrpcCheck to_grpc(const v1::GrpcCheck& check) {
  return {check.service(), check.host(), check.has_tls(), to_tls(check.tls())};
}

control::CheckKind to_kind(const v1::HealthCheck& check) {
  if (check.has_http()) return to_http(check.http(), false);
  if (check.has_https()) return to_http(check.https(), true);
  if (check.has_udp()) return to_udp(check.udp());
  if (check.has_dns()) return to_dns(check.dns());
  if (check.has_icmp()) return control::IcmpCheck{};
  if (check.has_grpc()) return to_grpc(check.grpc());
  if (check.has_exec())
    return control::ExecCheck{{check.exec().command().begin(), check.exec().command().end()}};
  return control::TcpCheck{};
}

control::Milliseconds ms_or(bool is_given, const google::protobuf::Duration& duration, control::Milliseconds other) {
  return is_given ? control::Milliseconds(to_ms(duration).value()) : other;
}

control::PassiveCheck to_passive(const v1::PassiveCheck& check) {
  control::PassiveCheck result;
  result.interval = ms_or(check.has_interval(), check.interval(), result.interval);
  if (check.failure_percent() != 0) result.failure_percent = check.failure_percent();
  if (check.min_connections() != 0) result.min_connections = check.min_connections();
  if (check.consecutive() != 0) result.consecutive = check.consecutive();
  result.inhibit = ms_or(check.has_inhibit(), check.inhibit(), result.inhibit);
  result.max_inhibit =
      ms_or(check.has_max_inhibit(), check.max_inhibit(), std::max(result.inhibit, result.max_inhibit));
  if (check.max_inhibited_percent() != 0) result.max_inhibited_percent = check.max_inhibited_percent();
  return result;
}

void put_passive(const control::PassiveCheck& check, v1::PassiveCheck& out) {
  *out.mutable_interval() = to_duration(check.interval.count());
  out.set_failure_percent(check.failure_percent);
  out.set_min_connections(check.min_connections);
  out.set_consecutive(check.consecutive);
  *out.mutable_inhibit() = to_duration(check.inhibit.count());
  *out.mutable_max_inhibit() = to_duration(check.max_inhibit.count());
  out.set_max_inhibited_percent(check.max_inhibited_percent);
}

v1::CheckTls to_proto(const control::CheckTls& tls) {
  v1::CheckTls out;
  out.set_server_name(tls.server_name);
  out.set_ca_file(tls.ca_file);
  out.set_no_verify(!tls.verify);
  return out;
}

// One overload a kind.
struct PutKind {
  void operator()(const control::TcpCheck&) const {}
  void operator()(const control::HttpCheck& check) const {
    v1::HttpCheck& http = check.secure ? *out.mutable_https() : *out.mutable_http();
    http.set_method(check.method);
    http.set_path(check.path);
    http.set_host(check.host);
    for (const std::string& header : check.headers) http.add_headers(header);
    http.set_status(to_string(check.status));
    http.set_body(check.body);
    http.set_http2(check.http2);
    if (check.secure && check.tls != control::CheckTls{}) *http.mutable_tls() = to_proto(check.tls);
  }
  void operator()(const control::UdpCheck& check) const {
    v1::UdpCheck& udp = *out.mutable_udp();
    // What is no text is shown as digits.
    is_printable(check.send) ? udp.set_send(check.send) : udp.set_send_hex(to_hex(check.send));
    is_printable(check.expect) ? udp.set_expect(check.expect)
                               : udp.set_expect_hex(to_hex(check.expect));
    udp.set_needs_answer(check.needs_answer);
  }
  void operator()(const control::DnsCheck& check) const {
    v1::DnsCheck& dns = *out.mutable_dns();
    dns.set_name(check.name);
    for (const auto& [word, type] : kDnsTypes) {
      if (type == check.type) dns.set_type(word);
    }
    dns.set_code(static_cast<v1::DnsCode>(check.code + 1));
  }
  void operator()(const control::IcmpCheck&) const { out.mutable_icmp(); }
  void operator()(const control::GrpcCheck& check) const {
    v1::GrpcCheck& grpc = *out.mutable_grpc();
    grpc.set_service(check.service);
    grpc.set_host(check.host);
    if (check.secure) *grpc.mutable_tls() = to_proto(check.tls);
  }
  void operator()(const control::ExecCheck& check) const {
    for (const std::string& word : check.command) out.mutable_exec()->add_command(word);
  }
  v1::HealthCheck& out;
};

}  // namespace

control::HealthCheck to_health_check(const v1::Service& service) {
  const v1::HealthCheck& check = service.health_check();
  const auto to_milliseconds = [](const google::protobuf::Duration& duration) {
    return control::Milliseconds(to_ms(duration).value());
  };
  control::HealthCheck result;
  result.enabled = !check.disabled() && checked_by_default(service);
  if (check.has_interval()) result.interval = to_milliseconds(check.interval());
  result.timeout = std::min(result.timeout, result.interval);
  if (check.has_timeout()) result.timeout = to_milliseconds(check.timeout());
  if (check.rise() != 0) result.rise = check.rise();
  if (check.fall() != 0) result.fall = check.fall();
  result.port = static_cast<uint16_t>(check.port());
  result.kind = to_kind(check);
  if (check.jitter() != 0) result.jitter = check.jitter();
  if (check.has_down_interval()) result.down_interval = to_milliseconds(check.down_interval());
  result.through_vip = check.through() == v1::CHECK_THROUGH_VIP;
  if (check.has_passive()) result.passive = to_passive(check.passive());
  return result;
}

void put_health_check(const control::HealthCheck& check, v1::HealthCheck& out) {
  out.set_disabled(!check.enabled);
  *out.mutable_interval() = to_duration(check.interval.count());
  *out.mutable_timeout() = to_duration(check.timeout.count());
  out.set_rise(check.rise);
  out.set_fall(check.fall);
  out.set_port(check.port);
  std::visit(PutKind{out}, check.kind);
  out.set_jitter(check.jitter);
  if (check.down_interval.count() != 0) *out.mutable_down_interval() = to_duration(check.down_interval.count());
  if (check.through_vip) out.set_through(v1::CHECK_THROUGH_VIP);
  if (check.passive) put_passive(*check.passive, *out.mutable_passive());
}

}  // namespace shunt::config
