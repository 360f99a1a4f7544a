"""Configuration swaps under load: 10,000 requests while reals come, drain and go 200 times; none fails."""

import itertools
import unittest

from lab.lab import Lab
from lab.load import Load
from lab.shell import LabError, wait_for

REQUESTS, CHANGES = 10_000, 200


class SwapTest(unittest.TestCase):
    def test_no_request_fails_while_reals_are_added_drained_and_removed(self):
        with Lab("nat") as lab:
            shuntd, web = lab.shuntd, lab.config.services["web"]
            # Real r4 comes and goes unchecked: a new real is in service at once, as it must be for 200 changes.
            web.health_check = None
            shuntd.start(lab.config)
            shuntd.wait_all_up()
            load = Load(lab, clients=8, pause_ms=2, timeout=10).start()

            revisions = [shuntd.ask("status")["revision"]]
            for number, verb in zip(range(CHANGES), itertools.cycle(("add", "drain", "remove"))):
                if verb == "add":
                    before = load.counts()["r4"]
                    web.reals["r4"] = 1
                    shuntd.apply(lab.config)
                    wait_for(lambda: load.counts()["r4"] > before, 10, "the added real to be asked")
                elif verb == "drain":
                    shuntd.drain("web", "r4")
                    # Drained means that what it has may finish; removing it now would be another promise.
                    wait_for(lambda: shuntd.real("web", "r4")["active_connections"] == 0, 10, "r4 to have no active connection")
                else:
                    del web.reals["r4"]
                    shuntd.apply(lab.config)
                revisions.append(shuntd.ask("status")["revision"])
                if not load.running():
                    raise LabError("the traffic source has ended")
            wait_for(lambda: load.total() >= REQUESTS, 60, f"{REQUESTS} requests")
            load.stop()

            self.assertEqual(load.outside(), [], f"drops: {shuntd.drops()}")
            self.assertEqual(load.slow(), 0, "a request took as long as a lost packet takes to be sent again; "
                             f"drops: {shuntd.drops()}")
            self.assertEqual(len(set(revisions)), CHANGES + 1, "every change has a revision of its own")
            self.assertGreater(load.counts()["r4"], CHANGES // 3 - 1)
            print(f"{load.total()} requests, {CHANGES} changes, {dict(load.counts())}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
