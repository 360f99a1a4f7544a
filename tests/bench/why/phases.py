"""What happens to each contender, second by second; the same for all.

    full speed    closed loop: `users` requests at once, for throughput and CPU
    steady        from here on requests arrive at a fixed rate: balance, CPU
    killed        the busiest real's web server is killed: connections are refused; later it is started again
    silent        the busiest real's cable is cut: connections are not answered; later it is plugged in again
    taken out     the busiest real is taken out of service, stopped, started and brought back, as an operator would
"""

import time
from dataclasses import dataclass

from why import cpu, figures
from why.contenders import TIMEOUT_SECONDS
from why.load import Load
from why.rig import CHECK


@dataclass(frozen=True)
class Pace:
    """Lengths in seconds; requests a second."""

    full: float = 3.0
    steady: float = 6.0
    down: float = 4.2
    away: float = 2.0
    rate: int = 1000
    users: int = 64
    ttl: int = 2

    warm: float = 1.0
    settle: float = TIMEOUT_SECONDS + 0.5  # what started before the real came back has ended by then

    @staticmethod
    def brief(seconds=2.0):
        """As short as it can be: a dead real must stay dead until a check has noticed it and caches have forgotten it."""
        return Pace(full=1.0, steady=seconds, down=3.2, away=0.5, ttl=1, warm=0.5)

    def total(self):
        """Of one contender with one number of reals, with what starting and waiting takes besides."""
        return 2 * self.warm + self.full + self.steady + 2 * (self.down + self.settle) + self.away + self.settle + 3.5


@dataclass
class Usage:
    """CPU seconds in a time."""

    processes: float
    machine: float
    busy: float | None  # a share, by the contender's own account
    seconds: float


class Meter:
    """Measures CPU between two moments."""

    def __init__(self, contender):
        self._contender = contender
        self._busy = []

    def start(self):
        self._began = time.monotonic()
        self._processes = cpu.of_processes(self._contender.pids())
        self._machine = cpu.of_machine()
        return self

    def sleep(self, seconds):
        """Asks for its account every second: it is about the last one."""
        end = self._began + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 1.0))
            if left >= 1.0 or not self._busy:
                busy = self._contender.busy()
                if busy is not None:
                    self._busy.append(busy)

    def stop(self):
        seconds = time.monotonic() - self._began
        return Usage(cpu.of_processes(self._contender.pids()) - self._processes, cpu.of_machine() - self._machine,
                     sum(self._busy) / len(self._busy) if self._busy else None, seconds)


class Run:
    """One contender with one number of reals. `say(text)` tells what is being done."""

    def __init__(self, rig, contender, count, pace, say):
        self._rig, self._contender, self._count, self._pace, self._say = rig, contender, count, pace, say
        self._reals = rig.names(count)

    def measure(self):
        """The row's figures, as a dictionary."""
        self._say("starts")
        self._contender.start()
        try:
            out = self._full_speed()
            out.update(self._timeline())
        finally:
            self._contender.stop()
        return out

    def _load(self, *words):
        return Load(self._rig, self._contender, words, TIMEOUT_SECONDS).start()

    def _full_speed(self):
        self._say("full speed")
        load = self._load("--users", str(self._pace.users))
        time.sleep(self._pace.warm)
        meter = Meter(self._contender).start()
        begin = time.monotonic()
        meter.sleep(self._pace.full)
        usage, end = meter.stop(), time.monotonic()
        records = load.stop()
        ended = figures.outcome(records, begin, end, TIMEOUT_SECONDS / 2)
        answered = ended.requests - ended.failed
        latencies = figures.latencies_ms(r for r in records if begin <= r.end < end)
        return {"requests_per_s": answered / (end - begin), "full_failed": ended.failed,
                **_usage("full", usage, answered),
                "full_p50_ms": figures.percentile(latencies, 0.5), "full_p99_ms": figures.percentile(latencies, 0.99)}

    def _timeline(self):
        pace = self._pace
        load = self._load("--rate", str(pace.rate))
        time.sleep(pace.warm)
        self._say("steady")
        meter = Meter(self._contender).start()
        steady = time.monotonic()
        meter.sleep(pace.steady)
        usage, steady_end = meter.stop(), time.monotonic()
        killed = self._death(load, "killed", self._rig.stop_real, self._rig.start_real)
        silent = self._death(load, "silent", self._rig.topology.unplug_real, self._rig.topology.plug_real)
        taken, ordered, gone, real = self._take_out(load)
        records = load.stop()
        out = self._steady_figures(records, steady, steady_end, usage)
        for name, begin, end in (("killed", killed, silent), ("silent", silent, taken), ("taken", taken, float("inf"))):
            became = figures.outcome(records, begin, end, TIMEOUT_SECONDS / 2)
            out.update({f"{name}_requests": became.requests, f"{name}_failed": became.failed, f"{name}_reasons": became.reasons,
                        f"{name}_last_failure_s": became.last_failure_s, f"{name}_slow": became.slow})
        out["out_of_use_s"] = figures.out_of_use_after(records, real, ordered, gone)
        return out

    def _steady_figures(self, records, begin, end, usage):
        became = figures.outcome(records, begin, end, TIMEOUT_SECONDS / 2)
        found = figures.started_between(records, begin, end)
        requests = figures.balance(figures.requests_by_real(found), self._reals)
        sizes = figures.balance(figures.bytes_by_real(found), self._reals)
        latencies = figures.latencies_ms(found)
        return {"rate": became.requests / (end - begin), "steady_failed": became.failed,
                **_usage("steady", usage, became.requests - became.failed),
                "steady_p50_ms": figures.percentile(latencies, 0.5), "steady_p99_ms": figures.percentile(latencies, 0.99),
                "most_to_mean": requests and requests.most_to_mean, "variation": requests and requests.variation,
                "ttl_most_to_mean": figures.balance_per_interval(records, self._reals, begin, end, self._pace.ttl),
                "bytes_most_to_mean": sizes and sizes.most_to_mean, "bytes_variation": sizes and sizes.variation}

    def _busiest(self, load):
        load.require_alive()
        return figures.busiest(load.records(), time.monotonic() - 1.0, self._reals)

    def _death(self, load, what, end, begin_again):
        """Returns when it happened."""
        real = self._busiest(load)
        self._say(f"{real} {what}")
        begin = time.monotonic()
        end(real)
        time.sleep(CHECK.detection_seconds())
        self._contender.noticed(real)
        time.sleep(max(0.0, begin + self._pace.down - time.monotonic()))
        begin_again(real)
        time.sleep(CHECK.rise * CHECK.interval_ms / 1000)
        self._contender.noticed_back(real)
        time.sleep(self._pace.settle)
        return begin

    def _take_out(self, load):
        """Returns when it began, when it was ordered, when the real was stopped, and which one it was."""
        real = self._busiest(load)
        self._say(f"{real} taken out and brought back")
        begin = time.monotonic()
        self._contender.take_out(real)
        gone = time.monotonic()
        self._rig.stop_real(real)
        time.sleep(self._pace.away)
        self._rig.start_real(real)
        self._contender.bring_back(real)
        time.sleep(self._pace.settle)
        return begin, begin, gone, real


def _usage(name, usage, answered):
    """In microseconds per answered request."""
    each = 1e6 / answered if answered else float("nan")
    out = {f"{name}_cpu_us": usage.processes * each, f"{name}_machine_us": usage.machine * each}
    if usage.busy is not None:
        out[f"{name}_busy_us"] = usage.busy * usage.seconds * each
    return out
