#include "control/health/exec_attempt.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "control/health/words.h"

namespace shunt::control {
namespace {

using asio::posix::stream_descriptor;

constexpr const char* kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
// Of what a program prints; the rest is read and dropped.
constexpr size_t kMaxOutput = 256;

std::vector<std::string> environment_of(const CheckedPlace& place, std::chrono::milliseconds timeout) {
  return {kPath, "SHUNT_ADDRESS=" + place.address.to_string(), "SHUNT_PORT=" + std::to_string(place.port),
          std::string("SHUNT_FAMILY=") + (place.address.is_v4() ? "4" : "6"),
          "SHUNT_TIMEOUT_MS=" + std::to_string(timeout.count())};
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// Empty: nobody but root and ourselves can change it.
std::string why_not_safe(const std::string& path, struct stat& found) {
  if (::stat(path.c_str(), &found) != 0) return path + ": " + std::strerror(errno);
  if (found.st_uid != 0 && found.st_uid != ::geteuid()) return path + ": not root's; chown root";
  if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0) return path + ": others may change it; chmod go-w";
  return "";
}

// Empty: it may be run.
std::string why_not(const std::string& folder, const std::string& program) {
  struct stat found {};
  if (std::string problem = why_not_safe(folder, found); !problem.empty()) return problem;
  if (std::string problem = why_not_safe(program, found); !problem.empty()) return problem;
  const bool runs = S_ISREG(found.st_mode) && ::access(program.c_str(), X_OK) == 0;
  return runs ? "" : program + ": not a program; chmod +x";
}

// Takes from the calling thread all that Linux lets the daemon do beyond its user's rights, and from the programs that it
// starts the ways back: root's exec, ambient capabilities, set-user-ID and file capabilities (capabilities(7)). An errno; 0:
// it is done.
int give_up_privileges() noexcept {
  constexpr unsigned long kNoRoot = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED;
  if (::geteuid() == 0 && ::prctl(PR_SET_SECUREBITS, kNoRoot, 0, 0, 0) != 0) return errno;
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return errno;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  return ::syscall(SYS_capset, &header, none.data()) == 0 ? 0 : errno;
}

// An errno; 0: it runs.
int spawn(const std::string& program, std::vector<std::string> words, std::vector<std::string> environment, int output,
          pid_t& pid) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  // Privileges are a thread's: what one without any starts has none, and the daemon keeps its own.
  int error = 0;
  std::thread([&] {
    error = give_up_privileges();
    if (error != 0) return;
    error = ::posix_spawn(&pid, program.c_str(), &files, &attributes, pointers(words).data(), pointers(environment).data());
  }).join();
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error;
}

Outcome outcome_of_exit(int status, const std::string& output) {
  const std::string line = output.substr(0, output.find('\n'));
  const std::string said = line.empty() ? "" : ", said " + quoted(line);
  if (WIFSIGNALED(status)) return {Outcome::Kind::kDown, "killed by signal " + std::to_string(WTERMSIG(status)) + said};
  const int code = WEXITSTATUS(status);
  return {code == 0 ? Outcome::Kind::kUp : Outcome::Kind::kDown, "status " + std::to_string(code) + said};
}

}  // namespace

class Programs::Run : public Attempt {
 public:
  Run(Programs& programs, Done done)
      : programs_(programs), life_of_programs_(programs.life_), ended_(programs.loop_), output_(programs.loop_),
        done_(std::move(done)) {}

  ~Run() override {
    if (pid_ == 0) return;
    ::kill(-pid_, SIGKILL);
    if (::waitpid(pid_, nullptr, WNOHANG) == 0 && !life_of_programs_.expired()) programs_.leaving_.push_back(pid_);
  }

  int begin(const std::string& program, std::vector<std::string> words, std::vector<std::string> environment) {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return errno;
    output_.assign(pipe[0]);
    const int error = spawn(program, std::move(words), std::move(environment), pipe[1], pid_);
    ::close(pipe[1]);
    if (error != 0) {
      pid_ = 0;
      return error;
    }
    const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    if (descriptor < 0) return errno;
    ended_.assign(descriptor);
    ended_.async_wait(stream_descriptor::wait_read, [this, life = life()](const asio::error_code& error_code) {
      if (!life.expired() && !error_code) ended();
    });
    output_.non_blocking(true);
    wait_for_output();
    return 0;
  }

 private:
  void wait_for_output() {
    output_.async_wait(stream_descriptor::wait_read, [this, life = life()](const asio::error_code& error) {
      if (life.expired() || error) return;
      if (read_output()) wait_for_output();
    });
  }

  // False: there will be no more.
  bool read_output() {
    std::array<char, 4096> part;
    for (;;) {
      const ssize_t bytes = ::read(output_.native_handle(), part.data(), part.size());
      if (bytes <= 0) return bytes < 0 && errno == EAGAIN;
      said_.append(part.data(), std::min(static_cast<size_t>(bytes), kMaxOutput - said_.size()));
    }
  }

  void ended() {
    read_output();
    // What it has left behind of its group goes with it, while the group's number is still its own.
    ::kill(-pid_, SIGKILL);
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    const Done done = std::move(done_);
    done(outcome_of_exit(status, said_));
  }

  Programs& programs_;
  const std::weak_ptr<void> life_of_programs_;
  pid_t pid_ = 0;
  stream_descriptor ended_;
  stream_descriptor output_;
  std::string said_;
  Done done_;
};

void Programs::reap() {
  std::erase_if(leaving_, [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; });
}

Begun Programs::begin(const ExecCheck& check, const CheckedPlace& place, std::chrono::milliseconds timeout,
                      Attempt::Done done) {
  reap();
  const std::string program = folder_ + "/" + check.command.front();
  if (std::string problem = why_not(folder_, program); !problem.empty()) return {nullptr, {Outcome::Kind::kUnable, problem}};
  std::vector<std::string> words = check.command;
  words.front() = program;
  auto run = std::make_unique<Run>(*this, std::move(done));
  if (const int error = run->begin(program, std::move(words), environment_of(place, timeout)); error != 0) {
    Outcome outcome = outcome_of(error);
    // Whatever it is, it is nothing of the real's.
    if (outcome.kind == Outcome::Kind::kDown)
      outcome = {Outcome::Kind::kUnable, program + ": " + outcome.cause};
    return {nullptr, std::move(outcome)};
  }
  return {std::move(run), {}};
}

}  // namespace shunt::control
