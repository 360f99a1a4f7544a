"""Forwarding method tunnel: the packet travels to the real inside another, and the real takes it out and answers the client
itself."""

import hashlib
import itertools
import subprocess
import unittest

import clients
from lab.family import FAMILIES, IPV4
from lab.lab import Lab
from lab.reals import BIG_BYTES, ECHO_PORT, UPLOAD_PORT
from method_cases import TOO_BIG, MethodCases

OUTER_HEADER = {4: 20, 6: 40}
# What a kind adds to that.
KINDS = [({"kind": "ipip"}, 0),
         ({"kind": "gre"}, 4),
         ({"kind": "gre", "checksum": "full"}, 8),
         ({"kind": "gue"}, 12),
         ({"kind": "gue", "checksum": "full"}, 12)]


class TunnelTest(MethodCases, unittest.TestCase):
    """IP in IP of one family, which is what `method: tunnel` alone says."""

    method = "tunnel"
    replies_pass_us = False

    def overhead(self, family):
        return OUTER_HEADER[family.version]

    def big_datagram(self, family, port, size):
        # Fragments that fit: what Shunt would have to cut outside the tunnel, the lab's XDP programs, which see one packet
        # at a time, could not put together.
        if family is not IPV4:
            return super().big_datagram(family, port, size)
        route = [family.host(family.vip), "dev", "eth0"]
        self.lab.client(["ip", "route", "add", *route, "mtu", "1400"])
        try:
            return super().big_datagram(family, port, size)
        finally:
            self.lab.client(["ip", "route", "del", *route])


class KindsTest(unittest.TestCase):
    """Every kind of tunnel, either family in either, in one shuntd whose configuration changes from one to the next."""

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("tunnel", families=FAMILIES)
        cls.lab.__enter__()
        cls.addClassCleanup(cls.lab.__exit__, None, None, None)
        cls.shuntd = cls.lab.shuntd
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    def test_every_kind_carries_either_family_in_either(self):
        for (tunnel, added), inner, outer in itertools.product(KINDS, FAMILIES, FAMILIES):
            with self.subTest(f"{inner.name} in {outer.name}", **tunnel):
                self.use(tunnel, inner, outer)
                self.check_requests(inner, outer)
                self.check_datagrams(inner)
                self.check_mtu(inner, 1500 - OUTER_HEADER[outer.version] - added)
        # A TAP takes only so much of a burst; TCP sends that again.
        self.assertLessEqual(set(self.shuntd.drops()), {"too_big", "tx_full"})

    def use(self, tunnel, inner, outer):
        config = self.lab.config.copy()
        config.services = {name: service for name, service in config.services.items() if service.family == inner}
        for service in config.services.values():
            service.tunnel, service.reals_family = tunnel, outer
        self.shuntd.apply(config)
        self.shuntd.wait_all_up()
        real = self.shuntd.services()[inner.service("web")]["r1"]
        self.assertEqual(real["tunnel"]["kind"], f"TUNNEL_KIND_{tunnel['kind'].upper()}")
        self.assertEqual(real["address"], outer.real(1))

    def check_requests(self, inner, outer):
        answers = {self.lab.client(["curl", "-sS", "-f", "-m", "5", inner.url(inner.vip)]).stdout.strip() for _ in range(6)}
        self.assertEqual(answers, {"r1", "r2", "r3"})
        # The address that a connection goes to is the real's, also where it is of another family than the client's.
        listed = {connection["real"] for connection in self.shuntd.connections("--service", inner.service("web"))}
        self.assertLessEqual({outer.real(index) for index in (1, 2, 3)}, listed)

    def check_datagrams(self, inner):
        for line in clients.run(self.lab, clients.UDP, inner.vip, ECHO_PORT, 30000, 30001, 30002):
            self.assertRegex(line, f"^3000[012] r[123] 3000[012] from {inner.vip}$")

    def check_mtu(self, inner, room):
        self.forget_path_mtu(inner)
        kind, code = TOO_BIG[inner.version]
        self.assertEqual(clients.run(self.lab, clients.ICMP_ERROR, inner.vip, ECHO_PORT, room + 1, 64),
                         [f"{kind} {code} {room} from {inner.vip}"])
        self.forget_path_mtu(inner)
        self.assertEqual(clients.run(self.lab, clients.ICMP_ERROR, inner.vip, ECHO_PORT, room, 64), [])
        # Full-sized segments: the ICMP error that says what fits must be right.
        answer = clients.run(self.lab, clients.UPLOAD, inner.vip, UPLOAD_PORT, 1 << 18)[0].split()
        self.assertEqual((int(answer[1]), answer[2]), (1 << 18, answer[4]))
        self.forget_path_mtu(inner)

    def forget_path_mtu(self, inner):
        self.lab.client(["ip", f"-{inner.version}", "route", "flush", "cache"])

    def test_reals_of_one_service_may_differ_in_kind_and_family(self):
        config = self.lab.config.copy()
        document = config.document()
        web = next(service for service in document["services"] if service["name"] == "web")
        self.assertEqual(len(web["reals"]), 3)
        ipv4, ipv6 = FAMILIES
        web["reals"][0]["tunnel"] = {"kind": "gre"}
        web["reals"][1].update(address=ipv6.real(2), tunnel={"kind": "gue", "checksum": "full"})
        config.document = lambda: document
        self.shuntd.apply(config)
        self.shuntd.wait_all_up()
        self.assertIn("tunnel (gue:6080,checksum)", self.shuntd.ctl("service", "list").stdout)
        answers = [self.lab.client(["curl", "-sS", "-f", "-m", "5", ipv4.url(ipv4.vip)]).stdout.strip() for _ in range(6)]
        self.assertEqual(sorted(answers), ["r1", "r1", "r2", "r2", "r3", "r3"])
        body = subprocess.run(["ip", "netns", "exec", self.lab.topology.namespace("client"), "curl", "-sS", "-f", "-m", "60",
                               ipv4.url(ipv4.vip, "/files/big")], capture_output=True, check=True).stdout
        self.assertEqual((len(body), hashlib.sha256(body).hexdigest()), (BIG_BYTES, self.lab.big_digest))


if __name__ == "__main__":
    unittest.main(verbosity=2)
