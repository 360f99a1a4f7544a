"""Two workers on ports without RSS: both directions of a connection still meet on one worker."""

import unittest

import clients
from lab.load import Load
from lab.reals import ECHO_PORT
from lab.shell import wait_for
from method_cases import MethodCases

FLOWS = 3000


class TwoWorkers(MethodCases):
    workers = 2

    def case_load_of_short_connections(self, family):
        load = Load(self.lab, clients=16, pause_ms=0, total=2000, family=family).start()
        load.wait(60)
        self.assertEqual(load.outside(), [], self.shuntd.drops())
        self.assertEqual(set(load.counts()), {"r1", "r2", "r3"})

    def case_least_loaded_reals_are_found_by_all_workers_together(self, family):
        config, weights = self.lab.config.copy(), {"r1": 3, "r2": 2, "r3": 1}
        echo = config.services[family.service("echo")]
        echo.scheduler, echo.reals = "wlc", weights
        before, held = self.connections_of(family), self.held_by(family)
        self.shuntd.apply(config)
        try:
            clients.run(self.lab, clients.UDP, family.vip, ECHO_PORT, *range(20000, 20000 + FLOWS))
            after = wait_for(lambda: self.all_counted(family, before), 5, "all connections to be counted")
            for real, weight in weights.items():
                # What the reals have from before counts, too.
                share = (sum(held.values()) + FLOWS) * weight / 6
                self.assertAlmostEqual(held[real] + after[real] - before[real], share, delta=share * 0.02 + 20)
            busy = [worker for worker in self.shuntd.ask("workers")["workers"] if worker.get("connections", 0) > FLOWS // 4]
            self.assertEqual(len(busy), self.workers)
        finally:
            self.shuntd.apply(self.lab.config)

    def connections_of(self, family):
        reals = self.shuntd.services()[family.service("echo")]
        return {name: real["traffic"].get("connections", 0) for name, real in reals.items()}

    def held_by(self, family):
        reals = self.shuntd.services()[family.service("echo")]
        return {name: real.get("active_connections", 0) + real.get("inactive_connections", 0) for name, real in reals.items()}

    def all_counted(self, family, before):
        now = self.connections_of(family)
        return now if sum(now.values()) - sum(before.values()) == FLOWS else None


class NatWithTwoWorkersTest(TwoWorkers, unittest.TestCase):
    method = "nat"


class FullnatWithTwoWorkersTest(TwoWorkers, unittest.TestCase):
    method = "fullnat"

    def clients_seen(self, family):
        return set(family.local_pool)


if __name__ == "__main__":
    unittest.main(verbosity=2)
