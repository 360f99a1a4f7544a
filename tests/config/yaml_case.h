// A configuration file in a test's hand: its text and every message it must get, reason first. For
// TEST_P.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "config/yaml_file.h"

namespace shunt::config {

struct YamlCase {
  // A sentence in camel case.
  const char* name;
  Purpose purpose;
  std::string yaml;
  // "MALFORMED lb.yaml:2:11: service web: cause; remedy", in order; empty: the file is right.
  std::vector<std::string> problems;
};

inline void PrintTo(const YamlCase& yaml_case, std::ostream* out) { *out << yaml_case.yaml; }

// Right services and a right port, to append to: the entries' other fields have their indentation.
inline const std::string kWeb = R"(services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 80
)";
inline const std::string kWeb6 = R"(services:
  - name: web
    protocol: tcp
    address: 2001:db8::10
    port: 80
)";
inline const std::string kOutside = R"(ports:
  - name: outside
    device: net_tap0
)";

inline std::vector<std::string> messages(const std::vector<Problem>& problems) {
  std::vector<std::string> texts;
  for (const Problem& problem : problems)
    texts.push_back(problem.reason + " " + to_string(problem, "lb.yaml"));
  return texts;
}

// The file's configuration, in which nothing may be wrong.
inline v1::Config loaded(const std::string& yaml, Purpose purpose) {
  const LoadedFile file = load_yaml_text(yaml, "lb.yaml", purpose);
  EXPECT_THAT(messages(file.problems), testing::IsEmpty());
  return file.config;
}

class YamlCaseTest : public testing::TestWithParam<YamlCase> {
 protected:
  static void check(const YamlCase& yaml_case) {
    const LoadedFile file = load_yaml_text(yaml_case.yaml, "lb.yaml", yaml_case.purpose);
    EXPECT_THAT(messages(file.problems), testing::ElementsAreArray(yaml_case.problems))
        << yaml_case.yaml;
  }
};

inline std::string case_name(const testing::TestParamInfo<YamlCase>& info) {
  return info.param.name;
}

}  // namespace shunt::config
