// A datagram, and the wait for its answer. A connected socket: an ICMP error that the datagram brings is an outcome.
#pragma once

#include <asio/io_context.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "control/health/attempt.h"

namespace shunt::control {

struct Exchange {
  std::string request;
  // nullopt: not the answer to this request; the wait goes on.
  std::function<std::optional<Outcome>(std::string_view answer)> judge;
  // When no answer came in time.
  Outcome silence;
};

Begun begin_exchange(asio::io_context& loop, const CheckedPlace& place, Exchange exchange, Attempt::Done done);

Exchange exchange_of(const UdpCheck& check);
// `id` is the query's.
Exchange exchange_of(const DnsCheck& check, uint16_t id);

}  // namespace shunt::control
