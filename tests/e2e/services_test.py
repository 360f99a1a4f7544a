"""Which service a packet is for: all ports of a VIP, a range, a second VIP, a match by the client's prefix or the
VIP's; and datagrams that each get a real of their own."""

import re
import unittest
from collections import Counter

import clients
from lab.config import HealthCheck, Service
from lab.family import FAMILIES
from lab.lab import Lab
from lab.reals import ECHO_PORT, HTTP_PORT, UPLOAD_PORT
from method_cases import FamilyCases

REALS = ("r1", "r2", "r3")


class ServiceCases(FamilyCases):
    """One lab and one shuntd for all cases of a class."""

    method = None
    has_one_packet = True

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(cls.method, families=FAMILIES)
        cls.lab.__enter__()
        cls.addClassCleanup(cls.lab.__exit__, None, None, None)
        for family in FAMILIES:
            cls.add_services(family)
            cls.add_addresses(family)
        cls.shuntd = cls.lab.shuntd
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    @classmethod
    def add_services(cls, family):
        services = cls.lab.config.services

        def add(name, protocol, more, reals=REALS):
            name = family.service(name)
            services[name] = Service(name, protocol, HTTP_PORT, {real: 1 for real in reals}, family=family,
                                     scheduler="rr", health_check=HealthCheck(port=UPLOAD_PORT), more=more)
        add("all", "tcp", {"address": all_ports_vip(family), "port": None, "all_ports": True})
        add("range", "tcp", {"address": range_vip(family), "port": UPLOAD_PORT - 80, "last_port": UPLOAD_PORT + 919})
        services[family.service("web")].more = {"more_vips": [{"address": second_vip(family), "port": HTTP_PORT}]}
        # Asked before the VIP's own service. r4 serves nobody else.
        add("guests", "tcp", {"address": None, "port": None, "match": {
            "clients": [family.host(guest(family))],
            "vips": [family.host(family.vip), family.host(all_ports_vip(family))],
            "first_port": 1, "last_port": 1024, "ingress_port": "outside"}}, ["r4"])
        add("network", "tcp", {"address": None, "port": None, "match": {"vips": [network(family)]}})
        # Its reals answer one-packet datagrams from the port of their own that nobody else's replies come from.
        del services[family.service("echo")]
        if cls.has_one_packet:
            add("ops", "udp", {"address": one_packet_vip(family), "port": ECHO_PORT, "one_packet": True})

    @classmethod
    def add_addresses(cls, family):
        topology = cls.lab.topology
        topology.exec("client", ["ip", "addr", "add", family.on_link(guest(family)), "dev", "eth0"])
        if cls.method not in ("direct", "tunnel"):
            return
        for real in topology.reals:
            for vip in (all_ports_vip(family), range_vip(family), second_vip(family), one_packet_vip(family)):
                topology.exec(real, ["ip", "addr", "add", family.host(vip), "dev", "lo"])
            topology.exec(real, ["ip", f"-{family.version}", "route", "add", "local", network(family), "dev", "lo"])

    def tearDown(self):
        self.assertTrue(self.shuntd.running(), self.shuntd.log(40))

    def answers(self, family, vip, count=6, source=None, port=HTTP_PORT):
        """Who answers `count` requests, one after the other."""
        found = Counter()
        for _ in range(count):
            done = self.lab.client(["curl", "-sS", "-f", "-m", "10", "--interface", source or family.client,
                                    f"http://{family.bracketed(vip)}:{port}/"], check=False)
            self.assertEqual(done.returncode, 0, f"{done.stderr} drops: {self.shuntd.drops()}\n{self.shuntd.log()}")
            found[done.stdout.strip()] += 1
        return found

    def case_all_ports_of_a_vip_are_one_service_that_keeps_the_port(self, family):
        vip = all_ports_vip(family)
        self.assertEqual(self.answers(family, vip), {real: 2 for real in REALS})
        answer = clients.run(self.lab, clients.UPLOAD, vip, UPLOAD_PORT, 1 << 20)[0].split()
        self.assertEqual((int(answer[1]), answer[2]), (1 << 20, answer[4]))
        # A port that no real listens on: the real's refusal comes back, and nothing is retried elsewhere.
        done = self.lab.client(["curl", "-sS", "-m", "5", "--interface", family.client,
                                f"http://{family.bracketed(vip)}:81/"], check=False)
        self.assertEqual(done.returncode, 7, done.stderr)
        virtual = {c["virtual_port"] for c in self.shuntd.connections("--service", family.service("all"))}
        self.assertEqual(virtual, {HTTP_PORT, UPLOAD_PORT, 81})

    def case_a_range_of_ports_is_one_service_and_ports_beside_it_are_not(self, family):
        vip = range_vip(family)
        answer = clients.run(self.lab, clients.UPLOAD, vip, UPLOAD_PORT, 1 << 20)[0].split()
        self.assertEqual((int(answer[1]), answer[2]), (1 << 20, answer[4]))
        done = self.lab.client(["curl", "-sS", "-m", "5", f"http://{family.bracketed(vip)}/"], check=False)
        self.assertEqual(done.returncode, 7, f"Linux refuses what is no service's: {done.stderr}")

    def case_a_second_vip_is_the_same_service(self, family):
        before = self.connections_of(family.service("web"))
        self.assertEqual(self.answers(family, second_vip(family)), {real: 2 for real in REALS})
        self.assertEqual(self.answers(family, family.vip), {real: 2 for real in REALS})
        self.assertGreaterEqual(self.connections_of(family.service("web")), before)

    def connections_of(self, service):
        return sum(real["active_connections"] + real["inactive_connections"]
                   for real in self.shuntd.services()[service].values())

    def case_a_match_takes_its_clients_before_the_vips_service(self, family):
        for vip in (family.vip, all_ports_vip(family)):
            self.assertEqual(self.answers(family, vip, 4, guest(family)), {"r4": 4})
            self.assertEqual(set(self.answers(family, vip, 3)), set(REALS))
        # Beside its ports the guest is a client as any.
        answer = clients.run(self.lab, clients.UPLOAD, all_ports_vip(family), UPLOAD_PORT, 1 << 16)[0].split()
        self.assertIn(answer[0], REALS)

    def case_a_whole_network_is_one_service_of_a_match(self, family):
        if family.version == 4:  # Linux answers ARP for it
            way = ("lb", ["ip", "route", "replace", "local", network(family), "dev", "sh-outside"])
        else:
            way = ("client", ["ip", "-6", "route", "replace", network(family), "via", family.outside_lb])
        self.lab.topology.exec(*way)
        for last in ("160", "165", "16f" if family.version == 6 else "175"):
            self.assertEqual(self.answers(family, family.outside + last, 3), {real: 1 for real in REALS})

    def case_each_datagram_gets_a_real_of_its_own(self, family):
        if not self.has_one_packet:
            self.skipTest("fullnat needs connections")
        vip = one_packet_vip(family)
        lines = clients.run(self.lab, clients.UDP_FLOW, vip, ECHO_PORT, 30)
        for number, line in enumerate(lines):
            self.assertRegex(line, rf"^r[123] {number} from {re.escape(vip)}$")
        self.assertEqual(Counter(line.split()[0] for line in lines), {real: 10 for real in REALS})
        self.assertEqual(self.shuntd.connections("--service", family.service("ops")), [])

    def case_the_list_shows_what_services_are_found_by(self, family):
        lines = self.shuntd.ctl("service", "list").stdout
        for words in (f"{family.bracketed(all_ports_vip(family))}:0 ",
                      f"{family.bracketed(range_vip(family))}:8000-8999 ",
                      f"{family.bracketed(second_vip(family))}:80", f"{family.bracketed(family.real(1))}:0 ",
                      f":1-1024 from {family.host(guest(family))} on outside"):
            self.assertIn(words, lines)


def all_ports_vip(family):
    return family.outside + "101"


def range_vip(family):
    return family.outside + "104"


def second_vip(family):
    return family.outside + "102"


def one_packet_vip(family):
    return family.outside + "103"


def network(family):
    return f"{family.outside}160/{family.host_bits - 4}"


def guest(family):
    """A second address of the client's."""
    return family.outside + "20"


class NatServicesTest(ServiceCases, unittest.TestCase):
    method = "nat"


class FullnatServicesTest(ServiceCases, unittest.TestCase):
    method = "fullnat"
    has_one_packet = False


class DirectServicesTest(ServiceCases, unittest.TestCase):
    method = "direct"


if __name__ == "__main__":
    unittest.main(verbosity=2)
