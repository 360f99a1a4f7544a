// What the paths to tunnels' reals were found to take, by ICMP errors about our packets to them (RFC 1191, RFC 8201).
// Owner: the controller's thread.
#pragma once

#include <chrono>
#include <unordered_map>
#include <vector>

#include "dataplane/setup/dataplane.h"

namespace shunt::control {

class PathMtus {
 public:
  using Clock = std::chrono::steady_clock;
  // A path is tried anew after this long, as Linux does (ip-sysctl, mtu_expires) and RFC 1191 section 6.3 advises.
  static constexpr auto kKept = std::chrono::minutes(10);

  // False: the path was known to take no more than that; for how long it is believed starts anew if it is the same.
  bool learn(const dataplane::PathMtu& path, Clock::time_point now) {
    const auto [known, is_new] = paths_.try_emplace(path.real, Known{path.mtu, now});
    if (is_new) return true;
    if (known->second.mtu < path.mtu) return false;
    const bool is_news = known->second.mtu > path.mtu;
    known->second = {path.mtu, now};
    return is_news;
  }
  // Forgets what was learned too long ago; returns whose paths those were.
  std::vector<IpAddress> forget_old(Clock::time_point now) {
    std::vector<IpAddress> forgotten;
    std::erase_if(paths_, [&](const auto& each) {
      if (now - each.second.learned < kKept) return false;
      forgotten.push_back(each.first);
      return true;
    });
    return forgotten;
  }

 private:
  struct Known {
    uint16_t mtu;
    Clock::time_point learned;
  };
  struct Hash {
    size_t operator()(const IpAddress& address) const noexcept { return dataplane::address_hash(address); }
  };
  std::unordered_map<IpAddress, Known, Hash> paths_;
};

}  // namespace shunt::control
