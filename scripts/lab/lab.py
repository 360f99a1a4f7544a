"""The whole lab as one `with` block; whatever happens inside, nothing of it is left on the machine."""

import os
import secrets
import shutil
import signal
import sys

from lab.config import Config
from lab.daemon import Shuntd
from lab.family import IPV4
from lab.reals import Reals, make_big_file
from lab.shell import LabError, Processes, run
from lab.topology import Topology

_HOME = "/run/shunt-lab"
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Lab:
    """with Lab("nat") as lab: the topology stands, the reals serve, shuntd is not started yet: lab.shuntd.start(lab.config).
    Topology and reals have both address families; the configuration has services for those of `families`."""

    def __init__(self, method="nat", reals=4, configured=3, families=(IPV4,)):
        self.method = method
        self._families = families
        self.tag = "sl" + secrets.token_hex(2)
        self.folder = os.path.join(_HOME, self.tag)
        self._count = reals
        self._configured = configured
        self._old_handlers = {}

    def __enter__(self):
        if os.geteuid() != 0:
            raise LabError("the lab makes network namespaces, which needs root; run it with sudo")
        _sweep()
        for number in _SIGNALS:
            self._old_handlers[number] = signal.signal(number, _leave)
        os.makedirs(self.folder)
        with open(os.path.join(self.folder, "owner"), "w", encoding="utf-8") as owner:
            owner.write(f"{os.getpid()} {_start_time(os.getpid())}")
        self.processes = Processes(self.folder)
        self.topology = Topology(self.tag, self._count)
        self.shuntd = Shuntd(self.topology, self.processes)
        try:
            self._make()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def _make(self):
        files = os.path.join(self.folder, "files")
        os.makedirs(files)
        self.big_digest = make_big_file(os.path.join(files, "big"))
        self.topology.make()
        self.topology.set_method(self.method, self._compile_decap() if self.method == "tunnel" else None)
        self.reals = Reals(self.topology, self.processes, self.folder, files)
        self.reals.start_all()
        self.config = Config(self.method, self.folder, file_prefix(self.tag), self.topology.reals[:self._configured],
                             self._families)

    def _compile_decap(self):
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "decap.bpf.c")
        out = os.path.join(self.folder, "decap.o")
        run(["clang-14", "-O2", "-g", "-Wall", "-target", "bpf", "-I/usr/include/x86_64-linux-gnu", "-c", source, "-o", out])
        return out

    def client(self, command, **options):
        """Runs a command in the client's namespace to its end."""
        return self.topology.exec("client", command, **options)

    def start_client(self, name, command, **options):
        return self.processes.start(name, command, namespace=self.topology.namespace("client"), **options)

    def __exit__(self, *_):
        # A second Ctrl-C must not stop the tidying half-way.
        ignored = [*_SIGNALS, signal.SIGINT]
        before = {number: signal.signal(number, signal.SIG_IGN) for number in ignored}
        try:
            self.processes.stop_all()
            self.topology.remove()
            _remove_folders(self.tag)
            _remove_home()
        finally:
            for number, handler in {**before, **self._old_handlers}.items():
                signal.signal(number, handler)


def _leave(number, _frame):
    # As an exception, so that every `with` on the way out does its part.
    sys.exit(128 + number)


def _start_time(pid):
    """Tells a process from a later one with the same pid; empty when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _sweep():
    """Removes labs whose process was killed without a chance to tidy up."""
    os.makedirs(_HOME, exist_ok=True)
    for tag in os.listdir(_HOME):
        folder = os.path.join(_HOME, tag)
        try:
            with open(os.path.join(folder, "owner"), encoding="utf-8") as owner:
                pid, started = owner.read().split()
        except (OSError, ValueError):
            continue  # being made or being removed by its owner right now
        if _start_time(pid) == started:
            continue
        for line in run(["ip", "netns", "list"]).stdout.splitlines():
            if line.startswith(f"{tag}-"):
                run(["ip", "netns", "del", line.split()[0]], check=False)
        _remove_folders(tag)


def file_prefix(tag):
    return f"shunt-{tag}"


def _remove_folders(tag):
    # A DPDK process keeps its runtime files outside of the lab's folder.
    shutil.rmtree(os.path.join("/var/run/dpdk", file_prefix(tag)), ignore_errors=True)
    shutil.rmtree(os.path.join(_HOME, tag), ignore_errors=True)


def _remove_home():
    try:
        os.rmdir(_HOME)
    except OSError:
        pass  # another lab is at work
