"""TCP's states: from each that packets lead to, what each flag makes of it, seen from one way (direct) and both (nat).

LAST_ACK, LISTEN and SYNACK are in IPVS's tables, but no packet leads there from the start."""

from conformance.frames import CLIENT, REAL, Packet, syn, tcp
from conformance.model import Case, Deviates, Service, reals
from conformance.steps import Connections, Quietly, Send

MAIN_FLAGS = {"syn": "S", "ack": "A", "fin": "FA", "rst": "R"}
FLAGS = {**MAIN_FLAGS, "none": "", "synack": "SA", "rstack": "RA", "synfin": "SF"}

# The packets that lead to a state, after the SYN that begins a connection. From the client, or "<" from the real.
ONE_WAY = {
    "SYN_RECV": (),
    "ESTABLISHED": ("A",),
    "FIN_WAIT": ("A", "FA"),
    "CLOSE": ("A", "R"),
    "TIME_WAIT": ("FA",),
}
BOTH_WAYS = {
    "SYN_RECV": (),
    "ESTABLISHED": ("<SA", "A"),
    "FIN_WAIT": ("<SA", "A", "<FA"),
    "CLOSE_WAIT": ("<SA", "A", "FA"),
    "TIME_WAIT": ("<SA", "A", "FA", "<FA"),
    "CLOSE": ("<SA", "A", "R"),
    "SYN_SENT": ("<SA", "A", "FA", "<FA", "<S"),
}


def packet(word):
    return Packet(sender=REAL, flags=word[1:]) if word.startswith("<") else tcp(word)


def path(words):
    return [Quietly(syn()), *[Quietly(packet(word)) for word in words]]


def row(name, method, family, state, words, last):
    """From the state, one packet more. What has no flag changes nothing in Shunt."""
    keeps = last.removeprefix("<") == "" and state != "CLOSE"
    return Case(name, (Service(reals(1), method=method),), (*path(words), Send(packet(last)), Connections()), family,
                deviates=Deviates("no-flags", {len(words) + 3: rf"tcp .* {state} \d+s"}) if keeps else None,
                core=family == 4 and last.removeprefix("<") in ("A", "FA", "R"))


def _table():
    for family, suffix, flags_of in ((4, "", FLAGS), (6, "-ipv6", MAIN_FLAGS)):
        for state, words in ONE_WAY.items():
            for name, flags in flags_of.items():
                yield row(f"direct-{state}-{name}{suffix}", "direct", family, state, words, flags)
        for state, words in BOTH_WAYS.items():
            for name, flags in flags_of.items():
                for who, mark in (("client", ""), ("real", "<")):
                    yield row(f"nat-{state}-{who}-{name}{suffix}", "nat", family, state, words, mark + flags)


def _first(flags, end, service, **more):
    return Case(f"first-packet-{flags or 'none'}{end}", (service,), (Send(tcp(flags)), Connections()), **more)


def _more():
    for flags in ("A", "FA", "R", "RA", "SA", "", "PA", "SF", "SR", "SAE"):
        refused = Deviates("syn-ack-first", {1: ".*to router: .* R seq .*",
                                             2: "no connections"}) if "SA" in flags else None
        yield _first(flags, "", Service(reals(1, 1)), deviates=refused)
        yield _first(flags, "-nat", Service(reals(1, 1), method="nat"), deviates=refused, core=flags in ("A", "R"))
        kept = Deviates("no-flags", {2: r"tcp .* NONE 2s"}) if flags == "" else None
        yield _first(flags, "-sloppy", Service(reals(1, 1), shunt={"sloppy_tcp": True}), deviates=kept,
                     sysctls={"sloppy_tcp": 1}, core=flags in ("A", "FA"))
    yield Case("syn-repeated", (Service(reals(1, 1, 1)),), (Send(syn()), Send(syn()), Send(syn()), Connections()),
               core=True)
    yield Case("flags-ece-cwr", (Service(reals(1)),), (Send(tcp("SEC")), Send(tcp("AE")), Connections()))
    yield Case("flags-urgent-push", (Service(reals(1)),),
               (Send(syn()), Send(tcp("PAU", layer={"urgptr": 3})), Connections()))


CASES = [*_table(), *_more()]
