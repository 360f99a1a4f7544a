// asio's addresses from ours.
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
  return {asio_address(place.address), place.port};
}

}  // namespace shunt::control
