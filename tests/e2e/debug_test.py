"""The verbs that explain: what they say is what then happens."""

import json
import os
import re
import unittest

from lab.daemon import binary
from lab.family import FAMILIES, IPV4
from lab.lab import Lab
from lab.shell import run, wait_for

CLIENT_PORT = 31000


class ExplainTest(unittest.TestCase):
    """shuntctl explain, over one lab."""

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("nat", families=FAMILIES)
        cls.lab.__enter__()
        cls.addClassCleanup(cls.lab.__exit__, None, None, None)
        cls.shuntd = cls.lab.shuntd
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    def explain(self, family, client_port, port=80):
        return self.shuntd.ask("explain", f"{family.bracketed(family.client)}:{client_port}",
                               f"{family.bracketed(family.vip)}:{port}", "tcp")

    def test_the_real_that_is_named_answers(self):
        for family in FAMILIES:
            for number in range(6):
                client_port = CLIENT_PORT + 100 * family.version + number
                told = self.explain(family, client_port)
                [worker] = told["workers"]
                self.assertEqual(worker["drop_reason"], "", told)
                answer = self.lab.client(["curl", "-sS", "-f", "-m", "10", "--local-port", str(client_port),
                                          family.url(family.vip)]).stdout.strip()
                self.assertEqual(answer, worker["real"], told)
                after = self.explain(family, client_port)
                self.assertIn(client_port, [worker["connection"]["client_port"] for worker in after["workers"]])

    def test_a_real_that_is_down_is_told_with_its_check(self):
        self.lab.reals.kill("r2")
        try:
            self.shuntd.wait_health("web", "r2", "DOWN", 10)
            told = self.explain(IPV4, CLIENT_PORT + 90)
            [down] = [real for real in told["reals"] if real["name"] == "r2"]
            self.assertFalse(down["may_be_chosen"])
            self.assertRegex(down["reason"], "^down: connect: ")
        finally:
            self.lab.reals.start("r2")
            self.shuntd.wait_health("web", "r2", "UP", 10)

    def test_a_drained_real_is_told_so(self):
        self.shuntd.drain("web", "r1")
        try:
            told = self.explain(IPV4, CLIENT_PORT + 91)
            [drained] = [real for real in told["reals"] if real["name"] == "r1"]
            self.assertRegex(drained["reason"], r"^drained \(its weight was 1\)")
        finally:
            self.shuntd.drain("web", "r1", undo=True)

    def test_a_person_reads_it(self):
        lines = self.shuntd.ctl("explain", f"{IPV4.client}:{CLIENT_PORT + 50}", f"{IPV4.vip}:80").stdout
        self.assertRegex(lines, r"verdict +begins a connection to real web/r[123], sent by MAC ")
        self.assertIn(f"web: port 80 of VIP {IPV4.vip}; scheduler wrr, method nat", lines)
        self.assertRegex(lines, rf"request +destination {re.escape(IPV4.vip)}:80 -> ")
        self.assertIn("may be chosen; it is not its turn", lines)

    def curl(self, port):
        return self.lab.client(["curl", "-sS", "-f", "-m", "10", "--local-port", str(port), IPV4.url(IPV4.vip)])

    def watching(self, name, *arguments):
        """shuntctl trace or capture, once the workers look."""
        words = [binary("shuntctl"), "-s", self.lab.config.socket, *arguments]
        process = self.lab.processes.start(name, words)
        wait_for(lambda: "Ctrl-C ends it" in self.lab.processes.log_tail(name, 50), 10, f"{name} to begin")
        return process

    def test_a_trace_tells_a_requests_way_and_its_replys(self):
        process = self.watching("trace", "trace", "--vip", IPV4.vip, "--client", IPV4.client, "--count", "6")
        answer = self.curl(CLIENT_PORT + 60).stdout.strip()
        self.assertEqual(process.wait(20), 0)
        told = self.lab.processes.log_tail("trace", 200)
        for words in (rf"tcp {re.escape(IPV4.client)}:{CLIENT_PORT + 60} -> {re.escape(IPV4.vip)}:80 \[SYN\]: sent",
                      r"rx +queue 0 of port outside, \d+ bytes", r"service +web: port 80 of VIP", r"connection +a new one",
                      rf"real +web/{answer}: wrr: it is next in turn", r"state +\(new\) -> SYN_RECV, expires in 60 s",
                      rf"rewrite +destination {re.escape(IPV4.vip)}:80 -> 10\.0\.1\.", r"tx +port inside",
                      r"connection +known, SYN_RECV, as a reply", r"state +SYN_RECV -> ESTABLISHED",
                      rf"rewrite +source 10\.0\.1\.\d+:80 -> {re.escape(IPV4.vip)}:80", r"6 packets"):
            self.assertRegex(told, words)

    def test_a_trace_tells_why_packets_are_dropped(self):
        process = self.watching("drop-trace", "-o", "table", "trace", "--vip", f"{IPV4.vip}:80", "--count", "1")
        for real in ("r1", "r2", "r3"):
            self.shuntd.drain("web", real)
        try:
            self.lab.client(["curl", "-sS", "-m", "2", IPV4.url(IPV4.vip)], check=False)
            self.assertEqual(process.wait(20), 0)
            told = self.lab.processes.log_tail("drop-trace", 50)
            self.assertRegex(told, r"answered \(no_real\)")
            self.assertRegex(told, r"drop +no_real: ")
        finally:
            for real in ("r1", "r2", "r3"):
                self.shuntd.drain("web", real, undo=True)

    def test_a_capture_is_read_by_tcpdump_with_names_and_both_sides(self):
        path = os.path.join(self.lab.folder, "c.pcapng")
        process = self.watching("capture", "capture", "--filter", "tcp port 80", "-w", path, "--duration", "4s")
        answer = self.curl(CLIENT_PORT + 70).stdout.strip()
        self.assertEqual(process.wait(20), 0)
        lines = run(["tcpdump", "-nn", "-r", path]).stdout.splitlines()
        client, vip = f"{IPV4.client}.{CLIENT_PORT + 70}", f"{IPV4.vip}.80"
        flags = [re.search(r"IP (\S+) > (\S+): Flags \[(.*?)\]", line).groups() for line in lines if client in line]
        self.assertEqual(flags[0], (client, vip, "S"))
        real = flags[1][1]
        self.assertEqual(flags[1], (client, real, "S"), "the same as it leaves")
        self.assertEqual(flags[2], (real, client, "S."))
        self.assertEqual(flags[3], (vip, client, "S."))
        with open(path, "rb") as file:
            content = file.read()
        for words in (b"outside", b"inside", f"real web/{answer}".encode()):
            self.assertIn(words, content)

    def test_a_filter_that_is_none_is_told_so(self):
        done = self.shuntd.ctl("capture", "--filter", "tcp prot 80", "-w", "-", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("syntax error", done.stderr)


class DoctorTest(unittest.TestCase):
    """shuntctl doctor: what is broken is found, and what it names mends it."""

    def findings(self, lab):
        told = json.loads(lab.shuntd.ctl("-o", "json", "doctor", "--watch", "200ms", check=False).stdout)
        return {(each["check"], each["subject"]): each for each in told["findings"]}

    def test_what_is_broken_is_found_and_mended_by_the_command(self):
        with Lab("nat") as lab:
            lab.shuntd.start(lab.config)
            lab.shuntd.wait_all_up()
            space = ["ip", "netns", "exec", lab.topology.namespace("lb")]
            run([*space, "sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.sh-inside.rp_filter=1",
                 "net.ipv4.conf.sh-outside.rp_filter=0"])
            run([*space, "ip", "addr", "del", f"{IPV4.vip}/32", "dev", "sh-outside"])
            broken = {("rp_filter", "sh-inside"): "strict: ", ("vip", IPV4.vip): "is on no kernel port"}
            found = self.findings(lab)
            for key, text in broken.items():
                self.assertEqual(found[key]["grade"], "GRADE_BAD", found)
                self.assertIn(text, found[key]["text"])
                run([*space, "sh", "-c", found[key]["remedy"]])
            self.assertEqual(found["rp_filter", "sh-outside"]["grade"], "GRADE_GOOD")
            found = self.findings(lab)
            for key in broken:
                self.assertEqual(found[key]["grade"], "GRADE_GOOD", found)
            self.assertEqual([key for key in found if key[0] == "route" and found[key]["grade"] != "GRADE_GOOD"], [])

    def test_a_person_reads_it(self):
        with Lab("nat") as lab:
            lab.shuntd.start(lab.config)
            lab.shuntd.wait_all_up()
            told = lab.shuntd.ctl("doctor", "--watch", "200ms", check=False).stdout
            self.assertRegex(told, r"hint +hugepages: dpdk.huge_pages: false")
            self.assertRegex(told, r"\d+ of \d+ are good; --all lists them\n$")


if __name__ == "__main__":
    unittest.main(verbosity=2)
