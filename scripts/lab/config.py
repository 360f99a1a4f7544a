"""The YAML that shuntd gets in the lab: the machine part is fixed, the desired state is what a test makes of it."""

import copy
import json
import os
from dataclasses import dataclass, field

from lab.family import FAMILIES, IPV4, Family
from lab.reals import ECHO_PORT, HTTP_PORT, UPLOAD_PORT
from lab.topology import INSIDE_MAC, OUTSIDE_MAC

TAPS = {"outside": "tap-out", "inside": "tap-in"}


@dataclass
class HealthCheck:
    interval_ms: int = 1000
    timeout_ms: int = 1000
    rise: int = 2
    fall: int = 2
    port: int | None = None
    # What the check does, as in the file: {"http": {"path": "/healthz"}}.
    kind: dict = field(default_factory=dict)

    def detection_seconds(self):
        """The longest time from a failure until the check has noticed it."""
        return (self.fall * self.interval_ms + self.timeout_ms) / 1000

    def fields(self):
        out = {"interval": f"{self.interval_ms}ms", "timeout": f"{self.timeout_ms}ms",
               "rise": self.rise, "fall": self.fall}
        if self.port:
            out["port"] = self.port
        return {**out, **self.kind}


@dataclass
class Service:
    name: str
    protocol: str
    port: int
    reals: dict  # name -> weight
    scheduler: str = "wrr"
    health_check: HealthCheck | None = field(default_factory=HealthCheck)
    family: Family = IPV4
    # Reals for those whom none of `reals` may take, as those.
    sorry_reals: dict = field(default_factory=dict)
    # Fields as in the file, on top of the others; None takes one away.
    more: dict = field(default_factory=dict)
    # Under tunnel and fullnat: the family of the reals' addresses; None: the service's.
    reals_family: Family | None = None
    # Under tunnel: what wraps packets to them; None: ipip.
    tunnel: dict | None = None


class Config:
    """A lab's configuration, with the same services for each of `families`; change its services and write it again."""

    def __init__(self, method, folder, file_prefix, reals, families=(IPV4,)):
        self.method = method
        self.folder = folder
        self.file_prefix = file_prefix
        self.workers = 1
        self.timeouts = {}
        # Where replies pass Shunt by, a client's port that is soon used again finds its last connection half closed, and
        # with it that one's real, drained or not; the lab's clients open so many connections that this happens.
        self.sysctls = {"conn_reuse_mode": 3} if method in ("direct", "tunnel") else {}
        # In a network namespace of its own no port is taken.
        self.http = {}
        # As in the file.
        self.unix_roles = {}
        self.access_lists = []
        # Rules as in the file.
        self.snat = []
        # As in the file.
        self.local_addresses = [{"name": _pool(family), "addresses": family.local_pool, "port": "inside"} for family in FAMILIES]
        self.services = {}
        for family in families:
            self._add("web", "tcp", HTTP_PORT, reals, family)
            self._add("upload", "tcp", UPLOAD_PORT, reals, family)
            self._add("echo", "udp", ECHO_PORT, reals, family, HealthCheck(port=UPLOAD_PORT))

    def _add(self, name, protocol, port, reals, family, check=None):
        name = family.service(name)
        self.services[name] = Service(name, protocol, port, {real: 1 for real in reals}, family=family,
                                      health_check=check or HealthCheck())

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
            "ports": [self._port("outside", OUTSIDE_MAC, [f.on_link(f.outside_lb) for f in FAMILIES], 0),
                      self._port("inside", INSIDE_MAC, [f.on_link(f.inside_lb) for f in FAMILIES], 1)],
            "listener": {"unix_socket": self.socket, **({"unix_roles": self.unix_roles} if self.unix_roles else {})},
            "journal": {"directory": os.path.join(self.folder, "journal")},
            "http": self.http,
            **({"timeouts": self.timeouts} if self.timeouts else {}),
            **({"sysctls": self.sysctls} if self.sysctls else {}),
            **({"access_lists": self.access_lists} if self.access_lists else {}),
            "local_addresses": self.local_addresses,
            "services": [self._service(service) for service in self.services.values()],
            **({"snat": self.snat} if self.snat else {}),
        }

    def _lcores(self):
        """The main lcore and one lcore per worker, on the CPUs that this process may use."""
        cpus = sorted(os.sched_getaffinity(0))
        return ",".join(f"{lcore}@{cpus[lcore % len(cpus)]}" for lcore in range(self.workers + 1))

    def _port(self, name, mac, addresses, number):
        return {"name": name, "device": f"net_tap{number},iface={TAPS[name]}", "mac": mac,
                "kernel_port": {"name": f"sh-{name}", "addresses": addresses}}

    def _service(self, service):
        out = {"name": service.name, "protocol": Plain(service.protocol), "address": service.family.vip,
               "port": service.port, "scheduler": Plain(service.scheduler), "method": Plain(self.method)}
        reals_family = service.reals_family or service.family
        if self.method == "fullnat":
            out["local_addresses"] = _pool(reals_family)
        out["health_check"] = service.health_check.fields() if service.health_check else {"disabled": True}
        if service.tunnel:
            out["tunnel"] = {key: Plain(value) for key, value in service.tunnel.items()}
        out["reals"] = _reals(service.reals, reals_family)
        if service.sorry_reals:
            out["sorry_reals"] = _reals(service.sorry_reals, reals_family)
        out.update(service.more)
        return {name: value for name, value in out.items() if value is not None}


def _reals(weights, family):
    return [{"name": name, "address": family.real(int(name[1:])), "weight": weight} for name, weight in weights.items()]


def _pool(family):
    return family.service("pool")


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
