"""The namespaces of the comparison: those of the lab, with many sites as clients and a proxy beside shuntd.

    sites 203.0.113.11 ... .50 ---+                                     +--- r1 10.0.1.11
                                  |                                     +--- r2 10.0.1.12
                 [bridge outside]-+-- shuntd 203.0.113.100 (its TAPs) --+
                         |        +-- proxy  203.0.113.101 -------------+--- ... r100 10.0.1.110
                         |                                       [bridge inside]
                         +------- 203.0.113.254 router 10.0.1.254 ------+

The same for all: the reals hold the VIP and send their answers by the router (forwarding method direct); with DNS and
with one server, the clients ask the reals by the router; the proxy has one leg on each side.
"""

import os
from collections import namedtuple

from lab.daemon import Shuntd
from lab.config import Config, HealthCheck, Service
from lab.family import IPV4
from lab.lab import Lab, file_prefix
from lab.reals import HTTP_PORT, Reals
from lab.shell import ip_batch, run
from lab.topology import Topology

PROXY = "203.0.113.101"
_PROXY_INSIDE = "10.0.1.2"
_INSIDE_NET = "10.0.1.0/24"
MOST_REALS = 100

# One resolver and one source address each. Zipf: the k-th largest has 1/k of the largest's users.
SITES = 40

Object = namedtuple("Object", "path bytes weight")
# Sizes of a bounded Pareto tail, 1 to 128 KiB with exponent 1.2, by powers of two; 2.9 KiB on average.
OBJECTS = [Object(f"/files/o{k}", 1024 << k, 2 ** (-1.2 * k)) for k in range(8)]

# The same for all who check: a failure is noticed after 0.5 to 1.5 s.
CHECK = HealthCheck(interval_ms=500, timeout_ms=500, rise=2, fall=2)


def site_address(site):
    return f"203.0.113.{11 + site}"


def site_weight(site):
    return 1 / (1 + site)


def mean_bytes():
    return sum(o.bytes * o.weight for o in OBJECTS) / sum(o.weight for o in OBJECTS)


class RigTopology(Topology):
    """The lab's topology with a proxy that has a leg on either side, and with all sites in the client's namespace."""

    def roles(self):
        return [*super().roles(), "proxy"]

    def make(self):
        super().make()
        client = self.namespace("client")
        ip_batch([f"addr add {site_address(site)}/24 dev eth0" for site in range(SITES)]
                 + [f"route add {_INSIDE_NET} via {IPV4.outside_router}"], client)
        self._make_proxy()

    def _make_proxy(self):
        proxy, fabric = self.namespace("proxy"), self.namespace("fabric")
        self._cable("proxy", "outside", [f"{PROXY}/24"])
        ip_batch([f"link add v-proxy2 netns {fabric} type veth peer name eth1 netns {proxy}"])
        for where, device in (("fabric", "v-proxy2"), ("proxy", "eth1")):
            self.exec(where, ["ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off"])
        ip_batch(["link set v-proxy2 master inside up"], fabric)
        ip_batch(["link set eth1 up", f"addr add {_PROXY_INSIDE}/24 dev eth1"], proxy)
        self.exec("proxy", ["sysctl", "-qw", "net.ipv4.ip_local_port_range=1024 65535", "net.ipv4.tcp_tw_reuse=1"])

    def unplug_real(self, real):
        """As when a machine loses power: silence."""
        run(["ip", "-n", self.namespace("fabric"), "link", "set", f"v-{real}", "down"])

    def plug_real(self, real):
        run(["ip", "-n", self.namespace("fabric"), "link", "set", f"v-{real}", "up"])


class RigConfig(Config):
    """One service, and room for the connections of the fastest phase, which are remembered while they time out."""

    def __init__(self, folder, prefix, reals):
        super().__init__("direct", folder, prefix, reals)
        self.services = {"web": Service("web", "tcp", HTTP_PORT, {real: 1 for real in reals}, scheduler="rr",
                                        health_check=CHECK)}

    def document(self):
        out = super().document()
        out["workers"]["connections"] = 1 << 20
        return out


class Rig(Lab):
    """with Rig(reals=100) as rig: the topology stands and every real serves. No contender is there yet."""

    def __init__(self, reals):
        super().__init__("direct", reals, reals)
        self._load = None

    def _make(self):
        files = os.path.join(self.folder, "files")
        os.makedirs(files)
        for item in OBJECTS:
            with open(os.path.join(files, os.path.basename(item.path)), "wb") as out:
                out.write(os.urandom(item.bytes))
        self.topology = RigTopology(self.tag, self._count)
        self.shuntd = Shuntd(self.topology, self.processes)
        self.topology.make()
        self.topology.set_method("direct")
        self.reals = Reals(self.topology, self.processes, self.folder, files)
        for real in self.topology.reals:
            self.reals.start(real)
        for real in self.topology.reals:
            self.reals.wait_listening(real, HTTP_PORT)

    def shunt_config(self, count):
        return RigConfig(self.folder, file_prefix(self.tag), self.names(count))

    def names(self, count):
        return self.topology.reals[:count]

    @staticmethod
    def address(real):
        return IPV4.real(int(real[1:]))

    def stop_real(self, real):
        """A web server's own end, asked for: nothing is under way on it any more."""
        self.reals.kill(real)

    def serves(self, real):
        return bool(self.topology.exec(real, ["ss", "-Hltn", f"sport = :{HTTP_PORT}"]).stdout.strip())

    def start_real(self, real):
        self.reals.start(real)
        self.reals.wait_listening(real, HTTP_PORT)

    def start_load(self, command, **options):
        """The clients, of which there is one at a time."""
        self.stop_load()
        self._load = self.start_client("load", command, **options)
        return self._load

    def stop_load(self):
        if self._load is not None:
            self.processes.stop(self._load)
            if self._load.stderr:
                self._load.stderr.close()
            self._load = None
