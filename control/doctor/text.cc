#include "control/doctor/text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace shunt::control {

std::string name_of(Finding::Grade grade) {
  switch (grade) {
    case Finding::Grade::kGood: return "good";
    case Finding::Grade::kHint: return "hint";
    case Finding::Grade::kBad: return "bad";
  }
  return "";
}

std::string to_text(const Findings& findings) {
  std::string text;
  size_t good = 0;
  for (const Finding::Grade grade : {Finding::Grade::kBad, Finding::Grade::kHint}) {
    for (const Finding& each : findings) {
      if (each.grade != grade) continue;
      text += name_of(grade) + "  " + each.check + ": " + each.subject + ": " + each.text + "\n";
      if (!each.remedy.empty()) text += "      mend: " + each.remedy + "\n";
    }
  }
  for (const Finding& each : findings) good += each.grade == Finding::Grade::kGood ? 1 : 0;
  return text + std::to_string(good) + " of " + std::to_string(findings.size()) + " are good\n";
}

std::string to_json_text(const Findings& findings) {
  nlohmann::json list = nlohmann::json::array();
  for (const Finding& each : findings) {
    list.push_back({{"grade", name_of(each.grade)},
                    {"check", each.check},
                    {"subject", each.subject},
                    {"text", each.text},
                    {"remedy", each.remedy}});
  }
  return nlohmann::json{{"findings", list}}.dump(2) + "\n";
}

}  // namespace shunt::control
