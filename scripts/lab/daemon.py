"""shuntd in its namespace, and shuntctl to ask it."""

import json
import os
import signal

from lab.shell import LabError, run, wait_for
from lab.config import TAPS

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def binary(name):
    folder = os.environ.get("SHUNT_BIN_DIR", os.path.join(ROOT, "build/release/bin"))
    path = os.path.join(folder, name)
    if not os.access(path, os.X_OK):
        raise LabError(f"{path} is not there; build it with 'scripts/dev build'")
    return path


class Shuntd:
    """One shuntd in the lb namespace of a topology."""

    def __init__(self, topology, processes):
        self._topology, self._processes = topology, processes
        self._config = None
        self._process = None

    def start(self, config, path=None, arguments=()):
        """Starts shuntd on the configuration, waits until it answers and plugs its ports in."""
        self._config = config
        path = path or config.write()
        self._process = self._processes.start("shuntd", [binary("shuntd"), "-c", path, *arguments],
                                              namespace=self._topology.namespace("lb"))
        wait_for(self._answers, 60, f"shuntd to answer on {config.socket}", every=0.2)
        self._topology.plug(TAPS)

    def _answers(self):
        if self._process.poll() is not None:
            raise LabError(f"shuntd ended with {self._process.returncode} instead of starting:\n{self.log()}")
        return os.path.exists(self._config.socket) and self.ctl("status", check=False).returncode == 0

    def running(self):
        return self._process is not None and self._process.poll() is None

    def pid(self):
        return self._process.pid

    def reread(self):
        """SIGHUP: shuntd reads the services of its file again."""
        self._process.send_signal(signal.SIGHUP)

    def log(self, lines=15):
        return self._processes.log_tail("shuntd", lines)

    def stop(self):
        """SIGTERM; returns the exit status."""
        process, self._process = self._process, None
        return self._processes.stop(process)

    def kill(self):
        """SIGKILL, as a crash."""
        process, self._process = self._process, None
        self._processes.kill(process)

    # --- questions and changes, by shuntctl ---

    def ctl(self, *arguments, check=True):
        return run([binary("shuntctl"), "-s", self._config.socket, *arguments], check=check)

    def ask(self, *arguments):
        """shuntctl's JSON: the schema's messages and field names."""
        return numbers(json.loads(self.ctl("-o", "json", *arguments).stdout))

    def apply(self, config, name="next.yaml"):
        return self.ctl("apply", "-f", config.write(name))

    def set_weight(self, service, real, weight):
        return self.ctl("real", "set-weight", service, real, str(weight))

    def drain(self, service, real, undo=False):
        return self.ctl("real", "drain", service, real, *(["--undo"] if undo else []))

    def clear(self, service, real):
        """Ends what set_weight and drain said of the real."""
        return self.ctl("real", "clear", service, real)

    def events_of(self, *kinds):
        """(kind, subject, text) of each event of these kinds."""
        return [(event["kind"], event["subject"], event["text"]) for event in self.events() if event["kind"] in kinds]

    def services(self):
        """{service: {real: state}}, RealState as a dictionary; of two with one name, the one that was not removed."""
        answer = self.ask("service", "list")
        return {service["name"]: {real["name"]: real for real in
                                  sorted(service.get("reals", []), key=lambda real: not real.get("removed", False))}
                for service in answer.get("services", [])}

    def connections(self, *arguments):
        """The tracked connections; they are streamed, one JSON document a line."""
        lines = self.ctl("-o", "json", "conn", "list", *arguments).stdout.splitlines()
        return [numbers(json.loads(line)) for line in lines if line.strip()]

    def events(self):
        """What is kept of the past, one JSON document a line."""
        return [numbers(json.loads(line)) for line in self.ctl("-o", "json", "events").stdout.splitlines() if line.strip()]

    def real(self, service, name):
        return self.services()[service].get(name)

    def wait_health(self, service, name, health, seconds):
        """Waits until a real's health is HEALTH_<health>."""
        return wait_for(lambda: (self.real(service, name) or {}).get("health") == f"HEALTH_{health}", seconds,
                        f"real {name} of service {service} to be {health.lower()}")

    def wait_all_up(self, seconds=20):
        def all_up():
            return all(real.get("health") in ("HEALTH_UP", "HEALTH_UNCHECKED")
                       for reals in self.services().values() for real in reals.values())
        wait_for(all_up, seconds, "every real to be up")

    def drops(self):
        return {drop["reason"]: drop.get("packets", 0) for drop in self.ask("drops").get("drops", [])}


def numbers(value):
    """Protobuf's JSON writes 64-bit numbers as strings; a test compares numbers."""
    if isinstance(value, dict):
        return {key: numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [numbers(item) for item in value]
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value
