"""The verbs that explain: what they say is what then happens."""

import re
import unittest

from lab.family import FAMILIES, IPV4
from lab.lab import Lab

CLIENT_PORT = 31000


class ExplainTest(unittest.TestCase):
    """shuntctl explain, over one lab."""

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("nat", families=FAMILIES)
        cls.lab.__enter__()
        cls.addClassCleanup(cls.lab.__exit__, None, None, None)
        cls.shuntd = cls.lab.shuntd
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    def explain(self, family, client_port, port=80):
        return self.shuntd.ask("explain", f"{family.bracketed(family.client)}:{client_port}",
                               f"{family.bracketed(family.vip)}:{port}", "tcp")

    def test_the_real_that_is_named_answers(self):
        for family in FAMILIES:
            for number in range(6):
                client_port = CLIENT_PORT + 100 * family.version + number
                told = self.explain(family, client_port)
                [worker] = told["workers"]
                self.assertEqual(worker["drop_reason"], "", told)
                answer = self.lab.client(["curl", "-sS", "-f", "-m", "10", "--local-port", str(client_port),
                                          family.url(family.vip)]).stdout.strip()
                self.assertEqual(answer, worker["real"], told)
                after = self.explain(family, client_port)
                self.assertIn(client_port, [worker["connection"]["client_port"] for worker in after["workers"]])

    def test_a_real_that_is_down_is_told_with_its_check(self):
        self.lab.reals.kill("r2")
        try:
            self.shuntd.wait_health("web", "r2", "DOWN", 10)
            told = self.explain(IPV4, CLIENT_PORT + 90)
            [down] = [real for real in told["reals"] if real["name"] == "r2"]
            self.assertFalse(down["may_be_chosen"])
            self.assertRegex(down["reason"], "^down: connect: ")
        finally:
            self.lab.reals.start("r2")
            self.shuntd.wait_health("web", "r2", "UP", 10)

    def test_a_drained_real_is_told_so(self):
        self.shuntd.drain("web", "r1")
        try:
            told = self.explain(IPV4, CLIENT_PORT + 91)
            [drained] = [real for real in told["reals"] if real["name"] == "r1"]
            self.assertRegex(drained["reason"], r"^drained \(its weight was 1\)")
        finally:
            self.shuntd.drain("web", "r1", undo=True)

    def test_a_person_reads_it(self):
        lines = self.shuntd.ctl("explain", f"{IPV4.client}:{CLIENT_PORT + 50}", f"{IPV4.vip}:80").stdout
        self.assertRegex(lines, r"verdict +begins a connection to real web/r[123], sent by MAC ")
        self.assertIn(f"web: port 80 of VIP {IPV4.vip}; scheduler wrr, method nat", lines)
        self.assertRegex(lines, rf"request +destination {re.escape(IPV4.vip)}:80 -> ")
        self.assertIn("may be chosen; it is not its turn", lines)


if __name__ == "__main__":
    unittest.main(verbosity=2)
