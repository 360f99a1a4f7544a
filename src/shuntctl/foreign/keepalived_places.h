// What a virtual_server is found by: an address and port, a firewall mark, or a group of them. One thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "src/shuntctl/foreign/keepalived_reading.h"

namespace shunt::shuntctl {

struct KeepalivedPlace {
  Source from;
  IpAddress address;
  // 0: all ports.
  uint32_t port = 0;
};

struct KeepalivedPlaces {
  std::vector<KeepalivedPlace> vips;
  std::vector<uint32_t> marks;
  // The group's; empty: there is none.
  std::string name;
  std::vector<Note> notes;
};

using KeepalivedGroups = std::map<std::string, const Directive*>;

// Of `virtual_server ...` and, where it names one, its group.
KeepalivedPlaces places_of(const Directive& server, const KeepalivedGroups& groups, KeepalivedReport& report);

// "192.0.2.1", "192.0.2.1-9", "192.0.2.250-192.0.3.4", "192.0.2.8/29" and the same of IPv6. Empty: it is none, or stands for
// more than 1024.
std::vector<IpAddress> addresses_of_range(const std::string& text);

}  // namespace shunt::shuntctl
