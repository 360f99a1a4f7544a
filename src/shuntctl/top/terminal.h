// The terminal while `shuntctl top` has it: the alternate screen, no cursor, keys one by one. One
// at a time in a process, main thread.
#pragma once

#include <termios.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace shunt::shuntctl {

class Terminal {
 public:
  // REQUIRES standard input and output to be a terminal.
  Terminal();
  // Gives it back as it was.
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  struct Size {
    size_t columns = 80;
    size_t lines = 24;
  };
  Size size() const;

  // Writes over what is there, without flicker.
  void draw(const std::vector<std::string>& lines) const;

  enum class Key { kNone, kQuit, kNext, kPrevious, kReals, kOther };
  // The next key, or kNone after `wait` or when the size changed; kQuit also when the process is
  // asked to end or its terminal is gone.
  Key wait_for_key(std::chrono::milliseconds wait) const;

 private:
  termios before_{};
};

}  // namespace shunt::shuntctl
