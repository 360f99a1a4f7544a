// The clients of `scripts/bench why`: many users at many sites, each request a TCP connection of
// its own. Light, because it shares two CPUs with the servers that it asks.
//
//   why_load --site ADDRESS,WEIGHT[,RESOLVER]... --object PATH,BYTES,WEIGHT...
//            (--target ADDRESS | --name NAME) (--rate N | --users N) [--seconds S] [--timeout S]
//            [--tries N] [--seed N]
//
// --rate: requests arrive by chance (Poisson), whatever became of those before. --users: so many at
// once, each asks again when its answer is there. A site's share of the requests is its weight's.
// Ends after --seconds or at SIGTERM, when the requests under way have come to an end.
//
// Writes one line per request: start and end in microseconds of the monotonic clock, the site's
// number, the real that answered or -, bytes of the answer's body, `ok` or why it failed, and how
// many addresses were tried.
#include <arpa/inet.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/bench/why/clients.h"

namespace shunt::bench {
namespace {

volatile sig_atomic_t stop_asked = 0;

std::vector<std::string> words(const std::string& text, size_t least, size_t most,
                               const char* option) {
  std::vector<std::string> out;
  for (size_t start = 0; start <= text.size();) {
    const size_t comma = std::min(text.find(',', start), text.size());
    out.push_back(text.substr(start, comma - start));
    start = comma + 1;
  }
  if (out.size() < least || out.size() > most)
    throw CLI::ValidationError(option, "'" + text + "' has " + std::to_string(out.size()) +
                                           " fields; see the head of load.cc");
  return out;
}

in_addr address_of(const std::string& text) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1)
    throw CLI::ValidationError("address", "'" + text + "' is no IPv4 address");
  return address;
}

double number_of(const std::string& text) {
  size_t used = 0;
  double value = 0;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
  }
  if (used == 0 || used != text.size() || value < 0)
    throw CLI::ValidationError("number", "'" + text + "' is no number");
  return value;
}

int run(int argc, char** argv) {
  CLI::App app("The clients of scripts/bench why");
  std::vector<std::string> sites, objects;
  std::string target;
  Setting setting;
  double seconds = 0, timeout = 2;
  app.add_option("--site", sites, "ADDRESS,WEIGHT[,RESOLVER]")->required();
  app.add_option("--object", objects, "PATH,BYTES,WEIGHT")->required();
  auto* to = app.add_option("--target", target, "the one address to ask");
  app.add_option("--name", setting.name, "the name to resolve at each site's resolver")
      ->excludes(to);
  auto* rate =
      app.add_option("--rate", setting.rate, "requests a second")->check(CLI::PositiveNumber);
  app.add_option("--users", setting.users, "requests at once")
      ->excludes(rate)
      ->check(CLI::Range(1, 10000));
  app.add_option("--seconds", seconds, "how long; 0: until SIGTERM")->check(CLI::NonNegativeNumber);
  app.add_option("--timeout", timeout, "a request's time, in seconds")->check(CLI::PositiveNumber);
  app.add_option("--tries", setting.tries,
                 "addresses that a request tries, each for its part of the time")
      ->check(CLI::Range(1, 8));
  app.add_option("--seed", setting.seed, "of the chance");
  try {
    app.parse(argc, argv);
    for (const auto& text : sites) {
      const auto fields = words(text, 2, 3, "--site");
      Site site{.source = address_of(fields[0]), .weight = number_of(fields[1])};
      if (fields.size() == 3) site.resolver = address_of(fields[2]);
      setting.sites.push_back(site);
    }
    for (const auto& text : objects) {
      const auto fields = words(text, 3, 3, "--object");
      setting.objects.push_back(
          {fields[0], static_cast<uint64_t>(number_of(fields[1])), number_of(fields[2])});
    }
    if (target.empty() == setting.name.empty())
      throw CLI::ValidationError("load", "give one of --target and --name");
    if ((setting.rate > 0) == (setting.users > 0))
      throw CLI::ValidationError("load", "give one of --rate and --users");
    if (!target.empty()) setting.target = address_of(target);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  setting.seconds_us = static_cast<int64_t>(seconds * 1e6);
  setting.timeout_us = static_cast<int64_t>(timeout * 1e6);

  struct sigaction action {};
  action.sa_handler = [](int) { stop_asked = 1; };
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
  Clients clients(setting, stdout);
  clients.run([] { return stop_asked != 0; });
  return 0;
}

}  // namespace
}  // namespace shunt::bench

int main(int argc, char** argv) {
  try {
    return shunt::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "why_load: %s\n", error.what());
    return 1;
  }
}
