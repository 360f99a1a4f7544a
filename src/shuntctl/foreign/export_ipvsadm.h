// A desired state as the commands that `ipvsadm-restore` takes. Pure function; any thread.
#pragma once

#include <string>
#include <vector>

#include "shunt/v1/config.pb.h"
#include "src/shuntctl/foreign/note.h"

namespace shunt::shuntctl {

struct Exported {
  // Lines of commands alone: ipvsadm takes no comments.
  std::string text;
  // What ipvsadm cannot say, and by what else Linux has it.
  std::vector<Note> notes;
};

// REQUIRES a valid state (config/validate.h).
Exported export_ipvsadm(const v1::DesiredState& state);

}  // namespace shunt::shuntctl
