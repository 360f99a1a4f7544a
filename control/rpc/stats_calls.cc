// Figures as a stream: a look each interval, in parts, so that the control thread is not held up by ten thousand services.
#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "config/duration.h"
#include "control/rpc/convert_report.h"
#include "control/rpc/follower.h"
#include "control/rpc/service.h"
#include "control/rpc/status.h"

namespace shunt::control::rpc {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How soon a stream notices that its client left or that the daemon stops.
constexpr milliseconds kLook{200};
constexpr int kMaxNames = 1000;
constexpr int64_t kLeastMs = 1000;
constexpr int64_t kMostMs = 3'600'000;
// Of one part.
constexpr uint32_t kServicesAtOnce = 200;
constexpr uint32_t kRealsAtOnce = 2000;

grpc::Status invalid(const char* field, std::string cause, std::string remedy) {
  return to_status(grpc::StatusCode::INVALID_ARGUMENT,
                   {field, "", config::reason::kOutOfRange, std::move(cause), std::move(remedy), {}});
}

// nullopt: it is out of range.
std::optional<milliseconds> interval_of(const v1::WatchStatsRequest& request) {
  if (!request.has_interval()) return milliseconds(kLeastMs);
  const auto wanted = config::to_ms(request.interval());
  if (!wanted || *wanted < kLeastMs || *wanted > kMostMs) return std::nullopt;
  return milliseconds(*wanted);
}

grpc::Status check(const v1::WatchStatsRequest& request) {
  if (request.services_size() > kMaxNames) {
    return invalid("services", std::to_string(request.services_size()) + " names exceed " + std::to_string(kMaxNames),
                   "name none for all services");
  }
  if (!interval_of(request)) return invalid("interval", "is not within 1s..1h", "give whole milliseconds in the range");
  return grpc::Status::OK;
}

// One look after the other.
class StatsStream {
 public:
  StatsStream(Controller& controller, const v1::WatchStatsRequest& request, grpc::ServerWriter<v1::Stats>& writer)
      : controller_(controller), with_reals_(request.with_reals()), writer_(writer),
        names_(request.services().begin(), request.services().end()) {}

  // `is_first`: a service that is not there is an error.
  grpc::Status look(bool is_first) {
    const auto now = WallClock::now();
    const grpc::Status status = names_.empty() ? look_at_all(now) : look_at_named(now, is_first);
    return status.ok() ? write(now, true) : status;
  }

 private:
  grpc::Status look_at_all(WallClock::time_point now) {
    ServiceQuery query{"", kServicesAtOnce, "", kRealsAtOnce};
    do {
      const auto page = controller_.list_services(query);
      if (!page) return to_status(page.error());
      for (const ServiceState& service : page->services) put(service, with_reals_, *message_.add_services());
      query.after = page->next;
      if (query.after.empty()) break;
      if (auto written = write(now, false); !written.ok()) return written;
    } while (true);
    return grpc::Status::OK;
  }

  grpc::Status look_at_named(WallClock::time_point now, bool is_first) {
    for (const std::string& name : names_) {
      const auto page = controller_.list_services({name, 0, "", 0});
      if (!page && (is_first || page.error().code != ErrorCode::kNotFound)) return to_status(page.error());
      if (page) put(page->services.front(), with_reals_, *message_.add_services());
      if (message_.services_size() < static_cast<int>(kServicesAtOnce)) continue;
      if (auto written = write(now, false); !written.ok()) return written;
    }
    return grpc::Status::OK;
  }

  grpc::Status write(WallClock::time_point now, bool is_last) {
    *message_.mutable_time() = to_proto(now);
    message_.set_life(controller_.events().life());
    message_.set_is_last(is_last);
    const bool arrived = writer_.Write(message_);
    message_.Clear();
    return arrived ? grpc::Status::OK : grpc::Status(grpc::StatusCode::CANCELLED, "the client left");
  }

  Controller& controller_;
  const bool with_reals_;
  grpc::ServerWriter<v1::Stats>& writer_;
  const std::set<std::string> names_;
  v1::Stats message_;
};

}  // namespace

grpc::Status ShuntService::WatchStats(grpc::ServerContext* context, const v1::WatchStatsRequest* request,
                                      grpc::ServerWriter<v1::Stats>* writer) {
  if (auto valid = check(*request); !valid.ok()) return valid;
  const Follower follower(followers_);
  if (auto admitted = follower.admission(); !admitted.ok()) return admitted;
  const milliseconds interval = *interval_of(*request);
  StatsStream stream(controller_, *request, *writer);
  auto next = Clock::now();
  for (uint32_t looks = 0; !context->IsCancelled();) {
    if (stopping_) return {grpc::StatusCode::UNAVAILABLE, "the daemon is stopping"};
    if (Clock::now() < next) {
      std::this_thread::sleep_for(std::min(kLook, std::chrono::ceil<milliseconds>(next - Clock::now())));
      continue;
    }
    if (auto looked = stream.look(looks == 0); !looked.ok()) return looked;
    if (++looks == request->count()) return grpc::Status::OK;
    // A client slower than its interval gets fewer looks, not old ones.
    next = std::max(next + interval, Clock::now());
  }
  return {grpc::StatusCode::CANCELLED, "the client left"};
}

}  // namespace shunt::control::rpc
