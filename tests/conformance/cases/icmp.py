"""ICMP errors about connections: to whom they go, and what of them is translated."""

from conformance.frames import VIP, Packet, reply, syn, tcp, udp, udp_reply
from conformance.model import RPORT, Case, Deviates, Real, Service
from conformance.steps import Counters, Quietly, Send, States, Wait, about_answer, from_client, from_real

KINDS = ("net-unreachable", "host-unreachable", "port-unreachable", "too-big", "time-exceeded", "reassembly-time",
         "parameter")
KINDS4 = (*KINDS, "protocol-unreachable", "source-quench", "redirect")


def case(name, method, *steps, family=4, protocol="tcp", port=None, real=1, **more):
    """`real`: another one where a path's MTU is learned, which both directors remember for minutes."""
    one = (Real(real, port=port),)
    return Case(name, (Service(one, protocol=protocol, method=method),), steps, family, **more)


def checked(family, number, **more):
    """Of ICMPv6 under nat, where Linux drops what is right."""
    shown = {number: "outside to router: .* ICMPv6 .*", **more.get("also", {})}
    return Deviates("icmpv6-checksum", shown) if family == 6 else None


def kinds(family):
    return KINDS4 if family == 4 else KINDS


def _about_requests():
    """What a real, or a router on the way to it, says of a client's packet."""
    for family in (4, 6):
        end = "" if family == 4 else "-ipv6"
        fields = {"family": family}
        for kind in kinds(family):
            yield case(f"icmp-of-real-{kind}-nat{end}", "nat", Quietly(syn()),
                       Send(from_real(kind, mtu=1300 if kind == "too-big" else 0)),
                       States(), deviates=checked(family, 2), core=kind in ("port-unreachable", "too-big"), **fields)
        yield case(f"icmp-of-real-udp-nat{end}", "nat", Quietly(udp()), Send(from_real()), States(), Counters(),
                   protocol="udp", port=RPORT, deviates=checked(family, 2, also={4: "r1 conns 1 in 1/53 out 1/101 .*"}),
                   core=True, **fields)
        yield case(f"icmp-of-real-port-nat{end}", "nat", Quietly(syn()), Send(from_real()), port=RPORT,
                   deviates=checked(family, 2), **fields)
        yield case(f"icmp-of-router-to-real-nat{end}", "nat", Quietly(syn()),
                   Send(from_real("time-exceeded", sender="r9")),
                   deviates=checked(family, 2), **fields)
        yield case(f"icmp-of-real-direct{end}", "direct", Quietly(syn()), Send(from_real(sender="r1")), States(),
                   **fields)
        least = 28 if family == 4 else 48
        yield case(f"icmp-of-real-shortest-quote-nat{end}", "nat", Quietly(syn()), Send(from_real(quote=least)),
                   deviates=checked(family, 2), **fields)
        yield case(f"icmp-of-real-quote-cut-in-ports-nat{end}", "nat", Quietly(syn()), Send(from_real(quote=least - 5)),
                   **fields)
        yield case(f"icmp-of-real-quote-of-header-nat{end}", "nat", Quietly(syn()), Send(from_real(quote=least - 8)),
                   **fields)
        yield case(f"icmp-of-real-wrong-checksum-nat{end}", "nat", Quietly(syn()),
                   Send(from_real(layer={"chksum" if family == 4 else "cksum": 0x1111})), States(), **fields)
        yield case(f"icmp-of-real-about-nothing-nat{end}", "nat", Quietly(syn()),
                   Send(from_real(about=Packet(flow=77, real=1), sender="r1", to="c1")), **fields)


def _about_replies():
    """What a client, or a router on the way to it, says of a real's packet."""
    for family in (4, 6):
        end = "" if family == 4 else "-ipv6"
        fields = {"family": family}
        for kind in kinds(family):
            mtu = 1300 if kind == "too-big" else 0
            yield case(f"icmp-of-client-{kind}-nat{end}", "nat", Quietly(syn()), Quietly(reply("SA")),
                       Send(from_client(kind, mtu=mtu)),
                       States(), core=kind in ("port-unreachable", "too-big"), **fields)
            for method in ("direct", "tunnel"):
                yield case(f"icmp-of-client-{kind}-{method}{end}", method, Quietly(syn()),
                           Send(about_answer(kind, mtu=mtu)),
                           States(), core=kind == "too-big", **fields)
        yield case(f"icmp-of-client-udp-nat{end}", "nat", Quietly(udp()), Quietly(udp_reply()), Send(from_client()),
                   States(),
                   Counters(), protocol="udp", port=RPORT, **fields)
        for method in ("direct", "tunnel"):
            yield case(f"icmp-of-client-udp-{method}{end}", method, Quietly(udp()),
                       Send(about_answer(answer=udp(sender=VIP))), Counters(), protocol="udp", **fields)
        yield case(f"icmp-of-router-to-client-nat{end}", "nat", Quietly(syn()), Quietly(reply("SA")),
                   Send(from_client("too-big", mtu=1280, sender="c9")), core=True, **fields)
        yield case(f"icmp-of-router-to-client-direct{end}", "direct", Quietly(syn()),
                   Send(about_answer("too-big", mtu=1280, sender="c9")), **fields)
        least = 28 if family == 4 else 48
        for method in ("direct", "tunnel", "nat"):
            steps = (Quietly(syn()), *([Quietly(reply("SA"))] if method == "nat" else []))
            error = from_client if method == "nat" else about_answer
            yield case(f"icmp-of-client-shortest-quote-{method}{end}", method, *steps, Send(error(quote=least)),
                       **fields)
            yield case(f"icmp-of-client-wrong-checksum-{method}{end}", method, *steps,
                       Send(error(layer={"chksum" if family == 4 else "cksum": 0x1111})), States(),
                       deviates=Deviates("icmpv6-checksum", {len(steps) + 1: "nothing"}) if family == 6 else None,
                       **fields)
        yield case(f"icmp-of-client-about-nothing{end}", "direct", Quietly(syn()),
                   Send(about_answer(answer=Packet(sender=VIP, flags="A", flow=77))), **fields)
        yield case(f"icmp-after-end-of-connection{end}", "nat", Quietly(syn()), Quietly(reply("SA")), Quietly(tcp("A")),
                   Quietly(tcp("R")), Send(from_real()), States(), deviates=checked(family, 5), **fields)


def tunnel_deviates(family, kind):
    if kind == "source-quench":
        return Deviates("source-quench", {2: "nothing"})
    if kind == "too-big" and family == 4:
        return Deviates("icmp-impossible-mtu", {2: "nothing"})
    if family == 6 and kind not in ("too-big", "parameter"):
        return Deviates("icmpv6-tunnel", {2: "outside to router: .* ICMPv6 .*"})
    return None


def _about_tunnels():
    """What a router on the way to a real says of the director's own outer packet."""
    for family, room in ((4, 1340), (6, 1360)):
        end = "" if family == 4 else "-ipv6"
        fields = {"family": family}
        for kind in kinds(family):
            yield case(f"icmp-of-tunnel-{kind}{end}", "tunnel", Quietly(syn()),
                       Send(from_real(kind, mtu=room if kind == "too-big" else 0, sender="r9")), States(),
                       real=10 + family,
                       deviates=tunnel_deviates(family, kind), **fields)
        big = Packet(flags="PA", payload=bytes(1300))
        told = (Deviates("icmp-tunnel-mtu", {3: "outside to router: .* ICMP 3/4 rest 0x528 .*"}) if family == 4 else
                Deviates("icmpv6-tunnel", {number: "outside to router: .* ICMPv6 2/0 .*" for number in (3, 4)}))
        yield case(f"icmp-of-tunnel-too-big-learned{end}", "tunnel", Quietly(syn()), Quietly(big),
                   Send(from_real("too-big", mtu=room, sender="r9", quote=500)), Wait(0.3), Send(big), real=11 + family,
                   deviates=told, core=True, **fields)
        yield case(f"icmp-of-tunnel-shortest-quote{end}", "tunnel", Quietly(syn()),
                   Send(from_real("time-exceeded", sender="r9", quote=28 if family == 4 else 48)), **fields)


CASES = [*_about_requests(), *_about_replies(), *_about_tunnels()]
