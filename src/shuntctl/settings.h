// The options that every verb shares, and the verb that the command line chose. One thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "src/shuntctl/outcome.h"

namespace shunt::shuntctl {

// The daemon's API over TCP. `server` empty: its UNIX socket is used.
struct ServerSettings {
  std::string server;
  // Paths of PEM files.
  std::string ca;
  std::string certificate;
  std::string key;
};

struct Settings {
  std::string socket_path;
  ServerSettings tcp;
  bool json = false;
  // Unset: each call's own.
  std::optional<std::chrono::milliseconds> timeout;
  // Numbers in full, not as 1.2M.
  bool exact = false;
  // Standard output is a terminal that wants colour.
  bool colour = false;
};

struct Command {
  Settings settings;
  // Set while the command line is parsed.
  std::function<Outcome(const Settings&)> action;
};

}  // namespace shunt::shuntctl
