#include "src/shuntctl/print.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "src/shuntctl/output/json.h"

namespace shunt::shuntctl {

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void print_json(const google::protobuf::Message& message) { print(to_json(message)); }

void print_failure(const Failure& failure, bool json) {
  if (!json) {
    std::fprintf(stderr, "shuntctl: %s\n", failure.message.c_str());
    return;
  }
  nlohmann::ordered_json details = nlohmann::ordered_json::array();
  for (const auto& detail : failure.details) {
    details.push_back({{"field", detail.field()},
                       {"reason", detail.reason()},
                       {"cause", detail.cause()},
                       {"remedy", detail.remedy()}});
  }
  const nlohmann::ordered_json document = {
      {"error", {{"code", failure.code}, {"message", failure.message}, {"details", details}}}};
  const std::string text = document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::fprintf(stderr, "%s\n", text.c_str());
}

bool flush_output() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

}  // namespace shunt::shuntctl
