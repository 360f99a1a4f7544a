#include "src/shuntctl/foreign/dpvs_commands.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <variant>

#include "config/words.h"
#include "src/shuntctl/foreign/dpvs_snat.h"
#include "src/shuntctl/foreign/ipvsadm_table.h"

namespace shunt::shuntctl {
namespace {

constexpr size_t kMostFaults = 100;
constexpr std::string_view kBlanks = " \t\r\v\f";

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  return begin == std::string_view::npos ? std::string_view{} : text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

std::string_view first_word(std::string_view line) { return line.substr(0, line.find_first_of(kBlanks)); }

bool names_program(std::string_view word, std::string_view program) {
  return word == program || (word.ends_with(program) && word[word.size() - program.size() - 1] == '/');
}

// Takes the first line off the text.
std::string_view next_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// What DPVS knows of a service beside what all IPVS's do.
struct Extras {
  std::vector<IpAddress> local_addresses;
  Source local_from;
  std::string device;
  std::vector<Note> notes;
  // Of --conn-timeout, seconds; 0: none.
  uint32_t established_s = 0;
  bool ends_drained = false;
  // --proxy-protocol's; unspecified: DPVS's own way of telling reals their client.
  v1::ClientAddress proxy = v1::CLIENT_ADDRESS_UNSPECIFIED;
};

// An option of -A, and what there is in its place.
struct ServiceOption {
  std::string_view name;
  const char* remedy;
};
constexpr ServiceOption kServiceOptions[] = {
    {"quic", "Shunt keeps a client by its address and port"},
    {"dest-check", "health_check asks each real, whatever its clients see"},
    {"synproxy", "the sysctls secure_tcp, drop_entry and drop_packet are Shunt's defence against SYN floods"},
};

class Commands {
 public:
  Commands(const std::string& file, Lookup lookup, Draft& draft, std::vector<Fault>& faults)
      : from_{file, {0, 1}}, lookup_(lookup), table_(lookup), draft_(draft), faults_(faults) {}

  void read(std::string_view text) {
    while (!text.empty() && faults_.size() < kMostFaults) {
      const std::string_view line = next_line(text);
      ++from_.place.line;
      const std::string_view inner = trimmed(line);
      if (inner.empty() || inner.front() == '#') continue;
      if (names_program(first_word(inner), "dpip")) {
        take_dpip(std::string(inner));
        continue;
      }
      auto parsed = parse_ipvsadm_line(line, Ipvsadm::kDpvs, from_);
      if (auto* fault = std::get_if<Fault>(&parsed)) {
        faults_.push_back(std::move(*fault));
      } else {
        take(std::get<IpvsadmLine>(parsed));
      }
    }
  }

  void finish() {
    draft_.notes.insert(draft_.notes.end(), table_.notes().begin(), table_.notes().end());
    if (table_.timeouts().ByteSizeLong() > 0) draft_.config.mutable_timeouts()->MergeFrom(table_.timeouts());
    const std::map<std::string, std::string> pools = make_pools();
    for (const std::string& match : snat_order_) add_snat_rule(snats_.at(match), draft_);
    for (const LvsService& service : table_.services()) {
      const Extras& extras = extras_[subject_of(service)];
      DraftService carried = carry_over(service, draft_);
      carried.notes.insert(carried.notes.end(), extras.notes.begin(), extras.notes.end());
      if (carried.service.method() == v1::METHOD_FULLNAT) {
        set_pool(carried, pools);
        set_client_address(carried.service, extras.proxy);
      }
      if (extras.established_s > 0) set_timeout(carried.service, extras.established_s);
      if (extras.ends_drained) draft_.config.mutable_sysctls()->set_expire_nodest_conn(true);
      draft_.services.push_back(std::move(carried));
    }
  }

 private:
  Source here(const IpvsadmLine& line) const { return {from_.file, {from_.place.line, line.column}}; }

  void take(const IpvsadmLine& line) {
    if (line.command.empty()) return;
    if (line.has("match")) return take_snat(line);
    if (line.has("snat")) return note(here(line), "SNAT of no match", "write a rule under the top-level snat");
    if (line.command == "clear") forget_snat();
    if (line.has("icmp-service") || line.has("icmpv6-service")) {
      return note(here(line), "a service of ICMP", "Linux answers pings of a VIP, on the kernel port");
    }
    if (line.command.ends_with("-laddr") || line.command.ends_with("lst")) return take_address(line);
    if (auto fault = table_.take(line, from_)) {
      faults_.push_back(std::move(*fault));
    } else if (line.command == "add-service" || line.command == "edit-service") {
      take_options(line);
    }
  }

  void forget_snat() {
    snats_.clear();
    snat_order_.clear();
  }

  // A service found by a match, or an address from which what it finds reaches out.
  void take_snat(const IpvsadmLine& line) {
    const std::string match = line.find("match")->value;
    const auto found = snats_.find(match);
    if (line.command == "add-service") {
      if (found == snats_.end()) snat_order_.push_back(match);
      snats_[match] = {here(line), parse_dpvs_match(match), {}, 0};
      const GivenOption* timeout = line.find("conn-timeout");
      if (timeout == nullptr) return;
      const auto seconds = number(timeout->value, 2073600);
      if (!seconds) return fail(*timeout, config::in_quotes(timeout->value) + " is no timeout of 0..2073600 seconds", "write one");
      snats_[match].timeout_s = *seconds;
      return;
    }
    if (found == snats_.end()) {
      faults_.push_back({here(line), "the service of match " + config::in_quotes(match) + " is not there", "add it before with -A"});
      return;
    }
    if (line.command == "delete-service") {
      snats_.erase(found);
      std::erase(snat_order_, match);
      return;
    }
    const GivenOption* real = line.find("real-server");
    if (real == nullptr) return;
    std::vector<std::string>& addresses = found->second.addresses;
    std::erase(addresses, real->value);
    if (line.command != "delete-server") addresses.push_back(real->value);
  }

  std::optional<LvsService> service_of(const IpvsadmLine& line) {
    auto service = service_of_line(line, from_, lookup_);
    if (auto* fault = std::get_if<Fault>(&service)) {
      faults_.push_back(std::move(*fault));
      return std::nullopt;
    }
    return std::get<LvsService>(std::move(service));
  }

  void take_options(const IpvsadmLine& line) {
    const auto service = service_of(line);
    if (!service) return;
    const std::string subject = subject_of(*service);
    Extras& extras = extras_[subject];
    extras.notes.clear();
    for (const ServiceOption& option : kServiceOptions) {
      const GivenOption* given = line.find(option.name);
      if (given == nullptr || given->value == "disable") continue;
      const std::string text = "--" + std::string(option.name) + (given->value.empty() ? "" : " " + config::shown(given->value));
      extras.notes.push_back({here(line), subject, text + " is not carried over", option.remedy});
    }
    if (const GivenOption* given = line.find("proxy-protocol")) take_proxy(line, *given, subject, extras);
    if (const GivenOption* given = line.find("hash-target"); given != nullptr && given->value != "sip") {
      extras.notes.push_back({here(line), subject, "--hash-target " + config::shown(given->value) + " is not carried over",
                              "Shunt hashes the client's address, and with scheduler_flags its port"});
    }
    if (const GivenOption* given = line.find("conn-timeout")) {
      const auto seconds = number(given->value, 2073600);
      if (!seconds) return fail(*given, config::in_quotes(given->value) + " is no timeout of 0..2073600 seconds", "write one");
      extras.established_s = *seconds;
    }
    if (!line.has("expire-quiescent")) return;
    extras.ends_drained = true;
    extras.notes.push_back({here(line), subject, "--expire-quiescent is for all services of Shunt, or none",
                            "sysctls: {expire_nodest_conn: true} is written", false});
  }

  void take_proxy(const IpvsadmLine& line, const GivenOption& given, const std::string& subject, Extras& extras) {
    extras.proxy = v1::CLIENT_ADDRESS_UNSPECIFIED;
    if (given.value.starts_with("v1")) extras.proxy = v1::CLIENT_ADDRESS_PROXY_V1;
    if (given.value.starts_with("v2")) extras.proxy = v1::CLIENT_ADDRESS_PROXY_V2;
    if (!given.value.ends_with("-insecure")) return;
    extras.notes.push_back({here(line), subject, "a PROXY header of the client's own does not take the place of Shunt's",
                            "it follows Shunt's, which names the client itself", false});
  }

  // -P, -Q: a service's local addresses. -U, -V, -O, -Y: clients that it takes or not.
  void take_address(const IpvsadmLine& line) {
    const auto service = service_of(line);
    if (!service) return;
    const std::string subject = subject_of(*service);
    const bool is_known = std::any_of(table_.services().begin(), table_.services().end(),
                                      [&subject](const LvsService& other) { return subject_of(other) == subject; });
    if (!is_known) {
      faults_.push_back({here(line), subject + " is not there", "add it before with -A"});
      return;
    }
    Extras& extras = extras_[subject];
    if (!line.command.ends_with("-laddr")) {
      const GivenOption* given = line.has("blklst") ? line.find("blklst") : line.find("whtlst");
      const bool is_denied = line.command == "add-blklst";
      if (line.command.starts_with("del-")) return;
      extras.notes.push_back({here(line), subject,
                              (is_denied ? "client " : "allowed client ") + config::shown(given == nullptr ? "" : given->value) +
                                  " is not carried over",
                              is_denied ? "drop it before Shunt" : "let others be dropped before Shunt, or serve it by `match`"});
      return;
    }
    const GivenOption* given = line.find("laddr");
    if (given == nullptr) {
      faults_.push_back({here(line), "the line names no local address", "name one with -z"});
      return;
    }
    const auto address = IpAddress::parse(given->value);
    if (!address) return fail(*given, config::in_quotes(given->value) + " is no address", "write it as in 192.0.2.1 or 2001:db8::1");
    auto& addresses = extras.local_addresses;
    const auto found = std::find(addresses.begin(), addresses.end(), *address);
    if (line.command == "add-laddr" && found == addresses.end()) addresses.push_back(*address);
    if (line.command == "del-laddr" && found != addresses.end()) addresses.erase(found);
    if (extras.local_from.file.empty()) extras.local_from = here(line);
    if (const GivenOption* device = line.find("ifname")) extras.device = device->value;
  }

  // dpip says what the machine's network is: Linux's to know, with Shunt.
  void take_dpip(const std::string& line) {
    const std::string what = line.substr(std::min(line.find_first_of(kBlanks), line.size()));
    std::string_view rest = trimmed(what);
    const std::string_view object = first_word(rest);
    const char* remedy = "ports, their queues and offloads are DPDK's and the configuration's: `ports`";
    if (object == "addr") remedy = "VIPs and local addresses come to their kernel ports by themselves; others go to kernel_port.addresses";
    if (object == "route" || object == "neigh") remedy = "give it to Linux: ip route or ip neigh, on the kernel port (sh-...)";
    if (object == "vlan") remedy = "write a port with `vlan`";
    note(from_, "dpip " + config::shown(rest), remedy);
  }

  // Services with a local address in common share a pool, since an address is of one pool. The pool's name by subject.
  std::map<std::string, std::string> make_pools() {
    std::map<std::string, std::string> pool_of;
    std::map<std::string, std::set<IpAddress>> pools;
    for (const LvsService& service : table_.services()) {
      const std::string subject = subject_of(service);
      const Extras& extras = extras_[subject];
      if (extras.local_addresses.empty()) continue;
      std::set<IpAddress> joined(extras.local_addresses.begin(), extras.local_addresses.end());
      std::string name;
      for (auto it = pools.begin(); it != pools.end();) {
        const bool meets = std::any_of(joined.begin(), joined.end(), [&it](const IpAddress& each) { return it->second.contains(each); });
        if (!meets) {
          ++it;
          continue;
        }
        joined.insert(it->second.begin(), it->second.end());
        for (auto& [other, pool] : pool_of) {
          if (pool == it->first && !name.empty()) pool = name;
        }
        if (name.empty()) name = it->first;
        it = pools.erase(it);
      }
      if (name.empty()) name = "locals-" + std::to_string(++pools_made_);
      pools[name] = std::move(joined);
      pool_of[subject] = name;
    }
    for (const auto& [name, addresses] : pools) {
      v1::LocalAddressPool& pool = *draft_.config.add_local_addresses();
      pool.set_name(name);
      for (const IpAddress& address : addresses) pool.add_addresses(address.to_string());
    }
    for (const auto& [subject, name] : pool_of) {
      const Extras& extras = extras_[subject];
      if (extras.device.empty() || !pools_told_.insert(name).second) continue;
      draft_.notes.push_back({extras.local_from, "local addresses on " + config::shown(extras.device),
                              "they are pool " + name + ", on the first kernel port",
                              "name another kernel port that answers for them: `port`, in local_addresses", false});
    }
    return pool_of;
  }

  static void set_pool(DraftService& service, const std::map<std::string, std::string>& pools) {
    const auto pool = pools.find(service.subject);
    if (pool != pools.end()) {
      service.service.set_local_addresses(pool->second);
      return;
    }
    service.notes.push_back({service.from, service.subject, "it has no local address (ipvsadm -S does not write them)",
                             "add a line for each that ipvsadm -G shows: -P -z ADDRESS -t VIP:PORT -F DEVICE"});
    service.is_left_out = true;
  }

  // DPVS's fullnat tells every real, by TOA and UOA where no PROXY protocol is asked for.
  static void set_client_address(v1::Service& service, v1::ClientAddress proxy) {
    const bool is_tcp = service.protocol() == v1::PROTOCOL_TCP;
    if (!is_tcp && service.protocol() != v1::PROTOCOL_UDP) return;
    if (proxy == v1::CLIENT_ADDRESS_UNSPECIFIED) proxy = is_tcp ? v1::CLIENT_ADDRESS_TOA : v1::CLIENT_ADDRESS_UOA;
    // Of UDP DPVS has the second version alone.
    if (!is_tcp && proxy == v1::CLIENT_ADDRESS_PROXY_V1) proxy = v1::CLIENT_ADDRESS_PROXY_V2;
    service.set_client_address(proxy);
  }

  static void set_timeout(v1::Service& service, uint32_t seconds) {
    google::protobuf::Duration& target = service.protocol() == v1::PROTOCOL_UDP
                                             ? *service.mutable_timeouts()->mutable_udp()
                                             : service.protocol() == v1::PROTOCOL_SCTP
                                                   ? *service.mutable_timeouts()->mutable_sctp_established()
                                                   : *service.mutable_timeouts()->mutable_tcp_established();
    target.set_seconds(seconds);
  }

  void note(const Source& from, std::string subject, std::string remedy) {
    draft_.notes.push_back({from, std::move(subject), "it is not carried over", std::move(remedy)});
  }

  void fail(const GivenOption& at, std::string cause, std::string remedy) {
    faults_.push_back({{from_.file, {from_.place.line, at.column}}, std::move(cause), std::move(remedy)});
  }

  Source from_;
  Lookup lookup_;
  IpvsadmTable table_;
  Draft& draft_;
  std::vector<Fault>& faults_;
  std::map<std::string, Extras> extras_;
  // By match, as it is written, and their order.
  std::map<std::string, DpvsSnat> snats_;
  std::vector<std::string> snat_order_;
  std::set<std::string> pools_told_;
  int pools_made_ = 0;
};

}  // namespace

bool are_dpvs_commands(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = trimmed(next_line(text));
    if (line.empty() || line.front() == '#' || line.front() == '!') continue;
    const std::string_view word = first_word(line);
    return word.front() == '-' || names_program(word, "ipvsadm") || names_program(word, "dpip");
  }
  return false;
}

void import_dpvs_commands(std::string_view text, const std::string& file, Lookup lookup, Draft& draft, std::vector<Fault>& faults) {
  Commands commands(file, lookup, draft, faults);
  commands.read(text);
  if (faults.empty()) commands.finish();
}

}  // namespace shunt::shuntctl
