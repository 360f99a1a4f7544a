"""scripts/bench --quick, row by row: check what leaves, then time it beside testpmd."""

import contextlib
import os
import secrets
import select
import shutil
import signal
import tempfile
import time

from lab.shell import LabError, Processes
from daemon_rig import capture, contenders, flows, machine, windows
from daemon_rig.departures import Departures, WrongPacket
from daemon_rig.report import Progress, Row, Table, write_json

CONNECTIONS = (1, 1_000, 100_000, 1_000_000)
# Turns through the source whose packets are checked: the first opens the connections, the second finds them.
_TURNS_CHECKED = 2
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Quick:
    def __init__(self, root, options):
        self._options = options
        self._captures = os.path.join(root, "build/bench")
        self._cpus = machine.Cpus.of_this_process()
        self._facts = machine.facts(root)
        self._progress = Progress()

    def run(self):
        """The exit status."""
        for number in _SIGNALS:
            signal.signal(number, _interrupt)
        sources = {}
        for connections in self._options.connections:
            self._progress(f"source of {connections:,} flows")
            sources[connections] = capture.source(self._captures, connections)
        with contextlib.ExitStack() as stack:
            folder = tempfile.mkdtemp(prefix="shunt-bench-")
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            why_not = self._reserve(stack, sources, folder)
            processes = Processes(folder)
            stack.callback(processes.stop_all)  # before their pages are given back
            self._facts["pages"] = "huge pages" if why_not is None else "4 KiB pages"
            self._progress.clear()
            table = Table(self._facts, self._cpus, self._notes(why_not))
            rows, failures = [], 0
            for connections, (path, packets) in sources.items():
                setting = contenders.Setting(path, packets, connections, self._cpus, why_not is None, folder,
                                             f"bench{secrets.token_hex(2)}")
                failures += self._rows(setting, processes, table, rows)
            table.end()
        return 1 if failures else 0

    def _notes(self, why_not):
        notes = []
        if why_not is not None:
            notes.append(f"no huge pages: {why_not}; figures are lower than with them")
        if self._cpus.main == self._cpus.worker:
            notes.append("this process may use one CPU only, which main lcores and workers share; two are needed")
        return notes

    def _reserve(self, stack, sources, folder):
        """None, or why there are no huge pages. Both programs are there at once."""
        if self._options.no_huge:
            return "switched off by --no-huge"
        most = max(contenders.memory_mb(packets, connections) for connections, (_, packets) in sources.items())
        return stack.enter_context(machine.huge_pages(2 * most, os.path.join(folder, "huge")))

    def _rows(self, setting, processes, table, rows):
        """Adds a row per method; returns how many failed."""
        failures = 0
        floor = contenders.Testpmd(processes, setting)
        with contextlib.ExitStack() as stack:
            stack.callback(floor.stop)
            self._progress(f"{setting.connections:,} connections: testpmd starts")
            floor.start()
            floor.pause()
            for method in self._options.methods:
                try:
                    row = self._row(method, setting, processes, floor)
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

    def _row(self, method, setting, processes, floor):
        def progress(text):
            self._progress(f"{method}, {setting.connections:,} connections: {text}")
        progress("checking headers")
        checked = check_headers(processes, setting, method, progress)
        progress("opening connections")
        subject = contenders.Shuntd(processes, setting, method)
        try:
            subject.start()
            subject.wait_until_open()
            subject.pause()
            mine, least = windows.alternate([subject, floor], self._options.windows, self._options.seconds, progress)
        finally:
            subject.stop()
        return Row(method, setting.connections, mine, least, checked)


def _interrupt(_number, _frame):
    # Once is enough: impatience must not stop what puts the machine back.
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def check_headers(processes, setting, method, progress):
    """Runs shuntd on the very source of the timed windows, with its packets going through a pipe to the check instead
    of being dropped by the driver. Returns how many were checked; WrongPacket when one is not as it should be."""
    pipe = os.path.join(setting.folder, "departures")
    if not os.path.exists(pipe):
        os.mkfifo(pipe)
    # Opened before shuntd does: the one who opens a pipe for writing waits for a reader.
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    shuntd = contenders.Shuntd(processes, setting, method, tx_pcap=pipe)
    try:
        shuntd.start()
        departures = Departures(method, setting.connections)
        wanted = _TURNS_CHECKED * setting.packets
        for frame in _frames(reader, shuntd):
            departures.check(frame)
            if departures.packets == wanted:
                departures.finish()
                return wanted
            if departures.packets % 65536 == 0:
                progress(f"checking headers, {departures.packets:,} of {wanted:,}")
        raise LabError(f"shuntd closed its capture after {departures.packets} packets")
    finally:
        os.close(reader)
        shuntd.stop()


def _frames(pipe, shuntd, start_seconds=120, silence_seconds=30):
    reader = capture.Reader()
    patience = time.monotonic() + start_seconds
    while time.monotonic() < patience:
        readable, _, _ = select.select([pipe], [], [], 0.2)
        data = b""
        if readable:
            with contextlib.suppress(BlockingIOError):
                data = os.read(pipe, 1 << 20)
        if not data:  # nothing yet, or no writer yet
            shuntd.require_alive()
            time.sleep(0.02)
            continue
        for frame in reader.frames(data):
            patience = time.monotonic() + silence_seconds
            yield frame
    raise LabError(f"shuntd sends no packets any more, or never did; its log ends:\n{shuntd.log_tail()}")
