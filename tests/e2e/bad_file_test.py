"""A bad file changes nothing, by whichever way it comes, and says where, what and how to mend it."""

import os
import subprocess
import unittest

from lab.daemon import binary
from lab.lab import Lab
from lab.load import Load
from lab.shell import wait_for


def spoil(good, bad):
    """Writes `good` with three mistakes in it; returns the numbers of the lines they are in."""
    with open(good, encoding="utf-8") as source:
        lines = source.read().splitlines()
    weight = next(n for n, line in enumerate(lines) if "weight:" in line)
    lines[weight] = lines[weight].replace("1", "90000")
    scheduler = next(n for n, line in enumerate(lines) if "scheduler:" in line)
    lines[scheduler] = lines[scheduler].replace("wrr", "fastest")
    lines.append("colour: blue")
    with open(bad, "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    return [weight + 1, scheduler + 1, len(lines)]


class BadFileTest(unittest.TestCase):
    def setUp(self):
        self.lab = self.enterContext(Lab("nat", reals=2, configured=2))
        self.shuntd = self.lab.shuntd
        self.good = self.lab.config.write()
        self.shuntd.start(self.lab.config, self.good)
        self.shuntd.wait_all_up()

    def test_refused_with_all_its_errors_while_traffic_goes_on(self):
        load = Load(self.lab, clients=4, pause_ms=5).start()
        before = self.shuntd.ask("get")
        bad = os.path.join(self.lab.folder, "bad.yaml")
        places = spoil(self.good, bad)
        for refused in (self.shuntd.ctl("apply", "-f", bad, check=False), self.check(bad)):
            words = refused.stdout + refused.stderr
            self.assertEqual(refused.returncode, 2, words)
            for line in places:
                self.assertIn(f"bad.yaml:{line}:", words)
            self.assertIn("weight 90000 exceeds 65535", words)
        self.assertEqual(self.shuntd.ask("get"), before)
        self.assertEqual(self.check(self.good).returncode, 0)
        load.stop()
        self.assertEqual(load.outside(), [])
        self.assertGreater(load.total(), 0)

    def test_hangup_rereads_the_file_and_refuses_a_bad_one(self):
        before = self.shuntd.ask("get")
        spoil(self.good, self.good)
        self.shuntd.reread()
        wait_for(lambda: "nothing was changed" in self.shuntd.log(50), 5, "the log to refuse the bad file")
        self.assertIn("weight 90000 exceeds 65535", self.shuntd.log(50))
        self.assertEqual(self.shuntd.ask("get"), before)

        self.lab.config.services["web"].reals = {"r1": 4, "r2": 1}
        self.lab.config.write()
        self.shuntd.reread()
        wait_for(lambda: self.shuntd.real("web", "r1")["weight"] == 4, 5, "the mended file's weight")

    def check(self, path):
        return subprocess.run([binary("shuntd"), "--check", "-c", path], capture_output=True, text=True, check=False)


if __name__ == "__main__":
    unittest.main(verbosity=2)
