"""Forwarding method fullnat: the real sees an address of the local pool and needs no route to the client."""

import unittest

from lab.config import LOCAL_POOL
from method_cases import MethodCases


class FullnatTest(MethodCases, unittest.TestCase):
    method = "fullnat"
    clients_seen = set(LOCAL_POOL)


if __name__ == "__main__":
    unittest.main(verbosity=2)
