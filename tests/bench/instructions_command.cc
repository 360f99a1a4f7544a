// The run whose instructions are counted (instructions_test.py): one path, little of it, on ordinary pages, so that it
// does the same under callgrind each time. It prints what the figures depend on beside the source.
#include <cstdio>
#include <memory>
#include <string>

#include "tests/bench/commands.h"
#include "tests/bench/eal.h"
#include "tests/bench/path_rig.h"

namespace shunt::bench {
namespace {

constexpr uint32_t kConnections = 1000;

struct InstructionsOptions {
  std::string path = "direct";
  uint32_t family = 4;
  uint32_t packets = 16000;
};

void run_instructions(const InstructionsOptions& options) {
  HugeMemory::allowed = false;
  start_eal(Pinned::kNo);  // counts do not depend on where
  const bool opens = options.path == "lone-syn";
  const Path path = opens ? Path{} : path_named(options.path);
  TablesSpec spec;
  spec.method = path.method;
  spec.tunnel = path.tunnel;
  spec.crosses = path.crosses;
  spec.has_ftp = path.is_ftp;
  spec.has_limits = path.has_limits;
  if (options.family == 6) spec.family = AddressFamily::kIpv6;
  if (opens) spec.scheduler = dataplane::SchedulerKind::kWlc;
  PathRig rig(path, spec, kConnections, PathRig::capacity_for(kConnections + (opens ? options.packets : 0)));
  if (opens) rig.open_more(options.packets);
  else rig.run(options.packets);
  std::printf("{\"path\":\"%s\",\"family\":%u,\"packets\":%u,\"built_with\":\"%s\"}\n", options.path.c_str(),
              options.family, options.packets, SHUNT_BUILT_WITH);
}

}  // namespace

void add_instructions_command(CLI::App& app) {
  auto options = std::make_shared<InstructionsOptions>();
  CLI::App* command = app.add_subcommand("instructions-run", "what tests/bench/instructions_test.py counts");
  command->add_option("--path", options->path, "a method as of path, or lone-syn");
  command->add_option("--family", options->family, "4 or 6")->check(CLI::IsMember({4, 6}));
  command->add_option("--packets", options->packets, "a multiple of 32 (16000)")->check(CLI::Range(32, 10000000));
  command->callback([options] { run_instructions(*options); });
}

}  // namespace shunt::bench
