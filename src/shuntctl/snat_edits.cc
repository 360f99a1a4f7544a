// shuntctl snat add, snat update, snat remove.
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

struct SnatEdit {
  std::string name;
  std::string file;
  EditOptions edit;
};

v1::Edit add(const v1::SnatRule& rule) {
  v1::Edit edit;
  *edit.mutable_add_snat_rule()->mutable_rule() = rule;
  return edit;
}

v1::Edit replace(const v1::SnatRule& rule) {
  v1::Edit edit;
  *edit.mutable_update_snat_rule()->mutable_rule() = rule;
  edit.mutable_update_snat_rule()->mutable_update_mask()->add_paths("*");
  return edit;
}

Outcome send_file(const Settings& settings, const SnatEdit& options, v1::Edit (*edit_of)(const v1::SnatRule&)) {
  const auto loaded = load_desired_state(options.file);
  if (!loaded.problems.empty()) return failure_of(loaded.problems, options.file);
  v1::DesiredState rest = config::desired_part(loaded.config);
  v1::EditRequest request;
  for (const v1::SnatRule& rule : rest.snat()) *request.add_edits() = edit_of(rule);
  rest.clear_snat();
  // Any other part would be passed over in silence.
  const bool has_more = rest.ByteSizeLong() > 0;
  if (request.edits().empty() || has_more) {
    return Failure{ExitCode::kUsage, "INVALID_ARGUMENT",
                   "configuration " + options.file + (has_more ? ": has more than snat; apply -f changes the rest of the desired state"
                                                                : ": has no rules; list them under snat"),
                   {}};
  }
  return send_edits(settings, options.edit, std::move(request));
}

Outcome remove_rule(const Settings& settings, const SnatEdit& options) {
  v1::EditRequest request;
  request.add_edits()->mutable_remove_snat_rule()->set_name(options.name);
  return send_edits(settings, options.edit, std::move(request));
}

}  // namespace

void add_snat_edits(CLI::App& snat, Command& command) {
  const auto from_file = [&](const char* name, const char* help, v1::Edit (*edit_of)(const v1::SnatRule&)) {
    auto options = std::make_shared<SnatEdit>();
    CLI::App* verb = snat.add_subcommand(name, help);
    verb->add_option("-f,--file", options->file, "YAML file with rules under snat; - is standard input")->required()->type_name("FILE");
    add_edit_options(*verb, options->edit);
    verb->callback([&command, options, edit_of] {
      command.action = [options, edit_of](const Settings& settings) { return send_file(settings, *options, edit_of); };
    });
  };
  from_file("add", "Adds the file's rules behind all others", add);
  from_file("update", "Replaces rules by those of the file with the same names; they stay in their places", replace);
  auto removed = std::make_shared<SnatEdit>();
  CLI::App* removing = snat.add_subcommand("remove", "Takes a rule and its connections away");
  removing->add_option("NAME", removed->name, "The rule's name")->required();
  add_edit_options(*removing, removed->edit);
  removing->callback([&command, removed] {
    command.action = [removed](const Settings& settings) { return remove_rule(settings, *removed); };
  });
}

}  // namespace shunt::shuntctl
