// The shipped examples are what newcomers start from: each must be right. Runs in the repository's
// root.
#include <gtest/gtest.h>

#include <filesystem>

#include "config/convert.h"
#include "config/yaml_file.h"

namespace shunt::config {
namespace {

TEST(Examples, EveryOneIsValid) {
  int examples = 0;
  for (const auto& entry : std::filesystem::directory_iterator("config/examples")) {
    ++examples;
    const LoadedFile file = load_yaml_file(entry.path());
    for (const Problem& problem : file.problems)
      ADD_FAILURE() << to_string(problem, entry.path().string());
    ASSERT_TRUE(file.problems.empty());
    EXPECT_FALSE(to_machine(file.config).ports.empty()) << entry.path();
    EXPECT_FALSE(to_desired_state(file.config).services.empty()) << entry.path();
  }
  EXPECT_GE(examples, 5);
}

}  // namespace
}  // namespace shunt::config
