"""What a case can do. A step plays on a stage and returns (items, brief): what is compared, and how the row says it."""

import re
import time
from dataclasses import dataclass, field, replace

from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6PacketTooBig, ICMPv6ParamProblem, ICMPv6TimeExceeded, IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from conformance import frames

from conformance.model import Item, Real, Service
from conformance.pieces import put_together
from conformance.reading import mac_text
from conformance.twins import DIRECTOR_MAC, FAMILIES, INSIDE, OUTSIDE, ROUTER_MAC
from lab.shell import LabError

_RECEIVER = re.compile(r"to (\S+): ")


class Send:
    """Sends packets and shows all that leaves, line by line."""

    def __init__(self, *builders):
        self._builders = builders

    def play(self, stage):
        lines = stage.lines(stage.send(self._builders))
        return [Item(line) for line in lines] or [Item("nothing")], ",".join(map(short, lines)) or "nothing"


class Datagrams(Send):
    """As Send, with fragments put together as their receiver would: a director may cut or join them as it likes."""

    def play(self, stage):
        lines = sorted(stage.lines(put_together(stage.send(self._builders))))
        return [Item(line) for line in lines] or [Item("nothing")], ",".join(map(short, lines)) or "nothing"


class Quietly(Send):
    """Sends packets only to get somewhere: whoever got them is shown, not what."""

    def play(self, stage):
        receivers = [receiver(line) for line in stage.lines(stage.send(self._builders))]
        return [Item(" ".join(receivers))], ""


@dataclass(frozen=True)
class Picks:
    """`count` new flows from flow `first` on, one packet each; shows who got each. `clients`: as many clients, one
    after the other, instead of one client's ports."""

    count: int
    first: int = 1
    packet: frames.Packet = frames.syn()
    clients: bool = False
    apart: bool = False  # each is dealt with before the next one is sent

    def play(self, stage):
        packets = [replace(self.packet, flow=self.first + at) if not self.clients else
                   replace(self.packet, client=self.first + at) for at in range(self.count)]
        groups = [[packet] for packet in packets] if self.apart else [packets]
        got = {}
        for group in groups:
            for line in stage.lines(stage.send(group)):
                found = re.search(r"\bc(\d+) > .* f(\d+) > ", line)
                if found:
                    got.setdefault((int(found[1]), int(found[2])), []).append(receiver(line))
                else:
                    got.setdefault(None, []).append(line)
        picked = ["+".join(got.pop((packet.client, packet.flow), ["-"])) for packet in packets]
        text = " ".join(picked)
        rest = sorted(line for lines in got.values() for line in lines)
        return [Item(text), *map(Item, rest)], brief_picks(picked)


def brief_picks(picked):
    return " ".join(re.sub(r"^r(?=\d)", "", name) for name in picked)


class Connections:
    """The connections to the case's services, with their states and timers."""

    def play(self, stage):
        items = stage.director.connections(stage.ports)
        return (items or [Item("no connections")],
                ",".join(f"{item.text.split()[-1]} {item.seconds:.0f}" for item in items[:3]) or "none")


class States:
    """As Connections, without the timers' being compared."""

    def play(self, stage):
        items = [Item(item.text) for item in stage.director.connections(stage.ports)]
        return items or [Item("no connections")], ",".join(item.text.split()[-1] for item in items[:3]) or "none"


class Counters:
    """Connections, packets and bytes of the services and their reals."""

    def play(self, stage):
        lines = stage.director.counters(stage.ports)
        return [Item(line) for line in lines], "; ".join(line.split(" weight ")[0] for line in lines[:1])


@dataclass(frozen=True)
class Wait:
    seconds: float

    def play(self, stage):
        time.sleep(self.seconds)
        return [], ""


# --- changes of the services ---


@dataclass(frozen=True)
class Change:
    """The first service (or that at `index`) becomes what `how` makes of it."""

    how: object
    index: int = 0

    def play(self, stage):
        services = list(stage.services)
        services[self.index] = self.how(services[self.index])
        stage.configure(tuple(services))
        return [], ""


def set_weight(number, weight):
    def how(service: Service):
        if number not in [real.number for real in service.reals]:
            raise LabError(f"a case changes the weight of r{number}, which is not there")
        return replace(service, reals=tuple(replace(real, weight=weight) if real.number == number else real
                                            for real in service.reals))
    return Change(how)


def add(number, weight=1, **more):
    return Change(lambda service: replace(service, reals=(*service.reals, Real(number, weight, **more))))


def remove(number):
    return Change(lambda service: replace(service,
                                          reals=tuple(real for real in service.reals if real.number != number)))


def edit(**fields):
    return Change(lambda service: replace(service, **fields))


@dataclass(frozen=True)
class Services:
    """Makes these the services: what is not among them goes."""

    services: tuple

    def play(self, stage):
        stage.configure(self.services)
        return [], ""


# --- ICMP errors about what a director sent ---


@dataclass(frozen=True)
class Error:
    """An ICMP error that comes in on a side. `about` a packet: that one is quoted, as the answer of who received it;
    None: the last frame that the director sent out on that side. `quote`: bytes of it, IP header included. `sender`:
    whose address the error has, by default the receiver's of what is quoted. `skip`: bytes of the quoted to leave out
    in front, as a tunnel's end would that looks inside."""

    side: str
    kind: str = "port-unreachable"
    mtu: int = 0
    quote: int = 200
    sender: str | None = None
    skip: int = 0
    about: frames.Packet | None = None
    to: str | None = None
    edit: object = None  # changes the bytes that are quoted
    layer: dict = field(default_factory=dict)  # more fields of the ICMP layer

    def build(self, stage):
        frame = self._quoted(stage)
        six = frame[12:14] == b"\x86\xdd"
        network = (IPv6 if six else IP)(frame[14:])
        quote = bytes(frame[14 + self.skip:])[:self.quote]
        if self.edit:
            quote = self.edit(quote)
        family = FAMILIES[6 if six else 4]
        source = family.address(self.sender) if self.sender else network.dst
        target = family.address(self.to) if self.to else network.src
        mac = ROUTER_MAC if self.side == OUTSIDE else mac_text(frame[:6])
        ether = Ether(src=mac, dst=DIRECTOR_MAC[self.side])
        outer = IPv6(src=source, dst=target, hlim=64) if six else IP(src=source, dst=target, ttl=64, id=stage.next_id())
        error = (self._icmp6 if six else self._icmp4)()
        for name, value in self.layer.items():
            setattr(error, name, value)
        return [(self.side, ether / outer / error / Raw(quote))]

    def _quoted(self, stage):
        if self.about is not None:
            (_, frame), = self.about.build(stage)
            return bytes(frame)
        if self.side not in stage.last_to:
            raise LabError(f"nothing has left on the {self.side} side that an ICMP error could be about")
        return stage.last_to[self.side]

    def _icmp4(self):
        kind, code = {"net-unreachable": (3, 0), "host-unreachable": (3, 1), "protocol-unreachable": (3, 2),
                      "port-unreachable": (3, 3), "too-big": (3, 4), "source-quench": (4, 0), "redirect": (5, 1),
                      "time-exceeded": (11, 0), "reassembly-time": (11, 1), "parameter": (12, 0)}[self.kind]
        return ICMP(type=kind, code=code, nexthopmtu=self.mtu) if self.mtu else ICMP(type=kind, code=code)

    def _icmp6(self):
        return {"net-unreachable": ICMPv6DestUnreach(code=0), "host-unreachable": ICMPv6DestUnreach(code=3),
                "port-unreachable": ICMPv6DestUnreach(code=4), "too-big": ICMPv6PacketTooBig(mtu=self.mtu or 1280),
                "time-exceeded": ICMPv6TimeExceeded(code=0), "reassembly-time": ICMPv6TimeExceeded(code=1),
                "parameter": ICMPv6ParamProblem(code=0)}[self.kind]


def from_real(kind="port-unreachable", **more):
    """About what a real was sent."""
    return Error(INSIDE, kind, **more)


def from_client(kind="port-unreachable", **more):
    """About what a client was sent by the director."""
    return Error(OUTSIDE, kind, **more)


def about_answer(kind="port-unreachable", answer=frames.Packet(sender=frames.VIP, flags="A"), **more):
    """From a client about what a real sent it past the director."""
    return Error(OUTSIDE, kind, about=answer, **more)


# --- words of a row ---


def receiver(line):
    found = _RECEIVER.search(line)
    return found[1] if found else "?"


def short(line):
    """r1:S for a TCP packet with SYN to r1, router:icmp3/3 for an error to a client."""
    who = receiver(line)
    what = re.search(r"ICMP\S* (\d+/\d+)", line)
    if what:
        return f"{who}:icmp{what[1]}"
    chunk = re.search(r"chunk (\d+)/", line)
    if chunk:
        return f"{who}:chunk{chunk[1]}"
    flags = re.findall(r"TCP \S+ > \S+ (\S+) seq", line)
    if flags:
        return f"{who}:{flags[-1]}"
    kind = re.findall(r"\| (\S+)", line)
    return f"{who}:{kind[-1].lower() if kind else '?'}"


