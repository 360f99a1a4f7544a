// A conversation with the kernel's routing socket (rtnetlink): messages are made and read with
// libnl, sent and received by plain system calls, so that errors stay errno values and a socket can
// live on an event loop. A socket belongs to the network namespace of the thread that opened it.
// One thread at a time.
#pragma once

#include <linux/netlink.h>
#include <netlink/msg.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/base/address.h"
#include "src/base/result.h"

namespace shunt::control {

struct FreeNetlinkMessage {
  void operator()(nl_msg* message) const noexcept { nlmsg_free(message); }
};
using NetlinkMessage = std::unique_ptr<nl_msg, FreeNetlinkMessage>;

// A request whose family header is `header` (ifinfomsg, rtmsg, ...). NLM_F_REQUEST is implied.
template <typename Header>
NetlinkMessage make_request(int type, int flags, const Header& header) {
  NetlinkMessage message(nlmsg_alloc_simple(type, NLM_F_REQUEST | flags));
  nlmsg_append(message.get(), const_cast<Header*>(&header), sizeof header, NLMSG_ALIGNTO);
  return message;
}
void put_address(nl_msg* message, int attribute, const IpAddress& address);

class NetlinkSocket {
 public:
  // `groups` are RTNLGRP_ values to hear of; `receive_bytes` 0 leaves the kernel's default buffer.
  // kUnavailable when the kernel refuses.
  static Result<NetlinkSocket> open(const std::vector<int>& groups = {}, int receive_bytes = 0);
  NetlinkSocket(NetlinkSocket&& other) noexcept;
  NetlinkSocket& operator=(NetlinkSocket&& other) noexcept;
  ~NetlinkSocket();

  int fd() const noexcept { return fd_; }
  // Gives the descriptor away; the socket is closed by whoever takes it.
  int release() noexcept;

  // Sends without waiting for an answer. Returns 0 or an errno value.
  int send(nl_msg* message) noexcept;
  // Sends and waits for the kernel's answer. Returns 0 or an errno value.
  int request(nl_msg* message);
  // Sends a dump request and hands every object to `each`. Returns 0 or an errno value; EINTR: the
  // objects changed meanwhile and some may be missing.
  int dump(nl_msg* message, const std::function<void(nlmsghdr*)>& each);

  enum class Received { kSome, kNothing, kOverflow, kFailed };
  // Receives one datagram without waiting and hands its messages to `each`. kNothing: none is
  // there. kOverflow: messages were lost. kFailed: errno says why.
  static Received receive(int fd, std::vector<char>& buffer,
                          const std::function<void(nlmsghdr*)>& each);
  // Fits every message that the kernel sends.
  static constexpr size_t kBufferBytes = 65536;

 private:
  explicit NetlinkSocket(int fd) noexcept : fd_(fd) {}
  int fd_ = -1;
  uint32_t sequence_ = 0;
};

// 0 or the errno value in an NLMSG_ERROR or NLMSG_DONE message.
int netlink_error(const nlmsghdr* message) noexcept;

}  // namespace shunt::control
