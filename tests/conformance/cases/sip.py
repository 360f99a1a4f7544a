"""Persistence by SIP's Call-ID: calls, not clients, keep their real."""

from dataclasses import replace

from conformance.frames import REAL, udp
from conformance.model import RPORT, Case, Service, reals
from conformance.pieces import Fragments
from conformance.steps import Connections, Counters, Datagrams, Quietly, Send, States, remove, set_weight


def call(name, lines=None, method="INVITE", **more):
    """A request with this Call-ID."""
    text = f"{method} sip:bob@example.com SIP/2.0\r\n" + (lines or f"Via: SIP/2.0/UDP c\r\nCall-ID: {name}\r\n")
    return udp(**{"payload": f"{text}CSeq: 1 INVITE\r\n\r\n".encode("latin-1"), **more})


def raw(text, **more):
    return udp(payload=text.encode("latin-1"), **more)


def service(*weights, method="direct", port=None, kernel="", shunt=None, protocol="udp", timeout=300, **more):
    return Service(reals(*weights, port=port), protocol=protocol, method=method,
                   kernel=f"-p {timeout} --pe sip {kernel}".rstrip(),
                   shunt={"persistence": {"timeout": f"{timeout}s", "engine": "sip", **(shunt or {})}}, **more)


def case(name, one, *steps, **more):
    return Case(name, (one,), steps, **more)


def _calls():
    for method in ("direct", "tunnel", "nat"):
        for family in (4, 6):
            end = f"-{method}{'' if family == 4 else '-ipv6'}"
            one = service(1, 1, 1, method=method)
            yield case(f"sip-calls{end}", one, Send(call("a@x")), Send(call("b@x", flow=2)), Send(call("a@x", flow=3)),
                       Send(call("b@x", flow=4)), Send(call("c@x", flow=5)), States(), family=family, core=True)
            yield case(f"sip-other-client{end}", one, Send(call("a@x")), Send(call("a@x", client=2)), Send(call("a@x", client=3)),
                       Send(call("b@x", client=2, flow=2)), States(), family=family)
            yield case(f"sip-none{end}", one, Send(udp()), Send(udp(flow=2)), Send(call("a@x", flow=3)), Send(udp(flow=4)),
                       States(), family=family)
            yield case(f"sip-one-flow{end}", one, Send(call("a@x")), Send(call("b@x")), Send(call("b@x", flow=2)),
                       Send(call("a@x", flow=3)), States(), family=family)
    prefix = service(1, 1, 1, kernel="-M 255.255.255.0", shunt={"ipv4_prefix": 24})
    yield case("sip-network", prefix, Send(call("a@x")), Send(call("a@x", client=2)), Send(call("b@x", client=3)),
               Send(call("b@x", client=4)), States())
    yield case("sip-timers", service(1, 1, timeout=120), Quietly(call("a@x")), Connections())
    yield case("sip-drained", service(1, 1), Send(call("a@x")), set_weight(2, 0), Send(call("a@x", flow=2)),
               Send(call("b@x", flow=3)))
    yield case("sip-removed", service(1, 1), Send(call("a@x")), remove(2), Send(call("a@x", flow=2)))
    yield case("sip-counts", service(1, 1), Send(call("a@x")), Send(call("a@x", flow=2)), Counters())


TEXTS = {
    "lower-case": "call-id: a@x\r\n", "compact": "i: a@x\r\n", "compact-upper": "I: a@x\r\n", "no-space": "Call-ID:a@x\r\n",
    "spaces": "Call-ID  :   a@x\r\n", "folded": "Call-ID:\r\n a@x\r\n", "tab": "Call-ID:\ta@x\r\n", "no-host": "Call-ID: a\r\n",
    "lf": "Call-ID: a@x\n", "cr": "Call-ID: a@x\r", "empty": "Call-ID: \r\n", "no-user": "Call-ID: @x\r\n",
    "empty-host": "Call-ID: a@\r\n", "trailing-space": "Call-ID: a@x \r\n", "two": "Call-ID: a@x\r\nCall-ID: b@x\r\n",
    "second": "Call-ID: \r\nCall-ID: a@x\r\n", "marks": "Call-ID: a!%*_+`'~()<>:\\\"/[]?{}-.@x\r\n",
    "comma": "Call-ID: a,b@x\r\n", "no-colon": "Call-ID a@x\r\n", "prefix": "Call-IDs: a@x\r\n",
    "continued-line": "Via: x\r\n Call-ID: a@x\r\n",
    "high": "Call-ID: a\xe9@x\r\n", "compact-word": "id: a@x\r\n", "compact-digit": "i9: a@x\r\n",
    "long-before": f"Via: {'v' * 900}\r\nCall-ID: a@x\r\n", "no-colon-then": "Call-ID a@x\r\nCall-ID: a@x\r\n",
    "empty-host-then": "Call-ID: a@\r\nCall-ID: a@x\r\n", "upper-id": "Call-ID: A@x\r\n",
}


def _texts():
    """How the header may be written. The first call has the Call-ID a@x, the second one is written as the case says, the
    third is a@x again: whose real does it have?"""
    for name, lines in TEXTS.items():
        yield case(f"sip-text-{name}", service(1, 1, 1, 1), Send(call("a@x", client=5)), Send(call("", lines, client=5, flow=2)),
                   Send(call("", lines, client=5, flow=3)), Send(udp(client=5, flow=4)), States())
    whole = "INVITE sip:b SIP/2.0\r\nCall-ID: a@x"
    for name, text in (("at-the-end", whole), ("at-the-end-cr", whole + "\r"), ("first-line", "Call-ID: a@x\r\n"),
                       ("empty-packet", ""), ("empty-line-before", "\r\n\r\nCall-ID: a@x\r\n"), ("after-body", "x\r\n\r\n\r\nCall-ID: a@x\r\n"),
                       ("cr-cr", "x\r\rCall-ID: a@x\r\n"), ("newline-newline", "x\n\nCall-ID: a@x\n\n")):
        yield case(f"sip-text-{name}", service(1, 1, 1, 1), Send(call("a@x", client=5)), Send(raw(text, client=5, flow=2)),
                   Send(raw(text, client=5, flow=3)), States())
    long = call("a@x", lines="Call-ID: a@x\r\nVia: " + "v" * 1500 + "\r\n", df=False)
    yield case("sip-fragments", service(1, 1, 1), Send(call("a@x", flow=9)), Datagrams(Fragments(replace(long, flow=2))), States())


def _from_reals():
    """What reals begin themselves."""
    for family in (4, 6):
        end = "" if family == 4 else "-ipv6"
        for port in (None, RPORT):
            for ops in (False, True):
                name = f"{'-real-port' if port else ''}{'-ops' if ops else ''}{end}"
                one = service(1, 1, 1, method="nat", port=port, kernel="--ops" if ops else "")
                one = replace(one, shunt={**one.shunt, **({"one_packet": True} if ops else {})})
                fresh = call("r@x", sender=REAL, real=1, flow=7)
                yield case(f"sip-real-begins{name}", one, Send(fresh), Send(call("r@x", flow=7)), Send(call("r@x", flow=8)), family=family)
                yield case(f"sip-real-answers{name}", one, Send(call("a@x")), Send(call("a@x", sender=REAL, real=3)),
                           Send(call("a@x", sender=REAL, real=1, flow=5)), Send(call("a@x", flow=6)), Send(call("a@x")),
                           family=family)
                yield case(f"sip-real-without-call{name}", one, Send(udp(sender=REAL, real=1, flow=7)), States(), family=family)
                yield case(f"sip-real-other-port{name}", one, Send(call("a@x", sender=REAL, real=1, flow=7, port=5555)), States(),
                           family=family)
    yield case("sip-real-begins-direct", service(1, 1), Send(call("r@x", sender=REAL, real=1, flow=7)), States())


CASES = [*_calls(), *_texts(), *_from_reals()]
