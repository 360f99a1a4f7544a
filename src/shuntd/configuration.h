// The configuration file as the daemon needs it. Main thread.
#pragma once

#include <string>
#include <vector>

#include "config/validate.h"
#include "control/controller.h"
#include "control/model/desired_state.h"
#include "control/model/machine.h"
#include "dataplane/setup/dataplane.h"
#include "src/base/result.h"

namespace shunt::shuntd {

struct Configuration {
  control::Machine machine;
  control::FileState file;
  // The machine part, encoded: tells whether a file asks for another machine than the one that runs.
  std::string machine_part;
};

// A valid file's content, or every problem, one line each: "FILE:LINE:COLUMN: subject: cause; remedy".
struct ConfigurationOutcome {
  Configuration configuration;
  std::vector<std::string> problems;
};
ConfigurationOutcome load_configuration(const std::string& path);

// The same for a daemon that runs: the file's services must also fit the machine as it was started.
ConfigurationOutcome reload_configuration(const std::string& path, const config::MachineNames& running);

// Desired states as bytes for the journal: the schema's messages.
control::StateCodec journal_codec(const config::MachineNames& machine);

// What the machine part asks of the dataplane; a hash key is drawn when none is given.
dataplane::DataplaneOptions dataplane_options(const control::Machine& machine);

// What DPDK's memory goes to: "memory: 96 of 1024 MiB: connection tables 32, ...". Errors: those of
// dataplane::check_memory().
Result<std::string> memory_summary(const control::Machine& machine);

}  // namespace shunt::shuntd
