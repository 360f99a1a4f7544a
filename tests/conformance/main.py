"""scripts/conformance: plays the cases through both directors and prints a row for each."""

import argparse
import fnmatch
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from conformance.cases import all_cases
from conformance.director import DirectorLost
from conformance.kernel_director import KernelDirector
from conformance.shunt_director import ShuntDirector
from conformance.stage import Stage
from conformance.verdict import Verdict, judge, row_text
from conformance.wire import enter_namespace, silence
from lab.shell import LabError, Processes, ip_batch, run

_FIRST_VPORT = 1000
_WIDTH = 46
_FEW = 5  # so many failed rows may be the machine's doing: two directors of which one lost a moment


class Twins:
    """Both directors, each on its own cables; all of it is gone at the end of the `with` block."""

    def __init__(self, kernel=True, shunt=True):
        self._wanted = {"kernel": kernel, "shunt": shunt}
        self._tag = "cf" + secrets.token_hex(2)
        self.directors = {}

    def __enter__(self):
        if os.geteuid() != 0:
            raise LabError("network namespaces need root; run it with sudo")
        self._folder = tempfile.mkdtemp(prefix=f"{self._tag}-")
        self._processes = Processes(self._folder)
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _make(self):
        wire = self._space("wire")
        ip_batch([f"netns add {wire}", f"netns add {self._space('lb')}"])
        ip_batch(["link set lo up"], self._space("lb"))
        silence(wire)
        enter_namespace(wire)
        if self._wanted["kernel"]:
            self.directors["kernel"] = KernelDirector(self._processes, wire, self._folder)
        if self._wanted["shunt"]:
            self.directors["shunt"] = ShuntDirector(self._processes, self._space("lb"), wire, self._folder)

    def _space(self, role):
        return f"{self._tag}-{role}"

    def __exit__(self, *_):
        kernel = self.directors.get("kernel")
        if kernel:
            kernel.guest.stop()
        self._processes.stop_all()
        for role in ("wire", "lb"):
            run(["ip", "netns", "del", self._space(role)], check=False)
        shutil.rmtree(self._folder, ignore_errors=True)


def play(director, case, vport, keep):
    """The case's observations; what went wrong on the way is the last of them."""
    director.capture(keep, case.name)
    stage = Stage(director, case, vport)
    try:
        return stage.play()
    finally:
        director.capture(None, case.name)


class Run:
    """Plays and judges. `twins`: makes the directors."""

    def __init__(self, options, twins=Twins):
        self._options, self._twins = options, twins
        self._pool = None  # each director plays in a thread of its own

    def play_all(self, cases):
        """`cases`: [(case, vport)]. The exit status. A few failed ones are played once more, by new directors: what differs
        because the machine stood still does not differ twice. The table says which rows needed that."""
        kernel_only = self._options.kernel_only
        columns = ["case", "kernel"] if kernel_only else ["case", "kernel", "shunt", "same"]
        started = time.monotonic()
        print(" | ".join(columns), flush=True)
        failed, second = self._play_through(cases, not kernel_only), 0
        if 0 < len(failed) <= _FEW:
            print(f"once more, with new directors: {', '.join(case.name for case, _ in failed)}", flush=True)
            failed, second = self._play_through(failed, not kernel_only), len(failed)
        seconds = time.monotonic() - started
        again = f" ({second - len(failed)} at the second try)" if second > len(failed) else ""
        print(f"{len(cases) - len(failed)} passed{again}, {len(failed)} failed ({seconds:.0f} s)")
        return 1 if failed or not cases else 0

    def _play_through(self, cases, shunt):
        """Those that failed."""
        with self._twins(shunt=shunt) as twins, ThreadPoolExecutor(len(twins.directors)) as self._pool:
            return [(case, vport) for case, vport in cases if not self._play(twins.directors, case, vport)]

    def _play(self, directors, case, vport):
        playing = {name: self._pool.submit(play, director, case, vport, self._options.keep)
                   for name, director in directors.items()}
        seen, errors = {}, []
        for name, future in playing.items():
            try:
                seen[name] = future.result()
            except DirectorLost:
                raise
            except LabError as error:
                seen[name], errors = [], [*errors, f"{name}: {error}"]
        texts = [row_text(observations) for observations in seen.values()]
        if errors:
            verdict = Verdict(False, "ERROR", tuple(errors))
        elif "shunt" not in seen:
            verdict = Verdict(True, "")
        else:
            verdict = judge(case, seen["kernel"], seen["shunt"])
        row = [case.name, *map(cut, texts), *([verdict.word] if verdict.word else [])]
        print(" | ".join(row), flush=True)
        for line in verdict.explanation:
            print(f"    {line}", flush=True)
        if self._options.verbose:
            for name, observations in seen.items():
                for observation in observations:
                    for item in observation.items:
                        print(f"    {name:6} {observation.step}: {item}", flush=True)
        return verdict.passed


def cut(text):
    return text if len(text) <= _WIDTH else text[:_WIDTH - 3] + "..."


def chosen(options):
    """[(case, vport)]; a case's port is the same whichever others are played."""
    numbered = [(case, _FIRST_VPORT + at) for at, case in enumerate(all_cases())]
    if options.case:
        patterns = options.case
        return [(case, vport) for case, vport in numbered
                if any(fnmatch.fnmatchcase(case.name, pattern) or fnmatch.fnmatchcase(case.subject, pattern)
                       for pattern in patterns)]
    return [(case, vport) for case, vport in numbered if case.core or not options.core]


def arguments(words):
    parser = argparse.ArgumentParser(prog="scripts/conformance", description=(
        "Plays each case's packets through Linux's IPVS, in a process, and through Shunt, and compares which real was "
        "picked, what reals and clients received, states, timers and counters."), epilog=(
        "Exit status: 0, every row is the same or a deviation on purpose; 1, a row is not; 2, wrong arguments or the "
        "directors could not be started."))
    parser.add_argument("--case", action="append", metavar="NAME",
                        help="only this one; NAME may have * and be a subject; may be given several times")
    parser.add_argument("--core", action="store_true", help="only the cases that scripts/test plays")
    parser.add_argument("--keep", metavar="FOLDER", nargs="?", const="conformance-captures",
                        help="leave each case's frames there as pcap files (default: conformance-captures)")
    parser.add_argument("--kernel-only", action="store_true", help="show what Linux does, without Shunt")
    parser.add_argument("--verbose", action="store_true", help="show all that was observed, not only differences")
    parser.add_argument("--list", action="store_true", help="name the cases and end")
    return parser.parse_args(words)


def leave(number, _):
    raise SystemExit(128 + number)


def main(words):
    options = arguments(words)
    cases = chosen(options)
    if not cases:
        print(f"scripts/conformance: no case is named {' or '.join(options.case)}; --list names them", file=sys.stderr)
        return 2
    if options.list:
        for case, _ in cases:
            print(f"{case.subject:14} {case.name}{' (core)' if case.core else ''}")
        return 0
    if options.keep:
        options.keep = os.path.abspath(options.keep)
        os.makedirs(options.keep, exist_ok=True)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    try:
        return Run(options).play_all(cases)
    except LabError as error:
        print(f"scripts/conformance: {error}", file=sys.stderr)
        return 2
