"""scripts/bench --quick, row by row: check what leaves, then time it beside testpmd."""

from lab.shell import LabError
from daemon_rig import contenders, machine
from daemon_rig.departures import WrongPacket
from daemon_rig.report import Progress, Table, write_json
from daemon_rig.rig import Rig

CONNECTIONS = (1, 1_000, 100_000, 1_000_000)


class Quick:
    def __init__(self, root, options):
        self._root = root
        self._options = options
        self._facts = machine.facts(root)
        self._progress = Progress()

    def run(self):
        """The exit status."""
        with Rig(self._root, huge_pages=not self._options.no_huge, progress=self._progress) as rig:
            # Both programs are there at once.
            rig.reserve(2 * max(contenders.memory_mb(rig.source(connections)[1], connections)
                                for connections in self._options.connections))
            self._facts["pages"] = rig.pages
            self._progress.clear()
            table = Table(self._facts, rig.cpus, _notes(rig))
            rows, failures = [], 0
            for connections in self._options.connections:
                failures += self._rows(rig, rig.setting(connections), table, rows)
            table.end()
        return 1 if failures else 0

    def _rows(self, rig, setting, table, rows):
        """Adds a row per method; returns how many failed."""
        failures = 0
        with rig.floor(setting) as floor:
            for method in self._options.methods:
                try:
                    checked = rig.check(setting, method)
                    row = rig.row(method, setting, floor, self._options.windows, self._options.seconds, checked)
                except (LabError, WrongPacket) as error:
                    failures += 1
                    self._progress.clear()
                    table.failed(method, setting.connections, error)
                    continue
                rows.append(row)
                self._progress.clear()
                table.add(row)
                if self._options.json:
                    write_json(self._options.json, rows, self._facts)
        return failures


def _notes(rig):
    notes = []
    if rig.why_no_huge_pages is not None:
        notes.append(f"no huge pages: {rig.why_no_huge_pages}; figures are lower than with them")
    if rig.cpus.main == rig.cpus.worker:
        notes.append("this process may use one CPU only, which main lcores and workers share; two are needed")
    return notes
