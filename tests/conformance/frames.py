"""Packets of the cases as frames, put together by Scapy."""

from dataclasses import dataclass, field

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Ether
from scapy.layers.sctp import SCTP
from scapy.packet import Raw

from conformance.model import VPORT
from conformance.twins import DIRECTOR_MAC, FAMILIES, INSIDE, OUTSIDE, ROUTER_MAC, real_mac

CLIENT_PORTS = 20000  # flow n of a client has this and n
CLIENT, REAL, VIP = "client", "real", "vip"


def client_port(flow):
    return CLIENT_PORTS + flow


@dataclass(frozen=True)
class Packet:
    """One packet of a client's flow, or of a real's answer to it. `real`: who answers; None: who has the flow. The
    sender VIP is what a client sees of a real's answer: only to be quoted, never sent."""

    sender: str = CLIENT
    protocol: str = "tcp"
    flow: int = 1
    client: int = 1
    real: int | None = None
    vip: str = "v1"
    port: int | str | None = None  # None: the case's own VPORT, or the real's
    source_port: int | str | None = None
    flags: str = "S"
    ttl: int = 64
    tos: int = 0
    df: bool = True
    payload: bytes = b""
    options: tuple = ()
    layer: dict = field(default_factory=dict)  # more fields of the TCP, UDP or ICMP layer
    ip: dict = field(default_factory=dict)  # more fields of the IP layer
    mac: str | None = None

    def build(self, stage):
        source, destination, ports = self._ends(stage)
        network = network_layer(stage, source, destination, self)
        if self.protocol in _IPSEC:
            setattr(network, "proto" if stage.family.version == 4 else "nh", _IPSEC[self.protocol][0])
        return [(self.side, self._ether(stage) / network / self._transport(ports))]

    @property
    def side(self):
        return INSIDE if self.sender == REAL else OUTSIDE

    def _ends(self, stage):
        client = stage.family.address(f"c{self.client}")
        client_end = self.source_port or client_port(self.flow)
        client_end = stage.port(client_end)
        if self.sender == CLIENT:
            return client, stage.family.address(self.vip), (client_end, stage.port(self.port or VPORT))
        if self.sender == VIP:
            return stage.family.address(self.vip), client, (stage.port(self.port or VPORT), client_end)
        number = self._answering(stage)
        return stage.family.address(f"r{number}"), client, (stage.port(self.port or stage.real_port(number)),
                                                            client_end)

    def _answering(self, stage):
        return self.real or stage.real_of(self.client, self.flow)

    def _ether(self, stage):
        source = real_mac(self._answering(stage)) if self.sender == REAL else ROUTER_MAC
        return Ether(src=source, dst=self.mac or DIRECTOR_MAC[self.side])

    def _transport(self, ports):
        source, destination = ports
        if self.protocol == "tcp":
            fields = {"seq": 1000, "ack": 2000 if "A" in self.flags else 0, "window": 4096, **self.layer}
            head = TCP(sport=source, dport=destination, flags=self.flags, options=list(self.options), **fields)
        elif self.protocol == "udp":
            head = UDP(sport=source, dport=destination, **self.layer)
        elif self.protocol in _IPSEC:
            return Raw(_IPSEC[self.protocol][1] + self.payload)
        elif self.protocol == "sctp":
            return SCTP(sport=source, dport=destination, **{"tag": 0x5348, **self.layer}) / Raw(chunks(self.flags))
        else:
            raise ValueError(f"no packets of {self.protocol} here")
        return head / Raw(self.payload) if self.payload else head


# IPsec's protocols: their numbers, and how their headers begin (RFC 4303 section 2, RFC 4302 section 2).
_IPSEC = {"esp": (50, bytes.fromhex("0000100100000001")), "ah": (51, bytes.fromhex("11040000000010010000000100112233445566778899aabb"))}

# Chunks of SCTP (RFC 9260 section 3.3): type, flags, bytes behind the chunk's header.
_CHUNKS = {"DATA": (0, 3, 16), "INIT": (1, 0, 16), "INIT-ACK": (2, 0, 16), "SACK": (3, 0, 12), "HEARTBEAT": (4, 0, 8),
           "ABORT": (6, 0, 0), "SHUTDOWN": (7, 0, 4), "SHUTDOWN-ACK": (8, 0, 0), "ERROR": (9, 0, 4),
           "COOKIE-ECHO": (10, 0, 8),
           "COOKIE-ACK": (11, 0, 0), "SHUTDOWN-COMPLETE": (14, 0, 0)}


def chunks(names):
    """The bytes of "COOKIE-ECHO+DATA"."""
    return b"".join(bytes([kind, flags]) + (4 + size).to_bytes(2, "big") + bytes(size)
                    for kind, flags, size in (_CHUNKS[name] for name in names.split("+")))


def network_layer(stage, source, destination, packet):
    if stage.family.version == 4:
        fields = {"id": stage.next_id(), "flags": "DF" if packet.df else 0, **packet.ip}
        stage.reader.sent_ids.add(fields["id"])
        return IP(src=source, dst=destination, ttl=packet.ttl, tos=packet.tos, **fields)
    if "fl" in packet.ip:
        stage.reader.sent_labels.add(packet.ip["fl"])
    return IPv6(src=source, dst=destination, hlim=packet.ttl, tc=packet.tos, **packet.ip)


def tcp(flags, **more):
    return Packet(flags=flags, **more)


def syn(**more):
    return Packet(flags="S", **more)


def udp(**more):
    return Packet(**{"protocol": "udp", "payload": b"hello", **more})


def reply(flags="SA", **more):
    """From the flow's real, under nat."""
    return Packet(sender=REAL, flags=flags, **more)


def sctp(flags="INIT", **more):
    return Packet(**{"protocol": "sctp", "flags": flags, **more})


def sealed(protocol, **more):
    """A packet of IPsec."""
    return Packet(**{"protocol": protocol, "payload": bytes(range(40)), **more})


def udp_reply(**more):
    return udp(sender=REAL, **more)


@dataclass(frozen=True)
class Echo:
    """A ping to an address of the topology."""

    to: str
    payload: bytes = b"ping"
    ttl: int = 64
    tos: int = 0
    df: bool = True
    ip: dict = field(default_factory=dict)

    def build(self, stage):
        network = network_layer(stage, stage.family.address("c1"), stage.family.address(self.to), self)
        return [(OUTSIDE, Ether(src=ROUTER_MAC, dst=DIRECTOR_MAC[OUTSIDE]) / network /
                 echo_layer(stage.family, 7, 1) / Raw(self.payload))]


def echo_layer(family, identity, sequence):
    if family.version == 4:
        return ICMP(type=8, id=identity, seq=sequence)
    return ICMPv6EchoRequest(id=identity, seq=sequence)


def ping(family, side, sequence):
    """The frame that asks the director itself; its answer says that all before it was dealt with."""
    family = FAMILIES[family]
    source, mac = (family.address("c250"), ROUTER_MAC) if side == OUTSIDE else (family.address("r24"), real_mac(24))
    layer = IP if family.version == 4 else IPv6
    return bytes(Ether(src=mac, dst=DIRECTOR_MAC[side]) / layer(src=source, dst=family.address(side)) /
                 echo_layer(family, PING_IDENTITY, sequence))


PING_IDENTITY = 0x5348
