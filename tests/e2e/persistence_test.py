"""Persistent clients on two workers, sorry reals, and what a client is told when nobody is left; over both families."""

import time
import unittest
from collections import Counter

from lab.config import Plain
from lab.family import FAMILIES
from lab.lab import Lab
from lab.shell import wait_for


class PersistenceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("nat", families=FAMILIES)
        cls.lab.__enter__()
        cls.addClassCleanup(cls.lab.__exit__, None, None, None)
        cls.shuntd = cls.lab.shuntd
        cls.lab.config.workers = 2
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    def setUp(self):
        self.config = self.lab.config.copy()
        self.masked = set()

    def tearDown(self):
        for real in list(self.masked):
            self.start(real)
        self.assertTrue(self.shuntd.running(), self.shuntd.log(40))

    def apply(self, **fields):
        """Every web service with these fields more; all of its reals are up then."""
        for family in FAMILIES:
            self.config.services[family.service("web")].more.update(fields)
        self.shuntd.apply(self.config)
        self.shuntd.wait_all_up()

    def asked(self, family, count=1):
        """Who answers `count` requests, each a connection of its own."""
        answers = Counter()
        for _ in range(count):
            done = self.lab.client(["curl", "-sS", "-f", "-m", "10", family.url(family.vip)], check=False)
            self.assertEqual(done.returncode, 0, f"{done.stderr} drops: {self.shuntd.drops()}")
            answers[done.stdout.strip()] += 1
        return answers

    def templates(self, family):
        return [each for each in self.shuntd.connections("--service", family.service("web")) if each.get("template")]

    def start(self, real):
        self.masked.discard(real)
        self.lab.reals.start(real)

    def mask(self, real):
        self.masked.add(real)
        self.lab.reals.kill(real)
        for family in FAMILIES:
            self.shuntd.wait_health(family.service("web"), real, "DOWN", 10)

    def test_a_client_keeps_its_real_until_that_is_down(self):
        self.apply(persistence={"timeout": Plain("60s")})
        for family in FAMILIES:
            answers = self.asked(family, 20)
            self.assertEqual(len(answers), 1, answers)
            [real] = answers
            [template] = self.templates(family)
            self.assertEqual((template["client"], template.get("client_port", 0)), (family.client, 0))
            self.assertEqual(template["real"], family.real(int(real[1:])))

            self.shuntd.set_weight(family.service("web"), real, 0)
            self.assertEqual(set(self.asked(family, 5)), {real}, "a drained real keeps its client")

            self.mask(real)
            moved = self.asked(family, 10)
            self.assertEqual(len(moved), 1, moved)
            self.assertNotIn(real, moved)
            self.start(real)
            self.shuntd.wait_all_up()
            self.assertEqual(set(self.asked(family, 5)), set(moved), "and stays when the old one is back")
            self.shuntd.clear(family.service("web"), real)

        used = [worker.get("rx_packets", 0) for worker in self.shuntd.ask("workers")["workers"]]
        self.assertEqual(len([packets for packets in used if packets > 0]), 2, f"both workers had part in it: {used}")

    def test_a_client_is_forgotten_after_the_timeout(self):
        # Its connection must be gone before its time is over: a minute begins then.
        self.apply(persistence={"timeout": Plain("3s")}, timeouts={f"tcp_{state}": Plain("500ms") for state in
                   ("none", "established", "syn_recv", "fin_wait", "time_wait", "close", "close_wait", "last_ack")})
        for family in FAMILIES:
            self.asked(family)
            self.assertEqual(len(self.templates(family)), 1)
            wait_for(lambda: not self.templates(family), 10, "the template's time to be over")

    def test_a_sorry_real_answers_when_all_others_are_down(self):
        for family in FAMILIES:
            self.config.services[family.service("web")].sorry_reals = {"r4": 1}
        self.apply()
        for family in FAMILIES:
            self.assertNotIn("r4", self.asked(family, 9))
        for real in ("r1", "r2", "r3"):
            self.mask(real)
        for family in FAMILIES:
            self.assertEqual(set(self.asked(family, 5)), {"r4"})
            self.assertTrue(self.shuntd.real(family.service("web"), "r4")["sorry"])
        self.start("r1")
        for family in FAMILIES:
            self.shuntd.wait_health(family.service("web"), "r1", "UP", 10)
            self.assertEqual(set(self.asked(family, 5)), {"r1"})

    def test_a_client_without_a_real_is_told_what_the_service_says(self):
        for family in FAMILIES:
            self.config.services[family.service("web")].reals = {"r1": 0}
        for no_real, exit_status, seconds in (("reset", 7, (0, 1)), ("drop", 28, (2, 4)), ("unreachable", 7, (0, 2))):
            self.apply(no_real=Plain(no_real))
            for family in FAMILIES:
                start = time.monotonic()
                done = self.lab.client(["curl", "-sS", "-m", "2", family.url(family.vip)], check=False)
                took = time.monotonic() - start
                # TCP takes port unreachable for a soft error: it tries until its own time is over (RFC 1122 4.2.3.9).
                self.assertIn(done.returncode, {exit_status, 28} if no_real == "unreachable" else {exit_status}, done.stderr)
                if no_real != "unreachable":
                    self.assertTrue(seconds[0] <= took <= seconds[1], f"{no_real}: {took:.1f} s, {done.stderr}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
