"""The lab itself, with dpdk-testpmd as a plain wire in shuntd's place: what fails here is the lab, not Shunt."""

import hashlib
import os
import signal
import subprocess
import sys
import time
import unittest

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import raw

from lab.config import TAPS
from lab.family import FAMILIES, IPV4
from lab.lab import Lab, file_prefix
from lab.reals import ECHO_PORT
from lab.shell import wait_for
from lab.topology import INSIDE_MAC, OUTSIDE_MAC


def wire_client(family):
    """Through a wire, the client is a station of the inside network."""
    return family.inside + "100"


def start_wire(lab):
    taps = [f"--vdev=net_tap{n},iface={tap},mac={mac}"
            for n, (tap, mac) in enumerate(zip(TAPS.values(), (OUTSIDE_MAC, INSIDE_MAC)))]
    lab.processes.start(
        "testpmd", ["dpdk-testpmd", "--lcores=0@0,1@0", "--no-huge", "-m", "256", "--no-pci", "--no-shconf",
                    f"--file-prefix={file_prefix(lab.tag)}", *taps, "--", "--auto-start", "--forward-mode=io",
                    "--total-num-mbufs=4096", "--stats-period=1"], namespace=lab.topology.namespace("lb"))
    wait_for(lambda: "Port statistics" in lab.processes.log_tail("testpmd", 100), 20, "testpmd to forward")
    lab.topology.plug(TAPS)
    for family in FAMILIES:
        lab.client(["ip", "addr", "add", family.on_link(wire_client(family)), "dev", "eth0"])


class WireTest(unittest.TestCase):
    def test_the_router_keeps_its_macs_when_ports_come_and_go(self):
        with Lab("nat") as lab:
            macs = ["cat", "/sys/class/net/outside/address", "/sys/class/net/inside/address"]
            before = lab.topology.exec("fabric", macs).stdout
            start_wire(lab)
            self.assertEqual(lab.topology.exec("fabric", macs).stdout, before)

    def test_ping_http_and_echo_pass_the_wire(self):
        # All through shuntd's place in userspace, where no word of the kernel's says that a checksum is right: the
        # receivers look at every one.
        with Lab("nat") as lab:
            start_wire(lab)
            for family in FAMILIES:
                with self.subTest(family.name):
                    self.pass_the_wire(lab, family)

    def pass_the_wire(self, lab, family):
        lab.client(["ping", "-c", "1", "-W", "2", family.real(1)])
        for index, real in enumerate(lab.topology.reals, 1):
            answer = lab.client(["curl", "-sS", "-m", "5", family.url(family.real(index))]).stdout
            self.assertEqual(answer, real + "\n")
        big = subprocess.run(["ip", "netns", "exec", lab.topology.namespace("client"), "curl", "-sS", "-m", "30",
                              family.url(family.real(2), "/files/big")], capture_output=True, check=True).stdout
        self.assertEqual(hashlib.sha256(big).hexdigest(), lab.big_digest)
        echo = lab.client(["/usr/bin/python3", "-c", UDP_ASK, family.real(3), "hello"]).stdout
        self.assertEqual(echo, f"r3 hello from {family.real(3)}\n")

    def test_no_real_says_that_it_has_the_vip(self):
        # The reals hear the question, as they are behind the wire; they have the VIP on lo and must keep it to themselves.
        with Lab("direct", reals=2, configured=2) as lab:
            start_wire(lab)
            for family in FAMILIES:
                with self.subTest(family.name):
                    self.assertIn(family.vip, lab.topology.exec("r1", ["ip", "addr", "show", "dev", "lo"]).stdout)
                    lab.client(["ping", "-c", "1", "-W", "2", family.real(1)])
                    lab.client(["ping", "-c", "2", "-i", "0.2", "-W", "1", family.vip], check=False)
                    known = lab.client(["ip", "neigh", "show", family.vip]).stdout
                    self.assertRegex(known, "INCOMPLETE|FAILED")


UDP_ASK = """
import socket, sys
[(family, kind, _, _, to)] = socket.getaddrinfo(sys.argv[1], 5000, type=socket.SOCK_DGRAM)
s = socket.socket(family, kind); s.settimeout(3)
s.sendto(sys.argv[2].encode(), to)
data, address = s.recvfrom(2000)
print(data.decode(), "from", address[0])
"""

# Sends a packet as it is, in hexadecimal, to REAL, and prints the answer to (CLIENT, PORT).
DECAP_ASK = """
import socket, sys
real, client, port, packet = sys.argv[1:]
[(family, kind, _, _, to)] = socket.getaddrinfo(client, int(port), type=socket.SOCK_DGRAM)
answer = socket.socket(family, kind); answer.bind(to); answer.settimeout(3)
[(family, _, _, _, to)] = socket.getaddrinfo(real, 0, type=socket.SOCK_DGRAM)
socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW).sendto(bytes.fromhex(packet), to)
data, address = answer.recvfrom(2000)
print(data.decode(), "from", address[0])
"""


def ip(family, source, destination):
    return (IP if family is IPV4 else IPv6)(src=source, dst=destination)


class DecapTest(unittest.TestCase):
    def test_real_takes_the_outer_header_off_and_answers_from_the_vip(self):
        with Lab("tunnel", reals=1, configured=1) as lab:
            start_wire(lab)
            for outer in FAMILIES:
                for inner in FAMILIES:
                    with self.subTest(f"{inner.name} in {outer.name}"):
                        self.assertEqual(self.ask(lab, outer, inner), f"r1 inside from {inner.vip}\n")

    def ask(self, lab, outer, inner):
        port = 4321
        packet = (ip(outer, wire_client(outer), outer.real(1)) / ip(inner, inner.client, inner.vip) /
                  UDP(sport=port, dport=ECHO_PORT) / b"inside")
        return lab.client(["/usr/bin/python3", "-c", DECAP_ASK, outer.real(1), inner.client, str(port), raw(packet).hex()]).stdout


CHILD = """
import sys, time
from lab.lab import Lab
with Lab("nat", reals=1, configured=1) as lab:
    print(lab.tag, flush=True)
    time.sleep(60)
"""


class TidyTest(unittest.TestCase):
    """Nothing is left behind, however a lab ends."""

    def start(self):
        child = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True)
        self.addCleanup(child.stdout.close)
        tag = child.stdout.readline().strip()
        self.assertTrue(tag)
        self.assertIn(tag, traces(tag))
        return child, tag

    def test_interrupted_and_terminated(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            child, tag = self.start()
            child.send_signal(number)
            child.wait(20)
            self.assertEqual(traces(tag), "")

    def test_killed_lab_is_removed_by_the_next_one(self):
        child, tag = self.start()
        child.kill()
        child.wait(20)
        with Lab("nat", reals=1, configured=1):
            time.sleep(0.2)
            self.assertEqual(traces(tag), "")


def traces(tag):
    """Everything on this machine that names the lab: namespaces, folders, processes."""
    found = [line for line in subprocess.run(["ip", "netns", "list"], capture_output=True, text=True,
                                             check=True).stdout.splitlines() if line.startswith(tag)]
    found += [path for path in (f"/run/shunt-lab/{tag}", f"/var/run/dpdk/{file_prefix(tag)}") if os.path.exists(path)]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as cmdline:
                words = cmdline.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"/run/shunt-lab/{tag}" in words:
            found.append(f"{pid} {words}")
    return "\n".join(found)


if __name__ == "__main__":
    unittest.main(verbosity=2)
