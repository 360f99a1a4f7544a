#include "control/kernel/probe_gate.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "control/kernel/netlink.h"
#include "dataplane/headers.h"

namespace shunt::control {
namespace {

constexpr size_t kPacketBytes = 16384;
// Packets read in a row; the rest waits until the kernel ports had their turn.
constexpr int kBurst = 64;

Error failure(ErrorCode code, const std::string& name, const std::string& cause) {
  return Error{code, "probe interface " + name + ": " + cause};
}

Error attach_error(const std::string& name, int error) {
  if (error == EBUSY) {
    return failure(ErrorCode::kConflict, name,
                   "an interface of that name exists; remove it (ip link del " + name + "), or set another probes.interface");
  }
  if (error == EPERM || error == EACCES) {
    return failure(ErrorCode::kPermission, name, "not allowed to make a TUN interface; run as root or with CAP_NET_ADMIN");
  }
  if (error == ENOENT || error == ENODEV || error == ENXIO) {
    return failure(ErrorCode::kNotFound, name, "this kernel has no TUN/TAP driver (/dev/net/tun); run 'modprobe tun'");
  }
  return failure(ErrorCode::kInvalid, name, std::string("Linux refuses the interface: ") + std::strerror(error));
}

void enable_ipv6(const std::string& name) {
  const std::string path = "/proc/sys/net/ipv6/conf/" + name + "/disable_ipv6";
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return;  // a kernel without IPv6
  if (::write(file, "0", 1) != 1) spdlog::warn("probe interface {}: write 0 to {}: {}", name, path, std::strerror(errno));
  ::close(file);
}

NetlinkMessage up_message(int ifindex, uint16_t mtu) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = ifindex;
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  NetlinkMessage message = make_request(RTM_NEWLINK, 0, header);
  nla_put_u32(message.get(), IFLA_MTU, mtu);
  return message;
}

NetlinkMessage route_message(int ifindex, const Prefix& prefix) {
  rtmsg header{};
  header.rtm_family = prefix.address.is_v4() ? AF_INET : AF_INET6;
  header.rtm_dst_len = prefix.length;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_STATIC;
  header.rtm_scope = prefix.address.is_v4() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  header.rtm_type = RTN_UNICAST;
  NetlinkMessage message = make_request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, header);
  put_address(message.get(), RTA_DST, prefix.address);
  nla_put_u32(message.get(), RTA_OIF, static_cast<uint32_t>(ifindex));
  return message;
}

}  // namespace

ProbeGate::ProbeGate(int fd, SendToReal send) : fd_(fd), send_(std::move(send)), packet_(kPacketBytes) {}

ProbeGate::~ProbeGate() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::unique_ptr<ProbeGate>> ProbeGate::open(const ProbeGateOptions& options, SendToReal send) {
  const std::string& name = options.name;
  std::unique_ptr<ProbeGate> gate(new ProbeGate(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), std::move(send)));
  if (gate->fd_ < 0) return attach_error(name, errno);
  ifreq request{};
  std::memcpy(request.ifr_name, name.c_str(), std::min(name.size(), sizeof request.ifr_name - 1));
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL);
  if (::ioctl(gate->fd_, TUNSETIFF, &request) != 0) return attach_error(name, errno);
  // Packets go out of another device, which must not find checksums left to do.
  if (::ioctl(gate->fd_, TUNSETOFFLOAD, 0) != 0) return attach_error(name, errno);
  enable_ipv6(name);
  auto netlink = NetlinkSocket::open();
  if (!netlink) return netlink.error();
  const int ifindex = static_cast<int>(::if_nametoindex(name.c_str()));
  if (const int error = netlink->request(up_message(ifindex, options.mtu).get())) return attach_error(name, error);
  for (const Prefix& prefix : {options.prefixes.v4, options.prefixes.v6}) {
    const int error = netlink->request(route_message(ifindex, prefix).get());
    const bool lacks_ipv6 = !prefix.address.is_v4() && (error == EOPNOTSUPP || error == EAFNOSUPPORT);
    if (error == 0 || lacks_ipv6) continue;
    return failure(error == EEXIST ? ErrorCode::kConflict : ErrorCode::kInvalid, name,
                   error == EEXIST ? "there is a route to " + prefix.to_string() + " already; set other prefixes in probes"
                                   : "Linux refuses the route to " + prefix.to_string() + ": " + std::strerror(error));
  }
  ProbeTable table;
  table.prefixes = options.prefixes;
  gate->set(std::move(table));
  return gate;
}

void ProbeGate::set(ProbeTable table) { table_.store(std::make_shared<const ProbeTable>(std::move(table))); }

ProbeCounters ProbeGate::counters() const noexcept {
  return {out_.load(std::memory_order_relaxed), in_.load(std::memory_order_relaxed),
          refused_.load(std::memory_order_relaxed)};
}

bool ProbeGate::move_out() {
  const auto table = table_.load();
  for (int i = 0; i < kBurst && !gone_; ++i) {
    const ssize_t bytes = ::read(fd_, packet_.data(), packet_.size());
    if (bytes < 0) {
      if (errno == EBADFD) {
        gone_ = true;
        spdlog::error("the probe interface was deleted: checks by way of VIPs fail; restart shuntd");
      }
      return i > 0;
    }
    const std::span<uint8_t> packet(packet_.data(), static_cast<size_t>(bytes));
    const auto real = translation_.outward(*table, packet, std::chrono::steady_clock::now());
    const bool sent = real && send_(*real, packet.data(), packet.size());
    (sent ? out_ : refused_).fetch_add(1, std::memory_order_relaxed);
  }
  return true;
}

bool ProbeGate::take_in(const uint8_t* frame, size_t bytes) {
  using dataplane::EthernetHeader;
  if (bytes <= sizeof(EthernetHeader) || bytes - sizeof(EthernetHeader) > packet_.size()) return false;
  const auto type = reinterpret_cast<const EthernetHeader*>(frame)->type;
  if (type != dataplane::kEtherTypeIpv4 && type != dataplane::kEtherTypeIpv6) return false;
  const size_t held = bytes - sizeof(EthernetHeader);
  std::memcpy(packet_.data(), frame + sizeof(EthernetHeader), held);
  size_t whole = 0;
  switch (translation_.inward(*table_.load(), {packet_.data(), held}, std::chrono::steady_clock::now(), whole)) {
    case ProbeTranslation::Inward::kNone: return false;
    case ProbeTranslation::Inward::kForged:
      refused_.fetch_add(1, std::memory_order_relaxed);
      return true;
    case ProbeTranslation::Inward::kAnswer: break;
  }
  const bool written = !gone_ && ::write(fd_, packet_.data(), whole) == static_cast<ssize_t>(whole);
  (written ? in_ : refused_).fetch_add(1, std::memory_order_relaxed);
  return true;
}

}  // namespace shunt::control
