"""scripts/bench why, as short as it can be: what it says of Shunt is measured, and it leaves nothing behind."""

import json
import os
import signal
import subprocess
import tempfile
import time
import unittest

from lab.daemon import ROOT, binary
from lab.shell import LabError, run, wait_for


def bench(*arguments, **options):
    return subprocess.Popen(["/usr/bin/python3", "-B", os.path.join(ROOT, "scripts/bench"), "why", "--quick", "--reals", "2",
                             *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def why_load_is_there():
    try:
        return bool(binary("why_load"))
    except LabError:
        return False


@unittest.skipUnless(why_load_is_there(), "why_load is not built (SHUNT_BENCH is off)")
class WhyTest(unittest.TestCase):
    def test_shunt_with_two_reals(self):
        before = namespaces()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "why.json")
            process = bench("--contenders", "shunt", "--json", path)
            out, err = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, out + err)
            with open(path, encoding="utf-8") as file:
                row, = map(json.loads, file)
        self.assertGreater(row["requests_per_s"], 100)
        self.assertGreater(row["full_cpu_us"], 0)
        self.assertLess(row["most_to_mean"], 1.1)
        self.assertGreater(row["killed_failed"], 0)
        self.assertLess(row["killed_last_failure_s"], 3)
        self.assertLessEqual(row["taken_failed"], row["taken_requests"] * 0.01)
        self.assertIn("Throughput, requests/s", out)
        self.assertIn("left] Shunt, 2 reals: steady", err)
        self.assertEqual(namespaces() - before, set())

    def test_what_a_killed_run_leaves_is_removed_by_the_next(self):
        before = namespaces()
        first = bench("--contenders", "shunt")
        wait_for(lambda: len(namespaces() - before) >= 3, 30, "the first run to make namespaces")
        first.send_signal(signal.SIGKILL)
        first.communicate()
        left = namespaces() - before
        self.assertTrue(left)
        second = bench("--contenders", "shunt")
        wait_for(lambda: not left & namespaces(), 30, "the second run to remove them")
        time.sleep(0.5)
        second.send_signal(signal.SIGINT)
        second.communicate(timeout=30)
        self.assertEqual(second.returncode, 130)
        self.assertEqual(namespaces() - before, set())


def namespaces():
    return {line.split()[0] for line in run(["ip", "netns", "list"]).stdout.splitlines() if line.strip()}


if __name__ == "__main__":
    unittest.main()
