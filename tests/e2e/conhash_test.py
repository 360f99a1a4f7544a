"""Scheduler conhash with real clients: each has its real, after a restart, too, and a real that goes moves its own."""

import unittest

from lab.family import FAMILIES
from lab.lab import Lab

CLIENTS = range(30, 62)


class ConhashTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("nat", families=FAMILIES, configured=4)
        cls.lab.__enter__()
        cls.addClassCleanup(cls.lab.__exit__, None, None, None)
        cls.shuntd = cls.lab.shuntd
        for family in FAMILIES:
            web = cls.lab.config.services[family.service("web")]
            web.scheduler = "conhash"
            # No bound: what each client gets does not depend on the others.
            web.more = {"scheduler_flags": {"load_bound": 0}}
            for number in CLIENTS:
                cls.lab.topology.exec("client", ["ip", "addr", "add", family.on_link(family.outside + str(number)),
                                                 "dev", "eth0", *(["nodad"] if family.version == 6 else [])])
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    def answers(self, family):
        """Who answers each client."""
        found = {}
        for number in CLIENTS:
            done = self.lab.client(["curl", "-sS", "-f", "-m", "10", "--interface", family.outside + str(number),
                                    family.url(family.vip)], check=False)
            self.assertEqual(done.returncode, 0, f"{done.stderr} drops: {self.shuntd.drops()}\n{self.shuntd.log()}")
            found[number] = done.stdout.strip()
        return found

    def test_clients_keep_their_reals_and_one_that_goes_moves_its_own(self):
        before = {family: self.answers(family) for family in FAMILIES}
        for family in FAMILIES:
            self.assertEqual(set(before[family].values()), {"r1", "r2", "r3", "r4"})
            self.assertEqual(self.answers(family), before[family])
            self.assertIn("conhash (no bound)", self.shuntd.ctl("service", "list", family.service("web")).stdout)

        gone = self.lab.config.copy()
        for family in FAMILIES:
            del gone.services[family.service("web")].reals["r2"]
        self.shuntd.apply(gone)
        for family in FAMILIES:
            after = self.answers(family)
            self.assertNotIn("r2", after.values())
            for client, real in before[family].items():
                self.assertTrue(after[client] == real or real == "r2", f"{client}: {real} -> {after[client]}")

        # Another process draws another random key; the reals come in another order.
        self.shuntd.stop()
        for family in FAMILIES:
            web = self.lab.config.services[family.service("web")]
            web.reals = dict(reversed(web.reals.items()))
        self.shuntd.start(self.lab.config)
        self.shuntd.apply(self.lab.config)
        self.shuntd.wait_all_up()
        for family in FAMILIES:
            self.assertEqual(self.answers(family), before[family])


if __name__ == "__main__":
    unittest.main()
