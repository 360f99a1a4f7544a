// shuntctl top: the status page in a terminal, anew each second.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "src/shuntctl/print.h"
#include "src/shuntctl/top/picture.h"
#include "src/shuntctl/top/terminal.h"
#include "src/shuntctl/top_observer.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kInterval{1000};
// Without a screen to fit.
constexpr uint32_t kPageOfAll = 500;

struct TopOptions {
  bool once = false;
};

// COLUMNS and LINES, as a script may set them; 0 without.
size_t from_environment(const char* name) {
  const char* text = std::getenv(name);
  size_t value = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), value);
  return value;
}

Outcome show_once(const Settings& settings) {
  TopObserver observer(settings);
  Sample before;
  Sample now;
  if (auto failure = observer.look_at_machine(before)) return *failure;
  // What the daemon only counts becomes a rate by a second look.
  std::this_thread::sleep_for(kInterval);
  if (auto failure = observer.look({"", kPageOfAll, true}, now)) return *failure;
  View view;
  view.columns = from_environment("COLUMNS");
  view.lines = from_environment("LINES");
  view.colour = settings.colour;
  view.exact = settings.exact;
  view.reals = true;
  for (const std::string& line : picture_of(now, &before, view)) print(line + "\n");
  return {};
}

// Where the pages of services begin that were shown before this one.
struct Pages {
  std::vector<std::pair<std::string, size_t>> before;
  std::string token;
  size_t first = 1;

  void next(const v1::ListServicesResponse& shown) {
    if (shown.next_page_token().empty()) return;
    before.emplace_back(token, first);
    token = shown.next_page_token();
    first += static_cast<size_t>(shown.services_size());
  }
  void previous() {
    if (before.empty()) return;
    std::tie(token, first) = before.back();
    before.pop_back();
  }
};

class Live {
 public:
  explicit Live(const Settings& settings) : settings_(settings), observer_(settings) {}

  Outcome run() {
    // A daemon that is not there is told on the screen that stays.
    if (auto failure = look(kPageOfAll)) return *failure;
    const Terminal terminal;
    for (bool wants_look = true;;) {
      const Terminal::Size size = terminal.size();
      view_.columns = size.columns;
      view_.lines = size.lines;
      if (wants_look) {
        const auto failure = look(static_cast<uint32_t>(services_that_fit(now_, view_)));
        view_.trouble = failure ? failure->message : "";
        view_.notice = failure ? "" : observer_.trouble_of_stream();
        if (!failure) observer_.follow();
        next_look_ = Clock::now() + kInterval;
      }
      terminal.draw(picture_of(now_, before_ ? &*before_ : nullptr, view_));
      const auto left = std::chrono::duration_cast<milliseconds>(next_look_ - Clock::now());
      const Terminal::Key key = terminal.wait_for_key(std::max(left, milliseconds(0)));
      if (key == Terminal::Key::kQuit) return {};
      wants_look = take(key) || Clock::now() >= next_look_;
    }
  }

 private:
  std::optional<Failure> look(uint32_t page_size) {
    view_.colour = settings_.colour;
    view_.exact = settings_.exact;
    view_.has_keys = true;
    view_.first_service = pages_.first;
    Sample sample;
    if (auto failure = observer_.look({pages_.token, page_size, view_.reals}, sample))
      return failure;
    // A look for a key's sake comes too soon after the one before for rates.
    if (now_.status.has_started() && sample.time - now_.time > kInterval / 2)
      before_ = std::move(now_);
    now_ = std::move(sample);
    return std::nullopt;
  }

  // Whether there is something else to ask for.
  bool take(Terminal::Key key) {
    switch (key) {
      case Terminal::Key::kNext:
        pages_.next(now_.services);
        return true;
      case Terminal::Key::kPrevious:
        pages_.previous();
        return true;
      case Terminal::Key::kReals:
        view_.reals = !view_.reals;
        return true;
      case Terminal::Key::kNone:
      case Terminal::Key::kOther:
      case Terminal::Key::kQuit:
        break;
    }
    return false;
  }

  const Settings& settings_;
  TopObserver observer_;
  View view_;
  Pages pages_;
  Sample now_;
  std::optional<Sample> before_;
  Clock::time_point next_look_;
};

Outcome show_top(const Settings& settings, const TopOptions& options) {
  if (settings.json) {
    return Failure{ExitCode::kUsage,
                   "USAGE",
                   "top: is for eyes; for -o json ask status, service list, workers, ports, drops "
                   "and events, or /status.json over HTTP",
                   {}};
  }
  if (options.once) return show_once(settings);
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) {
    return Failure{
        ExitCode::kUsage, "USAGE", "top: needs a terminal; use top --once in a script", {}};
  }
  return Live(settings).run();
}

}  // namespace

void add_top_verbs(CLI::App& app, Command& command) {
  CLI::App* top = app.add_subcommand(
      "top", "The status page in the terminal, each second; a daemon that goes away is waited for");
  auto options = std::make_shared<TopOptions>();
  top->add_flag(
      "--once", options->once,
      "One screen to standard output, with every service's reals; COLUMNS and LINES bound it");
  top->callback([&command, options] {
    command.action = [options](const Settings& settings) { return show_top(settings, *options); };
  });
}

}  // namespace shunt::shuntctl
