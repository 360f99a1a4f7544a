"""Reals that are judged by what they make of clients' connections: real servers that refuse, fall silent and hang up while
the check beside says that they are well, for either family."""

import time
import unittest
from collections import Counter

from lab.config import HealthCheck, Plain
from lab.family import FAMILIES
from lab.shell import wait_for
from method_cases import open_lab

REALS = ("r1", "r2", "r3")
PASSIVE = {"interval": Plain("5s"), "inhibit": Plain("6s"), "max_inhibit": Plain("12s")}

HUNG = """import socket, time
server = socket.create_server(("::", 80), family=socket.AF_INET6, backlog=0, dualstack_ipv6=True)
time.sleep(600)
"""


class PassiveCases:
    """One lab and one shuntd for all cases of a method."""

    method = None

    @classmethod
    def setUpClass(cls):
        open_lab(cls, cls.method)
        for family in FAMILIES:
            services = cls.lab.config.services
            del services[family.service("upload")], services[family.service("echo")]
            # Machines that answer an echo, whatever their servers do.
            services[family.service("web")].health_check = HealthCheck(kind={"icmp": {}, "passive": PASSIVE})
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    def setUp(self):
        self.config = self.lab.config.copy()
        self.addCleanup(self.serve)

    def serve(self):
        for real in REALS:
            if real not in self.lab.reals._nginx:
                self.lab.reals.start(real)
        for real in REALS:
            self.lab.reals.wait_listening(real, 80)

    def web(self, family):
        return self.shuntd.real(family.service("web"), "r2")

    def apply(self, passive, **more):
        for family in FAMILIES:
            service = self.config.services[family.service("web")]
            service.health_check = HealthCheck(kind={"icmp": {}, "passive": passive})
            service.more = more
        self.shuntd.apply(self.config)

    def fresh(self):
        """Nobody is inhibited, and no former time counts."""
        self.shuntd.apply(self.bare())
        self.shuntd.apply(self.lab.config)

    def bare(self):
        config = self.lab.config.copy()
        for family in FAMILIES:
            config.services[family.service("web")].health_check = HealthCheck(kind={"icmp": {}})
        return config

    def answers(self, family, count, seconds=1):
        found = Counter()
        for _ in range(count):
            done = self.lab.client(["curl", "-sS", "-m", str(seconds), family.url(family.vip)], check=False)
            found[done.stdout.strip() or None] += 1
        return found

    def ask_until_inhibited(self, family, seconds=1):
        def inhibited():
            self.answers(family, 3, seconds)
            return "inhibition" in self.web(family)
        wait_for(inhibited, 40, "r2 to be inhibited")
        return self.web(family)["inhibition"]["why"]

    def hang(self, real):
        """In place of its web server one that takes no connection: Linux drops SYNs once its queue is full."""
        self.lab.reals.kill(real)
        hung = self.lab.processes.start(f"{real}-hung", ["/usr/bin/python3", "-c", HUNG],
                                        namespace=self.lab.topology.namespace(real))
        self.lab.reals.wait_listening(real, 80)
        return hung

    def events(self, kind, family):
        subject = f"real {family.service('web')}/r2"
        return [text for _, about, text in self.shuntd.events_of(kind) if about == subject]

    def test_a_real_that_refuses_is_inhibited_and_comes_back(self):
        self.fresh()
        self.lab.reals.kill("r2")
        for family in FAMILIES:
            why = self.ask_until_inhibited(family)
            self.assertIn("refused", why)
            self.assertEqual(self.web(family)["health"], "HEALTH_UP")
            self.assertEqual(self.web(family).get("effective_weight", 0), 0)
            self.assertEqual(set(self.answers(family, 12)), {"r1", "r3"})
        self.assertIn("UP inhibited", self.shuntd.ctl("service", "list").stdout)
        text = self.lab.topology.exec("lb", ["curl", "-sS", "http://127.0.0.1:9180/metrics"]).stdout
        self.assertIn('shunt_real_inhibited{service="web",real="r2"} 1', text)
        self.serve()
        for family in FAMILIES:
            wait_for(lambda f=family: "inhibition" not in self.web(f), 15, "r2 to be let go")
            self.assertEqual(self.answers(family, 12), {real: 4 for real in REALS})
            self.assertTrue(self.events("real_inhibited", family))
            self.assertTrue(self.events("real_released", family))

    def test_a_real_that_stays_ill_is_inhibited_longer(self):
        self.fresh()
        self.lab.reals.kill("r2")
        [family, _] = FAMILIES
        before = len(self.events("real_inhibited", family))
        for _ in range(2):
            self.ask_until_inhibited(family)
            wait_for(lambda: "inhibition" not in self.web(family), 18, "r2 to be let go")
        self.assertEqual(len(self.events("real_inhibited", family)), before + 2)
        self.assertGreaterEqual(int(self.web(family)["passive"]["inhibited"]), 2)

    def test_a_real_that_drops_what_comes_is_inhibited(self):
        self.fresh()
        hung = self.hang("r2")
        try:
            for family in FAMILIES:
                why = self.ask_until_inhibited(family)
                self.assertIn("unanswered", why)
                self.assertEqual(self.web(family)["health"], "HEALTH_UP")
                self.assertEqual(set(self.answers(family, 12)), {"r1", "r3"})
        finally:
            self.lab.processes.kill(hung)
            # What it left unanswered last is told within these seconds, and is not to count against its server's next life.
            time.sleep(5)

    def test_the_last_ones_are_spared(self):
        self.apply({**PASSIVE, "max_inhibited_percent": 100}, panic_threshold=0)
        for real in REALS:
            self.lab.reals.kill(real)
        [family, _] = FAMILIES
        for _ in range(60):
            self.answers(family, 1)
        states = [self.shuntd.real(family.service("web"), real) for real in REALS]
        self.assertEqual(sum("inhibition" in state for state in states), 2, states)
        self.assertTrue(self.shuntd.events_of("real_spared"))


class NatPassiveTest(PassiveCases, unittest.TestCase):
    method = "nat"


class FullnatPassiveTest(PassiveCases, unittest.TestCase):
    method = "fullnat"


if __name__ == "__main__":
    unittest.main(verbosity=2)
