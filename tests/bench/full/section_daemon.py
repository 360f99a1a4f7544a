"""The whole daemon beside testpmd's macswap, on the same source, in turns on one CPU."""

import contextlib

from daemon_rig import contenders, flows
from daemon_rig.rig import Rig
from full.figures import Figure, at_least, key
from full.steps import Section, Step, Value

# Of macswap's rate, at each number of connections.
_TARGETS = {1_000: {"direct": 0.55, "fullnat": 0.50}, 1_000_000: {"direct": 0.60, "fullnat": 0.55}}
_WINDOWS, _WINDOW_SECONDS = 3, 0.5
_SECONDS = {1_000: 32, 1_000_000: 75}  # of one try of all methods


class Daemon:
    """The steps' common ground."""

    def __init__(self, root, options, progress):
        self._root, self._options, self._progress = root, options, progress
        self._rig = None
        self._checked = {}  # (method, connections) -> packets

    def section(self):
        return Section("daemon", "The whole daemon on net_pcap (infinite_rx), beside testpmd's macswap on the same source",
                       [self._step(connections) for connections in _TARGETS], around=self._around)

    @contextlib.contextmanager
    def _around(self):
        with Rig(self._root, huge_pages=not self._options.no_huge, progress=self._progress) as rig:
            # Both programs are there at once.
            rig.reserve(2 * max(contenders.memory_mb(rig.source(connections)[1], connections) for connections in _TARGETS))
            self._rig = rig
            yield

    def _step(self, connections):
        figures = [Figure(_key("mpps", "macswap", connections), "Mpps")]
        for method in flows.METHODS:
            bound = _TARGETS[connections].get(method)
            figures.append(Figure(_key("mpps", method, connections), "Mpps"))
            figures.append(Figure(_key("ratio_to_macswap", method, connections), "",
                                  None if bound is None else at_least(bound), in_turns=True))
        return Step(f"{connections:,} connections", _SECONDS[connections], figures, lambda: self._measure(connections))

    def _measure(self, connections):
        rig = self._rig
        setting = rig.setting(connections)
        found, floors = {}, []
        with rig.floor(setting) as floor:
            for method in flows.METHODS:
                if (method, connections) not in self._checked:
                    self._checked[method, connections] = rig.check(setting, method)
                row = rig.row(method, setting, floor, _WINDOWS, _WINDOW_SECONDS)
                found[_key("mpps", method, connections)] = Value(row.subject.mpps, row.subject.quiet)
                found[_key("ratio_to_macswap", method, connections)] = Value(row.subject.mpps / row.floor.mpps, row.quiet)
                floors.append(row.floor)
        middle = sorted(floors, key=lambda figure: figure.mpps)[len(floors) // 2]
        found[_key("mpps", "macswap", connections)] = Value(middle.mpps, middle.quiet)
        return found


def _key(metric, method, connections):
    return key("daemon", metric, method=method, connections=connections)
