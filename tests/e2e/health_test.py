"""Health checks: a real that refuses or falls silent is masked in time and comes back."""

import time
import unittest

from lab.lab import Lab
from lab.load import Load


class HealthTest(unittest.TestCase):
    def test_refusing_and_silent_reals_are_masked_and_return(self):
        with Lab("nat") as lab:
            shuntd = lab.shuntd
            shuntd.start(lab.config)
            shuntd.wait_all_up()
            load = Load(lab, clients=6, pause_ms=10, timeout=3).start()
            time.sleep(0.5)
            for fail, mend in ((lambda: lab.reals.kill("r2"), lambda: lab.reals.start("r2")),
                               (lambda: self.cable(lab, "r2", "down"), lambda: self.cable(lab, "r2", "up"))):
                self.masked_and_back(lab, load, fail, mend)
            load.stop()
            self.assertEqual(load.outside(), [], shuntd.drops())
            self.assertGreater(load.counts()["r2"], 0)

            kinds = [(event["kind"], event["subject"]) for event in shuntd.events()]
            self.assertEqual(sum(kind == "real_down" and "web" in subject and "r2" in subject or
                                 kind == "real_down" and "web/10.0.1.12:80" in subject for kind, subject in kinds), 2, kinds)

    def cable(self, lab, real, state):
        lab.topology.exec("fabric", ["ip", "link", "set", f"v-{real}", state])

    def masked_and_back(self, lab, load, fail, mend):
        limit = lab.config.services["web"].health_check.detection_seconds()
        # Half a second beyond what the settings promise, for a machine that is busy with other tests.
        window = load.open_window(limit + 0.5)
        fail()
        # Half a second for this test to ask; requests are judged by the window itself.
        lab.shuntd.wait_health("web", "r2", "DOWN", limit + 1)
        self.assertEqual(lab.shuntd.real("web", "r2")["effective_weight"], 0)
        self.assertIn("connect", lab.shuntd.real("web", "r2")["last_check"])
        time.sleep(max(0, window.end - time.monotonic()) + 0.3)
        since = time.monotonic()
        time.sleep(1)
        during = load.counts(since)
        self.assertEqual(during["r2"], 0)
        self.assertGreater(during["r1"] + during["r3"], 50)
        mend()
        lab.shuntd.wait_health("web", "r2", "UP", 10)
        since = time.monotonic()
        time.sleep(1)
        self.assertGreater(load.counts(since)["r2"], 10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
