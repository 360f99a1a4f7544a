#include "src/shuntd/dpdk_log.h"

#include <rte_log.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdio>
#include <string_view>

namespace shunt::shuntd {
namespace {

// Warnings and errors that mean nothing here: there are no pages of a size that nobody asked for; net_tap's flow rules
// need qdiscs that we never ask for; and there are no secondary processes.
constexpr std::array<std::string_view, 7> kHarmless = {
    "qdisc", "Disabling rte flow support", "tap_mp_req_on_rxtx", "mp action callback", "hugepages reported",
    "TELEMETRY", "telemetry"};

ssize_t take(void*, const char* text, size_t bytes) {
  const auto level = static_cast<uint32_t>(rte_log_cur_msg_loglevel());
  for (std::string_view rest(text, bytes); !rest.empty();) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (!line.empty()) spdlog::log(level_of(level, line), "dpdk: {}", line);
  }
  return static_cast<ssize_t>(bytes);
}

}  // namespace

spdlog::level::level_enum level_of(uint32_t dpdk_level, std::string_view line) noexcept {
  for (const std::string_view harmless : kHarmless) {
    if (line.find(harmless) != std::string_view::npos) return spdlog::level::debug;
  }
  switch (dpdk_level) {
    case RTE_LOG_EMERG:
    case RTE_LOG_ALERT:
    case RTE_LOG_CRIT: return spdlog::level::critical;
    case RTE_LOG_ERR: return spdlog::level::err;
    case RTE_LOG_WARNING: return spdlog::level::warn;
    case RTE_LOG_NOTICE:
    case RTE_LOG_INFO: return spdlog::level::debug;
    default: return spdlog::level::trace;
  }
}

void bridge_dpdk_log() {
  FILE* stream = fopencookie(nullptr, "w", {.read = nullptr, .write = take, .seek = nullptr, .close = nullptr});
  if (stream == nullptr) return;
  setlinebuf(stream);
  rte_openlog_stream(stream);
}

}  // namespace shunt::shuntd
