"""Checks by way of the VIP: a real that serves but lacks the VIP, or its tunnel's end, is found down, for either family; what
comes from outside with a probe address is not let in."""

import unittest
from collections import Counter

from lab.config import HealthCheck, Plain
from lab.family import FAMILIES
from lab.shell import run, wait_for
from method_cases import open_lab


class ProbeCases:
    method = None
    workers = 1

    @classmethod
    def setUpClass(cls):
        open_lab(cls, cls.method)
        cls.lab.config.workers = cls.workers
        services = cls.lab.config.services
        for family in FAMILIES:
            del services[family.service("upload")], services[family.service("echo")]
            services[family.service("web")].health_check = cls.check({"http": {"path": "/"}, "through": Plain("vip")})
        for real in cls.lab.topology.reals:
            # As for any real that owns a VIP: it is not named in ARP requests.
            cls.lab.topology.exec(real, ["sysctl", "-qw", "net.ipv4.conf.all.arp_announce=2"])
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    @staticmethod
    def check(kind):
        return HealthCheck(kind=kind)

    def real(self, family, name="r2"):
        return self.shuntd.real(family.service("web"), name)

    def answers(self, family, count):
        found = Counter()
        for _ in range(count):
            done = self.lab.client(["curl", "-sS", "-m", "3", family.url(family.vip)], check=False)
            found[done.stdout.strip() or None] += 1
        return found

    def break_way(self, real):
        raise NotImplementedError

    def mend_way(self, real):
        raise NotImplementedError

    def test_a_real_that_serves_but_has_no_way_for_clients_is_down(self):
        for family in FAMILIES:
            self.assertEqual(set(self.answers(family, 9)), {"r1", "r2", "r3"})
            self.assertIn("through vip", self.real(family)["check"])
        self.break_way("r2")
        try:
            for family in FAMILIES:
                self.shuntd.wait_health(family.service("web"), "r2", "DOWN", 10)
                self.assertEqual(self.real(family, "r1")["health"], "HEALTH_UP")
                self.assertEqual(set(self.answers(family, 9)), {"r1", "r3"})
                own = ["curl", "-sS", "-m", "3", family.url(family.real(2))]
                self.assertEqual(self.lab.topology.exec("lb", own).stdout.strip(), "r2", "by itself it serves")
        finally:
            self.mend_way("r2")
        for family in FAMILIES:
            self.shuntd.wait_health(family.service("web"), "r2", "UP", 15)
            self.assertEqual(set(self.answers(family, 9)), {"r1", "r2", "r3"})

    def test_a_server_that_is_gone_is_down(self):
        self.lab.reals.kill("r3")
        try:
            for family in FAMILIES:
                self.shuntd.wait_health(family.service("web"), "r3", "DOWN", 10)
        finally:
            self.lab.reals.start("r3")
        for family in FAMILIES:
            self.shuntd.wait_health(family.service("web"), "r3", "UP", 15)

    def test_every_kind_that_may_goes_by_the_vip(self):
        config = self.lab.config.copy()
        for kind in ({"tcp": {}}, {"http": {"path": "/", "body": "r"}}):
            for family in FAMILIES:
                config.services[family.service("web")].health_check = self.check({**kind, "through": Plain("vip"), "fall": 1})
            self.shuntd.apply(config)
            wait_for(lambda: all(self.real(f, r)["health"] == "HEALTH_UP" for f in FAMILIES for r in ("r1", "r2", "r3")), 15, "all up")
        self.shuntd.apply(self.lab.config)

    def test_outsiders_do_not_reach_probe_addresses(self):
        def refused():
            text = self.lab.topology.exec("lb", ["curl", "-sS", "http://127.0.0.1:9180/metrics"]).stdout
            [line] = [line for line in text.splitlines() if line.startswith('shunt_probe_packets_total{what="refused"}')]
            return int(line.rsplit(" ", 1)[1])
        before = refused()
        [family, _] = FAMILIES
        client = self.lab.topology.namespace("client")
        run(["ip", "-n", client, "route", "add", "240.82.0.0/15", "via", family.outside_lb])
        try:
            self.lab.client(["curl", "-sS", "-m", "2", "http://240.82.0.0/"], check=False)
        finally:
            run(["ip", "-n", client, "route", "del", "240.82.0.0/15"])
        self.assertGreater(refused(), before)


class DirectProbeTest(ProbeCases, unittest.TestCase):
    method = "direct"

    def break_way(self, real):
        for family in FAMILIES:
            run(["ip", "-n", self.lab.topology.namespace(real), "addr", "del", family.host(family.vip), "dev", "lo"])

    def mend_way(self, real):
        for family in FAMILIES:
            run(["ip", "-n", self.lab.topology.namespace(real), "addr", "add", family.host(family.vip), "dev", "lo"])


class DirectProbeWithTwoWorkersTest(DirectProbeTest):
    workers = 2


class TunnelProbeTest(ProbeCases, unittest.TestCase):
    method = "tunnel"

    def break_way(self, real):
        run(["ip", "-n", self.lab.topology.namespace(real), "link", "set", "dev", "eth0", "xdpgeneric", "off"])

    def mend_way(self, real):
        run(["ip", "-n", self.lab.topology.namespace(real), "link", "set", "dev", "eth0", "xdpgeneric", "obj",
             f"{self.lab.folder}/decap.o", "sec", "xdp"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
