"""SCTP associations between Linux's own ends, in guests, through Shunt: every forwarding method, over both families."""

import collections
import os
import unittest

import guest
from lab.config import Service
from lab.family import FAMILIES, IPV6
from lab.lab import Lab

_PORT = 5000
_ENDPOINT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sctp_endpoint.py")
_COUNT, _BYTES = 6, 3000
_SERVERS = {"r3": 3, "r4": 4}  # the reals that the guests are
_MODULES = ["hmac", "sctp"]  # SCTP signs its cookies; the guest's kernel finds no modules by itself


def _server(lab, real, index, method):
    commands = []
    for family in FAMILIES:
        commands.append(f"ip addr add {family.on_link(family.real(index))} dev vec0")
        if method in ("direct", "tunnel"):
            commands.append(f"ip addr add {family.host(family.vip)} dev lo")
            commands.append(f"ip -{family.version} route add default via {family.inside_router}")
        if method == "nat":
            commands.append(f"ip -{family.version} route add default via {family.inside_lb}")
    if method in ("direct", "tunnel"):
        commands.insert(0, "sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2")
    modules = _MODULES
    if method == "tunnel":
        # What comes out of a tunnel comes from elsewhere than its source's route leads to.
        commands += ["sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.tunl0.rp_filter=0", "ip link set tunl0 up",
                     f"ip link add tun6 type ip6tnl mode any local {IPV6.real(index)} remote ::", "ip link set tun6 up"]
        modules = [*_MODULES, "ipip", "ip6_tunnel"]
    commands.append(f"python3 -B {_ENDPOINT} server {real} {_PORT}")
    return guest.Guest(lab, real, "inside", modules, commands)


def _client(lab, method):
    # Under tunnel, packets that fit inside: what was cut for a larger MTU Linux sends again as IP fragments.
    commands = ["ip link set vec0 mtu 1400"] if method == "tunnel" else []
    for family in FAMILIES:
        commands.append(f"ip addr add {family.on_link(family.outside + '20')} dev vec0")
        commands.append(f"ip -{family.version} route add default via {family.outside_router}")
    commands += [f"python3 -B {_ENDPOINT} client {family.vip} {_PORT} {_COUNT} {_BYTES}" for family in FAMILIES]
    return guest.Guest(lab, "client", "outside", _MODULES, commands)


class SctpTest(unittest.TestCase):
    def associations(self, method):
        with Lab(method, families=FAMILIES) as lab:
            for real in _SERVERS:
                guest.make_way_for(lab, real)
            for family in FAMILIES:
                name = family.service("sctp")
                lab.config.services = {**lab.config.services, name: Service(
                    name, "sctp", _PORT, dict.fromkeys(_SERVERS, 1), "rr", None, family)}
            for service in list(lab.config.services.values()):
                if service.protocol != "sctp":
                    del lab.config.services[service.name]
            servers = [_server(lab, real, index, method) for real, index in _SERVERS.items()]
            lab.shuntd.start(lab.config)
            for server in servers:
                server.wait_for("serving", 120)
            client = _client(lab, method)
            client.wait_for("guest-ended", 120)
            counts = collections.Counter(client.answers())
            half = _COUNT * len(FAMILIES) // 2
            self.assertEqual(counts, {real: half for real in _SERVERS}, f"{client.log()}\n{lab.shuntd.drops()}")
            states = collections.Counter(connection["state"] for connection in lab.shuntd.connections())
            self.assertEqual(sum(states.values()), 2 * half, states)
            self.assertTrue(set(states) <= {"CLOSED", "S-RECEIVED", "S-SENT", "S-ACK-SENT", "ESTABLISHED"}, states)

    def test_nat(self):
        self.associations("nat")

    def test_fullnat(self):
        self.associations("fullnat")

    def test_direct(self):
        self.associations("direct")

    def test_tunnel(self):
        self.associations("tunnel")


if __name__ == "__main__":
    unittest.main(verbosity=2)
