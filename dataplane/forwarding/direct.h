// `direct`: the packet goes to the real as it came, but for its Ethernet header and TTL; the real owns the VIP and
// answers the client itself.
#pragma once

#include "dataplane/checksum.h"
#include "dataplane/headers.h"

namespace shunt::dataplane {

// One hop further (RFC 1812 section 5.3.1). `delta`: all that changes in the header's sum, the TTL's step with it.
inline void pass_on(Ipv4Header* ip, uint16_t delta = kTtlDelta) noexcept {
  --ip->ttl;
  ip->checksum = updated(ip->checksum, delta);
}
// IPv6 has no header checksum (RFC 8200 section 3).
inline void pass_on(Ipv6Header* ip) noexcept { --ip->hop_limit; }

template <typename Header>
void rewrite_direct(Header* ip) noexcept {
  pass_on(ip);
}

}  // namespace shunt::dataplane
