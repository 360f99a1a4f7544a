// What /metrics says: docs/observability.md lists every metric with its unit. One thread at a time.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "control/observation.h"

namespace shunt::control::http {

template <typename State>
struct Family;

// One scrape's text, made piece by piece from values that were all read before: a hundred thousand
// reals are some 120 MB of text, which nobody has to hold at once.
class Metrics {
 public:
  // With `reals` false, a scrape leaves out the families that have a series for each real.
  Metrics(Overview overview, std::vector<ServiceState> services, bool reals = true);

  // Appends the next piece, of some hundred KiB (but for a service's many reals); false: that was
  // the last one.
  bool next(std::string& out);

 private:
  template <typename State>
  bool tell_some(std::string& out, std::span<const Family<State>> families, size_t& family);

  const Overview overview_;
  const std::vector<ServiceState> services_;
  const bool reals_;
  // Where it goes on: with the machine, then with each family of services, then of reals.
  bool machine_told_ = false;
  size_t service_family_ = 0;
  size_t real_family_ = 0;
  size_t service_ = 0;
};

}  // namespace shunt::control::http
