"""Every kind of tunnel, between all families."""

from conformance.frames import Packet, sctp, syn, tcp, udp
from conformance.model import Case, Deviates, Real, Service
from conformance.reading import GUE_PORT
from conformance.steps import Connections, Quietly, Send, Wait, from_real

# Name: ipvsadm's arguments, Shunt's `tunnel`, bytes beside the outer IP header.
KINDS = {
    "ipip": ("", None, 0),
    "gre": ("--tun-type gre --tun-nocsum", {"kind": "gre"}, 4),
    "gre-checksum": ("--tun-type gre --tun-csum", {"kind": "gre", "checksum": "full"}, 8),
    "gue": (f"--tun-type gue --tun-port {GUE_PORT} --tun-nocsum", {"kind": "gue", "port": GUE_PORT}, 12),
    "gue-checksum": (f"--tun-type gue --tun-port {GUE_PORT} --tun-csum",
                     {"kind": "gue", "port": GUE_PORT, "checksum": "full"}, 12),
}
MTU = 1400


def service(kind, outer, protocol="tcp", real=1):
    kernel, shunt, _ = KINDS[kind]
    return Service((Real(real, kernel=kernel, family=outer),), protocol=protocol, method="tunnel",
                   shunt={"tunnel": shunt} if shunt else {})


def tcp_of(size, family, **more):
    return Packet(flags="PA", payload=bytes(size - (40 if family == 4 else 60)), **more)


def _table():
    for kind, (_, _, added) in KINDS.items():
        for inner in (4, 6):
            for outer in (4, 6):
                room = MTU - added - (20 if outer == 4 else 40)

                def case(what, *steps, protocol="tcp", kind=kind, inner=inner, outer=outer, **more):
                    return Case(f"{kind}-{inner}in{outer}-{what}", (service(kind, outer, protocol),), steps, inner,
                                **more)
                marked = Deviates("tunnel-ecn", {1: r".*inside > r1 \S+ 63 (tos|class) 0x3 .*\| .*"})
                yield case("syn", Send(syn()), Connections(), core=True)
                yield case("data", Quietly(syn()), Send(tcp("PA", payload=bytes(range(99)))))
                yield case("udp", Send(udp(payload=b"odd")), Connections(), protocol="udp")
                yield case("without-df", Send(syn(df=False)))
                yield case("dscp", Send(syn(tos=0x28)))
                yield case("ect", Send(syn(tos=0x01)))
                yield case("ce", Send(syn(tos=0x03)), deviates=marked)
                yield case("ttl-2", Send(syn(ttl=2)))
                yield case("ttl-1", Send(syn(ttl=1)))
                yield case("wrong-checksum", Send(syn(layer={"chksum": 0x1234})))
                yield case("just-fits", Quietly(syn()), Send(tcp_of(room, inner)))
                yield case("one-too-big", Quietly(syn()), Send(tcp_of(room + 1, inner)), core=inner == outer)


def _path_mtus():
    """A router on the way says too big of the outer packet; each with a real of its own, whose path both remember."""
    told = Deviates("icmp-tunnel-mtu", {3: "outside to router: .* ICMP 3/4 .*"})
    for real, kind in enumerate([kind for kind in KINDS if kind != "ipip"], 18):
        big = tcp_of(1340, 4)
        yield Case(f"{kind}-too-big-learned", (service(kind, 4, real=real),), (
            Quietly(syn()), Quietly(big), Send(from_real("too-big", mtu=1340, sender="r9", quote=500)), Wait(0.3), Send(big)),
            4, deviates=told)


# Remote checksum offload changes a packet only where its sender left the inner checksum to its card, as none that is
# forwarded did: then it is a checksum outside.
REMOTE = (f"--tun-type gue --tun-port {GUE_PORT} --tun-remcsum", {"kind": "gue", "port": GUE_PORT, "checksum": "remote"})


def _remote_checksums():
    for inner in (4, 6):
        for outer in (4, 6):
            for protocol, packet in (("tcp", syn()), ("udp", udp(payload=b"odd")), ("sctp", sctp())):
                kernel, shunt = REMOTE
                one = Service((Real(1, kernel=kernel, family=outer),), protocol=protocol, method="tunnel",
                              shunt={"tunnel": shunt})
                end = f"{inner}in{outer}-{protocol}"
                yield Case(f"gue-remote-{end}", (one,), (Send(packet), Connections()), inner, core=protocol == "tcp")
                if protocol == "tcp":
                    yield Case(f"gue-remote-data-{end}", (one,), (Quietly(packet), Send(tcp("PA", payload=bytes(range(99))))),
                               inner)
                    yield Case(f"gue-remote-wrong-checksum-{end}", (one,), (Send(syn(layer={"chksum": 0x1234})),), inner)
                if protocol == "udp" and inner == 4:
                    yield Case(f"gue-remote-without-checksum-{end}", (one,), (Send(udp(layer={"chksum": 0})),), inner)


CASES = [*_table(), *_path_mtus(), *_remote_checksums()]
