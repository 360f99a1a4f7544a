#!/usr/bin/python3
"""What it costs to look at a big shuntd: time and size of /metrics, /status.json and the API's list, and the longest pause of
the control thread meanwhile. The figures of docs/observability.md.

Usage: tests/bench/observe.py [--services N] [--reals N] [--rounds N]. Needs no root, no network card and no huge pages.
"""

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("SHUNT_BIN_DIR", os.path.join(ROOT, "build/release/bin"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def configuration(folder, port, services, reals):
    yield f"""dpdk: {{lcores: '0@0,1@1', huge_pages: false, memory_mb: 512, file_prefix: {os.path.basename(folder)}}}
workers: {{mbufs: 8192, connections: 16384, ipv6_connections: 1024}}
ports: [{{name: p0, device: 'net_null0,no-rx=1', mac: '02:00:00:00:00:01', kernel_port: {{disabled: true}}}}]
next_hops:
  neighbours: [{{address: 10.255.255.254, mac: '02:00:00:00:00:02', port: p0}}]
  routes: [{{prefix: 10.0.0.0/8, via: 10.255.255.254, port: p0}}]
listener: {{unix_socket: {folder}/sock}}
journal: {{directory: {folder}/journal}}
http: {{port: {port}}}
services:
"""
    for number in range(services):
        yield (f"- {{name: service-{number:05}, protocol: tcp, address: 192.{number >> 14 & 3}.{number >> 6 & 255}.{number & 63}, "
               "port: 80, health_check: {disabled: true}, reals: [")
        first = number * reals
        yield ", ".join(f"{{address: 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}}}" for i in range(first, first + reals)) + "]}\n"


class Daemon:
    def __init__(self, services, reals):
        self.folder = tempfile.mkdtemp(prefix="shunt-observe-", dir="/tmp")
        self.port = free_port()
        path = os.path.join(self.folder, "shunt.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(configuration(self.folder, self.port, services, reals))
        with open(os.path.join(self.folder, "log"), "w", encoding="utf-8") as self.log:
            self.process = subprocess.Popen([os.path.join(BIN, "shuntd"), "-c", path], stdout=self.log, stderr=self.log)

    def __enter__(self):
        for _ in range(600):
            try:
                self.get("/livez")
                return self
            except OSError:
                time.sleep(0.1)
            if self.process.poll() is not None:
                break
        with open(self.log.name, encoding="utf-8") as log:
            sys.exit(f"observe: shuntd did not start:\n{log.read()}")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return answer.read()

    def ctl(self, *words):
        return subprocess.run([os.path.join(BIN, "shuntctl"), "-s", os.path.join(self.folder, "sock"), *words],
                              capture_output=True, check=True).stdout

    def pause_ms(self):
        """The control thread's longest within the last minute."""
        return float(re.search(rb"^shunt_control_lag_seconds (\S+)$", self.get("/metrics?reals=0"), re.MULTILINE)[1]) * 1000


def measure(ask, rounds):
    """The median of the times, seconds, and the size."""
    times = []
    for _ in range(rounds):
        begun = time.monotonic()
        size = len(ask())
        times.append(time.monotonic() - begun)
    return sorted(times)[rounds // 2], size


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--services", type=int, default=10000)
    parser.add_argument("--reals", type=int, default=10, help="of each service")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with Daemon(arguments.services, arguments.reals) as daemon:
        print(f"{arguments.services} services, {arguments.services * arguments.reals} reals")
        # The start's own pauses are a minute's news.
        time.sleep(62)
        print(f"{'nothing is asked':32} {'':>10} {'':>12}  longest pause {daemon.pause_ms():.0f} ms")
        for name, ask in (("/status.json", lambda: daemon.get("/status.json")),
                          ("/status.json?filter=service-09", lambda: daemon.get("/status.json?filter=service-09")),
                          ("/metrics?reals=0", lambda: daemon.get("/metrics?reals=0")),
                          ("/metrics", lambda: daemon.get("/metrics")),
                          ("shuntctl top --once", lambda: daemon.ctl("top", "--once")),
                          ("shuntctl -o json service list", lambda: daemon.ctl("-o", "json", "service", "list"))):
            seconds, size = measure(ask, arguments.rounds)
            print(f"{name:32} {seconds * 1000:7.0f} ms {size / 1e6:9.2f} MB  longest pause so far {daemon.pause_ms():.0f} ms")


if __name__ == "__main__":
    main()
