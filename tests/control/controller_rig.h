// A controller over a running dataplane on a port that is a wire back to itself: what leaves for a real comes in again,
// to a group MAC address, and ends among the kernel port's frames, where tests look at it.
#pragma once

#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "config/convert.h"
#include "control/controller.h"
#include "dataplane/headers.h"

namespace shunt::control {

inline Real real_at(const std::string& address, uint32_t weight = 1) {
  Real real;
  real.address = *IpAddress::parse(address);
  real.port = 53;
  real.name = address + ":53";
  real.weight = weight;
  return real;
}

// A UDP service on port 53, whose reals are not checked unless a test says so.
inline Service service_at(const std::string& name, const std::string& vip, std::vector<Real> reals) {
  Service service;
  service.name = name;
  service.protocol = Protocol::kUdp;
  service.address = *IpAddress::parse(vip);
  service.port = 53;
  service.scheduler = SchedulerKind::kRr;
  service.reals = std::move(reals);
  return service;
}

inline DesiredState state_with(std::vector<Real> reals) {
  DesiredState state;
  state.services = {service_at("dns", "10.9.9.9", std::move(reals))};
  return state;
}

// The service of both families, each with its own reals.
inline DesiredState both_families(std::vector<Real> ipv6_reals) {
  DesiredState state = state_with({real_at("10.1.0.1")});
  state.services.push_back(service_at("dns6", "2001:db8:9::9", std::move(ipv6_reals)));
  return state;
}

inline bool within(std::chrono::seconds limit, const std::function<bool()>& wanted) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < end) {
    if (wanted()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return wanted();
}

class ControllerRig {
 public:
  static constexpr MacAddress kOurs{{2, 0, 0, 0, 0, 1}};
  static constexpr MacAddress kGroup{{3, 0, 0, 0, 0, 9}};

  explicit ControllerRig(unsigned workers = 1) {
    dataplane::DataplaneOptions wanted;
    wanted.lcores = "0@0";
    for (unsigned i = 1; i <= workers; ++i) wanted.lcores += "," + std::to_string(i) + "@0";
    wanted.memory_mb = 256;
    wanted.huge_pages = false;
    wanted.file_prefix = "shunt-controller-test-" + std::to_string(getpid());
    wanted.extra_eal_args = {"--log-level=*:error"};
    wanted.connections_per_worker = 4096;
    wanted.ipv6_connections_per_worker = 2048;
    wanted.mbufs = 16384;
    wanted.ports.push_back({.name = "p0", .device = "net_ring0", .mac = kOurs});
    auto started = dataplane::Dataplane::start(wanted);
    EXPECT_TRUE(started) << started.error().message;
    dataplane_ = std::move(*started);

    char name[] = "/tmp/shunt-controller-XXXXXX";
    directory = ::mkdtemp(name);
    options.machine.journal_directory = directory;
    options.machine.ports = {{.name = "p0", .device = "net_ring0", .kernel_port = {true, "sh-p0", {}}}};
    options.codec = codec();
    options.hooks.resolve = [this](const dataplane::ResolveRequest& request) {
      const std::lock_guard lock(mutex_);
      resolved_.push_back(request.address.to_string());
    };
    options.hooks.desired_changed = [this](const DesiredState&) {
      const std::lock_guard lock(mutex_);
      ++desired_changes_;
    };
    options.file = {state_with({real_at("10.1.0.1"), real_at("10.1.0.2")}), 7};
  }
  ~ControllerRig() {
    controller_.reset();
    dataplane_.reset();
    std::filesystem::remove_all(directory);
  }

  static StateCodec codec() {
    return {[](const DesiredState& state) { return config::to_proto(state).SerializeAsString(); },
            [](const std::string& bytes) -> Result<DesiredState> {
              v1::DesiredState state;
              if (state.ParseFromString(bytes)) return config::to_desired_state(state);
              return Error{ErrorCode::kInvalid, "no desired state"};
            },
            {}};
  }

  // Starts a controller, the one before ended; its workers know the way to three reals when this returns.
  Controller& start() {
    controller_.reset();
    auto started = Controller::start(*dataplane_, options);
    EXPECT_TRUE(started) << started.error().message;
    controller_ = std::move(*started);
    controller_->on_kernel_view(view({"10.1.0.1", "10.1.0.2", "10.1.0.3"}));
    EXPECT_TRUE(within(std::chrono::seconds(3), [this] {
      const auto page = controller_->list_services({});
      for (const RealState& real : page->services.at(0).reals) {
        if (real.next_hop.starts_with("reachable")) return true;
      }
      return false;
    }));
    return *controller_;
  }
  // A network of reals and clients of each family on the port, these neighbours known.
  static KernelView view(const std::vector<std::string>& neighbours) {
    KernelView result;
    result.links = {
        {0, true, 1500, {*InterfaceAddress::parse("10.1.0.254/16"), *InterfaceAddress::parse("2001:db8:1::254/64")}}};
    result.routes = {{*Prefix::parse("10.1.0.0/16"), 0, {}, 0, {}}, {*Prefix::parse("2001:db8:1::/64"), 0, {}, 0, {}}};
    for (const auto& each : neighbours) result.neighbours.push_back({0, *IpAddress::parse(each), kGroup});
    return result;
  }

  // Sends a datagram from a client's port to a VIP; returns the real that it arrived at, "" for none within a second.
  std::string real_of(uint16_t client_port) {
    return real_of(client_port, *IpAddress::parse("10.1.200.7"), *IpAddress::parse("10.9.9.9"));
  }
  std::string real6_of(uint16_t client_port) {
    return real_of(client_port, *IpAddress::parse("2001:db8:1::c:7"), *IpAddress::parse("2001:db8:9::9"));
  }
  std::string real_of(uint16_t client_port, const IpAddress& client, const IpAddress& vip) {
    drain_frames();
    const auto frame = datagram(client_port, client, vip);
    EXPECT_TRUE(dataplane_->send_frame(0, frame.data(), frame.size()));
    std::string arrived;
    within(std::chrono::seconds(1), [&] {
      dataplane_->take_kernel_frames(0, [&](const uint8_t* data, size_t bytes) {
        if (bytes >= 34 && data[12] == 0x08 && data[23] == 17) {
          Be32 destination;
          std::memcpy(&destination.raw, data + 30, 4);
          arrived = IpAddress::from_v4(destination).to_string();
        }
        if (bytes >= 62 && data[12] == 0x86 && data[20] == 17) arrived = IpAddress::from_v6(data + 38).to_string();
      });
      return !arrived.empty();
    });
    return arrived;
  }

  std::vector<std::string> resolved() const {
    const std::lock_guard lock(mutex_);
    return resolved_;
  }
  int desired_changes() const {
    const std::lock_guard lock(mutex_);
    return desired_changes_;
  }
  // "kind subject" of all events.
  std::vector<std::string> events() const {
    std::vector<std::string> result;
    for (const Event& each : controller_->events().after(0)) result.push_back(each.kind + " " + each.subject);
    return result;
  }
  bool sees_event(const std::string& event) const {
    return within(std::chrono::seconds(3), [&] {
      const auto all = events();
      return std::find(all.begin(), all.end(), event) != all.end();
    });
  }
  RealState real(size_t index) const { return controller_->list_services({})->services.at(0).reals.at(index); }
  // Cuts all connections of every real.
  void flush() {
    for (uint32_t i = 0; i < 16; ++i) dataplane_->flush_connections({i});
  }
  std::string journal_file() const { return directory + "/desired-state.journal"; }
  dataplane::Dataplane& dataplane() { return *dataplane_; }
  Controller& controller() { return *controller_; }

  ControllerOptions options;
  std::string directory;

 private:
  void drain_frames() {
    dataplane_->take_kernel_frames(0, [](const uint8_t*, size_t) {});
  }
  static std::vector<uint8_t> datagram(uint16_t client_port, const IpAddress& client, const IpAddress& vip) {
    using namespace dataplane;
    constexpr size_t kUdpBytes = sizeof(UdpHeader) + 4;
    const size_t ip_bytes = vip.is_v4() ? sizeof(Ipv4Header) : sizeof(Ipv6Header);
    std::vector<uint8_t> frame(sizeof(EthernetHeader) + ip_bytes + kUdpBytes);
    auto* ethernet = reinterpret_cast<EthernetHeader*>(frame.data());
    ethernet->destination = kOurs;
    ethernet->type = vip.is_v4() ? kEtherTypeIpv4 : kEtherTypeIpv6;
    auto* udp = reinterpret_cast<UdpHeader*>(reinterpret_cast<uint8_t*>(ethernet + 1) + ip_bytes);
    udp->source_port = Be16::from_host(client_port);
    udp->destination_port = Be16::from_host(53);
    udp->length = Be16::from_host(kUdpBytes);
    if (vip.is_v4()) {
      auto* ip = reinterpret_cast<Ipv4Header*>(ethernet + 1);
      ip->version_ihl = 0x45;
      ip->total_length = Be16::from_host(static_cast<uint16_t>(ip_bytes + kUdpBytes));
      ip->ttl = 64;
      ip->protocol = kIpProtocolUdp;
      ip->source = client.v4();
      ip->destination = vip.v4();
      ip->checksum = checksum(ip, sizeof *ip, 0);
      return frame;
    }
    auto* ip = reinterpret_cast<Ipv6Header*>(ethernet + 1);
    ip->version_class_flow = Be32::from_host(0x60000000);
    ip->payload_length = Be16::from_host(kUdpBytes);
    ip->next_header = kIpProtocolUdp;
    ip->hop_limit = 64;
    ip->source = client.bytes;
    ip->destination = vip.bytes;
    // IPv6 has no datagrams without one. Over both addresses, too, which lie in front.
    udp->checksum = checksum(&ip->source, 32 + kUdpBytes, kIpProtocolUdp + kUdpBytes);
    return frame;
  }
  static Be16 checksum(const void* from, size_t count, uint32_t sum) {
    const auto* bytes = static_cast<const uint8_t*>(from);
    for (size_t i = 0; i < count; i += 2) sum += static_cast<uint32_t>(bytes[i] << 8 | bytes[i + 1]);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return Be16::from_host(static_cast<uint16_t>(~sum));
  }

  std::unique_ptr<dataplane::Dataplane> dataplane_;
  std::unique_ptr<Controller> controller_;
  mutable std::mutex mutex_;
  std::vector<std::string> resolved_;
  int desired_changes_ = 0;
};

}  // namespace shunt::control
