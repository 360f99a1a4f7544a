#include "src/shuntctl/foreign/dpvs_conf.h"

#include <algorithm>
#include <bit>
#include <string_view>

#include "config/words.h"
#include "src/shuntctl/foreign/keepalived_reading.h"

namespace shunt::shuntctl {
namespace {

constexpr uint32_t kLeastDescriptors = 32;
constexpr uint32_t kMostDescriptors = 32768;
constexpr uint32_t kDefaultMbufs = 32768;
constexpr uint32_t kMostMbufs = 16777216;
constexpr uint32_t kLeastConnections = 1024;
constexpr uint32_t kMostConnections = 64000000;
constexpr uint32_t kMostTimeout_s = 24 * 86400;

struct Elsewhere {
  std::string_view keyword;
  const char* remedy;
};
constexpr Elsewhere kElsewhere[] = {
    {"timer_defs", "connections expire without timers of their own"},
    {"neigh_defs", "neighbours are Linux's, on the kernel ports"},
    {"ipset_defs", "there are no sets to size"},
    {"ipv4_defs", "routes, forwarding and TTLs are Linux's, on the kernel ports"},
    {"ipv6_defs", "routes and forwarding are Linux's, on the kernel ports"},
    {"ctrl_defs", "listener.unix_socket is where shuntctl finds shuntd"},
    {"sa_pool", "local ports are shared by the workers evenly, with no table to size"},
    {"dp_vs_laddr", "local ports are shared by the workers evenly"},
};

class DpvsConf {
 public:
  DpvsConf(const std::vector<Directive>& directives, Draft& draft) : draft_(draft) {
    for (const Directive& block : directives) {
      if (block.keyword() == "netif_defs") read_cards(block);
      else if (block.keyword() == "worker_defs") read_workers(block);
      else if (block.keyword() == "ipvs_defs") read_ipvs(block);
      else if (block.keyword() == "global_defs") read_global(block);
      else leave_out(block);
    }
    size_tables();
  }

  std::vector<Fault> faults() { return std::move(report_.faults); }

 private:
  void leave_out(const Directive& block) {
    for (const Elsewhere& known : kElsewhere) {
      if (known.keyword == block.keyword()) return note(block, "it is not Shunt's to set", known.remedy);
    }
    note(block, "unknown block", "look it up in DPVS's documentation");
  }

  void read_global(const Directive& block) {
    for (const Directive& each : block.block) {
      if (each.keyword() == "log_level") {
        const std::string level = each.word(1);
        draft_.config.mutable_logging()->set_level(level == "DEBUG"     ? v1::LOG_LEVEL_DEBUG
                                                   : level == "WARNING" ? v1::LOG_LEVEL_WARN
                                                   : level.starts_with("ERR") ? v1::LOG_LEVEL_ERROR
                                                                               : v1::LOG_LEVEL_INFO);
      } else if (each.keyword() == "log_file") {
        note(each, "shuntd logs to standard error", "systemd keeps it: journalctl -u shuntd");
      }
    }
  }

  void read_cards(const Directive& block) {
    for (const Directive& each : block.block) {
      if (each.keyword() == "device") read_card(each);
      if (each.keyword() != "bond") continue;
      note(each, "bonds are not carried over",
           "write a port whose device is DPDK's: \"net_bonding0,mode=4,slave=0000:01:00.0,slave=0000:01:00.1\"");
    }
  }

  void read_card(const Directive& device) {
    const int number = draft_.config.ports_size();
    v1::Port& port = *draft_.config.add_ports();
    std::string name = device.word(1);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    port.set_name(name);
    // Which card it is stands nowhere: DPVS takes those that are bound, in the order of their addresses.
    port.set_device("0000:" + std::string(number < 80 ? "0" : "") + std::to_string(1 + number / 8) + ":00." + std::to_string(number % 8));
    uint32_t descriptors = 0;
    for (const Directive& each : device.block) {
      if (each.keyword() == "mtu") {
        port.set_mtu(keepalived_number(each, 1, 9216, 1500, report_));
      } else if (each.keyword() == "kni_name") {
        port.mutable_kernel_port()->set_name(each.word(1));
      }
      for (const Directive& inner : each.block) {
        if (inner.keyword() != "descriptor_number") continue;
        descriptors = std::max(descriptors, keepalived_number(inner, 1, kMostDescriptors, 1024, report_));
      }
    }
    if (descriptors != 0) port.set_descriptors(std::bit_ceil(std::max(descriptors, kLeastDescriptors)));
    note(device, "which network card it is does not stand in dpvs.conf",
         "put the card's PCI address in place of " + port.device() + " (dpdk-devbind.py --status)", false);
  }

  void read_workers(const Directive& block) {
    std::string main;
    std::string others;
    for (const Directive& worker : block.block) {
      if (worker.keyword() != "worker") continue;
      std::string type = "slave";
      std::string cpu;
      for (const Directive& each : worker.block) {
        if (each.keyword() == "type") type = each.word(1);
        if (each.keyword() == "cpu_id") cpu = std::to_string(keepalived_number(each, 1, 1023, 0, report_));
      }
      if (cpu.empty()) {
        report_.faults.push_back({worker.from, "worker " + config::shown(worker.word(1)) + " has no cpu_id", "write one"});
      } else if (type == "master") {
        main = cpu;
      } else if (type == "slave") {
        others += "," + cpu;
        ++workers_;
      } else {
        note(worker, "a worker of type " + config::shown(type) + " is not carried over",
             "what is Linux's passes the workers themselves; the main lcore does the rest");
      }
    }
    if (workers_ > 0) draft_.config.mutable_dpdk()->set_lcores((main.empty() ? "0" : main) + others);
  }

  void read_ipvs(const Directive& block) {
    for (const Directive& part : block.block) {
      for (const Directive& each : part.block) {
        if (part.keyword() == "conn") read_connections(each);
        else if (each.keyword() == "timeout") read_timeouts(each, part.keyword() == "udp");
        else if (each.keyword() == "synproxy") note(each, "it is not carried over", "the sysctls secure_tcp, drop_entry and drop_packet are Shunt's defence against SYN floods");
        else if (each.keyword().starts_with("uoa_")) note(each, "it is not carried over", "set uoa_form and uoa_packets of the services with client_address: uoa");
      }
    }
  }

  void read_connections(const Directive& each) {
    if (each.keyword() == "conn_pool_size") {
      const uint32_t size = keepalived_number(each, 1, 4294967295U, 2097152, report_);
      draft_.config.mutable_workers()->set_connections(std::clamp(size, kLeastConnections, kMostConnections));
      note(each, "Shunt has a table for IPv6 by itself", "set workers.ipv6_connections, if 65536 of each worker's are not enough", false);
    } else if (each.keyword() == "expire_quiescent_template") {
      draft_.config.mutable_sysctls()->set_expire_quiescent_template(true);
    }
  }

  void read_timeouts(const Directive& block, bool is_udp) {
    for (const Directive& each : block.block) {
      const std::string field = is_udp ? (each.keyword() == "normal" ? "udp" : "") : "tcp_" + each.keyword();
      const auto* descriptor = v1::Timeouts::descriptor()->FindFieldByName(field);
      // "last" is none of the states.
      if (descriptor == nullptr) continue;
      const uint32_t seconds = keepalived_number(each, 1, kMostTimeout_s, 0, report_);
      if (seconds == 0) continue;
      v1::Timeouts& timeouts = *draft_.config.mutable_timeouts();
      auto* duration = static_cast<google::protobuf::Duration*>(timeouts.GetReflection()->MutableMessage(&timeouts, descriptor));
      duration->set_seconds(seconds);
    }
  }

  // Packet buffers for the queues, and memory for all.
  void size_tables() {
    if (draft_.config.ports_size() == 0) return;
    uint64_t descriptors = 0;
    for (const v1::Port& port : draft_.config.ports()) descriptors += port.descriptors() == 0 ? 1024 : port.descriptors();
    const uint64_t workers = std::max<uint64_t>(workers_, 1);
    // Two rings of a queue, and what a worker keeps besides: caches, waiting rooms, fragments.
    const uint64_t mbufs = std::clamp<uint64_t>(std::bit_ceil(workers * (2 * descriptors + 2048)), kDefaultMbufs, kMostMbufs);
    if (mbufs != kDefaultMbufs) draft_.config.mutable_workers()->set_mbufs(static_cast<uint32_t>(mbufs));
    const uint64_t connections = draft_.config.workers().connections() == 0 ? 262144 : draft_.config.workers().connections();
    // Generous; `shuntd --check` tells what it takes.
    const uint64_t bytes = mbufs * 2600 + workers * (connections * 110 + 65536 * 160 + (uint64_t{32} << 20));
    const uint64_t megabytes = std::max<uint64_t>(1024, (bytes + bytes / 4 + (uint64_t{512} << 20)) >> 20);
    draft_.config.mutable_dpdk()->set_memory_mb(static_cast<uint32_t>(std::min<uint64_t>(megabytes, 1048576)));
  }

  void note(const Directive& directive, std::string cause, std::string remedy, bool is_left_out = true) {
    const std::string name = directive.word(1);
    draft_.notes.push_back({directive.from, config::shown(directive.keyword()) + (name.empty() ? "" : " " + config::shown(name)),
                            std::move(cause), std::move(remedy), is_left_out});
  }

  Draft& draft_;
  KeepalivedReport report_;
  size_t workers_ = 0;
};

}  // namespace

void remove_remarks(std::vector<KeepalivedLine>& lines) {
  for (KeepalivedLine& line : lines) {
    for (size_t begin = line.text.find('<'); begin != std::string::npos; begin = line.text.find('<', begin)) {
      const size_t end = line.text.find('>', begin);
      if (end == std::string::npos) break;
      // Blanks, so that columns stay.
      std::fill(line.text.begin() + static_cast<std::ptrdiff_t>(begin), line.text.begin() + static_cast<std::ptrdiff_t>(end) + 1, ' ');
    }
  }
}

bool is_dpvs_conf(const std::vector<Directive>& directives) {
  return std::any_of(directives.begin(), directives.end(), [](const Directive& directive) {
    return directive.keyword() == "netif_defs" || directive.keyword() == "worker_defs" || directive.keyword() == "ipvs_defs";
  });
}

void import_dpvs_conf(const std::vector<Directive>& directives, Draft& draft, std::vector<Fault>& faults) {
  DpvsConf conf(directives, draft);
  const std::vector<Fault> more = conf.faults();
  faults.insert(faults.end(), more.begin(), more.end());
}

}  // namespace shunt::shuntctl
