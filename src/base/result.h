// A value or the reason why there is none. Cold code only; the hot path returns verdicts.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace shunt {

// Classes of failure; shuntd's and shuntctl's exit codes and gRPC's status codes are made from them.
enum class ErrorCode {
  kInvalid,        // what was asked for is wrong: configuration, argument, request
  kNotFound,       // no such object or device
  kConflict,       // somebody else changed or holds it
  kPermission,     // not allowed
  kNoMemory,       // hugepages, memory
  kUnavailable,    // cannot be reached now
  kInternal,       // a library or the system failed in a way we did not foresee
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  // Subject, cause, remedy: "port outside: no device 0000:01:00.0; bind it with dpdk-devbind.py".
  std::string message;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}        // NOLINT: implicit on purpose
  Result(Error error) : error_(std::move(error)) {}    // NOLINT: implicit on purpose

  explicit operator bool() const noexcept { return value_.has_value(); }
  // REQUIRES *this is true.
  T& operator*() noexcept { return *value_; }
  const T& operator*() const noexcept { return *value_; }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }
  // REQUIRES *this is false.
  const Error& error() const noexcept { return error_; }

 private:
  std::optional<T> value_;
  Error error_;
};

// Success or the reason for failure.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose

  explicit operator bool() const noexcept { return !error_.has_value(); }
  const Error& error() const noexcept { return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace shunt
