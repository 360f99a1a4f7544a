// The configuration file: YAML in the schema of proto/shunt/v1/config.proto, read, decoded and
// validated in one go, with every problem at its line and column. Nothing here throws. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"
#include "shunt/v1/config.pb.h"

namespace shunt::config {

struct LoadedFile {
  // Usable only when there are no problems.
  v1::Config config;
  // In the file's order.
  std::vector<Problem> problems;
};

// What the file is for.
enum class Purpose {
  // shuntd's own: the whole file is validated.
  kDaemon,
  // `shuntctl apply`: the machine part is decoded but not judged, and whether the ports that
  // services name exist
  // is left to the daemon.
  kDesiredState,
};

// Any file of at most 64 MiB.
LoadedFile load_yaml_file(const std::string& path, Purpose purpose = Purpose::kDaemon);

// `name` is the subject of problems that concern the whole text.
LoadedFile load_yaml_text(std::string_view text, std::string_view name,
                          Purpose purpose = Purpose::kDaemon);

}  // namespace shunt::config
