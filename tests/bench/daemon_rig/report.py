"""What comes out: a table for people, one JSON object a line for programs."""

import json
import sys
from dataclasses import dataclass

from daemon_rig import flows

_COLUMNS = f"{'method':<10}{'connections':>12}{'Mpps':>9}{'ns/packet':>11}{'macswap Mpps':>14}{'ratio':>8}"


@dataclass(frozen=True)
class Row:
    method: str
    connections: int
    subject: object  # Figure of shuntd
    floor: object  # Figure of testpmd
    checked: int  # packets whose headers were checked

    @property
    def quiet(self):
        return self.subject.quiet and self.floor.quiet

    def fields(self, facts):
        return {
            "case": "daemon",
            "method": self.method,
            "connections": self.connections,
            "mpps": round(self.subject.mpps, 3),
            "ns_per_packet": round(1000 / self.subject.mpps, 2),
            "floor_mpps": round(self.floor.mpps, 3),
            "ratio": round(self.subject.mpps / self.floor.mpps, 3),
            "quiet": self.quiet,
            "windows": self.subject.windows,
            "packets_checked": self.checked,
            **facts,
        }

    def line(self):
        mpps = self.subject.mpps
        return (f"{self.method:<10}{self.connections:>12,}{mpps:>9.2f}{1000 / mpps:>11.1f}{self.floor.mpps:>14.2f}"
                f"{mpps / self.floor.mpps:>8.2f}{'' if self.quiet else ' *'}")


class Table:
    """The table on the terminal, a line as soon as it is known."""

    def __init__(self, facts, cpus, notes):
        print("shuntd beside testpmd's macswap: net_pcap with infinite_rx, one worker, UDP in 64-byte frames, flows in "
              f"random order, {flows.REALS} reals")
        print(f"{facts['date']}, {facts['cpu']}, {facts['cores']} cores, Linux {facts['kernel']}, DPDK {facts['dpdk']}, "
              f"commit {facts['commit']}, {facts['pages']}, main on CPU {cpus.main}, worker on CPU {cpus.worker}")
        for note in notes:
            print(f"note: {note}")
        print(f"\n{_COLUMNS}", flush=True)
        self._noisy = 0
        self._checked = 0

    def add(self, row):
        print(row.line(), flush=True)
        self._noisy += not row.quiet
        self._checked += row.checked

    def failed(self, method, connections, why):
        print(f"{method:<10}{connections:>12,}  failed: {why}", flush=True)

    def end(self):
        if self._checked == 0:
            return
        print(f"\n{self._checked:,} packets that left were checked header by header; in the timed windows none was dropped")
        if self._noisy:
            print("* the worker shared its CPU in the windows used: repeat on a quiet machine")


def write_json(path, rows, facts):
    """One object a line."""
    with open(path, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row.fields(facts)) + "\n")


class Progress:
    """What is being done now, on one line of the terminal that the next output overwrites."""

    def __init__(self, stream=sys.stderr):
        self._stream = stream if stream.isatty() else None

    def __call__(self, text):
        if self._stream:
            self._stream.write(f"\r\033[K{text}")
            self._stream.flush()

    def clear(self):
        self("")
