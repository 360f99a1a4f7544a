"""shuntd in its namespace, and shuntctl to ask it."""

import json
import os
import re

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

    def start(self, config, path=None):
        """Starts shuntd on the configuration, waits until it answers and plugs its ports in."""
        self._config = config
        path = path or config.write()
        self._process = self._processes.start("shuntd", [binary("shuntd"), "-c", path],
                                              namespace=self._topology.namespace("lb"))
        wait_for(self._answers, 30, f"shuntd to answer on {config.socket}")
        self._topology.plug(TAPS)

    def _answers(self):
        if self._process.poll() is not None:
            raise LabError(f"shuntd ended with {self._process.returncode} instead of starting:\n{self.log()}")
        return os.path.exists(self._config.socket) and self.ctl("status", check=False).returncode == 0

    def running(self):
        return self._process is not None and self._process.poll() is None

    def pid(self):
        return self._process.pid

    def log(self, lines=15):
        return self._processes.log_tail("shuntd", lines)

    def log_path(self):
        return self._processes.log_path("shuntd")

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
        """shuntctl's JSON, with the field names of the schema and numbers as numbers."""
        return schema_names(json.loads(self.ctl("-o", "json", *arguments).stdout))

    def apply(self, config, name="next.yaml"):
        return self.ctl("apply", "-f", config.write(name))

    def services(self):
        """{service: {real: state}}, RealState as a dictionary."""
        answer = self.ask("service", "list")
        return {service["name"]: {real["name"]: real for real in service.get("reals", [])}
                for service in answer.get("services", [])}

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


def schema_names(value):
    """Protobuf's JSON spells lowerCamelCase and writes 64-bit numbers as strings; the schema is what tests speak."""
    if isinstance(value, dict):
        return {re.sub(r"([A-Z])", lambda m: "_" + m[1].lower(), key): schema_names(item) for key, item in value.items()}
    if isinstance(value, list):
        return [schema_names(item) for item in value]
    if isinstance(value, str) and re.fullmatch(r"\d+", value):
        return int(value)
    return value
