"""Clients that keep their real, reals that have enough, and schedulers that keep destinations together."""

from dataclasses import replace

from conformance.frames import sctp, syn, tcp, udp
from conformance.model import Case, Deviates, Real, Service, reals
from conformance.steps import Connections, Counters, Picks, Quietly, Send, States, add, remove, set_weight

NETWORKS = {4: ("24", "255.255.255.0"), 6: ("64", "64")}


def case(name, service, *steps, **more):
    return Case(name, (service,), steps, **more)


def persistent(*weights, timeout=300, network=None, family=4, **more):
    """`network`: (bits, ipvsadm's netmask)."""
    kernel = f"-p {timeout}" + (f" -M {network[1]}" if network else "")
    wanted = {"timeout": f"{timeout}s", **({f"ipv{family}_prefix": int(network[0])} if network else {})}
    return Service(reals(*weights), kernel=kernel, shunt={"persistence": wanted}, **more)


def _persistent():
    for family in (4, 6):
        end = "" if family == 4 else "-ipv6"
        for method in ("direct", "tunnel", "nat"):
            yield case(f"persistent-{method}{end}", persistent(1, 1, 1, method=method), Picks(4),
                       Picks(3, clients=True), Picks(3, 5),
                       States(), family=family, core=True)
        yield case(f"persistent-timers{end}", persistent(1, 1, timeout=120), Quietly(syn()), Connections(),
                   family=family)
        yield case(f"persistent-udp{end}", persistent(1, 1, 1, protocol="udp"), Picks(3, packet=udp()),
                   Picks(3, packet=udp(), clients=True), States(), family=family)
        yield case(f"persistent-network{end}", persistent(1, 1, 1, network=NETWORKS[family], family=family),
                   Picks(5, clients=True), States(), family=family, core=True)
        yield case(f"persistent-drained{end}", persistent(1, 1), Picks(2), set_weight(2, 0), Picks(2, 3),
                   Picks(2, 1, clients=True),
                   family=family, core=True)
        yield case(f"persistent-drained-quiescent{end}", persistent(1, 1), Picks(2), set_weight(2, 0), Picks(2, 3),
                   Picks(2, 1, clients=True), family=family, sysctls={"expire_quiescent_template": 1},
                   settings={"sysctls": {"expire_quiescent_template": True}},
                   deviates=Deviates("syn-again", {3: "r1 r1"}))
        yield case(f"persistent-removed{end}", persistent(1, 1), Picks(2), remove(2), Picks(2, 3), family=family)
        yield case(f"persistent-removed-and-back{end}", persistent(1, 1), Picks(2), remove(2), Picks(1, 3), add(2),
                   Picks(3, 4),
                   family=family)
        yield case(f"persistent-real-added{end}", persistent(1, 1), Picks(2), add(3), Picks(2, 3),
                   Picks(3, 2, clients=True),
                   family=family)
    for scheduler in ("wrr", "wlc", "lc", "sed", "sh", "mh", "nq"):
        yield case(f"persistent-{scheduler}", persistent(2, 1, 1, scheduler=scheduler), Picks(6, clients=True),
                   Picks(3, 10),
                   Picks(6, clients=True, packet=syn(flow=50)))
    yield case("persistent-sctp", persistent(1, 1, protocol="sctp"), Picks(3, packet=sctp()), States())
    yield case("persistent-counts", persistent(1, 1), Picks(3), Quietly(tcp("A", flow=1)), Quietly(tcp("R", flow=1)),
               Counters())


def limited(*limits, **more):
    """Reals with (upper, lower) thresholds."""
    return Service(tuple(Real(number, 1, kernel=f"-x {upper} -y {lower}",
                              shunt={"upper_threshold": upper, **({"lower_threshold": lower} if lower else {})})
                         for number, (upper, lower) in enumerate(limits, 1)), **more)


def _thresholds():
    for scheduler in ("rr", "wrr", "wlc", "lc", "sed", "nq", "fo", "ovf", "sh", "mh", "dh"):
        yield case(f"threshold-{scheduler}", limited((2, 1), (3, 1), (0, 0), scheduler=scheduler), Picks(9),
                   core=scheduler in ("rr", "wlc"))
    yield case("threshold-all-full", limited((1, 0), (1, 0)), Picks(4), Counters())
    yield case("threshold-ipv6", limited((1, 0), (2, 0)), Picks(4), family=6)
    yield case("threshold-udp", limited((1, 0), (2, 0), protocol="udp"), Picks(5, packet=udp()))
    yield case("threshold-persistent-client-stays", replace(limited((2, 0), (2, 0)), kernel="-p 300",
                                                            shunt={"persistence": {"timeout": "300s"}}), Picks(4),
               Picks(3, clients=True))
    yield case("threshold-closed-still-count", limited((2, 1), (0, 0)), Picks(4), Quietly(tcp("A", flow=2)),
               Quietly(tcp("R", flow=2)),
               Picks(4, 5))


def _by_destination():
    for scheduler in ("lblc", "lblcr"):
        one = Service(reals(1, 1, 1), scheduler=scheduler)
        yield case(f"{scheduler}-one-destination", one, Picks(6), core=True)
        yield case(f"{scheduler}-ipv6", one, Picks(6), family=6)
        yield case(f"{scheduler}-clients", one, Picks(6, clients=True))
        yield case(f"{scheduler}-overloaded", Service(reals(2, 8, 8), scheduler=scheduler), Picks(16))
        yield case(f"{scheduler}-drained", one, Picks(3), set_weight(3, 0), Picks(3, 4), set_weight(3, 1), Picks(3, 7))
        yield case(f"{scheduler}-removed", one, Picks(3), remove(3), Picks(3, 4), add(3), Picks(3, 7))
        yield case(f"{scheduler}-weights", Service(reals(3, 1, 2), scheduler=scheduler), Picks(20))
        yield case(f"{scheduler}-all-drained", Service(reals(0, 0), scheduler=scheduler), Picks(3))
        yield case(f"{scheduler}-udp", replace(one, protocol="udp"), Picks(6, packet=udp()))
    yield case("persistent-syn-shown", persistent(1), Send(syn()), States())


CASES = [*_persistent(), *_thresholds(), *_by_destination()]
