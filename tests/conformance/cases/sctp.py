"""SCTP: its states from both sides and from one, its packets, its admission."""

from conformance.frames import REAL, Packet, sctp
from conformance.model import Case, Deviates, RPORT, Service, reals
from conformance.steps import Connections, Counters, Picks, Quietly, Send, add, remove, set_weight

EVENTS = ("DATA", "INIT", "INIT-ACK", "COOKIE-ECHO", "COOKIE-ACK", "SHUTDOWN", "SHUTDOWN-ACK", "SHUTDOWN-COMPLETE",
          "ERROR",
          "ABORT", "SACK")
ONE_WAY = {
    "init": (),
    "echoed": ("COOKIE-ECHO",),
    "data": ("COOKIE-ECHO", "DATA"),
    "shutdown": ("COOKIE-ECHO", "DATA", "SHUTDOWN"),
    "complete": ("COOKIE-ECHO", "DATA", "SHUTDOWN", "SHUTDOWN-COMPLETE"),
    "aborted": ("ABORT",),
}
ESTABLISHED = ("<INIT-ACK", "COOKIE-ECHO", "<COOKIE-ACK")
BOTH_WAYS = {
    "init": (),
    "answered": ("<INIT-ACK",),
    "echoed": ("<INIT-ACK", "COOKIE-ECHO"),
    "established": ESTABLISHED,
    "shutdown": (*ESTABLISHED, "SHUTDOWN"),
    "shutdown-by-real": (*ESTABLISHED, "<SHUTDOWN"),
    "shutdown-acked": (*ESTABLISHED, "SHUTDOWN", "<SHUTDOWN-ACK"),
    "complete": (*ESTABLISHED, "SHUTDOWN", "<SHUTDOWN-ACK", "SHUTDOWN-COMPLETE"),
    "aborted": (*ESTABLISHED, "ABORT"),
}


def packet(word):
    return Packet(sender=REAL, protocol="sctp", flags=word[1:]) if word.startswith("<") else sctp(word)


def service(*weights, method="direct", port=None, **more):
    return Service(reals(*weights, port=port), protocol="sctp", method=method, **more)


def case(name, one, *steps, **more):
    return Case(name, (one,), steps, **more)


def _states():
    for method, states, sides in (("direct", ONE_WAY, ("",)), ("nat", BOTH_WAYS, ("", "<"))):
        for state, words in states.items():
            for event in EVENTS:
                for side in sides:
                    who = "real" if side else "client"
                    yield case(f"sctp-{method}-{state}-{who}-{event}", service(1, method=method),
                               *[Quietly(packet(word)) for word in ("INIT", *words)], Send(packet(side + event)),
                               Connections(),
                               core=method == "nat" and event == "ABORT")


def _others():
    stray = Deviates("sctp-stray", {1: "nothing"})
    for event in EVENTS:
        yield case(f"sctp-first-{event}", service(1, 1), Send(sctp(event)), Connections(),
                   deviates=None if event == "INIT" else stray, core=event in ("INIT", "DATA"))
        yield case(f"sctp-first-{event}-sloppy", service(1, 1, shunt={"sloppy_sctp": True}), Send(sctp(event)),
                   Connections(),
                   deviates=stray if event == "ABORT" else None, sysctls={"sloppy_sctp": 1})
    for method in ("direct", "tunnel", "nat"):
        for family in (4, 6):
            end = f"-{method}{'' if family == 4 else '-ipv6'}"
            yield case(f"sctp-packets{end}", service(1, method=method), Send(sctp()), Send(sctp("COOKIE-ECHO+DATA")),
                       Connections(),
                       Counters(), family=family, core=True)
            yield case(f"sctp-wrong-checksum{end}", service(1, method=method), Send(sctp(layer={"chksum": 0x11223344})),
                       family=family)
            yield case(f"sctp-no-real{end}", service(method=method), Send(sctp()), Connections(), family=family)
    for family in (4, 6):
        end = "" if family == 4 else "-ipv6"
        yield case(f"sctp-real-port{end}", service(1, method="nat", port=RPORT), Send(sctp()),
                   Send(packet("<INIT-ACK")),
                   Send(sctp("COOKIE-ECHO+DATA")), Send(packet("<COOKIE-ACK+SACK")), Connections(), family=family,
                   core=True)
        yield case(f"sctp-real-port-wrong-checksum{end}", service(1, method="nat", port=RPORT),
                   Send(sctp(layer={"chksum": 0x11223344})), family=family,
                   deviates=Deviates("sctp-wrong-checksum", {1: "inside to r1: .* BAD SUM"}))
    for bundle in ("COOKIE-ECHO+ABORT", "COOKIE-ECHO+DATA", "DATA+SACK", "SACK+ABORT", "DATA+ABORT", "ERROR+DATA"):
        yield case(f"sctp-bundle-{bundle}", service(1), Quietly(sctp()), Send(sctp(bundle)), Connections())
    yield case("sctp-rr", service(1, 1, 1), Picks(6, packet=sctp()), add(4), Picks(4, 7, packet=sctp()), remove(2),
               Picks(4, 11, packet=sctp()))
    for scheduler in ("wlc", "wrr", "sh", "mh", "sed"):
        yield case(f"sctp-{scheduler}", service(2, 1, 1, scheduler=scheduler), Picks(8, packet=sctp()),
                   set_weight(1, 0),
                   Picks(6, 9, packet=sctp()))
    yield case("sctp-init-again", service(1, 1, 1), Send(sctp()), Send(sctp()), Connections())
    for state in ("complete", "aborted", "shutdown"):
        yield case(f"sctp-init-in-{state}", service(1, 1, 1),
                   *[Quietly(packet(word)) for word in ("INIT", *ONE_WAY[state])],
                   Send(sctp()), Connections())


CASES = [*_states(), *_others()]
