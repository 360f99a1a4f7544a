"""Coming over from Linux's IPVS and going back: the kernel's own table, as ipvsadm saves it, becomes a file that shuntd
takes, and what shuntctl exports of it restores the very table in the kernel."""

import glob
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(os.path.join(ROOT, "tests"))

from conformance.guest import Guest  # noqa: E402
from lab.shell import Processes  # noqa: E402

BIN = os.environ.get("SHUNT_BIN_DIR", os.path.join(ROOT, "build/release/bin"))

LISTING = """\
-A -t 192.0.2.10:80 -s wlc -p 600 -M 255.255.255.0
-a -t 192.0.2.10:80 -r 10.0.0.1:8080 -m -w 3
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -m -w 0
-A -t 192.0.2.11:0 -s fo -p
-a -t 192.0.2.11:0 -r 10.0.0.2:0 -g
-A -t 192.0.2.12:443 -s rr
-a -t 192.0.2.12:443 -r 10.0.0.3 -i --tun-type gue --tun-port 6081 --tun-csum
-a -t 192.0.2.12:443 -r [2001:db8::4]:443 -i --tun-type gre
-a -t 192.0.2.12:443 -r 10.0.0.5 -i
-A -u 192.0.2.10:53 -s sh -o -b sh-fallback,sh-port
-a -u 192.0.2.10:53 -r 10.0.0.1:53 -m
-A --sctp-service 192.0.2.10:9 -s mh -b flag-2
-a --sctp-service 192.0.2.10:9 -r 10.0.0.1:9 -m
-A -t [2001:db8::1]:443 -s sed -p 300 -M 64
-a -t [2001:db8::1]:443 -r [2001:db8::a]:8443 -m -w 2
""".splitlines()


def shuntctl(*arguments, text=None):
    return subprocess.run([os.path.join(BIN, "shuntctl"), *arguments], input=text, capture_output=True, text=True, timeout=60,
                          check=False)


class KernelTable(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        cls.folder = folder.name
        cls.guest = Guest(Processes(folder.name), None, folder.name, {})
        cls.addClassCleanup(cls.guest.stop)

    def saved(self, lines, numeric=" -n"):
        self.guest.say("ipvsadm -C")
        self.guest.feed("ipvsadm -R", lines)
        return self.guest.say(f"ipvsadm -S{numeric}").replace("\r", "")

    def imported(self, listing):
        done = shuntctl("import", "ipvsadm", text=listing)
        self.assertEqual(done.returncode, 0, done.stderr)
        path = os.path.join(self.folder, "lb.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(done.stdout)
        return path

    def test_the_kernels_table_comes_back_the_same(self):
        listing = self.saved(LISTING)
        path = self.imported(listing)
        checked = subprocess.run([os.path.join(BIN, "shuntd"), "--check", "-c", path], capture_output=True, text=True, timeout=60,
                                 check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        exported = shuntctl("export", "ipvsadm", "-f", path)
        self.assertEqual(self.saved(exported.stdout.splitlines()), listing)

    def test_a_machine_of_dpvss_is_one_that_shuntd_takes(self):
        path = os.path.join(self.folder, "dpvs.conf")
        workers = "".join(f"worker cpu{n} {{\n type {'slave' if n else 'master'}\n cpu_id {n}\n}}\n" for n in range(9))
        with open(path, "w", encoding="utf-8") as out:
            out.write("netif_defs {\n device dpdk0 {\n  rx {\n   descriptor_number 1024\n  }\n }\n device dpdk1 {\n }\n}\n"
                      f"worker_defs {{\n{workers}}}\nipvs_defs {{\n conn {{\n  conn_pool_size 2097152\n }}\n}}\n")
        done = shuntctl("import", "dpvs", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(self.folder, "dpvs.yaml"), "w", encoding="utf-8") as out:
            out.write(done.stdout)
        # It also says whether the memory is enough for the tables.
        checked = subprocess.run([os.path.join(BIN, "shuntd"), "--check", "-c", out.name], capture_output=True, text=True,
                                 timeout=60, check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr + done.stdout)

    def test_a_listing_with_names_is_the_same(self):
        numbers, names = self.saved(LISTING), self.saved(LISTING, "")
        self.assertIn(":https", names)
        self.assertEqual(shuntctl("import", "ipvsadm", text=names).stdout, shuntctl("import", "ipvsadm", text=numbers).stdout)

    def test_ipvsadm_takes_what_is_exported_of_every_example(self):
        for path in sorted(glob.glob(os.path.join(ROOT, "config/examples/*.yaml"))):
            exported = shuntctl("export", "ipvsadm", "-f", path)
            self.assertIn(exported.returncode, (0, 1), exported.stderr)
            lines = exported.stdout.splitlines()
            self.guest.say("ipvsadm -C")
            # Linux's module for twos is missing in the guest's kernel.
            self.guest.feed("ipvsadm -R", [line.replace("-s twos", "-s wlc") for line in lines])
            services = [line for line in self.guest.say("ipvsadm -S -n").splitlines() if line.startswith("-A")]
            self.assertEqual(len(services), sum(line.startswith("-A") for line in lines), path)


if __name__ == "__main__":
    unittest.main()
