// What the HTTP listener's handlers ask the controller for: each question has a time limit, big
// answers come in parts, and many who ask at once cost the control thread no more than one. Any
// thread.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "control/controller.h"
#include "control/http/status_json.h"
#include "src/base/result.h"

namespace shunt::control::http {

class Reports {
 public:
  // `controller` must outlive this.
  explicit Reports(Controller& controller) : controller_(controller) {}

  // At most half a second old.
  Result<Overview> overview();
  // The text of /status.json.
  Result<std::string> status(const StatusQuery& query);
  // All services, without the texts that metrics have no use for.
  Result<std::vector<ServiceState>> services();

 private:
  using Clock = std::chrono::steady_clock;

  Controller& controller_;
  std::mutex mutex_;
  std::optional<Overview> last_;
  Clock::time_point read_;
};

// Why packets are not forwarded as they should be; empty: they are.
std::vector<std::string> why_not_ready(const Overview& overview);

}  // namespace shunt::control::http
