// Checks in words. Pure; any thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "control/model/health_check.h"

namespace shunt::control {

// What an outcome's text begins with: "connect", "http", "https", "udp", "dns", "icmp", "grpc", "exec".
const char* word_of(const CheckKind& kind);

// The whole of it: "https HEAD /healthz, host web.example, status 200-299".
std::string text_of(const CheckKind& kind);

// "200-299,401"
std::string text_of(const std::vector<StatusRange>& statuses);

// In double quotes, what is not printable escaped, cut after 64 bytes.
std::string quoted(std::string_view bytes);

// "0.4 ms", "12 ms", "2 s"
std::string duration_text(std::chrono::steady_clock::duration duration);

}  // namespace shunt::control
