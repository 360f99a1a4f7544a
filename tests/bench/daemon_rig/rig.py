"""What the whole daemon is measured with: captures, a folder, huge pages, and both programs side by side."""

import contextlib
import os
import secrets
import select
import shutil
import tempfile
import time

from lab.shell import LabError, Processes
from daemon_rig import capture, contenders, machine, windows
from daemon_rig.departures import Departures
from daemon_rig.report import Row

# Turns through the source whose packets are checked: the first opens the connections, the second finds them.
_TURNS_CHECKED = 2


class Rig:
    """A context; when it ends, so have its programs, and what it took from the machine is given back.

    `why_no_huge_pages` is None where both programs use them."""

    def __init__(self, root, *, huge_pages=True, progress=lambda text: None):
        self._captures = os.path.join(root, "build/bench")
        self._wants_huge_pages = huge_pages
        self._progress = progress
        self._stack = contextlib.ExitStack()
        self.cpus = machine.Cpus.of_this_process()
        self.why_no_huge_pages = None
        self._folder = self._processes = None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self._folder = tempfile.mkdtemp(prefix="shunt-bench-")
            stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        return self._stack.__exit__(*exception)

    def source(self, connections):
        """The capture of so many flows and the packets in it."""
        self._progress(f"source of {connections:,} flows")
        return capture.source(self._captures, connections)

    def reserve(self, megabytes):
        """Takes that much memory on huge pages, once; what does not fit runs on small ones."""
        self.why_no_huge_pages = ("switched off by --no-huge" if not self._wants_huge_pages else self._stack.enter_context(
            machine.huge_pages(megabytes, os.path.join(self._folder, "huge"))))
        self._processes = Processes(self._folder)
        self._stack.callback(self._processes.stop_all)  # before their pages are given back

    @property
    def pages(self):
        return "huge pages" if self.why_no_huge_pages is None else "4 KiB pages"

    def setting(self, connections, worker_cpus=None):
        path, packets = self.source(connections)
        return contenders.Setting(path, packets, connections, self.cpus, self.why_no_huge_pages is None, self._folder,
                                  f"bench{secrets.token_hex(2)}", worker_cpus or (self.cpus.worker,))

    @contextlib.contextmanager
    def floor(self, setting):
        """testpmd, running and paused."""
        testpmd = contenders.Testpmd(self._processes, setting)
        try:
            self._progress(f"{setting.connections:,} connections: testpmd starts")
            testpmd.start()
            testpmd.pause()
            yield testpmd
        finally:
            testpmd.stop()

    @contextlib.contextmanager
    def subject(self, setting, method):
        """shuntd with every connection open, paused."""
        shuntd = contenders.Shuntd(self._processes, setting, method)
        try:
            self._progress(f"{method}, {setting.connections:,} connections: opening connections")
            shuntd.start()
            shuntd.wait_until_open()
            shuntd.pause()
            yield shuntd
        finally:
            shuntd.stop()

    def check(self, setting, method):
        """Returns how many packets were checked; WrongPacket when one is not as it should be."""
        return check_headers(self._processes, setting, method,
                             lambda text: self._progress(f"{method}, {setting.connections:,} connections: {text}"))

    def row(self, method, setting, floor, wanted, seconds, checked=0):
        """shuntd and testpmd in turn."""
        with self.subject(setting, method) as subject:
            mine, least = windows.alternate(
                [subject, floor], wanted, seconds,
                lambda text: self._progress(f"{method}, {setting.connections:,} connections: {text}"))
        return Row(method, setting.connections, mine, least, checked)


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
