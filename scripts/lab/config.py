"""The YAML that shuntd gets in the lab: the machine part is fixed, the desired state is what a test makes of it."""

import copy
import json
import os
from dataclasses import dataclass, field

from lab import topology
from lab.reals import ECHO_PORT, HTTP_PORT, UPLOAD_PORT

TAPS = {"outside": "tap-out", "inside": "tap-in"}
LOCAL_POOL = ["10.0.1.200", "10.0.1.201"]


@dataclass
class HealthCheck:
    interval_ms: int = 1000
    timeout_ms: int = 1000
    rise: int = 2
    fall: int = 2
    port: int | None = None

    def detection_seconds(self):
        """The longest time from a failure until the check has noticed it."""
        return (self.fall * self.interval_ms + self.timeout_ms) / 1000

    def fields(self):
        out = {"interval": f"{self.interval_ms}ms", "timeout": f"{self.timeout_ms}ms",
               "rise": self.rise, "fall": self.fall}
        if self.port:
            out["port"] = self.port
        return out


@dataclass
class Service:
    name: str
    protocol: str
    port: int
    reals: dict  # name -> weight
    scheduler: str = "wrr"
    health_check: HealthCheck | None = field(default_factory=HealthCheck)


class Config:
    """A lab's configuration; change its services and write it again."""

    def __init__(self, method, folder, file_prefix, reals):
        self.method = method
        self.folder = folder
        self.file_prefix = file_prefix
        self.workers = 1
        self.timeouts = {}
        weights = {real: 1 for real in reals}
        echo_check = HealthCheck(port=UPLOAD_PORT)
        self.services = {
            "web": Service("web", "tcp", HTTP_PORT, dict(weights)),
            "upload": Service("upload", "tcp", UPLOAD_PORT, dict(weights)),
            "echo": Service("echo", "udp", ECHO_PORT, dict(weights), health_check=echo_check),
        }

    @property
    def socket(self):
        return os.path.join(self.folder, "shuntd.sock")

    def copy(self):
        return copy.deepcopy(self)

    def write(self, name="shunt.yaml"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(to_yaml(self.document()))
        return path

    def document(self):
        return {
            "dpdk": {"lcores": self._lcores(), "memory_mb": 512, "huge_pages": False, "file_prefix": self.file_prefix},
            "workers": {"poll_mode": Plain("adaptive"), "connections": 65536, "mbufs": 16384},
            "ports": [self._port("outside", topology.OUTSIDE_MAC, topology.OUTSIDE_LB, 0),
                      self._port("inside", topology.INSIDE_MAC, topology.INSIDE_LB, 1)],
            "listener": {"unix_socket": self.socket},
            "journal": {"directory": os.path.join(self.folder, "journal")},
            **({"timeouts": self.timeouts} if self.timeouts else {}),
            "local_addresses": [{"name": "pool", "addresses": LOCAL_POOL, "port": "inside"}],
            "services": [self._service(service) for service in self.services.values()],
        }

    def _lcores(self):
        """The main lcore and one lcore per worker, on the CPUs that this process may use."""
        cpus = sorted(os.sched_getaffinity(0))
        return ",".join(f"{lcore}@{cpus[lcore % len(cpus)]}" for lcore in range(self.workers + 1))

    def _port(self, name, mac, address, number):
        return {"name": name, "device": f"net_tap{number},iface={TAPS[name]}", "mac": mac,
                "kernel_port": {"name": f"sh-{name}", "addresses": [f"{address}/24"]}}

    def _service(self, service):
        out = {"name": service.name, "protocol": Plain(service.protocol), "address": topology.VIP,
               "port": service.port, "scheduler": Plain(service.scheduler), "method": Plain(self.method)}
        if self.method == "fullnat":
            out["local_addresses"] = "pool"
        out["health_check"] = service.health_check.fields() if service.health_check else {"disabled": True}
        out["reals"] = [{"name": name, "address": topology.real_address(int(name[1:])), "weight": weight}
                        for name, weight in service.reals.items()]
        return out


class Plain(str):
    """A word that reads better without quotes."""


def to_yaml(value, indent=0):
    """The little of YAML that a configuration needs: block mappings and lists, quoted strings."""
    pad = "  " * indent
    if isinstance(value, dict):
        return "".join(f"{pad}{key}:{_tail(item, indent + 1)}" for key, item in value.items())
    return "".join(f"{pad}-{_tail(item, indent + 1, inline=True)}" for item in value)


def _tail(item, indent, inline=False):
    if isinstance(item, (dict, list)) and item:
        block = to_yaml(item, indent)
        return " " + block.lstrip(" ") if inline and isinstance(item, dict) else "\n" + block
    if isinstance(item, Plain):
        return f" {item}\n"
    return f" {json.dumps(item)}\n"
