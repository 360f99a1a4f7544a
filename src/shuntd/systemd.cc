#include "src/shuntd/systemd.h"

#include <systemd/sd-daemon.h>
#include <time.h>

namespace shunt::shuntd {

void tell_ready(const std::string& status) {
  sd_notifyf(0, "READY=1\nSTATUS=%s", status.c_str());
}

void tell_reloading() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const long long us = static_cast<long long>(now.tv_sec) * 1000000 + now.tv_nsec / 1000;
  sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", us);
}

void tell_stopping() { sd_notify(0, "STOPPING=1"); }

std::optional<std::chrono::microseconds> watchdog_interval() {
  uint64_t us = 0;
  if (sd_watchdog_enabled(0, &us) <= 0) return std::nullopt;
  return std::chrono::microseconds(us / 2);
}

void tell_alive() { sd_notify(0, "WATCHDOG=1"); }

}  // namespace shunt::shuntd
