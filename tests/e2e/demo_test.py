"""The demo itself, as a new user's machine runs it, without the pauses; and that an interrupted one leaves nothing."""

import os
import re
import signal
import subprocess
import unittest

DEMO = [os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "scripts/demo"),
        "--check", "--no-build"]


class DemoTest(unittest.TestCase):
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
        done = subprocess.run([*DEMO, *words], capture_output=True, text=True, timeout=180, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        last = re.fullmatch(rf"demo: (\d+) requests, 0 failed outside detection, \d+ inside, method {how}",
                            done.stdout.splitlines()[-1])
        self.assertTrue(last, done.stdout)
        self.assertGreater(int(last[1]), 1000)
        self.assert_nothing_left(done.stdout)

    def test_interrupted_demo_leaves_nothing(self):
        with subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
            seen = ""
            while "1. " not in seen:  # requests are on their way
                line = demo.stdout.readline()
                self.assertTrue(line, f"the demo ended early: {seen}")
                seen += line
            demo.send_signal(signal.SIGINT)
            out, err = demo.communicate(timeout=60)
        self.assertEqual(demo.returncode, 130, seen + out + err)
        self.assert_nothing_left(seen)


if __name__ == "__main__":
    unittest.main(verbosity=2)
