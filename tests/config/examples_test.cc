// The shipped examples are what newcomers start from: each must be right. Runs in the repository's
// root.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "config/convert.h"
#include "config/yaml_file.h"
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

TEST(Examples, EveryOneIsValid) {
  int examples = 0;
  for (const auto& entry : std::filesystem::directory_iterator("config/examples")) {
    ++examples;
    const LoadedFile file = load_yaml_file(entry.path());
    ASSERT_THAT(messages(file.problems), testing::IsEmpty()) << entry.path();
    EXPECT_FALSE(to_machine(file.config).ports.empty()) << entry.path();
    EXPECT_FALSE(to_desired_state(file.config).services.empty()) << entry.path();
  }
  EXPECT_GE(examples, 5);
}

TEST(Examples, TheReadmesIsValid) {
  std::ifstream readme("README.md");
  std::string yaml;
  bool inside = false;
  for (std::string line; std::getline(readme, line);) {
    if (line == "   ```") inside = false;
    // The block is indented by its list item.
    if (inside) yaml += line.substr(std::min<size_t>(3, line.size())) + "\n";
    if (line == "   ```yaml") inside = true;
  }
  EXPECT_THAT(yaml, testing::HasSubstr("services:"));
  EXPECT_THAT(messages(load_yaml_text(yaml, "README.md").problems), testing::IsEmpty());
}

}  // namespace
}  // namespace shunt::config
