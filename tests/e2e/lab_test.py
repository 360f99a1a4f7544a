"""The lab itself, with dpdk-testpmd as a plain wire in shuntd's place: what fails here is the lab, not Shunt."""

import hashlib
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

from lab.config import TAPS
from lab.lab import Lab, file_prefix
from lab.shell import wait_for
from lab.topology import CLIENT, INSIDE_MAC, OUTSIDE_MAC, VIP, real_address

WIRE_CLIENT = "10.0.1.100"  # through a wire, the client is a station of the inside network


def start_wire(lab):
    taps = [f"--vdev=net_tap{n},iface={tap},mac={mac}"
            for n, (tap, mac) in enumerate(zip(TAPS.values(), (OUTSIDE_MAC, INSIDE_MAC)))]
    lab.processes.start(
        "testpmd", ["dpdk-testpmd", "--lcores=0@0,1@0", "--no-huge", "-m", "256", "--no-pci", "--no-shconf",
                    f"--file-prefix={file_prefix(lab.tag)}", *taps, "--", "--auto-start", "--forward-mode=io",
                    "--total-num-mbufs=4096", "--stats-period=1"], namespace=lab.topology.namespace("lb"))
    wait_for(lambda: "Port statistics" in lab.processes.log_tail("testpmd", 100), 20, "testpmd to forward")
    lab.topology.plug(TAPS)
    lab.client(["ip", "addr", "add", f"{WIRE_CLIENT}/24", "dev", "eth0"])


class WireTest(unittest.TestCase):
    def test_the_router_keeps_its_macs_when_ports_come_and_go(self):
        with Lab("nat") as lab:
            macs = ["cat", "/sys/class/net/outside/address", "/sys/class/net/inside/address"]
            before = lab.topology.exec("fabric", macs).stdout
            start_wire(lab)
            self.assertEqual(lab.topology.exec("fabric", macs).stdout, before)

    def test_ping_http_and_echo_pass_the_wire(self):
        with Lab("nat") as lab:
            start_wire(lab)
            lab.client(["ping", "-c", "1", "-W", "2", real_address(1)])
            for index, real in enumerate(lab.topology.reals, 1):
                answer = lab.client(["curl", "-sS", "-m", "5", f"http://{real_address(index)}/"]).stdout
                self.assertEqual(answer, real + "\n")
            big = subprocess.run(["ip", "netns", "exec", lab.topology.namespace("client"), "curl", "-sS", "-m", "30",
                                  f"http://{real_address(2)}/files/big"], capture_output=True, check=True).stdout
            self.assertEqual(hashlib.sha256(big).hexdigest(), lab.big_digest)
            echo = lab.client(["/usr/bin/python3", "-c", UDP_ASK, real_address(3), "hello"]).stdout
            self.assertEqual(echo, f"r3 hello from {real_address(3)}\n")


UDP_ASK = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3)
s.sendto(sys.argv[2].encode(), (sys.argv[1], 5000))
data, address = s.recvfrom(2000)
print(data.decode(), "from", address[0])
"""


def ipip(real, inner):
    outer = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(inner), 1, 0, 64, 4, 0,
                        socket.inet_aton(WIRE_CLIENT), socket.inet_aton(real))
    return outer + inner  # the kernel fills the outer checksum in


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def udp_to_vip(payload):
    udp = struct.pack("!HHHH", 4321, 5000, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 2, 0, 64, 17, 0,
                       socket.inet_aton(CLIENT), socket.inet_aton(VIP))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + udp


DECAP_ASK = """
import socket, sys
answer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); answer.bind(("203.0.113.10", 4321)); answer.settimeout(3)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
raw.sendto(bytes.fromhex(sys.argv[2]), (sys.argv[1], 0))
data, address = answer.recvfrom(2000)
print(data.decode(), "from", address[0])
"""


class DecapTest(unittest.TestCase):
    def test_real_takes_the_outer_header_off_and_answers_from_the_vip(self):
        with Lab("tunnel", reals=1, configured=1) as lab:
            start_wire(lab)
            packet = ipip(real_address(1), udp_to_vip(b"inside"))
            answer = lab.client(["/usr/bin/python3", "-c", DECAP_ASK, real_address(1), packet.hex()]).stdout
            self.assertEqual(answer, f"r1 inside from {VIP}\n")


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
