// DPVS's configuration as a draft: commands of its ipvsadm and dpip, its keepalived.conf, its dpvs.conf; several files
// together. One thread.
#pragma once

#include <string>
#include <vector>

#include "src/shuntctl/foreign/draft.h"
#include "src/shuntctl/foreign/names.h"

namespace shunt::shuntctl {

struct ForeignFile {
  std::string name;
  std::string text;
};

// Each file is told by what is in it. `id` is keepalived's --config-id. The draft is valid for Shunt, whatever was in them.
Imported import_dpvs(const std::vector<ForeignFile>& files, const std::string& id, Lookup lookup = Lookup::kHosts);

}  // namespace shunt::shuntctl
