#include "src/shuntctl/edit_request.h"

#include "src/shuntctl/changes.h"
#include "src/shuntctl/client.h"
#include "src/shuntctl/print.h"

namespace shunt::shuntctl {

void add_edit_options(CLI::App& verb, EditOptions& options) {
  verb.add_flag("--dry-run", options.dry_run, "Only show what would change");
  verb.add_option("--expect-revision", options.expected_revision, "Refuse when this is not the current revision")
      ->type_name("N");
}

Outcome send_edits(const Settings& settings, const EditOptions& options, v1::EditRequest request) {
  request.set_expected_revision(options.expected_revision);
  request.set_dry_run(options.dry_run);
  Client client(settings);
  v1::ApplyResponse response;
  if (auto failure = client.call(&v1::Shunt::Stub::Edit, request, &response)) return *failure;
  print_edited(response, options, settings);
  return {};
}

void print_edited(const v1::ApplyResponse& response, const EditOptions& options, const Settings& settings) {
  print_applied(response, settings);
  if (options.dry_run && !settings.json) print("dry run: nothing was changed\n");
}

}  // namespace shunt::shuntctl
