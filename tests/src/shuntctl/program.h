// Runs the built shuntctl as a person or a script would: arguments in, text and exit status out.
#pragma once

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

// Output goes through files, so that a test need not read two pipes at once.
inline Ended run_command(const std::vector<std::string>& command,
                         const std::map<std::string, std::string>& environment = {}) {
  const ScratchFolder folder;
  const std::string out = folder.write("out", "");
  const std::string err = folder.write("err", "");
  const pid_t child = fork();
  if (child == 0) {
    if (freopen(out.c_str(), "w", stdout) == nullptr || freopen(err.c_str(), "w", stderr) == nullptr) _exit(126);
    unsetenv("SHUNT_SOCKET");
    setenv("TZ", "UTC", 1);
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    std::vector<char*> arguments;
    for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
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
