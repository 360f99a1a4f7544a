"""One case on one director: sends its packets, remembers what it must, collects what was seen."""

import re

from conformance.model import RPORT, VPORT, Observation, own_ports
from conformance.reading import Reader
from conformance.twins import FAMILIES, INSIDE
from lab.shell import LabError

# Who has which flow, in a line of the reader's: the client's addresses are the innermost.
_TO_REAL = re.compile(r"to r(\d+): .*\bc(\d+) > .* f(\d+) > ")


class Stage:
    def __init__(self, director, case, vport):
        self.director, self.case, self.vport = director, case, vport
        self.family = FAMILIES[case.family]
        self.services = case.services
        self._own = own_ports(vport)
        self.ports = {number: {VPORT: "V", RPORT: "R"}.get(name, name) for name, number in self._own.items()}
        self.reader = Reader(self.ports)
        self.observations = []
        # Each case's own, or pieces that it leaves lying would be put together with the next one's.
        self._ident = 0x1000 + vport * 64 % 0xE000
        self._real_of = {}  # (client, flow) -> number of the real that was sent it
        self.last_to = {}  # side -> the last frame that left there

    def play(self):
        self.configure(self.services)
        self.director.discard()
        for step in self.case.steps:
            self.observations += [Observation(type(step).__name__, tuple(items), brief)
                                  for items, brief in [step.play(self)] if items or brief]
        return self.observations

    def configure(self, services):
        self.services = services
        self.director.configure(self.case, self.vport, services)

    # --- packets ---

    def send(self, builders):
        """Builds and sends; returns the (side, frame) that left."""
        frames = [(side, bytes(frame)) for builder in builders for side, frame in builder.build(self)]
        left = self.director.send(frames)
        for side, frame in left:
            self.last_to[side] = frame
            if side == INSIDE:
                self._remember(frame)
        return left

    def next_id(self):
        self._ident += 1
        self.reader.sent_ids.add(self._ident)
        return self._ident

    def _remember(self, frame):
        found = _TO_REAL.search(self.reader.frame(frame))
        if found:
            real, client, flow = map(int, found.groups())
            self._real_of[client, flow] = real

    def real_of(self, client, flow):
        if (client, flow) not in self._real_of:
            raise LabError(f"no real has flow {flow} of client {client} that should answer now")
        return self._real_of[client, flow]

    def real_port(self, number):
        for service in self.services:
            for real in service.reals:
                if real.number == number and real.port is not None:
                    return self.port(real.port)
        return self.vport

    def port(self, port):
        """The number of a port that may be one of the case's own."""
        return self._own.get(port, port)

    def lines(self, left):
        return [self.reader.frame(frame) for _, frame in sorted(left, key=lambda entry: entry[0] != INSIDE)]
