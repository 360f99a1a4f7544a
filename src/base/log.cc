#include "src/base/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "src/base/flood_limit.h"

namespace shunt {
namespace {

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& out) override {
    const auto ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(line.time.time_since_epoch()).count();
    const auto level = spdlog::level::to_string_view(line.level);
    const std::string text =
        json_line(ms, {level.data(), level.size()}, {line.payload.data(), line.payload.size()}) +
        "\n";
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

// Hands on what the limit admits.
class LimitedSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit LimitedSink(spdlog::sink_ptr to) : to_(std::move(to)) {}
  // No more lines come: the next flush tells all that was held back.
  void end() noexcept { ending_ = true; }

 private:
  void sink_it_(const spdlog::details::log_msg& line) override {
    tell(limit_.due(line.time), line.time);
    const bool important = line.level >= spdlog::level::err;
    if (limit_.admits(line.level, important, {line.payload.data(), line.payload.size()}, line.time))
      to_->log(line);
  }
  void flush_() override {
    const auto now = std::chrono::system_clock::now();
    tell(ending_ ? limit_.rest() : limit_.due(now), now);
    to_->flush();
  }
  void set_formatter_(std::unique_ptr<spdlog::formatter> formatter) override {
    to_->set_formatter(std::move(formatter));
  }
  void set_pattern_(const std::string& pattern) override { to_->set_pattern(pattern); }

  void tell(const std::vector<FloodLimit::Summary>& summaries, FloodLimit::Time now) {
    for (const FloodLimit::Summary& each : summaries) {
      const auto level = static_cast<spdlog::level::level_enum>(each.level);
      to_->log(spdlog::details::log_msg(now, {}, "shunt", level, each.text));
    }
  }

  const spdlog::sink_ptr to_;
  FloodLimit limit_;
  std::atomic<bool> ending_ = false;
};

std::shared_ptr<LimitedSink> g_sink;

}  // namespace

std::string json_line(int64_t ms, std::string_view level, std::string_view message) {
  std::string text =
      fmt::format("{{\"time\":\"{:%Y-%m-%dT%H:%M:%S}.{:03}Z\",\"level\":\"{}\",\"message\":\"",
                  fmt::gmtime(static_cast<std::time_t>(ms / 1000)), ms % 1000, level);
  for (const char c : message) {
    if (c == '"' || c == '\\')
      text += std::string("\\") + c;
    else if (c == '\n')
      text += "\\n";
    else if (static_cast<unsigned char>(c) < 0x20)
      text += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      text += c;
  }
  return text + "\"}";
}

void start_logging(const LogSettings& settings) {
  g_sink = std::make_shared<LimitedSink>(std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  auto logger = std::make_shared<spdlog::logger>("shunt", g_sink);
  if (settings.json)
    logger->set_formatter(std::make_unique<JsonFormatter>());
  else
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  logger->set_level(spdlog::level::from_str(settings.level));
  logger->flush_on(spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
}

void end_logging() {
  if (g_sink == nullptr) return;
  g_sink->end();
  spdlog::default_logger()->flush();
}

}  // namespace shunt
