// How shuntd ends: documented in --help, used by systemd's RestartPreventExitStatus and by scripts.
#pragma once

#include "src/base/result.h"

namespace shunt::shuntd {

enum class ExitCode : int {
  kOk = 0,
  kOther = 1,
  kInvalid = 2,
  kNoMemory = 3,
  kNotFound = 4,
  kConflict = 5,
  kPermission = 6,
  kCpu = 7,  // the CPU lacks what shuntd was compiled for
};

constexpr ExitCode exit_code_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalid: return ExitCode::kInvalid;
    case ErrorCode::kNotFound: return ExitCode::kNotFound;
    case ErrorCode::kConflict: return ExitCode::kConflict;
    case ErrorCode::kPermission: return ExitCode::kPermission;
    case ErrorCode::kNoMemory: return ExitCode::kNoMemory;
    case ErrorCode::kUnavailable:
    case ErrorCode::kInternal: return ExitCode::kOther;
  }
  return ExitCode::kOther;
}

}  // namespace shunt::shuntd
