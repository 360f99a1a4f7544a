// How a verb ended: shuntctl's exit codes and what is told about a failure. Plain values.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shunt/v1/api.pb.h"

namespace shunt::shuntctl {

// Documented in --help; scripts depend on them.
enum class ExitCode : int {
  kOk = 0,
  // The daemon answered with an error that has no number of its own below; under `diff`: the states differ.
  kRpc = 1,
  // Wrong arguments, or a configuration that is invalid.
  kUsage = 2,
  kUnreachable = 3,
  kNotFound = 4,
  // --expect-revision is not the current revision.
  kConflict = 5,
  kPermission = 6,
  // `diff`'s kRpc, since 1 says "differs" there.
  kDiffFailed = 7,
};

struct Failure {
  ExitCode exit = ExitCode::kRpc;
  // gRPC's word: "NOT_FOUND", "INVALID_ARGUMENT".
  std::string code;
  // Subject, cause, remedy; may have several lines.
  std::string message;
  std::vector<v1::ErrorDetail> details;
};

struct Outcome {
  ExitCode exit = ExitCode::kOk;
  std::optional<Failure> failure;

  Outcome() = default;
  Outcome(ExitCode code) : exit(code) {}                                        // NOLINT: implicit on purpose
  Outcome(Failure why) : exit(why.exit), failure(std::move(why)) {}             // NOLINT: implicit on purpose
};

}  // namespace shunt::shuntctl
