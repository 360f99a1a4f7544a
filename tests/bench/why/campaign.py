"""Every contender with every number of reals, one after the other, in one topology."""

import time

from lab.shell import LabError
from why import cpu
from why.phases import Run
from why.rig import Rig

# More than this share of one CPU at work while nothing of ours is, just before and after: somebody else's.
_NOISE = 0.25
_LISTEN_SECONDS = 0.4


class Campaign:
    """`cells` are pairs of a contender's class and a number of reals. `table` is told of each row as soon as it is there,
    `progress` of what is being done."""

    def __init__(self, cells, pace, table, progress):
        self._cells, self._pace, self._table, self._progress = cells, pace, table, progress

    def run(self):
        """The number of rows that failed."""
        most = max(count for _, count in self._cells)
        self._progress.left(seconds(self._cells, self._pace))
        self._progress(f"{most} real servers in namespaces of their own")
        failures = 0
        with Rig(most) as rig:
            for number, (contender, count) in enumerate(self._cells):
                self._progress.left(seconds(self._cells[number:], self._pace))
                failures += not self._cell(rig, contender, count)
        self._progress.clear()
        return failures

    def _cell(self, rig, contender, count):
        where = f"{contender.title}, {count} {'real' if count == 1 else 'reals'}"
        quiet_before = _quiet()
        try:
            row = Run(rig, contender(rig, count, self._pace), count, self._pace,
                      lambda text: self._progress(f"{where}: {text}")).measure()
        except LabError as error:
            self._progress.clear()
            self._table.failed(contender, count, error)
            # The next one starts from a whole rig.
            _mend(rig)
            return False
        self._progress.clear()
        self._table.add(contender, count, {**row, "quiet": quiet_before and _quiet()})
        return True


def seconds(cells, pace):
    """About how long they take; the topology is made once."""
    return 5 + 0.25 * max(count for _, count in cells) + len(cells) * (pace.total() + 2 * _LISTEN_SECONDS)


def _quiet():
    before, began = cpu.of_machine(), time.monotonic()
    time.sleep(_LISTEN_SECONDS)
    return (cpu.of_machine() - before) / (time.monotonic() - began) < _NOISE


def _mend(rig):
    """After a failure in the middle of a phase: every real serves, and nothing of a contender is left."""
    rig.stop_load()
    for real in rig.topology.reals:
        rig.topology.plug_real(real)
        if not rig.serves(real):
            rig.start_real(real)
