#include "src/shuntctl/foreign/keepalived_reading.h"

#include <strings.h>

#include <algorithm>

#include "config/words.h"
#include "src/shuntctl/foreign/names.h"

namespace shunt::shuntctl {
namespace {

void fail(const Directive& directive, size_t index, const char* what, const char* remedy, KeepalivedReport& report) {
  const std::string word = directive.word(index);
  const std::string keyword = config::shown(directive.keyword());
  report.faults.push_back({directive.from,
                           word.empty() ? keyword + " has no " + what : keyword + ": " + config::in_quotes(word) + " is no " + what,
                           remedy});
}

bool is(const std::string& word, const char* other) { return strcasecmp(word.c_str(), other) == 0; }

}  // namespace

uint32_t keepalived_number(const Directive& directive, size_t index, uint32_t most, uint32_t otherwise, KeepalivedReport& report) {
  if (const auto value = number(directive.word(index), most)) return *value;
  fail(directive, index, ("number of 0.." + std::to_string(most)).c_str(), "write one", report);
  return otherwise;
}

int64_t keepalived_time_ms(const Directive& directive, int64_t otherwise, KeepalivedReport& report) {
  const std::string text = directive.word(1);
  const size_t point = std::min(text.find('.'), text.size());
  std::string fraction = text.substr(std::min(point + 1, text.size()));
  const bool is_decimal = fraction.find_first_not_of("0123456789") == std::string::npos;
  fraction = (fraction + "000").substr(0, 3);
  const auto seconds = number(text.substr(0, point), 10000000);
  if (seconds && is_decimal) return int64_t{*seconds} * 1000 + number(fraction, 999).value_or(0);
  fail(directive, 1, "time in seconds", "write it as in 5 or 2.5", report);
  return otherwise;
}

std::optional<IpAddress> keepalived_address(const Directive& directive, size_t index, KeepalivedReport& report) {
  if (const auto address = IpAddress::parse(directive.word(index))) return address;
  fail(directive, index, "address", "write it as in 192.0.2.1 or 2001:db8::1", report);
  return std::nullopt;
}

bool keepalived_switch(const Directive& directive, KeepalivedReport& report) {
  const std::string word = directive.word(1);
  if (word.empty() || is(word, "on") || is(word, "true") || is(word, "yes")) return true;
  if (!is(word, "off") && !is(word, "false") && !is(word, "no")) fail(directive, 1, "switch", "write on or off", report);
  return false;
}

std::optional<KeepalivedMethod> keepalived_method(const Directive& directive, KeepalivedReport& report) {
  const std::string word = directive.word(1);
  KeepalivedMethod result;
  if (is(word, "NAT")) return result;
  if (is(word, "DR")) return KeepalivedMethod{v1::METHOD_DIRECT, {}};
  if (is(word, "FNAT") || is(word, "FULLNAT")) return KeepalivedMethod{v1::METHOD_FULLNAT, {}};
  if (!is(word, "TUN")) {
    if (!is(word, "SNAT")) fail(directive, 1, "forwarding method", "use NAT, DR or TUN", report);
    return std::nullopt;
  }
  result.method = v1::METHOD_TUNNEL;
  for (size_t i = 2; i < directive.words.size(); ++i) {
    const std::string& option = directive.words[i];
    if (is(option, "type")) {
      const std::string kind = directive.word(++i);
      if (is(kind, "gue")) result.tunnel.set_kind(v1::TUNNEL_KIND_GUE);
      else if (is(kind, "gre")) result.tunnel.set_kind(v1::TUNNEL_KIND_GRE);
      else if (!is(kind, "ipip")) fail(directive, i, "tunnel type", "use ipip, gue or gre", report);
    } else if (is(option, "port")) {
      result.tunnel.set_port(keepalived_number(directive, ++i, 65535, 6080, report));
    } else if (is(option, "csum")) {
      result.tunnel.set_checksum(v1::TUNNEL_CHECKSUM_FULL);
    } else if (is(option, "remcsum")) {
      result.tunnel.set_checksum(v1::TUNNEL_CHECKSUM_REMOTE);
    } else if (!is(option, "nocsum")) {
      fail(directive, i, "option of TUN", "use type, port, nocsum, csum or remcsum", report);
    }
  }
  return result;
}

}  // namespace shunt::shuntctl
