#include "control/kernel/mirror.h"

#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "control/kernel/kernel_messages.h"
#include "control/kernel/mirror_picture.h"
#include "control/kernel/netlink.h"

namespace shunt::control {
namespace {

using Clock = std::chrono::steady_clock;
using Received = NetlinkSocket::Received;

// Messages taken from the kernel in a row before the loop serves others.
constexpr int kReceiveBurst = 32;
// After a reading as long as this many times its own work passes before the next.
constexpr int kReadingPause = 9;
constexpr std::chrono::seconds kRetryPause{1};
// A reading that the kernel marks as torn by a change is thrown away, unless so many were in a row:
// then a torn one is better than an old one.
constexpr int kTornReadings = 5;

// What a full reading asks for, in order: everything else refers to links. IPv4 and IPv6 routes
// apart, because a kernel without IPv6 would answer the question for IPv6 with all families.
constexpr int kReadingSteps = 5;
NetlinkMessage reading_request(int step) {
  rtmsg route{};
  switch (step) {
    case 0:
      return make_request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{});
    case 1:
      return make_request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{});
    case 2:
      return make_request(RTM_GETNEIGH, NLM_F_DUMP, ndmsg{});
    case 3:
      route.rtm_family = AF_INET;
      break;
    case 4:
      route.rtm_family = AF_INET6;
      break;
  }
  return make_request(RTM_GETROUTE, NLM_F_DUMP, route);
}

bool belongs_to_step(const nlmsghdr* message, int step) {
  if (message->nlmsg_type != RTM_NEWROUTE) return true;
  const auto* route = static_cast<const rtmsg*>(nlmsg_data(message));
  return route->rtm_family == (step == 3 ? AF_INET : AF_INET6);
}

}  // namespace

struct Mirror::State : std::enable_shared_from_this<State> {
  State(asio::io_context& loop, std::vector<PortInterface> interfaces, OnChange changed,
        MirrorOptions chosen, NetlinkSocket events, NetlinkSocket reading)
      : options(chosen),
        on_change(std::move(changed)),
        event_socket(loop, events.release()),
        reading_socket(std::move(reading)),
        reading_ready(loop, ::dup(reading_socket.fd())),
        tell_timer(loop),
        reading_timer(loop),
        current(interfaces),
        fresh(std::move(interfaces)) {}

  void wait_for_events();
  void take_events();
  void take_event(nlmsghdr* message);
  void tell_soon();
  void tell();

  void read_again();
  void start_reading();
  void next_step();
  void wait_for_reading();
  void take_reading();
  void take_reading_part(nlmsghdr* message);
  void end_reading();
  void abandon_reading(int error);

  MirrorOptions options;
  OnChange on_change;
  asio::posix::stream_descriptor event_socket;
  NetlinkSocket reading_socket;
  // The reading socket as the loop sees it.
  asio::posix::stream_descriptor reading_ready;
  asio::steady_timer tell_timer, reading_timer;
  std::vector<char> buffer = std::vector<char>(NetlinkSocket::kBufferBytes);
  bool stopped = false;

  // What the last view was made from, and what the present reading has found so far.
  MirrorPicture current, fresh;
  std::optional<KernelView> told;
  bool telling = false;

  // A further reading is due: after the present one, or when the timer says so.
  bool reading_due = false;
  bool reading_scheduled = false;
  std::optional<int> step;
  uint32_t step_sequence = 0;
  bool torn = false;
  int torn_in_a_row = 0;
  // Time that the present reading has taken in its parts before this one.
  Clock::duration reading_work{};
  Clock::time_point part_began, not_before;
  // Neighbours' changes since the reading began: it may have been made before or after each of
  // them.
  std::vector<std::pair<NeighbourMessage, bool>> replay;
};

Result<std::unique_ptr<Mirror>> Mirror::start(asio::io_context& loop,
                                              std::vector<PortInterface> interfaces,
                                              OnChange on_change, MirrorOptions options) {
  auto events =
      NetlinkSocket::open({RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                           RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEIGH, RTNLGRP_NEXTHOP},
                          options.receive_bytes);
  if (!events) return events.error();
  auto reading = NetlinkSocket::open();
  if (!reading) return reading.error();
  auto state = std::make_shared<State>(loop, std::move(interfaces), std::move(on_change), options,
                                       std::move(*events), std::move(*reading));
  state->wait_for_events();
  state->wait_for_reading();
  state->read_again();
  return std::unique_ptr<Mirror>(new Mirror(std::move(state)));
}

Mirror::Mirror(std::shared_ptr<State> state) : state_(std::move(state)) {}

Mirror::~Mirror() {
  // The state itself lives on until the loop has dropped its cancelled handlers.
  state_->stopped = true;
  asio::error_code ignored;
  state_->event_socket.close(ignored);
  state_->reading_ready.close(ignored);
  state_->tell_timer.cancel();
  state_->reading_timer.cancel();
}

void Mirror::State::wait_for_events() {
  event_socket.async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](asio::error_code error) {
                            if (error || self->stopped) return;
                            self->take_events();
                            self->wait_for_events();
                          });
}

void Mirror::State::take_events() {
  for (int i = 0; i < kReceiveBurst; ++i) {
    const Received received = NetlinkSocket::receive(
        event_socket.native_handle(), buffer, [&](nlmsghdr* message) { take_event(message); });
    if (received == Received::kNothing) return;
    if (received == Received::kFailed)
      spdlog::warn("kernel mirror: routing socket: {}; reading everything anew",
                   std::strerror(errno));
    if (received == Received::kOverflow)
      spdlog::info("kernel mirror: more changes than fit the queue; reading everything anew");
    if (received != Received::kSome) return read_again();
  }
}

void Mirror::State::take_event(nlmsghdr* message) {
  if (message->nlmsg_type == RTM_NEWNEIGH || message->nlmsg_type == RTM_DELNEIGH) {
    const auto neighbour = parse_neighbour(message);
    if (!neighbour) return;
    const bool deleted = message->nlmsg_type == RTM_DELNEIGH;
    if (step) replay.emplace_back(*neighbour, deleted);
    if (current.apply_neighbour(*neighbour, deleted)) tell_soon();
    return;
  }
  // While a reading is on its way, `current` is what it no longer will be.
  const bool doubtful = step.has_value();
  if (current.is_outdated_by(message, doubtful) ||
      (doubtful && fresh.is_outdated_by(message, true)))
    read_again();
}

void Mirror::State::tell_soon() {
  if (std::exchange(telling, true)) return;
  tell_timer.expires_after(options.coalesce);
  tell_timer.async_wait([self = shared_from_this()](asio::error_code error) {
    if (error || self->stopped) return;
    self->telling = false;
    self->tell();
  });
}

void Mirror::State::tell() {
  KernelView view = current.view();
  if (told && *told == view) return;
  told = std::move(view);
  on_change(*told);
}

void Mirror::State::read_again() {
  reading_due = true;
  if (step || std::exchange(reading_scheduled, true)) return;
  reading_timer.expires_at(std::max(Clock::now() + options.coalesce, not_before));
  reading_timer.async_wait([self = shared_from_this()](asio::error_code error) {
    if (error || self->stopped) return;
    self->reading_scheduled = false;
    self->start_reading();
  });
}

void Mirror::State::start_reading() {
  reading_due = false;
  reading_work = {};
  fresh.clear();
  torn = false;
  step = -1;
  next_step();
}

void Mirror::State::next_step() {
  if (++*step == kReadingSteps) return end_reading();
  const NetlinkMessage request = reading_request(*step);
  if (const int error = reading_socket.send(request.get())) return abandon_reading(error);
  step_sequence = nlmsg_hdr(request.get())->nlmsg_seq;
}

void Mirror::State::wait_for_reading() {
  reading_ready.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](asio::error_code error) {
                             if (error || self->stopped) return;
                             self->take_reading();
                             self->wait_for_reading();
                           });
}

void Mirror::State::take_reading() {
  part_began = Clock::now();
  const Received received = NetlinkSocket::receive(
      reading_socket.fd(), buffer, [&](nlmsghdr* message) { take_reading_part(message); });
  if (received == Received::kOverflow || received == Received::kFailed) abandon_reading(errno);
  reading_work += Clock::now() - part_began;
}

void Mirror::State::take_reading_part(nlmsghdr* message) {
  // Remains of an abandoned reading.
  if (!step || message->nlmsg_seq != step_sequence) return;
  if (message->nlmsg_flags & NLM_F_DUMP_INTR) torn = true;
  if (message->nlmsg_type != NLMSG_DONE && message->nlmsg_type != NLMSG_ERROR) {
    if (belongs_to_step(message, *step)) fresh.add(message);
    return;
  }
  const int error = netlink_error(message);
  // A kernel without IPv6 has none of its routes.
  const bool lacks_family = error == EAFNOSUPPORT || error == EOPNOTSUPP || error == ENOENT;
  if (error != 0 && !lacks_family) return abandon_reading(error);
  next_step();
}

void Mirror::State::end_reading() {
  step.reset();
  not_before = Clock::now() + kReadingPause * (reading_work + (Clock::now() - part_began));
  torn_in_a_row = torn ? torn_in_a_row + 1 : 0;
  reading_due |= torn;
  if (!torn || torn_in_a_row >= kTornReadings) {
    for (const auto& [neighbour, deleted] : replay) fresh.apply_neighbour(neighbour, deleted);
    std::swap(current, fresh);
    tell();
  }
  replay.clear();
  if (reading_due) read_again();
}

void Mirror::State::abandon_reading(int error) {
  spdlog::warn("kernel mirror: reading links, addresses and routes: {}; trying again in a second",
               std::strerror(error));
  step.reset();
  replay.clear();
  not_before = Clock::now() + kRetryPause;
  read_again();
}

}  // namespace shunt::control
