// systemd's watchdog: fed while every worker's loop advances, and only then.
#include <gmock/gmock.h>
#include <sys/ptrace.h>

#include "tests/src/shuntd/program.h"

namespace shunt::shuntd {
namespace {

// The thread of `process` whose name begins so; 0: none.
pid_t thread_named(pid_t process, const std::string& name) {
  const std::string tasks = "/proc/" + std::to_string(process) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    std::string comm;
    std::getline(std::ifstream(task.path() / "comm"), comm);
    if (comm.starts_with(name)) return std::stoi(task.path().filename());
  }
  return 0;
}

// Holds one thread of a child, as a bug or a stuck driver would; all others go on.
class HeldThread {
 public:
  explicit HeldThread(pid_t thread) : thread_(thread) {
    EXPECT_EQ(ptrace(PTRACE_SEIZE, thread_, 0, 0), 0) << std::strerror(errno);
    EXPECT_EQ(ptrace(PTRACE_INTERRUPT, thread_, 0, 0), 0) << std::strerror(errno);
    int status = 0;
    EXPECT_EQ(waitpid(thread_, &status, __WALL), thread_);
  }
  ~HeldThread() { EXPECT_EQ(ptrace(PTRACE_DETACH, thread_, 0, 0), 0) << std::strerror(errno); }

 private:
  pid_t thread_;
};

TEST(Watchdog, IsFedOnlyWhileEveryWorkerAdvances) {
  const Place place;
  // Fed each 50 ms.
  Shuntd daemon(place, {"-c", place.write()}, {"env", "WATCHDOG_USEC=100000"});
  ASSERT_NE(daemon.notified("READY=1"), "") << daemon.log();
  EXPECT_NE(daemon.notified("WATCHDOG=1"), "");
  EXPECT_NE(daemon.notified("WATCHDOG=1"), "");
  const pid_t worker = thread_named(daemon.pid(), "rte-worker");
  ASSERT_NE(worker, 0);
  {
    const HeldThread held(worker);
    // What was told before, and once more for what was polled before.
    usleep(200000);
    daemon.take_notifications();
    usleep(1000000);
    EXPECT_EQ(daemon.take_notifications(), "") << "a worker stands still";
  }
  EXPECT_NE(daemon.notified("WATCHDOG=1"), "") << "the worker goes on";
  daemon.send(SIGTERM);
  EXPECT_EQ(daemon.wait(), 0);
}

TEST(Watchdog, IsNotFedWhereNobodyWatches) {
  const Place place;
  Shuntd daemon(place, {"-c", place.write()});
  ASSERT_NE(daemon.notified("READY=1"), "") << daemon.log();
  usleep(300000);
  EXPECT_EQ(daemon.take_notifications(), "");
}

}  // namespace
}  // namespace shunt::shuntd
