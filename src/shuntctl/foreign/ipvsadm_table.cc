#include "src/shuntctl/foreign/ipvsadm_table.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "config/words.h"
#include "src/shuntctl/foreign/names.h"
#include "src/shuntctl/output/text.h"

namespace shunt::shuntctl {
namespace {

constexpr uint32_t kMostMark = 4294967295U;
constexpr uint32_t kMostWeight = 2147483647;
constexpr uint32_t kMostTimeout_s = 31 * 86400;
// ipvsadm's -p without a number (its manual says 300).
constexpr uint32_t kDefaultPersistence_s = 360;

// Reads a line's values; the first that does not fit is the fault.
class LineReader {
 public:
  LineReader(const IpvsadmLine& line, const Source& from, Lookup lookup) : line_(line), from_(from), lookup_(lookup) {}

  std::optional<Fault> fault() const { return fault_; }

  // The service that the line is about, without what it says of it.
  LvsService service() {
    LvsService service;
    service.from = {from_.file, {from_.place.line, line_.column}};
    if (const GivenOption* mark = line_.find("fwmark-service")) {
      service.mark = number_of(*mark, kMostMark);
      if (!fault_ && service.mark == 0) fail(*mark, "mark 0 is none", "use 1 or more");
      if (line_.has("ipv6")) service.address.family = AddressFamily::kIpv6;
      return service;
    }
    for (const auto& [name, protocol] : {std::pair("tcp-service", v1::PROTOCOL_TCP), std::pair("udp-service", v1::PROTOCOL_UDP),
                                         std::pair("sctp-service", v1::PROTOCOL_SCTP)}) {
      const GivenOption* given = line_.find(name);
      if (given == nullptr) continue;
      service.protocol = protocol;
      const auto place = place_of(*given, protocol);
      service.address = place.address;
      service.port = place.port;
      return service;
    }
    fail({nullptr, "", line_.column}, "the line names no service", "name one with -t, -u, --sctp-service or -f");
    return service;
  }

  void read_service(LvsService& service) {
    if (const GivenOption* given = line_.find("scheduler")) service.scheduler = given->value;
    if (const GivenOption* given = line_.find("persistent")) {
      service.persistence_s = given->value.empty() ? kDefaultPersistence_s : number_of(*given, kMostTimeout_s);
    }
    if (const GivenOption* given = line_.find("netmask")) service.netmask = given->value;
    if (const GivenOption* given = line_.find("pe")) service.persistence_engine = given->value;
    if (const GivenOption* given = line_.find("ops")) {
      service.one_packet = true;
      if (service.mark == 0 && service.protocol != v1::PROTOCOL_UDP) {
        fail(*given, "one-packet scheduling is for UDP alone", "remove it, as ipvsadm refuses it");
      }
    }
    if (const GivenOption* given = line_.find("sched-flags")) service.flags = listed_words(given->value);
    const bool is_open = service.mark == 0 && service.port == 0 && !service.persistence_s;
    if (is_open && !fault_) {
      fail({nullptr, "", line_.column}, "port 0 stands for all ports, which ipvsadm has with -p alone",
           "name a port, or add -p");
    }
  }

  LvsReal real(const LvsService& service) {
    LvsReal real;
    const GivenOption* given = line_.find("real-server");
    if (given == nullptr) {
      fail({nullptr, "", line_.column}, "the line names no real server", "name one with -r");
      return real;
    }
    real.from = {from_.file, {from_.place.line, line_.column}};
    const auto place = place_of(*given, service.protocol);
    real.address = place.address;
    real.port = place.has_port ? place.port : service.port;
    return real;
  }

  void read_real(LvsReal& real, const LvsService& service) {
    for (const auto& [name, method] : {std::pair("gatewaying", v1::METHOD_DIRECT), std::pair("ipip", v1::METHOD_TUNNEL),
                                       std::pair("masquerading", v1::METHOD_NAT), std::pair("fullnat", v1::METHOD_FULLNAT)}) {
      if (line_.has(name)) real.method = method;
    }
    const bool keeps = real.method == v1::METHOD_DIRECT || real.method == v1::METHOD_TUNNEL;
    if (keeps && service.mark == 0) real.port = service.port;
    if (const GivenOption* given = line_.find("weight")) real.weight = number_of(*given, kMostWeight);
    if (const GivenOption* given = line_.find("u-threshold")) real.upper_threshold = number_of(*given, kMostWeight);
    if (const GivenOption* given = line_.find("l-threshold")) real.lower_threshold = number_of(*given, kMostWeight);
    read_tunnel(real);
  }

 private:
  static std::vector<std::string> listed_words(const std::string& text) {
    std::vector<std::string> words;
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find(',', begin), text.size());
      if (end > begin) words.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
    return words;
  }

  void read_tunnel(LvsReal& real) {
    const GivenOption* kind = line_.find("tun-type");
    if (kind != nullptr) {
      if (kind->value == "gre") {
        real.tunnel.set_kind(v1::TUNNEL_KIND_GRE);
      } else if (kind->value == "gue") {
        real.tunnel.set_kind(v1::TUNNEL_KIND_GUE);
      } else if (kind->value != "ipip") {
        fail(*kind, "there is no tunnel type " + config::in_quotes(kind->value), "use ipip, gre or gue");
      }
    }
    const bool is_gue = real.tunnel.kind() == v1::TUNNEL_KIND_GUE;
    const bool has_checksum = is_gue || real.tunnel.kind() == v1::TUNNEL_KIND_GRE;
    if (const GivenOption* port = line_.find("tun-port"); port != nullptr && is_gue) {
      real.tunnel.set_port(number_of(*port, 65535));
    }
    if (line_.has("tun-csum") && has_checksum) real.tunnel.set_checksum(v1::TUNNEL_CHECKSUM_FULL);
    if (line_.has("tun-remcsum") && is_gue) real.tunnel.set_checksum(v1::TUNNEL_CHECKSUM_REMOTE);
  }

  HostPlace place_of(const GivenOption& given, v1::Protocol protocol) {
    std::string cause;
    const auto place = host_port(given.value, protocol, lookup_, cause);
    if (place) return *place;
    fail(given, cause, "save the table with ipvsadm-save -n, which writes numbers");
    return {};
  }

  uint32_t number_of(const GivenOption& given, uint32_t most) {
    if (const auto value = number(given.value, most)) return *value;
    fail(given, config::in_quotes(given.value) + " is no number of 0.." + std::to_string(most), "write one");
    return 0;
  }

  void fail(const GivenOption& at, std::string cause, std::string remedy) {
    if (!fault_) fault_ = Fault{{from_.file, {from_.place.line, at.column}}, std::move(cause), std::move(remedy)};
  }

  const IpvsadmLine& line_;
  const Source& from_;
  Lookup lookup_;
  std::optional<Fault> fault_;
};

bool same_place(const LvsService& a, const LvsService& b) {
  if (a.mark != 0 || b.mark != 0) return a.mark == b.mark && a.address.family == b.address.family;
  return a.protocol == b.protocol && a.address == b.address && a.port == b.port;
}

std::optional<Fault> fault_at(const Source& from, const IpvsadmLine& line, std::string cause, std::string remedy) {
  return Fault{{from.file, {from.place.line, line.column}}, std::move(cause), std::move(remedy)};
}

}  // namespace

std::variant<LvsService, Fault> service_of_line(const IpvsadmLine& line, const Source& from, Lookup lookup) {
  LineReader reader(line, from, lookup);
  LvsService service = reader.service();
  if (auto fault = reader.fault()) return *fault;
  return service;
}

std::vector<LvsService>::iterator IpvsadmTable::find(const LvsService& key) {
  return std::find_if(services_.begin(), services_.end(),
                      [&key](const LvsService& service) { return same_place(service, key); });
}

std::optional<Fault> IpvsadmTable::take(const IpvsadmLine& line, const Source& from) {
  if (line.command.ends_with("-service")) return take_service(line, from);
  if (line.command.ends_with("-server")) return take_real(line, from);
  if (line.command == "set") return take_timeouts(line, from);
  if (line.command == "clear") {
    services_.clear();
  } else if (line.command == "start-daemon") {
    const GivenOption* given = line.find("start-daemon");
    notes_.push_back({{from.file, {from.place.line, line.column}}, "--start-daemon " + config::shown(given->value),
                      "Shunt does not speak IPVS's synchronization protocol",
                      "choose a scheduler that picks alike on every machine (mh), so that a takeover finds the same reals"});
  }
  return std::nullopt;
}

std::optional<Fault> IpvsadmTable::take_service(const IpvsadmLine& line, const Source& from) {
  LineReader reader(line, from, lookup_);
  LvsService key = reader.service();
  if (reader.fault()) return reader.fault();
  const auto found = find(key);
  if (line.command == "add-service") {
    if (found != services_.end()) {
      return fault_at(from, line, subject_of(key) + " is there already, since line " +
                      std::to_string(found->from.place.line), "remove one of the two");
    }
    reader.read_service(key);
    if (!reader.fault()) services_.push_back(std::move(key));
    return reader.fault();
  }
  if (found == services_.end()) {
    return fault_at(from, line, subject_of(key) + " is not there", "add it before with -A");
  }
  if (line.command == "delete-service") {
    services_.erase(found);
    return std::nullopt;
  }
  // An edit states anew all but the reals.
  reader.read_service(key);
  key.reals = std::move(found->reals);
  if (!reader.fault()) *found = std::move(key);
  return reader.fault();
}

std::optional<Fault> IpvsadmTable::take_real(const IpvsadmLine& line, const Source& from) {
  LineReader reader(line, from, lookup_);
  const LvsService key = reader.service();
  if (reader.fault()) return reader.fault();
  const auto service = find(key);
  if (service == services_.end()) {
    return fault_at(from, line, subject_of(key) + " is not there", "add it before with -A");
  }
  LvsReal real = reader.real(*service);
  if (!reader.fault() && line.command != "delete-server") reader.read_real(real, *service);
  if (reader.fault()) return reader.fault();
  auto& reals = service->reals;
  const auto found = std::find_if(reals.begin(), reals.end(), [&real](const LvsReal& other) {
    return other.address == real.address && other.port == real.port;
  });
  const bool is_new = line.command == "add-server";
  if (is_new != (found == reals.end())) {
    return fault_at(from, line, subject_of(real, *service) + (is_new ? " is there already" : " is not there"),
                    is_new ? "remove one of the two" : "add it before with -a");
  }
  if (is_new) {
    reals.push_back(std::move(real));
  } else if (line.command == "edit-server") {
    *found = std::move(real);
  } else {
    reals.erase(found);
  }
  return std::nullopt;
}

std::optional<Fault> IpvsadmTable::take_timeouts(const IpvsadmLine& line, const Source& from) {
  if (line.words.size() != 3) {
    return fault_at(from, line, "--set needs three timeouts, of TCP, TCP after a FIN, and UDP", "write them behind it, in seconds");
  }
  google::protobuf::Duration* const fields[] = {timeouts_.mutable_tcp_established(), timeouts_.mutable_tcp_fin_wait(),
                                                timeouts_.mutable_udp()};
  for (size_t i = 0; i < 3; ++i) {
    const auto seconds = number(line.words[i], kMostTimeout_s);
    if (!seconds) {
      return fault_at(from, line, config::in_quotes(line.words[i]) + " is no timeout of 0.." +
                      std::to_string(kMostTimeout_s) + " seconds", "write one");
    }
    // 0 leaves it as it is.
    if (*seconds != 0) fields[i]->set_seconds(*seconds);
  }
  if (!timeouts_.tcp_established().seconds()) timeouts_.clear_tcp_established();
  if (!timeouts_.tcp_fin_wait().seconds()) timeouts_.clear_tcp_fin_wait();
  if (!timeouts_.udp().seconds()) timeouts_.clear_udp();
  return std::nullopt;
}

}  // namespace shunt::shuntctl
