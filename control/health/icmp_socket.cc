#include "control/health/icmp_socket.h"

#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <random>
#include <utility>

namespace shunt::control {
namespace {

constexpr int kTypes = SOCK_NONBLOCK | SOCK_CLOEXEC;
constexpr size_t kMaxWaiting = 32768;

// Of both families: type, code, checksum, identifier, sequence; then our cookie.
struct EchoMessage {
  uint8_t type = 0;
  uint8_t code = 0;
  uint16_t checksum = 0;
  uint16_t identifier = 0;
  uint16_t sequence = 0;
  std::array<uint8_t, 8> cookie{};
};
static_assert(sizeof(EchoMessage) == 16);

// RFC 1071.
uint16_t checksum_of(const EchoMessage& message) {
  std::array<uint16_t, sizeof message / 2> words;
  std::memcpy(words.data(), &message, sizeof message);
  uint32_t sum = 0;
  for (const uint16_t word : words) sum += word;
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

union Address {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

std::pair<Address, socklen_t> socket_address(const IpAddress& address) {
  Address result{};
  if (address.is_v4()) {
    result.v4.sin_family = AF_INET;
    std::memcpy(&result.v4.sin_addr, address.bytes.data(), 4);
    return {result, sizeof result.v4};
  }
  result.v6.sin6_family = AF_INET6;
  std::memcpy(&result.v6.sin6_addr, address.bytes.data(), 16);
  return {result, sizeof result.v6};
}

IpAddress ip_address(const Address& address) {
  if (address.any.sa_family == AF_INET) return IpAddress::from_v4(Be32{address.v4.sin_addr.s_addr});
  return IpAddress::from_v6(&address.v6.sin6_addr);
}

// Nothing but echo replies wakes us up.
void take_replies_alone(int socket, AddressFamily family) {
  if (family == AddressFamily::kIpv4) {
    icmp_filter filter{~(1u << ICMP_ECHOREPLY)};
    ::setsockopt(socket, SOL_RAW, ICMP_FILTER, &filter, sizeof filter);
  } else {
    icmp6_filter filter;
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
    ::setsockopt(socket, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
  }
}

}  // namespace

class IcmpSocket::Echo : public Attempt {
 public:
  Echo(IcmpSocket& socket, uint16_t sequence, const IpAddress& address, uint64_t cookie, Done done)
      : socket_(socket), life_of_socket_(socket.life_), sequence_(sequence), address_(address), cookie_(cookie),
        done_(std::move(done)) {
    socket_.waiting_.emplace(sequence_, this);
  }
  ~Echo() override {
    if (!life_of_socket_.expired()) socket_.waiting_.erase(sequence_);
  }
  bool is_answered_by(const IpAddress& from, uint64_t cookie) const {
    return from == address_ && cookie == cookie_;
  }
  void answered() {
    const Done done = std::move(done_);
    done({Outcome::Kind::kUp, "echoed"});
  }

 private:
  IcmpSocket& socket_;
  const std::weak_ptr<void> life_of_socket_;
  const uint16_t sequence_;
  const IpAddress address_;
  const uint64_t cookie_;
  Done done_;
};

IcmpSocket::IcmpSocket(asio::io_context& loop, AddressFamily family)
    : loop_(loop), family_(family), socket_(loop) {}

IcmpSocket::~IcmpSocket() = default;

int IcmpSocket::open() {
  if (socket_.is_open()) return 0;
  const bool is_v4 = family_ == AddressFamily::kIpv4;
  const int domain = is_v4 ? AF_INET : AF_INET6;
  const int protocol = is_v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
  int made = ::socket(domain, SOCK_RAW | kTypes, protocol);
  is_raw_ = made >= 0;
  if (!is_raw_ && (errno == EPERM || errno == EACCES)) made = ::socket(domain, SOCK_DGRAM | kTypes, protocol);
  if (made < 0) return errno;
  if (is_raw_) take_replies_alone(made, family_);
  identifier_ = static_cast<uint16_t>(std::random_device{}());
  socket_.assign(made);
  receive();
  return 0;
}

int IcmpSocket::send(const IpAddress& address, uint16_t sequence, uint64_t cookie) {
  EchoMessage message;
  message.type = address.is_v4() ? uint8_t{ICMP_ECHO} : uint8_t{ICMP6_ECHO_REQUEST};
  message.identifier = identifier_;
  message.sequence = sequence;
  std::memcpy(message.cookie.data(), &cookie, sizeof cookie);
  // Linux fills in ICMPv6's, which covers addresses.
  if (address.is_v4()) message.checksum = checksum_of(message);
  const auto [to, bytes] = socket_address(address);
  const ssize_t sent = ::sendto(socket_.native_handle(), &message, sizeof message, 0, &to.any, bytes);
  return sent < 0 ? errno : 0;
}

Begun IcmpSocket::begin(const IpAddress& address, Attempt::Done done) {
  if (const int error = open(); error != 0) {
    // Not a lack that passes: somebody has to give the capability.
    if (error != EPERM && error != EACCES) return {nullptr, outcome_of(error)};
    return {nullptr, {Outcome::Kind::kUnable, "no ICMP socket is allowed; give shuntd CAP_NET_RAW"}};
  }
  if (waiting_.size() >= kMaxWaiting) return {nullptr, outcome_of(ENOBUFS)};
  while (waiting_.contains(next_sequence_)) ++next_sequence_;
  const uint16_t sequence = next_sequence_++;
  static std::mt19937_64 random{std::random_device{}()};
  const uint64_t cookie = random();
  if (const int error = send(address, sequence, cookie); error != 0) return {nullptr, outcome_of(error)};
  return {std::make_unique<Echo>(*this, sequence, address, cookie, std::move(done)), {}};
}

void IcmpSocket::receive() {
  socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [this, life = std::weak_ptr(life_)](const asio::error_code& error) {
    if (life.expired() || error) return;
    std::array<char, 2048> packet;
    for (;;) {
      Address from{};
      socklen_t bytes = sizeof from;
      const ssize_t length = ::recvfrom(socket_.native_handle(), packet.data(), packet.size(), 0, &from.any, &bytes);
      if (length < 0) break;
      take({packet.data(), static_cast<size_t>(length)}, ip_address(from));
      if (life.expired()) return;
    }
    receive();
  });
}

void IcmpSocket::take(std::string_view packet, const IpAddress& from) {
  if (is_raw_ && from.is_v4()) {
    const size_t header = packet.empty() ? 0 : size_t{4} * (static_cast<uint8_t>(packet[0]) & 15);
    packet.remove_prefix(std::min(header, packet.size()));
  }
  EchoMessage message;
  if (packet.size() < sizeof message) return;
  std::memcpy(&message, packet.data(), sizeof message);
  const uint8_t reply = from.is_v4() ? uint8_t{ICMP_ECHOREPLY} : uint8_t{ICMP6_ECHO_REPLY};
  if (message.type != reply || (is_raw_ && message.identifier != identifier_)) return;
  uint64_t cookie = 0;
  std::memcpy(&cookie, message.cookie.data(), sizeof cookie);
  const auto echo = waiting_.find(message.sequence);
  if (echo != waiting_.end() && echo->second->is_answered_by(from, cookie)) echo->second->answered();
}

}  // namespace shunt::control
