// What `ipvsadm-save` wrote, or any other input of `ipvsadm-restore`, as a draft. Names of hosts and ports are looked up
// (names.h). One thread.
#pragma once

#include <string>
#include <string_view>

#include "src/shuntctl/foreign/draft.h"
#include "src/shuntctl/foreign/names.h"

namespace shunt::shuntctl {

// `file` names the text in notes and faults. The draft is valid for Shunt, whatever was in the text.
Imported import_ipvsadm(std::string_view text, const std::string& file, Lookup lookup = Lookup::kHosts);

}  // namespace shunt::shuntctl
