// ICMP and ICMPv6 echoes (RFC 792, RFC 4443 section 4). One socket of a family does them all: a raw one, and where those
// are not allowed a ping socket. On the loop's thread.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "control/health/attempt.h"

namespace shunt::control {

class IcmpSocket {
 public:
  IcmpSocket(asio::io_context& loop, AddressFamily family);
  ~IcmpSocket();

  Begun begin(const IpAddress& address, Attempt::Done done);

 private:
  class Echo;
  // An errno; 0: it is open.
  int open();
  int send(const IpAddress& address, uint16_t sequence, uint64_t cookie);
  void receive();
  void take(std::string_view packet, const IpAddress& from);

  asio::io_context& loop_;
  const AddressFamily family_;
  asio::posix::stream_descriptor socket_;
  // A ping socket's answers come without their IP header, and under an identifier of Linux's.
  bool is_raw_ = false;
  uint16_t identifier_ = 0;
  uint16_t next_sequence_ = 0;
  std::unordered_map<uint16_t, Echo*> waiting_;
  // For handlers that the loop may still hold.
  std::shared_ptr<void> life_ = std::make_shared<char>();
};

}  // namespace shunt::control
