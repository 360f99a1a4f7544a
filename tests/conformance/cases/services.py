"""What a service is found by beside VIP and port: all ports, marks (Shunt: matches); services without connections."""

from dataclasses import replace

from conformance.frames import Packet, reply, syn, tcp, udp, udp_reply
from conformance.model import NEAR, Case, Deviates, Match, Real, Service, reals
from conformance.steps import Counters, Picks, Quietly, Send, States, set_weight

LOW, HIGH = NEAR[2], NEAR[7]


def matched(*weights, first=1, ports=(LOW, HIGH), vips="v1", clients=None, **more):
    return Service(tuple(Real(first + at, weight) for at, weight in enumerate(weights)),
                   match=Match(ports, vips, clients), **more)


def case(name, services, *steps, **more):
    return Case(name, services if isinstance(services, tuple) else (services,), steps, **more)


def _matches():
    for family in (4, 6):
        end = "" if family == 4 else "-ipv6"
        clients = "198.51.100.0/28" if family == 4 else "2001:db8:c::/124"
        for method in ("direct", "tunnel", "nat"):
            one = matched(1, 1, method=method)
            yield case(f"match-ports-{method}{end}", one, Send(syn(port=LOW)), Send(syn(port=HIGH, flow=2)),
                       Send(syn(port=NEAR[1], flow=3)), Send(syn(port=NEAR[8], flow=4)), family=family, core=True)
            yield case(f"match-known-connection-{method}{end}", one, Quietly(syn(port=LOW)), Send(tcp("A", port=LOW)),
                       Send(syn(port=NEAR[3])), family=family)
        yield case(f"match-reply-nat{end}", matched(1, method="nat"), Quietly(syn(port=NEAR[5])),
                   Send(reply("SA", port=NEAR[5])), family=family, core=True)
        yield case(f"match-other-vip{end}", matched(1), Send(syn(port=LOW, vip="v2")), family=family)
        yield case(f"match-udp{end}", matched(1, 1, protocol="udp"), Picks(3, packet=udp(port=LOW)),
                   Send(syn(port=LOW)),
                   family=family)
        yield case(f"match-clients{end}", matched(1, clients=clients), Send(syn(port=LOW)),
                   Send(syn(port=LOW, client=16)),
                   family=family)
        yield case(f"match-first-wins{end}", (matched(1, ports=(LOW, NEAR[4])), matched(1, first=2)),
                   Send(syn(port=LOW)),
                   Send(syn(port=NEAR[5])), family=family)
        yield case(f"match-before-port{end}", (Service(reals(1), port=LOW), matched(1, first=2)), Send(syn(port=LOW)),
                   family=family)
        yield case(f"match-all-ports{end}", matched(1, 1, ports=None, vips="v3"), Send(syn(port=LOW, vip="v3")),
                   Send(syn(port=NEAR[9], vip="v3", flow=2)), family=family)
    for scheduler in ("rr", "wlc", "sh"):
        yield case(f"match-{scheduler}", matched(1, 2, 1, scheduler=scheduler), Picks(8, packet=syn(port=LOW)),
                   set_weight(1, 0),
                   Picks(4, 9, packet=syn(port=NEAR[3])))
    yield case("match-persistent", matched(1, 1, kernel="-p 300", shunt={"persistence": {"timeout": "300s"}}),
               Picks(2, packet=syn(port=LOW)), Picks(2, 3, packet=syn(port=HIGH)),
               Picks(2, packet=syn(port=LOW), clients=True))


def _all_ports():
    one = Service(reals(1, 1), port=0, kernel="-p 300", shunt={"persistence": {"timeout": "300s"}})
    for family in (4, 6):
        end = "" if family == 4 else "-ipv6"
        for method in ("direct", "nat"):
            yield case(f"all-ports-{method}{end}", replace(one, method=method), Send(syn(port=NEAR[0])),
                       Send(syn(port=NEAR[9], flow=2)),
                       Send(syn(port=NEAR[4], flow=3, client=2)), family=family, core=True)
        yield case(f"all-ports-reply{end}", replace(one, method="nat"), Quietly(syn(port=NEAR[1])),
                   Send(reply("SA", port=NEAR[1])),
                   family=family)
        yield case(f"all-ports-but-one{end}", (one, Service((Real(3),), port=NEAR[1])), Send(syn(port=NEAR[1])),
                   Send(syn(port=NEAR[2], flow=2)),
                   family=family)
        yield case(f"all-ports-udp{end}", replace(one, protocol="udp"), Send(udp(port=NEAR[6])),
                   Send(syn(port=NEAR[6])), family=family)


def _one_packet():
    one = Service(reals(1, 1, 1), protocol="udp", kernel="--ops", shunt={"one_packet": True})
    for method in ("direct", "tunnel", "nat"):
        for family in (4, 6):
            end = f"-{method}{'' if family == 4 else '-ipv6'}"
            yield case(f"one-packet{end}", replace(one, method=method), Send(udp()), Send(udp()), Send(udp()),
                       Send(udp()), States(),
                       Counters(), family=family, core=True)
    for scheduler in ("wrr", "wlc", "lc", "sh", "mh"):
        yield case(f"one-packet-{scheduler}", replace(one, reals=reals(2, 1, 1), scheduler=scheduler),
                   *[Picks(1, packet=udp(), apart=True) for _ in range(8)])
    yield case("one-packet-drained", replace(one, reals=reals(1, 1)), Send(udp()), set_weight(2, 0), Send(udp()),
               Send(udp()))
    yield case("one-packet-no-real", replace(one, reals=()), Send(udp()))
    yield case("one-packet-reply-nat", replace(one, method="nat", reals=reals(1)), Send(udp()),
               Send(udp_reply()), deviates=Deviates("one-packet-answers",
                                                    {2: "outside to router: IP v1 > c1 .* UDP V > f1 .*"}))
    yield case("one-packet-real-speaks-nat", replace(one, method="nat", reals=reals(1)),
               Send(Packet(sender="real", real=1, protocol="udp", payload=b"x", flow=9)),
               deviates=Deviates("one-packet-answers", {1: "outside to router: IP v1 > c1 .* UDP V > f9 .*"}))


CASES = [*_matches(), *_all_ports(), *_one_packet()]
