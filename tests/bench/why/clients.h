// Requests of many users at many sites, in one thread over epoll.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <cstdio>
#include <deque>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/why/names.h"

namespace shunt::bench {

// Users behind one address of their own, and, with a name to resolve, behind one caching resolver.
struct Site {
  in_addr source{};
  double weight = 1;
  std::optional<in_addr> resolver;
};

struct Object {
  std::string path;
  uint64_t bytes;
  double weight;
};

struct Setting {
  std::vector<Site> sites;
  std::vector<Object> objects;
  std::optional<in_addr> target;  // unset: `name` is resolved
  std::string name;
  double rate = 0;  // requests a second; 0: `users` at once
  int users = 0;
  int64_t seconds_us = 0;  // 0: until told to stop
  int64_t timeout_us = 2'000'000;
  int tries = 1;
  uint64_t seed = 1;
};

class Clients {
 public:
  // Throws std::system_error when the system refuses what every request needs,
  // std::invalid_argument when a site that has to resolve has no resolver.
  Clients(Setting setting, std::FILE* out);
  ~Clients();
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  // Until the time is over or `stop` says so, and then until no request is under way.
  void run(const std::function<bool()>& stop);

 private:
  struct Request {
    enum class State { kFree, kResolving, kConnecting, kReading };
    State state = State::kFree;
    int fd = -1;
    uint32_t generation = 0;  // an event of a connection that is gone must not reach its successor
    uint32_t site = 0, object = 0;
    int tried = 0;
    int64_t start_us = 0;
    int64_t attempt_ends_us = 0;
    std::string head;  // until its end is there
    bool head_ended = false;
    uint64_t body = 0;
    std::string real;
    std::string status;
  };

  void arrive(int64_t now_us);
  void start(int64_t now_us);
  void resolve_or_attempt(uint32_t index, int64_t now_us);
  void attempt(uint32_t index, in_addr to, int64_t now_us);
  void resolved(uint32_t site, int64_t now_us);
  void on_event(uint32_t index, uint32_t events, int64_t now_us);
  void read(uint32_t index, int64_t now_us);
  void read_head(Request& request);
  // The attempt came to nothing: the next address, or the end.
  void attempt_failed(uint32_t index, std::string_view why, int64_t now_us);
  void end(uint32_t index, std::string_view outcome, int64_t now_us);
  void overdue(int64_t now_us);
  int64_t wait_us(int64_t now_us) const;
  void poll(int64_t now_us);

  Setting setting_;
  std::FILE* out_;
  int epoll_ = -1;
  std::vector<SiteNames> names_;
  std::vector<std::vector<uint32_t>> waiting_;  // per site: requests that wait for its resolver
  std::deque<Request> requests_;
  std::vector<uint32_t> free_;
  uint32_t under_way_ = 0;
  bool open_ = true;  // new requests arrive
  int64_t next_arrival_us_ = 0;
  int64_t next_overdue_us_ = 0;
  int64_t next_flush_us_ = 0;
  std::mt19937_64 chance_;
  std::discrete_distribution<uint32_t> site_of_, object_of_;
};

}  // namespace shunt::bench
