// shuntd's command line. Main thread.
#pragma once

#include <string>

namespace shunt::shuntd {

struct Options {
  std::string config_path = "/etc/shunt/shunt.yaml";
  // Validate and end.
  bool check = false;
  // Look at the machine and end; its findings as JSON.
  bool doctor = false;
  bool json = false;
  // Empty: the configuration's.
  std::string log_level;
  // Programs of exec checks.
  std::string check_programs = "/etc/shunt/checks";
};

// What to do after parsing: go on, or end the process with `exit` (--help, --version, or a mistake that was told).
struct Parsed {
  bool go_on = false;
  int exit = 0;
};

Parsed parse(int argc, char** argv, Options& options);

}  // namespace shunt::shuntd
