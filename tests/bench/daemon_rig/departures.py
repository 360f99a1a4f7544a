"""Checks the packets that left: every header field, both checksums by full sums, and what only shows over many packets:
that a flow keeps its real and its local port, that no two flows share one, that none is lost."""

import struct
from collections import Counter
from socket import inet_ntoa

from daemon_rig import flows

_ETHERNET = struct.Struct("!6s6sH")
_OUTER = struct.Struct("!BBHHHBBH4s4s")
# From the IPv4 header on: version to flags (8 bytes as one), TTL, protocol, checksum, addresses, UDP, mark, flow, filler.
_PACKET = struct.Struct("!8sBBH4s4sHHHH4sI10s")
_INNER_BYTES = flows.FRAME_BYTES - _ETHERNET.size
_UDP = 17
_IPIP = 4


class WrongPacket(Exception):
    """A packet left otherwise than its method demands; the text says which field and how."""


class Departures:
    """The check of one method over one stream of packets, in the order in which they left."""

    def __init__(self, method, connections):
        self.method = method
        self.connections = connections
        self.packets = 0
        self._times = Counter()  # flow -> packets seen
        self._kept = {}  # flow -> its real and, under fullnat, its local address and port
        self._owner = {}  # the same -> flow
        self._by_mac = {flows.real_mac(number): number for number in range(flows.REALS)}
        self._address = [flows.packed(flows.real_address(number)) for number in range(flows.REALS)]
        self._vip = flows.packed(flows.VIP)
        self._own = flows.packed(flows.OWN_ADDRESS)
        self._pool = {flows.packed(address) for address in flows.LOCAL_ADDRESSES}
        # What no method changes in the inner header: version, TOS, length, identification, flags.
        self._start = flows.frame_of(0)[_ETHERNET.size:_ETHERNET.size + 8]

    def check(self, frame):
        if len(frame) < _ETHERNET.size + _OUTER.size:
            self._wrong(frame, f"it has {len(frame)} bytes")
        to, by, ether_type = _ETHERNET.unpack_from(frame)
        real = self._by_mac.get(to)
        if real is None:
            self._wrong(frame, f"its destination MAC address {to.hex(':')} is no real's")
        if by != flows.PORT_MAC or ether_type != 0x0800:
            self._wrong(frame, f"it is from {by.hex(':')} with type {ether_type:#06x}")
        ip = frame[_ETHERNET.size:]
        if self.method == "tunnel":
            ip = self._unwrap(frame, ip, real)
        if len(ip) != _INNER_BYTES:
            self._wrong(frame, f"its IPv4 packet has {len(ip)} bytes, not {_INNER_BYTES}")
        self._check_packet(frame, ip, real)
        self.packets += 1

    def _unwrap(self, frame, ip, real):
        first, _, length, _, fragment, ttl, protocol, _, source, destination = _OUTER.unpack_from(ip)
        if first != 0x45 or protocol != _IPIP or length != len(ip):
            self._wrong(frame, f"its outer header is no IPIP: {first:#x}, protocol {protocol}, length {length}")
        if flows.ones_complement_rest(ip[:_OUTER.size]) != 0:
            self._wrong(frame, "its outer IPv4 checksum is wrong")
        # As IPVS does it, both are the inner's.
        if ttl != flows.TTL - 1 or fragment != 0x4000:
            self._wrong(frame, f"its outer TTL is {ttl}, its outer flags are {fragment:#06x}")
        if source != self._own or destination != self._address[real]:
            self._wrong(frame, f"its tunnel is from {inet_ntoa(source)} to {inet_ntoa(destination)}")
        return ip[_OUTER.size:]

    def _check_packet(self, frame, ip, real):
        (start, ttl, protocol, _, source, destination, source_port, destination_port, udp_bytes, udp_sum, mark, flow,
         filler) = _PACKET.unpack(ip)
        if start != self._start or protocol != _UDP or ttl != flows.TTL - 1:
            self._wrong(frame, f"its IPv4 header starts {start.hex(' ')}, TTL {ttl}, protocol {protocol}")
        if flows.ones_complement_rest(ip[:20]) != 0:
            self._wrong(frame, "its IPv4 checksum is wrong")
        if mark != flows.MARK or filler != flows.FILLER or flow >= self.connections:
            self._wrong(frame, "its payload was changed")
        if udp_bytes != len(ip) - 20 or udp_sum == 0:
            self._wrong(frame, f"its UDP header says {udp_bytes} bytes and checksum {udp_sum:#06x}")
        pseudo = int.from_bytes(ip[12:20], "big") + _UDP + udp_bytes
        if (pseudo + int.from_bytes(ip[20:], "big")) % 65535 != 0:
            self._wrong(frame, "its UDP checksum is wrong")

        translated = flows.translates(self.method)
        wanted = (self._address[real], flows.REAL_PORT) if translated else (self._vip, flows.VIP_PORT)
        if (destination, destination_port) != wanted:
            self._wrong(frame, f"it is for {inet_ntoa(destination)} port {destination_port}, its MAC address real {real}'s")
        keeps = real
        if self.method == "fullnat":
            if source not in self._pool:
                self._wrong(frame, f"its source {inet_ntoa(source)} is not of the pool")
            keeps = (real, source, source_port)
        elif (source, source_port) != flows.client_of(flow):
            self._wrong(frame, f"its source is {inet_ntoa(source)} port {source_port}, not flow {flow}'s client")
        self._follow(frame, flow, keeps)

    def _follow(self, frame, flow, keeps):
        self._times[flow] += 1
        if self._kept.setdefault(flow, keeps) != keeps:
            self._wrong(frame, f"flow {flow} went to {self._kept[flow]} before and now to {keeps}")
        if self.method == "fullnat" and self._owner.setdefault(keeps, flow) != flow:
            self._wrong(frame, f"flows {self._owner[keeps]} and {flow} share a local address, port and real")

    def finish(self):
        """After whole turns through the source: every flow left equally often, and the reals have equal shares."""
        if len(self._times) != self.connections or len(set(self._times.values())) != 1:
            raise WrongPacket(f"{self.method}: {len(self._times)} of {self.connections} flows left, "
                              f"between {min(self._times.values(), default=0)} and {max(self._times.values(), default=0)} "
                              "times each; every flow should have left equally often")
        shares = Counter(keeps[0] if isinstance(keeps, tuple) else keeps for keeps in self._kept.values())
        counts = [shares[real] for real in range(flows.REALS)]
        if max(counts) - min(counts) > 1:
            raise WrongPacket(f"{self.method}: round robin gave the reals between {min(counts)} and {max(counts)} flows")

    def _wrong(self, frame, what):
        raise WrongPacket(f"{self.method}: packet {self.packets} of those that left: {what} ({frame.hex()})")
