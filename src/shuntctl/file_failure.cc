#include "src/shuntctl/file_failure.h"

namespace shunt::shuntctl {

config::LoadedFile load_desired_state(const std::string& file) {
  return config::load_yaml_file(file == "-" ? "/dev/stdin" : file, config::Purpose::kDesiredState);
}

std::string counted(size_t number, const std::string& thing) {
  return std::to_string(number) + " " + thing + (number == 1 ? "" : "s");
}

Failure failure_of(const std::vector<config::Problem>& problems, const std::string& file) {
  Failure failure{ExitCode::kUsage, "INVALID_ARGUMENT", "", {}};
  for (const auto& problem : problems) {
    failure.message += "\n" + config::to_string(problem, file);
    v1::ErrorDetail detail;
    detail.set_field(problem.field);
    detail.set_reason(problem.reason);
    detail.set_cause(problem.cause);
    detail.set_remedy(problem.remedy);
    failure.details.push_back(std::move(detail));
  }
  failure.message.insert(0, "configuration " + file + ": " + counted(problems.size(), "problem"));
  return failure;
}

}  // namespace shunt::shuntctl
