"""What changes do to connections that live: drained, removed and returned reals, services gone and back, connections
opened anew; and where no real is left."""

from dataclasses import replace

from conformance.frames import reply, syn, tcp, udp, udp_reply
from conformance.model import Case, Deviates, Service, reals
from conformance.steps import (Connections, Counters, Picks, Quietly, Send, Services, add, edit, remove, set_weight)

METHODS = ("direct", "tunnel", "nat")


def case(name, service, *steps, **more):
    return Case(name, (service,), steps, **more)


def _drained():
    for method in METHODS:
        for family in (4, 6):
            end = f"-{method}{'' if family == 4 else '-ipv6'}"
            one = Service(reals(1, 1), method=method)
            yield case(f"drained-real-keeps-connections{end}", one, Quietly(syn()), set_weight(2, 0), Send(tcp("A")),
                       Send(tcp("PA", payload=b"data")), Connections(), family=family, core=True)
            yield case(f"drained-and-back{end}", one, Quietly(syn()), set_weight(2, 0), Send(tcp("A")),
                       set_weight(2, 1),
                       Send(tcp("PA", payload=b"data")), Counters(), family=family)
            udp_one = replace(one, protocol="udp")
            yield case(f"drained-real-keeps-udp{end}", udp_one, Quietly(udp()), set_weight(2, 0), Send(udp()),
                       Connections(),
                       family=family)


GOES_ON = Deviates("removed-real", {2: "inside to r2: .*"})


def _removed():
    for method in METHODS:
        end = f"-{method}"
        one = Service(reals(1, 1), method=method)
        yield case(f"removed-real-tcp{end}", one, Quietly(syn()), remove(2), Send(tcp("A")),
                   deviates=GOES_ON, core=True)
        yield case(f"removed-real-udp{end}", replace(one, protocol="udp"), Quietly(udp()), remove(2), Send(udp()),
                   deviates=GOES_ON)
        yield case(f"removed-and-back{end}", one, Quietly(syn()), remove(2), add(2), Send(tcp("A")), Connections(),
                   Counters())
        yield case(f"removed-and-back-new-connections{end}", one, Picks(3), remove(2), Picks(2, 4), add(2), Picks(4, 6))
    yield case("removed-real-replies-nat", Service(reals(1, 1), method="nat"), Quietly(syn()), remove(2),
               Send(reply("SA")))
    yield case("service-removed", Service(reals(1, 1)), Quietly(syn()), Services(()), Send(tcp("A")), Send(syn(flow=2)),
               deviates=GOES_ON)
    yield case("service-removed-and-back", Service(reals(1, 1)), Quietly(syn()), Services(()),
               Services((Service(reals(1, 1)),)), Send(tcp("A")), Send(syn(flow=2)))
    yield case("method-of-service-changed", Service(reals(1), method="direct"), Quietly(syn()), edit(method="nat"),
               Send(tcp("A")), Send(syn(flow=2)))
    yield case("scheduler-changed-keeps-connections", Service(reals(1, 1, 1)), Picks(3), edit(scheduler="wlc"),
               Send(tcp("A", flow=1), tcp("A", flow=2), tcp("A", flow=3)), Connections())


OVER = {  # how a connection came to its end
    "direct": {"CLOSE": ("A", "R"), "TIME_WAIT": ("FA",), "FIN_WAIT": ("A", "FA"), "ESTABLISHED": ("A",),
               "SYN_RECV": ()},
    "nat": {"CLOSE": ("<SA", "A", "R"), "TIME_WAIT": ("<SA", "A", "FA", "<FA"), "CLOSE_WAIT": ("<SA", "A", "FA"),
            "FIN_WAIT": ("<SA", "A", "<FA"), "ESTABLISHED": ("<SA", "A")},
}


def packet(word):
    return reply(word[1:]) if word.startswith("<") else tcp(word)


def _reused():
    """A SYN on a connection that is still known: is it a new one (another real's turn) or the old one?"""
    for method, states in OVER.items():
        for family in (4, 6):
            for state, words in states.items():
                steps = [Quietly(syn()), *[Quietly(packet(word)) for word in words]]
                name = f"syn-in-{state}-{method}{'' if family == 4 else '-ipv6'}"
                service = Service(reals(1, 1, 1), method=method)
                yield case(name, service, *steps, Send(syn()), Connections(), family=family, core=family == 4)
    yield case("syn-in-CLOSE-tunnel", Service(reals(1, 1, 1), method="tunnel"), Quietly(syn()), Quietly(tcp("A")),
               Quietly(tcp("R")), Send(syn()), Connections(), Counters())
    yield case("syn-to-drained-real", Service(reals(1, 1)), Quietly(syn()), set_weight(2, 0), Send(syn()),
               Connections(),
               deviates=Deviates("syn-again", {2: "inside to r1: .*", 3: ".* r1:V SYN_RECV \\d+s"}))
    yield case("syn-after-close-of-drained", Service(reals(1, 1)), Quietly(syn()), Quietly(tcp("A")), Quietly(tcp("R")),
               set_weight(2, 0), Send(syn()), Connections())


def _no_real():
    for method in METHODS:
        for family in (4, 6):
            end = f"-{method}{'' if family == 4 else '-ipv6'}"
            none = Service((), method=method)
            drained = Service(reals(0, 0), method=method)
            yield case(f"no-real-tcp{end}", none, Send(syn()), Connections(), family=family, core=method == "direct")
            yield case(f"no-real-udp{end}", replace(none, protocol="udp"), Send(udp(payload=bytes(40))), Connections(),
                       family=family)
            yield case(f"all-drained-tcp{end}", drained, Send(syn()), Counters(), family=family)
    yield case("no-real-udp-long", Service((), protocol="udp"), Send(udp(payload=bytes(1000))))
    yield case("no-real-udp-long-ipv6", Service((), protocol="udp"), Send(udp(payload=bytes(1400))), family=6)
    yield case("no-real-ack", Service(()), Send(tcp("A")))
    yield case("no-real-ack-ipv6", Service(()), Send(tcp("A")), family=6)


def _counted():
    for method in METHODS:
        for family in (4, 6):
            yield case(f"counters-{method}{'' if family == 4 else '-ipv6'}", Service(reals(1, 2), method=method),
                       Picks(3),
                       Quietly(tcp("A", flow=1), tcp("PA", flow=1, payload=bytes(100))), Quietly(tcp("FA", flow=2)),
                       Quietly(tcp("R", flow=3)), Counters(), family=family, core=True)
    yield case("counters-nat-both-ways", Service(reals(1), method="nat"), Quietly(syn()), Quietly(reply("SA")),
               Quietly(tcp("A")),
               Quietly(tcp("PA", payload=bytes(10))), Quietly(reply("PA", payload=bytes(1000))), Counters(), core=True)
    yield case("counters-nat-udp", Service(reals(1), method="nat", protocol="udp"), Quietly(udp()),
               Quietly(udp_reply()),
               Quietly(udp_reply()), Counters())
    yield case("counters-ttl-expired", Service(reals(1)), Quietly(syn()), Quietly(tcp("A", ttl=1)), Counters(),
               deviates=Deviates("refused-packet", {3: "r1 conns 1 in 1/40 out 0/0 .*"}))
    yield case("counters-not-schedulable", Service(reals(1)), Quietly(tcp("A")), Counters())



def _timeouts():
    yield case("udp-timeout-starts-anew", Service(reals(1), protocol="udp"), Quietly(udp()), Quietly(udp()),
               Connections())


CASES = [*_drained(), *_removed(), *_reused(), *_no_real(), *_counted(), *_timeouts()]
