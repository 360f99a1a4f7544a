"""What a frame says, as one line: names for addresses, ports and MAC addresses, checksums verified and left out, what a
director is free to choose left out: IP ids and flow labels of packets of its own, Ethernet padding, in quoted
headers the TTL (before or after its own step, RFC 1812 section 4.3.2.3) and the checksums."""

import socket
import struct
import zlib
from dataclasses import dataclass, field

from scapy.layers.inet import IP, in4_chksum
from scapy.layers.inet6 import IPv6, in6_chksum
from scapy.utils import checksum

from conformance.frames import CLIENT_PORTS, PING_IDENTITY
from conformance.twins import name_of, station_of

_TCP_FLAGS = "FSRPAUEC"
_ARP, _IPV4, _IPV6 = 0x0806, 0x0800, 0x86DD
_ICMP, _IPIP, _TCP, _UDP, _IP6, _GRE, _ICMP6, _SCTP = 1, 4, 6, 17, 41, 47, 58, 132
_HOP_BY_HOP, _ROUTING, _FRAGMENT, _DESTINATION = 0, 43, 44, 60
GUE_PORT = 6080  # of the cases' reals
_NEIGHBOUR_TALK = range(130, 144)  # ICMPv6 types: multicast listeners, routers, neighbours


@dataclass
class Reader:
    """Reads the frames of one case. `ports`: {number: name}; `sent_ids`, `sent_labels`: IP ids and flow labels of the
    packets that were sent in."""

    ports: dict
    sent_ids: set = field(default_factory=set)
    sent_labels: set = field(default_factory=set)

    def frame(self, frame):
        """The whole line: who gets it, and what."""
        destination, source, kind = mac_text(frame[:6]), mac_text(frame[6:12]), struct.unpack("!H", frame[12:14])[0]
        return f"{station_of(source)} to {station_of(destination)}: {self._network(frame[14:], kind)}"

    def _network(self, data, kind, quoted=False):
        if kind == _IPV4:
            return self.ipv4(data, quoted)
        if kind == _IPV6:
            return self.ipv6(data, quoted)
        return f"type {kind:#06x} {len(data)} bytes"

    def ipv4(self, data, quoted=False):
        if len(data) < 20:
            return f"IP cut at {len(data)}"
        first, tos, total, ident, fragment, ttl, protocol = struct.unpack("!BBHHHBB", data[:10])
        length = (first & 15) * 4
        source, destination = (name_of(socket.inet_ntoa(data[at:at + 4])) for at in (12, 16))
        words = [f"{source} > {destination}"] + ([] if quoted else [f"ttl {ttl}"])
        words += [f"tos {tos:#x}"] if tos else []
        words += [f"id {ident:#x}"] if ident in self.sent_ids else []
        words += ["DF"] if fragment & 0x4000 else []
        more, offset = bool(fragment & 0x2000), (fragment & 0x1FFF) * 8
        words += [f"fragment {offset}{'+' if more else ''}"] if more or offset else []
        words += [f"options {data[20:length].hex()}"] if length > 20 else []
        words += [f"version {first >> 4}"] if first >> 4 != 4 else []
        if not quoted and checksum(data[:length]) != 0:
            words.append("BAD IP CHECKSUM")
        body = data[length:total]
        if total > len(data):
            words.append(f"quoted {len(data)}" if quoted else f"cut {total - len(data)} bytes")
        whole = total <= len(data) and not more and not offset and not quoted
        head = f"IP {' '.join(words)}"
        if offset:
            return f"{head} | {digest(body)}"
        pseudo = (lambda number, part: in4_chksum(number, IP(data[:length]), part)) if whole else None
        return f"{head} | {self._transport(protocol, body, pseudo)}"

    def ipv6(self, data, quoted=False):
        if len(data) < 40:
            return f"IPv6 cut at {len(data)}"
        word, length, protocol, hops = struct.unpack("!IHBB", data[:8])
        source, destination = (name_of(socket.inet_ntop(socket.AF_INET6, data[at:at + 16])) for at in (8, 24))
        words = [f"{source} > {destination}"] + ([] if quoted else [f"hops {hops}"])
        words += [f"class {word >> 20 & 255:#x}"] if word >> 20 & 255 else []
        words += [f"label {word & 0xFFFFF:#x}"] if word & 0xFFFFF in self.sent_labels else []
        body = data[40:40 + length]
        missing = 40 + length - len(data)
        words += [f"cut {missing} bytes" if not quoted else f"quoted {len(data)}"] if missing > 0 else []
        whole = missing <= 0 and not quoted
        while protocol in (_HOP_BY_HOP, _ROUTING, _DESTINATION, _FRAGMENT) and len(body) >= 8:
            size = 8 if protocol == _FRAGMENT else (body[1] + 1) * 8
            if protocol == _FRAGMENT:
                at = struct.unpack("!H", body[2:4])[0]
                words.append(f"fragment {at & ~7}{'+' if at & 1 else ''}")
                whole = False
                if at & ~7:
                    return f"IPv6 {' '.join(words)} | {body[0]} {digest(body[8:])}"
            else:
                words.append(f"extension {protocol} {body[2:size].hex()}")
            protocol, body = body[0], body[size:]
        head = IPv6(data[:40])
        pseudo = (lambda number, part: in6_chksum(number, head, part)) if whole else None
        return f"IPv6 {' '.join(words)} | {self._transport(protocol, body, pseudo)}"

    def _transport(self, protocol, body, pseudo):
        """`pseudo`: the checksum over header, payload and pseudo-header; None where not all is here."""
        readers = {_TCP: self._tcp, _UDP: self._udp, _SCTP: self._sctp, _GRE: self._gre}
        if protocol in readers:
            return readers[protocol](body, pseudo)
        if protocol == _ICMP:
            return self._icmp(body, checksum(body) == 0 if pseudo else True, _IPV4)
        if protocol == _ICMP6:
            return self._icmp(body, pseudo is None or pseudo(_ICMP6, body) == 0, _IPV6)
        if protocol == _IPIP:
            return self.ipv4(body)
        if protocol == _IP6:
            return self.ipv6(body)
        return f"protocol {protocol} {digest(body)}"

    def _tcp(self, body, pseudo):
        if len(body) < 20:
            return f"TCP {self._ports(body)} cut at {len(body)} {body[4:].hex()}"
        seq, ack, offset, flags, window, _, urgent = struct.unpack("!IIBBHHH", body[4:20])
        length = (offset >> 4) * 4
        names = "".join(name for bit, name in enumerate(_TCP_FLAGS) if flags >> bit & 1) or "-"
        words = [f"TCP {self._ports(body)} {names} seq {seq} ack {ack} win {window}"]
        words += [f"urgent {urgent}"] if urgent else []
        words += [f"options {body[20:length].hex()}"] if length > 20 else []
        words += [digest(body[length:])] if len(body) > length else []
        if pseudo and pseudo(_TCP, body) != 0:
            words.append("BAD CHECKSUM")
        return " ".join(words)

    def _udp(self, body, pseudo):
        if len(body) < 8:
            return f"UDP {self._ports(body)} cut at {len(body)}"
        target, length, stated = struct.unpack("!HHH", body[2:8])
        gue = target == GUE_PORT
        # The source port of a tunnel is the director's to choose.
        words = [f"GUE length {length}" if gue else f"UDP {self._ports(body)} length {length}"]
        if stated == 0:
            words.append("without checksum")
        elif pseudo and pseudo(_UDP, body) not in (0, 0xFFFF):
            words.append("BAD CHECKSUM")
        if gue and len(body) >= 12:
            return f"{' '.join(words)} | {self._gue(body[8:])}"
        words += [digest(body[8:])] if len(body) > 8 else []
        return " ".join(words)

    def _gue(self, body):
        """Generic UDP Encapsulation, as Linux's fou has it: version and length, protocol, flags."""
        first, protocol, flags = struct.unpack("!BBH", body[:4])
        size = 4 + (first & 31) * 4
        return f"GUE {first >> 5} {flags:#x} {body[4:size].hex()} | {self._transport(protocol, body[size:], None)}"

    def _sctp(self, body, _):
        if len(body) < 12:
            return f"SCTP {self._ports(body)} cut at {len(body)}"
        words = [f"SCTP {self._ports(body)} tag {struct.unpack('!I', body[4:8])[0]:#x}"]
        at = 12
        while at + 4 <= len(body):
            kind, flags, length = struct.unpack("!BBH", body[at:at + 4])
            words.append(f"chunk {kind}/{flags}/{length}")
            at += max(4, (length + 3) // 4 * 4)
        stated, right = struct.unpack("<I", body[8:12])[0], crc32c(body[:8] + bytes(4) + body[12:])
        words.append("sum ok" if stated == right else "BAD SUM")
        return " ".join(words)

    def _gre(self, body, _):
        flags, kind = struct.unpack("!HH", body[:4])
        size = 4 + (4 if flags & 0x8000 else 0) + (4 if flags & 0x2000 else 0) + (4 if flags & 0x1000 else 0)
        good = not flags & 0x8000 or checksum(body) == 0
        return f"GRE {flags:#x}{'' if good else ' BAD CHECKSUM'} | {self._network(body[size:], kind)}"

    def _icmp(self, body, good, kind):
        if len(body) < 8:
            return f"ICMP cut at {len(body)}"
        what, code, _, rest = struct.unpack("!BBHI", body[:8])
        words = [f"{'ICMP' if kind == _IPV4 else 'ICMPv6'} {what}/{code}", f"rest {rest:#x}" if rest else ""]
        words += ["" if good else "BAD CHECKSUM"]
        is_error = what in (3, 4, 5, 11, 12) if kind == _IPV4 else what < 128
        words.append(f"about [{self._network(body[8:], kind, quoted=True)}]" if is_error else digest(body[8:]))
        return " ".join(word for word in words if word)

    def _ports(self, body):
        if len(body) < 4:
            return "?"
        return " > ".join(self.port(number) for number in struct.unpack("!HH", body[:4]))

    def port(self, number):
        if number in self.ports:
            return self.ports[number]
        return f"f{number - CLIENT_PORTS}" if CLIENT_PORTS < number < CLIENT_PORTS + 1000 else str(number)


def digest(data):
    """Long data by its sum, short data as it is."""
    if not data:
        return "empty"
    return f"data {len(data)}:{data.hex() if len(data) <= 8 else format(zlib.crc32(data), '08x')}"


def mac_text(raw):
    return ":".join(f"{byte:02x}" for byte in raw)


def is_chatter(frame):
    """What a director's Linux says to find its neighbours and groups."""
    kind = struct.unpack("!H", frame[12:14])[0]
    if kind == _ARP:
        return True
    if kind == _IPV4:
        return frame[23] == 2  # IGMP
    if kind != _IPV6:
        return False
    protocol, at = frame[20], 54
    if protocol == _HOP_BY_HOP and len(frame) > 55:
        protocol, at = frame[54], 54 + (frame[55] + 1) * 8
    return protocol == _ICMP6 and len(frame) > at and frame[at] in _NEIGHBOUR_TALK


def ping_answered(frame):
    """The sequence number of the director's answer to our own ping; None: it is something else."""
    kind = struct.unpack("!H", frame[12:14])[0]
    at, protocol, answer = (34, frame[23], 0) if kind == _IPV4 else (54, frame[20], 129)
    if kind not in (_IPV4, _IPV6) or protocol not in (_ICMP, _ICMP6) or len(frame) < at + 8 or frame[at] != answer:
        return None
    identity, sequence = struct.unpack("!HH", frame[at + 4:at + 8])
    return sequence if identity == PING_IDENTITY else None


def _crc32c_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_CRC32C = _crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC32C[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF
