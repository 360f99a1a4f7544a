"""The demo's story: what happens to the reals, step by step, and what must be true after each step."""

import os
import subprocess
import time

from lab.family import IPV4
from lab.lab import Lab
from lab.load import Load
from lab.reals import BIG_BYTES, HTTP_PORT
from lab.screen import Screen
from lab.shell import LabError, run

# How far a real's share of a step's requests may be from its weight's share, as a fraction of all requests.
_TOLERANCE = 0.08


class Demo:
    """One run. `check`: no pauses for a reader; the steps and their conditions are the same."""

    def __init__(self, method, check, family=IPV4, screen=None):
        self._method, self._check, self._family = method, check, family
        self._how = method if family is IPV4 else f"{method} over {family.name}"
        self._service = family.service("web")
        self._screen = screen or Screen()
        self._wrong = []
        self._extra_requests = self._extra_failures = 0
        self._load = None

    def run(self):
        """Returns True when all went as told."""
        self._screen.head(f"A client, a load balancer and real servers, forwarding method {self._how}")
        try:
            with Lab(self._method, families=[self._family]) as lab:
                self._lab, self._shuntd = lab, lab.shuntd
                self._service_config = lab.config.services[self._service]
                lab.config.services = {self._service: self._service_config}
                self._start()
                for step in (self._spread, self._kill, self._revive, self._drain, self._add, self._reweigh):
                    step()
                self._load.stop()
        finally:
            if self._load:
                self._summary()
        return not self._wrong and not self._load.outside()

    # --- the steps ---

    def _start(self):
        self._shuntd.start(self._lab.config)
        self._shuntd.wait_all_up()
        self._screen.say(f"  Network namespaces {self._lab.tag}-client, -lb, -fabric, -r1 to -r4 are wired up. shuntd runs in -lb;")
        self._screen.say(f"  its service {self._service} is {self._family.url(self._family.vip)}, its real servers run nginx. Eight clients")
        self._screen.say("  ask for the page, with a new connection for each request.")
        self._load = Load(self._lab, clients=8, pause_ms=20, family=self._family).start()
        self._rate_counts, self._rate_time, self._rates = self._load.counts(), time.monotonic(), {}
        self._begin_counting()

    def _spread(self):
        self._step("1. Requests to one address are spread over three real servers")
        self._watch(2, 6)
        self._expect_shares("the three share the requests")

    def _kill(self):
        limit = self._service_config.health_check.detection_seconds()
        self._step(f"2. The web server of r2 is killed; its health check has {limit:.1f} s to notice")
        window = self._load.open_window(limit)
        self._lab.reals.kill("r2")
        down = self._until(lambda: self._health("r2") == "HEALTH_DOWN", limit + 5)
        self._require(down is not None and down <= window.end + 0.5,
                      f"r2 was masked after {(down or 0) - window.start:.1f} s", "r2 was not masked in time")
        self._settle_window(window)
        self._begin_counting()
        self._watch(1.5, 4)
        self._require(self._in_step()["r2"] == 0, "since then r1 and r3 do its work: no request went to r2",
                      "requests still reached r2")
        self._expect_no_failure()

    def _revive(self):
        self._step("3. The web server of r2 is started again")
        self._lab.reals.start("r2")
        up = self._until(lambda: self._health("r2") == "HEALTH_UP", 10)
        self._require(up is not None, "r2 is back in service", "r2 did not come back")
        self._begin_counting()
        self._watch(1.5, 4)
        self._expect_shares("all three share the requests again")

    def _drain(self):
        self._step("4. A real server is drained under a long download, which must finish")
        download = Download(self._lab, self._family, megabytes_per_s=4 if self._check else 2)
        self._extra_requests += 1
        real = download.real()
        self._shuntd.drain(self._service, real)
        self._screen.note(f"the download of {BIG_BYTES >> 20} MiB comes from {real}; 'shuntctl real drain {self._service} {real}'")
        self._begin_counting()
        while download.running():
            self._watch(0.25, 0.25)
        self._require(self._in_step()[real] == 0, f"meanwhile no new connection went to {real}",
                      f"new connections still went to {real}")
        finished = download.intact()
        self._extra_failures += not finished
        self._require(finished, "the download finished, every byte of it", f"the download was damaged: {download.trouble()}")
        self._shuntd.drain(self._service, real, undo=True)
        self._screen.note(f"'shuntctl real drain {self._service} {real} --undo' brings it back")
        self._until(lambda: self._states()[real].get("effective_weight") == 1, 5)
        self._begin_counting()
        self._watch(1, 3)
        self._expect_shares("all three share the requests again")

    def _add(self):
        self._step("5. A fourth real server, r4, is added with 'shuntctl apply'")
        self._service_config.reals["r4"] = 1
        self._shuntd.apply(self._lab.config)
        up = self._until(lambda: self._health("r4") == "HEALTH_UP", 10)
        self._require(up is not None, "r4 is in service", "r4 did not come into service")
        self._begin_counting()
        self._watch(1.5, 4)
        self._expect_shares("all four share the requests")

    def _reweigh(self):
        self._step("6. Weights are changed: r1 is to get three times as much as the others")
        self._service_config.reals["r1"] = 3
        self._shuntd.set_weight(self._service, "r1", 3)
        self._until(lambda: self._states()["r1"].get("effective_weight") == 3, 5)
        self._begin_counting()
        self._watch(2, 6)
        self._expect_shares("r1 takes half, the other three share the rest")

    # --- what a step is made of ---

    def _step(self, text):
        self._screen.head(text)
        self._failures_before = len(self._load.outside())
        self._begin_counting()

    def _begin_counting(self):
        self._step_start = time.monotonic()

    def _in_step(self):
        return self._load.counts(since=self._step_start)

    def _watch(self, check_seconds, shown_seconds):
        """Lets requests flow, with the table live."""
        end = time.monotonic() + (check_seconds if self._check else shown_seconds)
        while time.monotonic() < end:
            self._tick()
            time.sleep(0.1)

    def _until(self, condition, seconds):
        """The moment at which the condition became true, or None."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return time.monotonic()
            self._tick()
            time.sleep(0.05)
        return None

    def _settle_window(self, window):
        self._watch(window.end - time.monotonic() + 0.2, window.end - time.monotonic() + 0.2)
        self._screen.note(f"{len(self._load.inside())} requests failed before the health check noticed")

    def _tick(self):
        if not self._load.running():
            raise LabError("the traffic source has ended")
        if not self._shuntd.running():
            raise LabError(f"shuntd has ended:\n{self._shuntd.log()}")
        self._screen.table(self._rows())

    def _rows(self):
        counts, now = self._load.counts(), time.monotonic()
        if now - self._rate_time >= 0.5:
            gained = counts - self._rate_counts
            self._rates = {name: n / (now - self._rate_time) for name, n in gained.items()}
            self._rate_counts, self._rate_time = counts, now
        failed = f"failed: {len(self._load.inside())} while a failure was not noticed yet, {len(self._load.outside())} otherwise"
        title = f"service {self._service}, {self._family.bracketed(self._family.vip)}:{HTTP_PORT}/tcp, {self._method}"
        return self._screen.rows(title, self._states(), self._in_step(), counts, self._rates, failed)

    def _states(self):
        return self._shuntd.services()[self._service]

    def _health(self, real):
        return self._states().get(real, {}).get("health")

    # --- conditions ---

    def _require(self, true, good, bad):
        if true:
            self._screen.good(good)
        else:
            self._wrong.append(bad)
            self._screen.bad(bad)

    def _expect_shares(self, text):
        counts, weights = self._in_step(), self._service_config.reals
        total, all_weights = counts.total(), sum(weights.values())
        off = [name for name, weight in weights.items()
               if total == 0 or abs(counts[name] / total - weight / all_weights) > _TOLERANCE]
        spread = ", ".join(f"{name} {counts[name]}" for name in weights)
        self._require(not off and set(counts) <= set(weights), f"{text}: {spread}", f"unexpected shares: {spread}")
        self._expect_no_failure()

    def _expect_no_failure(self):
        new = self._load.outside()[self._failures_before:]
        self._failures_before += len(new)
        self._require(not new, f"{self._in_step().total()} requests, none failed",
                      f"{len(new)} requests failed, the first: {new[0].reason if new else ''}")

    def _summary(self):
        total = self._load.total() + self._extra_requests
        outside = len(self._load.outside()) + self._extra_failures
        self._screen.say()
        for wrong in self._wrong:
            self._screen.bad(wrong)
        self._screen.say(f"demo: {total} requests, {outside} failed outside detection, {len(self._load.inside())} inside, "
                         f"method {self._how}")


class Download:
    """A slow download of the big file from the VIP."""

    def __init__(self, lab, family, megabytes_per_s):
        self._lab = lab
        self._body, self._head = (os.path.join(lab.folder, f"download.{part}") for part in ("body", "head"))
        self._process = lab.start_client(
            "download", ["curl", "-sS", "-f", "-m", "60", "--limit-rate", f"{megabytes_per_s}M", "-D", self._head, "-o", self._body,
                         family.url(family.vip, "/files/big")])

    def real(self, seconds=5):
        """The real that serves it, from the answer's X-Real header."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if os.path.exists(self._head):
                with open(self._head, encoding="utf-8") as head:
                    for line in head:
                        if line.lower().startswith("x-real:"):
                            return line.split(":")[1].strip()
            time.sleep(0.05)
        raise LabError(f"the download did not start: {self.trouble()}")

    def running(self):
        return self._process.poll() is None

    def intact(self):
        if self._lab.processes.stop(self._process) != 0:
            return False
        return run(["sha256sum", self._body]).stdout.split()[0] == self._lab.big_digest

    def trouble(self):
        return self._lab.processes.log_tail("download") or "the bytes differ"
