// shuntctl history, history show, rollback: the last revisions, and back to one of them.
#include <algorithm>
#include <memory>

#include "src/shuntctl/changes.h"
#include "src/shuntctl/client.h"
#include "src/shuntctl/edit_request.h"
#include "src/shuntctl/output/table.h"
#include "src/shuntctl/output/text.h"
#include "src/shuntctl/output/yaml.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

struct HistoryOptions {
  uint32_t limit = 20;
  uint64_t revision = 0;
  bool state = false;
  EditOptions edit;
};

std::string origin_word(v1::Origin origin) {
  switch (origin) {
    case v1::ORIGIN_API: return "api";
    case v1::ORIGIN_FILE: return "file";
    case v1::ORIGIN_ROLLBACK: return "rollback";
    case v1::ORIGIN_ITSELF: return "itself";
    default: return "?";  // of a newer daemon
  }
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : printable(text); }

// "3 changes: service web, real web/10.0.0.1:80, ..."
std::string summary_of(const v1::Revision& revision) {
  constexpr int kShown = 3;
  std::string text = std::to_string(revision.change_count()) + (revision.change_count() == 1 ? " change" : " changes");
  for (int i = 0; i < std::min(revision.changes_size(), kShown); ++i) {
    text += (i == 0 ? ": " : ", ") + printable(revision.changes(i).subject());
  }
  return static_cast<uint64_t>(kShown) < revision.change_count() ? text + ", ..." : text;
}

Outcome list_history(const Settings& settings, const HistoryOptions& options) {
  v1::HistoryRequest request;
  request.set_limit(options.limit);
  v1::HistoryResponse response;
  Client client(settings);
  if (auto failure = client.call(&v1::Shunt::Stub::History, request, &response)) return *failure;
  if (settings.json) {
    print_json(response);
    return {};
  }
  Table table({Align::kRight, Align::kLeft, Align::kLeft, Align::kLeft, Align::kLeft, Align::kLeft});
  table.header({"revision", "time", "by", "who", "what", "changes"});
  for (const auto& each : response.revisions()) {
    const bool is_current = each.revision() == response.revision();
    table.row({Cell(std::to_string(each.revision()) + (is_current ? "*" : each.restorable() ? " " : "!"),
                    is_current ? Tone::kBold : Tone::kPlain),
               local_time(each.time()), origin_word(each.origin()), or_dash(each.who()), or_dash(each.what()),
               summary_of(each)});
  }
  print(table.to_string(settings.colour));
  const bool any_lost = std::any_of(response.revisions().begin(), response.revisions().end(),
                                    [](const v1::Revision& each) { return !each.restorable(); });
  if (any_lost) print("!: its state is not known any more; no rollback leads there\n");
  return {};
}

Outcome show_revision(const Settings& settings, const HistoryOptions& options) {
  v1::GetRevisionRequest request;
  request.set_revision(options.revision);
  request.set_with_state(options.state);
  v1::GetRevisionResponse response;
  Client client(settings);
  if (auto failure = client.call(&v1::Shunt::Stub::GetRevision, request, &response)) return *failure;
  if (settings.json) {
    print_json(response);
    return {};
  }
  const v1::Revision& revision = response.revision();
  std::string text = "# revision " + std::to_string(revision.revision()) + ", " + local_time(revision.time()) + ", by " +
                     origin_word(revision.origin());
  for (const std::string& each : {revision.who(), revision.what()}) text += each.empty() ? "" : ", " + printable(each);
  print(text + "\n");
  if (options.state) {
    print(to_yaml(response.state()));
    return {};
  }
  v1::ApplyResponse changes;
  *changes.mutable_changes() = revision.changes();
  print(changes_text(changes, settings.colour));
  const uint64_t shown = static_cast<uint64_t>(revision.changes_size());
  if (shown < revision.change_count()) print("... and " + std::to_string(revision.change_count() - shown) + " more changes\n");
  return {};
}

Outcome roll_back(const Settings& settings, const HistoryOptions& options) {
  v1::RollbackRequest request;
  request.set_revision(options.revision);
  request.set_expected_revision(options.edit.expected_revision);
  request.set_dry_run(options.edit.dry_run);
  v1::ApplyResponse response;
  Client client(settings);
  if (auto failure = client.call(&v1::Shunt::Stub::Rollback, request, &response)) return *failure;
  print_edited(response, options.edit, settings);
  return {};
}

}  // namespace

void add_history_verbs(CLI::App& app, Command& command) {
  auto listed = std::make_shared<HistoryOptions>();
  CLI::App* history = app.add_subcommand("history", "The last revisions: when, who, what; newest first");
  // Bare, it lists.
  history->require_subcommand(0, 1);
  history->add_option("--limit", listed->limit, "At most this many; 0: all")->capture_default_str()->type_name("N");
  history->callback([&command, listed, history] {
    if (!history->get_subcommands().empty()) return;
    command.action = [listed](const Settings& settings) { return list_history(settings, *listed); };
  });
  auto shown = std::make_shared<HistoryOptions>();
  CLI::App* show = history->add_subcommand("show", "What one of them changed");
  show->add_option("REVISION", shown->revision, "Of shuntctl history")->required();
  show->add_flag("--state", shown->state, "Its whole desired state, as YAML that apply -f takes");
  show->callback([&command, shown] {
    command.action = [shown](const Settings& settings) { return show_revision(settings, *shown); };
  });

  auto back = std::make_shared<HistoryOptions>();
  CLI::App* rollback = app.add_subcommand(
      "rollback", "Makes the desired state what it was in a revision");
  rollback->add_option("REVISION", back->revision, "Of shuntctl history")->required();
  add_edit_options(*rollback, back->edit);
  rollback->callback([&command, back] {
    command.action = [back](const Settings& settings) { return roll_back(settings, *back); };
  });
}

}  // namespace shunt::shuntctl
