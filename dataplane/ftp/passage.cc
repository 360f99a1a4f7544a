#include "dataplane/ftp/passage.h"

#include <algorithm>

#include "dataplane/client_address/opening.h"
#include "dataplane/fragments.h"
#include "dataplane/ftp/announce.h"
#include "dataplane/segment.h"
#include "dataplane/settle.h"

namespace shunt::dataplane {
namespace {

constexpr uint8_t kAnswerHops = 64;
constexpr uint8_t kTcpTimestamps = 8;  // RFC 7323
constexpr uint32_t kStampBytes = 10;
// No packet grows beyond that (RFC 791 section 3.1): its sender, who may know that the path takes no more than it sent, could
// not mend it.
constexpr uint32_t kPassesAnywhere = 576;

// A segment's data while it is read and changed, in the packet's buffer.
struct Data {
  uint32_t begin;  // its first byte's number
  uint32_t end;    // behind its last one, as it came
  uint8_t* at;
  uint32_t bytes;  // as it is now
  uint32_t room;   // that they may become
  bool is_changed = false;
  bool is_cut = false;
};

template <typename Ip>
bool is_sound(const Packet& packet, uint32_t tcp_bytes) noexcept {
  return fold(sum_of(packet.l4, tcp_bytes, pseudo_sum_of<Ip>(Ip::header_of(packet), tcp_bytes))) == 0xffff;
}

// The bytes from place `at` on, `removed` of them, become `text`; what then has no room is cut off.
void replace(Data& data, uint32_t at, uint32_t removed, std::span<const uint8_t> text) noexcept {
  const uint32_t tail = data.bytes - at - removed;
  const auto fits = [&](uint32_t from, uint32_t bytes) { return from < data.room ? std::min(bytes, data.room - from) : 0; };
  const auto put = fits(at, static_cast<uint32_t>(text.size()));
  const auto left = fits(at + static_cast<uint32_t>(text.size()), tail);
  std::memmove(data.at + at + put, data.at + at + removed, left);
  std::memcpy(data.at + at, text.data(), put);
  data.is_changed = true;
  data.is_cut |= put + left < text.size() + tail;
  data.bytes = at + put + left;
}

// What stands behind the number is not sent on.
void cut_at(Data& data, uint32_t number) noexcept {
  data.bytes = is_before(data.begin, number) ? number - data.begin : 0;
  data.is_changed = data.is_cut = true;
}

// All that was read and changed, or is kept back, of what the segment has. From its end on, so that places stay.
void apply(const FtpStream& stream, Data& data) noexcept {
  // Not read yet: there was no room to remember what would become of it.
  if (is_before(stream.next, data.end)) cut_at(data, stream.next);
  if (stream.reader.is_in_argument() && is_before(stream.argument_begin, data.end)) cut_at(data, stream.argument_begin);
  for (uint32_t i = stream.change_count; i-- > 0;) {
    const FtpChange& change = stream.changes[i];
    if (!is_before(change.begin, data.end) || !is_before(data.begin, change.end())) continue;
    if (is_before(data.end, change.end())) {
      cut_at(data, change.begin);  // it travels with its end
      continue;
    }
    const uint32_t from = is_before(data.begin, change.begin) ? change.begin - data.begin : 0;
    const uint32_t to = change.end() - data.begin;
    replace(data, from, to - from, {change.text.data(), change.to_bytes});
  }
}

// Whether reading or changing it matters: a segment of which neither is true goes on as it is.
bool concerns(const FtpStream& stream, const Data& data) noexcept {
  if (is_before(stream.next, data.end)) return true;
  if (stream.reader.is_in_argument() && is_before(stream.argument_begin, data.end)) return true;
  for (uint32_t i = 0; i < stream.change_count; ++i) {
    const FtpChange& change = stream.changes[i];
    if (is_before(change.begin, data.end) && is_before(data.begin, change.end())) return true;
  }
  return false;
}

// A line of interest ended, or will not. `number`: of the byte that was read; `came`: the first one's that was not read
// before. False: there is no room to remember what becomes of it, and the byte is to be read again.
template <typename Entry>
bool end_line(Worker& worker, const Snapshot& snapshot, const Entry& connection, FtpControl& control, FtpStream& stream,
              FtpEvent event, uint32_t number, uint32_t came) noexcept {
  if (!stream.has_room()) return stream.reader.await_end(event), false;
  const std::span<uint8_t> argument = stream.reader.argument();
  const uint32_t begin = stream.argument_begin;
  if (event == FtpEvent::kTooLong) {
    const bool is_clients = &stream == &control.of_client;
    // Whatever comes behind it, no server takes it for an endpoint.
    if (is_clients) std::fill(argument.begin(), argument.end(), uint8_t{'x'});
    if (is_clients) worker.counters.ftp_refused.add(1);
    if (is_clients || is_before(begin, came)) stream.add(begin, number, came, argument);
    return true;
  }
  uint8_t text[kMostAnnouncement];
  const uint32_t bytes = announce(worker, snapshot, connection, control, stream.reader.line(), argument, text);
  const bool is_same = std::equal(argument.begin(), argument.end(), text, text + bytes);
  if (!is_same || is_before(begin, came)) stream.add(begin, number + 1, came, {text, bytes});
  return true;
}

template <typename Entry>
void read(Worker& worker, const Snapshot& snapshot, const Entry& connection, FtpControl& control, bool of_client,
          const Data& data) noexcept {
  FtpStream& stream = of_client ? control.of_client : control.of_real;
  const uint32_t came = stream.next;
  while (is_before(stream.next, data.end)) {
    const uint32_t number = stream.next;
    const FtpEvent event = stream.reader.read(data.at[number - data.begin], of_client);
    switch (event) {
      case FtpEvent::kNone: break;
      case FtpEvent::kArgument: stream.argument_begin = number + 1; break;
      case FtpEvent::kAsksPassive: control.asked_passive = true; break;
      case FtpEvent::kAsksEncryption: control.asked_encryption = true; break;
      case FtpEvent::kEncrypts:
        if (!control.asked_encryption) break;
        control.is_encrypted = true;
        stream.next = data.end;
        return;
      case FtpEvent::kLine:
      case FtpEvent::kTooLong:
        if (!end_line(worker, snapshot, connection, control, stream, event, number, came)) return;
        break;
    }
    stream.next = number + 1;
  }
}

// Its sender says no more: what was kept back of a line without an end is no line. False: there is no room to remember it.
bool end_stream(FtpStream& stream) noexcept {
  if (!stream.reader.is_in_argument()) return true;
  if (!stream.has_room()) return false;
  stream.add(stream.argument_begin, stream.next, stream.next, {});
  stream.reader.give_up();
  return true;
}

// A segment without data, but with a FIN at `number`. False: what stands before it was not read.
bool pass_end(const FtpControl& control, FtpStream& stream, uint32_t number) noexcept {
  if (number == stream.next) return end_stream(stream);
  return control.is_encrypted || is_before(number, stream.next);
}

// The times of a segment, in turn; false: it has none.
bool find_stamps(const TcpHeader* tcp, uint8_t* own, uint8_t* echoed) noexcept {
  const auto* header = reinterpret_cast<const uint8_t*>(tcp);
  for (HeaderOption option; next_option(header, tcp->header_bytes(), option);) {
    if (option.kind != kTcpTimestamps || option.bytes != kStampBytes) continue;
    std::memcpy(own, header + option.at + 2, 4);
    std::memcpy(echoed, header + option.at + 6, 4);
    return true;
  }
  return false;
}

// Acknowledges to the packet's sender, in its peer's name, all before `number`.
template <typename Ip>
void acknowledge(Worker& worker, uint32_t number, uint16_t window, const Packet& packet) noexcept {
  uint8_t options[12] = {kNoOperation, kNoOperation, kTcpTimestamps, kStampBytes};
  const uint32_t option_bytes = find_stamps(packet.tcp, options + 8, options + 4) ? sizeof options : 0;
  const auto tcp_bytes = static_cast<uint32_t>(sizeof(TcpHeader) + option_bytes);
  constexpr uint32_t kInFront = sizeof(EthernetHeader) + sizeof(typename Ip::Header);
  rte_mbuf* mbuf = rte_pktmbuf_alloc(worker.pool);
  if (mbuf == nullptr) return;  // as if it was lost
  auto* frame = reinterpret_cast<EthernetHeader*>(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(kInFront + tcp_bytes)));
  const auto* asked = reinterpret_cast<const EthernetHeader*>(Ip::header_of(packet)) - 1;
  *frame = {asked->source, asked->destination, Ip::kEtherType};
  auto* ip = reinterpret_cast<typename Ip::Header*>(frame + 1);
  const uint64_t pseudo_sum = write_ip(worker, Ip::header_of(packet), kAnswerHops, tcp_bytes, ip);
  std::swap(ip->source, ip->destination);  // no sum changes
  auto* tcp = reinterpret_cast<TcpHeader*>(ip + 1);
  *tcp = {packet.tcp->destination_port, packet.tcp->source_port, packet.tcp->acknowledgement,
          Be32::from_host(number), static_cast<uint8_t>(tcp_bytes / 4 << 4), kTcpAck, {window}, {}, {}};
  std::memcpy(tcp + 1, options, option_bytes);
  tcp->checksum = checksum_of(tcp, tcp_bytes, pseudo_sum);
  queue_frame(worker, packet.in_port, mbuf);
}

// The packet's buffer becomes one that ends where the packet does; false: it cannot.
bool take_hold(Packet& packet) noexcept {
  rte_mbuf* mbuf = packet.mbuf;
  if (mbuf->nb_segs != 1 && rte_pktmbuf_linearize(mbuf) != 0) return false;
  return rte_pktmbuf_trim(mbuf, static_cast<uint16_t>(mbuf->pkt_len - sizeof(EthernetHeader) - packet.ip_bytes)) == 0;
}

// The packet has as many bytes as the data has now.
template <typename Ip>
void finish(const Data& data, Packet& packet) noexcept {
  const auto before = data.end - data.begin;
  rte_mbuf* mbuf = packet.mbuf;
  if (data.bytes > before) rte_pktmbuf_append(mbuf, static_cast<uint16_t>(data.bytes - before));
  else rte_pktmbuf_trim(mbuf, static_cast<uint16_t>(before - data.bytes));
  const auto more = static_cast<int32_t>(data.bytes) - static_cast<int32_t>(before);
  lengthen(Ip::header_of(packet), more);
  packet.ip_bytes = static_cast<uint16_t>(packet.ip_bytes + more);
  TcpHeader* tcp = packet.tcp;
  if (data.is_cut) tcp->flags &= static_cast<uint8_t>(~kTcpFin);
  const uint32_t tcp_bytes = tcp->header_bytes() + data.bytes;
  tcp->checksum = {};
  tcp->checksum = checksum_of(tcp, tcp_bytes, pseudo_sum_of<Ip>(Ip::header_of(packet), tcp_bytes));
}

// Reads a segment with data. False: it must not go on.
template <typename Ip>
bool pass_data(Worker& worker, const Snapshot& snapshot, const typename Ip::Entry& connection, FtpControl& control,
               bool of_client, uint32_t most, Packet& packet) noexcept {
  FtpStream& stream = of_client ? control.of_client : control.of_real;
  const uint32_t bytes = payload_bytes<Ip>(packet);
  const uint32_t begin = packet.tcp->sequence.host();
  Data data{begin, begin + bytes, packet.l4 + packet.tcp->header_bytes(), bytes, 0};
  if (!control.is_encrypted && is_before(stream.next, begin)) return false;
  if (control.is_encrypted && is_before(stream.next, data.end)) stream.next = data.end;
  if (!concerns(stream, data)) return true;
  if (!take_hold(packet) || !is_sound<Ip>(packet, packet.tcp->header_bytes() + bytes)) return false;
  const uint32_t tail = rte_pktmbuf_tailroom(packet.mbuf);
  most = std::min(most, kPassesAnywhere);
  data.room = bytes + std::min(tail, most > packet.ip_bytes ? most - packet.ip_bytes : 0);
  read(worker, snapshot, connection, control, of_client, data);
  const bool is_last = (packet.tcp_flags & kTcpFin) != 0 && stream.next == data.end;
  if (is_last && !end_stream(stream)) return false;
  // Of a segment all of whose news are kept back its receiver sees nothing that it would acknowledge.
  const uint32_t known = stream.with_kept(stream.heard);
  if (is_before(stream.heard, data.end) && !is_before(known, data.end)) acknowledge<Ip>(worker, known, stream.window, packet);
  apply(stream, data);
  if (data.is_changed) finish<Ip>(data, packet);
  return true;
}

// What the header says in numbers of the sender's becomes what the receiver knows.
void renumber(const FtpStream& own, FtpStream& others, TcpHeader* tcp) noexcept {
  const uint32_t sequence = tcp->sequence.host();
  const uint32_t told = own.to_receiver(sequence);
  if ((tcp->flags & kTcpUrg) != 0) {
    const auto urgent = static_cast<uint16_t>(own.to_receiver(sequence + tcp->urgent.host()) - told);
    tcp->checksum = updated(tcp->checksum, fold(delta_of(tcp->urgent, Be16::from_host(urgent))));
    tcp->urgent = Be16::from_host(urgent);
  }
  if (told != sequence) set_number(tcp, tcp->sequence, told);
  if ((tcp->flags & kTcpAck) == 0) return;
  const uint32_t heard = tcp->acknowledgement.host();
  const uint32_t acknowledged = others.acknowledged(heard);
  if (tcp->header_bytes() > sizeof(TcpHeader)) {
    change_selective_acks(
        tcp, [&](uint32_t number) { return others.to_sender(number, true); },
        [&](uint32_t number) { return others.to_sender(number); });
  }
  others.hear(heard);
  if (acknowledged != heard) set_number(tcp, tcp->acknowledgement, acknowledged);
}

// The real's answer to a SYN says where both streams begin: the same once more changes nothing, another one is to a client
// that began anew.
void begin_streams(FtpControl& control, const TcpHeader* tcp) noexcept {
  const uint32_t of_client = tcp->acknowledgement.host();
  const uint32_t of_real = tcp->sequence.host() + 1;
  if (control.of_client.first == of_client && control.of_real.first == of_real) return;
  control.of_client.begin(of_client);
  control.of_real.begin(of_real);
  control.asked_passive = control.asked_encryption = control.is_encrypted = false;
}

// Where both streams begin, in a number. With the table's key: nobody else finds other beginnings that have the same.
uint32_t number_of_beginnings(Worker& worker, Be32 of_client, Be32 of_real) noexcept {
  return static_cast<uint32_t>(connections_of<Ipv4>(worker).hash(FlowKey{of_client, of_real, {}, {}, 0}));
}

template <typename Entry>
void hear_answer(Worker& worker, Entry& connection, const TcpHeader* tcp) noexcept {
  if (has_place(connection)) return begin_streams(worker.ftp.controls[noted_in(connection)], tcp);
  const Be32 of_real = Be32::from_host(tcp->sequence.host() + 1);
  note_in(connection, number_of_beginnings(worker, tcp->acknowledgement, of_real));
  set_step(connection, Step::kAnswered);
}

// The client's packet completes the handshake, as nobody's can who did not hear the real's answer: it gets a place.
template <typename Entry>
bool completes_handshake(Worker& worker, const Entry& connection, const TcpHeader* tcp) noexcept {
  return step_of(connection) == Step::kAnswered && (tcp->flags & (kTcpAck | kTcpRst)) == kTcpAck &&
         number_of_beginnings(worker, tcp->sequence, tcp->acknowledgement) == noted_in(connection);
}
template <typename Entry>
void take_control(Worker& worker, Entry& connection, const TcpHeader* tcp) noexcept {
  const uint32_t index = worker.ftp.controls.allocate();
  if (index == FtpControls::kNone) {
    worker.counters.ftp_unread.add(1);
    connection.carried = 0;
    return end_opening(connection);
  }
  set_step(connection, Step::kTold);
  note_in(connection, index);
  FtpControl& control = worker.ftp.controls[index];
  control.of_client.begin(tcp->sequence.host());
  control.of_real.begin(tcp->acknowledgement.host());
}

template <Direction kDirection, typename Ip>
bool pass_syn(Worker& worker, typename Ip::Entry& connection, Packet& packet) noexcept {
  if (!open_plainly<Ip>(packet)) return false;
  const bool is_answer = kDirection == Direction::kReply && (packet.tcp_flags & (kTcpAck | kTcpRst)) == kTcpAck;
  if (is_answer) hear_answer(worker, connection, packet.tcp);
  return true;
}

template <Direction kDirection, typename Ip>
bool read_packet(Worker& worker, const Snapshot& snapshot, typename Ip::Entry& connection, uint32_t most,
                 Packet& packet) noexcept {
  constexpr bool kOfClient = kDirection == Direction::kRequest;
  if (part_of(Ip::header_of(packet)) != Part::kWhole) return false;
  if ((packet.tcp_flags & kTcpSyn) != 0) return pass_syn<kDirection, Ip>(worker, connection, packet);
  if (kOfClient && completes_handshake(worker, connection, packet.tcp)) take_control(worker, connection, packet.tcp);
  if (!is_ftp(connection)) return true;
  if (!has_place(connection)) return payload_bytes<Ip>(packet) == 0;
  FtpControl& control = worker.ftp.controls[noted_in(connection)];
  FtpStream& own = kOfClient ? control.of_client : control.of_real;
  FtpStream& others = kOfClient ? control.of_real : control.of_client;
  others.window = packet.tcp->window.raw;
  const bool is_reset = (packet.tcp_flags & kTcpRst) != 0;
  if (!is_reset && payload_bytes<Ip>(packet) > 0) {
    if (!pass_data<Ip>(worker, snapshot, connection, control, kOfClient, most, packet)) return false;
  } else if ((packet.tcp_flags & (kTcpFin | kTcpRst)) == kTcpFin) {
    if (!pass_end(control, own, packet.tcp->sequence.host())) return false;
  }
  renumber(own, others, packet.tcp);
  return true;
}

}  // namespace

template <typename Entry>
void begin_ftp(Worker& worker, const Packet& packet, Entry& connection) noexcept {
  // What began before it was seen is past reading.
  const bool is_whole = (packet.tcp_flags & kTcpSyn) != 0 && worker.ftp.expectations != nullptr;
  if (!is_whole) return worker.counters.ftp_unread.add(1);
  connection.carried = kCarriesFtp;
  begin_opening(connection, 0);
}

template <typename Entry>
void end_ftp(Worker& worker, const Entry& connection) noexcept {
  if (!has_place(connection)) return;
  const uint32_t index = noted_in(connection);
  worker.ftp.expectations->take(worker.ftp.controls[index].expected);
  worker.ftp.controls.release(index);
}

template <Direction kDirection, typename Ip>
bool pass_control(Worker& worker, const Snapshot& snapshot, typename Ip::Entry& connection, uint32_t most,
                  Packet& packet) noexcept {
  if (!read_packet<kDirection, Ip>(worker, snapshot, connection, most, packet)) {
    packet.drop(DropReason::kFtpUnread);
    return false;
  }
  if constexpr (kDirection == Direction::kRequest) rewrite_carrying_request(connection, Ip::header_of(packet), packet);
  else rewrite_carrying_reply(connection, Ip::header_of(packet), packet);
  return true;
}

template <Direction kDirection, typename Ip>
void mend_quote(const Worker& worker, const typename Ip::Entry& connection, const Quote<Ip>& quote) noexcept {
  if (quote.protocol != kIpProtocolTcp || !has_place(connection)) return;
  const FtpControl& control = worker.ftp.controls[noted_in(connection)];
  const FtpStream& stream = kDirection == Direction::kReply ? control.of_client : control.of_real;
  auto* tcp = reinterpret_cast<TcpHeader*>(quote.l4);
  const Be32 before = tcp->sequence;
  tcp->sequence = Be32::from_host(stream.to_sender(before.host()));
  if (quote.l4_bytes >= offsetof(TcpHeader, checksum) + sizeof(Be16)) {
    tcp->checksum = updated(tcp->checksum, fold(delta_of(before, tcp->sequence)));
  }
}

template void begin_ftp(Worker&, const Packet&, Connection&) noexcept;
template void begin_ftp(Worker&, const Packet&, Connection6&) noexcept;
template void end_ftp(Worker&, const Connection&) noexcept;
template void end_ftp(Worker&, const Connection6&) noexcept;
template bool pass_control<Direction::kRequest, Ipv4>(Worker&, const Snapshot&, Connection&, uint32_t, Packet&) noexcept;
template bool pass_control<Direction::kReply, Ipv4>(Worker&, const Snapshot&, Connection&, uint32_t, Packet&) noexcept;
template bool pass_control<Direction::kRequest, Ipv6>(Worker&, const Snapshot&, Connection6&, uint32_t, Packet&) noexcept;
template bool pass_control<Direction::kReply, Ipv6>(Worker&, const Snapshot&, Connection6&, uint32_t, Packet&) noexcept;
template void mend_quote<Direction::kRequest, Ipv4>(const Worker&, const Connection&, const Quote<Ipv4>&) noexcept;
template void mend_quote<Direction::kReply, Ipv4>(const Worker&, const Connection&, const Quote<Ipv4>&) noexcept;
template void mend_quote<Direction::kRequest, Ipv6>(const Worker&, const Connection6&, const Quote<Ipv6>&) noexcept;
template void mend_quote<Direction::kReply, Ipv6>(const Worker&, const Connection6&, const Quote<Ipv6>&) noexcept;

}  // namespace shunt::dataplane
