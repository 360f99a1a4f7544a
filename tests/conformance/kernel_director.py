"""Linux's IPVS in a guest, told by ipvsadm and asked by it."""

import re
import time

from conformance.director import Director
from conformance.guest import Guest
from conformance.model import VPORT, Item, own_ports
from conformance.reading import Reader
from conformance.twins import (ANCHOR_PORT, DIRECTOR_MAC, FAMILIES, INSIDE, MTU, OUTSIDE, SIDES, VIPS, address_commands,
                                name_of)
from conformance.wire import make_tap

_SUMMED_SECONDS = 2.6
_DEVICES = {OUTSIDE: "vec0", INSIDE: "vec1"}
_METHODS = {"direct": "-g", "tunnel": "-i", "nat": "-m"}
_PROTOCOLS = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}
# No redirects and no limits on answers: they would differ by what was played before.
_SYSCTLS = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.icmp_ratelimit=0",
            "net.ipv4.icmp_msgs_per_sec=100000", "net.ipv4.icmp_msgs_burst=100000", "net.ipv6.icmp.ratelimit=0"] + [
    f"net.ipv4.conf.{which}.{name}=0" for which in ("all", "default", *_DEVICES.values())
    for name in ("send_redirects", "rp_filter")] + [
    f"net.ipv6.conf.{which}.{name}=0" for which in ("all", "default", *_DEVICES.values())
    for name in ("accept_dad", "accept_ra", "router_solicitations")]


class KernelDirector(Director):
    name = "kernel"

    def __init__(self, processes, namespace, folder):
        taps = {side: f"k-{side}" for side in SIDES}
        for tap in taps.values():
            make_tap(namespace, tap)
        super().__init__(taps)
        self.guest = Guest(processes, namespace, folder,
                           {_DEVICES[side]: (taps[side], DIRECTOR_MAC[side]) for side in SIDES})
        self._changed_sysctls = {}
        self._services = {}  # key -> Rendering
        self._set_up()

    def _set_up(self):
        self.guest.say(f"sysctl -qw {' '.join(_SYSCTLS)}")
        links = [f"link set {_DEVICES[side]} mtu {MTU[side]} up" for side in SIDES]
        self.guest.feed("ip -batch -", links + address_commands(_DEVICES))
        self.guest.say(f"tc qdisc add dev {_DEVICES[OUTSIDE]} clsact")
        # Anchors, as Shunt has them: IPVS looks at nothing while it has no service.
        self.guest.feed("ipvsadm -R", [f"-A -t {bracketed(family.address(f'v{n}'))}:{ANCHOR_PORT} -s rr"
                                       for family in FAMILIES.values() for n in range(1, VIPS + 1)])
        for side in SIDES:
            self.guest.say(f"ethtool -K {_DEVICES[side]} tso off gso off gro off")
            self.settle(side)
        self.take()

    # --- services ---

    def configure(self, case, vport, services):
        self._set_sysctls(case.sysctls)
        self._change_to(Rendering(case, vport, service) for service in services)

    def _change_to(self, services):
        services = {service.key(): service for service in services}
        lines = changes(self._services, services)
        marks = [service.filter(at) for at, service in enumerate(services.values(), 1) if service.is_matched()]
        if marks or any(service.is_matched() for service in self._services.values()):
            device = _DEVICES[OUTSIDE]
            self.guest.say(f"tc filter del dev {device} ingress")
            if marks:
                self.guest.feed("tc -batch -", [f"filter add dev {device} ingress {mark}" for mark in marks])
        self._services = services
        if lines:
            self.guest.feed("ipvsadm -R", lines)

    def _set_sysctls(self, wanted):
        """Those of the case, and the ones before as they were."""
        back = {name: value for name, value in self._changed_sysctls.items() if name not in wanted}
        for name in wanted:
            if name not in self._changed_sysctls:
                self._changed_sysctls[name] = self.guest.say(f"cat /proc/sys/net/ipv4/vs/{name}").strip()
        now = {**back, **wanted}
        if now:
            self.guest.say("; ".join(f"echo {value} > /proc/sys/net/ipv4/vs/{name}" for name, value in now.items()))
        for name in back:
            del self._changed_sysctls[name]

    # --- answers ---

    def connections(self, ports):
        """ipvsadm -Lnc: pro expire state source virtual destination."""
        items = []
        for line in self.guest.say("ipvsadm -Lnc").splitlines():
            words = line.split()
            if len(words) < 6 or not re.fullmatch(r"\d+:\d+", words[1]):
                continue
            protocol, expire, state, source, virtual, real = words[:6]
            if endpoint(virtual)[1] not in ports:
                continue
            minutes, seconds = expire.split(":")
            left = int(minutes) * 60 + int(seconds) + 0.5
            items.append(Item(connection_text(protocol.lower(), state, endpoint(source), endpoint(virtual),
                                              endpoint(real), ports), left + self.since_last_packet()))
        return sorted(items, key=str)

    def counters(self, ports):
        """ipvsadm's counters, which Linux sums every two seconds, and the connections that a real has now."""
        time.sleep(max(0.0, _SUMMED_SECONDS - self.since_last_packet()))
        traffic = table(self.guest.say("ipvsadm -Ln --stats --exact"))
        loads = table(self.guest.say("ipvsadm -Ln"))
        lines = []
        for (service, real), numbers in traffic.items():
            if endpoint(service)[1] not in ports:
                continue
            connections, in_packets, out_packets, in_bytes, out_bytes = numbers[:5]
            text = f"conns {connections} in {in_packets}/{in_bytes} out {out_packets}/{out_bytes}"
            if real is None:
                lines.append(f"service {text}")
            else:
                _, weight, active, inactive = loads[service, real][:4]
                lines.append(f"{name_of(endpoint(real)[0])} {text} weight {weight} active {active} inactive {inactive}")
        return sorted(lines)


def connection_text(protocol, state, client, virtual, real, ports):
    reader = Reader(ports)

    def text(end):
        return f"{name_of(end[0])}:{reader.port(end[1])}"
    return f"{protocol} {text(client)} {text(virtual)} {text(real)} {state}"


def endpoint(text):
    """("10.10.0.1", 80) of ipvsadm's "10.10.0.1:80" or "[2001:db8::1]:80"."""
    address, _, port = text.rpartition(":")
    return address.strip("[]"), int(port)


def table(text):
    """{(service, real or None): words} of ipvsadm's lists."""
    rows, service = {}, None
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] in ("TCP", "UDP", "SCTP"):
            service = words[1]
            rows[service, None] = words[2:]
        elif len(words) > 2 and words[0] == "->" and words[1] != "RemoteAddress:Port":
            rows[service, words[1]] = words[2:]
    return rows


class Rendering:
    """A service as ipvsadm's arguments."""

    def __init__(self, case, vport, service):
        self._family, self._service = FAMILIES[case.family], service
        self._ports = own_ports(vport)

    def key(self):
        service = self._service
        if service.match:
            return f"-f {self._mark()}{' -6' if self._family.version == 6 else ''}"
        vip = bracketed(self._family.address(service.vip))
        return f"{_PROTOCOLS[service.protocol]} {vip}:{self._port(service.port)}"

    def is_matched(self):
        return self._service.match is not None

    def _mark(self):
        """Another one for each matched service of a case, by its real's order of names."""
        return self._ports[VPORT] * 100 + self._service.reals[0].number

    def filter(self, place):
        """tc's filter that sets the mark; the first in place wins."""
        match, six = self._service.match, self._family.version == 6
        words = [f"prio {place} protocol {'ipv6' if six else 'ip'} flower ip_proto {self._service.protocol}"]
        words += [f"dst_ip {prefix(self._family, match.vips)}"] if match.vips else []
        words += [f"src_ip {prefix(self._family, match.clients)}"] if match.clients else []
        words += [f"dst_port {self._port(match.ports[0])}-{self._port(match.ports[1])}"] if match.ports else []
        return f"{' '.join(words)} action skbedit mark {self._mark()}"

    def definition(self):
        flags = f" -b {','.join(self._service.flags)}" if self._service.flags else ""
        return f"{self.key()} -s {self._service.scheduler}{flags} {self._service.kernel}".rstrip()

    def reals(self):
        return {self._real_key(real): self._real(real) for real in self._service.reals}

    def _real_key(self, real):
        family = FAMILIES[real.family] if real.family else self._family
        own = 0 if self._service.match else self._service.port
        port = self._port(real.port if real.port is not None else own)
        return f"{self.key()} -r {bracketed(family.address(real.name))}:{port}"

    def _real(self, real):
        return f"{self._real_key(real)} {_METHODS[self._service.method]} -w {real.weight} {real.kernel}".rstrip()

    def _port(self, port):
        return self._ports.get(port, port)


def prefix(family, text):
    """A prefix as it is, or that of one named address."""
    return text if "/" in text else f"{family.address(text)}/{family.bits}"


def bracketed(address):
    return f"[{address}]" if ":" in address else address


def changes(before, after):
    """ipvsadm's lines that make the services `after` of `before`, {key: Rendering}."""
    lines = [f"-D {key}" for key in before if key not in after]
    for key, service in after.items():
        former = before.get(key)
        if former is None:
            lines.append(f"-A {service.definition()}")
        elif former.definition() != service.definition():
            lines.append(f"-E {service.definition()}")
        lines += real_changes(former.reals() if former else {}, service.reals())
    return lines


def real_changes(before, after):
    """Of one service's reals, {key: definition}."""
    lines = [f"-d {key}" for key in before if key not in after]
    for key, definition in after.items():
        if key not in before:
            lines.append(f"-a {definition}")
        elif before[key] != definition:
            lines.append(f"-e {definition}")
    return lines
