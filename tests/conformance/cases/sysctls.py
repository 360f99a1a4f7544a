"""IPVS's sysctls that change forwarding."""

from dataclasses import replace

from conformance.frames import sctp, syn, tcp, udp
from conformance.model import Case, Deviates, Service, reals
from conformance.steps import Connections, Picks, Quietly, Send, Wait, add, remove, set_weight

from conformance.cases.lifecycle import OVER, packet
from conformance.cases.states import BOTH_WAYS, MAIN_FLAGS, ONE_WAY, path
from conformance.cases.states import packet as state_packet


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


CASES = [*_reuse(), *_no_destination(), *_secure(), *_others()]
