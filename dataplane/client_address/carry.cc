#include "dataplane/client_address/carry.h"

#include "dataplane/client_address/datagrams.h"
#include "dataplane/client_address/opening.h"
#include "dataplane/client_address/proxy_header.h"
#include "dataplane/client_address/proxy_stream.h"
#include "dataplane/client_address/toa.h"

namespace shunt::dataplane {
namespace {

// A fragment behind its datagram's first one has none.
bool has_l4_header(const Worker& worker, const Packet& packet) noexcept {
  return packet.l4 != worker.fragments.no_l4.data();
}

template <typename Ip>
bool tell(Worker& worker, const WayOut& way, typename Ip::Entry& connection, Packet& packet) noexcept {
  const uint8_t carried = connection.carried;
  if (connection.request.protocol == kIpProtocolUdp) {
    return is_proxy(carried) ? tell_by_proxy_datagram<Ip>(connection, packet) : tell_by_uoa<Ip>(worker, connection, packet);
  }
  if (!has_l4_header(worker, packet)) return true;
  if (is_proxy(carried)) return tell_by_proxy<Ip>(worker, way, connection, packet);
  tell_by_toa<Ip>(worker, connection, packet);
  return true;
}

}  // namespace

template <typename Entry>
void begin_to_carry(Worker& worker, const ClientAddress& how, const Packet& packet, Entry& connection) noexcept {
  const bool is_udp = connection.request.protocol == kIpProtocolUdp;
  // What began before it was seen is past telling.
  if (!is_udp && (packet.tcp_flags & kTcpSyn) == 0) return worker.counters.uncarried.add(1);
  switch (how.kind) {
    case ClientAddressKind::kNone:
      return;
    case ClientAddressKind::kToa:
      connection.carried = how.toa_option;
      return begin_opening(connection, 0);
    case ClientAddressKind::kUoa:
      connection.carried = how.uoa_form == UoaForm::kProtocol ? kCarriesUoaProtocol : kCarriesUoaOption;
      return begin_opening(connection, how.uoa_packets);
    case ClientAddressKind::kProxyV1:
      connection.carried = proxy_v1_bytes(connection.request);
      return begin_opening(connection, 0);
    case ClientAddressKind::kProxyV2:
      connection.carried = kCarriesProxyV2;
      if (!is_udp) begin_opening(connection, 0);
      return;
  }
}

template <typename Ip>
EthernetHeader* carry_request(Worker& worker, const WayOut& way, typename Ip::Entry& connection,
                              Packet& packet) noexcept {
  rewrite_carrying_request(connection, Ip::header_of(packet), packet);
  if (!tell<Ip>(worker, way, connection, packet)) return nullptr;
  return reinterpret_cast<EthernetHeader*>(Ip::header_of(packet)) - 1;
}

template <typename Ip>
void carry_reply(Worker& worker, const RealEntry& real, typename Ip::Entry& connection, Packet& packet) noexcept {
  rewrite_carrying_reply(connection, Ip::header_of(packet), packet);
  if (connection.request.protocol == kIpProtocolUdp || !has_l4_header(worker, packet)) return;
  if (is_proxy(connection.carried)) hear_of_proxy<Ip>(connection, packet);
  else hear_of_toa<Ip>(real, connection, packet);
}

template void begin_to_carry(Worker&, const ClientAddress&, const Packet&, Connection&) noexcept;
template void begin_to_carry(Worker&, const ClientAddress&, const Packet&, Connection6&) noexcept;
template EthernetHeader* carry_request<Ipv4>(Worker&, const WayOut&, Connection&, Packet&) noexcept;
template EthernetHeader* carry_request<Ipv6>(Worker&, const WayOut&, Connection6&, Packet&) noexcept;
template void carry_reply<Ipv4>(Worker&, const RealEntry&, Connection&, Packet&) noexcept;
template void carry_reply<Ipv6>(Worker&, const RealEntry&, Connection6&, Packet&) noexcept;

}  // namespace shunt::dataplane
