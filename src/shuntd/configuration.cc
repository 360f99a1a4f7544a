#include "src/shuntd/configuration.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <sys/random.h>

#include <random>
#include <utility>

#include "config/convert.h"
#include "config/lcores.h"
#include "config/yaml_file.h"
#include "control/journal.h"
#include "dataplane/setup/memory_needs.h"

namespace shunt::shuntd {
namespace {

// The same bytes for the same message, whatever the library's version does about maps.
std::string encode(const google::protobuf::MessageLite& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

ConfigurationOutcome outcome_of(const config::LoadedFile& loaded, const std::string& path) {
  ConfigurationOutcome outcome;
  for (const config::Problem& problem : loaded.problems) outcome.problems.push_back(to_string(problem, path));
  if (!outcome.problems.empty()) return outcome;
  Configuration& configuration = outcome.configuration;
  configuration.machine = config::to_machine(loaded.config);
  configuration.file.state = config::to_desired_state(loaded.config);
  // Of the services alone: a comment or a machine option changed is no reason to forget what was done since.
  configuration.file.content_hash = control::content_hash(encode(config::desired_part(loaded.config)));
  v1::Config machine_part = loaded.config;
  machine_part.clear_timeouts();
  machine_part.clear_local_addresses();
  machine_part.clear_services();
  machine_part.clear_sysctls();
  machine_part.clear_access_lists();
  machine_part.clear_snat();
  configuration.machine_part = encode(machine_part);
  return outcome;
}

std::array<uint8_t, 16> random_key() {
  std::array<uint8_t, 16> key;
  if (getrandom(key.data(), key.size(), 0) == static_cast<ssize_t>(key.size())) return key;
  std::random_device device;
  for (uint8_t& byte : key) byte = static_cast<uint8_t>(device());
  return key;
}

}  // namespace

ConfigurationOutcome load_configuration(const std::string& path) {
  return outcome_of(config::load_yaml_file(path), path);
}

ConfigurationOutcome reload_configuration(const std::string& path, const config::MachineNames& running) {
  const config::LoadedFile loaded = config::load_yaml_file(path);
  ConfigurationOutcome outcome = outcome_of(loaded, path);
  if (!outcome.problems.empty()) return outcome;
  for (const config::Problem& problem : config::validate_desired_state(config::desired_part(loaded.config), running)) {
    outcome.problems.push_back(to_string(problem, path) + " (as the daemon was started)");
  }
  return outcome;
}

control::StateCodec journal_codec(const config::MachineNames& machine) {
  control::StateCodec codec;
  codec.encode = [](const control::DesiredState& state) { return encode(config::to_proto(state)); };
  codec.decode = [machine](const std::string& bytes) -> Result<control::DesiredState> {
    v1::DesiredState message;
    if (!message.ParseFromString(bytes)) {
      return Error{ErrorCode::kInvalid, "its content is no desired state"};
    }
    const auto problems = config::validate_desired_state(message, machine);
    if (!problems.empty()) return Error{ErrorCode::kInvalid, to_string(problems.front(), "")};
    return config::to_desired_state(message);
  };
  codec.decode_part = [](const std::string& bytes) -> Result<control::DesiredState> {
    v1::DesiredState message;
    if (message.ParseFromString(bytes)) return config::to_desired_state(message);
    return Error{ErrorCode::kInvalid, "an edit is no services"};
  };
  return codec;
}

dataplane::DataplaneOptions dataplane_options(const control::Machine& machine) {
  dataplane::DataplaneOptions options;
  options.lcores = machine.dpdk.lcores;
  options.memory_mb = machine.dpdk.memory_mb;
  options.huge_pages = machine.dpdk.huge_pages;
  options.file_prefix = machine.dpdk.file_prefix;
  options.extra_eal_args = machine.dpdk.extra_args;
  options.poll_mode = machine.workers.poll_mode;
  options.connections_per_worker = machine.workers.connections;
  options.ipv6_connections_per_worker = machine.workers.ipv6_connections;
  options.templates = machine.workers.templates;
  options.hash_key = machine.workers.hash_key.value_or(random_key());
  options.mbufs = machine.workers.mbufs;
  for (const control::Port& port : machine.ports) {
    options.ports.push_back({.name = port.name, .device = port.device, .mac = port.mac.value_or(MacAddress{}),
                             .mtu = port.mtu, .descriptors = port.descriptors, .vlan = port.vlan,
                             .kernel_port = port.kernel_port.enabled});
  }
  return options;
}

Result<std::string> memory_summary(const control::Machine& machine) {
  const dataplane::DataplaneOptions options = dataplane_options(machine);
  const auto workers = static_cast<uint32_t>(config::parse_lcores(options.lcores).list.size() - 1);
  if (auto enough = dataplane::check_memory(options, workers); !enough) return enough.error();
  const dataplane::MemoryNeeds needs = dataplane::memory_needs(options, workers);
  const auto mib = [](uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20); };
  return "memory: " + mib(needs.total()) + " of " + std::to_string(options.memory_mb) + " MiB: connection tables " +
         mib(needs.tables) + ", counters " + mib(needs.counters) + ", mbufs " + mib(needs.mbufs) +
         ", drivers and EAL " + mib(needs.overhead);
}

}  // namespace shunt::shuntd
