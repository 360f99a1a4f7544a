// Findings as text and as JSON, for a daemon that does not start. Pure functions; any thread.
#pragma once

#include <string>

#include "control/doctor/finding.h"

namespace shunt::control {

// "good", "hint", "bad"
std::string name_of(Finding::Grade grade);
// What is not good, each with its remedy, and how many are. Ends in a newline.
std::string to_text(const Findings& findings);
// {"findings": [{"grade", "check", "subject", "text", "remedy"}]}
std::string to_json_text(const Findings& findings);

}  // namespace shunt::control
