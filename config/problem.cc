#include "config/problem.h"

namespace shunt::config {

std::string to_string(const Problem& problem, std::string_view file) {
  std::string text;
  if (problem.place.line > 0) {
    text.append(file).append(":").append(std::to_string(problem.place.line));
    text.append(":").append(std::to_string(problem.place.column)).append(": ");
    text.append(problem.subject);
  } else if (!problem.field.empty()) {
    text.append(problem.field);
  } else {
    text.append(file.empty() ? std::string_view(problem.subject) : file);
  }
  return text.append(": ").append(problem.cause).append("; ").append(problem.remedy);
}

}  // namespace shunt::config
