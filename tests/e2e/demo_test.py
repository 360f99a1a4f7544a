"""The demo itself, as a new user's machine runs it, without the pauses; and that an interrupted one leaves nothing."""

import os
import re
import signal
import subprocess
import time
import unittest

DEMO = [os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "scripts/demo"),
        "--check", "--no-build"]


def traces():
    names = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in names.splitlines() if line.startswith("sl")]


class DemoTest(unittest.TestCase):
    def setUp(self):
        self.before = traces()  # another lab may be at work on this machine

    def tearDown(self):
        self.assertEqual([name for name in traces() if name not in self.before], [])

    def test_nat_has_no_failure_outside_detection(self):
        done = subprocess.run(DEMO, capture_output=True, text=True, timeout=180, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        last = re.fullmatch(r"demo: (\d+) requests, 0 failed outside detection, \d+ inside, method nat",
                            done.stdout.splitlines()[-1])
        self.assertTrue(last, done.stdout)
        self.assertGreater(int(last[1]), 1000)

    def test_interrupted_demo_leaves_nothing(self):
        demo = subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(4)
        demo.send_signal(signal.SIGINT)
        out, err = demo.communicate(timeout=30)
        self.assertEqual(demo.returncode, 130, out + err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
