#include "tests/bench/why/clients.h"

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <stdexcept>
#include <system_error>

namespace shunt::bench {
namespace {

constexpr int64_t kKeepAnswersUs = 100'000;
constexpr int64_t kOverdueEveryUs = 5'000;
constexpr int64_t kFlushEveryUs = 100'000;
constexpr size_t kLongestHead = 4096;
constexpr uint64_t kNamesEvent = uint64_t{1} << 63;

int64_t now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::string reason(int error) {
  switch (error) {
    case ECONNREFUSED:
      return "refused";
    case ECONNRESET:
      return "reset";
    case EPIPE:
      return "reset";
    case EHOSTUNREACH:
      return "unreachable";
    case ENETUNREACH:
      return "unreachable";
    case ETIMEDOUT:
      return "timeout";
    default:
      return "errno-" + std::to_string(error);
  }
}

// The value of a header field, or nothing. Servers differ in the letter case of names, ours do not
// in their spaces.
std::string_view field(std::string_view head, std::string_view name) {
  for (size_t at = 0; at + name.size() < head.size(); ++at) {
    if (at > 0 && head[at - 1] != '\n') continue;
    const auto same = [](char a, char b) { return std::tolower(a) == std::tolower(b); };
    if (!std::equal(name.begin(), name.end(), head.begin() + static_cast<long>(at), same) ||
        head[at + name.size()] != ':')
      continue;
    size_t start = at + name.size() + 1;
    while (start < head.size() && head[start] == ' ') ++start;
    return head.substr(start, head.find('\r', start) - start);
  }
  return {};
}

template <typename T>
std::vector<double> weights(const std::vector<T>& items) {
  std::vector<double> out;
  for (const auto& item : items) out.push_back(item.weight);
  return out;
}

template <typename T>
std::discrete_distribution<uint32_t> by_weight(const std::vector<T>& items) {
  const auto all = weights(items);
  return {all.begin(), all.end()};
}

}  // namespace

Clients::Clients(Setting setting, std::FILE* out)
    : setting_(std::move(setting)),
      out_(out),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      waiting_(setting_.sites.size()),
      chance_(setting_.seed),
      site_of_(by_weight(setting_.sites)),
      object_of_(by_weight(setting_.objects)) {
  if (epoll_ < 0) fail("epoll");
  if (setting_.target) return;
  for (const Site& site : setting_.sites) {
    if (!site.resolver)
      throw std::invalid_argument("a site has no resolver; give --site ADDRESS,WEIGHT,RESOLVER");
    names_.emplace_back(*site.resolver, setting_.name, kKeepAnswersUs);
    epoll_event event{.events = EPOLLIN, .data = {.u64 = kNamesEvent | (names_.size() - 1)}};
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, names_.back().fd(), &event) != 0)
      fail("epoll of a resolver's socket");
  }
}

Clients::~Clients() {
  for (const Request& request : requests_)
    if (request.fd >= 0) close(request.fd);
  close(epoll_);
}

void Clients::run(const std::function<bool()>& stop) {
  const int64_t began_us = now();
  next_arrival_us_ = began_us;
  while (true) {
    const int64_t now_us = now();
    if (stop() || (setting_.seconds_us > 0 && now_us - began_us >= setting_.seconds_us))
      open_ = false;
    if (open_) arrive(now_us);
    if (!open_ && under_way_ == 0) break;
    poll(now_us);
    const int64_t after_us = now();
    if (after_us >= next_overdue_us_) overdue(after_us);
    if (after_us >= next_flush_us_) {
      std::fflush(out_);
      next_flush_us_ = after_us + kFlushEveryUs;
    }
  }
  std::fflush(out_);
}

void Clients::arrive(int64_t now_us) {
  if (setting_.users > 0) {
    while (under_way_ < static_cast<uint32_t>(setting_.users)) {
      const uint32_t before = under_way_;
      start(now_us);
      if (under_way_ == before) break;  // it failed at once: do not ask again without a pause
    }
    return;
  }
  std::exponential_distribution<double> gap_s(setting_.rate);
  while (next_arrival_us_ <= now_us) {
    start(now_us);
    next_arrival_us_ += static_cast<int64_t>(gap_s(chance_) * 1e6);
  }
}

void Clients::start(int64_t now_us) {
  uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<uint32_t>(requests_.size());
    requests_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Request& request = requests_[index];
  const uint32_t generation = request.generation + 1;
  request = Request{.generation = generation,
                    .site = site_of_(chance_),
                    .object = object_of_(chance_),
                    .start_us = now_us};
  ++under_way_;
  resolve_or_attempt(index, now_us);
}

void Clients::resolve_or_attempt(uint32_t index, int64_t now_us) {
  Request& request = requests_[index];
  if (setting_.target) return attempt(index, *setting_.target, now_us);
  SiteNames& names = names_[request.site];
  if (names.state(now_us) == SiteNames::State::kFresh) {
    const auto to = names.next();
    return to ? attempt(index, *to, now_us) : end(index, "no-address", now_us);
  }
  request.state = Request::State::kResolving;
  waiting_[request.site].push_back(index);
  if (names.state(now_us) == SiteNames::State::kStale) names.ask(now_us);
}

void Clients::resolved(uint32_t site, int64_t now_us) {
  std::vector<uint32_t> waiting;
  waiting.swap(waiting_[site]);
  for (const uint32_t index : waiting) resolve_or_attempt(index, now_us);
}

void Clients::attempt(uint32_t index, in_addr to, int64_t now_us) {
  Request& request = requests_[index];
  request.state = Request::State::kConnecting;
  request.attempt_ends_us = now_us + setting_.timeout_us / setting_.tries;
  ++request.tried;
  ++request.generation;
  request.head.clear();
  request.head_ended = false;
  request.body = 0;
  request.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (request.fd < 0) fail("a request's socket");
  // The port is chosen when the destination is known, so that a site has all ports for each
  // destination.
  const int on = 1;
  setsockopt(request.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_in from{}, there{};
  from.sin_family = there.sin_family = AF_INET;
  from.sin_addr = setting_.sites[request.site].source;
  there.sin_addr = to;
  there.sin_port = htons(80);
  if (bind(request.fd, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0)
    fail("binding to a site's address");
  if (connect(request.fd, reinterpret_cast<sockaddr*>(&there), sizeof there) != 0 &&
      errno != EINPROGRESS)
    return attempt_failed(index, reason(errno), now_us);
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET,
                    .data = {.u64 = uint64_t{request.generation & 0x7fffffff} << 32 | index}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, request.fd, &event) != 0) fail("epoll of a request");
}

void Clients::on_event(uint32_t index, uint32_t events, int64_t now_us) {
  Request& request = requests_[index];
  if (request.state == Request::State::kConnecting) {
    int error = 0;
    socklen_t size = sizeof error;
    if ((events & (EPOLLERR | EPOLLHUP)) != 0 &&
        getsockopt(request.fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error != 0)
      return attempt_failed(index, reason(error), now_us);
    if ((events & EPOLLOUT) == 0) return;
    const std::string text =
        "GET " + setting_.objects[request.object].path + " HTTP/1.0\r\nHost: www\r\n\r\n";
    if (send(request.fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
      return attempt_failed(index, reason(errno), now_us);
    request.state = Request::State::kReading;
  }
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) read(index, now_us);
}

void Clients::read(uint32_t index, int64_t now_us) {
  Request& request = requests_[index];
  static std::array<char, 1 << 16> buffer;
  while (true) {
    const ssize_t got = recv(request.fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    // What has begun to answer is not asked again elsewhere: the request may have had its effect.
    if (got < 0) return end(index, reason(errno), now_us);
    if (got == 0) break;
    if (request.head_ended) {
      request.body += static_cast<uint64_t>(got);
    } else {
      request.head.append(buffer.data(), static_cast<size_t>(got));
      read_head(request);
    }
  }
  if (!request.head_ended) return end(index, "cut", now_us);
  if (request.status != "200") return end(index, "http-" + request.status, now_us);
  end(index, request.body == setting_.objects[request.object].bytes ? "ok" : "cut", now_us);
}

void Clients::read_head(Request& request) {
  const size_t blank = request.head.find("\r\n\r\n");
  if (blank == std::string::npos && request.head.size() < kLongestHead) return;
  request.head_ended = true;
  request.body = blank == std::string::npos ? 0 : request.head.size() - blank - 4;
  const std::string_view head(request.head);
  request.status =
      head.starts_with("HTTP/1.") && head.size() > 12 ? std::string(head.substr(9, 3)) : "no-http";
  request.real = field(head, "X-Real");
}

void Clients::attempt_failed(uint32_t index, std::string_view why, int64_t now_us) {
  Request& request = requests_[index];
  if (request.tried >= setting_.tries) return end(index, why, now_us);
  close(request.fd);
  request.fd = -1;
  resolve_or_attempt(index, now_us);
}

void Clients::end(uint32_t index, std::string_view outcome, int64_t now_us) {
  Request& request = requests_[index];
  if (request.fd >= 0) close(request.fd);
  request.fd = -1;
  request.state = Request::State::kFree;
  ++request.generation;
  std::fprintf(out_, "%lld %lld %u %s %llu %.*s %d\n", static_cast<long long>(request.start_us),
               static_cast<long long>(now_us), request.site,
               request.real.empty() ? "-" : request.real.c_str(),
               static_cast<unsigned long long>(request.body), static_cast<int>(outcome.size()),
               outcome.data(), request.tried);
  free_.push_back(index);
  --under_way_;
}

void Clients::overdue(int64_t now_us) {
  next_overdue_us_ = now_us + kOverdueEveryUs;
  for (uint32_t index = 0; index < requests_.size(); ++index) {
    const Request& request = requests_[index];
    if (request.state == Request::State::kConnecting && now_us >= request.attempt_ends_us)
      attempt_failed(index, "timeout", now_us);
    else if (request.state == Request::State::kReading && now_us >= request.attempt_ends_us)
      end(index, "timeout", now_us);
  }
  for (uint32_t site = 0; site < names_.size(); ++site) {
    if (names_[site].state(now_us) != SiteNames::State::kAsking) continue;
    names_[site].ask(now_us);
    if (!names_[site].gave_up(now_us)) continue;
    names_[site].abandon();
    std::vector<uint32_t> waiting;
    waiting.swap(waiting_[site]);
    for (const uint32_t index : waiting) end(index, "no-resolver", now_us);
  }
}

int64_t Clients::wait_us(int64_t now_us) const {
  int64_t until = next_overdue_us_;
  if (open_ && setting_.rate > 0) until = std::min(until, next_arrival_us_);
  return std::max<int64_t>(until - now_us, 0);
}

void Clients::poll(int64_t now_us) {
  std::array<epoll_event, 256> events;
  const int64_t wait = wait_us(now_us);
  const timespec limit{.tv_sec = wait / 1'000'000, .tv_nsec = wait % 1'000'000 * 1000};
  const int count = epoll_pwait2(epoll_, events.data(), events.size(), &limit, nullptr);
  if (count < 0 && errno != EINTR) fail("waiting for events");
  const int64_t after_us = now();
  for (int i = 0; i < count; ++i) {
    const uint64_t what = events[static_cast<size_t>(i)].data.u64;
    const auto index = static_cast<uint32_t>(what);
    if ((what & kNamesEvent) != 0) {
      if (names_[index].receive(after_us)) resolved(index, after_us);
    } else if ((requests_[index].generation & 0x7fffffff) == what >> 32) {
      on_event(index, events[static_cast<size_t>(i)].events, after_us);
    }
  }
}

}  // namespace shunt::bench
