#include "control/kernel/tap.h"

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "control/kernel/address_requests.h"
#include "control/kernel/netlink.h"

namespace shunt::control {
namespace {

Error failure(ErrorCode code, const std::string& name, const std::string& cause) {
  return Error{code, "kernel port " + name + ": " + cause};
}

Error open_error(const std::string& name, int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return failure(ErrorCode::kPermission, name,
                     "not allowed to open /dev/net/tun; run as root or with CAP_NET_ADMIN");
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return failure(ErrorCode::kNotFound, name,
                     "this kernel has no TUN/TAP driver (/dev/net/tun); run 'modprobe tun', or "
                     "disable the kernel port");
    default:
      return failure(ErrorCode::kInternal, name,
                     std::string("open /dev/net/tun: ") + std::strerror(error));
  }
}

Error attach_error(const std::string& name, int error) {
  switch (error) {
    case EBUSY:
      return failure(ErrorCode::kConflict, name,
                     "an interface of that name exists; end the process that made it or remove it "
                     "(ip link del " +
                         name + "), or choose another name for the kernel port");
    case EPERM:
      return failure(ErrorCode::kPermission, name,
                     "not allowed to make a TAP interface; run as root or with CAP_NET_ADMIN");
    case EINVAL:
      return failure(ErrorCode::kInvalid, name,
                     "Linux refuses this as an interface name; use letters, digits, '-' and '_'");
    default:
      return failure(ErrorCode::kInternal, name,
                     std::string("make TAP interface: ") + std::strerror(error));
  }
}

// Everything about the interface in one request, so that it never is up half-made. Its IPv4
// settings are this interface's alone:
// - rp_filter loose: replies may come in on another port than requests leave by, and the strict
// check would drop
//   them. Loose rather than off, because the kernel takes the stricter of "all" and the interface
//   by number, so that 0 would not win over a system-wide strict 1, and 2 does.
// - arp_announce 2: never name a VIP as the sender of an ARP request. A `direct` real owns the VIP
// too and would not
//   answer a request that seems to come from itself.
// - arp_notify: announce all addresses when the interface comes up.
NetlinkMessage setup_message(int ifindex, const TapOptions& options) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = ifindex;
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  NetlinkMessage message = make_request(RTM_NEWLINK, 0, header);
  if (!options.mac.is_zero()) nla_put(message.get(), IFLA_ADDRESS, 6, options.mac.bytes.data());
  nla_put_u32(message.get(), IFLA_MTU, options.mtu);
  nlattr* families = nla_nest_start(message.get(), IFLA_AF_SPEC);
  nlattr* ipv4 = nla_nest_start(message.get(), AF_INET);
  nlattr* settings = nla_nest_start(message.get(), IFLA_INET_CONF);
  nla_put_u32(message.get(), IPV4_DEVCONF_RP_FILTER, 2);
  nla_put_u32(message.get(), IPV4_DEVCONF_ARP_ANNOUNCE, 2);
  nla_put_u32(message.get(), IPV4_DEVCONF_ARP_NOTIFY, 1);
  nla_nest_end(message.get(), settings);
  nla_nest_end(message.get(), ipv4);
  nla_nest_end(message.get(), families);
  return message;
}

// Netlink cannot make IPv6's settings.
// - addr_gen_mode 0: a link-local address from the MAC address, whatever is the default; without
//   one Linux asks for no neighbour.
// - accept_dad 0: usable at once. Detection would ask before the port forwards, and hold up asking
//   for neighbours for seconds after each start.
// - keep_addr_on_down: VIPs are there again after the interface was down, as IPv4's are.
// - disable_ipv6 last, so that the others hold from the beginning.
void set_up_ipv6(const std::string& name) {
  static constexpr std::pair<const char*, char> kSettings[] = {{"addr_gen_mode", '0'},
                                                               {"accept_dad", '0'},
                                                               {"keep_addr_on_down", '1'},
                                                               {"disable_ipv6", '0'}};
  for (const auto& [setting, value] : kSettings) {
    const std::string path = "/proc/sys/net/ipv6/conf/" + name + "/" + setting;
    const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    // A kernel without IPv6.
    if (file < 0 && errno == ENOENT) continue;
    if (file < 0 || ::write(file, &value, 1) != 1)
      spdlog::warn("kernel port {}: write {} to {}: {}; write it there yourself if IPv6 is used",
                   name, value, path, std::strerror(errno));
    if (file >= 0) ::close(file);
  }
}

}  // namespace

Result<Tap> Tap::create(const TapOptions& options) {
  const std::string& name = options.name;
  // The kernel would take "tap%d" as a pattern and an empty name as "choose one".
  if (name.empty() || name.size() >= IFNAMSIZ || name.find('%') != std::string::npos)
    return attach_error(name, EINVAL);
  Tap tap(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), name);
  if (tap.fd_ < 0) return open_error(name, errno);

  ifreq request{};
  std::memcpy(request.ifr_name, name.c_str(), name.size());
  // Without EXCL a persistent TAP of that name, somebody else's, would be taken over silently.
  request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL);
  if (::ioctl(tap.fd_, TUNSETIFF, &request) != 0) return attach_error(name, errno);
  // No offloads: the frames go out of another device, which must not find checksums or segments
  // left to do.
  if (::ioctl(tap.fd_, TUNSETOFFLOAD, 0) != 0)
    return failure(ErrorCode::kInternal, name,
                   std::string("switch offloads off: ") + std::strerror(errno));
  tap.ifindex_ = static_cast<int>(::if_nametoindex(name.c_str()));

  set_up_ipv6(name);
  auto netlink = NetlinkSocket::open();
  if (!netlink) return netlink.error();
  if (const int error = netlink->request(setup_message(tap.ifindex_, options).get()))
    return failure(ErrorCode::kInvalid, name,
                   "Linux refuses MAC " + options.mac.to_string() + " or MTU " +
                       std::to_string(options.mtu) + ": " + std::strerror(error));
  for (const InterfaceAddress& address : options.addresses) {
    const int error = add_interface_address(*netlink, tap.ifindex_, address, AddressUse::kMachine);
    if (error != 0 && error != EEXIST)
      return failure(ErrorCode::kInvalid, name,
                     "Linux refuses address " + address.to_string() + ": " + std::strerror(error));
  }
  return tap;
}

Tap::Tap(Tap&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), ifindex_(other.ifindex_), name_(std::move(other.name_)) {}

Tap& Tap::operator=(Tap&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(ifindex_, other.ifindex_);
  std::swap(name_, other.name_);
  return *this;
}

Tap::~Tap() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace shunt::control
