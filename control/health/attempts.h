// Begins checks of any kind, and has what checks of a kind share. On the loop's thread.
#pragma once

#include <asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <random>
#include <string>

#include "control/health/attempt.h"
#include "control/health/curl_loop.h"
#include "control/health/exec_attempt.h"
#include "control/health/icmp_socket.h"

namespace shunt::control {

class Attempts {
 public:
  // `programs` is the folder of check programs.
  Attempts(asio::io_context& loop, std::string programs);

  // Attempts must not outlive this.
  Begun begin(const CheckKind& kind, const CheckedPlace& place, std::chrono::milliseconds timeout,
              Attempt::Done done);

 private:
  CurlLoop& curl();
  IcmpSocket& icmp(AddressFamily family);

  asio::io_context& loop_;
  Programs programs_;
  // Made by the first check that needs them.
  std::unique_ptr<CurlLoop> curl_;
  std::unique_ptr<IcmpSocket> icmp_;
  std::unique_ptr<IcmpSocket> icmp6_;
  std::mt19937 random_{std::random_device{}()};
};

}  // namespace shunt::control
