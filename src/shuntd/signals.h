// The signals that shuntd lives by, taken one at a time by its main thread.
#pragma once

#include <chrono>
#include <optional>

namespace shunt::shuntd {

enum class Signal { kStop, kReload };

// Blocks SIGTERM, SIGINT and SIGHUP in this thread and those it starts from now on, and ignores SIGPIPE and SIGIO (the
// kernel's fallback when net_tap's own real-time signal has no room). Main thread, before all others.
void hold_signals();

// The next of them; nullopt when `timeout` has passed without one. Without a timeout it waits.
std::optional<Signal> wait_for_signal(std::optional<std::chrono::microseconds> timeout);

}  // namespace shunt::shuntd
