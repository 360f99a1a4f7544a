"""Whether the machine was the benchmark's alone for a while: what the host took from its CPUs, and what others ran."""

import os
import time
from dataclasses import dataclass

_TICKS = os.sysconf("SC_CLK_TCK")
# Of one CPU's time. A daemon that wakes up now and then is below both.
MOST_STOLEN = 0.01
MOST_OTHERS = 0.05


@dataclass(frozen=True)
class Moment:
    seconds: float
    stolen: float  # CPU seconds, over all CPUs
    busy: float  # CPU seconds that processes ran
    own: float  # of them, those of the benchmark and all that it started


@dataclass(frozen=True)
class Disturbance:
    stolen: float  # both in CPUs: 0.5 is half of one
    others: float

    @property
    def quiet(self):
        return self.stolen <= MOST_STOLEN and self.others <= MOST_OTHERS

    def __str__(self):
        return f"others ran {self.others:.0%} of a CPU, the host took {self.stolen:.0%}"


def between(before, after):
    length = max(after.seconds - before.seconds, 1e-9)
    others = (after.busy - before.busy) - (after.own - before.own)
    return Disturbance(max(0.0, after.stolen - before.stolen) / length, max(0.0, others) / length)


def now():
    stolen, busy = _cpus()
    return Moment(time.monotonic(), stolen, busy, _own())


def _cpus(path="/proc/stat"):
    with open(path, encoding="utf-8") as file:
        user, nice, system, *rest = (int(word) / _TICKS for word in file.readline().split()[1:])
    return rest[4], user + nice + system  # after idle, iowait, irq, softirq


def _own():
    """CPU seconds of this process, of its descendants, and of those of theirs that ended."""
    parents, times = {}, {}
    for name in os.listdir("/proc"):
        if not name.isdecimal():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile; its parent has its time
            continue
        pid = int(name)
        parents[pid] = int(fields[1])
        times[pid] = sum(int(word) for word in fields[11:15]) / _TICKS
    return sum(times[pid] for pid in descendants(os.getpid(), parents))


def descendants(root, parents):
    """`root` and every process below it; `parents` maps a process to its parent."""
    children = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found, queue = [], [root] if root in parents else []
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue += children.get(pid, [])
    return found
