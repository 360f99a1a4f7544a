"""Forwarding method nat: both directions pass the load balancer."""

import unittest

from method_cases import MethodCases


class NatTest(MethodCases, unittest.TestCase):
    method = "nat"


if __name__ == "__main__":
    unittest.main(verbosity=2)
