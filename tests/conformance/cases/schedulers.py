"""Which real each new connection gets: every scheduler, through changes of its reals and of their loads."""

from conformance.frames import reply, syn, tcp, udp
from conformance.model import Case, Service, reals
from conformance.steps import Counters, Picks, Quietly, add, edit, remove, set_weight

ALL = ("rr", "wrr", "lc", "wlc", "sed", "nq", "sh", "dh", "fo", "ovf", "mh")


def case(name, service, *steps, **more):
    return Case(name, (service,), steps, **more)


def service(scheduler, *weights, **more):
    return Service(reals(*weights), scheduler=scheduler, **more)


def rst(*flows, **more):
    """Ends these flows under direct: established, then cut."""
    return Quietly(*[packet for flow in flows for packet in (tcp("A", flow=flow, **more), tcp("R", flow=flow, **more))])


def fin(*flows, **more):
    return Quietly(*[packet for flow in flows for packet in (tcp("A", flow=flow, **more),
                                                             tcp("FA", flow=flow, **more))])


def _every_scheduler():
    for name in ALL:
        yield case(f"{name}-equal", service(name, 1, 1, 1), Picks(9), core=True)
        yield case(f"{name}-weights", service(name, 3, 1, 2), Picks(14), core=True)
        yield case(f"{name}-weights-ipv6", service(name, 3, 1, 2), Picks(14), family=6)
        yield case(f"{name}-udp", service(name, 3, 1, 2, protocol="udp"), Picks(14, packet=udp()))
        yield case(f"{name}-udp-ipv6", service(name, 1, 2, 1, protocol="udp"), Picks(14, packet=udp()), family=6)
        yield case(f"{name}-one-real", service(name, 7), Picks(4))
        yield case(f"{name}-weight-0-at-start", service(name, 0, 2, 1), Picks(9))
        yield case(f"{name}-all-weights-0", service(name, 0, 0), Picks(3))
        yield case(f"{name}-no-real", service(name), Picks(2))
        yield case(f"{name}-real-added", service(name, 2, 1), Picks(5), add(3, 3), Picks(12, 6), core=True)
        yield case(f"{name}-real-removed", service(name, 2, 1, 3), Picks(5), remove(2), Picks(9, 6), core=True)
        yield case(f"{name}-oldest-removed", service(name, 1, 2, 3), Picks(4), remove(1), Picks(9, 5))
        yield case(f"{name}-newest-removed", service(name, 1, 2, 3), Picks(4), remove(3), Picks(9, 5))
        yield case(f"{name}-weight-raised", service(name, 1, 1, 1), Picks(4), set_weight(1, 4), Picks(12, 5))
        yield case(f"{name}-weight-lowered", service(name, 5, 3, 4), Picks(4), set_weight(1, 1), Picks(12, 5))
        yield case(f"{name}-drained-and-back", service(name, 2, 2, 2), Picks(4), set_weight(2, 0), Picks(5, 5),
                   set_weight(2, 2), Picks(6, 10), core=True)
        yield case(f"{name}-many-clients", service(name, 1, 2, 3), Picks(24, clients=True))
        yield case(f"{name}-many-clients-ipv6", service(name, 1, 2, 3), Picks(24, clients=True), family=6)


LOAD = ("lc", "wlc", "sed", "nq", "ovf")


def _by_load():
    for name in LOAD:
        yield case(f"{name}-closed-make-room", service(name, 1, 1, 1), Picks(6), rst(1, 4), Picks(6, 7), core=True)
        yield case(f"{name}-half-closed-weigh-less", service(name, 2, 1, 1), Picks(6), fin(2, 3, 5), Picks(6, 7))
        yield case(f"{name}-under-nat", service(name, 2, 1, method="nat"), Picks(4),
                   Quietly(reply("SA", flow=1), tcp("A", flow=1), tcp("FA", flow=1), reply("FA", flow=1)), Picks(4, 5))
        yield case(f"{name}-new-real-catches-up", service(name, 1, 1), Picks(6), add(3), Picks(6, 7))
        yield case(f"{name}-real-back-after-removal", service(name, 1, 1, 1), Picks(6), remove(2), Picks(2, 7), add(2),
                   Picks(6, 9))
        yield case(f"{name}-five-reals", service(name, 1, 5, 2, 4, 3), Picks(30))
        yield case(f"{name}-loads-shown", service(name, 2, 1, 1), Picks(5), rst(1), fin(2), Counters())


def _more():
    yield case("wrr-common-divisor", service("wrr", 6, 2, 4), Picks(14))
    yield case("wrr-no-divisor", service("wrr", 5, 3), Picks(18))
    yield case("wrr-one-heavy", service("wrr", 1, 1, 8), Picks(22))
    yield case("wrr-weights-of-hundreds", service("wrr", 200, 100, 100), Picks(9))
    yield case("wrr-raised-in-mid-pass", service("wrr", 4, 2, 1), Picks(3), set_weight(3, 6), Picks(14, 4))
    yield case("wrr-lowered-in-mid-pass", service("wrr", 4, 6, 1), Picks(3), set_weight(2, 2), Picks(14, 4))
    yield case("wrr-heavier-added-in-mid-pass", service("wrr", 4, 2), Picks(2), add(3, 9), Picks(16, 3))
    yield case("wrr-divisor-changes-in-mid-pass", service("wrr", 4, 8), Picks(3), set_weight(1, 3), Picks(14, 4))
    yield case("wrr-lighter-added-before-the-first-pick", service("wrr", 4), add(2, 2), add(3, 6), Picks(12))
    yield case("wrr-heaviest-removed-in-mid-pass", service("wrr", 3, 7, 2), Picks(4), remove(2), Picks(10, 5))
    yield case("rr-removed-where-it-stands", service("rr", 1, 1, 1, 1), Picks(2), remove(3), Picks(6, 3))
    yield case("rr-removed-behind-it", service("rr", 1, 1, 1, 1), Picks(3), remove(4), Picks(6, 4))
    yield case("rr-added-in-mid-round", service("rr", 1, 1, 1), Picks(2), add(4), add(5), Picks(8, 3))
    yield case("rr-all-drained-then-back", service("rr", 1, 1), Picks(3), set_weight(1, 0), set_weight(2, 0),
               Picks(2, 4),
               set_weight(1, 1), Picks(3, 6))
    yield case("sh-port", service("sh", 1, 2, 1, flags=("sh-port",)), Picks(24), core=True)
    yield case("sh-port-ipv6", service("sh", 1, 2, 1, flags=("sh-port",)), Picks(24), family=6)
    yield case("sh-without-fallback", service("sh", 1, 1, 1), Picks(12, clients=True), set_weight(2, 0),
               Picks(12, 13, clients=True))
    yield case("sh-fallback", service("sh", 1, 1, 1, flags=("sh-fallback",)), set_weight(2, 0),
               Picks(24, 1, clients=True), core=True)
    yield case("sh-fallback-ipv6", service("sh", 1, 2, 3, flags=("sh-fallback",)), set_weight(3, 0),
               Picks(24, 1, clients=True), family=6)
    yield case("sh-fallback-port", service("sh", 1, 2, 3, flags=("sh-fallback", "sh-port")), set_weight(1, 0),
               Picks(24))
    yield case("sh-fallback-all-drained", service("sh", 0, 0, flags=("sh-fallback",)), Picks(3, clients=True))
    yield case("sh-large-weights", service("sh", 300, 100, 2), Picks(24, clients=True))
    yield case("mh-port", service("mh", 1, 2, 1, flags=("mh-port",)), Picks(24), core=True)
    yield case("mh-port-ipv6", service("mh", 1, 2, 1, flags=("mh-port",)), Picks(24), family=6)
    yield case("mh-without-fallback", service("mh", 1, 1, 1), Picks(12, clients=True), set_weight(2, 0),
               Picks(12, 13, clients=True))
    yield case("mh-fallback", service("mh", 1, 1, 1, flags=("mh-fallback",)), set_weight(2, 0),
               Picks(24, 1, clients=True), core=True)
    yield case("mh-fallback-ipv6", service("mh", 1, 2, 3, flags=("mh-fallback",)), set_weight(3, 0),
               Picks(24, 1, clients=True), family=6)
    yield case("mh-fallback-port", service("mh", 1, 2, 3, flags=("mh-fallback", "mh-port")), set_weight(1, 0),
               Picks(24))
    yield case("mh-large-weights", service("mh", 300, 100, 2), Picks(24, clients=True))
    yield case("mh-real-ports", Service(reals(1, 1, 1, port="rport"), scheduler="mh", method="nat"),
               Picks(24, clients=True))
    yield case("dh-another-service-address", service("dh", 1, 1, 1, vip="v2"), Picks(3, packet=syn(vip="v2")))
    yield case("dh-third-service-address", service("dh", 1, 1, 1, vip="v3"), Picks(3, packet=syn(vip="v3")))
    yield case("ovf-overflows", service("ovf", 3, 2, 1), Picks(9))
    yield case("ovf-all-full", service("ovf", 1, 1), Picks(7))
    yield case("fo-heaviest-drained", service("fo", 1, 5, 3), Picks(2), set_weight(2, 0), Picks(2, 3), set_weight(3, 0),
               Picks(2, 5), core=True)
    yield case("nq-idle-however-light", service("nq", 100, 1), Picks(6))
    yield case("sed-fast-real-first", service("sed", 10, 1), Picks(14))
    yield case("scheduler-changed", service("rr", 1, 2, 3), Picks(4), edit(scheduler="wrr"), Picks(8, 5), core=True)
    yield case("scheduler-changed-to-hash", service("wlc", 1, 2, 3), Picks(4), edit(scheduler="sh"),
               Picks(12, 5, clients=True))


CASES = [*_every_scheduler(), *_by_load(), *_more()]
