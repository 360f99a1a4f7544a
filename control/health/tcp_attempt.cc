#include "control/health/tcp_attempt.h"

#include <asio/ip/tcp.hpp>
#include <utility>

#include "control/health/sockets.h"

namespace shunt::control {
namespace {

using asio::ip::tcp;

class TcpAttempt : public Attempt {
 public:
  TcpAttempt(asio::io_context& loop, Done done) : socket_(loop), done_(std::move(done)) {}

  asio::error_code begin(const CheckedPlace& place) {
    const auto endpoint = endpoint_of<tcp::endpoint>(place);
    asio::error_code error;
    socket_.open(endpoint.protocol(), error);
    if (error) return error;
    if (const int number = bind_for(place, socket_.native_handle())) return {number, asio::error::get_system_category()};
    socket_.set_option(asio::socket_base::linger(true, 0), error);
    socket_.async_connect(endpoint, [this, life = life()](const asio::error_code& outcome) {
      if (!life.expired()) connected(outcome);
    });
    return {};
  }

 private:
  void connected(const asio::error_code& error) {
    asio::error_code ignored;
    socket_.close(ignored);
    const Done done = std::move(done_);
    done(error ? outcome_of(error) : Outcome{Outcome::Kind::kUp, "connected"});
  }

  tcp::socket socket_;
  Done done_;
};

}  // namespace

Begun begin_tcp(asio::io_context& loop, const CheckedPlace& place, Attempt::Done done) {
  auto attempt = std::make_unique<TcpAttempt>(loop, std::move(done));
  if (const auto error = attempt->begin(place)) return {nullptr, outcome_of(error)};
  return {std::move(attempt), {}};
}

}  // namespace shunt::control
