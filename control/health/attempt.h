// One check of one real under way: what all kinds of checks have in common. On the loop's thread.
#pragma once

#include <sys/types.h>

#include <asio/error_code.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "control/model/health_check.h"
#include "src/base/address.h"

namespace shunt::control {

// How a VIP is asked at one real.
struct Detour {
  // What sockets connect to.
  IpAddress probe;
  IpAddress real;
  auto operator<=>(const Detour&) const = default;
};

// What is asked: the real's address or its service's VIP, and the port that the check is for (0: none).
struct CheckedPlace {
  IpAddress address;
  uint16_t port = 0;
  // Of a VIP.
  std::optional<Detour> detour;
  auto operator<=>(const CheckedPlace&) const = default;
};

struct Outcome {
  enum class Kind {
    kUp,
    kDown,
    // This machine, not the real, is the reason that no check was made: no descriptor, no local port. It passes.
    kLacking,
    // Likewise, but somebody has to mend it: a program or a file that the check names.
    kUnable,
  };
  Kind kind = Kind::kDown;
  // "connection refused"; the same for outcomes that differ in nothing that matters.
  std::string cause;
};

// Ends with its destruction. `Done` is called once, on the loop, never from within the call that began the attempt, and
// may destroy it.
class Attempt {
 public:
  using Done = std::function<void(Outcome)>;

  Attempt() = default;
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  virtual ~Attempt() = default;

  // What it comes to when the time is up.
  virtual Outcome when_late() const { return {Outcome::Kind::kDown, "timed out"}; }

 protected:
  // For handlers that the loop may still hold when the attempt is gone.
  std::weak_ptr<void> life() const { return life_; }

 private:
  std::shared_ptr<void> life_ = std::make_shared<char>();
};

// An attempt, or what became of it at once.
struct Begun {
  std::unique_ptr<Attempt> attempt;
  Outcome outcome;
};

// "connection refused"
std::string cause_text(const asio::error_code& error);

// A failure to begin or to go on, kLacking where it says nothing about the real.
Outcome outcome_of(const asio::error_code& error);
// `number` is an errno.
Outcome outcome_of(int number);

}  // namespace shunt::control
