"""Forwarding method fullnat: the real sees an address of the local pool and needs no route to the client."""

import unittest

from method_cases import MethodCases


class FullnatTest(MethodCases, unittest.TestCase):
    method = "fullnat"

    def clients_seen(self, family):
        return set(family.local_pool)


if __name__ == "__main__":
    unittest.main(verbosity=2)
