"""A bad file changes nothing and says where, what and how to mend it."""

import os
import subprocess
import unittest

from lab.daemon import binary
from lab.lab import Lab
from lab.load import Load


class BadFileTest(unittest.TestCase):
    def test_bad_file_is_refused_with_all_its_errors_while_traffic_goes_on(self):
        with Lab("nat", reals=2, configured=2) as lab:
            shuntd = lab.shuntd
            good = lab.config.write()
            shuntd.start(lab.config, good)
            shuntd.wait_all_up()
            load = Load(lab, clients=4, pause_ms=5).start()
            before = shuntd.ask("get")

            bad = os.path.join(lab.folder, "bad.yaml")
            with open(good, encoding="utf-8") as source:
                lines = source.read().splitlines()
            weight = next(n for n, line in enumerate(lines) if "weight:" in line)
            lines[weight] = lines[weight].replace("1", "90000")
            scheduler = next(n for n, line in enumerate(lines) if "scheduler:" in line)
            lines[scheduler] = lines[scheduler].replace("wrr", "fastest")
            with open(bad, "w", encoding="utf-8") as out:
                out.write("\n".join(lines) + "\ncolour: blue\n")

            for refused in (shuntd.ctl("apply", "-f", bad, check=False),
                            subprocess.run([binary("shuntd"), "--check", "-c", bad], capture_output=True, text=True, check=False)):
                words = refused.stdout + refused.stderr
                self.assertEqual(refused.returncode, 2, words)
                for number in (weight, scheduler, len(lines)):
                    self.assertIn(f"bad.yaml:{number + 1}:", words)
                self.assertIn("90000", words)
            self.assertEqual(shuntd.ask("get"), before)
            self.assertEqual(subprocess.run([binary("shuntd"), "--check", "-c", good], capture_output=True, check=False).returncode, 0)

            load.stop()
            self.assertEqual(load.outside(), [])
            self.assertGreater(load.total(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
