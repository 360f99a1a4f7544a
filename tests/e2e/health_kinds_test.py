"""Every kind of health check, of either family: r1 is what the check wants, r2 is not; what shuntctl says of both; and that
a real that mends itself comes back, and one that falls ill goes."""

import os
import re
import signal
import unittest

from health_peers import DNS_PORT, GRPC_PORT, HTTP_PORT, HTTPS_PORT, Authority, Web
from lab.config import HealthCheck, Plain, Service
from lab.daemon import binary
from lab.family import FAMILIES
from lab.lab import Lab
from lab.reals import ECHO_PORT
from lab.shell import wait_for

PROGRAM = """#!/bin/sh
[ "$1" = "two words" ] || { echo "argument: $1"; exit 2; }
case "$SHUNT_ADDRESS:$SHUNT_PORT" in
  *11:80) exit 0;;
esac
echo "no such shop on $SHUNT_ADDRESS"
exit 3
"""

# What r1's and r2's checks say, by service.
SAID = {
    "http": (r"http: status 200 in [0-9.]+ ms", r"http: status 503, wanted 200-299, in [0-9.]+ ms"),
    "body": (r"http: status 200 in .*", r'http: status 200, body without "r1", in .*'),
    "host": (r"http: status 204 in .*", None),
    "https": (r"https: status 200 over HTTP/2 in .*", r"https: SSL certificate problem: .* in .*"),
    "name": (r"https: status 200 over HTTP/2 in .*", r"https: SSL: no alternative certificate subject name matches .*"),
    "trusting": (r"https: status 200 over HTTP/2 in .*", None),
    "h2": (r"https: status 200 over HTTP/2 in .*", r"https: status 200 over HTTP/1.1, wanted HTTP/2, in .*"),
    "dns": (r"dns: NOERROR in .*", r"dns: REFUSED, wanted NOERROR, in .*"),
    "udp": (r"udp: answered in .*", r'udp: answer "r2 ping", wanted "r1 ping", in .*'),
    "closed": (r"udp: connection refused in .*", r"udp: connection refused in .*"),
    "icmp": (r"icmp: echoed in .*", r"icmp: timed out after .*"),
    "grpc": (r"grpc: SERVING in .*", r"grpc: NOT_SERVING, wanted SERVING, in .*"),
    "exec": (r"exec: status 0 in .*", r'exec: status 3, said "no such shop on .*12", in .*'),
}


class HealthKindsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("nat", reals=2, configured=2, families=FAMILIES)
        cls.lab.__enter__()
        cls.addClassCleanup(cls.lab.__exit__, None, None, None)
        cls.start_peers()
        for family in FAMILIES:
            cls.add_services(family)
        cls.shuntd = cls.lab.shuntd
        cls.shuntd.start(cls.lab.config, arguments=["--check-programs", cls.programs])

    @classmethod
    def start_peers(cls):
        lab = cls.lab
        cls.authority, other = Authority(lab.folder, "ours"), Authority(lab.folder, "others")
        addresses = [f"IP:{family.real(1)}" for family in FAMILIES]
        cls.webs = {"r1": Web(lab, "r1", cls.authority, ",".join(["DNS:shop.example", *addresses]), http2=True),
                    "r2": Web(lab, "r2", other, "DNS:other.example", http2=False)}
        cls.webs["r2"].set_well(False)
        for real, code in (("r1", 0), ("r2", 5)):
            here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "health_peers.py")
            space = lab.topology.namespace(real)
            lab.processes.start(f"{real}-dns", ["/usr/bin/python3", here, str(DNS_PORT), str(code)], namespace=space)
        cls.grpc = {real: lab.processes.start(f"{real}-grpc", [binary("grpc_health_server"), str(GRPC_PORT), said],
                                              namespace=lab.topology.namespace(real))
                    for real, said in (("r1", "serving"), ("r2", "not_serving"))}
        lab.topology.exec("r2", ["sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1", "net.ipv6.icmp.echo_ignore_all=1"])
        cls.programs = os.path.join(lab.folder, "checks")
        os.makedirs(cls.programs)
        path = os.path.join(cls.programs, "shop-check")
        with open(path, "w", encoding="utf-8") as out:
            out.write(PROGRAM)
        os.chmod(path, 0o755)
        for real in ("r1", "r2"):
            for port in (HTTP_PORT, HTTPS_PORT, GRPC_PORT):
                lab.reals.wait_listening(real, port)

    @classmethod
    def add_services(cls, family):
        tls = {"ca_file": cls.authority.file}
        services = cls.lab.config.services
        services.clear() if family is FAMILIES[0] else None
        kinds = {
            "http": (HTTP_PORT, {"http": {"path": "/healthz", "status": "200-299"}}),
            "body": (HTTP_PORT, {"http": {"path": "/name", "body": "r1"}}),
            "host": (HTTP_PORT, {"http": {"path": "/host", "host": "shop.example", "headers": ["X-Check: yes"]}}),
            "https": (HTTPS_PORT, {"https": {"tls": tls}}),
            "name": (HTTPS_PORT, {"https": {"host": "shop.example", "tls": {"ca_file": cls.both_authorities()}}}),
            "trusting": (HTTPS_PORT, {"https": {"tls": {"no_verify": True}}}),
            "h2": (HTTPS_PORT, {"https": {"http2": True, "tls": {"no_verify": True}}}),
            "dns": (DNS_PORT, {"dns": {"name": "example.org", "type": Plain("a")}}),
            "udp": (ECHO_PORT, {"udp": {"send": "ping", "expect": "r1 ping"}}),
            "closed": (ECHO_PORT + 1, {"udp": {"send": "ping"}}),
            "icmp": (None, {"icmp": {}}),
            "grpc": (GRPC_PORT, {"grpc": {}}),
            "exec": (80, {"exec": {"command": ["shop-check", "two words"]}}),
        }
        for number, (name, (port, kind)) in enumerate(kinds.items()):
            name = family.service(name)
            services[name] = Service(name, "tcp", 1000 + number, {"r1": 1, "r2": 1}, family=family,
                                     health_check=HealthCheck(port=port, interval_ms=500, timeout_ms=500, kind=kind))

    @classmethod
    def both_authorities(cls):
        path = os.path.join(cls.lab.folder, "both.pem")
        with open(path, "w", encoding="utf-8") as out:
            for name in ("ours", "others"):
                with open(os.path.join(cls.lab.folder, f"{name}.pem"), encoding="utf-8") as authority:
                    out.write(authority.read())
        return path

    def wait_said(self, service, real, health, said):
        def is_so():
            state = self.shuntd.real(service, real)
            return state["health"] == f"HEALTH_{health}" and re.fullmatch(said, state["last_check"])
        try:
            wait_for(is_so, 20, f"{service}/{real} to be {health} and say {said}")
        except Exception:
            print(self.shuntd.real(service, real), self.shuntd.log(20))
            raise

    def test_1_each_kind_tells_right_from_wrong(self):
        for family in FAMILIES:
            for kind, (good, bad) in SAID.items():
                with self.subTest(kind=kind, family=family.name):
                    service = family.service(kind)
                    self.wait_said(service, "r1", "DOWN" if kind == "closed" else "UP", good)
                    self.wait_said(service, "r2", "DOWN" if bad else "UP", bad or good.replace("over HTTP/2 ", ""))

    def test_2_the_command_line_shows_what_is_checked_and_why_it_is_down(self):
        shown = self.shuntd.ctl("service", "list").stdout
        self.assertRegex(shown, r"r2 .*http: status 503, wanted 200-299, in")
        self.assertRegex(self.shuntd.ctl("get").stdout, r'(?s)exec:\n +command:\n +- shop-check\n +- "two words"')
        self.assertEqual(self.shuntd.real("http", "r1")["check"], "http GET /healthz, status 200-299")

    def test_3_one_check_serves_all_services_that_agree(self):
        before = len(self.webs["r1"].requests())
        for number in range(20):
            twin = Service(f"twin{number}", "tcp", 2000 + number, {"r1": 1}, health_check=self.lab.config.services["http"].health_check)
            self.lab.config.services[twin.name] = twin
        self.shuntd.apply(self.lab.config)
        for number in range(20):
            self.shuntd.wait_health(f"twin{number}", "r1", "UP", 10)
        wait_for(lambda: len(self.webs["r1"].requests()) > before + 8, 20, "more checks")
        # By 20 checks of their own, /healthz would be asked 20 times as often as /name.
        asked = self.webs["r1"].requests()[before:]
        healthz, name = (sum(f"GET {path} " in line for line in asked) for path in ("/healthz", "/name"))
        self.assertLess(healthz, 4 * max(name, 1) + 4, asked)

    def test_4_reals_fall_ill_and_mend(self):
        for family in FAMILIES:
            self.webs["r1"].set_well(False)
            self.grpc["r1"].send_signal(signal.SIGUSR2)
            self.shuntd.wait_health(family.service("http"), "r1", "DOWN", 20)
            self.shuntd.wait_health(family.service("grpc"), "r1", "DOWN", 20)
            self.webs["r1"].set_well(True)
            self.grpc["r1"].send_signal(signal.SIGUSR1)
            self.shuntd.wait_health(family.service("http"), "r1", "UP", 20)
            self.shuntd.wait_health(family.service("grpc"), "r1", "UP", 20)

    def test_5_metrics_count_checks(self):
        metrics = self.lab.topology.exec("lb", ["curl", "-sS", "http://127.0.0.1:9180/metrics"]).stdout
        for kind in ("http", "https", "dns", "udp", "icmp", "grpc", "exec"):
            self.assertRegex(metrics, rf'shunt_real_check_duration_seconds_count{{check="{kind}"}} [1-9]')
            self.assertRegex(metrics, rf'shunt_real_checks_total{{check="{kind}",outcome="failure"}} [1-9]')


if __name__ == "__main__":
    unittest.main(verbosity=2)
