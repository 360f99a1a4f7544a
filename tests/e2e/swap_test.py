"""Configuration swaps under load: 10,000 requests of both families while reals come, drain and go 200 times; none fails."""

import itertools
import unittest

from lab.family import FAMILIES
from lab.lab import Lab
from lab.load import Load
from lab.shell import LabError, wait_for

REQUESTS, CHANGES = 10_000, 200
VERBS = ("add", "drain", "remove")


class SwapTest(unittest.TestCase):
    def test_no_request_fails_while_reals_are_added_drained_and_removed(self):
        with Lab("nat", families=FAMILIES) as lab:
            shuntd = lab.shuntd
            # Real r4 comes and goes unchecked: a new real is in service at once, as it must be for 200 changes.
            for family in FAMILIES:
                lab.config.services[family.service("web")].health_check = None
            shuntd.start(lab.config)
            shuntd.wait_all_up()
            loads = {family: Load(lab, clients=4, pause_ms=2, timeout=10, family=family).start() for family in FAMILIES}

            revisions = [shuntd.ask("status")["revision"]]
            for _, (family, verb) in zip(range(CHANGES), itertools.cycle(itertools.product(FAMILIES, VERBS))):
                self.change(lab, family.service("web"), verb, loads[family])
                revisions.append(shuntd.ask("status")["revision"])
                if not all(load.running() for load in loads.values()):
                    raise LabError("a traffic source has ended")
            wait_for(lambda: sum(load.total() for load in loads.values()) >= REQUESTS, 60, f"{REQUESTS} requests")

            for load in loads.values():
                load.stop()
                self.assertEqual(load.outside(), [], f"drops: {shuntd.drops()}")
                self.assertEqual(load.slow(), 0, "a request took as long as a lost packet takes to be sent again; "
                                 f"drops: {shuntd.drops()}")
                self.assertGreater(load.counts()["r4"], CHANGES // 6 - 1)
            self.assertEqual(len(set(revisions)), CHANGES + 1, "every change has a revision of its own")
            print(", ".join(f"{family.name}: {load.total()} requests, {dict(load.counts())}" for family, load in loads.items()))

    def change(self, lab, web, verb, load):
        shuntd, reals = lab.shuntd, lab.config.services[web].reals
        if verb == "add":
            before = load.counts()["r4"]
            reals["r4"] = 1
            shuntd.apply(lab.config)
            wait_for(lambda: load.counts()["r4"] > before, 10, "the added real to be asked")
        elif verb == "drain":
            shuntd.drain(web, "r4")
            # Drained means that what it has may finish; removing it now would be another promise.
            wait_for(lambda: shuntd.real(web, "r4")["active_connections"] == 0, 10, "r4 to have no active connection")
        else:
            del reals["r4"]
            shuntd.apply(lab.config)


if __name__ == "__main__":
    unittest.main(verbosity=2)
