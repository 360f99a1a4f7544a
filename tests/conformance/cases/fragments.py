"""Fragments of requests and replies: what their receivers put together, and what becomes of those that cannot be."""

from dataclasses import replace

from conformance.frames import REAL, Packet, sctp, syn, tcp, udp, udp_reply
from conformance.model import RPORT, Case, Deviates, Service, reals
from conformance.pieces import Fragments
from conformance.steps import Connections, Datagrams, Quietly, Send, States

LONG = bytes(range(250)) * 4


def case(name, method, *steps, family=4, protocol="udp", port=None, weights=(1,), **more):
    return Case(name, (Service(reals(*weights, port=port), protocol=protocol, method=method),), steps, family, **more)


def cut(packet=None, **more):
    return Fragments(packet or udp(payload=LONG, df=False), **more)


def _orders():
    for method in ("direct", "nat"):
        for family in (4, 6):
            end = f"-{method}{'' if family == 4 else '-ipv6'}"
            for name, order in (("in-order", None), ("last-first", (2, 1, 0)), ("middle-first", (1, 0, 2)),
                                ("first-last", (1, 2, 0))):
                yield case(f"fragments-{name}{end}", method, Datagrams(cut(order=order)), States(), family=family,
                           core=name in ("in-order", "last-first"))
            yield case(f"fragments-of-tcp{end}", method, Quietly(syn()),
                       Datagrams(cut(tcp("PA", payload=LONG, df=False))),
                       Connections(), protocol="tcp", family=family)
            yield case(f"fragments-real-port{end}", "nat" if method == "direct" else method, Datagrams(cut()), States(),
                       port=RPORT, family=family)
            yield case(f"fragments-twice{end}", method, Datagrams(cut(), cut()), family=family, weights=(1, 1))
            yield case(f"fragments-two-mixed{end}", method, Datagrams(cut(), cut(udp(payload=LONG, flow=2, df=False))),
                       States(),
                       family=family, weights=(1, 1))
            yield case(f"fragments-duplicate{end}", method, Datagrams(cut(order=(0, 1, 1, 2))), family=family)
            yield case(f"fragments-small{end}", method, Datagrams(cut(size=64)), family=family)
            yield case(f"fragments-atomic{end}", method, Datagrams(cut(size=2000)), family=family)
            yield case(f"fragments-longer-than-the-way{end}", method,
                       Datagrams(cut(udp(payload=bytes(3000), df=False), size=1200)),
                       family=family, core=True)
            yield case(f"fragments-to-no-service{end}", method, Datagrams(cut(udp(payload=LONG, vip="v2", df=False))),
                       family=family)
            yield case(f"fragments-ttl{end}", method, Datagrams(cut(udp(payload=LONG, ttl=2, df=False))), family=family)
    for family in (4, 6):
        end = "" if family == 4 else "-ipv6"
        answer = udp_reply(payload=LONG, df=False)
        for name, order in (("in-order", None), ("last-first", (2, 1, 0))):
            yield case(f"reply-fragments-{name}-nat{end}", "nat", Quietly(udp()),
                       Datagrams(Fragments(answer, order=order)), States(),
                       family=family, port=RPORT, core=True)
        yield case(f"reply-fragments-long-nat{end}", "nat", Quietly(udp()),
                   Datagrams(Fragments(udp_reply(payload=bytes(4000), df=False), size=1200)), family=family)
        yield case(f"reply-fragments-of-nobody-nat{end}", "nat", Quietly(udp()),
                   Datagrams(Fragments(Packet(sender=REAL, real=1, protocol="udp", payload=LONG, flow=9, df=False))),
                   family=family)
        yield case(f"fragments-no-real{end}", "direct", Send(cut(order=(0,))), family=family, weights=(),
                   deviates=Deviates("first-fragment", {1: "outside to router: .* ICMP.* fragment 0.*"}))


ORDERS = (("in-order", None), ("last-first", (2, 1, 0)), ("middle-first", (1, 0, 2)), ("first-last", (1, 2, 0)),
          ("last-second", (0, 2, 1)))


def _one_packet():
    """Each datagram's pieces have a real to themselves."""
    one = Service(reals(1, 1, 1), protocol="udp", kernel="--ops", shunt={"one_packet": True})
    for method in ("direct", "tunnel", "nat"):
        for family in (4, 6):
            end = f"-{method}{'' if family == 4 else '-ipv6'}"
            for name, order in ORDERS:
                yield Case(f"one-packet-fragments-{name}{end}", (replace(one, method=method),),
                           (*[Datagrams(cut(order=order)) for _ in range(4)], States()), family,
                           core=name == "last-first")
            yield Case(f"one-packet-fragments-mixed{end}", (replace(one, method=method),),
                       (Datagrams(cut(), udp(), cut(udp(payload=LONG, flow=2, df=False), order=(2, 0, 1)), udp()),), family)
    lone = replace(one, method="nat", reals=reals(1))
    yield Case("one-packet-fragments-no-real", (replace(one, reals=()),), (Send(cut(order=(0,))),),
               deviates=Deviates("first-fragment", {1: "outside to router: .* ICMP.* fragment 0.*"}))
    yield Case("one-packet-reply-fragments-nat", (lone,),
               (Quietly(udp()), Datagrams(Fragments(udp_reply(payload=LONG, df=False), order=(1, 0, 2)))),
               deviates=Deviates("one-packet-answers", {2: "outside to router: IP v1 > c1 .* UDP V > f1 .*"}))


DATA = "DATA+" * 40 + "DATA"


def _sctp():
    for method, port in (("direct", None), ("tunnel", None), ("nat", None), ("nat", RPORT)):
        for family in (4, 6):
            end = f"{'-real-port' if port else f'-{method}'}{'' if family == 4 else '-ipv6'}"
            for name, order in ORDERS:
                long = cut(sctp(DATA, df=False), order=order, size=304)
                yield case(f"sctp-fragments-{name}{end}", method, Quietly(sctp()), Quietly(sctp("COOKIE-ECHO")),
                           Datagrams(long), Connections(), protocol="sctp", port=port, family=family,
                           core=name == "last-first")
            yield case(f"sctp-fragments-init{end}", method, Datagrams(cut(sctp("INIT+" + DATA, df=False), size=304)),
                       Connections(), protocol="sctp", port=port, family=family)
            yield case(f"sctp-fragments-stray{end}", method, Datagrams(cut(sctp(DATA, df=False), size=304)), Connections(),
                       protocol="sctp", port=port, family=family, deviates=Deviates("sctp-stray", {1: "nothing"}))
            yield case(f"sctp-fragments-wrong-checksum{end}", method, Quietly(sctp()),
                       Datagrams(cut(sctp(DATA, df=False, layer={"chksum": 0x11223344}), size=304)), Connections(),
                       protocol="sctp", port=port, family=family,
                       deviates=Deviates("sctp-wrong-checksum", {2: "inside to r1: .* BAD SUM"}) if port else None)
            yield case(f"sctp-fragments-abort{end}", method, Quietly(sctp()),
                       Datagrams(cut(sctp("COOKIE-ECHO+ABORT+" + DATA, df=False), size=304)), Connections(),
                       protocol="sctp", port=port, family=family)
            if method == "nat":
                answer = Packet(sender=REAL, protocol="sctp", flags=DATA, df=False)
                yield case(f"sctp-fragments-reply{end}", method, Quietly(sctp()), Datagrams(cut(answer, size=304)),
                           Datagrams(cut(answer, size=304, order=(2, 0, 1))), Connections(), protocol="sctp", port=port,
                           family=family)


CASES = [*_orders(), *_one_packet(), *_sctp()]
