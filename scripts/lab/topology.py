"""Who is wired to whom.

    client .10 ------------+                                      +--- r1 .11
                           |                                      +--- r2 .12
          [bridge outside]-+-- TAP --[shuntd in lb]-- TAP --+-----+--- r3 .13
                  |          outside              inside    |     +--- r4 .14 (spare)
                  |           .1, VIP .100         .1       |
                  |                                 [bridge inside]
                  +------------- .254  router  .254 --------+

Outside is 203.0.113.0/24 and 2001:db8:1::/64, inside 10.0.1.0/24 and 2001:db8:2::/64: family.py has the addresses.
Both bridges and the router between them are one namespace, `fabric`. The router is the way back of `direct` and
`tunnel`, whose replies do not pass the load balancer. The TAPs are made by shuntd's ports and plugged into the
bridges by `plug()` once it runs.
"""

from lab.family import FAMILIES
from lab.shell import ip_batch, run

METHODS = ("nat", "direct", "tunnel", "fullnat")

OUTSIDE_MAC, INSIDE_MAC = "02:53:48:00:00:01", "02:53:48:00:00:02"

# No IPv6 chatter (router solicitations) between the packets that a test counts, and no wait for duplicate address
# detection, which takes the higher of `all` and the interface's own. No reverse path filter: the replies of `direct` and
# `tunnel` return by another way on purpose.
_SYSCTLS = [f"net.ipv6.conf.{which}.{name}=0" for which in ("all", "default")
            for name in ("accept_dad", "accept_ra", "autoconf", "router_solicitations", "accept_redirects")] + [
            f"net.ipv4.conf.{which}.{name}=0" for which in ("all", "default")
            for name in ("rp_filter", "send_redirects", "accept_redirects")]


class Topology:
    """The namespaces and cables of one lab. `tag` makes their names unique on this machine."""

    def __init__(self, tag, reals=4):
        self.tag = tag
        self.reals = [f"r{i}" for i in range(1, reals + 1)]
        self.method = None
        self._more = []

    def namespace(self, role):
        return f"{self.tag}-{role}"

    def roles(self):
        return ["client", "lb", "fabric", *self.reals, *self._more]

    def add(self, role):
        """One more namespace, with nothing in it but lo; what a test puts there goes with it."""
        ip_batch([f"netns add {self.namespace(role)}"])
        self._more.append(role)
        self.exec(role, ["sysctl", "-qw", *_SYSCTLS])
        ip_batch(["link set lo up"], self.namespace(role))

    def make(self):
        ip_batch([f"netns add {self.namespace(role)}" for role in self.roles()])
        for role in self.roles():
            more = ()
            if role == "fabric":
                # A bridge's ports are no stations: only the bridges themselves speak IPv6.
                more = ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv6.conf.default.forwarding=1",
                        "net.ipv6.conf.default.disable_ipv6=1")
            elif role == "client":
                # A load of short connections must not run out of ports.
                more = ("net.ipv4.ip_local_port_range=1024 65535",)
            elif role in self.reals:
                # A real holds the VIP on lo for `direct` and `tunnel` and must never answer ARP for it. For IPv6 there
                # is nothing to set: Linux answers for an address only where that address is.
                more = ("net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2")
            self.exec(role, ["sysctl", "-qw", *_SYSCTLS, *more])
            ip_batch(["link set lo up"], self.namespace(role))
        self._make_fabric()
        self._cable("client", "outside", [family.on_link(family.client) for family in FAMILIES])
        for index, real in enumerate(self.reals, 1):
            self._cable(real, "inside", [family.on_link(family.real(index)) for family in FAMILIES])

    def exec(self, role, command, **options):
        return run(["ip", "netns", "exec", self.namespace(role), *command], **options)

    def _make_fabric(self):
        fabric = self.namespace("fabric")
        for number, bridge in enumerate(("outside", "inside"), 1):
            # A MAC of its own: else a bridge takes the lowest of its ports', which changes as TAPs come and go, and
            # stations that know the router by the old one lose it for some eight seconds.
            ip_batch([f"link add {bridge} address 02:53:48:fe:00:{number:02x} type bridge mcast_snooping 0"], fabric)
            self.exec("fabric", ["sysctl", "-qw", f"net.ipv6.conf.{bridge}.disable_ipv6=0"])
            ip_batch([f"link set {bridge} up"], fabric)
        for family in FAMILIES:
            ip_batch([f"addr add {family.on_link(family.outside_router)} dev outside",
                      f"addr add {family.on_link(family.inside_router)} dev inside"], fabric)

    def _cable(self, role, bridge, addresses):
        fabric, end = self.namespace("fabric"), self.namespace(role)
        ip_batch([f"link add v-{role} netns {fabric} type veth peer name eth0 netns {end}"])
        # A veth's end leaves checksums and segmentation to hardware that is not there; a userspace forwarder would
        # pass on what only looks like packets.
        for where, device in (("fabric", f"v-{role}"), (role, "eth0")):
            self.exec(where, ["ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off"])
        ip_batch([f"link set v-{role} master {bridge} up"], fabric)
        ip_batch(["link set eth0 up"] + [f"addr add {a} dev eth0" for a in addresses], end)

    def set_method(self, method, decap_object=None):
        """Prepares the reals for a forwarding method: default routes, VIPs on lo, decapsulation."""
        self.method = method
        for real in self.reals:
            space = self.namespace(real)
            run(["ip", "-n", space, "link", "set", "dev", "eth0", "xdpgeneric", "off"], check=False)
            for family in FAMILIES:
                self._set_method_of(family, method, space)
            if method == "tunnel":
                ip_batch([f"link set dev eth0 xdpgeneric obj {decap_object} sec xdp"], space)

    def _set_method_of(self, family, method, space):
        run(["ip", f"-{family.version}", "-n", space, "route", "del", "default"], check=False)
        run(["ip", "-n", space, "addr", "flush", "dev", "lo", "to", family.vip], check=False)
        if method == "nat":
            ip_batch([f"route add default via {family.inside_lb}"], space)
        elif method in ("direct", "tunnel"):
            ip_batch([f"addr add {family.host(family.vip)} dev lo", f"route add default via {family.inside_router}"], space)
        # fullnat: every address that a real sees is on its own network; it needs no route at all.

    def plug(self, taps):
        """Moves the ports' TAPs, {"outside": name, "inside": name}, from the lb namespace into the bridges."""
        lb, fabric = self.namespace("lb"), self.namespace("fabric")
        for number, (bridge, tap) in enumerate(taps.items(), 1):
            ip_batch([f"link set {tap} netns {fabric}"], lb)
            # The far end of a cable is another station: with the port's own MAC here, the bridge would take every
            # frame for the load balancer as its own.
            ip_batch([f"link set {tap} address 02:53:48:ff:00:{number:02x}", f"link set {tap} master {bridge} up"], fabric)

    def remove(self):
        """Deletes what is there; a half-made topology is fine."""
        existing = run(["ip", "netns", "list"], check=False).stdout.split("\n")
        names = {line.split()[0] for line in existing if line.strip()}
        for role in self.roles():
            if self.namespace(role) in names:
                run(["ip", "netns", "del", self.namespace(role)], check=False)
