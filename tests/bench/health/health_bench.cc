// How many health checks a second the control thread makes: health_bench --help. The checker and its loop are the daemon's
// own, each real is a loopback address of its own, and one other thread answers. What a check costs is the CPU time of the
// checker's thread, Linux's part of its sockets included, so that a busy machine bends the figure little.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "control/health/checker.h"
#include "tests/bench/health/peer.h"

namespace shunt::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Wanted {
  std::vector<std::string> kinds{"tcp", "http"};
  uint32_t rate = 10000;
  uint32_t reals = 10000;
  uint32_t seconds = 5;
  bool json = false;
};

struct Row {
  std::string kind;
  double made_a_second = 0;
  double failures = 0;
  double microseconds_a_check = 0;
  double busy = 0;
};

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + time.tv_usec / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

control::CheckKind kind_of(const std::string& word) {
  if (word == "http") return control::HttpCheck{};
  return control::TcpCheck{};
}

std::vector<control::CheckTarget> targets_of(const Wanted& wanted, const std::string& kind, uint16_t port) {
  std::vector<control::CheckTarget> targets;
  for (uint32_t i = 0; i < wanted.reals; ++i) {
    control::CheckTarget& target = targets.emplace_back();
    target.real = {"bench", std::to_string(i)};
    target.address = *IpAddress::parse("127." + std::to_string(1 + i / 62500) + "." + std::to_string(i / 250 % 250 + 1) + "." +
                                       std::to_string(i % 250 + 1));
    target.port = port;
    target.check.interval = control::Milliseconds(int64_t{1000} * wanted.reals / wanted.rate);
    target.check.timeout = target.check.interval;
    target.check.kind = kind_of(kind);
  }
  return targets;
}

Row measure(const Wanted& wanted, const std::string& kind) {
  HttpPeer peer;
  asio::io_context loop;
  uint64_t told = 0;
  control::Checker checker(loop, [&told](const auto&, auto, const auto&) { ++told; });
  checker.set_targets(targets_of(wanted, kind, peer.port()));
  // Past the first checks, which come at a pace of their own.
  loop.run_for(std::chrono::seconds(4));
  const auto all = [&checker] {
    control::CheckFigures sum;
    for (const auto& each : checker.figures()) {
      sum.successes += each.successes;
      sum.failures += each.failures;
    }
    return sum;
  };
  const control::CheckFigures before = all();
  const double cpu_before = cpu_seconds();
  const Clock::time_point began = Clock::now();
  loop.restart();
  loop.run_for(std::chrono::seconds(wanted.seconds));
  const double took = std::chrono::duration<double>(Clock::now() - began).count();
  const double cpu = cpu_seconds() - cpu_before;
  const control::CheckFigures after = all();
  const auto made = static_cast<double>(after.all() - before.all());
  return {kind, made / took, static_cast<double>(after.failures - before.failures), made == 0 ? 0 : cpu / made * 1e6, cpu / took};
}

void tell(const Wanted& wanted, const Row& row) {
  const double a_core = row.microseconds_a_check == 0 ? 0 : 1e6 / row.microseconds_a_check;
  if (wanted.json) {
    const nlohmann::json line = {{"case", "health"}, {"kind", row.kind}, {"reals", wanted.reals},
                                 {"checks_per_second", row.made_a_second}, {"failures", row.failures},
                                 {"microseconds_per_check", row.microseconds_a_check}, {"busy", row.busy},
                                 {"checks_per_second_of_a_core", a_core}};
    std::printf("%s\n", line.dump().c_str());
  } else {
    std::printf("%-5s %9u %12.0f %9.0f %12.1f %8.0f %% %14.0f\n", row.kind.c_str(), wanted.reals, row.made_a_second, row.failures,
                row.microseconds_a_check, row.busy * 100, a_core);
  }
  std::fflush(stdout);
}

}  // namespace
}  // namespace shunt::bench

int main(int argc, char** argv) {
  using namespace shunt::bench;
  CLI::App app("Measures health checks.", "health_bench");
  Wanted wanted;
  app.add_option("--kinds", wanted.kinds, "of tcp, http")->delimiter(',')->check(CLI::IsMember({"tcp", "http"}))->capture_default_str();
  app.add_option("--rate", wanted.rate, "checks a second that the intervals ask for")->check(CLI::Range(1, 200000))->capture_default_str();
  app.add_option("--reals", wanted.reals, "each with an address of its own")->check(CLI::Range(1, 1000000))->capture_default_str();
  app.add_option("--seconds", wanted.seconds, "to measure")->check(CLI::Range(1, 600))->capture_default_str();
  app.add_flag("--json", wanted.json, "one JSON object a line");
  CLI11_PARSE(app, argc, argv);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  if (!wanted.json) std::printf("kind      reals  checks a s    failed  us a check       busy  a core could\n");
  for (const std::string& kind : wanted.kinds) tell(wanted, measure(wanted, kind));
  return 0;
}
