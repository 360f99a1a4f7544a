#include "dataplane/client_address/toa.h"

#include "dataplane/client_address/address_option.h"
#include "dataplane/client_address/grow.h"
#include "dataplane/client_address/opening.h"
#include "dataplane/fragments.h"
#include "dataplane/header_options.h"
#include "dataplane/segment_size.h"

namespace shunt::dataplane {
namespace {

// Puts the option behind the header's fixed part, in front of the client's own. False, and nothing changed: a TCP header
// has no room for it, or the buffer has not.
template <typename Ip>
bool put_option(Packet& packet, uint8_t kind, const typename Ip::Key& request) noexcept {
  using Option = AddressOption<typename Ip::Key>;
  if (packet.tcp->header_bytes() + sizeof(Option) > kMostHeaderBytes) return false;
  uint8_t* room = make_room<Ip>(packet, packet.l4 + sizeof(TcpHeader), sizeof(Option));
  if (room == nullptr) return false;
  const Option option = Option::of(kind, request);
  std::memcpy(room, static_cast<const void*>(&option), sizeof option);
  // The header is that many words longer; so is what the pseudo-header tells (RFC 9293 section 3.1).
  constexpr uint32_t kWords = sizeof(Option) / 4;
  packet.tcp->data_offset = static_cast<uint8_t>(packet.tcp->data_offset + (kWords << 4));
  const uint64_t added = uint64_t{Be16::from_host(kWords << 12).raw} + Be16::from_host(sizeof(Option)).raw;
  packet.tcp->checksum = updated(packet.tcp->checksum, fold(sum_of(room, sizeof(Option), added)));
  return true;
}

// What the client's end may send in one segment, so that it still fits with the option.
template <typename Ip>
void leave_room(const RealEntry& real, const Packet& packet) noexcept {
  constexpr uint16_t kHeaders = sizeof(typename Ip::Header) + sizeof(TcpHeader);
  const auto most = static_cast<uint16_t>(real.way_out.mtu > kHeaders ? real.way_out.mtu - kHeaders : UINT16_MAX);
  lower_segment_size(packet.tcp, most, address_option_bytes(Ip::kFamily));
}

}  // namespace

// From the handshake's end on, until the real is known to have heard of it: a segment that was lost comes again. Not in
// the SYN, as LVS of old did: nobody reads it there, and clients fill that header. What the client itself wrote in such
// options is not the truth, and believed where ours found no room.
template <typename Ip>
void tell_by_toa(Worker& worker, const typename Ip::Entry& connection, Packet& packet) noexcept {
  blank_tcp_options(packet.tcp, [&](const HeaderOption& option, const uint8_t*) { return option.kind == connection.carried; });
  if ((packet.tcp_flags & (kTcpSyn | kTcpRst | kTcpAck)) != kTcpAck) return;
  const bool is_whole = part_of(Ip::header_of(packet)) == Part::kWhole;
  if (!is_whole || !put_option<Ip>(packet, connection.carried, connection.request)) worker.counters.uncarried.add(1);
}

// The real has seen the handshake's end when it says anything but what it said in answer to the SYN.
template <typename Ip>
void hear_of_toa(const RealEntry& real, typename Ip::Entry& connection, const Packet& packet) noexcept {
  const uint32_t acknowledged = packet.tcp->acknowledgement.host();
  const uint8_t flags = packet.tcp_flags;
  if ((flags & (kTcpSyn | kTcpAck)) == (kTcpSyn | kTcpAck)) {
    note_in(connection, acknowledged);
    set_step(connection, Step::kAnswered);
    return leave_room<Ip>(real, packet);
  }
  if ((flags & (kTcpSyn | kTcpRst | kTcpAck)) != kTcpAck || step_of(connection) == Step::kAsked) return;
  if (acknowledged == noted_in(connection) && (flags & kTcpFin) == 0 && payload_bytes<Ip>(packet) == 0) return;
  end_opening(connection);
  connection.carried = 0;
}

template void tell_by_toa<Ipv4>(Worker&, const Connection&, Packet&) noexcept;
template void tell_by_toa<Ipv6>(Worker&, const Connection6&, Packet&) noexcept;
template void hear_of_toa<Ipv4>(const RealEntry&, Connection&, const Packet&) noexcept;
template void hear_of_toa<Ipv6>(const RealEntry&, Connection6&, const Packet&) noexcept;

}  // namespace shunt::dataplane
