// Where FTP's lines say that a data connection is to go: the arguments of PORT (RFC 959 section 5.3.2), EPRT (RFC 2428
// section 2), and of the answers 227 (RFC 959 section 4.1.2, RFC 1123 section 4.1.2.6) and 229 (RFC 2428 section 3). Values
// and pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "src/base/address.h"

namespace shunt::dataplane {

enum class FtpLine : uint8_t { kPort, kEprt, kPassive, kExtendedPassive };

struct FtpEndpoint {
  IpAddress address;  // not of kExtendedPassive, whose host is the one that says it
  Be16 port;
};

// An endpoint and the bytes of the argument that say it.
struct FtpArgument {
  FtpEndpoint endpoint;
  uint32_t begin;
  uint32_t end;
  char delimiter = ',';
};
// The longest text of write_endpoint().
inline constexpr uint32_t kMostEndpointBytes = 56;

// `text`: what follows the command or the code and its blank, the line's end included. nullopt: it says no endpoint, or says
// it in a way that two readers may read differently.
std::optional<FtpArgument> find_endpoint(FtpLine line, std::span<const uint8_t> text) noexcept;

// How many bytes of `to`, which has room for kMostEndpointBytes, say the endpoint as that line does.
uint32_t write_endpoint(FtpLine line, char delimiter, const FtpEndpoint& endpoint, uint8_t* to) noexcept;

// A line by which nobody connects to anybody: its digits, all ports' and most of addresses', become zeros. It has as many
// bytes as before, and the server says what is wrong with it.
void disarm(std::span<uint8_t> text) noexcept;

}  // namespace shunt::dataplane
