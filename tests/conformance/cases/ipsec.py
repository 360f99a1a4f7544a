"""AH and ESP: they go where the key agreement of the same two hosts goes, ISAKMP's connection, and open none."""

from conformance.frames import REAL, sealed, udp
from conformance.model import Case, Deviates, Real, Service
from conformance.pieces import Fragments
from conformance.steps import Datagrams, Quietly, Send

ISAKMP = 500
KINDS = ("esp", "ah")
_clients = iter(range(100, 240))  # one for each case: the port is the same in all


def agreement(client, **more):
    return udp(client=client, port=ISAKMP, source_port=ISAKMP, **more)


def service(method, *numbers, scheduler="rr"):
    return Service(tuple(map(Real, numbers)), protocol="udp", method=method, port=ISAKMP, scheduler=scheduler)


def _table():
    for kind in KINDS:
        for method in ("direct", "tunnel", "nat"):
            for family in (4, 6):
                end = f"{kind}-{method}{'' if family == 4 else '-ipv6'}"

                def case(name, *steps, one=service(method, 1, 2, 3), family=family, **more):
                    return Case(name, (one,), steps, family, **more)

                def replied(kind=kind, family=family):
                    is_ah6 = (kind, family) == ("ah", 6)
                    return Deviates("ah-ipv6", {2: r"outside to router: IPv6 v1 > c\d+ .* protocol 51 .*"}) if is_ah6 else None

                def followed(*numbers, kind=kind, family=family):
                    shown = {number: r"inside to r\d: .* protocol 51 .*" for number in numbers}
                    return Deviates("ah-ipv6", shown) if (kind, family) == ("ah", 6) else None
                client = next(_clients)
                yield case(f"ipsec-{end}", Quietly(agreement(client)), Send(sealed(kind, client=client)),
                           Send(sealed(kind, client=client)), Send(agreement(client)), core=kind == "esp",
                           deviates=followed(2, 3))
                if kind == "esp" and method != "tunnel":
                    client = next(_clients)
                    pieces = Fragments(sealed(kind, client=client, payload=bytes(1000), df=False))
                    yield case(f"ipsec-fragments-{end}", Quietly(agreement(client)), Datagrams(pieces), core=True)
                client = next(_clients)
                yield case(f"ipsec-without-agreement-{end}", Send(sealed(kind, client=client)))
                first, second, third = next(_clients), next(_clients), next(_clients)
                yield case(f"ipsec-clients-{end}", *[Quietly(agreement(client)) for client in (first, second, third)],
                           *[Send(sealed(kind, client=client)) for client in (third, first, second)],
                           deviates=followed(4, 5, 6))
                if method == "nat":
                    client = next(_clients)
                    yield case(f"ipsec-reply-{end}", Quietly(agreement(client)),
                               Send(sealed(kind, sender=REAL, real=1, client=client)),
                               Send(sealed(kind, sender=REAL, real=2, client=client)), one=service(method, 1),
                               deviates=replied())
                client = next(_clients)
                yield case(f"ipsec-other-port-{end}", Quietly(udp(client=client, port=ISAKMP)),
                           Send(sealed(kind, client=client)))


CASES = [*_table()]
