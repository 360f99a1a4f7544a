#include "control/health/sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <asio/ip/udp.hpp>
#include <cerrno>

namespace shunt::control {
namespace {

// Nothing is sent: connecting a UDP socket asks Linux's routes alone. The port does not matter.
constexpr uint16_t kAnyPort = 9;

int own_address_toward(const IpAddress& real, sockaddr_storage& own, socklen_t& bytes) noexcept {
  const asio::ip::udp::endpoint there(asio_address(real), kAnyPort);
  const int made = ::socket(there.protocol().family(), SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (made < 0) return errno;
  bytes = sizeof own;
  const bool known = ::connect(made, there.data(), static_cast<socklen_t>(there.size())) == 0 &&
                     ::getsockname(made, reinterpret_cast<sockaddr*>(&own), &bytes) == 0;
  const int error = known ? 0 : errno;
  ::close(made);
  return error;
}

}  // namespace

int bind_for(const CheckedPlace& place, int socket) noexcept {
  if (!place.detour) return 0;
  sockaddr_storage own{};
  socklen_t bytes = 0;
  if (const int error = own_address_toward(place.detour->real, own, bytes)) return error;
  // The port is chosen when it is known what for.
  if (own.ss_family == AF_INET) reinterpret_cast<sockaddr_in&>(own).sin_port = 0;
  else reinterpret_cast<sockaddr_in6&>(own).sin6_port = 0;
  const int yes = 1;
  ::setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
  return ::bind(socket, reinterpret_cast<const sockaddr*>(&own), bytes) == 0 ? 0 : errno;
}

}  // namespace shunt::control
