// The machine part: EAL's options, ports and their kernel ports. Static next hops are in
// validate_next_hops.cc, the API over TCP in validate_tcp_listener.cc.
#include <algorithm>
#include <bit>
#include <set>
#include <string>
#include <utility>

#include "config/defaults.h"
#include "config/device.h"
#include "config/eal_options.h"
#include "config/hash_key.h"
#include "config/lcores.h"
#include "config/validate_parts.h"
#include "config/words.h"
#include "control/model/machine.h"
#include "dataplane/types.h"

namespace shunt::config {
namespace {

// sun_path's size less the terminating NUL.
constexpr size_t kSocketPathBytes = 107;

constexpr const char* kHowToWrite = "write it as in 192.0.2.1/24 or 2001:db8::1/64";

class MachineRules {
 public:
  MachineRules(const v1::Config& config, Problems& problems)
      : config_(config), problems_(problems) {}

  void check() {
    check_dpdk(config_.dpdk());
    check_workers(config_.workers());
    if (config_.ports().empty()) {
      add(problems_, "ports", reason::kRequired, "no port is given",
          "list at least one, with name and device");
    } else if (config_.ports_size() > static_cast<int>(dataplane::kMaxPorts)) {
      add(problems_, "ports", reason::kOutOfRange,
          std::to_string(config_.ports_size()) + " ports exceed " +
              std::to_string(dataplane::kMaxPorts),
          "remove some");
    }
    for (int i = 0; i < config_.ports_size(); ++i) {
      check_port(config_.ports(i), "ports[" + std::to_string(i) + "]");
    }
    check_path(config_.listener().unix_socket(), "listener.unix_socket", "unix_socket",
               kSocketPathBytes);
    check_unix_roles(config_.listener().unix_roles(), problems_);
    if (config_.listener().has_tcp()) check_tcp_listener(config_.listener().tcp(), problems_);
    check_path(config_.journal().directory(), "journal.directory", "directory", 4000);
    check_http(config_.http());
    check_probes(config_.probes());
  }

 private:
  void check_dpdk(const v1::Dpdk& dpdk) {
    if (!dpdk.lcores().empty()) check_lcores(dpdk.lcores());
    if (!dpdk.file_prefix().empty()) {
      check_name(dpdk.file_prefix(), kObjectName, "dpdk.file_prefix", "file_prefix", problems_);
    }
    for (int i = 0; i < dpdk.extra_args_size(); ++i) {
      check_extra_argument(dpdk.extra_args(i), "dpdk.extra_args[" + std::to_string(i) + "]");
    }
  }

  void check_lcores(const std::string& text) {
    const Lcores lcores = parse_lcores(text);
    if (!lcores.cause.empty()) {
      add(problems_, "dpdk.lcores", reason::kMalformed, "lcores: " + lcores.cause,
          "list the main lcore, then one per worker: \"0,1,2\" or \"0,1-3\"");
      return;
    }
    workers_ = lcores.list.size() - 1;
    if (workers_ == 0) {
      add(problems_, "dpdk.lcores", reason::kOutOfRange,
          "lcores " + in_quotes(text) + " leaves no worker",
          "list the main lcore and at least one more; \"0@0,1@0\" shares one CPU");
    } else if (workers_ > dataplane::kMaxWorkers) {
      add(problems_, "dpdk.lcores", reason::kOutOfRange,
          "lcores lists " + std::to_string(workers_) + " workers, more than " +
              std::to_string(dataplane::kMaxWorkers),
          "list fewer");
    }
  }

  void check_extra_argument(const std::string& argument, const std::string& field) {
    if (argument.empty()) {
      add(problems_, field, reason::kMalformed, "extra_args has an empty entry", "remove it");
    } else if (const OwnOption* own = own_option(argument); own != nullptr) {
      add(problems_, field, reason::kConflict,
          "extra_args has " + std::string(own->option) + ", which is shuntd's own",
          "remove it and " + std::string(own->instead));
    }
  }

  void check_workers(const v1::Workers& workers) {
    if (!workers.hash_key().empty() && !parse_hash_key(workers.hash_key())) {
      add(problems_, "workers.hash_key", reason::kMalformed,
          "hash_key is not 32 hexadecimal digits",
          "write 32 of them, as `openssl rand -hex 16` prints");
    }
    const uint64_t mbufs = workers.mbufs() == 0 ? control::Workers{}.mbufs : workers.mbufs();
    uint64_t needed = 0;
    for (const v1::Port& port : config_.ports()) {
      // Out of range, and told as such.
      if (port.descriptors() > 32768) return;
      needed +=
          workers_ * (port.descriptors() == 0 ? control::Port{}.descriptors : port.descriptors());
    }
    if (mbufs >= needed) return;
    add(problems_, "workers.mbufs", reason::kConflict,
        "mbufs " + std::to_string(mbufs) + " do not fill the receive queues of " +
            std::to_string(workers_) +
            (workers_ == 1 ? " worker, which hold " : " workers, which hold ") +
            std::to_string(needed),
        "set mbufs to " + std::to_string(std::bit_ceil(needed + 1)) +
            " or more, or lower the ports' descriptors");
  }

  void check_port(const v1::Port& port, const std::string& at) {
    if (check_name(port.name(), kPortName, at + ".name", "name", problems_)) {
      if (!names_.insert(port.name()).second) {
        add(problems_, at + ".name", reason::kDuplicate,
            "name " + in_quotes(port.name()) + " is another port's", "give each port its own name");
      }
    }
    check_device(port, at + ".device");
    if (!port.mac().empty()) check_mac(port.mac(), at + ".mac", problems_);
    if (port.descriptors() != 0 && !std::has_single_bit(port.descriptors())) {
      add(problems_, at + ".descriptors", reason::kOutOfRange,
          "descriptors " + std::to_string(port.descriptors()) + " is not a power of two",
          "use " + std::to_string(std::bit_ceil(std::min(port.descriptors(), 32768U))));
    }
    if (!port.kernel_port().disabled()) check_interface(port, at + ".kernel_port");
    check_ipv6_mtu(port, at + ".mtu");
    // A port without a kernel port still has its addresses: the outer source of tunnels, for one.
    for (int i = 0; i < port.kernel_port().addresses_size(); ++i) {
      check_kernel_address(port, port.kernel_port().addresses(i),
                           at + ".kernel_port.addresses[" + std::to_string(i) + "]");
    }
  }

  void check_device(const v1::Port& port, const std::string& field) {
    if (port.device().empty()) {
      add(problems_, field, reason::kRequired, "device is missing",
          "give a PCI address (0000:01:00.0) or a vdev (net_tap0,iface=x0)");
      return;
    }
    const auto device = parse_device(port.device());
    if (!device) {
      add(problems_, field, reason::kMalformed,
          "device " + in_quotes(port.device()) + " is neither a PCI address nor a vdev",
          "write 0000:01:00.0 or net_tap0,iface=x0; for a Linux interface, "
          "net_af_packet0,iface=eth0");
      return;
    }
    if (!devices_.insert(device->id).second) {
      add(problems_, field, reason::kDuplicate,
          "device " + in_quotes(device->id) + " is another port's",
          "give each port its own device");
    }
    if (!device->interface.empty()) check_interface_unique(device->interface, field);
  }

  void check_interface(const v1::Port& port, const std::string& at) {
    const std::string name = interface_of(port);
    // The default name is right whenever the port's is.
    if (port.kernel_port().name().empty() ||
        check_name(name, kInterfaceName, at + ".name", "name", problems_)) {
      if (!port.name().empty()) check_interface_unique(name, at + ".name");
    }
  }

  void check_interface_unique(const std::string& name, const std::string& field) {
    if (interfaces_.insert(name).second) return;
    add(problems_, field, reason::kDuplicate, "interface " + in_quotes(name) + " is already taken",
        "choose another interface name");
  }

  void check_ipv6_mtu(const v1::Port& port, const std::string& field) {
    const uint32_t mtu = mtu_below_ipv6(port);
    if (mtu == 0) return;
    for (const std::string& text : port.kernel_port().addresses()) {
      const auto parsed = InterfaceAddress::parse(text);
      if (!parsed || parsed->address.is_v4()) continue;
      add(problems_, field, reason::kConflict,
          "mtu " + std::to_string(mtu) + " is too small for the kernel port's " +
              parsed->to_string() + ": IPv6 needs " + std::to_string(kLeastIpv6Mtu) +
              " (RFC 8200 section 5)",
          "set it to " + std::to_string(kLeastIpv6Mtu) + " or more, or remove the address");
      return;
    }
  }

  void check_kernel_address(const v1::Port& port, const std::string& text,
                            const std::string& field) {
    const std::string subject = "address " + in_quotes(text);
    const auto parsed = InterfaceAddress::parse(text);
    if (!parsed) {
      add(problems_, field, reason::kMalformed, subject + " is not an address with prefix length",
          kHowToWrite);
    } else if (text.find('/') == std::string::npos) {
      add(problems_, field, reason::kMalformed, subject + " has no prefix length", kHowToWrite);
    } else if (const auto wrong = unfit(parsed->address, Reach::kLink)) {
      add(problems_, field, reason::kOutOfRange, subject + " " + wrong->cause, wrong->remedy);
    } else if (is_network_address(*parsed)) {
      add(problems_, field, reason::kOutOfRange, subject + " is the network itself",
          "use an address inside it");
    } else if (!addresses_.emplace(parsed->address, link_of(port, parsed->address)).second) {
      add(problems_, field, reason::kDuplicate, subject + " is already given to a kernel port",
          "list each address once");
    }
  }

  // Within what an address is unique.
  static std::string link_of(const v1::Port& port, const IpAddress& address) {
    return is_link_local(address) ? port.name() : "";
  }

  // RFC 3021: a /31 has no network address, nor has a /32. RFC 4291 section 2.6.1: IPv6's is the
  // routers' anycast address; RFC 6164: a /127 has none.
  static bool is_network_address(const InterfaceAddress& address) {
    if (address.length >= (address.address.is_v4() ? 31 : 127)) return false;
    return Prefix::parse(address.to_string())->address == address.address;
  }

  void check_path(const std::string& path, const char* field, const char* what, size_t max_bytes) {
    if (path.empty()) return;
    if (path[0] != '/' || path.find('\0') != std::string::npos) {
      add(problems_, field, reason::kMalformed,
          std::string(what) + " " + in_quotes(path) + " is not an absolute path",
          "begin it with /");
    } else if (path.size() > max_bytes) {
      add(problems_, field, reason::kOutOfRange,
          std::string(what) + " has " + std::to_string(path.size()) + " bytes, more than " +
              std::to_string(max_bytes),
          "use a shorter path");
    }
  }

  // Unlike a VIP, it may be any address that a socket can be bound to.
  void check_http(const v1::Http& http) {
    if (http.address().empty()) return;
    const auto address = IpAddress::parse(http.address());
    if (!address) {
      add(problems_, "http.address", reason::kMalformed,
          "address " + in_quotes(http.address()) + " is no IP address",
          "write it as 127.0.0.1, ::1 or, with allow_remote, 0.0.0.0");
    } else if (!is_loopback(*address) && !http.allow_remote() && !http.disabled()) {
      add(problems_, "http.address", reason::kConflict,
          "address " + address->to_string() +
              " can be reached from other machines, who would read VIPs, reals and traffic without "
              "a password",
          "use 127.0.0.1 behind a proxy that asks for one, or set http.allow_remote: true");
    }
  }

  void check_probes(const v1::Probes& probes) {
    if (!probes.interface().empty() &&
        check_name(probes.interface(), kInterfaceName, "probes.interface", "interface", problems_)) {
      check_interface_unique(probes.interface(), "probes.interface");
    }
    check_probe_prefix(probes.ipv4_prefix(), "ipv4_prefix", true, 8, 15);
    check_probe_prefix(probes.ipv6_prefix(), "ipv6_prefix", false, 16, 96);
  }

  void check_probe_prefix(const std::string& text, const char* field, bool is_v4, uint8_t least, uint8_t most) {
    if (text.empty()) return;
    const std::string at = std::string("probes.") + field;
    const auto prefix = Prefix::parse(text);
    const std::string lengths = "/" + std::to_string(least) + " to /" + std::to_string(most);
    if (!prefix || prefix->address.is_v4() != is_v4) {
      add(problems_, at, reason::kMalformed,
          std::string(field) + " " + in_quotes(text) + " is no " + (is_v4 ? "IPv4" : "IPv6") + " prefix",
          std::string("write it as ") + (is_v4 ? "240.82.0.0/15" : "fd53:6875:6e74::/96"));
    } else if (prefix->length < least || prefix->length > most) {
      add(problems_, at, reason::kOutOfRange,
          std::string(field) + " " + text + " is /" + std::to_string(prefix->length) + ", not " + lengths,
          "give one that nothing else uses, of " + lengths + ": every real has an address of it");
    }
  }

  static bool is_loopback(const IpAddress& address) {
    return Prefix::parse("127.0.0.0/8")->contains(address) || address == IpAddress::parse("::1");
  }

  const v1::Config& config_;
  Problems& problems_;
  // As the default lcores give, unless the file says otherwise.
  size_t workers_ = 1;
  std::set<std::string> names_;
  std::set<std::string> devices_;
  std::set<std::string> interfaces_;
  // Each with the port whose link it is of; empty: all links.
  std::set<std::pair<IpAddress, std::string>> addresses_;
};

}  // namespace

void check_machine(const v1::Config& config, Problems& problems) {
  MachineRules(config, problems).check();
  check_next_hops(config, problems);
}

}  // namespace shunt::config
