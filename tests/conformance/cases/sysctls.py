"""IPVS's sysctls that change forwarding."""

from dataclasses import replace

from conformance.frames import REAL, VIP, sctp, syn, tcp, udp
from conformance.model import RPORT, Case, Deviates, Service, reals
from conformance.pieces import Fragments
from conformance.steps import (Connections, Datagrams, Error, Picks, Quietly, Send, Wait, about_answer, add,
                               remove, set_weight)

from conformance.cases.lifecycle import OVER, packet
from conformance.cases.states import BOTH_WAYS, MAIN_FLAGS, ONE_WAY, path
from conformance.cases.states import packet as state_packet
from conformance.cases.tunnels import KINDS, MTU, tcp_of
from conformance.cases.tunnels import service as tunnel_service


def case(name, service, *steps, sysctls, shunt=None, **more):
    """`shunt`: Shunt's values where they are written otherwise; by default the same."""
    return Case(name, (service,), steps, sysctls=sysctls, settings={"sysctls": shunt or sysctls}, **more)


def _reuse():
    for mode in (0, 1, 2, 3):
        for method, states in OVER.items():
            for state, words in states.items():
                steps = [Quietly(syn()), *[Quietly(packet(word)) for word in words]]
                yield case(f"reuse-{mode}-{method}-{state}", Service(reals(1, 1, 1), method=method), *steps,
                           Send(syn()),
                           Connections(), sysctls={"conn_reuse_mode": mode}, core=state in ("CLOSE", "FIN_WAIT"))
        drained = Service(reals(1, 1))
        yield case(f"reuse-{mode}-of-drained", drained, Quietly(syn()), Quietly(tcp("A")), Quietly(tcp("R")),
                   set_weight(2, 0),
                   Send(syn()), Connections(), sysctls={"conn_reuse_mode": mode})


EXPIRE = {"sysctls": {"expire_nodest_conn": 1}, "shunt": {"expire_nodest_conn": True}}


def _no_destination():
    for method in ("direct", "tunnel", "nat"):
        for family in (4, 6):
            end = f"-{method}{'' if family == 4 else '-ipv6'}"
            one = Service(reals(1, 1), method=method)
            yield case(f"expire-nodest-syn{end}", one, Quietly(syn()), remove(2), Wait(0.5), Send(syn()), Connections(),
                       family=family, **EXPIRE)
            yield case(f"expire-nodest-ack{end}", one, Quietly(syn()), Quietly(tcp("A")), remove(2), Wait(0.5),
                       Send(tcp("A")),
                       family=family, **EXPIRE)
            yield case(f"expire-nodest-udp{end}", replace(one, protocol="udp"), Quietly(udp()), remove(2), Wait(0.5),
                       Send(udp()),
                       Connections(), family=family, **EXPIRE)
        yield case(f"expire-nodest-drained-syn-{method}", Service(reals(1, 1), method=method), Quietly(syn()),
                   Quietly(tcp("A")),
                   set_weight(2, 0), Send(syn()), Connections(), **EXPIRE)
        yield case(f"expire-nodest-drained-ack-{method}", Service(reals(1, 1), method=method), Quietly(syn()),
                   set_weight(2, 0),
                   Send(tcp("A")), Connections(), **EXPIRE)
    yield case("expire-nodest-and-back", Service(reals(1, 1)), Quietly(syn()), Quietly(tcp("A")), remove(2), add(2),
               Send(tcp("A")),
               Send(syn(flow=2)), deviates=Deviates("put-back", {4: "inside to r1: .*"}), **EXPIRE)


def _secure():
    """The table for times of attack, as in states.py."""
    for method, states, sides in (("direct", ONE_WAY, ("",)), ("nat", BOTH_WAYS, ("", "<"))):
        for state, words in states.items():
            for name, flags in MAIN_FLAGS.items():
                for side in sides:
                    who = "real" if side else "client"
                    yield case(f"secure-{method}-{state}-{who}-{name}", Service(reals(1), method=method), Wait(1.2),
                               *path(words),
                               Send(state_packet(side + flags)), Connections(), sysctls={"secure_tcp": 3})


def _others():
    yield case("sloppy-tcp", Service(reals(1, 1)), Send(tcp("A")), Connections(), sysctls={"sloppy_tcp": 1},
               shunt={"sloppy_tcp": True})
    yield case("sloppy-sctp", Service(reals(1, 1), protocol="sctp"), Send(sctp("DATA")), Connections(),
               sysctls={"sloppy_sctp": 1}, shunt={"sloppy_sctp": True})
    yield case("drop-packet-all", Service(reals(1, 1)), Wait(2.2), Picks(4), Connections(),
               sysctls={"drop_packet": 3, "am_droprate": 1})
    yield case("drop-packet-spares-known", Service(reals(1, 1)), Quietly(syn()), Wait(2.2), Send(tcp("A")),
               Connections(),
               sysctls={"drop_packet": 0, "am_droprate": 1})


ANSWER = {"sysctls": {"nat_icmp_send": 1}, "shunt": {"nat_icmp_send": True}}


def _icmp_to_reals():
    """nat_icmp_send: a real that speaks of a connection that nobody knows is told so."""
    nat = Service(reals(1, 1), method="nat")
    for family in (4, 6):
        end = "" if family == 4 else "-ipv6"
        for protocol, packet in (("tcp", tcp("A")), ("udp", udp()), ("sctp", sctp("DATA"))):
            one = replace(nat, protocol=protocol)
            spoken = replace(packet, sender=REAL, real=1)
            fields = {"family": family, **ANSWER}
            yield case(f"nat-icmp-send-{protocol}{end}", one, Send(spoken), Connections(), core=family == 4, **fields)
            yield case(f"nat-icmp-send-off-{protocol}{end}", one, Send(spoken), sysctls={"nat_icmp_send": 0},
                       shunt={"nat_icmp_send": False}, family=family)
            yield case(f"nat-icmp-send-other-port-{protocol}{end}", one, Send(replace(spoken, port=5555)), **fields)
            yield case(f"nat-icmp-send-real-port-{protocol}{end}", replace(one, reals=reals(1, port=RPORT)), Send(spoken),
                       **fields)
            yield case(f"nat-icmp-send-no-real-{protocol}{end}", one, Send(replace(spoken, real=7)), **fields)
            yield case(f"nat-icmp-send-known-{protocol}{end}", replace(one, reals=reals(1)),
                       Quietly(sctp() if protocol == "sctp" else syn() if protocol == "tcp" else udp()),
                       Send(replace(spoken, real=None)), **fields)
            yield case(f"nat-icmp-send-direct-{protocol}{end}", replace(one, method="direct"), Send(spoken), **fields)
            yield case(f"nat-icmp-send-to-director-{protocol}{end}", one, Send(ToDirector(spoken)), **fields)
        for name, flags in (("rst", "R"), ("rst-ack", "RA"), ("syn", "S"), ("syn-ack", "SA"), ("fin", "FA")):
            yield case(f"nat-icmp-send-tcp-{name}{end}", nat, Send(tcp(flags, sender=REAL, real=1)), family=family, **ANSWER)
        yield case(f"nat-icmp-send-sctp-abort{end}", replace(nat, protocol="sctp"),
                   Send(sctp("ABORT", sender=REAL, real=1)), family=family, **ANSWER)
        yield case(f"nat-icmp-send-fragments{end}", replace(nat, protocol="udp"),
                   Send(Fragments(udp(sender=REAL, real=1, payload=bytes(1000), df=False))), family=family,
                   deviates=Deviates("first-fragment", {1: "inside to r1: .* ICMP.* fragment 0.*"}), **ANSWER)
        yield case(f"nat-icmp-send-ttl{end}", replace(nat, protocol="udp"), Send(udp(sender=REAL, real=1, ttl=1)),
                   family=family, **ANSWER)


class ToDirector:
    """A packet that asks the director itself instead of a client."""

    def __init__(self, packet):
        self._packet = packet

    def build(self, stage):
        (side, frame), = self._packet.build(stage)
        layer = frame.payload
        layer.dst = stage.family.address("inside")
        return [(side, frame)]


SCHEDULE = {"sysctls": {"schedule_icmp": 1}, "shunt": {"schedule_icmp": True}}


def _scheduled_errors():
    """schedule_icmp: an error about a packet of no connection gets a real, as a request would."""
    for method in ("direct", "tunnel", "nat"):
        for family in (4, 6):
            end = f"-{method}{'' if family == 4 else '-ipv6'}"
            one = Service(reals(1, 1, 1), method=method)
            unknown = tcp("A", sender=VIP)
            fields = {"family": family, **SCHEDULE}
            for kind in ("port-unreachable", "too-big", "time-exceeded"):
                mtu = 1300 if kind == "too-big" else 0
                yield case(f"schedule-icmp-{kind}{end}", one, Send(about_answer(kind, answer=unknown, mtu=mtu)),
                           Connections(), core=kind == "too-big", **fields)
            yield case(f"schedule-icmp-twice{end}", one, Send(about_answer(answer=unknown)),
                       Send(about_answer(answer=unknown)), Send(about_answer(answer=replace(unknown, flow=2))), Connections(),
                       **fields)
            yield case(f"schedule-icmp-then-syn{end}", one, Quietly(about_answer(answer=unknown)), Send(syn()),
                       Connections(), **fields)
            yield case(f"schedule-icmp-udp{end}", replace(one, protocol="udp"),
                       Send(about_answer(answer=udp(sender=VIP))), Connections(), **fields)
            yield case(f"schedule-icmp-sctp{end}", replace(one, protocol="sctp"),
                       Send(about_answer(answer=sctp("DATA", sender=VIP))), Connections(), **fields)
            yield case(f"schedule-icmp-off{end}", one, Send(about_answer(answer=unknown)), Connections(), family=family,
                       sysctls={"schedule_icmp": 0}, shunt={"schedule_icmp": False})
            yield case(f"schedule-icmp-no-real{end}", replace(one, reals=()), Send(about_answer(answer=unknown)),
                       Connections(), **fields)
            yield case(f"schedule-icmp-no-service{end}", one, Send(about_answer(answer=replace(unknown, port=7))),
                       Connections(), **fields)
            yield case(f"schedule-icmp-of-real{end}", one,
                       Send(Error("inside", about=tcp("A"), sender="r1")), Connections(), **fields)
    for scheduler in ("sh", "mh", "wlc"):
        yield case(f"schedule-icmp-{scheduler}", Service(reals(1, 1, 1), scheduler=scheduler),
                   *[Send(about_answer(answer=tcp("A", sender=VIP, flow=flow))) for flow in range(1, 5)], **SCHEDULE)
    yield case("schedule-icmp-ops", Service(reals(1, 1), protocol="udp", kernel="--ops", shunt={"one_packet": True}),
               Send(about_answer(answer=udp(sender=VIP))), Send(about_answer(answer=udp(sender=VIP))), Connections(),
               **SCHEDULE)
    yield case("schedule-icmp-persistent", Service(reals(1, 1), kernel="-p 300", shunt={"persistence": {}}),
               Send(about_answer(answer=tcp("A", sender=VIP))), Connections(), Send(syn(flow=2)), **SCHEDULE)


BLIND = {"sysctls": {"pmtu_disc": 0}, "shunt": {"pmtu_disc": False}}


def _outer_fragments():
    """pmtu_disc 0: a tunnel's packets may be cut on their way, whatever the client says."""
    for kind in KINDS:
        for inner in (4, 6):
            for outer in (4, 6):
                one = tunnel_service(kind, outer)
                room = MTU - KINDS[kind][2] - (20 if outer == 4 else 40)
                fields = {"family": inner, **BLIND}
                end = f"{kind}-{inner}in{outer}"
                yield case(f"pmtu-disc-off-{end}", one, Send(syn()), Send(tcp("A", df=False)), core=kind == "ipip", **fields)
                yield case(f"pmtu-disc-off-too-big-{end}", one, Quietly(syn()),
                           Datagrams(tcp_of(room + 1, inner)), Datagrams(tcp_of(1500, inner)), **fields)
    for method in ("direct", "nat"):
        yield case(f"pmtu-disc-off-{method}", Service(reals(1), method=method), Quietly(syn()), Send(tcp_of(1500, 4)), **BLIND)


CASES = [*_reuse(), *_no_destination(), *_secure(), *_others(), *_icmp_to_reals(), *_scheduled_errors(),
         *_outer_fragments()]
