// Files that cannot be read, and files that are written to hurt.
#include "config/yaml_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;

std::string read(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class YamlFile : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/shunt-config-test.XXXXXX";
    ASSERT_NE(mkdtemp(pattern), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

std::vector<std::string> file_messages(const std::filesystem::path& path) {
  std::vector<std::string> texts;
  for (const Problem& problem : load_yaml_file(path).problems)
    texts.push_back(to_string(problem, "lb.yaml"));
  return texts;
}

TEST_F(YamlFile, ThatDoesNotExistIsAProblem) {
  EXPECT_THAT(file_messages(folder_ / "none"),
              ElementsAre("lb.yaml: cannot be opened: No such file or directory; check the path "
                          "and its permissions"));
}

TEST_F(YamlFile, ThatIsAFolderIsAProblem) {
  EXPECT_THAT(file_messages(folder_),
              ElementsAre("lb.yaml: cannot be read: Is a directory; name an ordinary file"));
}

TEST_F(YamlFile, ThatHasNoEndIsAProblem) {
  EXPECT_THAT(file_messages("/dev/zero"),
              ElementsAre("lb.yaml: is larger than 64 MiB; name a configuration file"));
}

TEST_F(YamlFile, IsReadWhole) {
  std::ofstream(folder_ / "lb.yaml")
      << kOutside << kWeb << "    reals:\n"
      << [] {
           std::string reals;
           for (int i = 0; i < 5000; ++i) {
             reals += "      - address: 10.0." + std::to_string(i / 250) + "." +
                      std::to_string(i % 250 + 1) + "\n";
           }
           return reals;
         }();
  const LoadedFile file = load_yaml_file(folder_ / "lb.yaml");
  EXPECT_THAT(messages(file.problems), IsEmpty());
  EXPECT_EQ(file.config.services(0).reals_size(), 5000);
}

TEST(YamlText, WithAThousandProblemsSaysThatThereAreMore) {
  std::string text = "services: []\n";
  for (int i = 0; i < 100000; ++i) text += "k" + std::to_string(i) + ": 1\n";
  const LoadedFile file = load_yaml_text(text, "lb.yaml", Purpose::kDesiredState);
  ASSERT_THAT(file.problems, SizeIs(1001));
  EXPECT_EQ(to_string(file.problems[1000], "lb.yaml"),
            "lb.yaml: there may be more problems; mend these first");
}

TEST(YamlText, OfAliasesThatMultiplyIsRefused) {
  std::string text = "services:\n  - &s\n    name: web\n    reals: &r\n";
  for (int i = 0; i < 2000; ++i) text += "      - {address: 10.0.0.1}\n";
  for (int i = 0; i < 2000; ++i) text += "  - *s\n";
  const LoadedFile file = load_yaml_text(text, "lb.yaml", Purpose::kDesiredState);
  ASSERT_FALSE(file.problems.empty());
  EXPECT_EQ(file.problems.back().cause, "the file stands for more than 4000000 values");
}

TEST(YamlText, OfAnyNestingIsRefusedWithoutOverflowingTheStack) {
  for (const char* opening : {"[", "{a: ", "- ", "? ", "a: [", "- - ", "!!map {? "}) {
    std::string text = "services: ";
    for (int i = 0; i < 100000; ++i) text += opening;
    const LoadedFile file = load_yaml_text(text, "lb.yaml", Purpose::kDesiredState);
    EXPECT_THAT(file.problems, SizeIs(1)) << opening;
    EXPECT_THAT(file.problems, Each(Field(&Problem::reason, reason::kMalformed))) << opening;
  }
}

// Whatever a file holds, loading it ends, and it ends with a problem or with a configuration.
TEST(YamlText, OfAnyBytesIsSurvived) {
  std::vector<std::string> seeds;
  for (const auto& entry : std::filesystem::directory_iterator("config/examples"))
    seeds.push_back(read(entry.path()));
  std::sort(seeds.begin(), seeds.end());
  ASSERT_FALSE(seeds.empty());
  static constexpr std::string_view kPieces[] = {
      "\n",   " ",  "  ",   ":",     ": ",    "-", "- ", "[",           "]",  "{",  "}", ",",
      "\"",   "'",  "#",    "&a ",   "*a",    "!", "|",  ">",           "%",  "@",  "?", "~",
      "<<: ", "\t", "\xff", "---\n", "...\n", "0", "-1", "99999999999", "\\", "yes"};
  std::mt19937 random(20260101);
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  int refused = 0;
  constexpr int kRuns = 3000;
  for (int run = 0; run < kRuns; ++run) {
    std::string text = seeds[below(seeds.size())];
    for (size_t edits = 1 + below(4); edits > 0; --edits) {
      const size_t at = below(text.size());
      const size_t length = std::min(below(40), text.size() - at);
      const size_t kind = below(4);
      if (kind == 0) text.erase(at, length);
      if (kind == 1) text.insert(at, kPieces[below(std::size(kPieces))]);
      if (kind == 2) text[at] = static_cast<char>(random());
      if (kind == 3) text.insert(below(text.size()), text.substr(at, length));
      if (text.empty()) text = " ";
    }
    const LoadedFile file = load_yaml_text(text, "lb.yaml");
    for (const Problem& problem : file.problems) {
      ASSERT_FALSE(problem.subject.empty() || problem.reason.empty() || problem.cause.empty() ||
                   problem.remedy.empty())
          << text;
      ASSERT_EQ(to_string(problem, "lb.yaml").find('\n'), std::string::npos) << text;
    }
    refused += file.problems.empty() ? 0 : 1;
  }
  // Most edits hurt; comments and a few values can be anything.
  EXPECT_GT(refused, kRuns / 2);
  EXPECT_LT(refused, kRuns);
}

}  // namespace
}  // namespace shunt::config
