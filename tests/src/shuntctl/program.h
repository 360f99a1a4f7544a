// Runs the built shuntctl as a person or a script would: arguments in, text and exit status out.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace shunt::shuntctl {

// A folder of the test's own, gone with it.
class ScratchFolder {
 public:
  ScratchFolder() {
    char pattern[] = "/tmp/shuntctl-test-XXXXXX";
    path_ = mkdtemp(pattern);
  }
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::string path(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
    return path(name);
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string path_;
};

struct Ended {
  int exit = -1;
  std::string out;
  std::string err;
};

// This process's environment with a few changes.
inline std::vector<std::string> environment_with(const std::map<std::string, std::string>& changes) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    variables[text.substr(0, text.find('='))] = text.substr(text.find('=') + 1);
  }
  variables.erase("SHUNT_SOCKET");
  variables["TZ"] = "UTC";
  for (const auto& [name, value] : changes) variables[name] = value;
  std::vector<std::string> entries;
  for (const auto& [name, value] : variables) entries.push_back(name + "=" + value);
  return entries;
}

inline std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Output goes through files, so that a test need not read two pipes at once. Spawned, not forked: the fake daemon's
// threads may hold the allocator's locks.
inline Ended run_command(std::vector<std::string> command,
                         const std::map<std::string, std::string>& environment = {}) {
  const ScratchFolder folder;
  const std::string out = folder.path("out");
  const std::string err = folder.path("err");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT, 0600);
  std::vector<std::string> variables = environment_with(environment);
  pid_t child = 0;
  const int failed = posix_spawn(&child, command[0].c_str(), &actions, nullptr, pointers_to(command).data(),
                                 pointers_to(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return {127, "", command[0] + " cannot be run"};
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), folder.read("out"), folder.read("err")};
}

inline Ended run_shuntctl(std::vector<std::string> arguments,
                          const std::map<std::string, std::string>& environment = {}) {
  arguments.insert(arguments.begin(), SHUNTCTL_PATH);
  return run_command(arguments, environment);
}

}  // namespace shunt::shuntctl
