"""The orchestrator's end of the traffic source: counts per real, failures, and whether a failure may be excused."""

import collections
import json
import os
import subprocess
import threading
import time
from dataclasses import dataclass

from lab.family import IPV4
from lab.reals import HTTP_PORT
from lab.shell import LabError

SCRIPTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@dataclass
class Failure:
    start: float
    end: float
    reason: str


@dataclass
class Window:
    """The time in which a failed real may not have been noticed yet: requests that touch it are excused."""
    start: float
    end: float

    def touches(self, failure):
        return failure.start <= self.end and failure.end >= self.start


class Load:
    """Requests to a VIP in the background. All figures may be read at any time, from the starting thread."""

    def __init__(self, lab, clients=8, pause_ms=20, total=0, timeout=5, port=HTTP_PORT, family=IPV4):
        self._lab = lab
        self._command = ["/usr/bin/python3", "-B", "-m", "lab.traffic", family.vip, str(port), "--clients", str(clients),
                         "--pause-ms", str(pause_ms), "--total", str(total), "--timeout", str(timeout)]
        self._lock = threading.Lock()
        self._reporting = threading.Event()
        self._answered = []  # [real, start]
        self._failures = []
        self._slow = 0
        self._windows = []

    def start(self):
        self._process = self._lab.start_client("traffic", self._command, cwd=SCRIPTS, stdout=subprocess.PIPE,
                                               stderr=None, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def _read(self):
        for line in self._process.stdout:
            report = json.loads(line)
            self._reporting.set()
            with self._lock:
                self._answered += report["ok"]
                self._failures += [Failure(*bad) for bad in report["bad"]]
                self._slow += report["slow"]

    def running(self):
        return self._process.poll() is None

    def wait(self, seconds):
        """Waits for a source with a total to end."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise LabError(f"the traffic source has not ended after {seconds:g} s: {self.total()} requests done") from None
        self._finish(status)

    def stop(self):
        """Lets the requests under way end, then reads the last report."""
        # Before its first report the source may not yet know what to do when it is asked to end.
        self._reporting.wait(15)
        self._process.terminate()
        self._finish(self._process.wait(15))

    def _finish(self, status):
        self._reader.join(5)
        self._lab.processes.stop(self._process)
        if status != 0:
            raise LabError(f"the traffic source ended with {status}")

    def counts(self, since=0.0):
        """Answered requests by real: those that started at `since` (monotonic clock) or later. A report may be late,
        so a request's own time says which step it belongs to."""
        with self._lock:
            return collections.Counter(real for real, start in self._answered if start >= since)

    def total(self):
        with self._lock:
            return len(self._answered) + len(self._failures)

    def slow(self):
        with self._lock:
            return self._slow

    # --- which failures count ---

    def open_window(self, seconds):
        """From now on and for so long, a real's failure may be unnoticed."""
        now = time.monotonic()
        self._windows.append(Window(now, now + seconds))
        return self._windows[-1]

    def inside(self):
        with self._lock:
            return [f for f in self._failures if any(w.touches(f) for w in self._windows)]

    def outside(self):
        with self._lock:
            return [f for f in self._failures if not any(w.touches(f) for w in self._windows)]
