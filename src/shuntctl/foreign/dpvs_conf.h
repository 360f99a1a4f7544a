// dpvs.conf: cards, workers, tables and timeouts, added to a draft. One thread.
#pragma once

#include <vector>

#include "src/shuntctl/foreign/draft.h"
#include "src/shuntctl/foreign/keepalived_tree.h"

namespace shunt::shuntctl {

// Takes out what stands in <>: marks and remarks of dpvs.conf's.
void remove_remarks(std::vector<KeepalivedLine>& lines);

// Whether it is that file, by its blocks.
bool is_dpvs_conf(const std::vector<Directive>& directives);

void import_dpvs_conf(const std::vector<Directive>& directives, Draft& draft, std::vector<Fault>& faults);

}  // namespace shunt::shuntctl
