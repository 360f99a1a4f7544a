"""Quorum, panic and slow start with real servers that die and come back, for either family."""

import json
import unittest
from collections import Counter

from lab.config import Plain
from lab.family import FAMILIES
from lab.shell import wait_for
from method_cases import open_lab

REALS = ("r1", "r2", "r3")


class PolicyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        open_lab(cls)
        # web alone: its reals are the web servers that die.
        for family in FAMILIES:
            del cls.lab.config.services[family.service("upload")], cls.lab.config.services[family.service("echo")]
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    def setUp(self):
        self.config = self.lab.config.copy()
        self.addCleanup(self.mend)

    def mend(self):
        self.start(*(real for real in REALS if real in self.dead))

    dead = set()

    def apply(self, **more):
        for family in FAMILIES:
            self.config.services[family.service("web")].more = more
        self.shuntd.apply(self.config)
        self.shuntd.wait_all_up()

    def kill(self, *reals):
        for real in reals:
            self.lab.reals.kill(real)
            self.dead.add(real)
        for family in FAMILIES:
            for real in reals:
                self.shuntd.wait_health(family.service("web"), real, "DOWN", 10)

    def start(self, *reals):
        for real in reals:
            self.lab.reals.start(real)
            self.dead.discard(real)
        for family in FAMILIES:
            for real in reals:
                self.shuntd.wait_health(family.service("web"), real, "UP", 15)

    def answers(self, family, count):
        """Who answers; None is nobody."""
        found = Counter()
        for _ in range(count):
            done = self.lab.client(["curl", "-sS", "-m", "5", family.url(family.vip)], check=False)
            found[done.stdout.strip() or None] += 1
        return found

    def state(self, family):
        [service] = self.shuntd.ask("service", "list", family.service("web"))["services"]
        return service

    def vips(self):
        links = json.loads(self.lab.topology.exec("lb", ["ip", "-json", "addr", "show", "dev", "sh-outside"]).stdout)
        return {address["local"] for link in links for address in link["addr_info"]}

    def metric(self, name, family):
        text = self.lab.topology.exec("lb", ["curl", "-sS", "http://127.0.0.1:9180/metrics"]).stdout
        [line] = [line for line in text.splitlines() if line.startswith(f'{name}{{service="{family.service("web")}"}} ')]
        return int(line.rsplit(" ", 1)[1])

    def problems(self):
        return " ".join(self.shuntd.ask("status").get("problems", []))

    def test_a_lost_quorum_brings_sorry_reals_though_one_is_up(self):
        for family in FAMILIES:
            self.config.services[family.service("web")].sorry_reals = {"r4": 1}
        self.apply(quorum={"weight": 2})
        for family in FAMILIES:
            self.assertEqual(set(self.answers(family, 6)), set(REALS))
        self.kill("r2", "r3")
        for family in FAMILIES:
            self.assertEqual(set(self.answers(family, 6)), {"r4"})
            self.assertFalse(self.state(family).get("is_quorate", False))
            self.assertEqual(self.metric("shunt_service_has_quorum", family), 0)
            self.assertIn(f"quorum_lost service {family.service('web')}",
                          {f"{kind} {subject}" for kind, subject, _ in self.shuntd.events_of("quorum_lost")})
        self.assertIn(", no quorum", self.shuntd.ctl("top", "--once").stdout)
        self.assertIn("quorum lost: weight 1 of 2 up", self.shuntd.ctl("service", "list").stdout)
        self.assertIn("service web: quorum lost", self.problems())
        self.start("r2")
        for family in FAMILIES:
            self.assertEqual(set(self.answers(family, 6)), {"r1", "r2"})
            self.assertEqual(self.metric("shunt_service_has_quorum", family), 1)

    def test_a_lost_quorum_withdraws_the_vip_until_hysteresis_is_passed(self):
        self.apply(quorum={"weight": 2, "hysteresis": 1, "on_loss": Plain("withdraw")})
        vips = {family.vip for family in FAMILIES}
        self.assertLessEqual(vips, self.vips())
        self.kill("r2")
        self.kill("r3")
        for family in FAMILIES:
            self.assertTrue(self.state(family)["is_quorate"], "1 is not below 2 - 1")
        self.kill("r1")
        wait_for(lambda: not vips & self.vips(), 5, "the VIPs to be withdrawn")
        self.assertTrue(self.state(FAMILIES[0]).get("withdrawn"))
        self.start("r1", "r2")
        self.assertFalse(vips & self.vips(), "2 is below 2 + 1")
        self.start("r3")
        wait_for(lambda: vips <= self.vips(), 5, "the VIPs to be back")
        for family in FAMILIES:
            self.assertEqual(set(self.answers(family, 6)), set(REALS))

    def test_when_too_few_are_up_all_are_used(self):
        self.apply(panic_threshold=60)
        self.kill("r2")
        for family in FAMILIES:
            self.assertEqual(set(self.answers(family, 6)), {"r1", "r3"})
        self.kill("r3")
        for family in FAMILIES:
            answers = self.answers(family, 9)
            self.assertEqual(answers["r1"], 3, answers)
            self.assertEqual(self.metric("shunt_service_panics", family), 1)
        self.assertIn("panic: fewer than 60 % up", self.shuntd.ctl("service", "list").stdout)
        self.assertIn("service web6: panic: 1 of 3 reals up", self.problems())
        self.start("r2")
        for family in FAMILIES:
            self.assertEqual(set(self.answers(family, 6)), {"r1", "r2"})
            self.assertEqual(self.metric("shunt_service_panics", family), 0)
        self.assertEqual(len(self.shuntd.events_of("panic_ended")), 2)

    def test_a_real_that_comes_back_begins_with_a_tenth(self):
        self.apply(slow_start=Plain("3600s"))
        self.kill("r2")
        self.start("r2")
        for family in FAMILIES:
            # wrr: 1 of 1 + 10 + 10.
            self.assertEqual(self.answers(family, 42), {"r1": 20, "r2": 2, "r3": 20})
            self.assertEqual(self.shuntd.real(family.service("web"), "r2")["slow_start_percent"], 10)
        self.assertIn("slow start: 10 %", self.shuntd.ctl("service", "list").stdout)
        self.apply(slow_start=Plain("1s"))
        for family in FAMILIES:
            wait_for(lambda f=family: not self.shuntd.real(f.service("web"), "r2").get("slow_start_percent"), 10,
                     "the slow start to be over")
            self.assertEqual(self.answers(family, 9), {real: 3 for real in REALS})


if __name__ == "__main__":
    unittest.main(verbosity=2)
