// Logging for the cold side. The dataplane neither includes nor calls this.
#pragma once

#include <spdlog/spdlog.h>

#include <string>

namespace shunt {

struct LogSettings {
  // One of trace, debug, info, warn, error, critical, off.
  std::string level = "info";
  // One object a line; else text, coloured on a terminal.
  bool json = false;
};

// Sets the process's logger, which writes to stderr and sums up lines that repeat (flood_limit.h):
// before the next line, or when it is flushed. Main thread, once, before other threads start.
void start_logging(const LogSettings& settings);
// Tells what was held back so far. Main thread, at the end.
void end_logging();

// A line as JSON: {"time":"2026-01-31T12:00:00.000Z","level":"info","message":"..."}, without a
// newline. `ms` since 1970.
std::string json_line(int64_t ms, std::string_view level, std::string_view message);

}  // namespace shunt
