#include "src/shuntctl/foreign/keepalived_places.h"

#include <algorithm>

#include "config/words.h"
#include "src/shuntctl/foreign/names.h"

namespace shunt::shuntctl {
namespace {

constexpr size_t kMostAddresses = 1024;

IpAddress next_of(IpAddress address) {
  for (size_t i = address.is_v4() ? 4 : 16; i-- > 0;) {
    if (++address.bytes[i] != 0) break;
  }
  return address;
}

// The range's last address, which may be written as its last part alone.
std::optional<IpAddress> last_of(const IpAddress& first, const std::string& text) {
  if (const auto address = IpAddress::parse(text)) return address->family == first.family ? address : std::nullopt;
  IpAddress last = first;
  if (first.is_v4()) {
    const auto value = number(text, 255);
    if (!value) return std::nullopt;
    last.bytes[3] = static_cast<uint8_t>(*value);
    return last;
  }
  const bool is_group = !text.empty() && text.size() <= 4 && text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (!is_group) return std::nullopt;
  const unsigned long value = std::stoul(text, nullptr, 16);
  last.bytes[14] = static_cast<uint8_t>(value >> 8);
  last.bytes[15] = static_cast<uint8_t>(value & 255);
  return last;
}

// A port, where one is written.
uint32_t port_at(const Directive& directive, size_t index, KeepalivedReport& report) {
  return index < directive.words.size() ? keepalived_number(directive, index, 65535, 0, report) : 0;
}

void take_entry(const Directive& entry, KeepalivedPlaces& places, KeepalivedReport& report) {
  if (entry.keyword() == "fwmark") {
    places.marks.push_back(keepalived_number(entry, 1, 4294967295U, 0, report));
    return;
  }
  const uint32_t port = port_at(entry, 1, report);
  const std::vector<IpAddress> addresses = addresses_of_range(entry.keyword());
  if (addresses.empty()) {
    const bool is_range = entry.keyword().find_first_of("-/") != std::string::npos;
    report.faults.push_back({entry.from, config::in_quotes(entry.keyword()) + " is no address" +
                             (is_range ? ", nor a range of at most 1024" : ""), "write it as in 192.0.2.1 or 192.0.2.1-9"});
  }
  for (const IpAddress& address : addresses) places.vips.push_back({entry.from, address, port});
}

}  // namespace

std::vector<IpAddress> addresses_of_range(const std::string& text) {
  if (const auto address = IpAddress::parse(text)) return {*address};
  std::vector<IpAddress> addresses;
  if (const size_t slash = text.find('/'); slash != std::string::npos) {
    const auto prefix = Prefix::parse(text);
    const int bits = prefix ? (prefix->address.is_v4() ? 32 : 128) - prefix->length : 128;
    if (bits > 10) return {};
    addresses.push_back(prefix->address);
    while (addresses.size() < size_t{1} << bits) addresses.push_back(next_of(addresses.back()));
    return addresses;
  }
  const size_t dash = text.find('-');
  if (dash == std::string::npos) return {};
  const auto first = IpAddress::parse(text.substr(0, dash));
  const auto last = first ? last_of(*first, text.substr(dash + 1)) : std::nullopt;
  if (!last) return {};
  for (IpAddress address = *first;; address = next_of(address)) {
    if (addresses.size() == kMostAddresses || address > *last) return {};
    addresses.push_back(address);
    if (address == *last) return addresses;
  }
}

KeepalivedPlaces places_of(const Directive& server, const KeepalivedGroups& groups, KeepalivedReport& report) {
  KeepalivedPlaces places;
  if (server.word(1) == "group") {
    places.name = server.word(2);
    const auto group = groups.find(places.name);
    if (group == groups.end()) {
      report.faults.push_back({server.from, "there is no virtual_server_group " + config::in_quotes(places.name), "add it, or name another"});
      return places;
    }
    for (const Directive& entry : group->second->block) take_entry(entry, places, report);
    if (group->second->block.empty()) {
      report.faults.push_back({group->second->from, "virtual_server_group " + config::in_quotes(places.name) + " is empty", "give it an address and a port"});
    }
  } else if (server.word(1) == "fwmark") {
    places.marks.push_back(keepalived_number(server, 2, 4294967295U, 0, report));
  } else if (const auto address = keepalived_address(server, 1, report)) {
    places.vips.push_back({server.from, *address, port_at(server, 2, report)});
  }
  const bool has_zero = std::find(places.marks.begin(), places.marks.end(), 0U) != places.marks.end();
  if (has_zero && report.faults.empty()) report.faults.push_back({server.from, "firewall mark 0 is none", "use 1 or more"});
  return places;
}

}  // namespace shunt::shuntctl
