"""Limits with real clients of either family: how much gets through of what is asked for, and what is counted."""

import time
import unittest

from lab.config import Plain
from lab.family import FAMILIES
from lab.reals import ECHO_PORT, HTTP_PORT, UPLOAD_PORT
from method_cases import FamilyCases, guest, open_lab, welcome_guests

# Connects again and again at once, holding each: how many were taken, how many refused.
CONNECT = """
import socket, sys
address, source, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
held, refused = [], 0
for _ in range(count):
    try:
        held.append(socket.create_connection((address, port), 3, (source, 0)))
    except OSError:
        refused += 1
print(len(held), refused)
"""
# Datagrams at once, and how many answers come.
ECHO = """
import socket, sys
address, source, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((source, 0))
s.settimeout(0.5)
for i in range(count):
    s.sendto(b"x" * 20, (address, port))
answers = 0
try:
    while True:
        s.recv(100)
        answers += 1
except OSError:
    print(answers)
"""


class LimitsTest(FamilyCases, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        open_lab(cls)
        welcome_guests(cls.lab)
        cls.lab.config.workers = 2
        # Closed connections are soon forgotten.
        cls.lab.config.timeouts = {"tcp_close": "1s", "tcp_time_wait": "1s", "tcp_fin_wait": "1s", "tcp_last_ack": "1s"}
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    def tearDown(self):
        self.assertTrue(self.shuntd.running(), self.shuntd.log(40))

    def limit(self, family, service, **limits):
        config = self.lab.config.copy()
        config.services[family.service(service)].more = {"limits": limits}
        self.shuntd.apply(config)

    def client(self, script, family, source, port, count):
        done = self.lab.client(["/usr/bin/python3", "-c", script, family.vip, source, str(port), str(count)])
        return [int(word) for word in done.stdout.split()]

    def refused(self, family, service, key="limited"):
        [state] = self.shuntd.ask("service", "list", family.service(service))["services"]
        return {name: int(value) for name, value in state.get(key, {}).items()}

    def case_new_connections_come_at_the_rate(self, family):
        before = self.refused(family, "web").get("new_connections", 0)
        self.limit(family, "web", new_connections_per_second=5, on_excess=Plain("reset"))
        taken, refused = self.client(CONNECT, family, family.client, HTTP_PORT, 40)
        self.assertEqual(taken + refused, 40)
        # A burst of five, and what a slow machine's time brings.
        self.assertGreaterEqual(taken, 5)
        self.assertLessEqual(taken, 15)
        self.assertEqual(self.refused(family, "web")["new_connections"] - before, refused)
        self.assertIn("new connections", self.shuntd.ctl("service", "list", family.service("web")).stdout)
        self.assertGreaterEqual(self.shuntd.drops()["new_connection_limit"], refused)

    def case_connections_at_a_time_are_no_more_than_that(self, family):
        self.limit(family, "upload", connections=3, on_excess=Plain("reset"))
        taken, refused = self.client(CONNECT, family, family.client, UPLOAD_PORT, 10)
        self.assertEqual((taken, refused), (3, 7))

    def case_one_client_is_held_and_the_other_is_not(self, family):
        self.limit(family, "web", on_excess=Plain("reset"),
                   per_client={"new_connections_per_second": 2, **({"ipv6_prefix": 128} if family.version == 6 else {})})
        taken, refused = self.client(CONNECT, family, family.client, HTTP_PORT, 20)
        self.assertGreaterEqual(taken, 2)
        self.assertLessEqual(taken, 8)
        self.assertGreaterEqual(self.refused(family, "web", "client_limited")["new_connections"], refused)
        self.assertEqual(self.client(CONNECT, family, guest(family), HTTP_PORT, 2), [2, 0])

    def case_packets_are_dropped_beyond_the_rate(self, family):
        self.limit(family, "echo", packets_per_second=20)
        [answers] = self.client(ECHO, family, family.client, ECHO_PORT, 200)
        # A datagram and its answer are two packets; twenty and what half a second and a slow machine bring.
        self.assertLessEqual(answers, 40)
        self.assertGreater(self.refused(family, "echo")["packets"], 100)
        time.sleep(1.5)
        self.assertEqual(self.client(ECHO, family, family.client, ECHO_PORT, 5), [5], "the burst is there again")
        self.limit(family, "echo", packets_per_second=1000000)
        self.assertEqual(self.client(ECHO, family, family.client, ECHO_PORT, 50), [50])


if __name__ == "__main__":
    unittest.main()
