// SIP's Call-ID (RFC 3261 section 20.8), as Linux finds it: ip_vs_pe_sip.c get_callid, nf_conntrack_sip.c
// ct_sip_get_header. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <span>

namespace shunt::dataplane {

// The value of a message's first whole Call-ID header, of up to 255 bytes; empty: there is none. Each byte is looked at
// once or a few times, whatever a sender writes.
std::span<const uint8_t> call_id_in(std::span<const uint8_t> message) noexcept;

}  // namespace shunt::dataplane
