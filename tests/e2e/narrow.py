"""Routers behind which less fits than a link of 1500 bytes, on either side of the load balancer:

    far client --1300-- hill --- [bridge outside] ... [bridge inside] --- ford --1400-- r1

The links themselves take 1500 bytes, so that nobody knows of the narrow place before an ICMP error says so.
"""

from lab.family import FAMILIES
from lab.shell import ip_batch, run

FAR_MTU, FORD_MTU = 1300, 1400
_FAR = {4: "198.51.100.", 6: "2001:db8:f::"}
_NO_OFFLOAD = ["tx", "off", "tso", "off", "gso", "off", "gro", "off"]


def far_client(family):
    return _FAR[family.version] + "10"


def _forward(topology, role):
    topology.exec(role, ["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                         # Every packet that does not fit is answered, not some a second.
                         "net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0"])


def _plain(topology, *ends):
    for role, device in ends:
        topology.exec(role, ["ethtool", "-K", device, *_NO_OFFLOAD])


def _cable_to_bridge(topology, role, bridge):
    fabric, end = topology.namespace("fabric"), topology.namespace(role)
    ip_batch([f"link add v-{role} netns {fabric} type veth peer name eth0 netns {end}"])
    _plain(topology, ("fabric", f"v-{role}"), (role, "eth0"))
    ip_batch([f"link set v-{role} master {bridge} up"], fabric)
    ip_batch(["link set eth0 up"] + [f"addr add {f.on_link((f.outside if bridge == 'outside' else f.inside) + '253')} dev eth0"
                                     for f in FAMILIES], end)


def put_client_behind_hill(lab):
    """Makes the namespaces `far` and `hill`. To be called once shuntd runs: its kernel port gets a route."""
    topology = lab.topology
    for role in ("hill", "far"):
        topology.add(role)
    _forward(topology, "hill")
    _cable_to_bridge(topology, "hill", "outside")
    hill, far = topology.namespace("hill"), topology.namespace("far")
    ip_batch([f"link add eth1 netns {hill} type veth peer name eth0 netns {far}"])
    _plain(topology, ("hill", "eth1"), ("far", "eth0"))
    ip_batch(["link set eth1 up"] + [f"addr add {f.on_link(_FAR[f.version] + '1')} dev eth1" for f in FAMILIES] +
             [f"route add {f.host(far_client(f))} dev eth1 mtu lock {FAR_MTU}" for f in FAMILIES], hill)
    ip_batch(["link set eth0 up"], far)
    for family in FAMILIES:
        prefix = f"{_FAR[family.version]}{'0' if family.version == 4 else ''}/{family.network_bits}"
        ip_batch([f"addr add {family.on_link(far_client(family))} dev eth0",
                  f"route add default via {_FAR[family.version]}1"], far)
        ip_batch([f"route add {prefix} via {family.outside}253"], topology.namespace("fabric"))
        ip_batch([f"route add {prefix} via {family.outside}253 dev sh-outside"], topology.namespace("lb"))


def put_real_behind_ford(lab):
    """Puts the router `ford` between the inside bridge and r1. To be called once shuntd runs."""
    topology = lab.topology
    topology.add("ford")
    _forward(topology, "ford")
    _cable_to_bridge(topology, "ford", "inside")
    ford, real = topology.namespace("ford"), topology.namespace("r1")
    ip_batch(["link set v-r1 nomaster down", f"link set v-r1 netns {ford}"], topology.namespace("fabric"))
    _plain(topology, ("ford", "v-r1"))
    ip_batch(["link set v-r1 up"], ford)
    for family in FAMILIES:
        gateway = family.inside + "252"
        back = family.inside_lb if lab.method == "nat" else family.inside_router
        ip_batch([f"addr add {family.host(gateway)} dev v-r1", 
                  f"route add {family.host(family.real(1))} dev v-r1 mtu lock {FORD_MTU}",
                  f"route add default via {back}"], ford)
        run(["ip", f"-{family.version}", "-n", real, "route", "del", "default"], check=False)
        # On its own: all that it sends goes by way of ford.
        ip_batch([f"addr del {family.on_link(family.real(1))} dev eth0", f"addr add {family.host(family.real(1))} dev eth0",
                  f"route add {family.host(gateway)} dev eth0", f"route add default via {gateway}"], real)
        ip_batch([f"route add {family.host(family.real(1))} via {family.inside}253 dev sh-inside"],
                 topology.namespace("lb"))


def refused(lab, role):
    """How many packets the router found too large, of either family."""
    counts = lab.topology.exec(role, ["nstat", "-asz", "IpFragFails", "Ip6InTooBigErrors", "Ip6OutFragFails"]).stdout
    return sum(int(line.split()[1]) for line in counts.splitlines() if line and not line.startswith("#"))
