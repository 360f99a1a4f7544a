// Events as a stream in which nothing is missing unsaid: over reconnections, a ring that went round, and restarts.
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "control/rpc/convert_report.h"
#include "control/rpc/follower.h"
#include "control/rpc/service.h"
#include "control/rpc/status.h"

namespace shunt::control::rpc {
namespace {

// How soon a stream notices that its client left or that the daemon stops.
constexpr std::chrono::milliseconds kLook{200};
constexpr size_t kEventsAtOnce = 256;
constexpr size_t kMaxLife = 32;

grpc::Status invalid(const char* field, std::string cause, std::string remedy) {
  return to_status(grpc::StatusCode::INVALID_ARGUMENT,
                   {field, "", config::reason::kConflict, std::move(cause), std::move(remedy), {}});
}

grpc::Status check(const v1::WatchEventsRequest& request) {
  const bool has_sequence = request.after_sequence() != 0 || !request.life().empty();
  const int starts = (has_sequence ? 1 : 0) + (request.after_revision() != 0 ? 1 : 0) + (request.from_now() ? 1 : 0);
  if (starts > 1) {
    return invalid(request.from_now() ? "from_now" : "after_revision", "is given beside another place to begin at",
                   "give one of after_sequence (with life), after_revision and from_now");
  }
  if (request.life().size() > kMaxLife) {
    return invalid("life", "has more than " + std::to_string(kMaxLife) + " characters", "give an event's life as it is");
  }
  return grpc::Status::OK;
}

EventStart start_of(const v1::WatchEventsRequest& request, const EventRing& ring) {
  if (request.from_now()) return {ring.last(), "left out, as asked for: what happened before"};
  if (request.after_revision() != 0) return ring.start_after_revision(request.after_revision());
  // Whoever names no place wants what there is.
  if (request.after_sequence() == 0 && request.life().empty()) return {ring.start_after({"", 0}).after, ""};
  return ring.start_after({request.life(), request.after_sequence()});
}

Event resync(const EventStart& start, uint64_t revision) {
  Event event;
  event.sequence = start.after;
  event.time = WallClock::now();
  event.kind = "resync";
  event.subject = "events";
  event.text = start.missing + "; the state is at revision " + std::to_string(revision);
  event.revision = revision;
  return event;
}

class EventStream {
 public:
  EventStream(const EventRing& ring, grpc::ServerWriter<v1::Event>& writer, bool fails_on_gap)
      : ring_(ring), writer_(writer), fails_on_gap_(fails_on_gap) {}

  // Goes on there, having told what is missing. False: the stream is over, see status().
  bool begin(const EventStart& start, bool may_fail) {
    sent_ = start.after;
    if (start.missing.empty()) return true;
    const Event event = resync(start, ring_.revision());
    if (may_fail && fails_on_gap_) {
      status_ = {grpc::StatusCode::OUT_OF_RANGE, event.text + ": get it anew and go on from its position"};
      return false;
    }
    return write(event);
  }

  // All that there is by now.
  bool send() {
    for (;;) {
      const auto events = ring_.after(sent_, kEventsAtOnce);
      if (events.empty()) return true;
      // The client read slower than events came.
      if (events.front().sequence != sent_ + 1 && !begin(ring_.start_after({"", sent_}), true)) return false;
      for (const Event& event : events) {
        // The ring may have gone on between the two looks.
        if (event.sequence <= sent_) continue;
        if (event.sequence != sent_ + 1) break;
        if (!write(event)) return false;
      }
    }
  }
  void wait() const { ring_.wait_after(sent_, kLook); }
  const grpc::Status& status() const noexcept { return status_; }

 private:
  bool write(const Event& event) {
    if (!writer_.Write(to_proto(event, ring_.life()))) return false;
    sent_ = event.sequence;
    return true;
  }

  const EventRing& ring_;
  grpc::ServerWriter<v1::Event>& writer_;
  const bool fails_on_gap_;
  uint64_t sent_ = 0;
  grpc::Status status_{grpc::StatusCode::CANCELLED, "the client left"};
};

}  // namespace

grpc::Status ShuntService::WatchEvents(grpc::ServerContext* context, const v1::WatchEventsRequest* request,
                                       grpc::ServerWriter<v1::Event>* writer) {
  if (auto valid = check(*request); !valid.ok()) return valid;
  std::optional<Follower> follower;
  if (request->follow()) follower.emplace(followers_);
  if (follower && !follower->admission().ok()) return follower->admission();
  EventRing& ring = controller_.events();
  EventStream stream(ring, *writer, request->fail_on_gap());
  if (!stream.begin(start_of(*request, ring), !request->from_now())) return stream.status();
  while (!context->IsCancelled()) {
    if (!stream.send()) return stream.status();
    if (!request->follow()) return grpc::Status::OK;
    if (stopping_ || ring.closed()) return {grpc::StatusCode::UNAVAILABLE, "the daemon is stopping"};
    stream.wait();
  }
  return stream.status();
}

}  // namespace shunt::control::rpc
