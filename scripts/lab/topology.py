"""Who is wired to whom.

    client 203.0.113.10 ---+                                      +--- r1 10.0.1.11
                           |                                      +--- r2 10.0.1.12
          [bridge outside]-+-- TAP --[shuntd in lb]-- TAP --+-----+--- r3 10.0.1.13
                  |          outside              inside    |     +--- r4 10.0.1.14 (spare)
                  |                                 [bridge inside]
                  +---- 203.0.113.254  router  10.0.1.254 --+

Both bridges and the router between them are one namespace, `fabric`. The router is the way back of `direct` and
`tunnel`, whose replies do not pass the load balancer. The TAPs are made by shuntd's ports and plugged into the
bridges by `plug()` once it runs.
"""

from lab.shell import ip_batch, run

VIP = "203.0.113.100"
CLIENT = "203.0.113.10"
OUTSIDE_LB, OUTSIDE_ROUTER = "203.0.113.1", "203.0.113.254"
INSIDE_LB, INSIDE_ROUTER = "10.0.1.1", "10.0.1.254"
CLIENT_NET = "203.0.113.0/24"
METHODS = ("nat", "direct", "tunnel", "fullnat")

OUTSIDE_MAC, INSIDE_MAC = "02:53:48:00:00:01", "02:53:48:00:00:02"

# No IPv6 chatter (duplicate address detection, router solicitations) between the packets that a test counts, and no
# reverse path filter: the replies of `direct` and `tunnel` return by another way on purpose.
_SYSCTLS = ("net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1",
            "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
            "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.default.send_redirects=0",
            "net.ipv4.conf.all.accept_redirects=0")


def real_address(index):
    return f"10.0.1.{10 + index}"


class Topology:
    """The namespaces and cables of one lab. `tag` makes their names unique on this machine."""

    def __init__(self, tag, reals=4):
        self.tag = tag
        self.reals = [f"r{i}" for i in range(1, reals + 1)]
        self.method = None

    def namespace(self, role):
        return f"{self.tag}-{role}"

    def roles(self):
        return ["client", "lb", "fabric", *self.reals]

    def make(self):
        ip_batch([f"netns add {self.namespace(role)}" for role in self.roles()])
        for role in self.roles():
            more = ()
            if role == "fabric":
                more = ("net.ipv4.ip_forward=1",)
            elif role == "client":
                # A load of short connections must not run out of ports.
                more = ("net.ipv4.ip_local_port_range=1024 65535",)
            elif role in self.reals:
                # A real holds the VIP on lo for `direct` and `tunnel` and must never answer ARP for it.
                more = ("net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2")
            self.exec(role, ["sysctl", "-qw", *_SYSCTLS, *more])
            ip_batch(["link set lo up"], self.namespace(role))
        self._make_fabric()
        self._cable("client", "outside", [f"{CLIENT}/24"])
        for index, real in enumerate(self.reals, 1):
            self._cable(real, "inside", [f"{real_address(index)}/24"])

    def exec(self, role, command, **options):
        return run(["ip", "netns", "exec", self.namespace(role), *command], **options)

    def _make_fabric(self):
        fabric = self.namespace("fabric")
        for number, (bridge, address) in enumerate((("outside", OUTSIDE_ROUTER), ("inside", INSIDE_ROUTER)), 1):
            # A MAC of its own: else a bridge takes the lowest of its ports', which changes as TAPs come and go, and
            # stations that know the router by the old one lose it for some eight seconds.
            ip_batch([f"link add {bridge} address 02:53:48:fe:00:{number:02x} type bridge mcast_snooping 0",
                      f"link set {bridge} up", f"addr add {address}/24 dev {bridge}"], fabric)

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
        """Prepares the reals for a forwarding method: default route, VIP on lo, decapsulation."""
        self.method = method
        for real in self.reals:
            space = self.namespace(real)
            run(["ip", "-n", space, "route", "del", "default"], check=False)
            run(["ip", "-n", space, "addr", "flush", "dev", "lo", "to", VIP], check=False)
            run(["ip", "-n", space, "link", "set", "dev", "eth0", "xdpgeneric", "off"], check=False)
            if method == "nat":
                ip_batch([f"route add default via {INSIDE_LB}"], space)
            elif method in ("direct", "tunnel"):
                ip_batch([f"addr add {VIP}/32 dev lo", f"route add default via {INSIDE_ROUTER}"], space)
            # fullnat: every address that a real sees is on its own network; it needs no route at all.
            if method == "tunnel":
                ip_batch([f"link set dev eth0 xdpgeneric obj {decap_object} sec xdp"], space)

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
