"""shuntd in a namespace, told and asked by shuntctl."""

import json
import os

from conformance.director import Director
from conformance.kernel_director import connection_text, prefix
from conformance.model import Item, own_ports
from conformance.twins import (ANCHOR_PORT, DIRECTOR_MAC, FAMILIES, INSIDE, MTU, OUTSIDE, SIDES, VIPS, name_of,
                               neighbour_commands)
from lab.config import Plain, to_yaml
from lab.daemon import binary, numbers
from lab.shell import LabError, ip_batch, run, wait_for

_KERNEL_PORTS = {side: f"sh-{side}" for side in SIDES}
_START_SECONDS = 60
_LONGEST_NAME = 63


class ShuntDirector(Director):
    name = "shunt"

    def __init__(self, processes, namespace, wire_namespace, folder):
        self._processes, self._namespace, self._folder = processes, namespace, folder
        self._socket = os.path.join(folder, "shuntd.sock")
        self._case = self._names = None
        self._start()
        taps = {side: f"s-{side}" for side in SIDES}
        ip_batch([f"link set {tap} netns {wire_namespace}" for tap in taps.values()], namespace)
        ip_batch([f"link set {tap} address 02:53:48:ff:00:0{at} up mtu 9000" for at,
                  tap in enumerate(taps.values(), 1)],
                 wire_namespace)
        super().__init__(taps)
        ip_batch(neighbour_commands(_KERNEL_PORTS), namespace)
        for side in SIDES:
            self.settle(side, _START_SECONDS)
        self.take()

    def _start(self):
        settings = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.icmp_ratelimit=0",
                    "net.ipv4.icmp_msgs_per_sec=100000", "net.ipv4.icmp_msgs_burst=100000", "net.ipv6.icmp.ratelimit=0"]
        settings += [f"net.ipv4.conf.{which}.{name}=0" for which in ("all", "default")
                     for name in ("send_redirects", "rp_filter")]
        settings += [f"net.ipv6.conf.{which}.{name}=0" for which in ("all", "default")
                     for name in ("accept_dad", "accept_ra", "router_solicitations")]
        run(["ip", "netns", "exec", self._namespace, "sysctl", "-qw", *settings])
        path = self._write("shunt.yaml", {**self._machine(), **desired_state({}, self._anchors())})
        self._process = self._processes.start("shuntd", [binary("shuntd"), "-c", path], namespace=self._namespace)
        wait_for(self._answers, _START_SECONDS, "shuntd to answer", every=0.1)

    def _answers(self):
        if self._process.poll() is not None:
            raise LabError(f"shuntd ended with {self._process.returncode}:\n{self._processes.log_tail('shuntd')}")
        return os.path.exists(self._socket) and self._ctl("status", check=False).returncode == 0

    def _machine(self):
        cpus = sorted(os.sched_getaffinity(0))
        lcores = f"0@{cpus[0]},1@{cpus[-1]}"
        return {
            "dpdk": {"lcores": lcores, "memory_mb": 256, "huge_pages": False,
                     "file_prefix": os.path.basename(self._folder)},
            "workers": {"poll_mode": Plain("adaptive"), "connections": 16384, "ipv6_connections": 16384, "mbufs": 8192},
            "ports": [{"name": side, "device": f"net_tap{at},iface=s-{side}", "mac": DIRECTOR_MAC[side],
                       "mtu": MTU[side],
                       "kernel_port": {"name": _KERNEL_PORTS[side],
                                       "addresses": [f"{family.director[side]}/{family.prefix[side]}"
                                                     for family in FAMILIES.values()]}}
                      for at, side in enumerate(SIDES)],
            "listener": {"unix_socket": self._socket},
            "journal": {"directory": os.path.join(self._folder, "journal")},
            "http": {"disabled": True},
        }

    @staticmethod
    def _anchors():
        return [{"name": f"anchor{version}-v{n}", "protocol": Plain("tcp"), "address": family.address(f"v{n}"),
                 "port": ANCHOR_PORT, "scheduler": Plain("rr"), "method": Plain("direct"),
                 "health_check": {"disabled": True},
                 "reals": [{"address": family.address("r24"), "weight": 0}]}
                for version, family in FAMILIES.items() for n in range(1, VIPS + 1)]

    def _write(self, name, document):
        path = os.path.join(self._folder, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(to_yaml(document))
        return path

    def _ctl(self, *arguments, check=True):
        return run([binary("shuntctl"), "-s", self._socket, *arguments], check=check)

    def last_words(self):
        ended = self._process.poll()
        state = "runs" if ended is None else f"ended with {ended}"
        return f"; shuntd {state}, its log ends:\n{self._processes.log_tail('shuntd', 30)}"

    # --- services ---

    def configure(self, case, vport, services):
        rendered = [service_document(case, vport, service) for service in services]
        self._names = {document["name"] for document in rendered}
        self._apply(desired_state(case.settings, rendered + self._anchors()))

    def _apply(self, state):
        self._ctl("apply", "-f", self._write("next.yaml", state))

    # --- answers ---

    def connections(self, ports):
        items = []
        for line in self._ctl("-o", "json", "conn", "list").stdout.splitlines():
            entry = numbers(json.loads(line))
            if entry["virtual_port"] not in ports:
                continue
            ends = [(entry[end], entry.get(f"{end}_port", 0)) for end in ("client", "virtual", "real")]
            protocol = entry["protocol"].removeprefix("PROTOCOL_").lower()
            left = float(entry.get("expires_in", "0s").removesuffix("s"))
            items.append(Item(connection_text(protocol, entry["state"], *ends, ports), left + self.since_last_packet()))
        return sorted(items, key=str)

    def counters(self, ports):
        lines = []
        for service in numbers(json.loads(self._ctl("-o", "json", "service", "list").stdout)).get("services", []):
            if service["name"] not in self._names:
                continue
            lines.append(f"service {traffic_text(service)}")
            lines += [f"{name_of(real['address'])} {traffic_text(real)} weight {real.get('effective_weight', 0)} "
                      f"active {real.get('active_connections', 0)} inactive {real.get('inactive_connections', 0)}"
                      for real in service.get("reals", []) if not real.get("removed")]
        return sorted(lines)


def traffic_text(entry):
    traffic = entry.get("traffic", {})
    count = {name: traffic.get(name, 0) for name in ("connections", "in_packets", "in_bytes", "out_packets",
                                                     "out_bytes")}
    return (f"conns {count['connections']} in {count['in_packets']}/{count['in_bytes']} "
            f"out {count['out_packets']}/{count['out_bytes']}")


def desired_state(settings, services):
    return {**settings, "services": list(services)}


def service_document(case, vport, service):
    """A service as the configuration file has it."""
    family = FAMILIES[case.family]
    ports = own_ports(vport)
    which = service.reals[0].name if service.match else ""
    place = f"-{service.vip}-{service.protocol}-{service.port}-{which}"
    # Of a case's name, what a service's may have.
    name = case.name.replace("+", ".")
    document = {"name": name[:_LONGEST_NAME - len(place)] + place,
                "protocol": Plain(service.protocol), **found_by(family, ports, service),
                "scheduler": Plain(service.scheduler), "method": Plain(service.method),
                "health_check": {"disabled": True}}
    if service.scheduler in ("sh", "mh"):
        document["scheduler_flags"] = {"port": f"{service.scheduler}-port" in service.flags,
                                       "fallback": f"{service.scheduler}-fallback" in service.flags}
    document.update(service.shunt)
    document["reals"] = [real_document(family, ports, service, real) for real in service.reals]
    return document


def found_by(family, ports, service):
    """Address and port, or what takes their place."""
    match = service.match
    if match is None:
        port = {"port": ports.get(service.port, service.port)} if service.port else {"all_ports": True}
        return {"address": family.address(service.vip), **port}
    document = {"vips": [prefix(family, match.vips)]} if match.vips else {}
    document.update({"clients": [prefix(family, match.clients)]} if match.clients else {})
    document.update({"first_port": ports[match.ports[0]], "last_port": ports[match.ports[1]]} if match.ports else {})
    return {"match": document}


def real_document(family, ports, service, real):
    address = (FAMILIES[real.family] if real.family else family).address(real.name)
    document = {"name": real.name, "address": address, "weight": real.weight, **real.shunt}
    if real.port is not None:
        document["port"] = ports.get(real.port, real.port)
    return document
