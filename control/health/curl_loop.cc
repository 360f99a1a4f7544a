#include "control/health/curl_loop.h"

#include <sys/epoll.h>

#include <array>
#include <asio/post.hpp>
#include <chrono>
#include <mutex>
#include <utility>

namespace shunt::control {
namespace {

constexpr size_t kMaxIdle = 256;
constexpr int kEventsATime = 128;

void initialize_once() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

}  // namespace

CurlLoop::CurlLoop(asio::io_context& loop)
    : sockets_(loop, ::epoll_create1(EPOLL_CLOEXEC)), timer_(loop), multi_((initialize_once(), curl_multi_init())) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlLoop::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlLoop::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  // A check of a connection that was there before would prove little.
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, long{CURLPIPE_NOTHING});
  wait();
}

CurlLoop::~CurlLoop() {
  life_.reset();
  for (CURL* easy : idle_) curl_easy_cleanup(easy);
  curl_multi_cleanup(multi_);
}

CURL* CurlLoop::take() {
  if (idle_.empty()) return curl_easy_init();
  CURL* easy = idle_.back();
  idle_.pop_back();
  return easy;
}

bool CurlLoop::add(CURL* easy, Owner* owner) {
  curl_easy_setopt(easy, CURLOPT_PRIVATE, owner);
  return curl_multi_add_handle(multi_, easy) == CURLM_OK;
}

void CurlLoop::release(CURL* easy) {
  curl_multi_remove_handle(multi_, easy);
  if (idle_.size() >= kMaxIdle) return curl_easy_cleanup(easy);
  curl_easy_reset(easy);
  idle_.push_back(easy);
}

int CurlLoop::on_socket(CURL*, curl_socket_t socket, int what, void* self, void* known) {
  auto& loop = *static_cast<CurlLoop*>(self);
  const int epoll = loop.sockets_.native_handle();
  if (what == CURL_POLL_REMOVE) {
    // It may be closed by now, and is gone from the epoll with that.
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr);
    return 0;
  }
  epoll_event event{};
  if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
  if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
  event.data.fd = socket;
  // What fails here is a transfer that is late; an error returned would end all of them.
  ::epoll_ctl(epoll, known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event);
  if (known == nullptr) curl_multi_assign(loop.multi_, socket, self);
  return 0;
}

int CurlLoop::on_timer(CURLM*, long timeout_ms, void* self) {
  auto& loop = *static_cast<CurlLoop*>(self);
  loop.due_ = timeout_ms < 0 ? Clock::time_point::max() : Clock::now() + std::chrono::milliseconds(timeout_ms);
  if (timeout_ms != 0) {
    loop.arm();
  } else if (!std::exchange(loop.is_due_, true)) {
    // As for every new transfer: soon, and once for all of them.
    asio::post(loop.timer_.get_executor(), [&loop, life = std::weak_ptr(loop.life_)] {
      if (life.expired()) return;
      loop.is_due_ = false;
      loop.time_out();
    });
  }
  return 0;
}

void CurlLoop::arm() {
  if (due_ >= armed_for_) return;
  armed_for_ = due_;
  timer_.expires_at(due_);
  timer_.async_wait([this, life = std::weak_ptr(life_)](const asio::error_code& error) {
    if (error || life.expired()) return;
    armed_for_ = Clock::time_point::max();
    if (Clock::now() < due_) return arm();
    time_out();
  });
}

void CurlLoop::time_out() {
  int running = 0;
  curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
  tell_finished();
}

void CurlLoop::wait() {
  sockets_.async_wait(asio::posix::stream_descriptor::wait_read,
                      [this, life = std::weak_ptr(life_)](const asio::error_code& error) {
    if (error || life.expired()) return;
    take_events();
    if (!life.expired()) wait();
  });
}

void CurlLoop::take_events() {
  std::array<epoll_event, kEventsATime> events;
  const int count = ::epoll_wait(sockets_.native_handle(), events.data(), kEventsATime, 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    int action = 0;
    if ((event.events & EPOLLIN) != 0) action |= CURL_CSELECT_IN;
    if ((event.events & EPOLLOUT) != 0) action |= CURL_CSELECT_OUT;
    if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) action |= CURL_CSELECT_ERR;
    int running = 0;
    // One that has been closed since is unknown to curl, which is fine.
    curl_multi_socket_action(multi_, event.data.fd, action, &running);
  }
  tell_finished();
}

void CurlLoop::tell_finished() {
  const std::weak_ptr<void> life = life_;
  int left = 0;
  while (!life.expired()) {
    const CURLMsg* message = curl_multi_info_read(multi_, &left);
    if (message == nullptr) return;
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    Owner* owner = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
    owner->finished(code);
  }
}

}  // namespace shunt::control
