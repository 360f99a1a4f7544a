"""Which failures the demo and the end-to-end tests excuse, and the YAML that they write."""

import ipaddress
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "scripts"))

from lab.config import Config, HealthCheck, Plain, to_yaml  # noqa: E402  found by the path above
from lab.family import FAMILIES, IPV4  # noqa: E402
from lab.load import Failure, Load, Window  # noqa: E402


class WindowTest(unittest.TestCase):
    def test_request_that_touches_the_window_is_excused(self):
        window = Window(10.0, 11.3)
        for start, end in ((9.0, 10.0), (9.9, 10.1), (10.5, 10.6), (9.0, 12.0), (11.3, 14.0)):
            self.assertTrue(window.touches(Failure(start, end, "")), (start, end))

    def test_request_before_or_after_it_is_not(self):
        window = Window(10.0, 11.3)
        for start, end in ((9.0, 9.99), (11.31, 11.4)):
            self.assertFalse(window.touches(Failure(start, end, "")), (start, end))

    def test_detection_is_the_failures_in_a_row_and_the_last_ones_timeout(self):
        self.assertEqual(HealthCheck(interval_ms=500, timeout_ms=300, fall=2).detection_seconds(), 1.3)


class LoadTest(unittest.TestCase):
    def test_failures_are_parted_by_the_windows(self):
        load = Load(lab=None)
        window = load.open_window(1.0)
        inside, outside = Failure(window.start, window.start, "refused"), Failure(window.end + 1, window.end + 2, "reset")
        load._failures += [inside, outside]
        self.assertEqual((load.inside(), load.outside(), load.total()), ([inside], [outside], 2))

    def test_requests_are_counted_by_when_they_started(self):
        load = Load(lab=None)
        load._answered += [["r1", 1.0], ["r2", 2.0], ["r1", 2.5]]
        self.assertEqual((dict(load.counts()), dict(load.counts(since=2.0))), ({"r1": 2, "r2": 1}, {"r1": 1, "r2": 1}))

    def test_without_a_window_every_failure_counts(self):
        load = Load(lab=None)
        load._failures.append(Failure(1, 2, "refused"))
        self.assertEqual((len(load.inside()), len(load.outside())), (0, 1))


class ConfigTest(unittest.TestCase):
    def test_a_services_vip_reals_and_pool_are_of_one_family(self):
        document = Config("fullnat", "/nowhere", "prefix", ["r1", "r2"], FAMILIES).document()
        pools = {pool["name"]: pool["addresses"] for pool in document["local_addresses"]}
        seen = []
        for service in document["services"]:
            addresses = [service["address"], *(real["address"] for real in service["reals"]), *pools[service["local_addresses"]]]
            [version] = {ipaddress.ip_address(address).version for address in addresses}
            seen.append((service["name"], version))
        self.assertEqual(seen, [("web", 4), ("upload", 4), ("echo", 4), ("web6", 6), ("upload6", 6), ("echo6", 6)])

    def test_services_are_those_of_the_families_asked_for(self):
        self.assertEqual(set(Config("nat", "/nowhere", "prefix", ["r1"]).services), {"web", "upload", "echo"})
        self.assertEqual({service.family for service in Config("nat", "/nowhere", "prefix", ["r1"]).services.values()}, {IPV4})


class YamlTest(unittest.TestCase):
    def test_nested_lists_and_mappings(self):
        document = {"a": {"b": Plain("nat"), "c": False}, "d": [{"e": 1, "f": ["x", "y"]}, {"e": 2, "f": []}]}
        self.assertEqual(to_yaml(document), 'a:\n  b: nat\n  c: false\nd:\n  - e: 1\n    f:\n      - "x"\n      - "y"\n'
                         "  - e: 2\n    f: []\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
