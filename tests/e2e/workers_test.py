"""Two workers on ports without RSS: both directions of a connection still meet on one worker."""

import unittest

from lab.load import Load
from method_cases import MethodCases


class TwoWorkers(MethodCases):
    workers = 2

    def case_load_of_short_connections(self, family):
        load = Load(self.lab, clients=16, pause_ms=0, total=2000, family=family).start()
        load.wait(60)
        self.assertEqual(load.outside(), [], self.shuntd.drops())
        self.assertEqual(set(load.counts()), {"r1", "r2", "r3"})


class NatWithTwoWorkersTest(TwoWorkers, unittest.TestCase):
    method = "nat"


class FullnatWithTwoWorkersTest(TwoWorkers, unittest.TestCase):
    method = "fullnat"

    def clients_seen(self, family):
        return set(family.local_pool)


if __name__ == "__main__":
    unittest.main(verbosity=2)
