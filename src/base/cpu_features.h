// Instruction sets beyond plain x86-64: which of them this CPU has, and what to say when that is not enough. Plain
// functions and no library, because they run first of all on CPUs that cannot run the rest of the program; src/base is
// compiled for plain x86-64. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shunt {

// What GCC uses of itself under -march=x86-64-v2, -v3 or -v4, and what the packet path may ask for.
enum class CpuFeature : uint8_t {
  kSse3, kSsse3, kSse41, kSse42, kPopcnt, kMovbe, kAes, kPclmulqdq, kAvx, kF16c, kFma, kAvx2, kBmi1, kBmi2, kLzcnt,
  kAvx512f, kAvx512dq, kAvx512cd, kAvx512bw, kAvx512vl, kGfni, kVaes, kVpclmulqdq,
};
inline constexpr size_t kCpuFeatures = 23;

// A set of them: one bit each.
using CpuFeatures = uint32_t;
constexpr CpuFeatures bit_of(CpuFeature feature) noexcept { return CpuFeatures{1} << static_cast<unsigned>(feature); }

// This CPU's, as far as its system saves their registers.
CpuFeatures cpu_features() noexcept;

// The CPU's name as it tells it, without blanks around it; "" when it does not.
struct CpuName {
  char text[49] = {};
};
CpuName cpu_name() noexcept;

// A message of one line, without the line's end.
struct CpuMessage {
  char text[768] = {};
  size_t length = 0;  // 0: nothing to say
};

// What to say when `present` lacks some of `needed`. Names them as /proc/cpuinfo does.
CpuMessage describe_missing(const char* program, CpuFeatures needed, CpuFeatures present, const char* cpu) noexcept;

}  // namespace shunt
