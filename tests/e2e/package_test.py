"""The Debian package: made by cpack, installed, started under systemd as its unit says, upgraded, removed, purged, on a machine
of its own. SHUNT_TEST_ROOT names an unpacked Debian to do it on instead of this machine's files."""

import os
import shutil
import tempfile
import unittest

from lab.shell import Processes, run, wait_for
from machine import Machine, make_package



def _free_mb():
    with open("/proc/meminfo", encoding="utf-8") as file:
        return 2 * next(int(line.split()[1]) for line in file if line.startswith("HugePages_Free"))


# Hugepages where this machine has some: a user must get them as root does.
_CONFIG = f"""\
dpdk: {{lcores: "0@0,1@0", huge_pages: {"true" if _free_mb() >= 256 else "false"}, memory_mb: 128}}
workers: {{mbufs: 8192, connections: 1024, ipv6_connections: 1024}}
ports:
- {{name: p0, device: "net_tap0,iface=tap-p0", kernel_port: {{addresses: [192.0.2.2/24, "2001:db8::2/64"]}}}}
services:
- {{name: web, protocol: tcp, address: 192.0.2.10, port: 80, method: nat, reals: [{{address: 192.0.2.11}}]}}
"""


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.makedirs("/run/shunt-lab", exist_ok=True)
        cls.folder = tempfile.mkdtemp(prefix="package-", dir="/run/shunt-lab")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.package = make_package(cls.folder)
        cls.processes = Processes(cls.folder)
        cls.addClassCleanup(cls.processes.stop_all)
        cls.machine = Machine(cls.processes, cls.folder, base=os.environ.get("SHUNT_TEST_ROOT", "/"))
        cls.addClassCleanup(cls.machine.stop)

    def run_in(self, *command, **options):
        return self.machine.run(list(command), **options)

    def install(self):
        return self.run_in("dpkg", "--install", "/run/outside/" + os.path.basename(self.package))

    def files_of_ours(self):
        """What is there by name, but what dpkg keeps about packages itself and logs."""
        found = self.run_in("find", "/etc", "/usr/bin", "/usr/sbin", "/usr/lib/systemd", "/usr/libexec", "/usr/share/doc",
                            "/usr/share/man", "/var/lib", "/run", "-xdev", "-name", "*shunt*", "-not", "-path",
                            "/var/lib/dpkg/*", "-not", "-path", "/run/outside*", check=False).stdout
        return sorted(found.split())

    def write(self, text):
        path = os.path.join(self.folder, "next.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        self.run_in("cp", "/run/outside/next.yaml", "/etc/shunt/shunt.yaml")

    def test_life_of_the_package(self):
        before = self.files_of_ours()
        self.install()
        self.starts_nothing_by_itself()
        self.starts_as_its_unit_says()
        self.reload_fails_for_a_bad_file()
        self.a_kill_brings_it_back()
        self.an_upgrade_stops_nothing()
        self.goes_without_a_trace(before)

    def starts_nothing_by_itself(self):
        self.assertEqual(self.machine.unit("shuntd.service", "ActiveState"), "inactive")
        self.assertEqual(self.machine.unit("shuntd.service", "UnitFileState"), "disabled")
        self.run_in("shuntd", "--check")
        self.assertIn("/var/lib/shunt", self.run_in("getent", "passwd", "shunt").stdout)

    def starts_as_its_unit_says(self):
        self.write(_CONFIG)
        started = self.run_in("systemctl", "enable", "--now", "shuntd.service", check=False)
        self.assertEqual(started.returncode, 0, self.machine.journal("shuntd.service"))
        pid = self.machine.unit("shuntd.service", "MainPID")
        status = self.run_in("cat", f"/proc/{pid}/status").stdout
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        self.assertNotEqual(fields["Uid"].split()[0], "0")
        # NET_ADMIN and NET_RAW.
        self.assertEqual(int(fields["CapEff"], 16), 1 << 12 | 1 << 13)
        self.assertEqual(fields["NoNewPrivs"].strip(), "1")
        self.assertIn("1 port, 1 worker", self.machine.unit("shuntd.service", "StatusText"))
        self.assertIn("web", self.run_in("shuntctl", "service", "list").stdout)
        completes = ("source /usr/share/bash-completion/completions/shuntctl; COMP_LINE='shuntctl real drain '; "
                     "COMP_POINT=${#COMP_LINE}; _shuntctl; echo \"${COMPREPLY[@]}\"")
        self.assertEqual(self.run_in("bash", "-c", completes).stdout, "web\n", "live names")
        addresses = self.run_in("ip", "address", "show", "sh-p0").stdout
        for address in ("192.0.2.2/24", "192.0.2.10/32", "2001:db8::2/64"):
            self.assertIn(address, addresses)
        journal = self.machine.journal("shuntd.service")
        self.assertNotIn("warning", journal)
        self.assertNotIn("error", journal)
        # rte_bpf wants memory that it may run, which the unit denies; a capture works without.
        self.run_in("shuntctl", "capture", "--filter", "tcp port 80", "--duration", "1s", "-w", "/tmp/x.pcapng")

    def reload_fails_for_a_bad_file(self):
        self.write(_CONFIG.replace("192.0.2.11}", "192.0.2.11, weight: 90000}"))
        self.assertNotEqual(self.run_in("systemctl", "reload", "shuntd.service", check=False).returncode, 0)
        self.assertIn("weight 90000 exceeds", self.machine.journal("shuntd.service"))
        self.write(_CONFIG.replace("192.0.2.11}", "192.0.2.11, weight: 9}"))
        self.run_in("systemctl", "reload", "shuntd.service")
        wait_for(lambda: "weight: 9" in self.run_in("shuntctl", "get").stdout, 20, "the reload to count")

    def a_kill_brings_it_back(self):
        pid = self.machine.unit("shuntd.service", "MainPID")
        self.run_in("kill", "-9", pid)
        wait_for(lambda: self.machine.unit("shuntd.service", "MainPID") not in (pid, "0")
                 and self.machine.unit("shuntd.service", "ActiveState") == "active", 60, "systemd to start it again")

    def an_upgrade_stops_nothing(self):
        pid = self.machine.unit("shuntd.service", "MainPID")
        said = self.install()
        self.assertIn("systemctl restart shuntd", said.stderr)
        self.assertEqual(self.machine.unit("shuntd.service", "MainPID"), pid)
        self.assertIn("weight: 9", self.run_in("cat", "/etc/shunt/shunt.yaml").stdout, "the operator's file is kept")

    def goes_without_a_trace(self, before):
        self.run_in("dpkg", "--remove", "shunt")
        self.assertEqual(self.machine.unit("shuntd.service", "ActiveState"), "inactive")
        self.assertNotEqual(self.run_in("ip", "link", "show", "sh-p0", check=False).returncode, 0)
        self.assertEqual(self.run_in("ls", "/etc/shunt").stdout.split(), ["shunt.yaml"], "what dpkg --remove keeps")
        self.run_in("dpkg", "--purge", "shunt")
        self.assertEqual(self.files_of_ours(), before)
        self.assertNotEqual(self.run_in("getent", "passwd", "shunt", check=False).returncode, 0)

    def test_manuals_and_completions_are_in_it(self):
        contents = run(["dpkg", "--contents", self.package]).stdout
        for path in ("man/man8/shuntd.8.gz", "man/man1/shuntctl.1.gz", "man/man5/shunt.yaml.5.gz", "zsh/vendor-completions/_shuntctl",
                     "bash-completion/completions/shuntctl", "fish/vendor_completions.d/shuntctl.fish", "doc/shunt/production.md",
                     "doc/shunt/examples/production.yaml", "doc/shunt/copyright"):
            self.assertRegex(contents, f" ./usr/share/{path}\n")

    def test_units_are_hardened(self):
        units = run(["dpkg", "--contents", self.package]).stdout
        for unit in ("shuntd.service", "shunt-hugepages.service", "shunt-bind@.service"):
            self.assertIn("/usr/lib/systemd/system/" + unit, units)
            path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../config/systemd", unit)
            # Exposure of at most 3.0.
            run(["systemd-analyze", "security", "--offline=true", "--threshold=30", path])


if __name__ == "__main__":
    unittest.main(verbosity=2)
