#include "src/base/cpu_features.h"

#include <cpuid.h>

#include <cstring>

namespace shunt {
namespace {

enum Register { kEbx, kEcx, kEdx };

// What of the registers a system has to save for a feature (XCR0, Intel SDM volume 1, 13.3).
constexpr uint32_t kNoState = 0;
constexpr uint32_t kYmm = 0x06;
constexpr uint32_t kZmm = 0xe6;

struct Description {
  const char* name;  // /proc/cpuinfo's
  uint32_t leaf;     // of CPUID, subleaf 0 (Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E)
  Register where;
  uint32_t bit;
  uint32_t state;
};

// In the order of CpuFeature.
constexpr Description kDescriptions[] = {
    {"pni", 1, kEcx, 0, kNoState},
    {"ssse3", 1, kEcx, 9, kNoState},
    {"sse4_1", 1, kEcx, 19, kNoState},
    {"sse4_2", 1, kEcx, 20, kNoState},
    {"popcnt", 1, kEcx, 23, kNoState},
    {"movbe", 1, kEcx, 22, kNoState},
    {"aes", 1, kEcx, 25, kNoState},
    {"pclmulqdq", 1, kEcx, 1, kNoState},
    {"avx", 1, kEcx, 28, kYmm},
    {"f16c", 1, kEcx, 29, kYmm},
    {"fma", 1, kEcx, 12, kYmm},
    {"avx2", 7, kEbx, 5, kYmm},
    {"bmi1", 7, kEbx, 3, kNoState},
    {"bmi2", 7, kEbx, 8, kNoState},
    {"abm", 0x80000001, kEcx, 5, kNoState},
    {"avx512f", 7, kEbx, 16, kZmm},
    {"avx512dq", 7, kEbx, 17, kZmm},
    {"avx512cd", 7, kEbx, 28, kZmm},
    {"avx512bw", 7, kEbx, 30, kZmm},
    {"avx512vl", 7, kEbx, 31, kZmm},
    {"gfni", 7, kEcx, 8, kNoState},
    {"vaes", 7, kEcx, 9, kYmm},
    {"vpclmulqdq", 7, kEcx, 10, kYmm},
};
static_assert(sizeof kDescriptions / sizeof kDescriptions[0] == kCpuFeatures);
static_assert(kCpuFeatures == static_cast<size_t>(CpuFeature::kVpclmulqdq) + 1);

// The registers' state that the system saves; 0 where it does not even say.
uint32_t saved_state() noexcept {
  constexpr uint32_t kOsxsave = 1u << 27;
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & kOsxsave) == 0) return 0;
  asm volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
  return eax;
}

// Not std::string: a template's code is shared with files compiled for newer CPUs, and the linker takes any copy.
void append(CpuMessage& message, const char* text) noexcept {
  const size_t room = sizeof message.text - 1 - message.length;
  size_t bytes = std::strlen(text);
  if (bytes > room) bytes = room;
  std::memcpy(message.text + message.length, text, bytes);
  message.length += bytes;
}

}  // namespace

CpuFeatures cpu_features() noexcept {
  const uint32_t saved = saved_state();
  CpuFeatures features = 0;
  for (size_t index = 0; index < kCpuFeatures; ++index) {
    const Description& description = kDescriptions[index];
    uint32_t eax = 0;
    uint32_t registers[3] = {};
    if (__get_cpuid_count(description.leaf, 0, &eax, &registers[kEbx], &registers[kEcx], &registers[kEdx]) == 0) continue;
    const bool has = (registers[description.where] >> description.bit & 1) != 0;
    if (has && (saved & description.state) == description.state) features |= CpuFeatures{1} << index;
  }
  return features;
}

CpuName cpu_name() noexcept {
  CpuName name;
  uint32_t words[12] = {};
  for (uint32_t part = 0; part < 3; ++part) {
    uint32_t* to = words + size_t{4} * part;
    if (__get_cpuid(0x80000002 + part, &to[0], &to[1], &to[2], &to[3]) == 0) return name;
  }
  char padded[sizeof words + 1] = {};
  std::memcpy(padded, words, sizeof words);
  // Some CPUs fill the field with blanks, before their name or after it.
  const char* begin = padded + std::strspn(padded, " ");
  size_t length = std::strlen(begin);
  while (length > 0 && begin[length - 1] == ' ') --length;
  std::memcpy(name.text, begin, length);
  return name;
}

CpuMessage describe_missing(const char* program, CpuFeatures needed, CpuFeatures present, const char* cpu) noexcept {
  CpuMessage message;
  const CpuFeatures missing = needed & ~present;
  if (missing == 0) return message;
  append(message, program);
  append(message, ": this CPU");
  if (cpu[0] != '\0') {
    append(message, " (");
    append(message, cpu);
    append(message, ")");
  }
  append(message, " lacks instructions that this build uses: ");
  const char* separator = "";
  for (size_t index = 0; index < kCpuFeatures; ++index) {
    if ((missing >> index & 1) == 0) continue;
    append(message, separator);
    append(message, kDescriptions[index].name);
    separator = " ";
  }
  append(message,
         "; if a virtual machine hides them, give it its host's CPU (QEMU: -cpu host); a build of this machine's own (cmake "
         "-DSHUNT_MARCH=native) needs avx2 and aes only");
  return message;
}

}  // namespace shunt
