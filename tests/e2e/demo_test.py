"""The demo itself, as a new user's machine runs it, without the pauses; and that an interrupted one leaves nothing."""

import os
import re
import signal
import subprocess
import tempfile
import time
import unittest

DEMO = [os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "scripts/demo"),
        "--check", "--no-build"]

# Several times what a run takes, for slow machines.
LIMIT_S = 180


class DemoTest(unittest.TestCase):
    def setUp(self):
        # A file, not a pipe: a program that outlives a hanging demo must not make the test hang, too.
        self._out = self.enterContext(tempfile.TemporaryFile("w+"))
        self._demo = None
        self.addCleanup(self.end_demo)

    def start_demo(self, *words):
        # Asked by SIGABRT, a demo that hangs says where.
        self._demo = subprocess.Popen([*DEMO, *words], stdin=subprocess.DEVNULL, stdout=self._out, stderr=subprocess.STDOUT,
                                      env={**os.environ, "PYTHONFAULTHANDLER": "1"})

    def said(self):
        with open(f"/proc/self/fd/{self._out.fileno()}", encoding="utf-8", errors="replace") as out:
            return out.read()

    def end_demo(self):
        if self._demo and self._demo.poll() is None:
            self._demo.send_signal(signal.SIGABRT)
            self._demo.wait(10)

    def ended(self, seconds):
        """Its exit status."""
        try:
            return self._demo.wait(seconds)
        except subprocess.TimeoutExpired:
            self.end_demo()
            self.fail(f"the demo has not ended after {seconds} s; what it said, and where it is:\n{self.said()}")

    def assert_nothing_left(self, output):
        """The demo says how its namespaces are named; other labs may be at work on this machine."""
        tag = re.search(r"Network namespaces (sl[0-9a-f]{4})-client", output)
        self.assertTrue(tag, output)
        names = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
        self.assertNotIn(tag[1], names)
        self.assertFalse(os.path.exists(f"/run/shunt-lab/{tag[1]}"))

    def test_nat_has_no_failure_outside_detection(self):
        self.assert_no_failure_outside_detection("nat")

    def test_tunnel_over_ipv6_has_no_failure_outside_detection(self):
        self.assert_no_failure_outside_detection("tunnel over IPv6", "--method", "tunnel", "--family", "6")

    def assert_no_failure_outside_detection(self, how, *words):
        self.start_demo(*words)
        status = self.ended(LIMIT_S)
        self.assertEqual(status, 0, self.said())
        last = re.fullmatch(rf"demo: (\d+) requests, 0 failed outside detection, \d+ inside, method {how}",
                            self.said().splitlines()[-1])
        self.assertTrue(last, self.said())
        self.assertGreater(int(last[1]), 1000)
        self.assert_nothing_left(self.said())

    def test_interrupted_demo_leaves_nothing(self):
        self.start_demo()
        end = time.monotonic() + LIMIT_S
        while "1. " not in self.said():  # requests are on their way
            self.assertIsNone(self._demo.poll(), f"the demo ended early: {self.said()}")
            self.assertLess(time.monotonic(), end, self.said())
            time.sleep(0.05)
        self._demo.send_signal(signal.SIGINT)
        self.assertEqual(self.ended(60), 130, self.said())
        self.assert_nothing_left(self.said())


if __name__ == "__main__":
    unittest.main(verbosity=2)
