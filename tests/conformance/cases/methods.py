"""What reals and clients receive: every forwarding method, header by header."""

from conformance.frames import Echo, Packet, reply, syn, tcp, udp, udp_reply
from conformance.model import RPORT, Case, Deviates, Service, reals
from conformance.steps import Connections, Counters, Quietly, Send

METHODS = ("direct", "tunnel", "nat")
DATA = bytes(range(64))
MSS = (("MSS", 1460), ("SAckOK", b""), ("NOP", None), ("WScale", 7))
TIMESTAMPS = (("NOP", None), ("NOP", None), ("Timestamp", (123456, 654321)))
SMALLEST_IPV6 = 1280


def case(name, method, *steps, family=4, protocol="tcp", port=None, **more):
    return Case(name, (Service(reals(1, port=port), protocol=protocol, method=method),), steps, family, **more)


def refused(number, state):
    return Deviates("refused-packet", {number: f"tcp .* {state}"})


def without_checksum(number):
    return Deviates("udp-without-checksum", {number: ".* UDP .* without checksum .*"})


def _requests():
    for method in METHODS:
        for family in (4, 6):
            end = "" if family == 4 else "-ipv6"
            fields = {"family": family}
            yield case(f"{method}-syn{end}", method, Send(syn(options=MSS)), Connections(), core=True, **fields)
            yield case(f"{method}-data{end}", method, Quietly(syn()), Quietly(tcp("A")), Send(tcp("PA", payload=DATA)),
                       core=True, **fields)
            yield case(f"{method}-odd-length{end}", method, Quietly(syn()), Send(tcp("PA", payload=b"odd")), **fields)
            yield case(f"{method}-timestamps{end}", method, Send(syn(options=MSS + TIMESTAMPS)),
                       Send(tcp("A", options=TIMESTAMPS)), **fields)
            yield case(f"{method}-udp{end}", method, Send(udp(payload=DATA)), Connections(), protocol="udp", core=True,
                       **fields)
            yield case(f"{method}-udp-empty{end}", method, Send(udp(payload=b"")), protocol="udp", **fields)
            yield case(f"{method}-udp-odd{end}", method, Send(udp(payload=b"odd")), protocol="udp", **fields)
            yield case(f"{method}-without-df{end}", method, Send(syn(df=False)), **fields)
            for tos, name in ((0x28, "dscp"), (0x02, "ect"), (0x03, "ce"), (0xB9, "dscp-and-ect")):
                marked = Deviates("tunnel-ecn", {1: rf".*inside > r1 \S+ 63 (tos|class) {tos:#x} .*\| .*"})
                yield case(f"{method}-{name}{end}", method, Send(syn(tos=tos)),
                           deviates=marked if (method, name) == ("tunnel", "ce") else None, **fields)
            for ttl in (255, 3, 2, 1):
                yield case(f"{method}-ttl-{ttl}{end}", method, Send(syn(ttl=ttl)), Connections(), core=ttl in (2, 1),
                           deviates=refused(2, "NONE \\d+s") if ttl == 1 else None, **fields)
            yield case(f"{method}-ttl-1-of-a-known-connection{end}", method, Quietly(syn()), Send(tcp("A", ttl=1)),
                       Connections(), deviates=refused(3, "SYN_RECV \\d+s"), **fields)
            yield case(f"{method}-wrong-checksum-stays-wrong{end}", method, Send(syn(layer={"chksum": 0x1234})),
                       **fields)
        yield case(f"{method}-udp-without-checksum", method, Send(udp(payload=DATA, layer={"chksum": 0})),
                   protocol="udp",
                   deviates=without_checksum(1) if method == "nat" else None)
        yield case(f"{method}-ip-options", method, Send(syn(ip={"options": b"\x94\x04\x00\x00"})), Connections())
        yield case(f"{method}-ip-id-kept", method, Send(syn(ip={"id": 0x1001})))
        labelled = Deviates("tunnel-flow-label", {1: ".*inside > r1 hops 63 label 0x12345 .*"})
        yield case(f"{method}-flow-label", method, Send(syn(ip={"fl": 0x12345})), family=6,
                   deviates=labelled if method == "tunnel" else None)
        yield case(f"{method}-padded-frame", method, Send(Padded(tcp("S"))))


class Padded:
    """A packet with Ethernet's padding behind it, as short frames have."""

    def __init__(self, packet, padding=6):
        self._packet, self._padding = packet, padding

    def build(self, stage):
        return [(side, bytes(frame) + bytes(self._padding)) for side, frame in self._packet.build(stage)]


def big(size, family, protocol="tcp", **more):
    """A packet of `size` bytes, IP header included."""
    headers = {("tcp", 4): 40, ("tcp", 6): 60, ("udp", 4): 28, ("udp", 6): 48}[protocol, family]
    if protocol == "udp":
        return udp(payload=bytes(size - headers), **more)
    return tcp("PA", payload=bytes(size - headers), **more)


def _sizes():
    """The way to the reals takes 1400 bytes, of which a tunnel takes 20 or 40."""
    for method in METHODS:
        for family in (4, 6):
            end = "" if family == 4 else "-ipv6"
            room = 1400 - ((20 if family == 4 else 40) if method == "tunnel" else 0)
            fields = {"family": family}
            yield case(f"{method}-just-fits{end}", method, Quietly(syn()), Send(big(room, family)), core=True, **fields)
            yield case(f"{method}-one-too-big{end}", method, Quietly(syn()), Send(big(room + 1, family)), Connections(),
                       deviates=refused(3, "SYN_RECV \\d+s"), core=True, **fields)
            yield case(f"{method}-udp-one-too-big{end}", method, Send(big(room + 1, family, "udp")), Connections(),
                       protocol="udp", **fields)
            yield case(f"{method}-full-size{end}", method, Quietly(syn()), Send(big(1500, family)), **fields)


def _replies():
    for family in (4, 6):
        end = "" if family == 4 else "-ipv6"
        fields = {"family": family}
        yield case(f"nat-syn-ack{end}", "nat", Send(syn()), Send(reply("SA", options=MSS)), Connections(), core=True,
                   **fields)
        yield case(f"nat-reply-data{end}", "nat", Quietly(syn()), Quietly(reply("SA")), Quietly(tcp("A")),
                   Send(reply("PA", payload=DATA)), Send(reply("PA", payload=b"odd")), core=True, **fields)
        yield case(f"nat-real-port{end}", "nat", Send(syn()), Send(reply("SA")), Send(tcp("PA", payload=DATA)),
                   Connections(),
                   port=RPORT, core=True, **fields)
        yield case(f"nat-real-port-udp{end}", "nat", Send(udp(payload=DATA)), Send(udp_reply(payload=DATA)),
                   Connections(),
                   protocol="udp", port=RPORT, core=True, **fields)
        yield case(f"nat-udp-reply{end}", "nat", Send(udp()), Send(udp_reply()), Connections(), Counters(),
                   protocol="udp",
                   **fields)
        yield case(f"nat-reply-ttl{end}", "nat", Quietly(syn()), Send(reply(ttl=2)), Send(reply(ttl=1)), Connections(),
                   **fields)
        yield case(f"nat-reply-tos{end}", "nat", Quietly(syn()), Send(reply(tos=0x2B)), **fields)
        yield case(f"nat-reply-wrong-checksum{end}", "nat", Quietly(syn()), Send(reply(layer={"chksum": 0x4321})),
                   **fields)
        yield case(f"nat-reply-of-nobody{end}", "nat", Send(Packet(sender="real", real=2, flags="SA")), **fields)
        yield case(f"nat-reply-from-another-real{end}", "nat", Quietly(syn()),
                   Send(Packet(sender="real", real=2, flags="SA")),
                   Connections(), **fields)
        yield case(f"nat-real-begins-itself{end}", "nat", Send(Packet(sender="real", real=1, flags="S", port=5555)),
                   **fields)
    yield case("nat-udp-reply-without-checksum", "nat", Quietly(udp()), Send(udp_reply(layer={"chksum": 0})),
               protocol="udp",
               deviates=without_checksum(2))
    yield case("nat-reply-ip-options", "nat", Quietly(syn()), Send(reply(ip={"options": b"\x94\x04\x00\x00"})))


def _not_ours():
    for family in (4, 6):
        end = "" if family == 4 else "-ipv6"
        fields = {"family": family}
        yield case(f"other-port{end}", "direct", Send(syn(port=7)), Connections(), core=True, **fields)
        yield case(f"other-vip{end}", "direct", Send(syn(vip="v2")), **fields)
        yield case(f"other-protocol-udp{end}", "direct", Send(udp()), **fields)
        yield case(f"other-protocol-tcp{end}", "direct", Send(syn()), protocol="udp", **fields)
        yield case(f"ping-vip{end}", "direct", Send(Echo("v1")), core=True, **fields)
        yield case(f"ping-vip-odd{end}", "nat", Send(Echo("v2", payload=b"odd")), **fields)
        yield case(f"another-stations-frame{end}", "direct", Send(syn(mac="02:53:48:77:77:77")), Connections(),
                   **fields)


CASES = [*_requests(), *_sizes(), *_replies(), *_not_ours()]
