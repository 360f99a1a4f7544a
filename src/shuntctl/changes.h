// What a change of the desired state answers, as a person or a program reads it. Shared by the verbs that change.
#pragma once

#include <string>

#include "shunt/v1/api.pb.h"
#include "src/shuntctl/settings.h"

namespace shunt::shuntctl {

// "+ service web", "~ real web/10.0.0.1:80" and, indented, what changed in it.
std::string changes_text(const v1::ApplyResponse& response, bool colour);

// After a real change: the changes and the new revision.
void print_applied(const v1::ApplyResponse& response, const Settings& settings);

}  // namespace shunt::shuntctl
