"""The traffic of config/examples/bench.yaml as frames: N flows are N different addresses and ports of clients, so that the
load balancer holds N connections, whatever the frames' size and protocol. What `capture` writes and `testpmd` replays."""

import ipaddress
import os
import random
import struct
from dataclasses import dataclass

FCS_BYTES = 4
# The mix of frame sizes that CSIT and most vendors report: seven small, four middle-sized, one large.
IMIX = (64,) * 7 + (570,) * 4 + (1518,)
PROTOCOLS = ("udp", "tcp-syn", "tcp-ack")
METHODS = ("nat", "fullnat", "direct", "tunnel")
CLIENT_MAC, LB_MAC = "02:00:00:00:01:01", "02:00:00:00:00:01"
# RFC 2544 and RFC 5180: the addresses that are for benchmarks.
_CLIENTS = {4: ipaddress.ip_address("198.18.0.0"), 6: ipaddress.ip_address("2001:2:0:1::")}
_VIPS = {4: ipaddress.ip_address("203.0.113.10"), 6: ipaddress.ip_address("2001:2:0:80::10")}
_CLIENT_ADDRESSES = 1 << 16
_FIRST_CLIENT_PORT, _CLIENT_PORTS = 1024, 64512
MOST_FLOWS = _CLIENT_ADDRESSES * _CLIENT_PORTS
SERVICE_PORT = 80
_TCP_FLAGS = {"tcp-syn": 0x02, "tcp-ack": 0x10}
_LEAST_FRAMES = 1024  # of a source: replaying a shorter one measures how it is walked round
_FORMAT = 1  # changes with what is in a frame: a capture made by older code is not used again
_PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
_PCAP_RECORD = struct.Struct("<IIII")


class TrafficError(Exception):
    """What was asked for cannot be made; the text says why and what can."""


def vip_of(method, version=4):
    """The service's address for a forwarding method, as bench.yaml has it."""
    return _VIPS[version] + METHODS.index(method)


@dataclass(frozen=True)
class Traffic:
    """`size` is a frame's length with its check sequence, or "imix"."""
    flows: int = 1000
    size: object = 64
    protocol: str = "udp"
    method: str = "nat"
    version: int = 4

    def __post_init__(self):
        if not 1 <= self.flows <= MOST_FLOWS:
            raise TrafficError(f"{self.flows} flows; 1 to {MOST_FLOWS} have different addresses and ports")
        least = max(64, len(self._headers(0)) + FCS_BYTES)
        for size in self.sizes():
            if not least <= size <= 1518:
                raise TrafficError(f"frames of {size} bytes; {self.protocol} over IPv{self.version} takes {least} to 1518")

    def sizes(self):
        """Of frames that follow each other, check sequence included."""
        if self.size != "imix":
            return (self.size,)
        # The smallest that the headers allow stands for 64: 66 for UDP over IPv6, 78 for TCP.
        return tuple(max(size, len(self._headers(0)) + FCS_BYTES) for size in IMIX)

    def frame(self, flow, size):
        """One frame without check sequence, every checksum right."""
        headers = self._headers(flow, size - FCS_BYTES)
        return headers + bytes(size - FCS_BYTES - len(headers))

    def name(self):
        """Says all that is in the frames: a file of this name need not be made again."""
        return f"{self.method}-ipv{self.version}-{self.protocol}-{self.size}-{self.flows}"

    def _headers(self, flow, length=0):
        source = (_CLIENTS[self.version] + flow % _CLIENT_ADDRESSES).packed
        destination = vip_of(self.method, self.version).packed
        ports = struct.pack("!HH", _FIRST_CLIENT_PORT + flow // _CLIENT_ADDRESSES, SERVICE_PORT)
        ethernet = b"".join(bytes.fromhex(mac.replace(":", "")) for mac in (LB_MAC, CLIENT_MAC))
        number = 17 if self.protocol == "udp" else 6
        ip_bytes = 20 if self.version == 4 else 40
        payload_bytes = max(0, length - 14 - ip_bytes)  # of the network layer
        pseudo = source + destination + struct.pack("!IBBH", payload_bytes, 0, 0, number)
        if self.protocol == "udp":
            segment = ports + struct.pack("!HH", payload_bytes, 0)
            at = 6
        else:
            segment = ports + struct.pack("!IIBBHHH", 1, 1 if self.protocol == "tcp-ack" else 0, 5 << 4,
                                          _TCP_FLAGS[self.protocol], 65535, 0, 0)
            at = 16
        # The payload is zeros: it adds nothing to the sum.
        segment = segment[:at] + struct.pack("!H", _checksum(pseudo + segment)) + segment[at + 2:]
        if self.version == 6:
            ip = struct.pack("!IHBB", 6 << 28, payload_bytes, number, 64) + source + destination
            return ethernet + b"\x86\xdd" + ip + segment
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + payload_bytes, 0, 0x4000, 64, number, 0) + source + destination
        ip = ip[:10] + struct.pack("!H", _checksum(ip)) + ip[12:]
        return ethernet + b"\x08\x00" + ip + segment


def _checksum(data):
    """RFC 1071, of an even number of bytes; never 0, which UDP reserves."""
    return 65535 - int.from_bytes(data, "big") % 65535


def order_of(flows):
    """The flow of each frame: all equally often, in an order that no predictor knows, the same every time."""
    order, turn = [], random.Random(flows)
    while len(order) < _LEAST_FRAMES:
        cycle = list(range(flows))
        turn.shuffle(cycle)
        order += cycle
    return order


def write_pcap(path, traffic):
    """Under another name first: a file that is there is whole. Returns how many frames it has."""
    order, sizes = order_of(traffic.flows), list(traffic.sizes())
    random.Random(0).shuffle(sizes)
    with open(path + ".part", "wb", buffering=1 << 20) as out:
        out.write(_PCAP_HEADER)
        for at, flow in enumerate(order):
            frame = traffic.frame(flow, sizes[at % len(sizes)])
            out.write(_PCAP_RECORD.pack(0, 0, len(frame), len(frame)) + frame)
    os.rename(path + ".part", path)
    return len(order)


def source(folder, traffic):
    """Path and number of frames of the capture; made once, then kept in `folder`."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"pktgen-{traffic.name()}-v{_FORMAT}.pcap")
    if os.path.exists(path):
        return path, len(order_of(traffic.flows))
    return path, write_pcap(path, traffic)


def _frame_size(text):
    return text if text == "imix" else int(text)


def add_options(parser):
    """The words for traffic on a command line."""
    parser.add_argument("--flows", "--connections", type=int, default=1000, metavar="N",
                        help="different client addresses and ports (1000)")
    parser.add_argument("--size", type=_frame_size, metavar="BYTES",
                        help="of a frame with its check sequence, or imix (64; 78 for IPv6)")
    parser.add_argument("--protocol", choices=PROTOCOLS, default="udp", help="udp, or TCP packets of one kind (udp)")
    parser.add_argument("--method", choices=METHODS, default="nat", help="whose service gets them (nat)")
    parser.add_argument("--ipv6", action="store_true", help="IPv6 frames")


def of_options(options):
    size = options.size or (78 if options.ipv6 else 64)
    return Traffic(options.flows, size, options.protocol, options.method, 6 if options.ipv6 else 4)
