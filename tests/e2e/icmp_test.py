"""ICMP errors end to end: paths that take less than links, on either side, and hops that run out behind us."""

import unittest

import clients
import narrow
from lab.family import FAMILIES, other
from lab.lab import Lab
from lab.reals import ECHO_PORT, UPLOAD_PORT
from lab.shell import wait_for

MEGABYTE = 1 << 20
TIME_EXCEEDED = {4: (11, 0), 6: (3, 0)}
OUTER_HEADER = {4: 20, 6: 40}


class IcmpCases:
    method = None
    workers = 1
    # The reals are of the other family than their clients.
    crosses = False

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(cls.method, reals=1, configured=1, families=FAMILIES)
        cls.lab.__enter__()
        cls.addClassCleanup(cls.lab.__exit__, None, None, None)
        cls.shuntd = cls.lab.shuntd
        for service in cls.lab.config.services.values():
            service.health_check = None
            if cls.crosses:
                service.reals_family = other(service.family)
        cls.lab.config.workers = cls.workers
        cls.shuntd.start(cls.lab.config)
        narrow.put_client_behind_hill(cls.lab)
        if cls.method != "direct":
            narrow.put_real_behind_ford(cls.lab)
        for family in FAMILIES:
            wait_for(lambda: cls.curl("client", family).returncode == 0, 20, f"{family.name} to be served")

    @classmethod
    def curl(cls, role, family, path="/", *arguments):
        return cls.lab.topology.exec(role, ["curl", "-sS", "-f", "-m", "20", "-o", "/dev/null", "-w", "%{size_download}",
                                            *arguments, family.url(family.vip, path)], check=False)

    def forget_paths(self):
        """What the client and the real learned of paths' MTUs. Under fullnat the real takes all clients for one or two, and
        tells the next one no larger segments than the last one's path took."""
        for role in ("client", "r1"):
            for family in FAMILIES:
                self.lab.topology.exec(role, ["ip", f"-{family.version}", "route", "flush", "cache"])

    def test_download_to_a_client_behind_a_narrow_path_completes(self):
        """The router's errors go to the VIP, and must reach the real."""
        for family in FAMILIES:
            with self.subTest(family.name):
                before = narrow.refused(self.lab, "hill")
                done = self.curl("far", family, "/files/big", "-r", f"0-{MEGABYTE - 1}")
                self.assertEqual((done.returncode, done.stdout), (0, str(MEGABYTE)), f"{done.stderr} {self.shuntd.drops()}")
                self.assertGreater(narrow.refused(self.lab, "hill"), before, "the path was never too narrow")

    def test_upload_to_a_real_behind_a_narrow_path_completes(self):
        """The router's errors go to the client, to a local address, or under tunnel to us."""
        for family in FAMILIES:
            with self.subTest(family.name):
                self.forget_paths()
                before = narrow.refused(self.lab, "ford")
                answer = clients.run(self.lab, clients.UPLOAD, family.vip, UPLOAD_PORT, MEGABYTE)[0].split()
                self.assertEqual((int(answer[1]), answer[2]), (MEGABYTE, answer[4]), self.shuntd.drops())
                self.assertGreater(narrow.refused(self.lab, "ford"), before, "the path was never too narrow")

    def test_vip_answers_ping(self):
        for family in FAMILIES:
            ping = self.lab.client(["ping", "-c", "2", "-i", "0.2", "-W", "2", "-s", "1000", family.vip], check=False)
            self.assertEqual(ping.returncode, 0, ping.stdout)


class TranslatedCases(IcmpCases):
    """Of the methods under which both directions pass us."""

    def test_hops_that_run_out_behind_us_are_reported_by_the_vip(self):
        for family in FAMILIES:
            with self.subTest(family.name):
                [answer] = clients.run(self.lab, clients.ICMP_ERROR, family.vip, ECHO_PORT, 100, 2)
                kind, code = TIME_EXCEEDED[family.version]
                self.assertEqual(answer, f"{kind} {code} 0 from {family.vip}")


class NatTest(TranslatedCases, unittest.TestCase):
    method = "nat"


class FullnatTest(TranslatedCases, unittest.TestCase):
    method = "fullnat"


class CrossingTest(FullnatTest):
    crosses = True


class CrossingWithTwoWorkersTest(CrossingTest):
    workers = 2


class DirectTest(IcmpCases, unittest.TestCase):
    method = "direct"

    # A real of `direct` is on our own link: there is no path to it that could be narrow, so there is no ford.
    test_upload_to_a_real_behind_a_narrow_path_completes = None


class TunnelTest(IcmpCases, unittest.TestCase):
    method = "tunnel"

    def test_upload_to_a_real_behind_a_narrow_path_completes(self):
        super().test_upload_to_a_real_behind_a_narrow_path_completes()
        for family in FAMILIES:
            way = self.shuntd.real(family.service("upload"), "r1")["next_hop"]
            self.assertIn(f"path takes {narrow.FORD_MTU} bytes", way)
            self.assertIn(f"real {family.real(1)}", [e["subject"] for e in self.shuntd.events() if e["kind"] == "path_mtu"])
            room = narrow.FORD_MTU - OUTER_HEADER[family.version]
            # From now on the load balancer itself says what fits.
            self.forget_paths()
            [answer] = clients.run(self.lab, clients.ICMP_ERROR, family.vip, ECHO_PORT, room + 1, 64)
            self.assertRegex(answer, rf"^\d+ \d+ {room} from {family.vip}$")
        self.assertGreater(self.shuntd.drops()["tunnel_error"], 0)


class TunnelWithTwoWorkersTest(TunnelTest):
    """A TAP spreads packets as it likes: who has the connection must be asked for."""

    workers = 2


class NatWithTwoWorkersTest(NatTest):
    workers = 2


if __name__ == "__main__":
    unittest.main(verbosity=2)
