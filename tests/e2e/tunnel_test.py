"""Forwarding method tunnel: IPIP to the real, which takes the outer header off and answers the client itself."""

import unittest

from method_cases import MethodCases


class TunnelTest(MethodCases, unittest.TestCase):
    method = "tunnel"
    replies_pass_us = False


if __name__ == "__main__":
    unittest.main(verbosity=2)
