// libcurl on our loop: its multi interface does the transfers, an epoll of our own holds its sockets, and the loop waits
// for the one descriptor of that. On the loop's thread.
#pragma once

#include <curl/curl.h>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <vector>

#include "control/health/trusted.h"

namespace shunt::control {

class CurlLoop {
 public:
  // Told of its transfer's end, from the loop.
  class Owner {
   public:
    virtual void finished(CURLcode code) = 0;

   protected:
    ~Owner() = default;
  };

  explicit CurlLoop(asio::io_context& loop);
  ~CurlLoop();
  CurlLoop(const CurlLoop&) = delete;
  CurlLoop& operator=(const CurlLoop&) = delete;

  // An easy handle with nothing set; nullptr: no memory. Goes back by release().
  CURL* take();
  // Begins its transfer. False: curl refuses. CURLOPT_PRIVATE is used here.
  bool add(CURL* easy, Owner* owner);
  // Ends its transfer, if it has one. Not from within curl's callbacks.
  void release(CURL* easy);

  Trusted& trusted() noexcept { return trusted_; }

 private:
  using Clock = std::chrono::steady_clock;

  // `known`: not nullptr for one that the epoll has.
  static int on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void* known);
  static int on_timer(CURLM* multi, long timeout_ms, void* self);
  // Sets the timer anew only where it would come too late: curl moves its time with every transfer, mostly further away.
  void arm();
  void time_out();
  void wait();
  void take_events();
  void tell_finished();

  asio::posix::stream_descriptor sockets_;
  asio::steady_timer timer_;
  CURLM* multi_;
  // When curl wants to be called, and what the timer is set to.
  Clock::time_point due_ = Clock::time_point::max();
  Clock::time_point armed_for_ = Clock::time_point::max();
  // It wants to be at once, and will be.
  bool is_due_ = false;
  std::vector<CURL*> idle_;
  Trusted trusted_;
  // For handlers that the loop may still hold.
  std::shared_ptr<void> life_ = std::make_shared<char>();
};

}  // namespace shunt::control
