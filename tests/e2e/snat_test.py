"""Source NAT: reals reach out through Shunt, by curl, dig and ping, to a network behind the client's, with two workers.

    far .2 --- .1 client .10 --- [outside] --- shuntd --- [inside] --- r1 (a real of services), r4 (of none)

Far is 198.51.100.0/24 and 2001:db8:ff::/64. It knows nothing of the inside: what comes from there comes from the pool.
"""

import hashlib
import os
import unittest

from health_peers import DNS_PORT
from lab.config import Plain
from lab.family import FAMILIES
from lab.lab import Lab
from lab.reals import BIG_BYTES
from lab.shell import ip_batch, wait_for
from method_cases import FamilyCases, open_lab

FAR = {4: ("198.51.100.", 24), 6: ("2001:db8:ff::", 64)}
INSIDERS = ("r1", "r4")


def far_address(family, host):
    return FAR[family.version][0] + str(host)


def pool(family):
    return [family.outside + "200", family.outside + "201"]


def serve_http(lab, role):
    """A real's nginx, in another namespace."""
    lab.reals.start(role)
    wait_for(lambda: lab.topology.exec(role, ["ss", "-Hltn", "sport = :80"]).stdout.strip(), 10, f"nginx in {role}")


def rule(family):
    return {"name": family.service("egress"), "sources": [family.on_link(family.inside + ("0" if family.version == 4 else ""))],
            "egress_port": "outside", "addresses": [f"{pool(family)[0]}-{pool(family)[1]}"],
            "protocols": [Plain("tcp"), Plain("udp"), Plain("icmp")]}


class SnatTest(FamilyCases, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        open_lab(cls)
        cls.make_far()
        cls.lab.config.workers = 2
        cls.lab.config.snat = [rule(family) for family in FAMILIES]
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()
        for family in FAMILIES:
            network, bits = FAR[family.version]
            network = network + "0" if family.version == 4 else network
            cls.lab.topology.exec("lb", ["ip", f"-{family.version}", "route", "add", f"{network}/{bits}", "via", family.client])

    @classmethod
    def make_far(cls):
        topology = cls.lab.topology
        topology.add("far")
        client, far = topology.namespace("client"), topology.namespace("far")
        ip_batch([f"link add to-far netns {client} type veth peer name eth0 netns {far}"])
        for role, device in (("client", "to-far"), ("far", "eth0")):
            topology.exec(role, ["ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off"])
            topology.exec(role, ["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"])
            ip_batch([f"link set {device} up"], topology.namespace(role))
            for family in FAMILIES:
                host = 1 if role == "client" else 2
                ip_batch([f"addr add {far_address(family, host)}/{FAR[family.version][1]} dev {device}"],
                         topology.namespace(role))
        for family in FAMILIES:
            ip_batch([f"route add default via {far_address(family, 1)}"], far)
        serve_http(cls.lab, "far")
        cls.lab.processes.start("far-dns", ["/usr/bin/python3", os.path.join(os.path.dirname(__file__), "health_peers.py"),
                                            str(DNS_PORT), "3"], namespace=far)

    def tearDown(self):
        self.assertTrue(self.shuntd.running(), self.shuntd.log(40))

    def inside(self, real, *command):
        return self.lab.topology.exec(real, list(command), check=False)

    def why(self):
        return f"drops: {self.shuntd.drops()}\n{self.shuntd.ctl('snat', 'list').stdout}\n{self.shuntd.log()}"

    def case_curl_reaches_an_nginx_outside_from_the_pool(self, family):
        url = family.url(far_address(family, 2))
        for real in INSIDERS:
            seen = set()
            for _ in range(20):
                done = self.inside(real, "curl", "-sS", "-f", "-m", "10", "-D", "-", url)
                self.assertEqual(done.returncode, 0, done.stderr + self.why())
                self.assertIn("far", done.stdout)
                seen |= {line.split(": ")[1].strip() for line in done.stdout.splitlines() if line.startswith("X-Client")}
            self.assertEqual(len(seen), 1, "a source keeps its address")
            self.assertLessEqual(seen, set(pool(family)))

    def case_a_large_download_comes_unharmed(self, family):
        for real in INSIDERS:
            target = os.path.join(self.lab.folder, f"download-{real}")
            url = family.url(far_address(family, 2), "/files/big")
            done = self.inside(real, "curl", "-sS", "-f", "-m", "60", "-o", target, url)
            self.assertEqual(done.returncode, 0, done.stderr + self.why())
            with open(target, "rb") as got:
                content = got.read()
            self.assertEqual(len(content), BIG_BYTES)
            self.assertEqual(hashlib.sha256(content).hexdigest(), self.lab.big_digest)

    def case_dig_gets_its_answer(self, family):
        for real in INSIDERS:
            for _ in range(10):
                done = self.inside(real, "dig", "+time=3", "+tries=1", "@" + far_address(family, 2), "shop.example")
                self.assertIn("status: NXDOMAIN", done.stdout, self.why())

    def case_a_closed_port_outside_says_so(self, family):
        for real in INSIDERS:
            done = self.inside(real, "dig", "-p", "54", "+time=3", "+tries=1", "@" + far_address(family, 2), "shop.example")
            self.assertIn("refused", done.stdout + done.stderr, self.why())
            done = self.inside(real, "curl", "-sS", "-m", "5", family.url(far_address(family, 2)).rstrip("/") + ":81/")
            self.assertEqual(done.returncode, 7, done.stderr + self.why())

    def case_ping_gets_all_answers(self, family):
        for real in INSIDERS:
            for size in ("56", "3000"):  # whole, and in fragments
                done = self.inside(real, "ping", f"-{family.version}", "-n", "-c", "5", "-i", "0.1", "-W", "3", "-s", size,
                                   far_address(family, 2))
                self.assertIn(" 0% packet loss", done.stdout, size + self.why())

    def case_ping_hears_from_routers_on_the_way(self, family):
        for real in INSIDERS:
            for hops, router in (("1", family.inside_lb), ("2", family.client)):
                done = self.inside(real, "ping", f"-{family.version}", "-n", "-c", "1", "-W", "3", "-t", hops,
                                   far_address(family, 2))
                self.assertIn(f"From {router}", done.stdout, hops + self.why())
                self.assertRegex(done.stdout, "(?i)time to live exceeded|time exceeded", hops)

    def case_it_is_seen(self, family):
        name = family.service("egress")
        self.inside("r4", "curl", "-sS", "-f", "-m", "10", family.url(far_address(family, 2)))
        rules = {state["rule"]["name"]: state for state in self.shuntd.ask("snat", "list")["rules"]}
        self.assertEqual(rules[name]["addresses"], 2)
        self.assertGreater(rules[name]["traffic"]["connections"], 0)
        self.assertGreater(rules[name]["traffic"]["in_bytes"], 0)
        self.assertNotIn("exhausted", {key for key, value in rules[name].items() if value})
        own = [c for c in self.shuntd.connections("--service", name) if c["client"] == family.real(4)]
        self.assertTrue(own, self.why())
        self.assertEqual({c["method"] for c in own}, {"METHOD_SNAT"})
        self.assertLessEqual({c["local"] for c in own}, set(pool(family)))
        told = self.shuntd.ask("explain", f"{family.bracketed(family.real(4))}:50000",
                               f"{family.bracketed(far_address(family, 2))}:443", "tcp")
        self.assertEqual(told["snat_rule"], name)
        self.assertIn(f"reaches out by rule {name} of snat", told["verdict"])
        listed = self.shuntd.ctl("snat", "list").stdout
        self.assertIn(name, listed)


class SnatChangesTest(unittest.TestCase):
    def test_a_rule_comes_and_goes(self):
        family = FAMILIES[0]
        with Lab("nat", families=FAMILIES) as lab:
            shuntd = lab.shuntd
            shuntd.start(lab.config)
            shuntd.wait_all_up()
            serve_http(lab, "client")

            def curl():
                return lab.topology.exec("r4", ["curl", "-sS", "-f", "-m", "3", family.url(family.client)], check=False).returncode

            self.assertNotEqual(curl(), 0, "nobody translates what it sends")
            config = lab.config.copy()
            config.snat = [rule(each) for each in FAMILIES]
            shuntd.apply(config)
            wait_for(lambda: curl() == 0, 10, "the rule to work")
            addresses = lab.topology.exec("lb", ["ip", "addr", "show", "dev", "sh-outside"]).stdout
            self.assertIn(pool(family)[0], addresses)
            self.assertTrue(shuntd.connections("--service", "egress"))
            shuntd.apply(lab.config)
            wait_for(lambda: not any(c["method"] == "METHOD_SNAT" for c in shuntd.connections()), 10, "its connections to end")
            addresses = lab.topology.exec("lb", ["ip", "addr", "show", "dev", "sh-outside"]).stdout
            self.assertNotIn(pool(family)[0], addresses)
            self.assertNotEqual(curl(), 0)
            wait_for(lambda: ("snat_freed", "snat egress", "its last connection is gone") in shuntd.events_of("snat_freed"), 10,
                     "the rule's slot to be free")


if __name__ == "__main__":
    unittest.main(verbosity=2)
