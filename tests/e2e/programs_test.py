"""Programs that people run, through every forwarding method and over both families: curl with HTTP/2 from nginx, 100 MB down
and up, iperf3 over TCP and UDP, dig and dnsmasq, and a session that lasts while the configuration changes hundreds of times.

The session lasts SHUNT_SESSION_SECONDS, 12 where that is not set: SHUNT_SESSION_SECONDS=300 holds it for five minutes."""

import json
import os
import subprocess
import time
import unittest

import clients
from lab.family import FAMILIES
from lab.lab import Lab
from lab.reals import UPLOAD_PORT
from method_cases import FamilyCases
from programs import DNS_PORT, FILE_BYTES, HOST, HTTPS_PORT, IPERF_PORT, Programs

SESSION_SECONDS = int(os.environ.get("SHUNT_SESSION_SECONDS", "12"))
REALS = {"r1", "r2", "r3"}


class ProgramCases(FamilyCases):
    """One lab for all programs under one method."""

    method = None

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(cls.method, families=FAMILIES)
        cls.lab.__enter__()
        cls.addClassCleanup(cls.lab.__exit__, None, None, None)
        cls.programs = Programs(cls.lab)
        cls.programs.add_services(cls.lab.config)
        cls.shuntd = cls.lab.shuntd
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    def tearDown(self):
        self.assertTrue(self.shuntd.running(), self.shuntd.log(40))

    def ask(self, command, seconds=60):
        """What a program of the client's prints; it must end well."""
        done = self.lab.client(command, check=False, timeout=seconds)
        self.assertEqual(done.returncode, 0, f"{command}: {done.stdout} {done.stderr}\ndrops: {self.shuntd.drops()}")
        return done.stdout

    def case_curl_speaks_http_2(self, family):
        url = f"https://{HOST}:{HTTPS_PORT}/"
        curl = ["curl", "-sS", "-f", "-m", "20", "--http2", "--cacert", self.programs.certificate,
                "--resolve", f"{HOST}:{HTTPS_PORT}:{family.bracketed(family.vip)}"]
        # Two connections for each real, each with some requests.
        answers = [self.ask([*curl, *[url] * 4]).splitlines() for _ in range(6)]
        for lines in answers:
            self.assertEqual(len(set(lines)), 1, "requests of one connection are one real's")
            self.assertEqual((len(lines), lines[0].split()[1]), (4, "HTTP/2.0"))
        self.assertEqual({lines[0].split()[0] for lines in answers}, REALS)
        # Streams beside each other in one connection.
        many = self.ask([*curl, "-Z", *[word for number in range(8) for word in ("-o", "/dev/null", f"{url}files/big?{number}")],
                         "-w", "%{http_version} %{size_download}\n"]).split("\n")[:-1]
        self.assertEqual(many, [f"2 {16 << 20}"] * 8)

    def case_100_mb_arrive_whole_in_both_directions(self, family):
        space = self.lab.topology.namespace("client")
        curl = subprocess.Popen(["ip", "netns", "exec", space, "curl", "-sS", "-f", "-m", "120",
                                 family.url(family.vip, "/files/100mb")], stdout=subprocess.PIPE)
        with curl:
            digest = subprocess.run(["sha256sum"], stdin=curl.stdout, capture_output=True, text=True, check=True).stdout
        self.assertEqual((curl.returncode, digest.split()[0]), (0, self.programs.digest), self.shuntd.drops())
        answer = clients.run(self.lab, clients.UPLOAD, family.vip, UPLOAD_PORT, FILE_BYTES)[0].split()
        self.assertEqual((answer[0] in REALS, int(answer[1]), answer[2]), (True, FILE_BYTES, answer[4]))

    def iperf(self, family, *options):
        out = self.ask(["iperf3", "-c", family.vip, "-p", str(IPERF_PORT), "-J", *options])
        return json.loads(out)["end"]

    def case_iperf3_over_tcp(self, family):
        for direction in ([], ["-R"]):
            end = self.iperf(family, "-n", "20M", "-P", "3", *direction)
            self.assertGreaterEqual(end["sum_sent"]["bytes"], 20_000_000, direction)
            # What is still on its way at the end does not count as received.
            self.assertGreater(end["sum_received"]["bytes"], 10_000_000, direction)

    def case_iperf3_over_udp(self, family):
        # Most arrive, at a pace that is none: how many get lost is for a machine that has nothing else to do.
        for direction in ([], ["-R"]):
            end = self.iperf(family, "-u", "-b", "2M", "-l", "1200", "-n", "500K", *direction)["sum"]
            self.assertGreaterEqual(end["packets"], 410, direction)
            self.assertLess(end["lost_packets"], end["packets"] / 2, direction)

    def dig(self, family, *words):
        return self.ask(["dig", f"@{family.vip}", "-p", str(DNS_PORT), "+time=3", "+tries=2", *words])

    def case_dig_asks_dnsmasq(self, family):
        for transport in ("+notcp", "+tcp"):
            answers = {self.dig(family, "who.example.test", "TXT", "+short", transport).strip() for _ in range(9)}
            self.assertEqual(answers, {f'"{real}"' for real in REALS}, transport)
        cut = self.dig(family, "big.example.test", "TXT", "+ignore", "+bufsize=1232")
        self.assertRegex(cut, r"flags:[^;]* tc\b")
        # Told so, dig comes again over TCP.
        whole = self.dig(family, "big.example.test", "TXT", "+bufsize=1232")
        self.assertIn("019" + "x" * 200, whole)
        self.assertIn("(TCP)", whole)

    def test_sessions_last_while_the_configuration_changes(self):
        rate = FILE_BYTES // SESSION_SECONDS
        sessions = {}
        for family in FAMILIES:
            path = os.path.join(self.lab.folder, f"session{family.version}")
            sessions[family] = path, self.lab.start_client(f"session{family.version}", [
                "curl", "-sS", "-f", "-o", path, "--limit-rate", str(rate), family.url(family.vip, "/files/100mb")])
        changes = 0
        try:
            end = time.monotonic() + SESSION_SECONDS + 60
            while any(curl.poll() is None for _, curl in sessions.values()):
                self.assertLess(time.monotonic(), end, f"the sessions hang; drops: {self.shuntd.drops()}")
                self.shuntd.apply(self.changed(changes))
                changes += 1
        finally:
            self.shuntd.apply(self.lab.config)
        for family, (path, curl) in sessions.items():
            self.assertEqual(curl.wait(), 0, f"{family.name}; drops: {self.shuntd.drops()}")
            digest = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]
            self.assertEqual(digest, self.programs.digest, family.name)
            os.remove(path)
        print(f"{self.method}: sessions of {SESSION_SECONDS} s outlived {changes} changes")
        self.assertGreater(changes, SESSION_SECONDS)

    def changed(self, number):
        """The configuration with something else each time: a real more or less, weights, one drained, schedulers."""
        config = self.lab.config.copy()
        for family in FAMILIES:
            web = config.services[family.service("web")]
            web.scheduler = ("wrr", "wlc", "mh")[number % 3]
            web.reals = {real: 1 + (number + place) % 4 for place, real in enumerate(web.reals)}
            web.reals[f"r{1 + number % 3}"] = 0
            if number % 2:
                web.reals["r4"] = 2
        return config


class DirectProgramsTest(ProgramCases, unittest.TestCase):
    method = "direct"


class TunnelProgramsTest(ProgramCases, unittest.TestCase):
    method = "tunnel"


class NatProgramsTest(ProgramCases, unittest.TestCase):
    method = "nat"


class FullnatProgramsTest(ProgramCases, unittest.TestCase):
    method = "fullnat"


if __name__ == "__main__":
    unittest.main(verbosity=2)
