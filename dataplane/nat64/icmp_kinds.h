// What an ICMP error of one family says in the other's words (RFC 7915 sections 4.2 and 5.2). Pure functions; any thread.
#pragma once

#include <optional>

#include "dataplane/headers.h"

namespace shunt::dataplane {

// Type, code and the word behind them; the checksum is zero. nullopt: the other family has no word for it, or its senders are
// not to hear of it.
std::optional<IcmpHeader> as_icmpv6(const IcmpHeader& error) noexcept;
std::optional<IcmpHeader> as_icmpv4(const IcmpHeader& error) noexcept;

}  // namespace shunt::dataplane
