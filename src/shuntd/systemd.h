// What systemd is told (sd_notify), and its watchdog. Nothing happens outside of systemd. Main thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace shunt::shuntd {

void tell_ready(const std::string& status);
void tell_reloading();
void tell_stopping();
// Half of WatchdogSec=, the time after which tell_alive() is due; nullopt: nobody watches.
std::optional<std::chrono::microseconds> watchdog_interval();
void tell_alive();

}  // namespace shunt::shuntd
