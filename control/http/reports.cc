#include "control/http/reports.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace shunt::control::http {
namespace {

constexpr Milliseconds kLimit{2000};
constexpr Milliseconds kFresh{500};
constexpr uint64_t kEventsShown = 50;
// A part of the services: it holds the control thread for some milliseconds.
constexpr uint32_t kServicesAPart = 500;
constexpr uint32_t kRealsAPart = 2000;

}  // namespace

Result<Overview> Reports::overview() {
  // Whoever comes while it is being read waits here and takes it, too.
  const std::lock_guard lock(mutex_);
  if (last_ && Clock::now() - read_ < kFresh) return *last_;
  auto overview = controller_.overview(kLimit);
  if (!overview) return overview;
  read_ = Clock::now();
  last_ = *overview;
  return overview;
}

Result<std::string> Reports::status(const StatusQuery& query) {
  auto now = overview();
  if (!now) return now.error();
  const auto found = controller_.find_services(query.search, kLimit);
  if (!found) return found.error();
  const EventRing& events = controller_.events();
  const uint64_t last = events.last();
  auto latest = events.after(last > kEventsShown ? last - kEventsShown : 0, kEventsShown);
  std::reverse(latest.begin(), latest.end());
  return status_json(*now, *found, latest, query);
}

Result<std::vector<ServiceState>> Reports::services() {
  std::vector<ServiceState> services;
  ServiceQuery query;
  query.page_size = kServicesAPart;
  query.page_reals = kRealsAPart;
  do {
    auto page = controller_.list_services(query, kLimit);
    if (!page) return page.error();
    for (ServiceState& service : page->services) {
      for (RealState& real : service.reals) {
        real.next_hop = std::string();
        real.last_check = std::string();
      }
      services.push_back(std::move(service));
    }
    query.after = page->next;
  } while (!query.after.empty());
  return services;
}

std::vector<std::string> why_not_ready(const Overview& overview) {
  std::vector<std::string> reasons;
  for (const WorkerState& worker : overview.workers) {
    if (worker.stalled) {
      reasons.push_back("worker " + std::to_string(worker.worker) + ": it stands still on lcore " +
                        std::to_string(worker.lcore) +
                        "; look for what else runs on that CPU, or restart shuntd");
    }
  }
  const auto is_up = [](const PortState& port) { return port.link_up; };
  if (std::none_of(overview.ports.begin(), overview.ports.end(), is_up)) {
    reasons.emplace_back("ports: none has a link; check the cables or the other ends");
  }
  return reasons;
}

}  // namespace shunt::control::http
