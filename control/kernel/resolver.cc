#include "control/kernel/resolver.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace shunt::control {
namespace {

constexpr std::chrono::seconds kAskPause{1};
constexpr std::chrono::minutes kComplaintPause{1};

}  // namespace

Result<Resolver> Resolver::open(std::vector<PortInterface> interfaces) {
  auto netlink = NetlinkSocket::open();
  if (!netlink) return netlink.error();
  return Resolver(std::move(interfaces), std::move(*netlink));
}

bool Resolver::resolve(uint16_t port, const IpAddress& address, Clock::time_point now) {
  if (now - forgotten_until_ > kAskPause) forget_before(now - kAskPause);
  const auto [entry, first] = asked_.try_emplace({port, address}, now);
  if (!first && now - entry->second < kAskPause) return false;
  entry->second = now;
  read_refusals(now);

  const auto interface = std::find_if(interfaces_.begin(), interfaces_.end(),
                                      [&](const PortInterface& each) { return each.port == port; });
  if (interface == interfaces_.end()) return false;
  ndmsg header{};
  header.ndm_family = address.is_v4() ? AF_INET : AF_INET6;
  header.ndm_ifindex = static_cast<int>(::if_nametoindex(interface->interface.c_str()));
  // "Use": what sending a packet there would do to the neighbour, without the packet.
  header.ndm_flags = NTF_USE;
  const NetlinkMessage message = make_request(RTM_NEWNEIGH, NLM_F_CREATE, header);
  put_address(message.get(), NDA_DST, address);
  const int error = header.ndm_ifindex == 0 ? ENODEV : netlink_.send(message.get());
  if (error != 0) complain(interface->interface + " " + address.to_string(), error, now);
  return error == 0;
}

void Resolver::forget_before(Clock::time_point time) {
  std::erase_if(asked_, [&](const auto& entry) { return entry.second < time; });
  forgotten_until_ = time + kAskPause;
}

// Only refusals are answered, and they are read here one question later: nobody waits for them.
void Resolver::read_refusals(Clock::time_point now) {
  const auto refusal = [&](nlmsghdr* message) {
    if (message->nlmsg_type != NLMSG_ERROR) return;
    if (const int error = netlink_error(message)) complain("kernel", error, now);
  };
  NetlinkSocket::Received received;
  do {
    received = NetlinkSocket::receive(netlink_.fd(), buffer_, refusal);
  } while (received == NetlinkSocket::Received::kSome);
}

void Resolver::complain(const std::string& subject, int error, Clock::time_point now) {
  if (now < quiet_until_) return;
  quiet_until_ = now + kComplaintPause;
  spdlog::warn("resolving next hops: {}: {}; check that the kernel port is there and up", subject,
               std::strerror(error));
}

}  // namespace shunt::control
