// Asks the daemon for what `shuntctl top` shows, and as little of it as will do. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "src/shuntctl/client.h"
#include "src/shuntctl/figure_stream.h"
#include "src/shuntctl/top/picture.h"

namespace shunt::shuntctl {

// A page of services, and what of them is on the screen. `token` and `size` as ListServices has
// them.
struct ServicePage {
  std::string token;
  uint32_t size = 0;
  bool with_reals = false;
  bool operator==(const ServicePage&) const = default;
};

class TopObserver {
 public:
  explicit TopObserver(const Settings& settings);

  // Workers, ports, drops and the whole.
  std::optional<Failure> look_at_machine(Sample& sample);
  // That, the events, and the page of services. After a failure the next look connects anew.
  std::optional<Failure> look(const ServicePage& page, Sample& sample);

  // From the next look on, figures of the page come as a stream. Its services are listed anew only
  // when something happened, or no stream comes.
  void follow();
  // Why no stream comes; empty: it does.
  std::string trouble_of_stream() const;

 private:
  using Clock = std::chrono::steady_clock;

  std::optional<Failure> ask(const ServicePage& page, Sample& sample);
  std::optional<Failure> look_for_events(const v1::Status& status, bool& is_news);
  std::optional<Failure> list(const ServicePage& page);
  bool is_outdated(const ServicePage& page, const v1::Status& status,
                   const std::optional<v1::Stats>& figures) const;

  const Settings& settings_;
  std::optional<Client> client_;
  FigureStream stream_;
  std::deque<v1::Event> events_;
  int64_t started_ = 0;
  // The last list: what was asked for, when, and of which revision.
  v1::ListServicesResponse services_;
  ServicePage page_;
  Clock::time_point listed_;
  uint64_t revision_ = 0;
};

}  // namespace shunt::shuntctl
