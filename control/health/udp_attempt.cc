#include "control/health/udp_attempt.h"

#include <array>
#include <asio/buffer.hpp>
#include <asio/ip/udp.hpp>
#include <utility>

#include "control/health/dns_message.h"
#include "control/health/sockets.h"
#include "control/health/words.h"

namespace shunt::control {
namespace {

using asio::ip::udp;

class UdpAttempt : public Attempt {
 public:
  UdpAttempt(asio::io_context& loop, Exchange exchange, Done done)
      : socket_(loop), exchange_(std::move(exchange)), done_(std::move(done)) {}

  asio::error_code begin(const CheckedPlace& place) {
    const auto endpoint = endpoint_of<udp::endpoint>(place);
    asio::error_code error;
    socket_.open(endpoint.protocol(), error);
    if (error) return error;
    if (const int number = bind_for(place, socket_.native_handle())) return {number, asio::error::get_system_category()};
    socket_.connect(endpoint, error);
    if (error) return error;
    socket_.send(asio::buffer(exchange_.request), 0, error);
    if (error) return error;
    receive();
    return {};
  }

  Outcome when_late() const override { return exchange_.silence; }

 private:
  void receive() {
    socket_.async_receive(asio::buffer(answer_),
                          [this, life = life()](const asio::error_code& error, size_t bytes) {
                            if (!life.expired()) received(error, bytes);
                          });
  }

  void received(const asio::error_code& error, size_t bytes) {
    std::optional<Outcome> outcome;
    if (error) outcome = outcome_of(error);
    else outcome = exchange_.judge({answer_.data(), bytes});
    if (!outcome) return receive();
    const Done done = std::move(done_);
    done(std::move(*outcome));
  }

  udp::socket socket_;
  const Exchange exchange_;
  Done done_;
  std::array<char, 4096> answer_;
};

}  // namespace

Begun begin_exchange(asio::io_context& loop, const CheckedPlace& place, Exchange exchange, Attempt::Done done) {
  auto attempt = std::make_unique<UdpAttempt>(loop, std::move(exchange), std::move(done));
  if (const auto error = attempt->begin(place)) return {nullptr, outcome_of(error)};
  return {std::move(attempt), {}};
}

Exchange exchange_of(const UdpCheck& check) {
  Exchange exchange;
  exchange.request = check.send;
  exchange.judge = [expect = check.expect](std::string_view answer) -> std::optional<Outcome> {
    if (answer.find(expect) != std::string_view::npos) return Outcome{Outcome::Kind::kUp, "answered"};
    return Outcome{Outcome::Kind::kDown, "answer " + quoted(answer) + ", wanted " + quoted(expect)};
  };
  if (check.needs_answer) {
    exchange.silence = {Outcome::Kind::kDown, "timed out"};
  } else {
    exchange.silence = {Outcome::Kind::kUp, "not refused"};
  }
  return exchange;
}

Exchange exchange_of(const DnsCheck& check, uint16_t id) {
  Exchange exchange;
  exchange.request = dns_query(check.name, check.type, id);
  exchange.judge = [wanted = check.code,
                    query = exchange.request](std::string_view answer) -> std::optional<Outcome> {
    const auto code = dns_code(query, answer);
    if (!code) return std::nullopt;
    if (*code == wanted) return Outcome{Outcome::Kind::kUp, dns_code_name(*code)};
    return Outcome{Outcome::Kind::kDown, dns_code_name(*code) + ", wanted " + dns_code_name(wanted)};
  };
  exchange.silence = {Outcome::Kind::kDown, "timed out"};
  return exchange;
}

}  // namespace shunt::control
