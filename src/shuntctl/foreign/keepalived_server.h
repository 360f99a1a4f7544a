// One virtual_server of keepalived.conf as a service. One thread.
#pragma once

#include "src/shuntctl/foreign/keepalived_places.h"

namespace shunt::shuntctl {

// What a virtual_server may refer to.
struct KeepalivedContext {
  KeepalivedGroups groups;
  // Names of DPVS's local_address_group, which are pools of the draft.
  std::vector<std::string> pools;
};

// Appends it to the draft. Faults go to the report.
void import_virtual_server(const Directive& server, const KeepalivedContext& context, Draft& draft, KeepalivedReport& report);

}  // namespace shunt::shuntctl
