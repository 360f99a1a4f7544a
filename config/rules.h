// Rules that both halves of the validator use. Each appends what it finds and leaves
// Problem::subject to the caller. Pure functions; any thread.
#pragma once

#include <google/protobuf/message.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"
#include "src/base/address.h"

namespace shunt::config {

using Problems = std::vector<Problem>;

void add(Problems& problems, std::string field, const char* why, std::string cause,
         std::string remedy);

// Every value by its type and range (config/limits.h): numbers, enums, durations, and fields of a
// newer schema.
void check_values(const google::protobuf::Message& message, Problems& problems);

// What a name may consist of.
struct NameRule {
  size_t max_bytes;
  // In words and as a test: "[a-z0-9_-]".
  const char* characters;
  bool (*allowed)(char);
};
extern const NameRule kObjectName;     // services, pools, file prefix
extern const NameRule kRealName;       // also ':' and brackets, as in "[ADDRESS]:PORT"
extern const NameRule kPortName;       // ports
extern const NameRule kInterfaceName;  // Linux interfaces

// `what` is the field's own name. An empty name is REQUIRED. False: found something.
bool check_name(const std::string& name, const NameRule& rule, const std::string& field,
                const char* what, Problems& problems);

// From where packets for an address come: from any network, or only from the same link, as for
// next hops and interfaces.
enum class Reach { kNetworks, kLink };

// The text of an address that one machine can have. nullopt: found something.
std::optional<IpAddress> check_address(const std::string& text, const std::string& field,
                                       const char* what, Reach reach, Problems& problems);

// The text of a network without host bits. nullopt: found something.
std::optional<Prefix> check_prefix(const std::string& text, const std::string& field,
                                   Problems& problems);

struct Unfit {
  // "is a multicast address"
  std::string cause;
  std::string remedy;
};
// Why an address cannot be a single machine's; nullopt: it can.
std::optional<Unfit> unfit(const IpAddress& address, Reach reach);

// fe80::/10: of one link, so that several ports may have the same.
bool is_link_local(const IpAddress& address);

// "IPv4", "IPv6"
const char* family_name(AddressFamily family);

// "port outside, which carries it, has mtu 1000, and IPv6 needs 1280 (RFC 8200 section 5)"
std::string too_narrow(const std::string& port, const char* relation, uint32_t mtu);

// A MAC address that one machine can have. nullopt: found something.
std::optional<MacAddress> check_mac(const std::string& text, const std::string& field,
                                    Problems& problems);

}  // namespace shunt::config
