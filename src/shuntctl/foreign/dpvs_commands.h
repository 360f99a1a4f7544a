// Lines of DPVS's ipvsadm and dpip, as `ipvsadm -S` and scripts have them, added to a draft. One thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/shuntctl/foreign/draft.h"
#include "src/shuntctl/foreign/names.h"

namespace shunt::shuntctl {

// Whether the text is such lines.
bool are_dpvs_commands(std::string_view text);

void import_dpvs_commands(std::string_view text, const std::string& file, Lookup lookup, Draft& draft, std::vector<Fault>& faults);

}  // namespace shunt::shuntctl
