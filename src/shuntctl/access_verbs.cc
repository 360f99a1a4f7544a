// shuntctl access list, add, remove, delete: the named lists of clients that services allow or deny.
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/shuntctl/client.h"
#include "src/shuntctl/edit_request.h"
#include "src/shuntctl/output/table.h"
#include "src/shuntctl/output/text.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

using enum Align;

struct AccessEdit {
  std::string list;
  std::vector<std::string> prefixes;
  std::string file;
  bool is_new = false;
  EditOptions edit;
};

// "allowed by web, denied by dns, mail"
std::string users_of(const std::string& list, const v1::DesiredState& state) {
  std::string allowed, denied;
  for (const v1::Service& service : state.services()) {
    const auto note = [&](const auto& names, std::string& users) {
      for (const std::string& name : names) {
        if (name == list) users += (users.empty() ? "" : ", ") + printable(service.name());
      }
    };
    note(service.access().allow_lists(), allowed);
    note(service.access().deny_lists(), denied);
  }
  std::string text = allowed.empty() ? "" : "allowed by " + allowed;
  if (!denied.empty()) text += (text.empty() ? "denied by " : ", denied by ") + denied;
  return text.empty() ? "nobody" : text;
}

Outcome print_lists(const v1::DesiredState& state, const Settings& settings) {
  Table table({kLeft, kRight, kLeft});
  table.header({"List", "Prefixes", "Used"});
  for (const v1::AccessList& list : state.access_lists()) {
    table.row({{printable(list.name()), Tone::kBold}, count(static_cast<uint64_t>(list.prefixes_size()), settings.exact),
               users_of(list.name(), state)});
  }
  print(state.access_lists().empty() ? "no access list\n" : table.to_string(settings.colour));
  return {};
}

Outcome list_access(const Settings& settings, const std::string& name) {
  Client client(settings);
  v1::GetResponse response;
  if (auto failure = client.call(&v1::Shunt::Stub::Get, v1::GetRequest(), &response)) return *failure;
  v1::DesiredState lists;
  for (v1::AccessList& list : *response.mutable_state()->mutable_access_lists()) {
    if (name.empty() || list.name() == name) *lists.add_access_lists() = std::move(list);
  }
  if (!name.empty() && lists.access_lists().empty()) {
    return Failure{ExitCode::kNotFound, "NOT_FOUND", "access_lists " + printable(name) + ": there is none of this name; see shuntctl access list", {}};
  }
  if (settings.json) {
    print_json(lists);
    return {};
  }
  if (name.empty()) {
    *lists.mutable_services() = response.state().services();
    return print_lists(lists, settings);
  }
  std::string text;
  for (const std::string& prefix : lists.access_lists(0).prefixes()) text += prefix + "\n";
  print(text);
  return {};
}

// One a line; what follows a # is a remark. False: the file cannot be read.
bool read_prefixes(const std::string& path, std::vector<std::string>& prefixes) {
  std::ifstream file;
  if (path != "-") file.open(path);
  std::istream& in = path == "-" ? std::cin : file;
  constexpr const char* kBlank = " \t\r";
  for (std::string line; std::getline(in, line);) {
    line.erase(std::min(line.find('#'), line.size()));
    const size_t first = line.find_first_not_of(kBlank);
    if (first != std::string::npos) prefixes.push_back(line.substr(first, line.find_last_not_of(kBlank) + 1 - first));
  }
  return in.eof();
}

Outcome change(const Settings& settings, AccessEdit options, bool adds) {
  const std::string subject = "access_lists " + printable(options.list);
  if (!options.file.empty() && !read_prefixes(options.file, options.prefixes)) {
    return Failure{ExitCode::kUsage, "INVALID_ARGUMENT", options.file + ": cannot be read; name a file with one prefix a line", {}};
  }
  if (options.prefixes.empty() && !options.is_new) {
    return Failure{ExitCode::kUsage, "USAGE", subject + ": no prefix was given; name some, or a file with -f", {}};
  }
  v1::EditRequest request;
  if (options.is_new) {
    request.add_edits()->mutable_add_access_list()->mutable_list()->set_name(options.list);
  }
  v1::ChangeAccessList& edit = *request.add_edits()->mutable_change_access_list();
  edit.set_name(options.list);
  auto& prefixes = adds ? *edit.mutable_add() : *edit.mutable_remove();
  for (std::string& prefix : options.prefixes) prefixes.Add(std::move(prefix));
  return send_edits(settings, options.edit, std::move(request));
}

Outcome delete_list(const Settings& settings, const AccessEdit& options) {
  v1::EditRequest request;
  request.add_edits()->mutable_remove_access_list()->set_name(options.list);
  return send_edits(settings, options.edit, std::move(request));
}

}  // namespace

void add_access_verbs(CLI::App& app, Command& command) {
  CLI::App* access = app.add_subcommand("access", "Named lists of clients that services allow or deny")->require_subcommand(1);
  auto shown = std::make_shared<std::string>();
  CLI::App* list = access->add_subcommand("list", "The lists and who uses them; of one its prefixes");
  list->add_option("LIST", *shown, "That list's prefixes, one a line");
  list->callback([&command, shown] {
    command.action = [shown](const Settings& settings) { return list_access(settings, *shown); };
  });
  const auto verb = [&](const char* name, const char* help, auto action) {
    auto options = std::make_shared<AccessEdit>();
    CLI::App* added = access->add_subcommand(name, help);
    added->add_option("LIST", options->list, "The list's name")->required();
    add_edit_options(*added, options->edit);
    added->callback([&command, options, action] {
      command.action = [options, action](const Settings& settings) { return action(settings, *options); };
    });
    return std::pair{added, options};
  };
  const auto takes_prefixes = [](CLI::App& changing, AccessEdit& options) {
    changing.add_option("PREFIX", options.prefixes, "192.0.2.0/24, 2001:db8::/32, or a single address");
    changing.add_option("-f,--file", options.file, "File with one prefix a line; - is standard input")->type_name("FILE");
  };
  const auto [adding, added] = verb("add", "Puts prefixes on a list; those that are there already do no harm",
                                    [](const Settings& settings, const AccessEdit& options) { return change(settings, options, true); });
  takes_prefixes(*adding, *added);
  adding->add_flag("--new", added->is_new, "The list is a new one");
  const auto [removing, removed] = verb("remove", "Takes prefixes off a list; those that are not there do no harm",
                                        [](const Settings& settings, const AccessEdit& options) { return change(settings, options, false); });
  takes_prefixes(*removing, *removed);
  verb("delete", "Takes a list away that no service uses", delete_list);
}

}  // namespace shunt::shuntctl
