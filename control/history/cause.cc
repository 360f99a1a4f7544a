#include "control/history/cause.h"

#include <utility>

namespace shunt::control {
namespace {

thread_local const Cause* current = nullptr;

}  // namespace

CauseScope::CauseScope(Cause cause) : before_(current), cause_(std::move(cause)) { current = &cause_; }
CauseScope::~CauseScope() { current = before_; }

const Cause& cause_of_this_thread() noexcept {
  static const Cause unknown;
  return current == nullptr ? unknown : *current;
}

}  // namespace shunt::control
