#include "control/kernel/netlink.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace shunt::control {

void put_address(nl_msg* message, int attribute, const IpAddress& address) {
  nla_put(message, attribute, address.is_v4() ? 4 : 16, address.bytes.data());
}

int netlink_error(const nlmsghdr* message) noexcept {
  // Both carry a negative errno first. An end of dump without one (old kernels) is a success.
  if (message->nlmsg_len < NLMSG_LENGTH(sizeof(int))) return 0;
  int error = 0;
  std::memcpy(&error, NLMSG_DATA(const_cast<nlmsghdr*>(message)), sizeof error);
  return -error;
}

Result<NetlinkSocket> NetlinkSocket::open(const std::vector<int>& groups, int receive_bytes) {
  NetlinkSocket result(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  const auto failure = [](const char* step) {
    return Error{ErrorCode::kUnavailable,
                 std::string("routing socket: ") + step + ": " + std::strerror(errno) +
                     "; shuntd needs AF_NETLINK sockets, check its sandbox"};
  };
  if (result.fd_ < 0) return failure("socket");
  if (receive_bytes > 0) {
    // FORCE passes net.core.rmem_max and needs CAP_NET_ADMIN; without it the smaller buffer has to
    // do.
    if (::setsockopt(result.fd_, SOL_SOCKET, SO_RCVBUFFORCE, &receive_bytes, sizeof receive_bytes))
      ::setsockopt(result.fd_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  }
  sockaddr_nl local{};
  local.nl_family = AF_NETLINK;
  if (::bind(result.fd_, reinterpret_cast<sockaddr*>(&local), sizeof local)) return failure("bind");
  for (const int group : groups) {
    if (::setsockopt(result.fd_, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group))
      return failure("join group");
  }
  return result;
}

NetlinkSocket::NetlinkSocket(NetlinkSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), sequence_(other.sequence_) {}

NetlinkSocket& NetlinkSocket::operator=(NetlinkSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(sequence_, other.sequence_);
  return *this;
}

NetlinkSocket::~NetlinkSocket() {
  if (fd_ >= 0) ::close(fd_);
}

int NetlinkSocket::release() noexcept { return std::exchange(fd_, -1); }

int NetlinkSocket::send(nl_msg* message) noexcept {
  nlmsghdr* header = nlmsg_hdr(message);
  header->nlmsg_seq = ++sequence_;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const ssize_t sent = ::sendto(fd_, header, header->nlmsg_len, 0,
                                reinterpret_cast<sockaddr*>(&kernel), sizeof kernel);
  return sent < 0 ? errno : 0;
}

int NetlinkSocket::request(nl_msg* message) {
  nlmsg_hdr(message)->nlmsg_flags |= NLM_F_ACK;
  return dump(message, [](nlmsghdr*) {});
}

int NetlinkSocket::dump(nl_msg* message, const std::function<void(nlmsghdr*)>& each) {
  if (const int error = send(message)) return error;
  std::vector<char> buffer(kBufferBytes);
  bool ended = false;
  int error = 0;
  while (!ended) {
    // A routing request is answered within the system call that sends it; the wait is for dumps'
    // further parts.
    pollfd readable{fd_, POLLIN, 0};
    if (::poll(&readable, 1, 5000) == 0) return ETIMEDOUT;
    const Received received = receive(fd_, buffer, [&](nlmsghdr* part) {
      if (part->nlmsg_seq != sequence_) return;
      if (part->nlmsg_flags & NLM_F_DUMP_INTR) error = EINTR;
      if (part->nlmsg_type == NLMSG_ERROR || part->nlmsg_type == NLMSG_DONE) {
        if (const int reported = netlink_error(part)) error = reported;
        ended = true;
      } else {
        each(part);
      }
    });
    if (received == Received::kOverflow) return ENOBUFS;
    if (received == Received::kFailed && errno != EINTR) return errno;
  }
  return error;
}

NetlinkSocket::Received NetlinkSocket::receive(int fd, std::vector<char>& buffer,
                                               const std::function<void(nlmsghdr*)>& each) {
  sockaddr_nl sender{};
  socklen_t sender_bytes = sizeof sender;
  const ssize_t bytes = ::recvfrom(fd, buffer.data(), buffer.size(), MSG_DONTWAIT,
                                   reinterpret_cast<sockaddr*>(&sender), &sender_bytes);
  if (bytes < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Received::kNothing;
    return errno == ENOBUFS ? Received::kOverflow : Received::kFailed;
  }
  // Other processes may write to this socket; only the kernel (port 0) is believed.
  if (sender.nl_pid != 0) return Received::kSome;
  int left = static_cast<int>(bytes);
  for (auto* part = reinterpret_cast<nlmsghdr*>(buffer.data()); nlmsg_ok(part, left);
       part = nlmsg_next(part, &left))
    each(part);
  return Received::kSome;
}

}  // namespace shunt::control
