"""Health checks: a real that refuses or falls silent is masked in time and comes back, for either family at once."""

import time
import unittest

from lab.family import FAMILIES
from lab.lab import Lab
from lab.load import Load


class HealthTest(unittest.TestCase):
    def test_refusing_and_silent_reals_are_masked_and_return(self):
        with Lab("nat", families=FAMILIES) as lab:
            shuntd = lab.shuntd
            shuntd.start(lab.config)
            shuntd.wait_all_up()
            loads = [Load(lab, clients=4, pause_ms=10, timeout=3, family=family).start() for family in FAMILIES]
            time.sleep(0.5)
            for fail, mend in ((lambda: lab.reals.kill("r2"), lambda: lab.reals.start("r2")),
                               (lambda: self.cable(lab, "r2", "down"), lambda: self.cable(lab, "r2", "up"))):
                self.masked_and_back(lab, loads, fail, mend)
            for load in loads:
                load.stop()
                self.assertEqual(load.outside(), [], shuntd.drops())
                self.assertGreater(load.counts()["r2"], 0)

            kinds = [(event["kind"], event["subject"]) for event in shuntd.events()]
            for family in FAMILIES:
                subjects = [f"{family.service('web')}/{real}" for real in ("r2", f"{family.bracketed(family.real(2))}:80")]
                self.assertEqual(sum(kind == "real_down" and any(s in subject for s in subjects) for kind, subject in kinds),
                                 2, kinds)

    def cable(self, lab, real, state):
        lab.topology.exec("fabric", ["ip", "link", "set", f"v-{real}", state])

    def masked_and_back(self, lab, loads, fail, mend):
        webs = [family.service("web") for family in FAMILIES]
        limit = lab.config.services["web"].health_check.detection_seconds()
        # Half a second beyond what the settings promise, for a machine that is busy with other tests.
        windows = [load.open_window(limit + 0.5) for load in loads]
        fail()
        for web in webs:
            # Half a second for this test to ask; requests are judged by the window itself.
            lab.shuntd.wait_health(web, "r2", "DOWN", limit + 1)
            self.assertEqual(lab.shuntd.real(web, "r2")["effective_weight"], 0)
            self.assertIn("connect", lab.shuntd.real(web, "r2")["last_check"])
        time.sleep(max(0, windows[-1].end - time.monotonic()) + 0.3)
        since = time.monotonic()
        time.sleep(1)
        for load in loads:
            during = load.counts(since)
            self.assertEqual(during["r2"], 0)
            self.assertGreater(during["r1"] + during["r3"], 30)
        mend()
        for web in webs:
            lab.shuntd.wait_health(web, "r2", "UP", 10)
        since = time.monotonic()
        time.sleep(1)
        for load in loads:
            self.assertGreater(load.counts(since)["r2"], 10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
