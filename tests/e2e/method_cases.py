"""What every forwarding method must do, told once. Each <method>_test.py says what is its own."""

import hashlib
import re
import subprocess
import time
from collections import Counter

import clients
from lab.family import FAMILIES
from lab.lab import Lab
from lab.load import Load
from lab.reals import BIG_BYTES, ECHO_PORT, UPLOAD_PORT
from lab.shell import wait_for
from lab.topology import OUTSIDE_MAC

# ICMP and ICMPv6 type and code (RFC 792 and RFC 4443).
TIME_EXCEEDED = {4: (11, 0), 6: (3, 0)}
TOO_BIG = {4: (3, 4), 6: (2, 0)}


def _with_family(case, family):
    def test(self):
        getattr(self, case)(family)
    return test


class FamilyCases:
    """Mixed into a TestCase: a `case_<what>(self, family)` is run as test_<what>_over_ipv4 and test_<what>_over_ipv6."""

    def __init_subclass__(cls, **words):
        super().__init_subclass__(**words)
        for name in dir(cls):
            if name.startswith("case_"):
                for family in FAMILIES:
                    setattr(cls, f"test_{name[5:]}_over_{family.name.lower()}", _with_family(name, family))


def guest(family):
    """A second address of the client's."""
    return family.outside + "20"


def open_lab(cls, method="nat", **options):
    """A lab for all of the class's tests: cls.lab, and cls.shuntd, which is still to be started. `options`: Lab's."""
    cls.lab = Lab(method, **{"families": FAMILIES, **options})
    cls.lab.__enter__()
    cls.addClassCleanup(cls.lab.__exit__, None, None, None)
    cls.shuntd = cls.lab.shuntd


def welcome_guests(lab):
    for family in FAMILIES:
        lab.topology.exec("client", ["ip", "addr", "add", family.on_link(guest(family)), "dev", "eth0"])


class MethodCases(FamilyCases):
    """One lab and one shuntd, with a VIP of either family, for all cases of a class."""

    method = None
    workers = 1
    replies_pass_us = True

    @classmethod
    def setUpClass(cls):
        open_lab(cls, cls.method)
        cls.lab.config.workers = cls.workers
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    def tearDown(self):
        self.assertTrue(self.shuntd.running(), self.shuntd.log(40))

    def clients_seen(self, family):
        """The addresses that a real may take for its client's."""
        return {family.client}

    def overhead(self, family):
        """Bytes that the method adds to a packet."""
        return 0

    def curl(self, family, *arguments):
        return self.lab.client(["curl", "-sS", "-f", "-m", "20", *arguments, family.url(family.vip)], check=False)

    def case_requests_are_spread_by_weight_and_none_fails(self, family):
        answers = Counter()
        for _ in range(30):
            done = self.curl(family)
            self.assertEqual(done.returncode, 0, f"{done.stderr} drops: {self.shuntd.drops()}\n{self.shuntd.log()}")
            answers[done.stdout.strip()] += 1
        if self.workers == 1:
            self.assertEqual(answers, {"r1": 10, "r2": 10, "r3": 10})
        else:  # each worker takes turns of its own
            self.assertEqual(set(answers), {"r1", "r2", "r3"})

    def test_both_families_are_served_at_once(self):
        loads = [Load(self.lab, clients=4, pause_ms=2, total=300, family=family).start() for family in FAMILIES]
        for load in loads:
            load.wait(60)
        for load in loads:
            self.assertEqual(load.outside(), [], self.shuntd.drops())
            self.assertEqual(set(load.counts()), {"r1", "r2", "r3"})

    def case_real_sees_the_right_client_address(self, family):
        seen = re.search(r"^X-Client: (\S+)", self.curl(family, "-i").stdout, re.MULTILINE)[1]
        self.assertIn(seen, self.clients_seen(family))

    def case_big_download_arrives_whole(self, family):
        body = subprocess.run(["ip", "netns", "exec", self.lab.topology.namespace("client"), "curl", "-sS", "-f", "-m", "60",
                               family.url(family.vip, "/files/big")], capture_output=True, check=True).stdout
        self.assertEqual(len(body), BIG_BYTES)
        self.assertEqual(hashlib.sha256(body).hexdigest(), self.lab.big_digest)

    def case_upload_of_full_sized_segments_arrives_whole(self, family):
        # Under `tunnel` the segments do not fit with the outer header: the ICMP that says so must be right.
        self.upload(family, 4 << 20)

    def upload(self, family, size):
        answer = clients.run(self.lab, clients.UPLOAD, family.vip, UPLOAD_PORT, size)[0].split()
        self.assertEqual(int(answer[1]), size)
        self.assertEqual(answer[2], answer[4])

    def case_udp_datagrams_are_answered_from_the_vip_and_a_client_keeps_its_real(self, family):
        ports = range(30000, 30012)
        first, second = (clients.run(self.lab, clients.UDP, family.vip, ECHO_PORT, *ports) for _ in range(2))
        self.assertEqual(first, second)
        for port, line in zip(ports, first):
            self.assertRegex(line, rf"^{port} r[123] {port} from {re.escape(family.vip)}$")
        reals = Counter(line.split()[1] for line in first)
        self.assertEqual(set(reals), {"r1", "r2", "r3"})

    def big_datagram(self, family, port, size):
        """What BIG_UDP prints."""
        [line] = clients.run(self.lab, clients.BIG_UDP, family.vip, ECHO_PORT, port, size)
        return line

    def case_datagrams_larger_than_the_mtu_come_back_whole(self, family):
        for port, size in ((30101, 1473), (30102, 4000), (30103, 16000), (30104, 60000)):
            before = self.shuntd.drops()
            line = self.big_datagram(family, port, size)
            real, received, digest, _, address, _, sent = line.split()
            self.assertEqual((int(received), digest, address), (size, sent, family.vip), (before, self.shuntd.drops()))
            self.assertRegex(real, "^r[123]$")

    def case_small_question_gets_a_big_answer(self, family):
        [line] = clients.run(self.lab, clients.BIG_ANSWER, family.vip, ECHO_PORT, 30110, 4000)
        self.assertRegex(line, rf"^r[123] 4000 from {re.escape(family.vip)}$")

    def case_fragments_of_a_known_client_reach_its_real(self, family):
        if self.workers > 1 and self.method != "nat":
            self.skipTest("without RSS, which worker has a client's connection is known to nobody")
        [small] = clients.run(self.lab, clients.UDP, family.vip, ECHO_PORT, 30120)
        for _ in range(3):
            big = self.big_datagram(family, 30120, 4000)
            self.assertEqual(big.split()[0], small.split()[1])

    def case_vip_has_a_mac_and_answers_ping(self, family):
        self.lab.client(["ip", "neigh", "flush", "all"])
        ping = self.lab.client(["ping", "-c", "2", "-i", "0.2", "-W", "2", family.vip], check=False)
        self.assertEqual(ping.returncode, 0, ping.stdout)
        self.assertIn(OUTSIDE_MAC, self.lab.client(["ip", "neigh", "show", family.vip]).stdout)

    def case_packet_at_its_last_hop_is_answered_by_the_load_balancer(self, family):
        [answer] = clients.run(self.lab, clients.ICMP_ERROR, family.vip, ECHO_PORT, 100, 1)
        kind, code = TIME_EXCEEDED[family.version]
        self.assertEqual(answer, f"{kind} {code} 0 from {family.vip}")

    def case_sender_learns_what_fits_a_link_with_a_smaller_mtu(self, family):
        room = 1400 - self.overhead(family)
        kind, code = TOO_BIG[family.version]
        self.set_inside_mtu(1400)
        try:
            def told():
                self.forget_path_mtu(family)
                return clients.run(self.lab, clients.ICMP_ERROR, family.vip, ECHO_PORT, 1430, 64)
            self.assertEqual(wait_for(told, 5, "an ICMP error"), [f"{kind} {code} {room} from {family.vip}"])
            self.forget_path_mtu(family)
            self.upload(family, 1 << 20)
        finally:
            self.set_inside_mtu(1500)
            self.forget_path_mtu(family)

    def forget_path_mtu(self, family):
        self.lab.client(["ip", f"-{family.version}", "route", "flush", "cache"])

    def set_inside_mtu(self, mtu):
        self.lab.topology.exec("lb", ["ip", "link", "set", "sh-inside", "mtu", str(mtu)])

    def case_replies_pass_the_load_balancer_exactly_when_the_method_says_so(self, family):
        def out_packets():
            return sum(real["traffic"]["out_packets"] for real in self.shuntd.services()[family.service("web")].values())
        before = out_packets()
        self.assertEqual(self.curl(family).returncode, 0)
        if self.replies_pass_us:
            wait_for(lambda: out_packets() > before, 5, "packets of the reply to be counted")
        else:
            time.sleep(1.2)  # counters are read about once a second
            self.assertEqual(out_packets(), before)

    def case_connection_is_listed_while_it_lasts(self, family):
        download = self.lab.start_client("slow", ["curl", "-sS", "-o", "/dev/null", "--limit-rate", "1M", "--local-port", "31999",
                                                  family.url(family.vip, "/files/big")])
        try:
            def listed():
                return [c for c in self.shuntd.connections("--client", family.client)
                        if c["client_port"] == 31999 and c["state"] == "ESTABLISHED"]
            [connection] = wait_for(listed, 5, "the download to be listed as established")
            self.assertEqual((connection["client"], connection["virtual"], connection["virtual_port"]),
                             (family.client, family.vip, 80))
            self.assertEqual(connection["service"], family.service("web"))
            self.assertEqual(connection["method"], f"METHOD_{self.method.upper()}")
            self.assertIn(connection["real"], [family.real(index) for index in (1, 2, 3)])
        finally:
            self.lab.processes.stop(download)
