// shuntctl service add, service update, service remove.
#include <memory>
#include <string>
#include <utility>

#include "config/convert.h"
#include "config/yaml_file.h"
#include "src/shuntctl/edit_request.h"
#include "src/shuntctl/edit_verbs.h"
#include "src/shuntctl/file_failure.h"

namespace shunt::shuntctl {
namespace {

struct ServiceEdit {
  std::string name;
  std::string file;
  EditOptions edit;
};

enum class Existing { kRefused, kReplaced };

// The file's pools and access lists are added, too: its services use them.
v1::EditRequest edits_of(const v1::DesiredState& given, Existing existing) {
  v1::EditRequest request;
  for (const v1::LocalAddressPool& pool : given.local_addresses()) {
    *request.add_edits()->mutable_add_local_addresses()->mutable_pool() = pool;
  }
  for (const v1::AccessList& list : given.access_lists()) {
    *request.add_edits()->mutable_add_access_list()->mutable_list() = list;
  }
  for (const v1::Service& service : given.services()) {
    if (existing == Existing::kRefused) {
      *request.add_edits()->mutable_add_service()->mutable_service() = service;
      continue;
    }
    v1::UpdateService& update = *request.add_edits()->mutable_update_service();
    *update.mutable_service() = service;
    update.mutable_update_mask()->add_paths("*");
  }
  return request;
}

Outcome send_file(const Settings& settings, const ServiceEdit& options, Existing existing) {
  const auto loaded = load_desired_state(options.file);
  if (!loaded.problems.empty()) return failure_of(loaded.problems, options.file);
  const v1::DesiredState given = config::desired_part(loaded.config);
  v1::DesiredState rest = given;
  rest.clear_services();
  // Any other part would be passed over in silence.
  rest.clear_local_addresses();
  rest.clear_access_lists();
  if (given.services().empty() || rest.ByteSizeLong() > 0) {
    return Failure{ExitCode::kUsage,
                   "INVALID_ARGUMENT",
                   "configuration " + options.file +
                       (given.services().empty()
                            ? ": has no services; list them under services"
                            : ": has more than services, local_addresses and access_lists; apply -f changes "
                              "the rest of the desired state"),
                   {}};
  }
  return send_edits(settings, options.edit, edits_of(given, existing));
}

Outcome remove_service(const Settings& settings, const ServiceEdit& options) {
  v1::EditRequest request;
  request.add_edits()->mutable_remove_service()->set_name(options.name);
  return send_edits(settings, options.edit, std::move(request));
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
        return send_file(settings, *options, existing);
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
