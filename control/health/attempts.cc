#include "control/health/attempts.h"

#include <utility>

#include "control/health/http_attempt.h"
#include "control/health/tcp_attempt.h"
#include "control/health/udp_attempt.h"

namespace shunt::control {
namespace {

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

}  // namespace

Attempts::Attempts(asio::io_context& loop, std::string programs) : loop_(loop), programs_(loop, std::move(programs)) {}

Begun Attempts::begin(const CheckKind& kind, const CheckedPlace& place, std::chrono::milliseconds timeout,
                      Attempt::Done done) {
  const auto begin = Overloaded{
      [&](const TcpCheck&) { return begin_tcp(loop_, place, std::move(done)); },
      [&](const HttpCheck& check) { return begin_http(curl(), place, exchange_of(check), std::move(done)); },
      [&](const UdpCheck& check) { return begin_exchange(loop_, place, exchange_of(check), std::move(done)); },
      [&](const DnsCheck& check) {
        return begin_exchange(loop_, place, exchange_of(check, static_cast<uint16_t>(random_())), std::move(done));
      },
      [&](const IcmpCheck&) { return icmp(place.address.family).begin(place.address, std::move(done)); },
      [&](const GrpcCheck& check) { return begin_http(curl(), place, exchange_of(check), std::move(done)); },
      [&](const ExecCheck& check) { return programs_.begin(check, place, timeout, std::move(done)); }};
  return std::visit(begin, kind);
}

CurlLoop& Attempts::curl() {
  if (!curl_) curl_ = std::make_unique<CurlLoop>(loop_);
  return *curl_;
}

IcmpSocket& Attempts::icmp(AddressFamily family) {
  std::unique_ptr<IcmpSocket>& socket = family == AddressFamily::kIpv4 ? icmp_ : icmp6_;
  if (!socket) socket = std::make_unique<IcmpSocket>(loop_, family);
  return *socket;
}

}  // namespace shunt::control
