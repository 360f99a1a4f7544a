// The time of day, for what people read and what outlives a restart.
#pragma once

#include <chrono>

namespace shunt::control {

using WallClock = std::chrono::system_clock;

}  // namespace shunt::control
