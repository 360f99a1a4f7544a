// A service's policies about its reals coming and going. Plain values; any thread.
#pragma once

#include <cstdint>

namespace shunt::control {

// What becomes of a service that lost its quorum.
enum class OnQuorumLoss : uint8_t {
  kSorry,     // its sorry reals answer in place of all others; without them it is as if no real were left
  kWithdraw,  // its VIPs leave their kernel ports, so that the network sends clients elsewhere; what comes still is served
};

struct Quorum {
  // Sum of the weights of reals that are up.
  uint32_t weight = 1;
  uint32_t hysteresis = 0;
  OnQuorumLoss on_loss = OnQuorumLoss::kSorry;
  bool operator==(const Quorum&) const = default;
};

}  // namespace shunt::control
