#include "src/base/cpu_features.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace shunt {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr CpuFeatures kEvery = (CpuFeatures{1} << kCpuFeatures) - 1;
constexpr CpuFeatures kHot = bit_of(CpuFeature::kSse42) | bit_of(CpuFeature::kAes) | bit_of(CpuFeature::kAvx2);

std::string missing(CpuFeatures needed, CpuFeatures present, const char* cpu = "") {
  const CpuMessage message = describe_missing("shuntd", needed, present, cpu);
  EXPECT_EQ(message.length, std::strlen(message.text));
  return message.text;
}

// What Linux says, a word each: it asks CPUID, too, but is not our code.
std::vector<std::string> flags_of_linux() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("flags")) continue;
    std::istringstream words(line);
    return {std::istream_iterator<std::string>(words), {}};
  }
  return {};
}

TEST(CpuFeatures, NothingIsSaidOfACpuThatHasWhatIsNeeded) {
  EXPECT_EQ(missing(kHot, kHot), "");
  EXPECT_EQ(missing(kHot, kEvery), "");
  EXPECT_EQ(missing(0, 0), "");
}

TEST(CpuFeatures, WhatIsMissingIsNamedWithTheCpuAndTheRemedy) {
  const std::string message = missing(kHot, bit_of(CpuFeature::kSse42), "Intel(R) Xeon(R) X5670");
  EXPECT_THAT(message, StartsWith("shuntd: this CPU (Intel(R) Xeon(R) X5670) lacks instructions that this build uses: aes avx2;"));
  EXPECT_THAT(message, Not(HasSubstr("sse4_2")));
  EXPECT_THAT(message, HasSubstr("-cpu host"));
  EXPECT_THAT(message, HasSubstr("-DSHUNT_MARCH=native"));
}

TEST(CpuFeatures, ACpuWithoutANameIsJustThisCpu) {
  EXPECT_THAT(missing(kHot, 0), StartsWith("shuntd: this CPU lacks instructions"));
}

TEST(CpuFeatures, TheLongestMessageFitsWithAByteForItsEnd) {
  const std::string name(48, 'x');
  const CpuMessage message = describe_missing("shuntd", kEvery, 0, name.c_str());
  EXPECT_LT(message.length, sizeof message.text - 1);
  EXPECT_THAT(message.text, HasSubstr("vpclmulqdq;"));
  EXPECT_THAT(message.text, testing::EndsWith("avx2 and aes only"));
}

TEST(CpuFeatures, AreThoseThatLinuxTellsOfThisCpu) {
  const auto flags = flags_of_linux();
  if (flags.empty()) GTEST_SKIP() << "needs /proc/cpuinfo with flags";
  const CpuFeatures present = cpu_features();
  for (size_t index = 0; index < kCpuFeatures; ++index) {
    const CpuFeatures feature = CpuFeatures{1} << index;
    const std::string message = missing(feature, 0);
    const size_t begin = message.find("uses: ") + 6;
    const std::string name = message.substr(begin, message.find(';') - begin);
    const bool listed = std::find(flags.begin(), flags.end(), name) != flags.end();
    EXPECT_EQ((present & feature) != 0, listed) << name;
  }
}

TEST(CpuFeatures, TheCpusNameIsLinuxs) {
  std::ifstream file("/proc/cpuinfo");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(text, HasSubstr(cpu_name().text));
}

}  // namespace
}  // namespace shunt
