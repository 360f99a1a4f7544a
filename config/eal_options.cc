#include "config/eal_options.h"

#include <algorithm>
#include <array>

namespace shunt::config {
namespace {

constexpr const char* kLcores = "set dpdk.lcores";
constexpr const char* kMemory = "set dpdk.memory_mb";
constexpr const char* kHugePages = "set dpdk.huge_pages";
constexpr const char* kPorts = "list the devices under ports";
constexpr const char* kNothing = "leave it to shuntd";

// EAL refuses the second of two, lets it win silently, or ends.
constexpr std::array<OwnOption, 24> kOwnOptions = {{
    {"-l", kLcores},
    {"-c", kLcores},
    {"-s", kLcores},
    {"-S", kLcores},
    {"--lcores", kLcores},
    {"--main-lcore", kLcores},
    {"-m", kMemory},
    {"--socket-mem", kMemory},
    {"--no-huge", kHugePages},
    {"--in-memory", kHugePages},
    {"--huge-unlink", kHugePages},
    {"--no-shconf", kHugePages},
    {"--file-prefix", "set dpdk.file_prefix"},
    {"-a", kPorts},
    {"--allow", kPorts},
    {"-b", kPorts},
    {"--block", kPorts},
    {"--no-pci", kPorts},
    {"--proc-type", kNothing},
    {"-h", kNothing},
    {"--help", kNothing},
    {"-v", kNothing},
    {"--version", kNothing},
    {"--", kNothing},
}};

}  // namespace

const OwnOption* own_option(const std::string& argument) {
  const bool is_long = argument.compare(0, 2, "--") == 0;
  const std::string option =
      is_long ? argument.substr(0, argument.find('=')) : argument.substr(0, 2);
  const auto* found = std::find_if(kOwnOptions.begin(), kOwnOptions.end(),
                                   [&](const OwnOption& own) { return own.option == option; });
  return found == kOwnOptions.end() ? nullptr : found;
}

}  // namespace shunt::config
