// A TCP connect. The connection is reset at once, so that neither side keeps anything of it.
#pragma once

#include <asio/io_context.hpp>

#include "control/health/attempt.h"

namespace shunt::control {

Begun begin_tcp(asio::io_context& loop, const CheckedPlace& place, Attempt::Done done);

}  // namespace shunt::control
