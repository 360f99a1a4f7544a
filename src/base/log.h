// Logging for the cold side. The dataplane neither includes nor calls this.
#pragma once

#include <spdlog/spdlog.h>

#include <string_view>

namespace shunt {

// Sets the process's logger: text on stderr, coloured on a terminal. `level` is one of trace, debug, info, warn,
// error, critical, off. Main thread, once, before other threads start.
void start_logging(std::string_view level);

}  // namespace shunt
