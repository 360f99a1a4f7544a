"""IP fragments: cutting packets, and putting together what a receiver would."""

import struct
from dataclasses import dataclass, field

from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.packet import Raw

_IPV4, _IPV6, _FRAGMENT = 0x0800, 0x86DD, 44
_ETHER_IPV4, _ETHER_IPV6 = _IPV4.to_bytes(2, "big"), _IPV6.to_bytes(2, "big")


@dataclass(frozen=True)
class Fragments:
    """A packet in pieces of `size` bytes of IP payload (a multiple of 8). `order`: which pieces are sent, and in which
    order, by number from 0; default: all, the first one first."""

    packet: object
    size: int = 400
    order: tuple | None = None
    ip: dict = field(default_factory=dict)

    def build(self, stage):
        (side, frame), = self.packet.build(stage)
        whole = type(frame)(bytes(frame))
        pieces = self._ipv4(whole) if IP in whole else self._ipv6(whole, stage.next_id())
        wanted = self.order if self.order is not None else range(len(pieces))
        return [(side, pieces[at]) for at in wanted]

    def _cut(self, payload):
        starts = range(0, len(payload), self.size)
        return [(start, payload[start:start + self.size], start + self.size < len(payload)) for start in starts]

    def _ipv4(self, whole):
        pieces = []
        for start, part, more in self._cut(bytes(whole[IP].payload)):
            head = whole[IP].copy()
            head.remove_payload()
            head.flags, head.frag, head.len, head.chksum = ("MF" if more else 0), start // 8, None, None
            frame = whole.copy()
            frame.remove_payload()
            pieces.append(frame / head / Raw(part))
        return pieces

    def _ipv6(self, whole, ident):
        pieces = []
        for start, part, more in self._cut(bytes(whole[IPv6].payload)):
            head = whole[IPv6].copy()
            head.remove_payload()
            inside, head.nh, head.plen = head.nh, _FRAGMENT, None
            frame = whole.copy()
            frame.remove_payload()
            pieces.append(frame / head / IPv6ExtHdrFragment(nh=inside, offset=start // 8, m=int(more),
                                                            id=ident) / Raw(part))
        return pieces


def put_together(frames):
    """(side, frame) of whole packets and of those whose pieces are all there, as a receiver makes them; pieces that
    lack others stay pieces. What comes through a tunnel in pieces is put together behind its end."""
    return _inside_tunnels(_joined(frames))


def _inside_tunnels(frames):
    plain, inside = [], {}
    for side, frame in frames:
        head = _tunnel_head(frame)
        inner = frame[:12] + (_ETHER_IPV4 if frame[head] >> 4 == 4 else _ETHER_IPV6) + frame[head:] if head else b""
        if not inner or _piece_of(inner) is None:
            plain.append((side, frame))
            continue
        # Pieces of one tunnel's packets are not another's.
        ends = frame[26:34] if frame[12:14] == _ETHER_IPV4 else frame[22:54]
        inside.setdefault((side, ends), []).append((frame[:head], inner))
    for (side, _), packets in inside.items():
        heads = [head for head, _ in packets]
        joined = _joined([(side, frame) for _, frame in packets])
        # Which head is no matter where there is one fewer: but for lengths they are alike.
        plain += [(side, _with_length(heads[at], frame[14:])) for at, (_, frame) in enumerate(joined)]
    return plain


def _tunnel_head(frame):
    """Where a plain IP tunnel's inner packet begins, or None."""
    inner = (4, 41)
    if frame[12:14] == _ETHER_IPV4 and len(frame) > 34 and frame[23] in inner:
        _, _, fragment = struct.unpack("!HHH", frame[16:22])
        head = 14 + (frame[14] & 15) * 4
        return head if not fragment & 0x3FFF and len(frame) > head else None
    return 54 if frame[12:14] == _ETHER_IPV6 and len(frame) > 54 and frame[20] in inner else None


def _with_length(head, data):
    if head[12:14] == _ETHER_IPV4:
        ip = IP(head[14:])
        ip.len, ip.chksum = len(head) - 14 + len(data), None
        return head[:14] + bytes(ip) + data
    return head[:18] + len(data).to_bytes(2, "big") + head[20:] + data


def _joined(frames):
    whole, parts = [], {}
    for side, frame in frames:
        piece = _piece_of(frame)
        if piece is None:
            whole.append((side, frame))
        else:
            parts.setdefault((side, piece.key), []).append((piece, frame))
    for (side, _), pieces in parts.items():
        packet = _whole_of(pieces)
        whole += [(side, packet)] if packet else [(side, frame) for _, frame in pieces]
    return whole


@dataclass
class _Piece:
    key: tuple
    start: int
    data: bytes
    more: bool


def _piece_of(frame):
    kind = struct.unpack("!H", frame[12:14])[0]
    if kind == _IPV4 and len(frame) >= 34:
        total, ident, fragment = struct.unpack("!HHH", frame[16:22])
        if not fragment & 0x3FFF:
            return None
        length = (frame[14] & 15) * 4
        return _Piece((frame[:12], frame[23], frame[26:34], ident), (fragment & 0x1FFF) * 8,
                      frame[14 + length:14 + total],
                      bool(fragment & 0x2000))
    if kind == _IPV6 and len(frame) >= 62 and frame[20] == _FRAGMENT:
        fragment, ident = struct.unpack("!HI", frame[56:62])
        end = 54 + struct.unpack("!H", frame[18:20])[0]
        return _Piece((frame[:12], frame[22:54], ident), fragment & ~7, frame[62:end], bool(fragment & 1))
    return None


def _whole_of(pieces):
    pieces = sorted(pieces, key=lambda entry: entry[0].start)
    data = b""
    for piece, _ in pieces:
        if piece.start > len(data):
            return None
        data += piece.data[len(data) - piece.start:]
    first, frame = pieces[0]
    if first.start or pieces[-1][0].more:
        return None
    if frame[12:14] == b"\x08\x00":
        length = (frame[14] & 15) * 4
        head = IP(frame[14:14 + length])
        head.flags, head.len, head.chksum = 0, length + len(data), None
        return frame[:14] + bytes(head) + data
    head = bytearray(frame[14:54])
    head[4:6] = len(data).to_bytes(2, "big")
    head[6] = frame[54]
    return frame[:14] + bytes(head) + data
