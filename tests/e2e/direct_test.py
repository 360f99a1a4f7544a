"""Forwarding method direct: the real holds the VIP and answers the client itself."""

import unittest

from method_cases import MethodCases


class DirectTest(MethodCases, unittest.TestCase):
    method = "direct"
    replies_pass_us = False


if __name__ == "__main__":
    unittest.main(verbosity=2)
