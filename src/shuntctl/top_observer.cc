#include "src/shuntctl/top_observer.h"

#include <utility>
#include <vector>

#include "src/shuntctl/top/figures.h"

namespace shunt::shuntctl {
namespace {

using Stub = v1::Shunt::Stub;

constexpr size_t kEventsKept = 50;
// What neither events nor figures tell of, such as the text of a real's last check.
constexpr std::chrono::seconds kListAtLeastEach{10};

}  // namespace

TopObserver::TopObserver(const Settings& settings)
    : settings_(settings), client_(settings), stream_(settings) {}

std::optional<Failure> TopObserver::look_at_machine(Sample& sample) {
  if (auto failure = client_->call(&Stub::GetStatus, v1::GetStatusRequest(), &sample.status))
    return failure;
  if (auto failure = client_->call(&Stub::ListWorkers, v1::ListWorkersRequest(), &sample.workers))
    return failure;
  if (auto failure = client_->call(&Stub::ListPorts, v1::ListPortsRequest(), &sample.ports))
    return failure;
  if (auto failure = client_->call(&Stub::ListDrops, v1::ListDropsRequest(), &sample.drops))
    return failure;
  sample.time = std::chrono::system_clock::now();
  return std::nullopt;
}

std::optional<Failure> TopObserver::look(const ServicePage& page, Sample& sample) {
  auto failure = ask(page, sample);
  if (!failure) return std::nullopt;
  // A channel that failed waits longer and longer by itself, and all to one daemon wait together.
  stream_.stop();
  client_.reset();
  client_.emplace(settings_);
  page_ = {};
  return failure;
}

std::optional<Failure> TopObserver::ask(const ServicePage& page, Sample& sample) {
  if (auto failure = look_at_machine(sample)) return failure;
  bool is_news = false;
  if (auto failure = look_for_events(sample.status, is_news)) return failure;
  const auto figures = stream_.latest();
  if (is_news || is_outdated(page, sample.status, figures)) {
    if (auto failure = list(page)) return failure;
    revision_ = sample.status.revision();
  }
  sample.services = services_;
  if (figures) lay_over(*figures, sample.services);
  sample.events = events_;
  return std::nullopt;
}

bool TopObserver::is_outdated(const ServicePage& page, const v1::Status& status,
                              const std::optional<v1::Stats>& figures) const {
  return !figures || page != page_ || status.revision() != revision_ ||
         Clock::now() - listed_ >= kListAtLeastEach || contradicts(*figures, services_);
}

std::optional<Failure> TopObserver::list(const ServicePage& page) {
  v1::ListServicesRequest request;
  request.set_page_token(page.token);
  request.set_page_size(page.size);
  v1::ListServicesResponse services;
  if (auto failure = client_->call(&Stub::ListServices, request, &services)) return failure;
  services_ = std::move(services);
  page_ = page;
  listed_ = Clock::now();
  return std::nullopt;
}

std::optional<Failure> TopObserver::look_for_events(const v1::Status& status, bool& is_news) {
  // Another daemon's events begin anew.
  if (status.started().seconds() != started_) {
    started_ = status.started().seconds();
    events_.clear();
  }
  v1::WatchEventsRequest request;
  request.set_after_sequence(events_.empty() ? 0 : events_.back().sequence());
  return client_->stream(&Stub::WatchEvents, request, [&](const v1::Event& event) {
    is_news = true;
    events_.push_back(event);
    if (events_.size() > kEventsKept) events_.pop_front();
    return true;
  });
}

void TopObserver::follow() {
  std::vector<std::string> names;
  for (const v1::ServiceState& service : services_.services()) names.push_back(service.name());
  stream_.follow(names, page_.with_reals);
}

std::string TopObserver::trouble_of_stream() const {
  const auto trouble = stream_.trouble();
  // A service that is gone: the list without it comes with the next look.
  if (!trouble || trouble->exit == ExitCode::kNotFound) return "";
  return "figures: no stream: " + trouble->message + "; the list is asked each second instead";
}

}  // namespace shunt::shuntctl
