"""What both directors have: two cables, and a way to know that all that was sent in has been dealt with."""

import time

from conformance.frames import ping
from conformance.reading import is_chatter, ping_answered
from conformance.twins import INSIDE, OUTSIDE, SIDES
from conformance.wire import Cable, Deadline, wait_readable
from lab.shell import LabError

_ANSWER_SECONDS = 30


class DirectorLost(LabError):
    """A director does not answer any more: there is nothing left to compare with."""


_PING_AGAIN_SECONDS = 3


class Director:
    """Subclasses say how services are made (configure) and how connections and counters are read."""

    name = ""

    def __init__(self, taps):
        self.cables = {side: Cable(taps[side]) for side in SIDES}
        self._sequence = 0
        self._left = []  # (side, frame) since the last take()
        self.last_packet = time.monotonic()

    # --- packets ---

    def send(self, frames):
        """Sends (side, frame) in order and returns (side, frame) for all that left, after the last was dealt with."""
        for at, (side, frame) in enumerate(frames):
            if at > 0 and side != frames[at - 1][0]:
                self.settle(frames[at - 1][0])
            self.cables[side].send(frame)
        self.last_packet = time.monotonic()
        first = frames[-1][0] if frames else OUTSIDE
        other = INSIDE if first == OUTSIDE else OUTSIDE
        # A director takes a side's frames in order, and they leave a side in order: the answer to a ping on the side
        # where frames came in says that they were decided, one on the other side then follows what they became.
        for side in (first, other, first):
            self.settle(side)
        return self.take()

    def settle(self, side, seconds=_ANSWER_SECONDS):
        deadline = Deadline(seconds)
        self._sequence = first = self._sequence % 60000 + 1
        while True:
            self.cables[side].send(ping(4, side, self._sequence))
            again = Deadline(_PING_AGAIN_SECONDS)
            while again.left() > 0:
                if self._collect(again.left(), first):
                    return
            if deadline.left() < 0:
                silent = f"the {self.name} director does not answer a ping on its {side} port"
                raise DirectorLost(silent + self.last_words())
            self._sequence += 1

    def _collect(self, seconds, awaited):
        """Takes what waits; True: the answer to one of our pings from `awaited` on was among it."""
        wait_readable(self.cables.values(), seconds)
        answered = False
        for side, cable in self.cables.items():
            for frame in cable.receive():
                sequence = ping_answered(frame)
                if sequence is not None:
                    answered |= sequence >= awaited
                elif not is_chatter(frame):
                    self._left.append((side, frame))
        return answered

    def discard(self):
        """Forgets what left of itself while nothing was asked for."""
        self._collect(0, 1 << 32)
        self.take()

    def take(self):
        left, self._left = self._left, []
        return left

    def capture(self, folder, name):
        for side, cable in self.cables.items():
            cable.capture(f"{folder}/{name}-{self.name}-{side}.pcap" if folder else None)

    # --- what subclasses do ---

    def last_words(self):
        return ""

    def configure(self, case, vport, services):
        """Makes these the services, in place of what was there."""
        raise NotImplementedError

    def connections(self, ports):
        """[Item] of the connections to one of the virtual ports."""
        raise NotImplementedError

    def counters(self, ports):
        """[text] of the services with one of the virtual ports."""
        raise NotImplementedError

    def since_last_packet(self):
        return time.monotonic() - self.last_packet
