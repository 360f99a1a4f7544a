"""config/examples/bench.yaml with scripts/pktgen/testpmd at both ends, over memif: every flow that the generator makes is one
connection, whatever the method, TCP without a SYN too, and the reflector's replies come back to the clients."""

import json
import os
import re
import subprocess
import tempfile
import unittest

from lab.daemon import binary
from lab.shell import LabError, Processes, wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FLOWS = 500
RECEIVED = re.compile(r"NIC statistics for port 0 .*?RX-packets: (\d+)", re.DOTALL)


class Bench:
    """shuntd with bench.yaml, its paths in a folder of the test's own and ordinary pages in place of huge ones."""

    def __init__(self, folder):
        self.folder, self.memif = folder, os.path.join(folder, "memif.sock")
        self.processes = Processes(folder)
        with open(os.path.join(ROOT, "config/examples/bench.yaml"), encoding="utf-8") as file:
            text = file.read()
        for old, new in (("/run/shunt/memif.sock", self.memif), ("memory_mb: 2048", f"memory_mb: 512\n  huge_pages: false\n"
                         f"  file_prefix: generator-{os.getpid()}"), ("connections: 2000000", "connections: 100000"),
                         ("lcores: 0,1", "lcores: 0@0,1@1"), ("poll_mode: busy", "poll_mode: adaptive")):
            if old not in text:
                raise AssertionError(f"bench.yaml has no longer '{old}'")
            text = text.replace(old, new)
        self.config = os.path.join(folder, "bench.yaml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"{text}\nlistener: {{unix_socket: {folder}/shuntd.sock}}\njournal: {{directory: {folder}}}\nhttp: {{disabled: true}}\n")

    def start(self):
        self.processes.start("shuntd", [binary("shuntd"), "-c", self.config])
        wait_for(lambda: self.workers() is not None and os.path.exists(self.memif), 30, "shuntd and its memif socket")

    def testpmd(self, role, *words):
        # It sends as fast as it can: less priority leaves shuntd and shuntctl their share of two CPUs.
        command = ["nice", "-n", "5", os.path.join(ROOT, "scripts/pktgen/testpmd"), role]
        self.processes.start(role, [*command, "--socket", self.memif, "--lcores", "0@0,1@0", *words])

    def workers(self):
        said = self.ctl("-o", "json", "workers")
        return json.loads(said)["workers"] if said.startswith("{") and "workers" in said else None

    def ctl(self, *words):
        """What shuntctl says, or its error."""
        done = subprocess.run([binary("shuntctl"), "--socket", os.path.join(self.folder, "shuntd.sock"), "--timeout", "30s",
                               *words], capture_output=True, text=True, timeout=60, check=False)
        return done.stdout if done.returncode == 0 else done.stderr

    def connections(self):
        workers = self.workers()
        return int(workers[0]["connections"]) if workers else None

    def received(self, role):
        """Packets that the role's port toward shuntd has received, as testpmd last said."""
        said = RECEIVED.findall(self.processes.log_tail(role, lines=60))
        return int(said[-1]) if said else 0

    def stop(self):
        self.processes.stop_all()


class GeneratorTest(unittest.TestCase):
    def run_with(self, role, *words, clients="generate", flows=FLOWS):
        with tempfile.TemporaryDirectory(prefix="shunt-generator-") as folder:
            bench = Bench(folder)
            self.addCleanup(bench.stop)
            bench.start()
            bench.testpmd(role)
            bench.testpmd(clients, *(["--flows", str(flows)] if clients == "generate" else []), *words)
            wait_for(lambda: bench.received(role) > 0, 90, f"packets at the reals ({words}); the log of {role} ends:\n" +
                     bench.processes.log_tail(role))
            try:
                wait_for(lambda: bench.connections() == flows, 60, f"{flows} connections ({words})")
            except LabError as error:
                self.fail(f"{error}\n{bench.ctl('workers')}\n{bench.ctl('drops')}\n{bench.processes.log_tail('shuntd')}")
            if role == "reflect":
                wait_for(lambda: bench.received(clients) > 0, 60, f"replies at the clients ({words})")
            self.assertEqual(bench.connections(), flows)
            bench.stop()

    def test_nat(self):
        self.run_with("reflect", "--method", "nat", "--size", "imix")

    def test_nat_of_tcp_without_syn(self):
        self.run_with("reflect", "--method", "nat", "--protocol", "tcp-ack")

    def test_fullnat(self):
        self.run_with("reflect", "--method", "fullnat")

    def test_one_flow_of_testpmds_own(self):
        self.run_with("sink", "--method", "direct", clients="single", flows=1)

    def test_direct(self):
        self.run_with("sink", "--method", "direct")

    def test_tunnel(self):
        self.run_with("sink", "--method", "tunnel", "--protocol", "tcp-ack")


if __name__ == "__main__":
    unittest.main(verbosity=2)
