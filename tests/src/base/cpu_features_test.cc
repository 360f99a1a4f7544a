#include "src/base/cpu_features.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cctype>
#include <cstring>
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

// What the compiler's own runtime finds, in the order of CpuFeature. /proc/cpuinfo is no judge: a system may hide there
// what programs can use all the same.
std::vector<bool> features_of_compiler() {
  __builtin_cpu_init();
#define SUPPORTS(name) (__builtin_cpu_supports(name) != 0)
  return {SUPPORTS("sse3"),     SUPPORTS("ssse3"),    SUPPORTS("sse4.1"),   SUPPORTS("sse4.2"), SUPPORTS("popcnt"),
          SUPPORTS("movbe"),    SUPPORTS("aes"),      SUPPORTS("pclmul"),   SUPPORTS("avx"),    SUPPORTS("f16c"),
          SUPPORTS("fma"),      SUPPORTS("avx2"),     SUPPORTS("bmi"),      SUPPORTS("bmi2"),   SUPPORTS("lzcnt"),
          SUPPORTS("avx512f"),  SUPPORTS("avx512dq"), SUPPORTS("avx512cd"), SUPPORTS("avx512bw"), SUPPORTS("avx512vl"),
          SUPPORTS("gfni"),     SUPPORTS("vaes"),     SUPPORTS("vpclmulqdq")};
#undef SUPPORTS
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

TEST(CpuFeatures, AreThoseThatTheCompilersRuntimeFinds) {
  const std::vector<bool> expected = features_of_compiler();
  ASSERT_EQ(expected.size(), kCpuFeatures);
  const CpuFeatures present = cpu_features();
  for (size_t index = 0; index < kCpuFeatures; ++index) {
    const CpuFeatures feature = CpuFeatures{1} << index;
    EXPECT_EQ((present & feature) != 0, expected[index]) << missing(feature, 0);
  }
}

TEST(CpuFeatures, TheCpusNameIsPrintableWithoutBlanksAroundIt) {
  const std::string name = cpu_name().text;
  EXPECT_TRUE(std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isprint(c) != 0; })) << name;
  EXPECT_THAT(name, Not(StartsWith(" ")));
  EXPECT_THAT(name, Not(testing::EndsWith(" ")));
}

}  // namespace
}  // namespace shunt
