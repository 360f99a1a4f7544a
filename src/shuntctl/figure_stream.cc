#include "src/shuntctl/figure_stream.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <utility>

#include "src/shuntctl/client.h"
#include "src/shuntctl/retry_pause.h"

namespace shunt::shuntctl {
namespace {

using google::protobuf::util::MessageDifferencer;

// A stream that is silent for so many of its intervals says nothing about now.
constexpr std::chrono::seconds kFresh{3};
// As many as the call takes.
constexpr size_t kMostServices = 1000;

}  // namespace

FigureStream::FigureStream(const Settings& settings) : settings_(settings) {
  // --timeout is for answers; a stream lasts.
  settings_.timeout.reset();
}

void FigureStream::follow(const std::vector<std::string>& services, bool with_reals) {
  // To the call, no names are all services.
  if (services.empty()) return stop();
  v1::WatchStatsRequest request;
  const size_t count = std::min(services.size(), kMostServices);
  for (size_t i = 0; i < count; ++i) request.add_services(services[i]);
  request.set_with_reals(with_reals);
  if (thread_.joinable() && MessageDifferencer::Equals(request, followed_)) return;
  stop();
  followed_ = request;
  thread_ = std::jthread([this, request](const std::stop_token& token) { run(token, request); });
}

void FigureStream::stop() {
  thread_ = {};
  latest_.reset();
  trouble_.reset();
}

std::optional<v1::Stats> FigureStream::latest() const {
  const std::lock_guard lock(mutex_);
  return latest_ && Clock::now() - came_ < kFresh ? latest_ : std::nullopt;
}

std::optional<Failure> FigureStream::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void FigureStream::run(const std::stop_token& stop, const v1::WatchStatsRequest& request) {
  RetryPause pause;
  while (!stop.stop_requested()) {
    auto failure = read(stop, request);
    std::unique_lock lock(mutex_);
    if (std::exchange(is_well_, false)) pause.reset();
    trouble_ = failure ? std::move(*failure)
                       : Failure{ExitCode::kRpc, "OK", "the daemon ended the stream", {}};
    pause_ended_.wait_for(lock, stop, pause.next(), [] { return false; });
  }
}

std::optional<Failure> FigureStream::read(const std::stop_token& stop,
                                          const v1::WatchStatsRequest& request) {
  // A channel that failed waits longer and longer by itself.
  Client client(settings_);
  grpc::ClientContext context;
  const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
  v1::Stats look;
  return client.stream(context, &v1::Shunt::Stub::WatchStats, request, [&](const v1::Stats& part) {
    look.MergeFrom(part);
    if (part.is_last()) take(std::exchange(look, {}));
    return true;
  });
}

void FigureStream::take(v1::Stats look) {
  const std::lock_guard lock(mutex_);
  latest_ = std::move(look);
  came_ = Clock::now();
  trouble_.reset();
  is_well_ = true;
}

}  // namespace shunt::shuntctl
