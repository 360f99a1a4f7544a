#include "dataplane/ftp/announce.h"

#include <algorithm>
#include <utility>

#include "dataplane/steering.h"

namespace shunt::dataplane {
namespace {

// Ports looked at for one announcement.
constexpr uint32_t kTries = 16;
// Between these; a prime, so that tries spread.
constexpr uint32_t kStep = 4099;

bool is_unprivileged(Be16 port) noexcept { return port.host() >= kFirstLocalPort; }

Be16 local_port_at(uint32_t turn) noexcept {
  return Be16::from_host(static_cast<uint16_t>(kFirstLocalPort + turn % kLocalPorts));
}

uint32_t copy(std::span<const uint8_t> from, uint8_t* to) noexcept {
  std::copy(from.begin(), from.end(), to);
  return static_cast<uint32_t>(from.size());
}

// The argument with another endpoint in it.
uint32_t put_in(FtpLine line, std::span<const uint8_t> argument, const FtpArgument& found, const FtpEndpoint& endpoint,
                uint8_t* text) noexcept {
  uint32_t bytes = copy(argument.first(found.begin), text);
  bytes += write_endpoint(line, found.delimiter, endpoint, text + bytes);
  return bytes + copy(argument.subspan(found.end), text + bytes);
}

// What all of a control connection's have in common.
template <typename Entry>
Expectation expectation_of(const Snapshot& snapshot, const Entry& connection) noexcept {
  const IpFlow request = IpFlow::from(connection.request);
  Expectation expected;
  expected.client = request.source;
  expected.vip = request.destination;
  expected.local = IpFlow::from(connection.reply).destination;
  expected.control_port = request.destination_port;
  expected.real = connection.real;
  expected.service = snapshot.reals[connection.real.index].service;
  return expected;
}

bool expect(Worker& worker, const Snapshot& snapshot, FtpControl& control, const Expectation& expected) noexcept {
  const uint16_t timeouts = snapshot.reals[expected.real.index].timeouts;
  const Tick timeout = snapshot.timeouts[timeouts][static_cast<size_t>(ConnectionState::kListen)];
  const auto id = worker.ftp.expectations->put(expected, worker.now, timeout);
  if (!id) return false;
  control.expected = *id;
  worker.counters.ftp_expected.add(1);
  return true;
}

// Under fullnat: the local port that the real is told; 0: none.
bool choose_told_port(Worker& worker, const Snapshot& snapshot, FtpControl& control, Expectation& expected) noexcept {
  for (uint32_t i = 0; i < kTries; ++i) {
    // Workers begin at one place and take turns, so that none tells a real the port that another told it shortly before: a
    // server that ended that connection cannot make one more like it while it lies in TIME_WAIT.
    const uint32_t turn = worker.ftp.next_port++ * worker.count + worker.index;
    expected.port = local_port_at(turn);
    if (expect(worker, snapshot, control, expected)) return true;
  }
  return false;
}

// Under both: the VIP's port that the client is told.
bool choose_vip_port(Worker& worker, const Snapshot& snapshot, FtpControl& control, Expectation& expected) noexcept {
  for (uint32_t i = 0; i < kTries; ++i) {
    expected.port = local_port_at(expected.real_port.host() - kFirstLocalPort + i * kStep);
    const ServiceEntry* other = snapshot.find_service(kIpProtocolTcp, expected.vip, expected.port);
    if (other != nullptr && other->id != expected.service) continue;
    if (expect(worker, snapshot, control, expected)) return true;
  }
  return false;
}

template <typename Entry>
uint32_t announce_active(Worker& worker, const Snapshot& snapshot, const Entry& connection, FtpControl& control,
                         FtpLine line, std::span<const uint8_t> argument, uint8_t* text) noexcept {
  Expectation expected = expectation_of(snapshot, connection);
  const auto found = find_endpoint(line, argument);
  const bool is_own = found && found->endpoint.address == expected.client && is_unprivileged(found->endpoint.port);
  const bool is_nat = connection.method == Method::kNat;
  bool is_expected = false;
  if (is_own) {
    expected.from = IpFlow::from(connection.reply).source;
    expected.to = is_nat ? expected.client : expected.local;
    expected.real_port = connection.reply.source_port;
    expected.client_port = expected.port = found->endpoint.port;
    is_expected = is_nat ? expect(worker, snapshot, control, expected) : choose_told_port(worker, snapshot, control, expected);
  }
  if (is_expected) {
    return is_nat ? copy(argument, text) : put_in(line, argument, *found, {expected.local, expected.port}, text);
  }
  (is_own ? worker.counters.ftp_unexpected : worker.counters.ftp_refused).add(1);
  const uint32_t bytes = copy(argument, text);
  disarm({text, bytes});
  return bytes;
}

template <typename Entry>
uint32_t announce_passive(Worker& worker, const Snapshot& snapshot, const Entry& connection, FtpControl& control,
                          FtpLine line, std::span<const uint8_t> argument, uint8_t* text) noexcept {
  const auto found = find_endpoint(line, argument);
  Expectation expected = expectation_of(snapshot, connection);
  // There is no way to say an IPv6 address in a 227.
  const bool is_sayable = found && (line == FtpLine::kExtendedPassive || expected.vip.is_v4());
  if (!is_sayable || !is_unprivileged(found->endpoint.port)) {
    (is_sayable ? worker.counters.ftp_refused : worker.counters.ftp_unexpected).add(1);
    return copy(argument, text);
  }
  expected.is_passive = true;
  expected.from = expected.client;
  expected.to = expected.vip;
  expected.real_port = found->endpoint.port;
  if (choose_vip_port(worker, snapshot, control, expected)) {
    return put_in(line, argument, *found, {expected.vip, expected.port}, text);
  }
  worker.counters.ftp_unexpected.add(1);
  return copy(argument, text);
}

}  // namespace

template <typename Entry>
uint32_t announce(Worker& worker, const Snapshot& snapshot, const Entry& connection, FtpControl& control, FtpLine line,
                  std::span<const uint8_t> argument, uint8_t* text) noexcept {
  const bool is_passive = line == FtpLine::kPassive || line == FtpLine::kExtendedPassive;
  // Text of others, as of a directory's message, may look like an answer.
  if (is_passive && !std::exchange(control.asked_passive, false)) return copy(argument, text);
  worker.ftp.expectations->take(std::exchange(control.expected, {}));
  return is_passive ? announce_passive(worker, snapshot, connection, control, line, argument, text)
                    : announce_active(worker, snapshot, connection, control, line, argument, text);
}

template uint32_t announce(Worker&, const Snapshot&, const Connection&, FtpControl&, FtpLine, std::span<const uint8_t>,
                           uint8_t*) noexcept;
template uint32_t announce(Worker&, const Snapshot&, const Connection6&, FtpControl&, FtpLine, std::span<const uint8_t>,
                           uint8_t*) noexcept;

}  // namespace shunt::dataplane
