#include "src/shuntctl/usage_problem.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "config/words.h"

namespace shunt::shuntctl {
namespace {

// The app, the command that was chosen, its own one, and so on.
std::vector<const CLI::App*> chosen(const CLI::App& app) {
  std::vector<const CLI::App*> levels{&app};
  while (!levels.back()->get_subcommands().empty())
    levels.push_back(levels.back()->get_subcommands().front());
  return levels;
}

// "shuntctl real drain"
std::string words_of(const std::vector<const CLI::App*>& levels) {
  std::string words;
  for (const CLI::App* level : levels) words += (words.empty() ? "" : " ") + level->get_name();
  return words;
}

std::vector<std::string> commands_of(const CLI::App& level) {
  std::vector<std::string> names;
  // Those without a group are hidden.
  for (const CLI::App* command :
       level.get_subcommands([](const CLI::App* each) { return !each->get_group().empty(); }))
    names.push_back(command->get_name());
  return names;
}

// Without their dashes.
std::vector<std::string> options_of(const std::vector<const CLI::App*>& levels) {
  std::vector<std::string> names;
  for (const CLI::App* level : levels) {
    for (const CLI::Option* option : level->get_options())
      names.insert(names.end(), option->get_lnames().begin(), option->get_lnames().end());
  }
  return names;
}

std::string meant(const char* before, const std::optional<std::string>& word) {
  return word ? std::string("; did you mean ") + before + *word + "?" : "";
}

std::string unknown_option(const std::string& typed, const std::vector<const CLI::App*>& levels) {
  const std::string name = typed.substr(0, typed.find('='));
  const std::string bare = name.substr(std::min(name.find_first_not_of('-'), name.size()));
  const std::vector<std::string> known = options_of(levels);
  // Options of a command do not stand before it.
  if (std::find(known.begin(), known.end(), bare) != known.end())
    return "option " + config::shown(name) + " comes too early; write it after " + words_of(levels);
  return "unknown option " + config::shown(name) + meant("--", config::nearest_word(bare, known));
}

std::string unknown_word(const std::string& typed, const CLI::App& level) {
  const std::vector<std::string> commands = commands_of(level);
  if (commands.empty()) return "unexpected argument " + config::in_quotes(typed);
  return "unknown command " + config::in_quotes(typed) +
         meant("", config::nearest_word(typed, commands));
}

}  // namespace

std::string usage_problem(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<const CLI::App*> levels = chosen(app);
  // CLI11 asks whether there is a command before it looks at what it could not read, and gives all
  // that it could not read to the app.
  const std::vector<std::string> unread = app.remaining(true);
  const bool is_about_unread = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr ||
                               dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  std::string problem = error.what();
  if (is_about_unread && !unread.empty()) {
    const std::string& first = unread.front();
    problem = first.starts_with('-') && first.size() > 1 ? unknown_option(first, levels)
                                                         : unknown_word(first, *levels.back());
  }
  const char* see = problem.ends_with('?') ? " See " : "; see ";
  return problem + see + words_of(levels) + " --help";
}

}  // namespace shunt::shuntctl
