#include "control/kernel/addresses.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "control/kernel/address_requests.h"
#include "control/kernel/announcement.h"
#include "control/kernel/netlink.h"

namespace shunt::control {
namespace {

using Clock = std::chrono::steady_clock;

// RFC 5227 asks for two announcements two seconds apart, RFC 4861 for at most three a second apart;
// three, since a lost one means that clients go to the address's former owner.
constexpr int kAnnouncements = 3;
constexpr std::chrono::seconds kAnnouncementPause{1};
// Announcements are sent in bursts that fit a TAP's queue.
constexpr int kBurst = 64;
constexpr std::chrono::milliseconds kBurstPause{5};

struct Announcement {
  uint16_t port = 0;
  IpAddress address;
  int left = kAnnouncements;
};

InterfaceAddress host_address(const IpAddress& address) {
  return {address, static_cast<uint8_t>(address.is_v4() ? 32 : 128)};
}

}  // namespace

struct Addresses::State : std::enable_shared_from_this<State> {
  State(asio::io_context& loop, std::vector<PortInterface> names, NetlinkSocket socket)
      : interfaces(std::move(names)), netlink(std::move(socket)), timer(loop) {}
  ~State() {
    if (packet_socket >= 0) ::close(packet_socket);
  }

  const PortInterface* interface_of(uint16_t port) const;
  void announce_later(uint16_t port, const IpAddress& address, Clock::time_point when, int left);
  void wait_for_announcements(Clock::time_point not_before);
  void send_announcements();
  void announce(const Announcement& announcement);

  std::vector<PortInterface> interfaces;
  NetlinkSocket netlink;
  asio::steady_timer timer;
  // Protocol 0: sends and receives nothing.
  int packet_socket = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  // What we added, by port.
  std::map<uint16_t, std::set<IpAddress>> added;
  std::multimap<Clock::time_point, Announcement> announcements;
  bool stopped = false;
};

Result<std::unique_ptr<Addresses>> Addresses::open(asio::io_context& loop,
                                                   std::vector<PortInterface> interfaces) {
  auto netlink = NetlinkSocket::open();
  if (!netlink) return netlink.error();
  return std::unique_ptr<Addresses>(
      new Addresses(std::make_shared<State>(loop, std::move(interfaces), std::move(*netlink))));
}

Addresses::Addresses(std::shared_ptr<State> state) : state_(std::move(state)) {}

Addresses::~Addresses() {
  state_->stopped = true;
  state_->timer.cancel();
}

Result<void> Addresses::set(uint16_t port, const std::vector<IpAddress>& wanted) {
  const PortInterface* interface = state_->interface_of(port);
  const int ifindex =
      interface ? static_cast<int>(::if_nametoindex(interface->interface.c_str())) : 0;
  if (ifindex == 0)
    return Error{ErrorCode::kNotFound, "port " + std::to_string(port) +
                                           ": it has no kernel port for addresses; enable it, or "
                                           "name another port for them"};
  const auto failure = [&](const std::string& subject, int error) {
    return Error{ErrorCode::kInvalid, "kernel port " + interface->interface + ": " + subject +
                                          ": " + std::strerror(error) +
                                          "; choose an address that Linux can own"};
  };
  std::vector<InterfaceAddress> listed;
  if (const int error = list_interface_addresses(state_->netlink, ifindex, listed))
    return failure("list addresses", error);
  std::set<IpAddress> present;
  for (const InterfaceAddress& address : listed) present.insert(address.address);

  std::set<IpAddress>& ours = state_->added[port];
  // Removed by somebody else, or with the interface that was there before.
  std::erase_if(ours, [&](const IpAddress& address) { return !present.contains(address); });
  const std::set<IpAddress> kept(wanted.begin(), wanted.end());
  Result<void> result;
  for (auto address = ours.begin(); address != ours.end();) {
    if (kept.contains(*address)) {
      ++address;
      continue;
    }
    const int error = remove_interface_address(state_->netlink, ifindex, host_address(*address));
    if (error != 0 && error != EADDRNOTAVAIL && result)
      result = failure("remove " + address->to_string(), error);
    address = ours.erase(address);
  }
  for (const IpAddress& address : kept) {
    if (present.contains(address)) continue;
    const int error = add_interface_address(state_->netlink, ifindex, host_address(address),
                                            AddressUse::kAnswered);
    if (error == 0) {
      ours.insert(address);
      state_->announce_later(port, address, Clock::now(), kAnnouncements);
    } else if (error != EEXIST && result) {
      result = failure("add " + address.to_string(), error);
    }
  }
  state_->wait_for_announcements({});
  return result;
}

const PortInterface* Addresses::State::interface_of(uint16_t port) const {
  const auto found = std::find_if(interfaces.begin(), interfaces.end(),
                                  [&](const PortInterface& each) { return each.port == port; });
  return found == interfaces.end() ? nullptr : &*found;
}

void Addresses::State::announce_later(uint16_t port, const IpAddress& address,
                                      Clock::time_point when, int left) {
  if (left > 0) announcements.insert({when, {port, address, left}});
}

void Addresses::State::wait_for_announcements(Clock::time_point not_before) {
  if (announcements.empty()) return;
  timer.expires_at(std::max(announcements.begin()->first, not_before));
  timer.async_wait([self = shared_from_this()](asio::error_code error) {
    if (!error && !self->stopped) self->send_announcements();
  });
}

void Addresses::State::send_announcements() {
  const Clock::time_point now = Clock::now();
  for (int i = 0; i < kBurst && !announcements.empty(); ++i) {
    const auto first = announcements.begin();
    if (first->first > now) break;
    const Announcement announcement = first->second;
    announcements.erase(first);
    // Wanted no more: another machine may own it now.
    const auto ours = added.find(announcement.port);
    if (ours == added.end() || !ours->second.contains(announcement.address)) continue;
    announce(announcement);
    announce_later(announcement.port, announcement.address, now + kAnnouncementPause,
                   announcement.left - 1);
  }
  wait_for_announcements(now + kBurstPause);
}

// Through the interface rather than to the dataplane: it takes the way of all frames of Linux's.
void Addresses::State::announce(const Announcement& announcement) {
  const PortInterface* interface = interface_of(announcement.port);
  ifreq request{};
  interface->interface.copy(request.ifr_name, IFNAMSIZ - 1);
  if (::ioctl(packet_socket, SIOCGIFHWADDR, &request) != 0) return;
  MacAddress mac;
  std::memcpy(mac.bytes.data(), request.ifr_hwaddr.sa_data, 6);
  const std::vector<uint8_t> frame = announcement_frame(mac, announcement.address);
  sockaddr_ll destination{};
  destination.sll_family = AF_PACKET;
  destination.sll_ifindex = static_cast<int>(::if_nametoindex(request.ifr_name));
  // An interface that is down announces its IPv4 addresses by itself once it comes up.
  ::sendto(packet_socket, frame.data(), frame.size(), MSG_DONTWAIT,
           reinterpret_cast<sockaddr*>(&destination), sizeof destination);
}

}  // namespace shunt::control
