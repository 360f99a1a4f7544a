"""DPDK's telemetry socket: the same question to shuntd and to testpmd, answered by the port's driver."""

import json
import os
import socket
import time
from dataclasses import dataclass

from lab.shell import LabError
from daemon_rig.machine import runtime_folder


_PATIENCE = 30  # seconds, with one answer
_QUESTIONS = 12  # of one reading
_NARROW = 2048  # packets between the questions around a reading: close enough to see any loss that matters


@dataclass(frozen=True)
class PortCounters:
    """One answer: its counters are read one after the other while packets flow."""

    seconds: float  # of the monotonic clock
    received: int
    sent: int
    sent_bytes: int


@dataclass(frozen=True)
class Bounds:
    """What a counter was at least and at most."""

    least: int
    most: int

    def grown_since(self, earlier):
        return Bounds(self.least - earlier.most, self.most - earlier.least)


@dataclass(frozen=True)
class Reading:
    """What the port had sent at a moment, and the bounds between which its other counters were at that same moment:
    they never fall, and the answers before and after lie around it. A thread that loses its CPU between two counters
    widens the bounds and makes nothing wrong."""

    seconds: float
    sent: int
    received: Bounds
    sent_bytes: Bounds

    @property
    def width(self):
        return self.received.most - self.received.least


def reading_of(before, middle, after):
    """A Reading from three answers, one after the other."""
    return Reading(middle.seconds, middle.sent, Bounds(before.received, after.received),
                   Bounds(before.sent_bytes, after.sent_bytes))


def narrowest(ask, questions=_QUESTIONS):
    """The narrowest Reading of some questions in a row; the first that is narrow enough."""
    answers = [ask(), ask(), ask()]
    best = reading_of(*answers)
    for _ in range(questions - len(answers)):
        if best.width <= _NARROW:
            break
        answers = [*answers[1:], ask()]
        best = min(best, reading_of(*answers), key=lambda reading: reading.width)
    return best


class Telemetry:
    def __init__(self, file_prefix):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(_PATIENCE)
        self._socket.connect(os.path.join(runtime_folder(file_prefix), "dpdk_telemetry.v2"))
        self._answer_bytes = json.loads(self._socket.recv(4096))["max_output_len"]

    def port(self, number=0):
        """The counters of a port; zeros while the program starts and has none yet."""
        before = time.monotonic()
        try:
            self._socket.send(f"/ethdev/stats,{number}".encode())
            answer = self._socket.recv(self._answer_bytes)
        except OSError as error:
            raise LabError(f"telemetry gives no counters of port {number}: {error}; did the program end, or does its main "
                           "lcore get no CPU time?") from None
        stats = json.loads(answer)["/ethdev/stats"] or {}
        after = time.monotonic()
        received, sent, sent_bytes = (stats.get(name, 0) for name in ("ipackets", "opackets", "obytes"))
        return PortCounters((before + after) / 2, received, sent, sent_bytes)

    def reading(self):
        """Port 0 while packets flow."""
        return narrowest(self.port)

    def close(self):
        self._socket.close()
