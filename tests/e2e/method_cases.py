"""What every forwarding method must do, told once. Each <method>_test.py says what is its own."""

import hashlib
import re
import subprocess
import time
from collections import Counter

from lab.lab import Lab
from lab.reals import BIG_BYTES, ECHO_PORT, UPLOAD_PORT
from lab.shell import wait_for
from lab.topology import CLIENT, OUTSIDE_MAC, VIP

# Sends one datagram per source port and prints "PORT ANSWER from ADDRESS".
UDP_CLIENT = """
import socket, sys
for port in map(int, sys.argv[3:]):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3)
    s.bind(("", port)); s.sendto(b"%d" % port, (sys.argv[1], int(sys.argv[2])))
    data, address = s.recvfrom(2000)
    print(port, data.decode(), "from", address[0])
"""

# Uploads BYTES bytes in one connection and prints the server's account of them.
UPLOAD_CLIENT = """
import hashlib, socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)
data = hashlib.sha256(b"upload").digest() * (int(sys.argv[3]) // 32)
s.sendall(data); s.shutdown(socket.SHUT_WR)
print(s.makefile().read().strip(), "sent", hashlib.sha256(data).hexdigest())
"""


class MethodCases:
    """Mixed into a TestCase; one lab and one shuntd for all cases of a class."""

    method = None
    workers = 1
    clients_seen = {CLIENT}
    replies_pass_us = True

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(cls.method)
        cls.lab.__enter__()
        cls.addClassCleanup(cls.lab.__exit__, None, None, None)
        cls.shuntd = cls.lab.shuntd
        cls.lab.config.workers = cls.workers
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    def tearDown(self):
        self.assertTrue(self.shuntd.running(), self.shuntd.log(40))

    def curl(self, *arguments):
        return self.lab.client(["curl", "-sS", "-f", "-m", "20", *arguments, f"http://{VIP}/"], check=False)

    def test_requests_are_spread_by_weight_and_none_fails(self):
        answers = Counter()
        for _ in range(30):
            done = self.curl()
            self.assertEqual(done.returncode, 0, f"{done.stderr} drops: {self.shuntd.drops()}\n{self.shuntd.log()}")
            answers[done.stdout.strip()] += 1
        if self.workers == 1:
            self.assertEqual(answers, {"r1": 10, "r2": 10, "r3": 10})
        else:  # each worker takes turns of its own
            self.assertEqual(set(answers), {"r1", "r2", "r3"})

    def test_real_sees_the_right_client_address(self):
        seen = re.search(r"^X-Client: (\S+)", self.curl("-i").stdout, re.MULTILINE)[1]
        self.assertIn(seen, self.clients_seen)

    def test_big_download_arrives_whole(self):
        body = subprocess.run(["ip", "netns", "exec", self.lab.topology.namespace("client"), "curl", "-sS", "-f", "-m", "60",
                               f"http://{VIP}/files/big"], capture_output=True, check=True).stdout
        self.assertEqual(len(body), BIG_BYTES)
        self.assertEqual(hashlib.sha256(body).hexdigest(), self.lab.big_digest)

    def test_upload_of_full_sized_segments_arrives_whole(self):
        # Under `tunnel` the segments do not fit with the outer header: the ICMP that says so must be right.
        size = 4 << 20
        answer = self.lab.client(["/usr/bin/python3", "-c", UPLOAD_CLIENT, VIP, str(UPLOAD_PORT), str(size)]).stdout.split()
        self.assertEqual(int(answer[1]), size)
        self.assertEqual(answer[2], answer[4])

    def test_udp_datagrams_are_answered_from_the_vip_and_a_client_keeps_its_real(self):
        ports = [str(port) for port in range(30000, 30012)]
        ask = ["/usr/bin/python3", "-c", UDP_CLIENT, VIP, str(ECHO_PORT), *ports]
        first, second = (self.lab.client(ask).stdout.splitlines() for _ in range(2))
        self.assertEqual(first, second)
        for port, line in zip(ports, first):
            self.assertRegex(line, rf"^{port} r[123] {port} from {re.escape(VIP)}$")
        reals = Counter(line.split()[1] for line in first)
        self.assertEqual(set(reals), {"r1", "r2", "r3"})

    def test_vip_answers_arp_and_ping(self):
        self.lab.client(["ip", "neigh", "flush", "all"])
        ping = self.lab.client(["ping", "-c", "2", "-i", "0.2", "-W", "2", VIP], check=False)
        self.assertEqual(ping.returncode, 0, ping.stdout)
        self.assertIn(OUTSIDE_MAC, self.lab.client(["ip", "neigh", "show", VIP]).stdout)

    def test_replies_pass_the_load_balancer_exactly_when_the_method_says_so(self):
        def out_packets():
            return sum(real["traffic"]["out_packets"] for real in self.shuntd.services()["web"].values())
        before = out_packets()
        self.assertEqual(self.curl().returncode, 0)
        if self.replies_pass_us:
            wait_for(lambda: out_packets() > before, 5, "packets of the reply to be counted")
        else:
            time.sleep(1.2)  # counters are read about once a second
            self.assertEqual(out_packets(), before)

    def test_connection_is_listed_while_it_lasts(self):
        download = self.lab.start_client("slow", ["curl", "-sS", "-o", "/dev/null", "--limit-rate", "1M", "--local-port", "31999",
                                                  f"http://{VIP}/files/big"])
        try:
            def listed():
                return [c for c in self.shuntd.connections("--client", CLIENT)
                        if c["client_port"] == 31999 and c["state"] == "ESTABLISHED"]
            [connection] = wait_for(listed, 5, "the download to be listed as established")
            self.assertEqual((connection["client"], connection["virtual"], connection["virtual_port"]), (CLIENT, VIP, 80))
            self.assertEqual(connection["service"], "web")
            self.assertEqual(connection["method"], f"METHOD_{self.method.upper()}")
            self.assertRegex(connection["real"], r"^10\.0\.1\.1[123]$")
        finally:
            self.lab.processes.stop(download)
