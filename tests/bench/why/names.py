"""Round-robin DNS as a site sees it: one authoritative server, one caching resolver (dnsmasq) per site.

All of them are on loopback addresses of the clients' namespace: how far away they are does not matter, what they keep
does.
"""

import os
import shutil
import subprocess
import sys

from lab.shell import LabError, wait_for

NAME = "www.shunt.test"
_ZONE_ADDRESS = "127.0.0.53"
_BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def resolver_address(site):
    return f"127.0.1.{1 + site}"


def missing():
    """Why there can be no resolvers here, or None."""
    return None if dnsmasq() else "dnsmasq is not installed; run 'scripts/setup --why'"


def dnsmasq():
    return shutil.which("dnsmasq", path="/usr/sbin:/usr/bin")


def dnsmasq_command(address, port, upstream, upstream_port):
    """A caching resolver and nothing else: no files of this machine, no DHCP, no TTL of its own."""
    return [dnsmasq(), "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--no-poll",
            "--bind-interfaces", f"--listen-address={address}", f"--port={port}", "--except-interface=nothing",
            f"--server={upstream}#{upstream_port}", "--cache-size=1000", "--pid-file=", "--user=root", "--edns-packet-max=4096"]


class Names:
    """The name servers of one contender."""

    def __init__(self, processes, namespace, sites, ttl, everything):
        self._processes, self._namespace = processes, namespace
        self._sites, self._ttl, self._everything = sites, ttl, everything
        self._running = []
        self._zone = None

    def start(self, addresses):
        self._zone = self._processes.start(
            "zone", [sys.executable, "-B", "-m", "why.zone", _ZONE_ADDRESS, "53", NAME, str(self._ttl),
                     "all" if self._everything else "one"],
            namespace=self._namespace, cwd=_BENCH, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None)
        self._running.append(self._zone)
        self._expect("ready")
        self.set(addresses)
        for site in range(self._sites):
            self._running.append(self._processes.start(
                "dnsmasq", dnsmasq_command(resolver_address(site), 53, _ZONE_ADDRESS, 53), namespace=self._namespace))
        wait_for(self._all_listen, 15, "the sites' resolvers to listen")

    def set(self, addresses):
        """Changes the records; caches learn of it when theirs have run out."""
        self._zone.stdin.write((" ".join(addresses) + "\n").encode())
        self._zone.stdin.flush()
        self._expect("set")

    def _expect(self, word):
        line = self._zone.stdout.readline().decode().strip()
        if line != word:
            raise LabError(f"the authoritative name server ended; it said '{line}'")

    def _all_listen(self):
        for process in self._running:
            if process.poll() is not None:
                raise LabError(f"a resolver ended with {process.returncode}: {self._processes.log_tail('dnsmasq')}")
        sockets = subprocess.run(["ip", "netns", "exec", self._namespace, "ss", "-Hlun", "sport = :53"],
                                 capture_output=True, text=True, check=False).stdout
        return sockets.count("127.0.1.") >= self._sites

    def pids(self):
        return [process.pid for process in self._running]

    def stop(self):
        for process in self._running:
            self._processes.kill(process)
        self._running = []
