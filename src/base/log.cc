#include "src/base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>

#include <string>

namespace shunt {

void start_logging(std::string_view level) {
  auto logger = spdlog::stderr_color_mt("shunt");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  logger->set_level(spdlog::level::from_str(std::string(level)));
  logger->flush_on(spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace shunt
