// keepalived.conf, of Linux's keepalived or DPVS's, as a draft: virtual servers with their groups, real servers and checks.
// VRRP, alerts and scripts are named and left out. Names of hosts are not looked up: keepalived takes addresses. Reads
// files that the text includes. One thread.
#pragma once

#include <string>
#include <string_view>

#include "src/shuntctl/foreign/draft.h"

namespace shunt::shuntctl {

// Adds to what was imported before, without looking whether it is valid.
void add_keepalived(std::string_view text, const std::string& file, const std::string& id, Imported& imported);

// `file` names the text in notes and faults, its folder is where includes are looked for; `id` is keepalived's
// --config-id. The draft is valid for Shunt, whatever was in the text.
Imported import_keepalived(std::string_view text, const std::string& file, const std::string& id);

}  // namespace shunt::shuntctl
