#include "tests/bench/health/peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string_view>

namespace shunt::bench {
namespace {

constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";

void watch(int epoll, int socket) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = socket;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
}

}  // namespace

HttpPeer::HttpPeer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  sockaddr_in local{};
  local.sin_family = AF_INET;
  ::bind(listener_, reinterpret_cast<sockaddr*>(&local), sizeof local);
  ::listen(listener_, 4096);
  socklen_t bytes = sizeof local;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&local), &bytes);
  port_ = ntohs(local.sin_port);
  watch(epoll_, listener_);
  thread_ = std::thread([this] { serve(); });
}

HttpPeer::~HttpPeer() {
  stopping_ = true;
  thread_.join();
  ::close(epoll_);
  ::close(listener_);
}

void HttpPeer::serve() {
  std::array<epoll_event, 256> events;
  while (!stopping_) {
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < count; ++i) {
      const int ready = events[static_cast<size_t>(i)].data.fd;
      if (ready != listener_) answer(ready);
      else while (accept_one()) {}
    }
  }
}

bool HttpPeer::accept_one() {
  const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (connection < 0) return false;
  watch(epoll_, connection);
  return true;
}

void HttpPeer::answer(int connection) {
  std::array<char, 2048> request;
  const ssize_t bytes = ::read(connection, request.data(), request.size());
  if (bytes <= 0 || ::write(connection, kAnswer.data(), kAnswer.size()) < 0) {
    ::close(connection);
    return;
  }
  answered_.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace shunt::bench
