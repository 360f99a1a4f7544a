// asio's addresses from ours, and the ends of sockets.
#pragma once

#include <algorithm>
#include <asio/ip/address.hpp>

#include "control/health/attempt.h"

namespace shunt::control {

inline asio::ip::address asio_address(const IpAddress& address) {
  if (!address.is_v4()) return asio::ip::address_v6(address.bytes);
  asio::ip::address_v4::bytes_type bytes;
  std::copy_n(address.bytes.begin(), bytes.size(), bytes.begin());
  return asio::ip::address_v4(bytes);
}

// For Endpoint asio::ip::tcp::endpoint or asio::ip::udp::endpoint.
template <typename Endpoint>
Endpoint endpoint_of(const CheckedPlace& place) {
  return {asio_address(place.detour ? place.detour->probe : place.address), place.port};
}

// Makes a socket speak from the address by which Linux speaks to the real, where it goes by a detour: whoever owns the VIP
// answers to it. 0, or an errno of ours.
int bind_for(const CheckedPlace& place, int socket) noexcept;

}  // namespace shunt::control
