"""How a packet's cost grows with connections, services, reals and workers. No targets: these are for the plots."""

import contextlib
import os

from daemon_rig import contenders
from daemon_rig.rig import Rig
from daemon_rig.windows import alternate
from full import path_bench
from full.figures import Figure, counted, key
from full.section_path import ns, values
from full.steps import Section, Step, Value

# The packet path's own section has 1,000, 1,000,000 and 10,000,000.
_SMALL_SIZES = (1, 10, 100, 10_000, 100_000)
_SERVICES = (1, 10, 100, 1_000, 10_000)
_REALS = (1, 10, 100, 1_000)
_METHODS = ("direct", "fullnat")
_CONNECTIONS = 100_000  # where services and reals grow
_WORKERS = (1, 2, 4, 8, 16)
_WORKER_METHODS = ("direct", "fullnat")
_WORKER_CONNECTIONS = 1_000  # of each worker
_WINDOWS, _WINDOW_SECONDS = 3, 1.0


def section():
    steps = [_connections_step()]
    steps += [_table_step("services", number) for number in _SERVICES]
    steps += [_table_step("reals", number) for number in _REALS]
    return Section("growth", "Growth with connections, services and reals: the packet path alone", steps, most_tries=1)


def _connections_step():
    methods = path_bench.METHODS
    figures = [Figure(ns("floor", size), "ns") for size in _SMALL_SIZES]
    figures += [Figure(ns(method, size, family), "ns")
                for size in _SMALL_SIZES for method in methods for family in path_bench.FAMILIES]

    def measure():
        return values(path_bench.rows("path", "--connections", ",".join(map(str, _SMALL_SIZES)), "--rounds", "3",
                                      "--packets", "1000000", "--methods", ",".join(methods)))
    return Step("1 to 100,000 connections", 1.5 * len(methods) * len(_SMALL_SIZES), figures, measure)


def _table_step(what, number):
    def key_of(method):
        return key(f"path-{what}", "ns_per_packet", method=method, **{what: number})

    def measure():
        # Of one family: known connections read neither the services nor anything of a real that grows with its family.
        rows = path_bench.rows("path", "--families", "4", f"--{what}", str(number), "--connections", str(_CONNECTIONS), "--rounds", "3",
                               "--packets", "1000000", "--methods", ",".join(_METHODS))
        return {key_of(row["method"]): row["ns_per_packet"] for row in rows if row["case"] == "path"}
    return Step(counted(number, what), 3, [Figure(key_of(method), "ns") for method in _METHODS], measure)


class Workers:
    """The daemon with more and more workers: on one CPU, then each on its own as far as the machine has them.

    The figure is work, not time: the time for which the kernel let the workers run, by their number of packets. The
    daemon's own busy cycles would say something else: they are read from the clock, which goes on while another worker
    has the CPU in the middle of a burst. There is no idle polling in it: the source never ends. Where each has a CPU of
    its own, what they send in a second is a figure, too."""

    def __init__(self, root, options, progress):
        self._root, self._options, self._progress = root, options, progress
        self._rig = None
        first, *others = sorted(os.sched_getaffinity(0))
        # The control threads', which have little to do, is the last to get a worker.
        self._cpus = (*others, first)

    def section(self):
        # A worker has a queue, and net_pcap has sixteen.
        steps = [self._step(workers, 1) for workers in _WORKERS]
        steps += [self._step(workers, workers) for workers in _WORKERS[1:] if workers <= max(2, len(self._cpus))]
        return Section("workers", "Growth with workers: the whole daemon, CPU time of a packet", steps, most_tries=1,
                       around=self._around, note="What the kernel let the workers run, by their packets: cycles of the clock "
                       "would count the other workers of a CPU, too")

    @contextlib.contextmanager
    def _around(self):
        with Rig(self._root, huge_pages=not self._options.no_huge, progress=self._progress) as rig:
            rig.reserve(contenders.memory_mb(rig.source(_WORKER_CONNECTIONS)[1], _WORKER_CONNECTIONS, max(_WORKERS)))
            self._rig = rig
            yield

    def _step(self, workers, cpus):
        return Step(f"{counted(workers, 'workers')} on {counted(cpus, 'CPUs')}", 8 * len(_WORKER_METHODS),
                    self._figures(workers, cpus), lambda: self._measure(workers, cpus))

    @staticmethod
    def _figures(workers, cpus):
        figures = [Figure(_worker_key(method, workers, cpus), "ns") for method in _WORKER_METHODS]
        if workers == cpus:
            figures += [Figure(_scaling_key(method, workers), "Mpps") for method in _WORKER_METHODS]
        return figures

    def _measure(self, workers, cpus):
        if len(self._cpus) < cpus:
            return dict.fromkeys((figure.key for figure in self._figures(workers, cpus)), "this process may use one CPU only")
        setting = self._rig.setting(_WORKER_CONNECTIONS, tuple(self._cpus[number % cpus] for number in range(workers)))
        found = {}
        for method in _WORKER_METHODS:
            with self._rig.subject(setting, method) as subject:
                (figure,) = alternate([subject], _WINDOWS, _WINDOW_SECONDS,
                                      lambda text, method=method: self._progress(f"{method}, {counted(workers, 'workers')}: {text}"))
            found[_worker_key(method, workers, cpus)] = Value(figure.cpu_ns, figure.quiet)
            if workers == cpus:
                found[_scaling_key(method, workers)] = Value(figure.mpps, figure.quiet)
        return found


def _worker_key(method, workers, cpus):
    return key("workers", "cpu_ns_per_packet", method=method, workers=workers, cpus=cpus)


def _scaling_key(method, workers):
    return key("scaling", "mpps", method=method, workers=workers)
