#include "src/shuntctl/top/terminal.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string_view>

namespace shunt::shuntctl {
namespace {

volatile std::sig_atomic_t g_asked_to_end = 0;

void on_end(int) { g_asked_to_end = 1; }
void on_resize(int) {}

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR && errno != EAGAIN) return;
    if (written > 0) text.remove_prefix(static_cast<size_t>(written));
  }
}

// Without SA_RESTART: poll() returns, so that the loop looks.
void handle(int signal_number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigaction(signal_number, &action, nullptr);
}

Terminal::Key key_of(std::string_view bytes) {
  using enum Terminal::Key;
  // What terminals send for page down, down, page up and up.
  if (bytes == "\033[6~" || bytes == "\033[B" || bytes == " " || bytes == "f" || bytes == "j")
    return kNext;
  if (bytes == "\033[5~" || bytes == "\033[A" || bytes == "b" || bytes == "k") return kPrevious;
  if (bytes == "r") return kReals;
  // 3 is Ctrl-C.
  if (bytes == "q" || bytes == "Q" || bytes == "\003") return kQuit;
  return kOther;
}

}  // namespace

Terminal::Terminal() {
  tcgetattr(STDIN_FILENO, &before_);
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  handle(SIGTERM, on_end);
  handle(SIGHUP, on_end);
  handle(SIGINT, on_end);
  handle(SIGWINCH, on_resize);
  write_all("\033[?1049h\033[?25l\033[2J");
}

Terminal::~Terminal() {
  write_all("\033[?25h\033[?1049l");
  tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

Terminal::Size Terminal::size() const {
  winsize found{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &found) != 0 || found.ws_col == 0 || found.ws_row == 0)
    return {};
  return {found.ws_col, found.ws_row};
}

void Terminal::draw(const std::vector<std::string>& lines) const {
  std::string text = "\033[H";
  for (size_t i = 0; i < lines.size(); ++i) text += (i == 0 ? "" : "\r\n") + lines[i] + "\033[K";
  write_all(text + "\033[J");
}

Terminal::Key Terminal::wait_for_key(std::chrono::milliseconds wait) const {
  if (g_asked_to_end != 0) return Key::kQuit;
  pollfd ready = {STDIN_FILENO, POLLIN, 0};
  if (poll(&ready, 1, static_cast<int>(wait.count())) <= 0)
    return g_asked_to_end != 0 ? Key::kQuit : Key::kNone;
  char bytes[16];
  const ssize_t count = read(STDIN_FILENO, bytes, sizeof bytes);
  if (count <= 0) return Key::kQuit;
  return key_of({bytes, static_cast<size_t>(count)});
}

}  // namespace shunt::shuntctl
