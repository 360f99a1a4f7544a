#include "control/health/attempt.h"

#include <cctype>
#include <cerrno>

namespace shunt::control {
namespace {

// Failures of ours, which say nothing about the real.
bool is_lack(int number) {
  switch (number) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
    case EAGAIN:
    case EPERM:
    case EACCES:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string cause_text(const asio::error_code& error) {
  std::string text = error.message();
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

Outcome outcome_of(const asio::error_code& error) {
  return {is_lack(error.value()) ? Outcome::Kind::kLacking : Outcome::Kind::kDown, cause_text(error)};
}

Outcome outcome_of(int number) { return outcome_of(asio::error_code(number, asio::system_category())); }

}  // namespace shunt::control
