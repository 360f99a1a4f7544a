#include "src/shuntd/signals.h"

#include <pthread.h>
#include <signal.h>

#include <cerrno>

namespace shunt::shuntd {
namespace {

sigset_t held() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

void hold_signals() {
  const sigset_t set = held();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGIO, SIG_IGN);
}

std::optional<Signal> wait_for_signal(std::optional<std::chrono::microseconds> timeout) {
  const sigset_t set = held();
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + timeout.value_or(std::chrono::hours(1));
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(end - Clock::now()).count();
    if (timeout && left <= 0) return std::nullopt;
    const timespec wait = {left / 1000000000, left % 1000000000};
    // net_tap's signals interrupt this for every burst; they are the main thread's, so that no other one is interrupted.
    const int number = timeout ? sigtimedwait(&set, nullptr, &wait) : sigwaitinfo(&set, nullptr);
    if (number == SIGHUP) return Signal::kReload;
    if (number == SIGTERM || number == SIGINT) return Signal::kStop;
  }
}

}  // namespace shunt::shuntd
