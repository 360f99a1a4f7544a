"""A fullnat service's reals are told who the client is: by the PROXY protocol, which nginx, HAProxy and servers of ours read,
and by TOA and UOA, which are read from the wire in the real's namespace."""

import hashlib
import itertools
import os
import re
import socket
import subprocess
import unittest

import clients
import told_reals
from lab.config import Plain, Service
from lab.family import FAMILIES, IPV4
from lab.reals import BIG_BYTES
from lab.shell import run, wait_for
from method_cases import FamilyCases, open_lab
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.utils import rdpcap

VERSIONS = {1: Plain("proxy_v1"), 2: Plain("proxy_v2")}

# Connects from PORT, says nothing, and prints what it is told.
LISTEN = """
import socket, sys
[(family, kind, _, _, vip)] = socket.getaddrinfo(*sys.argv[1:3], type=socket.SOCK_STREAM)
s = socket.socket(family, kind); s.settimeout(10)
s.bind(("", int(sys.argv[3]))); s.connect(vip)
print(s.makefile().readline().strip())
"""

# Says "hello" COUNT times from PORT, waits for each echo, and prints how many came.
ECHO = """
import socket, sys
[(family, kind, _, _, vip)] = socket.getaddrinfo(*sys.argv[1:3], type=socket.SOCK_STREAM)
s = socket.socket(family, kind); s.settimeout(5)
s.bind(("", int(sys.argv[3]))); s.connect(vip)
got = 0
for number in range(int(sys.argv[4])):
    s.sendall(b"hello")
    got += s.recv(5) == b"hello"
print(got)
"""

# COUNT datagrams of SIZE bytes from PORT, those without an answer let be; prints the answers.
DATAGRAMS = """
import socket, sys
[(family, kind, _, _, vip)] = socket.getaddrinfo(*sys.argv[1:3], type=socket.SOCK_DGRAM)
s = socket.socket(family, kind); s.settimeout(0.5)
s.bind(("", int(sys.argv[3])))
for number in range(int(sys.argv[4])):
    s.sendto(b"x" * int(sys.argv[5]), vip)
    try:
        print(s.recvfrom(65535)[0].decode())
    except OSError:
        print("-")
"""


class ClientAddressTest(FamilyCases, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        open_lab(cls, "fullnat", reals=1, configured=1)
        told_reals.start(cls.lab, "r1")
        for family in FAMILIES:
            for version, word in VERSIONS.items():
                for server, port in (("nginx", told_reals.NGINX_PORT), ("haproxy", told_reals.HAPROXY_PORT),
                                     ("banner", told_reals.BANNER_PORT)):
                    cls.add(f"{server}-v{version}", "tcp", port, family, version * 10000 + port, client_address=word)
            cls.add("datagrams", "udp", told_reals.UDP_PORT, family, client_address=Plain("proxy_v2"))
            cls.add("toa", "tcp", told_reals.TOA_PORT, family, client_address=Plain("toa"))
            cls.add("uoa", "udp", told_reals.UOA_PORT, family, client_address=Plain("uoa"))
        cls.add("uoa-option", "udp", told_reals.UOA_PORT, IPV4, 20000 + told_reals.UOA_PORT, client_address=Plain("uoa"),
                uoa_form=Plain("option"), uoa_packets=2)
        cls.shuntd.start(cls.lab.config)
        cls.shuntd.wait_all_up()

    # Client ports, each taken once: connections that are over keep theirs for a minute.
    ports = itertools.count(20000)

    @classmethod
    def add(cls, name, protocol, port, family, vip_port=None, **more):
        """A service for the real's `port`."""
        name = family.service(name)
        reals = [{"name": "r1", "address": family.real(1), "port": port}]
        cls.lab.config.services[name] = Service(name, protocol, vip_port or port, {"r1": 1}, health_check=None, family=family,
                                                more={"reals": reals, **more})

    def tearDown(self):
        self.assertTrue(self.shuntd.running(), self.shuntd.log(40))

    def curl(self, family, port, path="/", *more, seconds=20):
        url = f"http://{family.bracketed(family.vip)}:{port}{path}"
        return self.lab.client(["curl", "-sS", "-f", "-m", str(seconds), *more, url], check=False, timeout=seconds + 10)

    def vip_ports(self, port):
        return {version: version * 10000 + port for version in VERSIONS}

    def expect_told(self, family, server_port):
        for version, port in self.vip_ports(server_port).items():
            for local in itertools.islice(self.ports, 5):
                done = self.curl(family, port, "/", "--local-port", str(local))
                self.assertEqual(done.stdout.strip(), f"{family.client} {local} {family.vip} {port}",
                                 f"v{version}: {done.stderr} drops: {self.shuntd.drops()}")

    def case_nginx_is_told(self, family):
        self.expect_told(family, told_reals.NGINX_PORT)

    def case_haproxy_is_told(self, family):
        self.expect_told(family, told_reals.HAPROXY_PORT)

    def case_server_that_speaks_first_is_told(self, family):
        for port in self.vip_ports(told_reals.BANNER_PORT).values():
            local = next(self.ports)
            [line] = clients.run(self.lab, LISTEN, family.vip, port, local)
            self.assertEqual(line, f"220 {family.client} {local} {family.vip} {port}")

    def case_many_requests_on_one_connection(self, family):
        for port in self.vip_ports(told_reals.NGINX_PORT).values():
            local = next(self.ports)
            urls = [f"http://{family.bracketed(family.vip)}:{port}/" for _ in range(30)]
            done = self.lab.client(["curl", "-sS", "-f", "-m", "20", "--local-port", str(local), *urls])
            self.assertEqual(set(done.stdout.split("\n")) - {""}, {f"{family.client} {local} {family.vip} {port}"})
            self.assertEqual(done.stdout.count("\n"), 30)

    def download(self, family, port):
        body = subprocess.run(["ip", "netns", "exec", self.lab.topology.namespace("client"), "curl", "-sS", "-f", "-m", "100",
                               f"http://{family.bracketed(family.vip)}:{port}/files/big"], capture_output=True, check=True).stdout
        self.assertEqual((len(body), hashlib.sha256(body).hexdigest()), (BIG_BYTES, self.lab.big_digest))

    def case_big_download_arrives_whole(self, family):
        for port in self.vip_ports(told_reals.NGINX_PORT).values():
            self.download(family, port)

    def lose(self, on):
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lossy.bpf.c")
        out = os.path.join(self.lab.folder, "lossy.o")
        if on:
            run(["clang-14", "-O2", "-g", "-Wall", "-target", "bpf", "-I/usr/include/x86_64-linux-gnu", "-c", source, "-o", out])
            where = ["xdpgeneric", "obj", out, "sec", "xdp"]
        else:
            where = ["xdpgeneric", "off"]
        run(["ip", "-n", self.lab.topology.namespace("r1"), "link", "set", "dev", "eth0", *where])

    def told_file(self, local):
        return os.path.join(self.lab.folder, f"lossy-{local}")

    def case_segments_that_are_lost_leave_the_address_right(self, family):
        # One in five of those to the real, the header's and the handshake's among them.
        self.lose(True)
        try:
            for port in self.vip_ports(told_reals.NGINX_PORT).values():
                running = {local: self.lab.start_client(f"lossy-{local}", [
                    "curl", "-sS", "-f", "-m", "60", "--local-port", str(local), "-o", self.told_file(local),
                    f"http://{family.bracketed(family.vip)}:{port}/"]) for local in itertools.islice(self.ports, 40)}
                for local, process in running.items():
                    self.assertEqual(process.wait(70), 0, self.lab.processes.log_tail(f"lossy-{local}"))
                    with open(self.told_file(local), encoding="utf-8") as told:
                        self.assertEqual(told.read().strip(), f"{family.client} {local} {family.vip} {port}")
                self.download(family, port)
        finally:
            self.lose(False)

    def case_every_datagram_is_told_of(self, family):
        local = next(self.ports)
        lines = clients.run(self.lab, DATAGRAMS, family.vip, told_reals.UDP_PORT, local, 5, 100)
        self.assertEqual(lines, [f"{family.client} {local} {family.vip} {told_reals.UDP_PORT} 100"] * 5)
        # The largest that the link takes with the header, and one that is told to be smaller and then comes in pieces.
        most = 1500 - (28 + 28 if family is IPV4 else 48 + 52)
        local = next(self.ports)
        [line] = clients.run(self.lab, DATAGRAMS, family.vip, told_reals.UDP_PORT, local, 1, most)
        self.assertEqual(line, f"{family.client} {local} {family.vip} {told_reals.UDP_PORT} {most}")
        before = self.shuntd.drops().get("client_untold", 0)
        lines = clients.run(self.lab, DATAGRAMS, family.vip, told_reals.UDP_PORT, next(self.ports), 2, most + 1)
        self.assertEqual(lines, ["-", "-"])
        self.assertGreater(self.shuntd.drops().get("client_untold", 0), before)

    def seen_by_real(self, expression, script, *words):
        """What of it came in at the real while a client ran, and what that printed."""
        path = os.path.join(self.lab.folder, "seen.pcap")
        tcpdump = self.lab.processes.start("tcpdump", ["tcpdump", "--immediate-mode", "-U", "-i", "eth0", "-Q", "in", "-w", path, expression],
                                           namespace=self.lab.topology.namespace("r1"))
        wait_for(lambda: "listening on" in self.lab.processes.log_tail("tcpdump", 5), 10, "tcpdump to listen")
        lines = clients.run(self.lab, script, *words)
        self.lab.processes.stop(tcpdump)
        return rdpcap(path), lines

    def packed(self, family, port):
        """Port and address as options have them."""
        version = socket.AF_INET if family is IPV4 else socket.AF_INET6
        return port.to_bytes(2, "big") + socket.inet_pton(version, family.client)

    def case_toa_stands_in_the_first_segments(self, family):
        local = next(self.ports)
        packets, lines = self.seen_by_real(f"tcp dst port {told_reals.TOA_PORT}", ECHO, family.vip, told_reals.TOA_PORT, local, 5)
        self.assertEqual(lines, ["5"])
        told = [[value for kind, value in packet[TCP].options if kind == 254] for packet in packets]
        self.assertEqual(told[0], [])  # the SYN
        self.assertEqual(told[1], [self.packed(family, local)])  # the handshake's end
        self.assertEqual(packets[1][TCP].options[0][0], 254)
        self.assertEqual(told[-1], [])
        self.expect_good_checksums(packets)

    def expect_good_checksums(self, packets):
        for packet in packets:
            layer = packet[IP] if IP in packet else packet[IPv6]
            before = bytes(layer)
            again = layer.copy()
            for each in (IP, TCP, UDP):
                if each in again:
                    del again[each].chksum
            self.assertEqual(before, bytes(again))

    def case_uoa_stands_in_front_of_the_first_datagrams(self, family):
        local = next(self.ports)
        protocol = "ip proto" if family is IPV4 else "ip6 proto"
        packets, lines = self.seen_by_real(f"{protocol} 248 or (udp and dst port {told_reals.UOA_PORT})", DATAGRAMS, family.vip,
                                           told_reals.UOA_PORT, local, 5, 10)
        # No module on this real takes the first three apart.
        self.assertEqual(lines, ["-", "-", "-", "x" * 10, "x" * 10])
        layers = [packet[IP] if family is IPV4 else packet[IPv6] for packet in packets]
        kinds = [layer.proto if family is IPV4 else layer.nh for layer in layers]
        self.assertEqual(kinds, [248, 248, 248, 17, 17])
        option = bytes([0x1f, 8 if family is IPV4 else 20]) + self.packed(family, local)
        header = bytes([0x10 if family is IPV4 else 0x20, 17, 0, 4 + len(option)]) + option
        for layer in layers[:3]:
            payload = bytes(layer.payload)
            self.assertEqual(payload[:len(header)], header)
            # Taken off, it is the datagram with its own checksum.
            inner = layer.copy()
            inner.remove_payload()
            inner = inner / UDP(payload[len(header):])
            if family is IPV4:
                inner.proto = 17
                del inner.len, inner.chksum
            else:
                inner.nh = 17
                del inner.plen
            self.expect_good_checksums([inner.__class__(bytes(inner))])

    def test_uoa_stands_among_ipv4_options(self):
        port, local = 20000 + told_reals.UOA_PORT, next(self.ports)
        packets, lines = self.seen_by_real(f"udp dst port {told_reals.UOA_PORT}", DATAGRAMS, IPV4.vip, port, local, 4, 10)
        self.assertEqual(lines, ["x" * 10] * 4)
        options = [bytes(packet[IP])[20:packet[IP].ihl * 4] for packet in packets]
        self.assertEqual(options, [bytes([0x1f, 8]) + self.packed(IPV4, local)] * 2 + [b""] * 2)
        self.expect_good_checksums(packets)

    def test_what_could_not_be_told_is_counted(self):
        metrics = self.lab.topology.exec("lb", ["curl", "-sS", "http://127.0.0.1:9180/metrics"]).stdout
        self.assertRegex(metrics, r'shunt_uncarried_client_addresses_total\{worker="0"\} \d+')
        self.assertTrue(re.search(r"uncarried", self.lab.topology.exec("lb", ["curl", "-sS", "http://127.0.0.1:9180/status.json"]).stdout))


if __name__ == "__main__":
    unittest.main(verbosity=2)
