"""fullnat between the families: IPv6 clients and reals that know IPv4 alone, and the other way round. The client's side is
told by `family`."""

import hashlib
import itertools
import re
import subprocess
import unittest

import clients
import told_reals
from lab.config import Plain, Service
from lab.family import FAMILIES, IPV4, IPV6, other
from lab.lab import Lab
from lab.load import Load
from lab.reals import BIG_BYTES, ECHO_PORT, UPLOAD_PORT
from method_cases import FamilyCases, open_lab

MEGABYTE = 1 << 20
REALS = ("r1", "r2", "r3")


def cross(config):
    """All services get reals of the other family."""
    for service in config.services.values():
        service.reals_family = other(service.family)


class Crossing(FamilyCases):
    workers = 1

    @classmethod
    def setUpClass(cls):
        open_lab(cls, "fullnat")
        cls.lab.config.workers = cls.workers
        cross(cls.lab.config)
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    def tearDown(self):
        self.assertTrue(self.shuntd.running(), self.shuntd.log(40))

    def curl(self, family, *arguments):
        return self.lab.client(["curl", "-sS", "-f", "-m", "20", *arguments, family.url(family.vip)], check=False)

    def case_reals_serve_and_see_local_addresses(self, family):
        answers = set()
        for _ in range(12):
            done = self.curl(family, "-i")
            self.assertEqual(done.returncode, 0, f"{done.stderr} drops: {self.shuntd.drops()}\n{self.shuntd.log()}")
            answers.add(done.stdout.split()[-1])
            seen = re.search(r"^X-Client: (\S+)", done.stdout, re.MULTILINE)[1]
            self.assertIn(seen, other(family).local_pool)
        self.assertEqual(answers, set(REALS))

    def case_many_connections_at_once(self, family):
        load = Load(self.lab, clients=8, pause_ms=1, total=600, family=family).start()
        load.wait(60)
        self.assertEqual(load.outside(), [], self.shuntd.drops())
        self.assertEqual(set(load.counts()), set(REALS))

    def case_big_download_arrives_whole(self, family):
        body = subprocess.run(["ip", "netns", "exec", self.lab.topology.namespace("client"), "curl", "-sS", "-f", "-m", "60",
                               family.url(family.vip, "/files/big")], capture_output=True, check=True).stdout
        self.assertEqual((len(body), hashlib.sha256(body).hexdigest()), (BIG_BYTES, self.lab.big_digest))

    def case_upload_arrives_whole(self, family):
        answer = clients.run(self.lab, clients.UPLOAD, family.vip, UPLOAD_PORT, 8 * MEGABYTE)[0].split()
        self.assertEqual((int(answer[1]), answer[2]), (8 * MEGABYTE, answer[4]))

    def case_datagrams_are_answered_from_the_vip(self, family):
        ports = range(31000, 31012)
        for port, line in zip(ports, clients.run(self.lab, clients.UDP, family.vip, ECHO_PORT, *ports)):
            self.assertRegex(line, rf"^{port} r[123] {port} from {re.escape(family.vip)}$")

    def case_datagrams_of_all_sizes_come_back_whole(self, family):
        # Around each size at which one of the two families begins to cut.
        for port, size in enumerate((1231, 1233, 1261, 1441, 1453, 1473, 4000, 16000, 60000), 31100):
            before = self.shuntd.drops()
            [line] = clients.run(self.lab, clients.BIG_UDP, family.vip, ECHO_PORT, port, size)
            _, received, digest, _, address, _, sent = line.split()
            self.assertEqual((int(received), digest, address), (size, sent, family.vip), (size, before, self.shuntd.drops()))

    def case_small_question_gets_a_big_answer(self, family):
        [line] = clients.run(self.lab, clients.BIG_ANSWER, family.vip, ECHO_PORT, 31120, 4000)
        self.assertRegex(line, rf"^r[123] 4000 from {re.escape(family.vip)}$")

    def case_connections_are_told_in_their_own_families(self, family):
        clients.run(self.lab, clients.UDP, family.vip, ECHO_PORT, 31200)
        [found] = [each for each in self.shuntd.connections("--client", family.client) if each["client_port"] == 31200]
        self.assertEqual((found["client"], found["virtual"], found["virtual_port"]), (family.client, family.vip, ECHO_PORT))
        self.assertIn(found["real"], [other(family).real(number) for number in (1, 2, 3)])
        self.assertIn(found["local"], other(family).local_pool)

    def case_explain_knows_the_connection_and_the_next_one(self, family):
        clients.run(self.lab, clients.UDP, family.vip, ECHO_PORT, 31201)
        told = self.shuntd.ctl("explain", f"{family.bracketed(family.client)}:31201", f"{family.bracketed(family.vip)}:{ECHO_PORT}", "udp").stdout
        self.assertRegex(told, "r[123]", told)
        self.assertIn(other(family).inside, told)

    def test_packets_are_counted(self):
        counts = self.shuntd.ask("workers")["workers"]
        for name in ("translated_to_ipv6_packets", "translated_to_ipv4_packets"):
            self.assertGreater(sum(each.get(name, 0) for each in counts), 0, counts)
        self.assertRegex(self.shuntd.ctl("workers").stdout, "ToIPv6 +ToIPv4")


class OneWorker(Crossing, unittest.TestCase):
    def case_real_goes_and_comes_without_a_failure(self, family):
        load = Load(self.lab, clients=4, pause_ms=5, total=400, family=family).start()
        service = family.service("web")
        self.shuntd.drain(service, "r1")
        self.shuntd.drain(service, "r1", undo=True)
        self.shuntd.clear(service, "r1")
        load.wait(60)
        self.assertEqual(load.outside(), [], self.shuntd.drops())


class TwoWorkers(Crossing, unittest.TestCase):
    workers = 2


class ServedByBoth(unittest.TestCase):
    """One service with reals of either family, as while a site moves from one to the other."""

    def test_both_serve_both(self):
        with Lab("fullnat", families=FAMILIES) as lab:
            lab.config.local_addresses = [{"name": "both", "addresses": IPV4.local_pool + IPV6.local_pool, "port": "inside"}]
            lab.config.services = {name: service for name, service in lab.config.services.items() if name.startswith("web")}
            for service in lab.config.services.values():
                service.more = {"local_addresses": "both",
                                "reals": [{"name": "r1", "address": IPV4.real(1)}, {"name": "r2", "address": IPV6.real(2)}]}
            lab.shuntd.start(lab.config)
            lab.shuntd.wait_all_up()
            for family in FAMILIES:
                answers = [lab.client(["curl", "-sS", "-f", "-m", "20", family.url(family.vip)]).stdout.strip() for _ in range(10)]
                self.assertEqual(sorted(answers), ["r1"] * 5 + ["r2"] * 5, lab.shuntd.drops())
                answer = lab.client(["curl", "-sS", "-f", "-m", "60", "-o", "/dev/null", "-w", "%{size_download}",
                                     family.url(family.vip, "/files/big")])
                self.assertEqual(int(answer.stdout), BIG_BYTES)


class RealsAreTold(FamilyCases, unittest.TestCase):
    """nginx and HAProxy hear of clients of the other family, by the PROXY protocol."""

    @classmethod
    def setUpClass(cls):
        open_lab(cls, "fullnat", reals=1, configured=1)
        told_reals.start(cls.lab, "r1")
        cls.lab.config.services.clear()
        for family in FAMILIES:
            for version in (1, 2):
                for server, port in (("nginx", told_reals.NGINX_PORT), ("haproxy", told_reals.HAPROXY_PORT)):
                    name = family.service(f"{server}-v{version}-")
                    real = {"name": "r1", "address": other(family).real(1), "port": port}
                    cls.lab.config.services[name] = Service(
                        name, "tcp", version * 10000 + port, {"r1": 1}, health_check=None, family=family,
                        reals_family=other(family), more={"reals": [real], "client_address": Plain(f"proxy_v{version}")})
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    # Client ports, each taken once: connections that are over keep theirs for a minute.
    ports = itertools.count(20000)

    def expect_told(self, family, version, server_port):
        port = version * 10000 + server_port
        url = f"http://{family.bracketed(family.vip)}:{port}/"
        local = next(self.ports)
        told = self.lab.client(["curl", "-sS", "-f", "-m", "20", "--local-port", str(local), url]).stdout.split()
        # The second version has IPv4 addresses as IPv6 knows them.
        client, _, vip, _ = (word.removeprefix("::ffff:") for word in told)
        self.assertEqual((client, vip, told[1], told[3]), (family.client, family.vip, str(local), str(port)))

    def case_by_the_first_version(self, family):
        for port in (told_reals.NGINX_PORT, told_reals.HAPROXY_PORT):
            self.expect_told(family, 1, port)

    def case_by_the_second_version(self, family):
        for port in (told_reals.NGINX_PORT, told_reals.HAPROXY_PORT):
            self.expect_told(family, 2, port)


if __name__ == "__main__":
    unittest.main(verbosity=2)
