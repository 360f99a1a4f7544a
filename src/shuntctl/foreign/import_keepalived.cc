#include "src/shuntctl/foreign/import_keepalived.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "config/words.h"
#include "src/shuntctl/foreign/dpvs_snat.h"
#include "src/shuntctl/foreign/keepalived_server.h"

namespace shunt::shuntctl {
namespace {

constexpr uint32_t kMostTimeout_s = 31 * 86400;

// Blocks that are not about forwarding, and what becomes of them.
struct Elsewhere {
  std::string_view keyword;
  const char* remedy;
};
constexpr const char* kVrrp = "keep it in a keepalived.conf of its own; VRRP runs on a kernel port as on any interface";
constexpr const char* kNetwork = "give addresses to kernel_port.addresses, and routes to Linux (ip route add ... dev KERNEL_PORT)";
constexpr Elsewhere kElsewhere[] = {
    {"vrrp_instance", kVrrp}, {"vrrp_sync_group", kVrrp}, {"vrrp_script", kVrrp}, {"vrrp_track_process", kVrrp},
    {"vrrp_track_file", kVrrp}, {"track_file", kVrrp}, {"static_track_group", kVrrp}, {"garp_group", kVrrp},
    {"static_ipaddress", kNetwork}, {"static_routes", kNetwork}, {"static_rules", kNetwork},
    {"bfd_instance", "run BFD in the routing daemon, on a kernel port"},
    {"SSL", "checks over TLS have their own settings"},
    {"blacklist_group", "drop these clients before Shunt"}, {"whitelist_group", "let others be dropped before Shunt"},
    {"deny_list_group", "drop these clients before Shunt"}, {"allow_list_group", "let others be dropped before Shunt"},
    {"tunnel_group", kNetwork},
};

class KeepalivedImport {
 public:
  KeepalivedImport(const std::vector<Directive>& directives, Imported& imported) : imported_(imported) {
    for (const Directive& directive : directives) read_first(directive);
    for (const Directive& directive : directives) read(directive);
    imported_.faults.insert(imported_.faults.end(), report_.faults.begin(), report_.faults.end());
  }

 private:
  Draft& draft() { return imported_.draft; }

  void read_first(const Directive& directive) {
    if (directive.keyword() == "virtual_server_group") {
      context_.groups[directive.word(1)] = &directive;
    } else if (directive.keyword() == "local_address_group") {
      read_pool(directive);
    }
  }

  void read_pool(const Directive& group) {
    v1::LocalAddressPool& pool = *draft().config.add_local_addresses();
    pool.set_name(group.word(1));
    context_.pools.push_back(group.word(1));
    for (const Directive& entry : group.block) {
      const auto addresses = addresses_of_range(entry.keyword());
      if (addresses.empty()) {
        report_.faults.push_back({entry.from, config::in_quotes(entry.keyword()) + " is no address", "write it as in 192.0.2.1 or 192.0.2.1-9"});
      }
      for (const IpAddress& address : addresses) pool.add_addresses(address.to_string());
      if (entry.words.size() < 2) continue;
      note(entry, "its port " + config::in_quotes(entry.words[1]) + " is not carried over",
           "name the kernel port that answers for the pool: `port`, in local_addresses");
    }
  }

  void read(const Directive& directive) {
    const std::string& keyword = directive.keyword();
    if (keyword == "virtual_server_group" || keyword == "local_address_group") return;
    if (keyword == "global_defs") return read_global(directive);
    if (keyword == "virtual_server") {
      if (directive.word(1) == "match") {
        return read_match(directive);
      }
      return import_virtual_server(directive, context_, draft(), report_);
    }
    for (const Elsewhere& known : kElsewhere) {
      if (known.keyword == keyword) return note(directive, "it is not Shunt's", known.remedy);
    }
    note(directive, "unknown keyword", "look it up in keepalived.conf(5)");
  }

  // DPVS's: what reals send out is translated.
  void read_match(const Directive& server) {
    DpvsSnat snat{server.from, {}, {}, 0};
    for (const Directive& each : server.block) {
      const std::string& keyword = each.keyword();
      std::string value = each.word(1);
      if (keyword == "protocol") {
        std::transform(value.begin(), value.end(), value.begin(), [](unsigned char c) { return std::tolower(c); });
        snat.match["proto"] = value;
      } else if (keyword == "src-range" || keyword == "dst-range" || keyword == "iif" || keyword == "oif") {
        snat.match[keyword] = value;
      } else if (keyword == "real_server") {
        snat.addresses.push_back(value);
      }
    }
    // As keepalived has it.
    snat.match.emplace("proto", "tcp");
    add_snat_rule(snat, draft());
  }

  void read_global(const Directive& global) {
    for (const Directive& each : global.block) {
      const std::string& keyword = each.keyword();
      if (keyword == "lvs_timeouts") {
        read_timeouts(each);
      } else if (keyword == "lvs_sync_daemon") {
        note(each, "Shunt does not speak IPVS's synchronization protocol",
             "choose a scheduler that picks alike on every machine (mh), so that a takeover finds the same reals");
      } else if (keyword.starts_with("notification_email") || keyword.starts_with("smtp_")) {
        note(each, "Shunt sends no mail", "let Prometheus send alerts: config/prometheus/alerts.yaml");
      } else if (keyword.starts_with("lvs_notify_fifo")) {
        note(each, "there is no such pipe", "read `shuntctl events --watch -o json`");
      }
    }
  }

  void read_timeouts(const Directive& each) {
    v1::Timeouts& timeouts = *draft().config.mutable_timeouts();
    for (size_t i = 1; i + 1 < each.words.size(); i += 2) {
      const uint32_t seconds = keepalived_number(each, i + 1, kMostTimeout_s, 0, report_);
      if (seconds == 0) continue;
      if (each.words[i] == "tcp") timeouts.mutable_tcp_established()->set_seconds(seconds);
      else if (each.words[i] == "tcpfin") timeouts.mutable_tcp_fin_wait()->set_seconds(seconds);
      else if (each.words[i] == "udp") timeouts.mutable_udp()->set_seconds(seconds);
      else report_.faults.push_back({each.from, "lvs_timeouts: unknown word " + config::in_quotes(each.words[i]), "use tcp, tcpfin and udp"});
    }
  }

  void note(const Directive& directive, std::string cause, std::string remedy) {
    const std::string name = directive.word(1);
    draft().notes.push_back({directive.from, config::shown(directive.keyword()) + (name.empty() ? "" : " " + config::shown(name)),
                             std::move(cause), std::move(remedy)});
  }

  Imported& imported_;
  KeepalivedContext context_;
  KeepalivedReport report_;
};

}  // namespace

void add_keepalived(std::string_view text, const std::string& file, const std::string& id, Imported& imported) {
  KeepalivedLines lines = read_keepalived(text, file, folder_of(file), id);
  imported.draft.notes.insert(imported.draft.notes.end(), lines.notes.begin(), lines.notes.end());
  KeepalivedTree tree = lines.faults.empty() ? parse_keepalived(lines.lines) : KeepalivedTree{{}, lines.faults};
  imported.faults.insert(imported.faults.end(), tree.faults.begin(), tree.faults.end());
  if (tree.faults.empty()) KeepalivedImport(tree.directives, imported);
}

Imported import_keepalived(std::string_view text, const std::string& file, const std::string& id) {
  Imported imported;
  add_keepalived(text, file, id, imported);
  if (imported.faults.empty()) leave_out_what_is_refused(imported.draft);
  return imported;
}

}  // namespace shunt::shuntctl
