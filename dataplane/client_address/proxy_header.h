// The PROXY protocol's header (HAProxy's proxy-protocol.txt sections 2.1 and 2.2): who the client is and whom it asked.
// Pure functions; any thread.
#pragma once

#include "dataplane/client_address/carrying.h"

namespace shunt::dataplane {

// Room for either header of either family.
inline constexpr uint32_t kMostProxyBytes = kMostProxyV1;

// Writes the header of a connection by its `carried` to `to`, which has room for kMostProxyBytes. REQUIRES is_proxy().
// The header's bytes, those of proxy_bytes().
template <typename Key>
uint32_t write_proxy(uint8_t carried, const Key& request, uint8_t* to) noexcept;

// The bytes of the first version's line.
template <typename Key>
uint8_t proxy_v1_bytes(const Key& request) noexcept;

}  // namespace shunt::dataplane
