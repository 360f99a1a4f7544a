#include "dataplane/verdict.h"

namespace shunt::dataplane {
namespace {

struct Text {
  std::string_view name;
  std::string_view meaning;
};

Text text_of(DropReason reason) noexcept {
  switch (reason) {
    case DropReason::kTruncated:
      return {"truncated", "Packets shorter than their headers say: a broken sender or cable."};
    case DropReason::kNotOurMac:
      return {"not_our_mac", "Frames for another machine's MAC address: a switch that floods, or a mirror port."};
    case DropReason::kBadIpHeader:
      return {"bad_ip_header", "Impossible IP version or lengths: a broken or hostile sender."};
    case DropReason::kBadIpChecksum:
      return {"bad_ip_checksum", "Wrong IPv4 header checksums: a broken link or sender."};
    case DropReason::kBadExtensionHeader:
      return {"bad_extension_header", "Malformed or too many IPv6 extension headers: a broken or hostile sender."};
    case DropReason::kBadL4Header:
      return {"bad_l4_header", "Impossible TCP, UDP or SCTP lengths: a broken or hostile sender."};
    case DropReason::kNoRealLeft:
      return {"no_real", "New connections while no real is up with a weight above 0; see 'service list'."};
    case DropReason::kNotSchedulable:
      return {"not_schedulable", "Packets of no known connection that do not open one: late or forged."};
    case DropReason::kTableFull:
      return {"table_full", "The connection table is full; raise workers.connections, of IPv6 and between families workers.ipv6_connections."};
    case DropReason::kLocalPortsExhausted:
      return {"local_ports_exhausted", "No free local port to a real; add local addresses to the pool."};
    case DropReason::kNoLocalAddress:
      return {"no_local_address", "A fullnat service with an empty address pool, or a port without an address of its tunnels' family."};
    case DropReason::kTtlExpired:
      return {"ttl_expired", "TTL ran out here: traceroute, or a routing loop."};
    case DropReason::kTooBig:
      return {"too_big", "Larger than the next hop's MTU; the sender was told (ICMP) where it may be."};
    case DropReason::kNoRoute:
      return {"no_route", "No route to a real or client; see 'ip route' on the kernel port."};
    case DropReason::kNoNeighbour:
      return {"no_neighbour", "A next hop did not answer ARP or ND; see 'ip neigh' on the kernel port."};
    case DropReason::kWaitingRoomFull:
      return {"waiting_room_full", "Too many packets wait for next hops that do not answer ARP or ND."};
    case DropReason::kPortDown:
      return {"port_down", "The port that should send has no link; see 'ports'."};
    case DropReason::kTxFull:
      return {"tx_full", "The port cannot send as fast as asked; see its rate in 'ports'."};
    case DropReason::kHandOffFull:
      return {"hand_off_full", "A worker cannot keep up with packets handed to it; see 'workers'."};
    case DropReason::kKernelPortFull:
      return {"kernel_port_full", "More traffic for the kernel port than Linux takes: perhaps a flood."};
    case DropReason::kNoKernelPort:
      return {"no_kernel_port", "Traffic that is not ours on a port without a kernel port."};
    case DropReason::kHopLoop:
      return {"hop_loop", "A packet was handed to a worker that does not own it: please report this."};
    case DropReason::kNoMbuf:
      return {"no_mbuf", "Packet buffers ran out; raise workers.mbufs."};
    case DropReason::kBadIcmpChecksum:
      return {"bad_icmp_checksum", "ICMP errors about connections with wrong checksums: a broken or hostile sender."};
    case DropReason::kBadIcmpError:
      return {"bad_icmp_error", "ICMP errors that quote no packet which their receiver can have sent: forged."};
    case DropReason::kIcmpNoConnection:
      return {"icmp_no_connection", "ICMP errors about no connection that a service has: late or forged."};
    case DropReason::kImpossibleMtu:
      return {"impossible_mtu", "ICMP too-big with an MTU below 576 (IPv6: 1280) or above its packet: forged."};
    case DropReason::kTunnelError:
      return {"tunnel_error", "ICMP errors about packets inside a tunnel; the path's MTU was learned, the client told."};
    case DropReason::kFragmentTiny:
      return {"fragment_tiny", "First fragments too small for the TCP or UDP header: an attack on filters."};
    case DropReason::kFragmentBadLength:
      return {"fragment_bad_length", "IP fragments of impossible lengths or places: a broken or hostile sender."};
    case DropReason::kFragmentOverlap:
      return {"fragment_overlap", "Fragments that overlap: an attack, or identifications used anew too soon."};
    case DropReason::kFragmentDuplicate:
      return {"fragment_duplicate", "IP fragments that came twice: a network that doubles packets."};
    case DropReason::kFragmentTimeout:
      return {"fragment_timeout", "IP fragments whose first one did not come: lost on the way, or a flood."};
    case DropReason::kFragmentFlood:
      return {"fragment_flood", "More incomplete datagrams of some senders than there is room for: perhaps a flood."};
    case DropReason::kNoCallId:
      return {"no_call_id", "Packets without a SIP Call-ID for services with persistence.engine sip."};
    case DropReason::kReplyOfNone:
      return {"reply_of_none", "Packets of nat reals about no connection, answered by sysctl nat_icmp_send."};
    case DropReason::kDropPacket:
      return {"drop_packet", "New connections turned away by sysctl drop_packet: a flood, or its rate is too low."};
    case DropReason::kNotOurVlan:
      return {"not_our_vlan", "Frames on a port with vlan that are untagged or of another VLAN; see the switch's port."};
    case DropReason::kClientUntold:
      return {"client_untold", "Fragments for services with client_address proxy_v1 or proxy_v2, which have no room for it."};
    case DropReason::kConnectionFlushed:
      return {"connection_flushed", "Packets of connections that the operator cut."};
    case DropReason::kAccessDenied:
      return {"access_denied", "New connections of clients that a service's access lists deny; 'explain' says by which prefix."};
    case DropReason::kNewConnectionLimit:
      return {"new_connection_limit", "More new connections a second than a service's limits allow: a flood, or too low."};
    case DropReason::kPacketLimit:
      return {"packet_limit", "More packets a second than a service's limits allow: a flood, or too low."};
    case DropReason::kBitLimit:
      return {"bit_limit", "More bits a second than a service's limits allow: a flood, or too low."};
    case DropReason::kConnectionLimit:
      return {"connection_limit", "More connections at a time than a service's limits allow; see 'service list'."};
    case DropReason::kClientNewConnectionLimit:
      return {"client_new_connection_limit", "More new connections a second than a service allows one client."};
    case DropReason::kClientPacketLimit:
      return {"client_packet_limit", "More packets a second than a service allows one client."};
    case DropReason::kClientBitLimit:
      return {"client_bit_limit", "More bits a second than a service allows one client."};
    case DropReason::kClientConnectionLimit:
      return {"client_connection_limit", "More connections at a time than a service allows one client."};
    case DropReason::kMappedAddress:
      return {"mapped_address", "IPv6 packets with IPv4-mapped addresses, which no host sends: forged."};
    case DropReason::kUntranslatable:
      return {"untranslatable", "Packets between IPv4 and IPv6 that the other has nothing like: source routes, some ICMP errors, fragments of UDP without checksum."};
    case DropReason::kSnatExhausted:
      return {"snat_exhausted", "No free address and port for a real that reaches out; see 'snat list', add addresses."};
    case DropReason::kFtpUnread:
      return {"ftp_unread", "Packets of FTP control connections behind lost ones, damaged or in fragments: they come again."};
  }
  return {"?", "?"};
}

}  // namespace

std::string_view name_of(DropReason reason) noexcept { return text_of(reason).name; }
std::string_view meaning_of(DropReason reason) noexcept { return text_of(reason).meaning; }

}  // namespace shunt::dataplane
