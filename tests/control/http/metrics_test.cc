// The scrape's text from reports made up here; promtool's opinion of a whole one is in
// tests/e2e/observe_test.py.
#include "control/http/metrics.h"

#include <gmock/gmock.h>

#include <set>
#include <sstream>

namespace shunt::control::http {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string text_of(Metrics metrics, size_t* pieces = nullptr) {
  std::string text;
  size_t count = 1;
  while (metrics.next(text)) ++count;
  if (pieces != nullptr) *pieces = count;
  return text;
}

RealState real(const std::string& name) {
  RealState state;
  state.name = name;
  state.weight = state.effective_weight = 1;
  state.health = Health::kUp;
  return state;
}

std::vector<ServiceState> one_service(std::vector<RealState> reals) {
  std::vector<ServiceState> services(1);
  services[0].name = "web";
  services[0].reals = std::move(reals);
  return services;
}

TEST(Metrics, AServiceCountsTheRealsThatTakeConnections) {
  auto services = one_service({real("a"), real("b"), real("c"), real("d"), real("e")});
  services[0].reals[1].health = Health::kDown;
  services[0].reals[2].weight = 0;
  services[0].reals[3].removed = true;
  services[0].reals[4].sorry = true;
  const std::string text = text_of({{}, services});
  EXPECT_THAT(text, HasSubstr("shunt_service_reals{service=\"web\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("shunt_service_reals_up{service=\"web\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("shunt_real_up{service=\"web\",real=\"b\"} 0\n"));
}

TEST(Metrics, ARealHasItsStateTransitionsAndTraffic) {
  auto services = one_service({real("a")});
  services[0].reals[0].draining = true;
  services[0].reals[0].went_down = 3;
  services[0].reals[0].traffic = {1, 2, 3, 4, 5};
  const std::string text = text_of({{}, services});
  for (const char* line :
       {"shunt_real_admin_state{service=\"web\",real=\"a\",state=\"draining\"} 1\n",
        "shunt_real_transitions_total{service=\"web\",real=\"a\",to=\"down\"} 3\n",
        "shunt_real_packets_total{service=\"web\",real=\"a\",direction=\"out\"} 3\n",
        "shunt_real_bytes_total{service=\"web\",real=\"a\",direction=\"in\"} 4\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(Metrics, NoSeriesComesTwiceWhenARemovedRealsNameIsTakenAgain) {
  auto services = one_service({real("a"), real("a"), real("b"), real("b")});
  services[0].reals[1].removed = services[0].reals[2].removed = services[0].reals[3].removed = true;
  std::istringstream lines(text_of({{}, services}));
  std::set<std::string> seen;
  for (std::string line; std::getline(lines, line);) {
    if (line[0] == '#') continue;
    EXPECT_TRUE(seen.insert(line.substr(0, line.rfind(' '))).second) << line;
  }
}

TEST(Metrics, WithoutRealsThereIsNoSeriesOfAReal) {
  const std::string text = text_of({{}, one_service({real("a")}), false});
  EXPECT_THAT(text, HasSubstr("shunt_service_reals{"));
  EXPECT_THAT(text, Not(HasSubstr("shunt_real_")));
}

TEST(Metrics, EveryReasonToDropIsThereBeforeItHappens) {
  Overview overview;
  overview.workers.resize(2);
  for (WorkerState& worker : overview.workers) worker.drops.resize(3);
  overview.workers[1].worker = 1;
  overview.workers[1].drops[1] = 7;
  const std::string text = text_of({overview, {}});
  EXPECT_THAT(text, HasSubstr("shunt_drops_total{reason=\"truncated\",worker=\"0\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("shunt_drops_total{reason=\"not_our_mac\",worker=\"1\"} 7\n"));
}

TEST(Metrics, WhatDefencesEndedIsCountedByWorker) {
  Overview overview;
  overview.workers.resize(1);
  overview.workers[0].half_open_evicted = 3;
  overview.workers[0].entries_dropped = 4;
  const std::string text = text_of({overview, {}});
  EXPECT_THAT(text, HasSubstr("shunt_half_open_evicted_total{worker=\"0\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("shunt_entries_dropped_total{worker=\"0\"} 4\n"));
}

TEST(Metrics, AGreatManyRealsComeInPiecesAndEachFamilyInOnePlace) {
  std::vector<ServiceState> services;
  for (int i = 0; i < 2000; ++i) {
    services.push_back(one_service({real("10.0.0.1:80"), real("10.0.0.2:80")})[0]);
    services.back().name = "service-" + std::to_string(i);
  }
  size_t pieces = 0;
  const std::string text = text_of({{}, services}, &pieces);
  EXPECT_GT(pieces, 5U);
  std::istringstream lines(text);
  std::set<std::string> families;
  std::string current;
  size_t samples = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) {
      current = line.substr(7, line.rfind(' ') - 7);
      EXPECT_TRUE(families.insert(current).second) << current;
    } else if (!line.starts_with('#')) {
      EXPECT_TRUE(line.starts_with(current)) << line;
      samples += line.starts_with("shunt_real_up{") ? 1 : 0;
    }
  }
  EXPECT_EQ(samples, 4000U);
}

}  // namespace
}  // namespace shunt::control::http
