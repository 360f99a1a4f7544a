// Files of desired states, and what is wrong with them, in words. One thread.
#pragma once

#include <string>
#include <vector>

#include "config/yaml_file.h"
#include "src/shuntctl/outcome.h"

namespace shunt::shuntctl {

// "-" is standard input.
config::LoadedFile load_desired_state(const std::string& file);

// "1 real", "2 reals"
std::string counted(size_t number, const std::string& thing);

// All problems of the file, one a line: "lb.yaml:14:9: subject: cause; remedy".
Failure failure_of(const std::vector<config::Problem>& problems, const std::string& file);

}  // namespace shunt::shuntctl
