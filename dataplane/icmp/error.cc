#include "dataplane/icmp/error.h"

#include "dataplane/admit.h"
#include "dataplane/ftp/passage.h"
#include "dataplane/icmp/message.h"
#include "dataplane/icmp/search.h"
#include "dataplane/icmp/translate.h"
#include "dataplane/icmp/tunnel_error.h"
#include "dataplane/nat64/crossing.h"
#include "dataplane/rewrite.h"
#include "dataplane/route.h"
#include "dataplane/settle.h"

namespace shunt::dataplane {
namespace {

// As packets of the connection count; its state and its timeout stay as they are.
template <Direction kDirection, typename Ip>
void count_error(Worker& worker, const Flow<Ip>& flow, const Packet& packet) noexcept {
  RealCounters& counters = worker.real_counters[flow.real.index];
  constexpr bool is_request = kDirection == Direction::kRequest;
  (is_request ? counters.in_packets : counters.out_packets).add(1);
  (is_request ? counters.in_bytes : counters.out_bytes).add(packet.ip_bytes);
  if (flow.connection != nullptr) ++(is_request ? flow.connection->in_packets : flow.connection->out_packets);
}

template <Direction kDirection, typename Ip>
bool send_error_on(Worker& worker, const Snapshot& snapshot, const Flow<Ip>& flow, const IcmpMessage<Ip>& error,
                   Packet& packet) noexcept {
  const RealEntry& real = snapshot.reals[flow.real.index];
  const WayOut* way = route<kDirection>(worker, snapshot, real, flow, packet);
  if (way == nullptr) return false;
  count_error<kDirection>(worker, flow, packet);
  if (flow.connection != nullptr && flow.connection->flags & kConnectionTwoWay) {
    if (is_ftp(*flow.connection)) mend_quote<kDirection>(worker, *flow.connection, error.quote);
    translate_error<kDirection>(*flow.connection, error);
    address_frame(*way, reinterpret_cast<EthernetHeader*>(error.ip) - 1);
    if constexpr (Ip::kFamily == AddressFamily::kIpv6) {
      return queue_crossing(worker, way->port, packet);
    }
  } else if (!rewrite<Direction::kRequest>(worker, snapshot, real, flow, *way, packet)) {
    return false;
  }
  queue_frame(worker, way->port, packet.mbuf);
  return true;
}

// What must hold of an error before anybody hears of it; false: the packet is dropped.
template <typename Ip>
bool is_believable(const IcmpMessage<Ip>& error, Packet& packet) noexcept {
  if (!error.is_to_sender()) return packet.drop(DropReason::kBadIcmpError), false;
  if (!error.has_good_checksum()) return packet.drop(DropReason::kBadIcmpChecksum), false;
  if (error.has_impossible_mtu()) return packet.drop(DropReason::kImpossibleMtu), false;
  return true;
}

// An error about no connection of this worker: another worker's, one of a flow that goes without, or nobody's.
template <typename Ip>
bool relay_unknown(Worker& worker, const Snapshot& snapshot, const IcmpMessage<Ip>& error, Packet& packet) noexcept {
  const auto key = error.quote.reversed_key();
  const IpFlow flow = IpFlow::from(key);
  const ServiceEntry* service = snapshot.find_service(flow, packet.in_port);
  if (ask_owner<Ip>(worker, snapshot, service, key, packet)) return false;
  if (service == nullptr) {
    // Linux's own connections have errors, too; a flood of forged ones must not crowd out its other traffic.
    const bool is_ours = (snapshot.kinds_of(flow.destination) & bit(AddressSlot::Kind::kLocal)) != 0 ||
                         snapshot.is_vip(flow.destination);
    if (is_ours && !worker.punts.take(worker.now)) packet.drop(DropReason::kIcmpNoConnection);
    else packet.verdict = Verdict::kKernel;
    return false;
  }
  const RealId real = real_of_untracked(worker, snapshot, *service, flow);
  const bool may_open = snapshot.sysctls.schedule_icmp && !service->crosses;
  if (real == kNoReal && !may_open) return packet.drop(DropReason::kIcmpNoConnection), false;
  if (!is_believable(error, packet)) return false;
  const Flow<Ip> admitted = real != kNoReal ? Flow<Ip>{nullptr, real, Direction::kRequest}
                                            : admit_error<Ip>(worker, snapshot, *service, key, packet);
  if (admitted.real == kNoReal) return false;
  return send_error_on<Direction::kRequest>(worker, snapshot, admitted, error, packet);
}

// An error about an IPv4 packet of a connection that crosses; it is IPv6's from here on.
bool relay_across(Worker& worker, const Snapshot& snapshot, const IcmpMessage<Ipv4>& error, Packet& packet) noexcept {
  if (!is_believable(error, packet) || !cross_error(worker, error, packet)) return false;
  if (relay_error_of<Ipv6>(worker, snapshot, packet)) return true;
  cross_back(worker, packet);
  return false;
}

// An error about a packet of TCP, UDP or SCTP, or about an echo.
template <typename Ip>
bool relay_by_connection(Worker& worker, const Snapshot& snapshot, const IcmpMessage<Ip>& error,
                         Packet& packet) noexcept {
  const auto [connection, direction] = connections_of<Ip>(worker).find(error.quote.reversed_key());
  if (connection == nullptr || is_past(connection->expires, worker.now)) {
    if constexpr (Ip::kFamily == AddressFamily::kIpv4) {
      const bool crosses = snapshot.has_crossings && find_crossing(worker, error.quote.reversed_key()).entry != nullptr;
      if (crosses) return relay_across(worker, snapshot, error, packet);
    }
    return relay_unknown(worker, snapshot, error, packet);
  }
  if (!is_believable(error, packet)) return false;
  const Flow<Ip> flow{connection, connection->real, direction};
  return direction == Direction::kRequest
             ? send_error_on<Direction::kRequest>(worker, snapshot, flow, error, packet)
             : send_error_on<Direction::kReply>(worker, snapshot, flow, error, packet);
}

}  // namespace

template <typename Ip>
bool relay_error_of(Worker& worker, const Snapshot& snapshot, Packet& packet) noexcept {
  // Errors are short: whole in the first buffer, or none that we look into.
  if (rte_pktmbuf_linearize(packet.mbuf) != 0) return packet.drop(DropReason::kTruncated), false;
  auto* ip = Ip::header_of(packet);
  auto* icmp = reinterpret_cast<IcmpHeader*>(packet.l4);
  const auto bytes = static_cast<uint32_t>(reinterpret_cast<uint8_t*>(ip) + packet.ip_bytes - packet.l4);
  const auto quote = quote_at<Ip>(packet.l4 + sizeof *icmp, bytes - sizeof *icmp);
  if (!quote) {
    if (snapshot.is_vip(address_of(ip->destination))) packet.drop(DropReason::kBadIcmpError);
    else packet.verdict = Verdict::kKernel;
    return false;
  }
  const IcmpMessage<Ip> error{ip, icmp, bytes, *quote};
  if (const TunnelQuote tunnelled = tunnelled_in(snapshot, *quote); tunnelled.begin != nullptr) {
    return relay_tunnel_error(worker, snapshot, error, tunnelled, packet);
  }
  const bool is_echo = !snapshot.snat_rules.empty() && quote->is_echo();
  if (quote->has_ports() || is_echo) return relay_by_connection(worker, snapshot, error, packet);
  packet.verdict = Verdict::kKernel;  // about a ping of Linux's, perhaps
  return false;
}

template bool relay_error_of<Ipv4>(Worker&, const Snapshot&, Packet&) noexcept;
template bool relay_error_of<Ipv6>(Worker&, const Snapshot&, Packet&) noexcept;

}  // namespace shunt::dataplane
