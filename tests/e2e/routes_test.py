"""bird beside shuntd, with the configuration that is shipped, announces VIPs to a router, another bird, by BGP over a kernel
port: they come and go with the quorum of their reals and with the daemon, and traffic follows."""

import json
import os
import unittest

from lab.config import Plain
from lab.family import FAMILIES, IPV4
from lab.shell import wait_for
from method_cases import FamilyCases, open_lab

SHIPPED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../config/bird/bird.conf")
VIPS = {4: "198.51.100.10", 6: "2001:db8:100::10"}

# The client is the router as well.
ROUTER = """log stderr all;
router id 203.0.113.10;
protocol device {}
protocol bfd { interface "eth0" { interval 300 ms; multiplier 3; }; }
protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }
protocol kernel { ipv6 { import none; export where source = RTS_BGP; }; }
protocol static upward { ipv4; route 100.64.0.0/10 blackhole; }
protocol static upward6 { ipv6; route 2001:db8:f00::/40 blackhole; }
protocol bgp lb { local 203.0.113.10 as 65000; neighbor 203.0.113.1 as 65010; bfd on; connect retry time 1; error wait time 1, 2;
  ipv4 { import all; export where proto = "upward"; }; }
protocol bgp lb6 { local 2001:db8:1::10 as 65000; neighbor 2001:db8:1::1 as 65010; bfd on; connect retry time 1; error wait time 1, 2;
  ipv6 { import all; export where proto = "upward6"; }; }
"""


def beside_shuntd():
    with open(SHIPPED, encoding="utf-8") as file:
        text = file.read()
    # In this order: what is one's neighbour is the other's own address.
    for shipped, here in (("2001:db8:1::1 ", "ROUTER6 "), ("2001:db8:1::2 ", "2001:db8:1::1 "), ("ROUTER6 ", "2001:db8:1::10 "),
                          ("192.0.2.1 ", "203.0.113.10 "), ("192.0.2.2", "203.0.113.1"), ("log syslog all", "log stderr all")):
        assert shipped in text, shipped
        text = text.replace(shipped, here)
    return text.replace("hold time 9;", "hold time 9; connect retry time 1; error wait time 1, 2;")


class RoutesTest(FamilyCases, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        open_lab(cls, reals=2, configured=2)
        for family in FAMILIES:
            del cls.lab.config.services[family.service("upload")], cls.lab.config.services[family.service("echo")]
            cls.lab.config.services[family.service("web")].more = {"address": VIPS[family.version],
                                                                   "quorum": {"on_loss": Plain("withdraw")}}
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()
        cls.start_bird("client", ROUTER)
        cls.start_bird("lb", beside_shuntd())

    @classmethod
    def start_bird(cls, role, text):
        folder = os.path.join(cls.lab.folder, "bird-" + role)
        os.makedirs(folder)
        with open(os.path.join(folder, "bird.conf"), "w", encoding="utf-8") as file:
            file.write(text)
        cls.lab.processes.start("bird-" + role, ["/usr/sbin/bird", "-f", "-c", os.path.join(folder, "bird.conf"), "-s",
                                                 os.path.join(folder, "ctl"), "-P", os.path.join(folder, "pid")],
                                namespace=cls.lab.topology.namespace(role))

    def setUp(self):
        for family in FAMILIES:
            self.wait_for_route(family, True, 30)

    def routes(self, role, family):
        text = self.lab.topology.exec(role, ["ip", "-json", f"-{family.version}", "route", "show", "proto", "bird"]).stdout
        return {route["dst"]: route for route in json.loads(text or "[]")}

    def wait_for_route(self, family, is_there, seconds):
        wait_for(lambda: (VIPS[family.version] in self.routes("client", family)) == is_there, seconds,
                 f"the route to {VIPS[family.version]} to be {'announced' if is_there else 'withdrawn'}; the daemon's bird: "
                 f"{self.lab.processes.log_tail('bird-lb')}; the router's: {self.lab.processes.log_tail('bird-client')}")

    def get(self, family):
        url = family.url(VIPS[family.version])
        return self.lab.client(["curl", "-sS", "-m", "3", url], check=False)

    def case_traffic_follows_what_is_announced(self, family):
        route = self.routes("client", family)[VIPS[family.version]]
        self.assertEqual(route["gateway"], family.outside_lb)
        for _ in range(5):
            done = self.get(family)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(done.stdout.strip(), ("r1", "r2"))

    def test_nothing_but_vips_is_announced(self):
        for family in FAMILIES:
            self.assertEqual(set(self.routes("client", family)), {VIPS[family.version]})

    def test_what_the_router_tells_is_a_route_that_shuntd_follows(self):
        self.assertIn("100.64.0.0/10", self.routes("lb", IPV4))
        # A client behind the router gets its answer by that route alone.
        self.lab.client(["ip", "addr", "add", "100.64.0.9/32", "dev", "lo"])
        self.addCleanup(self.lab.client, ["ip", "addr", "del", "100.64.0.9/32", "dev", "lo"])
        done = self.lab.client(["curl", "-sS", "-m", "3", "--interface", "100.64.0.9", IPV4.url(VIPS[4])], check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_lost_quorum_withdraws_and_reals_that_are_back_announce(self):
        for real in ("r1", "r2"):
            self.lab.reals.kill(real)
        for family in FAMILIES:
            self.wait_for_route(family, False, 10)
            self.assertNotEqual(self.get(family).returncode, 0)
        for real in ("r1", "r2"):
            self.lab.reals.start(real)
        for family in FAMILIES:
            self.wait_for_route(family, True, 20)
        self.shuntd.wait_all_up()
        for family in FAMILIES:
            self.assertEqual(self.get(family).returncode, 0)

    def test_a_killed_daemon_is_withdrawn_within_seconds_and_announced_when_it_is_back(self):
        self.shuntd.kill()
        for family in FAMILIES:
            self.wait_for_route(family, False, 4)
        self.shuntd.start(self.lab.config)
        self.shuntd.wait_all_up()
        for family in FAMILIES:
            self.wait_for_route(family, True, 30)
            self.assertEqual(self.get(family).returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
