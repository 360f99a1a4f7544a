// Ends shuntd with a word on a CPU that lacks what it was compiled for, where the first such instruction would end it
// without one (SIGILL). Runs before every constructor of the program, since those are compiled for that CPU, too.
#include <unistd.h>

#include "src/base/cpu_features.h"
#include "src/shuntd/exit_code.h"

namespace shunt::shuntd {
namespace {

// What the compiler was allowed to use in this file and everything that is compiled like it: the packet path.
constexpr CpuFeatures kCompiledFor =
#ifdef __SSE3__
    bit_of(CpuFeature::kSse3) |
#endif
#ifdef __SSSE3__
    bit_of(CpuFeature::kSsse3) |
#endif
#ifdef __SSE4_1__
    bit_of(CpuFeature::kSse41) |
#endif
#ifdef __SSE4_2__
    bit_of(CpuFeature::kSse42) |
#endif
#ifdef __POPCNT__
    bit_of(CpuFeature::kPopcnt) |
#endif
#ifdef __MOVBE__
    bit_of(CpuFeature::kMovbe) |
#endif
#ifdef __AES__
    bit_of(CpuFeature::kAes) |
#endif
#ifdef __PCLMUL__
    bit_of(CpuFeature::kPclmulqdq) |
#endif
#ifdef __AVX__
    bit_of(CpuFeature::kAvx) |
#endif
#ifdef __F16C__
    bit_of(CpuFeature::kF16c) |
#endif
#ifdef __FMA__
    bit_of(CpuFeature::kFma) |
#endif
#ifdef __AVX2__
    bit_of(CpuFeature::kAvx2) |
#endif
#ifdef __BMI__
    bit_of(CpuFeature::kBmi1) |
#endif
#ifdef __BMI2__
    bit_of(CpuFeature::kBmi2) |
#endif
#ifdef __LZCNT__
    bit_of(CpuFeature::kLzcnt) |
#endif
#ifdef __AVX512F__
    bit_of(CpuFeature::kAvx512f) |
#endif
#ifdef __AVX512DQ__
    bit_of(CpuFeature::kAvx512dq) |
#endif
#ifdef __AVX512CD__
    bit_of(CpuFeature::kAvx512cd) |
#endif
#ifdef __AVX512BW__
    bit_of(CpuFeature::kAvx512bw) |
#endif
#ifdef __AVX512VL__
    bit_of(CpuFeature::kAvx512vl) |
#endif
#ifdef __GFNI__
    bit_of(CpuFeature::kGfni) |
#endif
#ifdef __VAES__
    bit_of(CpuFeature::kVaes) |
#endif
#ifdef __VPCLMULQDQ__
    bit_of(CpuFeature::kVpclmulqdq) |
#endif
    0;

// 101 is the first place that is not the compiler's own. write() and _exit(): nothing else is set up yet.
[[gnu::constructor(101), gnu::target("arch=x86-64")]] void check_cpu() noexcept {
  CpuMessage message = describe_missing("shuntd", kCompiledFor, cpu_features(), cpu_name().text);
  if (message.length == 0) return;
  message.text[message.length] = '\n';
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, message.text, message.length + 1);
  _exit(static_cast<int>(ExitCode::kCpu));
}

}  // namespace
}  // namespace shunt::shuntd
