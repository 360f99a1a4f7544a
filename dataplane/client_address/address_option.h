// The client as options of DPVS tell it, TOA and UOA alike: kind, length, port, address. Values; any thread.
#pragma once

#include "dataplane/client_address/carrying.h"

namespace shunt::dataplane {

template <typename Key>
struct AddressOption {
  uint8_t kind;
  uint8_t bytes;
  Be16 port;
  decltype(Key::source) address;

  static AddressOption of(uint8_t kind, const Key& request) noexcept {
    return {kind, sizeof(AddressOption), request.source_port, request.source};
  }
};
static_assert(sizeof(AddressOption<FlowKey>) == address_option_bytes(AddressFamily::kIpv4));
static_assert(sizeof(AddressOption<FlowKey6>) == address_option_bytes(AddressFamily::kIpv6));

}  // namespace shunt::dataplane
