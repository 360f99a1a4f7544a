// shuntctl service add, service update, service remove.
#include <memory>
#include <string>

#include "config/convert.h"
#include "config/words.h"
#include "config/yaml_file.h"
#include "src/shuntctl/edit_state.h"
#include "src/shuntctl/edit_verbs.h"
#include "src/shuntctl/file_failure.h"

namespace shunt::shuntctl {
namespace {

using Services = google::protobuf::RepeatedPtrField<v1::Service>;

struct ServiceEdit {
  std::string name;
  std::string file;
  EditOptions edit;
};

enum class Existing { kRefused, kReplaced };

// Pools that services of the file draw from: new ones are added, known ones must be as they are.
std::optional<Failure> merge_pools(const v1::DesiredState& given, v1::DesiredState& state) {
  for (const v1::LocalAddressPool& pool : given.local_addresses()) {
    const v1::LocalAddressPool* known = nullptr;
    for (const auto& each : state.local_addresses())
      known = each.name() == pool.name() ? &each : known;
    if (known == nullptr) {
      *state.add_local_addresses() = pool;
    } else if (known->SerializeAsString() != pool.SerializeAsString()) {
      return Failure{ExitCode::kUsage,
                     "ALREADY_EXISTS",
                     "local_addresses " + config::shown(pool.name()) +
                         ": the daemon has another pool of this name; write it as shuntctl get "
                         "shows it, or change it "
                         "with apply -f",
                     {}};
    }
  }
  return std::nullopt;
}

// Each service of the file goes into the state; one that is there already is refused or replaced in
// its place, one that is to be replaced must be there.
std::optional<Failure> merge(const Services& services, Existing existing, v1::DesiredState& state) {
  for (const v1::Service& service : services) {
    v1::Service* known = find_service(state, service.name());
    if (existing == Existing::kReplaced) {
      if (known == nullptr) return no_such_service(service.name());
      *known = service;
      continue;
    }
    if (known != nullptr) {
      return Failure{ExitCode::kUsage,
                     "ALREADY_EXISTS",
                     "service " + config::shown(service.name()) +
                         ": is there already; change it with shuntctl service update -f, or choose "
                         "another name",
                     {}};
    }
    *state.add_services() = service;
  }
  return std::nullopt;
}

Outcome merge_file(const Settings& settings, const ServiceEdit& options, Existing existing) {
  const auto loaded = load_desired_state(options.file);
  if (!loaded.problems.empty()) return failure_of(loaded.problems, options.file);
  const v1::DesiredState given = config::desired_part(loaded.config);
  v1::DesiredState rest = given;
  rest.clear_services();
  // Any other part would be passed over in silence.
  rest.clear_local_addresses();
  if (given.services().empty() || rest.ByteSizeLong() > 0) {
    return Failure{ExitCode::kUsage,
                   "INVALID_ARGUMENT",
                   "configuration " + options.file +
                       (given.services().empty()
                            ? ": has no services; list them under services"
                            : ": has more than services and local_addresses; apply -f changes "
                              "the rest of the desired state"),
                   {}};
  }
  return edit_state(settings, options.edit, [&](v1::DesiredState& state) {
    if (auto failure = merge_pools(given, state)) return failure;
    return merge(given.services(), existing, state);
  });
}

Outcome remove_service(const Settings& settings, const ServiceEdit& options) {
  return edit_state(settings, options.edit, [&](v1::DesiredState& state) -> std::optional<Failure> {
    Services& services = *state.mutable_services();
    for (int i = 0; i < services.size(); ++i) {
      if (services[i].name() != options.name) continue;
      services.DeleteSubrange(i, 1);
      return std::nullopt;
    }
    return no_such_service(options.name);
  });
}

}  // namespace

void add_service_edits(CLI::App& service, Command& command) {
  const auto from_file = [&](const char* name, const char* help, Existing existing) {
    auto options = std::make_shared<ServiceEdit>();
    CLI::App* verb = service.add_subcommand(name, help);
    verb->add_option("-f,--file", options->file, "YAML file with services; - is standard input")
        ->required()
        ->type_name("FILE");
    add_edit_options(*verb, options->edit);
    verb->callback([&command, options, existing] {
      command.action = [options, existing](const Settings& settings) {
        return merge_file(settings, *options, existing);
      };
    });
  };
  from_file("add", "Adds the file's services; all others stay", Existing::kRefused);
  from_file("update", "Replaces services by those of the file with the same names; all others stay",
            Existing::kReplaced);

  auto removed = std::make_shared<ServiceEdit>();
  CLI::App* removing =
      service.add_subcommand("remove", "Takes a service and its reals away; all others stay");
  removing->add_option("NAME", removed->name, "The service's name")->required();
  add_edit_options(*removing, removed->edit);
  removing->callback([&command, removed] {
    command.action = [removed](const Settings& settings) {
      return remove_service(settings, *removed);
    };
  });
}

}  // namespace shunt::shuntctl
